//! The small language of wanna-build's `--format`: `%p` is the package, `%{Text}u` prints the text where there is a
//! builder, `%{!Text}u` where there is none; the text may hold further `%`.

use super::{Entry, state_word};
use crate::core::job::JobState;

/// One entry in a format; `queued` counts what was printed in `Needs-Build` before it.
pub fn print(format: &str, entry: &Entry, queued: usize, now: i64) -> String {
    let mut out = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let braced = rest.strip_prefix('{').and_then(closed);
        if let Some((text, after)) = braced {
            rest = after;
            let Some(letter) = rest.chars().next() else { break };
            rest = &rest[letter.len_utf8()..];
            let has = value(letter, entry, queued, now).is_some_and(|value| !value.is_empty());
            match text.strip_prefix('!') {
                Some(text) if !has => out.push_str(&print(text, entry, queued, now)),
                None if has => out.push_str(&print(text, entry, queued, now)),
                Some(_) | None => {}
            }
            continue;
        }
        let Some(letter) = rest.chars().next() else {
            out.push('%');
            break;
        };
        rest = &rest[letter.len_utf8()..];
        match value(letter, entry, queued, now) {
            Some(value) => out.push_str(&value),
            // What means nothing is printed as it is.
            None => out.extend(['%', letter]),
        }
    }
    out.push_str(rest);
    out
}

/// What is before the closing brace, braces within counted, and what is behind it.
fn closed(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1_u32;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&text[..at], &text[at + 1..]));
        }
    }
    None
}

/// What a letter stands for; `None` for one that stands for nothing.
fn value(letter: char, entry: &Entry, queued: usize, now: i64) -> Option<String> {
    let number = |seconds: u64| if seconds > 0 { seconds.to_string() } else { String::new() };
    let escaped = |what: &str, reason: Option<&str>| {
        let Some(reason) = reason else { return String::new() };
        let lines = reason.replace('\\', "\\\\").lines().collect::<Vec<_>>().join("\\0a");
        format!("{}#{}-{what}\n {lines}\\0a\n", entry.package, entry.arch)
    };
    let longest = entry.build_seconds.max(entry.success_seconds);
    Some(match letter {
        'p' => entry.package.clone(),
        'a' => entry.arch.clone(),
        'v' | 'V' => entry.version.clone(),
        'S' => state_word(entry.state).to_owned(),
        'P' => entry.previous_state.map_or("unknown", state_word).to_owned(),
        'u' => entry.builder.clone().unwrap_or_default(),
        'c' => entry.section.clone(),
        'd' => entry.distribution.clone(),
        'X' => entry.notes(now),
        'E' if entry.state == JobState::NeedsBuild => (queued + 1).to_string(),
        'E' => entry.reason_in(JobState::DepWait).unwrap_or_default().to_owned(),
        'F' => escaped("failure", entry.reason_in(JobState::Failed)),
        'D' => escaped("bd-problem", entry.reason_in(JobState::BdUninstallable)),
        // Version suffixes are part of what is built, not binary NMUs of wanna-build's kind.
        'B' => String::new(),
        's' => (entry.changed_at / 1000).to_string(),
        't' => entry.changed(),
        'T' => clock(u64::try_from(entry.age(now)).unwrap_or(0)),
        'o' => number(entry.success_seconds),
        'O' => clock(entry.success_seconds),
        'q' => number(entry.build_seconds),
        'Q' => clock(entry.build_seconds),
        'r' => number(longest),
        'R' => clock(longest),
        'n' => "\n".to_owned(),
        '%' => "%".to_owned(),
        '!' => "!".to_owned(),
        _ => return None,
    })
}

/// Seconds as `1:02:03` or `2:03`; nothing for none.
fn clock(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (seconds, hours) {
        (0, _) => String::new(),
        (_, 0) => format!("{minutes}:{rest:02}"),
        (_, hours) => format!("{hours}:{minutes:02}:{rest:02}"),
    }
}

//! `.list` files: `deb [option=value ...] URI SUITE COMPONENT...`.

use super::{AptEntry, AptSourceError, Options, check_uri};

/// What a line looks like, for advice.
const FORM: &str = "a line is `deb [signed-by=/usr/share/keyrings/KEY.gpg] http://deb.example.org/debian trixie main`";

/// Reads a file.
pub(super) fn parse(file: &str, bytes: &[u8]) -> Result<Vec<AptEntry>, AptSourceError> {
    let text = String::from_utf8_lossy(bytes);
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = without_comment(line).trim();
        if !line.is_empty() {
            entries.push(parse_line(&format!("{file}:{}", index + 1), line)?);
        }
    }
    Ok(entries)
}

/// Cuts a comment off; a `#` inside of `[...]` begins none.
fn without_comment(line: &str) -> &str {
    let mut depth = 0i32;
    for (at, c) in line.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            '#' if depth <= 0 => return &line[..at],
            _ => {}
        }
    }
    line
}

/// Reads one line that holds an entry.
fn parse_line(at: &str, line: &str) -> Result<AptEntry, AptSourceError> {
    let malformed = |expected: &'static str, got: &str| AptSourceError::Malformed {
        at: at.to_owned(),
        expected,
        got: got.to_owned(),
        hint: FORM,
    };
    let (kind, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let declared = match kind {
        "deb" => false,
        "deb-src" => true,
        _ => return Err(malformed("`deb` or `deb-src`", kind)),
    };
    let mut rest = rest.trim_start();
    let mut options = Options::default();
    if let Some(inside) = rest.strip_prefix('[') {
        let (inside, after) = inside.split_once(']').ok_or_else(|| malformed("`]` after the options", line))?;
        for option in inside.split_ascii_whitespace() {
            // An operator is part of the name (`arch+=armhf`), which is how apt keeps it, too.
            match option.split_once('=') {
                Some((name, value)) if !name.is_empty() && !value.is_empty() => options.set(at, name, value)?,
                Some(_) | None => return Err(malformed("an option such as `arch=amd64`", option)),
            }
        }
        rest = after;
    }
    let words = words(rest);
    let mut words = words.iter();
    let uri = words.next().ok_or_else(|| malformed("a URI after `deb`", line))?;
    check_uri(at, uri)?;
    let suite = words.next().ok_or_else(|| malformed("a suite after the URI", line))?;
    let names: Vec<&str> = words.map(String::as_str).collect();
    let names = match (suite.ends_with('/'), names.is_empty()) {
        (true, true) => vec![""],
        (false, false) => names,
        (flat, _) => {
            return Err(AptSourceError::Components {
                at: at.to_owned(),
                suite: suite.clone(),
                expected: if flat { "no components" } else { "components such as `main`" },
                got: if flat { format!("`{}`", names.join(" ")) } else { "none".to_owned() },
            });
        }
    };
    let components = names.into_iter().map(|name| options.component(name, !declared, declared)).collect();
    Ok(options.entry(at, uri, suite, components))
}

/// Words between blanks, where quotes and brackets keep blanks in (`cdrom:[Debian 12 ...]/`).
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut depth, mut begun) = (false, 0u32, false);
    for c in text.chars() {
        match c {
            '"' => (quoted, begun) = (!quoted, true),
            _ if c.is_ascii_whitespace() && !quoted && depth == 0 => {
                if begun {
                    words.push(std::mem::take(&mut word));
                    begun = false;
                }
            }
            _ => {
                match c {
                    '[' => depth += 1,
                    ']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

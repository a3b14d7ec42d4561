//! Events in words: what a log file, a pipe or a scrolling terminal gets of each.

use std::time::Duration;

use crate::cli::jobs::{Mark, mark, state_word, title};
use crate::cli::output::{Volume, clean};
use crate::core::events::Event;
use crate::core::settings::value::duration_text;

/// The lines of an event; none for how far a step is, since that would be a line for every few bytes.
pub fn lines(event: &Event) -> Vec<String> {
    match event {
        Event::Working { step, what } => vec![format!("{}: {}", clean(step), clean(what))],
        Event::Progress { .. } => Vec::new(),
        Event::Note { text } => vec![format!("note: {}", text.lines().map(clean).collect::<Vec<_>>().join("\n      "))],
        Event::StageStarted { stage, jobs, done } => {
            let before = if *done > 0 { format!(", {done} of them done before") } else { String::new() };
            vec![format!("stage {}: {}{before}", clean(stage), counted(*jobs, "job"))]
        }
        Event::Outdated { round, sources } => vec![outdated(*round, sources)],
        Event::JobStarted { source, version, arch, builder, .. } => {
            vec![format!("building  {} on {}", title(source, version, arch), clean(builder))]
        }
        Event::JobFinished { .. } => job_finished(event),
        Event::StageFinished { stage, installed, failed } => {
            vec![format!("stage {}: done, {installed} installed, {failed} failed", clean(stage))]
        }
        Event::Published { path, suite, sources, packages, unchanged } => {
            let verb = if *unchanged { "unchanged" } else { "published" };
            let (sources, packages) = (counted(*sources, "source package"), counted(*packages, "binary package"));
            vec![format!("{verb}  {} suite {}: {sources}, {packages}", clean(path), clean(suite))]
        }
        Event::Proved { line } => vec![format!("proved  {}", clean(line))],
    }
}

/// So many outdated sources are named.
const NAMED: usize = 20;

/// What is outdated, in one line.
fn outdated(round: u64, sources: &[String]) -> String {
    let mut named: Vec<String> = sources.iter().take(NAMED).map(|source| clean(source)).collect();
    if sources.len() > NAMED {
        named.push(format!("and {} more", sources.len() - NAMED));
    }
    match sources.len() {
        0 => format!("round {round}: nothing is outdated"),
        1 => format!("round {round}: 1 source is outdated: {}", named.join(", ")),
        count => format!("round {round}: {count} sources are outdated: {}", named.join(", ")),
    }
}

/// How a job ended; what failed is followed by the last lines of its log and the log's path.
fn job_finished(event: &Event) -> Vec<String> {
    let Event::JobFinished { source, version, arch, state, reused, seconds, reason, log, tail, .. } = event else {
        return Vec::new();
    };
    let mut line = format!("{}  {}", state_word(state), title(source, version, arch));
    match (reason, reused) {
        (Some(reason), _) => line.push_str(&format!(": {}", reason.lines().map(clean).collect::<Vec<_>>().join("; "))),
        (None, true) => line.push_str(": built before from the same inputs"),
        (None, false) if *seconds > 0 => {
            line.push_str(&format!(" in {}", duration_text(Duration::from_secs(*seconds))));
        }
        (None, false) => {}
    }
    let mut lines = vec![line];
    if mark(state) == Mark::Bad {
        lines.extend(tail.iter().map(|line| format!("    | {}", clean(line)).trim_end().to_owned()));
        lines.extend(log.iter().map(|log| format!("    log: {}", clean(log))));
    }
    lines
}

/// `1 job`, `3 jobs`.
pub fn counted(count: u64, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

/// The least volume at which an event is shown; a failed job is always shown.
pub fn volume(event: &Event) -> Volume {
    match event {
        Event::JobFinished { state, .. } if mark(state) == Mark::Bad => Volume::Quiet,
        Event::Working { .. }
        | Event::Progress { .. }
        | Event::Note { .. }
        | Event::StageStarted { .. }
        | Event::Outdated { .. }
        | Event::JobStarted { .. }
        | Event::JobFinished { .. }
        | Event::StageFinished { .. }
        | Event::Published { .. }
        | Event::Proved { .. } => Volume::Normal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_says_in_one_line_what_is_outdated() {
        let check = |count: usize| {
            let sources = (1..=count).map(|number| format!("p{number} 2 (only those of 1 are there)")).collect();
            lines(&Event::Outdated { round: 2, sources }).join("\n")
        };
        assert_eq!(check(0), "round 2: nothing is outdated");
        assert_eq!(check(1), "round 2: 1 source is outdated: p1 2 (only those of 1 are there)");
        assert!(check(2).starts_with("round 2: 2 sources are outdated: p1 2 ("), "{}", check(2));
        assert!(check(25).ends_with("p20 2 (only those of 1 are there), and 5 more"), "{}", check(25));
    }
}

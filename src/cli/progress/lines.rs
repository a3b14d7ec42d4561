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
        | Event::JobStarted { .. }
        | Event::JobFinished { .. }
        | Event::StageFinished { .. }
        | Event::Published { .. }
        | Event::Proved { .. } => Volume::Normal,
    }
}

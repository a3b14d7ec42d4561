//! Better, worse, or nobody can tell; and whether it is worth it.

use super::{Direction, FailureLine, Finding, Line, MARGIN, Verdict};
use crate::core::measure::BENCH;
use crate::core::order::text::counted;

/// What an interval of ratios says.
pub fn of_interval(direction: Direction, interval: Option<(f64, f64)>) -> Finding {
    let Some((low, high)) = interval else { return Finding::Unclear };
    if low >= 1.0 - MARGIN && high <= 1.0 + MARGIN {
        return Finding::Same;
    }
    match (low > 1.0, high < 1.0) {
        (true, _) => gone(direction, true),
        (_, true) => gone(direction, false),
        (false, false) => Finding::Unclear,
    }
}

/// What two sums say, of values that have no ratio.
pub fn of_sums(direction: Direction, (before, after): (f64, f64)) -> Finding {
    if before == after { Finding::Same } else { gone(direction, after > before) }
}

fn gone(direction: Direction, up: bool) -> Finding {
    match (direction, up) {
        (Direction::Neutral, _) => Finding::Other,
        (Direction::More, true) | (Direction::Less, false) => Finding::Better,
        (Direction::More, false) | (Direction::Less, true) => Finding::Worse,
    }
}

/// Whether what was found makes it worth it, and why. Where bench scripts measured what the flags are for, they decide,
/// and the rest is what it costs; tests that fail decide before all others. `failed` is what the baseline builds.
pub fn of<'f>(lines: &[Line], failed: impl Iterator<Item = &'f FailureLine>) -> (Verdict, String) {
    let all = |finding: Finding| lines.iter().filter(move |line| line.finding == finding).collect::<Vec<_>>();
    let is_goal = |line: &&Line| line.name.starts_with(BENCH);
    let (better, worse, unclear) = (all(Finding::Better), all(Finding::Worse), all(Finding::Unclear));
    let (verdict, mut why) = if lines.is_empty() {
        (Verdict::Unknown, "nothing was measured in both".to_owned())
    } else if let Some(tests) = worse.iter().find(|line| line.name == "tests-failed") {
        (Verdict::Not, format!("more tests fail: {}", change(tests)))
    } else if lines.iter().any(|line| is_goal(&line)) {
        let goal = |lines: &[&Line]| lines.iter().any(is_goal);
        let verdict = match (goal(&better), goal(&worse)) {
            (true, false) => Verdict::Worth,
            (false, true) => Verdict::Not,
            (false, false) if !goal(&unclear) => Verdict::Not,
            (true, true) | (false, false) => Verdict::Unknown,
        };
        (verdict, reason(&better, &worse, &unclear))
    } else {
        let verdict = match (better.is_empty(), worse.is_empty(), unclear.is_empty()) {
            (false, true, _) => Verdict::Worth,
            (true, false, _) | (true, true, true) => Verdict::Not,
            (false, false, _) | (true, true, false) => Verdict::Unknown,
        };
        (verdict, reason(&better, &worse, &unclear))
    };
    let failed = failed.count();
    if failed > 0 {
        let fail = if failed == 1 { "fails" } else { "fail" };
        why = format!("{why}; {} {fail} that the baseline builds", counted(failed, "package"));
    }
    (verdict, why)
}

/// What is better, what is worse, and what nobody can tell.
fn reason(better: &[&Line], worse: &[&Line], unclear: &[&Line]) -> String {
    let list = |lines: &[&Line]| lines.iter().map(|line| change(line)).collect::<Vec<_>>().join(", ");
    let names = |lines: &[&Line]| lines.iter().map(|line| line.name.as_str()).collect::<Vec<_>>().join(", ");
    let mut parts = Vec::new();
    for (word, lines) in [("better", better), ("worse", worse)] {
        if !lines.is_empty() {
            parts.push(format!("{word}: {}", list(lines)));
        }
    }
    if parts.is_empty() && unclear.is_empty() {
        return "nothing changes by more than 1 %".to_owned();
    }
    if !unclear.is_empty() {
        let few = unclear.iter().all(|line| line.low.is_none());
        let hint = if few { " (more repeats or packages would say)" } else { "" };
        parts.push(format!("not clear: {}{hint}", names(unclear)));
    }
    parts.join("; ")
}

/// `build-time +3.1 %`
pub fn change(line: &Line) -> String {
    match line.ratio {
        Some(ratio) => format!("{} {}", line.name, percent(ratio.0)),
        None => format!("{} {} to {}", line.name, line.baseline.0, line.value.0),
    }
}

/// A ratio as what it adds or takes away.
pub fn percent(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    if percent.abs() < 0.05 { "0.0 %".to_owned() } else { format!("{percent:+.1} %") }
}

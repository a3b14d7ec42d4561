//! How many tests a package's own suite ran, as its log says: a line or two of each of the usual frameworks.

use super::{Measured, Metric};

/// Tests of one suite.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Counts {
    fn all(self) -> u64 {
        self.passed + self.failed + self.skipped
    }

    fn add(&mut self, passed: u64, failed: u64, skipped: u64) {
        self.passed += passed;
        self.failed += failed;
        self.skipped += skipped;
    }
}

/// What a framework makes of a line.
type Take = fn(&str, &mut State);

/// The frameworks that are known, each with what it makes of a line.
const FRAMEWORKS: [(&str, Take); 9] = [
    ("automake", automake),
    ("dejagnu", dejagnu),
    ("ctest", ctest),
    ("meson", meson),
    ("pytest", pytest),
    ("unittest", unittest),
    ("cargo", cargo),
    ("go", go),
    ("prove", prove),
];

/// What a framework said so far.
#[derive(Debug, Default)]
struct State {
    counts: Counts,
    /// Tests whose result a later line tells.
    open: u64,
    /// Failures whose total a later line tells.
    failed: u64,
}

/// Counts tests line by line.
#[derive(Debug, Default)]
pub struct Suite {
    states: [State; FRAMEWORKS.len()],
}

impl Suite {
    /// Takes a line of the log into account.
    pub fn take(&mut self, line: &[u8]) {
        // No line of interest is longer; a file that was printed whole may be.
        if line.len() > 400 {
            return;
        }
        let line = String::from_utf8_lossy(line);
        for ((_, take), state) in FRAMEWORKS.iter().zip(&mut self.states) {
            take(line.trim_end(), state);
        }
    }

    /// What was counted; nothing where no framework said anything. One that runs another one's tests says them once
    /// more, so the one that counted most stands for all.
    pub fn measured(&self) -> Vec<Measured> {
        let Some(most) = self.states.iter().map(|state| state.counts).max_by_key(|counts| counts.all()) else {
            return Vec::new();
        };
        if most.all() == 0 {
            return Vec::new();
        }
        let counts = [most.passed, most.failed, most.skipped];
        Metric::Tests.values().iter().zip(counts).map(|(name, count)| Measured::new(name, count as f64, "")).collect()
    }
}

/// The number at the beginning of a text.
fn number(text: &str) -> Option<u64> {
    let text = text.trim_start();
    text[..text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())].parse().ok()
}

/// The number before a word: `12 passed`.
fn before(line: &str, word: &str) -> Option<u64> {
    let words: Vec<&str> = line.split([' ', '\t', ',', ';', '(', ')', '=']).filter(|word| !word.is_empty()).collect();
    let at = words.iter().position(|known| *known == word)?;
    words[at.checked_sub(1)?].parse().ok()
}

/// `# PASS:  5`, in the summary of each directory.
fn automake(line: &str, state: &mut State) {
    let Some((word, count)) = line.strip_prefix("# ").and_then(|rest| rest.split_once(':')) else { return };
    let Some(count) = number(count) else { return };
    match word {
        "PASS" | "XFAIL" => state.counts.passed += count,
        "FAIL" | "XPASS" | "ERROR" => state.counts.failed += count,
        "SKIP" => state.counts.skipped += count,
        _ => {}
    }
}

/// `# of expected passes            123`
fn dejagnu(line: &str, state: &mut State) {
    let Some(rest) = line.strip_prefix("# of ") else { return };
    let Some(count) = rest.split_whitespace().last().and_then(|word| word.parse::<u64>().ok()) else { return };
    let word = rest.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end();
    match word {
        "expected passes" | "expected failures" => state.counts.passed += count,
        "unexpected failures" | "unexpected successes" | "unresolved testcases" => state.counts.failed += count,
        "unsupported tests" | "untested testcases" => state.counts.skipped += count,
        _ => {}
    }
}

/// `92% tests passed, 1 tests failed out of 12`
fn ctest(line: &str, state: &mut State) {
    let Some((_, rest)) = line.split_once("% tests passed, ") else { return };
    let all = rest.split_once(" out of ").and_then(|(_, all)| number(all));
    if let (Some(failed), Some(all)) = (number(rest), all) {
        state.counts.add(all.saturating_sub(failed), failed, 0);
    }
}

/// `Ok:                 12`, and its like.
fn meson(line: &str, state: &mut State) {
    let Some((word, count)) = line.split_once(':') else { return };
    let padded = count.starts_with("  ");
    let Some(count) = number(count).filter(|_| padded) else { return };
    match word {
        "Ok" | "Expected Fail" => state.counts.passed += count,
        "Fail" | "Unexpected Pass" | "Timeout" => state.counts.failed += count,
        "Skipped" => state.counts.skipped += count,
        _ => {}
    }
}

/// `===== 12 passed, 1 failed, 2 skipped in 0.12s =====`, with or without the frame.
fn pytest(line: &str, state: &mut State) {
    let inside = line.trim_matches(['=', ' ']);
    let timed = inside.rsplit_once(" in ").is_some_and(|(_, time)| {
        time.starts_with(|c: char| c.is_ascii_digit()) && (time.contains('s') || time.contains(':'))
    });
    if !timed || !inside.starts_with(|c: char| c.is_ascii_digit()) {
        return;
    }
    let count = |word| before(inside, word).unwrap_or(0);
    let failed = count("failed") + count("error") + count("errors") + count("xpassed");
    state.counts.add(count("passed") + count("xfailed"), failed, count("skipped"));
}

/// `Ran 12 tests in 0.1s`, and later `OK (skipped=1)` or `FAILED (failures=1, errors=2)`.
fn unittest(line: &str, state: &mut State) {
    if let Some(rest) = line.strip_prefix("Ran ").filter(|rest| rest.contains(" test") && rest.contains(" in ")) {
        state.open = number(rest).unwrap_or(0);
        return;
    }
    if state.open == 0 || !(line == "OK" || line.starts_with("OK (") || line.starts_with("FAILED (")) {
        return;
    }
    let count = |name: &str| {
        line.split(['(', ',', ')'])
            .find_map(|part| number(part.trim().strip_prefix(name)?.strip_prefix('=')?))
            .unwrap_or(0)
    };
    let (failed, skipped) = (count("failures") + count("errors") + count("unexpected successes"), count("skipped"));
    state.counts.add(state.open.saturating_sub(failed + skipped), failed, skipped);
    state.open = 0;
}

/// `test result: ok. 12 passed; 0 failed; 1 ignored; ...`
fn cargo(line: &str, state: &mut State) {
    if let Some(rest) = line.trim_start().strip_prefix("test result: ") {
        let count = |word| before(rest, word).unwrap_or(0);
        state.counts.add(count("passed"), count("failed"), count("ignored"));
    }
}

/// `--- PASS: TestX (0.00s)`; those of a test's parts are indented, and counted with it.
fn go(line: &str, state: &mut State) {
    match line.split_once(": ").map(|(word, _)| word) {
        Some("--- PASS") => state.counts.passed += 1,
        Some("--- FAIL") => state.counts.failed += 1,
        Some("--- SKIP") => state.counts.skipped += 1,
        Some(_) | None => {}
    }
}

/// `Failed 2/42 subtests` of each file, then `Files=3, Tests=42, ...`
fn prove(line: &str, state: &mut State) {
    let line = line.trim_start();
    if let Some(rest) = line.strip_prefix("Failed ").filter(|rest| rest.contains(" subtests")) {
        state.failed += number(rest).unwrap_or(0);
    } else if let Some(tests) = line.strip_prefix("Files=").and_then(|rest| rest.split_once(", Tests=")) {
        let failed = std::mem::take(&mut state.failed);
        state.counts.add(number(tests.1).unwrap_or(0).saturating_sub(failed), failed, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(log: &str) -> Vec<u64> {
        let mut suite = Suite::default();
        log.lines().for_each(|line| suite.take(line.as_bytes()));
        suite.measured().iter().map(|found| found.value.0 as u64).collect()
    }

    #[test]
    fn the_usual_frameworks_are_counted() {
        let dejagnu = "\t\t=== gcc Summary ===\n# of expected passes\t\t120\n# of unexpected failures\t3\n";
        for (log, counts) in [
            (
                "# TOTAL: 9\n# PASS:  5\n# SKIP:  1\n# XFAIL: 1\n# FAIL:  2\n# XPASS: 0\n# ERROR: 0\n# PASS: 3",
                [9, 2, 1],
            ),
            ("92% tests passed, 1 tests failed out of 12", [11, 1, 0]),
            (
                "Ok:                 10  \nExpected Fail:      0   \nFail:               1   \nSkipped:            2",
                [10, 1, 2],
            ),
            ("===== 1 failed, 12 passed, 2 skipped, 3 warnings in 0.12s =====", [12, 1, 2]),
            ("12 passed in 0.12s", [12, 0, 0]),
            ("Ran 12 tests in 0.123s\n\nOK (skipped=2)", [10, 0, 2]),
            ("Ran 1 test in 0.1s\n\nOK\nRan 5 tests in 1s\n\nFAILED (failures=1, errors=1)", [4, 2, 0]),
            (
                "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured\ntest result: FAILED. 1 passed; 2 failed",
                [13, 2, 1],
            ),
            ("--- PASS: TestA (0.00s)\n    --- PASS: TestA/b (0.00s)\n--- SKIP: TestC (0.00s)", [1, 0, 1]),
            ("Failed 2/20 subtests \nFiles=3, Tests=42,  1 wallclock secs\nResult: FAIL", [40, 2, 0]),
            (dejagnu, [120, 3, 0]),
        ] {
            assert_eq!(check(log), counts, "{log}");
        }
    }

    #[test]
    fn what_is_no_suite_is_not_counted_and_of_two_that_count_the_same_the_larger_one_is() {
        assert!(check("Fail: 1\nOk: yes\nfinished in 3s\n# a comment: 12\nOK\n# of things 3").is_empty());
        assert_eq!(check("100% tests passed, 0 tests failed out of 2\n===== 40 passed in 1.2s ====="), [40, 0, 0]);
        assert!(check(&format!("12 passed in {}s", "1".repeat(500))).is_empty());
    }
}

//! The only reader of time.
//!
//! **Invariant:** nothing else in the program asks the system what time it is; it is handed on as a value.

use jiff::Timestamp;

/// The time now.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A moment to measure from, for durations that must not jump with the wall clock.
pub fn instant() -> std::time::Instant {
    std::time::Instant::now()
}

/// A moment as changelogs have it: `Sat, 11 Jul 2026 10:16:37 +0000`; now, where none is given in seconds since 1970.
pub fn changelog_date(at: Option<i64>) -> String {
    let at = at.and_then(|at| Timestamp::from_second(at).ok()).unwrap_or_else(now);
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// A moment as Release files have it: `Sat, 11 Jul 2026 10:16:37 UTC`.
pub fn release_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string()
}

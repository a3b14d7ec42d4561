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

//! How long a job waits before it is tried again after infrastructure's fault.

use std::time::Duration;

/// Each pause is so many times as long as the one before.
const FACTOR: u32 = 4;

/// The pause before the next try, after so many; `first` is the one after the first.
pub fn pause(tries: u32, first: Duration) -> Duration {
    first.saturating_mul(FACTOR.saturating_pow(tries.saturating_sub(1).min(8)))
}

/// Whether a job may be tried now. A time further off than any pause is no such time: the clock was set back.
pub fn is_due(not_before_ms: i64, now_ms: i64, first: Duration) -> bool {
    let longest = i64::try_from(pause(super::MAX_ATTEMPTS, first).as_millis()).unwrap_or(i64::MAX);
    not_before_ms <= now_ms || not_before_ms.saturating_sub(now_ms) > longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let first = Duration::from_secs(10);
        let seconds: Vec<u64> = (1..=4).map(|tries| pause(tries, first).as_secs()).collect();
        assert_eq!(seconds, [10, 40, 160, 640]);
        assert_eq!(pause(u32::MAX, first), pause(9, first));
    }

    #[test]
    fn a_clock_that_was_set_back_delays_nothing_for_longer_than_the_longest_pause() {
        let first = Duration::from_secs(10);
        assert!(is_due(1000, 1000, first) && !is_due(1001, 1000, first));
        assert!(!is_due(640_000, 0, first) && is_due(640_001, 0, first));
    }
}

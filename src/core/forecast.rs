//! What a stage will take: time with so many builders, and disk.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use crate::core::order::tracker::{AfterFailure, Progress, Tracker};
use crate::core::recipe::OrderedJob;

/// A tree that is being built takes about so many times its compressed source.
const TREE: u64 = 12;

/// What a stage is expected to take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forecast {
    /// Builds at the same time.
    pub slots: u32,
    /// Seconds of all builds, one after another.
    pub work_seconds: u64,
    /// Seconds from the first build to the end of the last, with these slots.
    pub elapsed_seconds: u64,
    /// Seconds of the longest chain of builds that wait for each other: no number of slots makes it shorter.
    pub chain_seconds: u64,
    /// How many of the estimates are from earlier builds; the others are from the source's size and section.
    pub known: u64,
    /// Bytes of the source packages.
    pub source_bytes: u64,
    /// Bytes on disk at the worst moment, sources included and results not.
    pub disk_bytes: u64,
}

/// Builds the jobs of an order in thought: the most urgent ready one whenever a slot is free. `sizes` has the bytes of
/// each job's source, `known` how many estimates are from earlier builds.
pub fn forecast(jobs: &[OrderedJob], slots: u32, sizes: &[u64], known: u64) -> Forecast {
    let mut largest: Vec<u64> = sizes.to_vec();
    largest.sort_unstable_by_key(|&size| Reverse(size));
    let at_once = largest.iter().take(slots as usize).fold(0u64, |sum, size| sum.saturating_add(*size));
    // Both halves of a source, `all` and a real architecture, are built from the same files.
    let mut counted = rustc_hash::FxHashSet::default();
    let of_source = jobs.iter().zip(sizes).filter(|(job, _)| counted.insert((&job.source, &job.version)));
    let source_bytes = of_source.fold(0u64, |sum, (_, size)| sum.saturating_add(*size));
    Forecast {
        slots,
        work_seconds: jobs.iter().fold(0u64, |sum, job| sum.saturating_add(job.estimate)),
        elapsed_seconds: elapsed(jobs, slots),
        chain_seconds: jobs.iter().map(|job| job.priority).max().unwrap_or_default(),
        known,
        source_bytes,
        disk_bytes: source_bytes.saturating_add(at_once.saturating_mul(TREE)),
    }
}

/// Seconds until the last job has ended.
fn elapsed(jobs: &[OrderedJob], slots: u32) -> u64 {
    let mut tracker = Tracker::of(jobs, AfterFailure::GoOn);
    let urgent = |number: u32| {
        let job = &jobs[number as usize];
        (job.priority, job.frees, Reverse(number))
    };
    let mut ready: BinaryHeap<_> = tracker.ready().into_iter().map(urgent).collect();
    let mut running: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
    let mut now = 0;
    loop {
        while running.len() < slots.max(1) as usize
            && let Some((_, _, Reverse(number))) = ready.pop()
        {
            running.push(Reverse((now + jobs[number as usize].estimate, number)));
        }
        let Some(Reverse((end, number))) = running.pop() else { return now };
        now = end;
        ready.extend(tracker.set(number, Progress::Succeeded).ready.into_iter().map(urgent));
    }
}

/// Seconds as a person reads them.
pub fn time(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// Bytes as a person reads them.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes % 1_000_000_000 / 100_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(source: &str, estimate: u64, priority: u64, after: &[u32]) -> OrderedJob {
        OrderedJob {
            source: source.to_owned(),
            version: "1".to_owned(),
            arch: "amd64".to_owned(),
            component: "main".to_owned(),
            after: after.to_vec(),
            estimate,
            priority,
            frees: 0,
            profiles: Vec::new(),
        }
    }

    #[test]
    fn with_more_slots_it_takes_less_until_the_longest_chain_is_all_that_is_left() {
        let jobs = [job("a", 10, 30, &[]), job("b", 20, 20, &[1]), job("c", 10, 10, &[]), job("d", 10, 10, &[])];
        let took = |slots| {
            let forecast = forecast(&jobs, slots, &[5, 1, 1, 1], 2);
            (forecast.work_seconds, forecast.elapsed_seconds, forecast.chain_seconds)
        };
        assert_eq!([took(1), took(2), took(9)], [(50, 50, 30), (50, 30, 30), (50, 30, 30)]);
        let one = forecast(&jobs, 1, &[5, 1, 1, 1], 2);
        assert_eq!((one.source_bytes, one.disk_bytes, one.known), (8, 8 + 5 * TREE, 2));
        assert_eq!(forecast(&[], 1, &[], 0), Forecast { slots: 1, ..Forecast::default() });
    }

    #[test]
    fn the_halves_of_a_source_need_its_files_once() {
        let all = OrderedJob { arch: "all".to_owned(), ..job("a", 1, 1, &[]) };
        assert_eq!(forecast(&[job("a", 1, 1, &[]), all], 1, &[7, 7], 0).source_bytes, 7);
    }

    #[test]
    fn times_and_sizes_are_read_by_people() {
        assert_eq!([59, 600, 8000, 200_000].map(time), ["59 s", "10 min", "2 h 13 min", "2 d 7 h"]);
        assert_eq!([1, 2_500_000, 12_340_000_000].map(bytes), ["1 kB", "2 MB", "12.3 GB"]);
    }
}

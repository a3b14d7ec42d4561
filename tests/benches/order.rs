//! The figures of the order: what a bench that has the parsed indexes at hand calls.

use std::hint::black_box;
use std::time::{Duration, Instant};

use cloudbuild::core::archive::SourceRecord;
use cloudbuild::core::debian::packages::Package;
use cloudbuild::core::order::jobs::Graph;
use cloudbuild::core::order::tracker::{AfterFailure, Progress, Tracker};
use cloudbuild::core::order::{self, LOOP_PROFILES, Options};

/// What was measured.
pub struct Figures {
    /// Jobs in the order.
    pub jobs: usize,
    /// Edges of the whole graph.
    pub edges: usize,
    /// Jobs in the largest loop, by source.
    pub largest_loop: usize,
    /// Graph, components, loops, priorities, and the order made of them.
    pub whole: Duration,
    /// One job finished -> what became ready: the 99th percentile over all jobs.
    pub ready_p99: Duration,
}

/// Measures on sources and on what they are built against, which must be sorted by name and have each name once.
pub fn measure<'a>(sources: &'a [SourceRecord<'a>], visible: &'a [Package<'a>], architecture: &'a str) -> Figures {
    let options =
        Options { architecture, profiles: &LOOP_PROFILES, older_binaries: true, history: &|_, _| None };
    let start = Instant::now();
    let order = black_box(order::order(sources, visible, &options));
    let whole = start.elapsed();
    let mut tracker = Tracker::of(&order.jobs, AfterFailure::Block);
    let mut times: Vec<Duration> = (0..)
        .zip(&order.jobs)
        .map(|(job, _)| {
            let start = Instant::now();
            black_box(tracker.set(job, Progress::Succeeded));
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    Figures {
        jobs: order.jobs.len(),
        edges: Graph::new(sources, visible, architecture).needs.edges(),
        largest_loop: order.loops.first().map_or(0, |found| found.sources.len()),
        whole,
        ready_p99: times.get(times.len() * 99 / 100).copied().unwrap_or_default(),
    }
}

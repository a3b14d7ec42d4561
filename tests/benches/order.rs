//! The figures of the order, for the bench that has the parsed indexes at hand.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use cloudbuild::core::archive::{Archive, PackageRecord, SourceRecord};
use cloudbuild::core::debian::packages::Package;
use cloudbuild::core::debian::sources::Source;
use cloudbuild::core::order::jobs::Graph;
use cloudbuild::core::order::select::{Ground, select};
use cloudbuild::core::order::tracker::{AfterFailure, Progress, Tracker};
use cloudbuild::core::order::{self, LOOP_PROFILES, Options, Order};
use cloudbuild::core::pinned::PinnedSuite;
use cloudbuild::core::recipe::OrderedJob;
use cloudbuild::core::recipe::selection::Selection;

use super::measured::suite;
use super::{median, peak_megabytes};

/// How often each is timed; the median counts.
const TIMES: usize = 5;

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Jobs in the order.
    pub jobs: usize,
    /// Edges of the whole graph.
    pub edges: usize,
    /// Sources in the largest loop.
    pub largest_loop: usize,
    /// Seconds of the order: candidates and sources chosen, graph, components, loops, priorities.
    pub seconds: f64,
    /// The peak of memory so far, when the order was there.
    pub megabytes: f64,
    /// Milliseconds from one job finished to what became ready: the 99th percentile over all jobs.
    pub ready_p99: f64,
}

/// Measures on what the indexes of one suite list.
pub fn measure(sources: &[Source<'_>], packages: &[Package<'_>], architecture: &str) -> Figures {
    let suite = suite();
    let archive = archive(sources, packages, &suite);
    let mut times = Vec::new();
    for _ in 0..TIMES {
        ordered(&archive, architecture, |_, _, order, took| {
            black_box(order);
            times.push(took);
        });
    }
    let megabytes = peak_megabytes();
    // The order does not keep its graph, so that one is made again to be counted.
    let (order, edges) = ordered(&archive, architecture, |sources, visible, order, _| {
        (order, Graph::new(sources, visible, architecture).needs.edges())
    });
    Figures {
        jobs: order.jobs.len(),
        edges,
        largest_loop: order.loops.first().map_or(0, |found| found.sources.len()),
        seconds: median(times),
        megabytes,
        ready_p99: median((0..TIMES).map(|_| ready_p99(&order.jobs)).collect()),
    }
}

/// Puts all sources of an archive in order, as `order` does for `cb.everything`, and hands it over with the
/// seconds that it took.
fn ordered<T>(
    archive: &Archive<'_>,
    architecture: &str,
    look: impl FnOnce(&[SourceRecord<'_>], &[Package<'_>], Order, f64) -> T,
) -> T {
    let start = Instant::now();
    let visible = archive.visible();
    let changed = BTreeMap::new();
    let ground = Ground { archive, visible: &visible, architecture, changed: &changed };
    let sources = select(&ground, &Selection::Everything).unwrap();
    let first = Default::default();
    let options =
        Options { architecture, profiles: &LOOP_PROFILES, older_binaries: true, first: &first, history: &|_, _| None };
    let order = order::order(&sources, &visible, &options);
    let seconds = start.elapsed().as_secs_f64();
    look(&sources, &visible, order, seconds)
}

/// Milliseconds that one job of a hundred is above, when one after the other finishes.
fn ready_p99(jobs: &[OrderedJob]) -> f64 {
    let mut tracker = Tracker::of(jobs, AfterFailure::Block);
    let mut became_ready = (0..).take(jobs.len()).filter(|&job| tracker.is_ready(job)).count();
    let mut times = Vec::with_capacity(jobs.len());
    for job in (0..).take(jobs.len()) {
        let start = Instant::now();
        let change = black_box(tracker.set(job, Progress::Succeeded));
        times.push(start.elapsed().as_secs_f64() * 1e3);
        became_ready += change.ready.len();
    }
    assert_eq!(became_ready, jobs.len(), "every job becomes ready once");
    times.sort_by(f64::total_cmp);
    times.get(times.len() * 99 / 100).copied().unwrap_or_default()
}

/// An archive of one suite with one component.
pub fn archive<'a>(sources: &[Source<'a>], packages: &[Package<'a>], suite: &'a PinnedSuite) -> Archive<'a> {
    let component = "main";
    Archive {
        sources: sources.iter().map(|&source| SourceRecord { suite, component, source }).collect(),
        packages: packages.iter().map(|&package| PackageRecord { suite, component, package }).collect(),
        malformed: Vec::new(),
    }
}

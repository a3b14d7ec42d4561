//! How long the commands that answer take once the indexes are loaded, asked about a whole archive.

use std::hint::black_box;
use std::time::Instant;

use cloudbuild::core::archive::{Archive, SourceRecord};
use cloudbuild::core::debian::packages::Package;
use cloudbuild::core::debian::sources::Source;
use cloudbuild::core::explain::blocks;
use cloudbuild::core::ids::{ImportId, Sha256};
use cloudbuild::core::order::{self, LOOP_PROFILES, Options};
use cloudbuild::core::outdated::lists::{Exclusions, NotForUs};
use cloudbuild::core::outdated::{self, Rules};
use cloudbuild::core::pinned::Imported;
use cloudbuild::core::recipe::OrderResult;
use cloudbuild::primitives::explain::{self, Ordered};

use super::median;
use super::order::{archive, suite};

/// How often each is timed; the median counts.
const TIMES: usize = 5;

/// Milliseconds of each command's work.
#[derive(Debug, Clone, Copy)]
pub struct Answers {
    /// How the job stands that most others wait for, and why.
    pub explain: f64,
    /// What that job holds up.
    pub blocks: f64,
    /// Which sources are outdated.
    pub outdated: f64,
}

/// Measures on what the indexes of one suite list.
pub fn measure(sources: &[Source<'_>], packages: &[Package<'_>], architecture: &str) -> Answers {
    let suite = suite();
    let archive = archive(sources, packages, &suite);
    let order = whole(&archive, architecture);
    let (number, first) = (1..).zip(&order.jobs).max_by_key(|(_, job)| job.frees).expect("an archive has sources");
    let imported = Imported { architecture: architecture.to_owned(), ..Imported::default() };
    let ordered = Ordered { imported, order: Some(order.clone()), stages: Vec::new() };
    let timed = |work: &dyn Fn()| {
        let once = |_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        };
        median((0..TIMES).map(once).collect())
    };
    Answers {
        explain: timed(&|| explained(&archive, &ordered, &first.source)),
        blocks: timed(&|| {
            let blocks = blocks(&order, number, &|_| None);
            assert!(
                blocks.jobs.len() == order.jobs[number as usize - 1].frees as usize,
                "each job that it frees is told"
            );
        }),
        outdated: timed(&|| {
            let (exclusions, not_for_us) = (Exclusions::default(), NotForUs::default());
            for arch in [architecture, "all"] {
                let rules = Rules { profiles: &[], exclusions: &exclusions, not_for_us: &not_for_us };
                black_box(outdated::judge(sources.iter().copied(), packages.iter().copied(), arch, rules));
            }
        }),
    }
}

fn whole(archive: &Archive<'_>, architecture: &str) -> OrderResult {
    let visible: Vec<Package<'_>> = archive.candidates().iter().map(|record| record.package).collect();
    let sources: Vec<SourceRecord<'_>> = archive.chosen_sources().into_values().collect();
    let first = Default::default();
    let options =
        Options { architecture, profiles: &LOOP_PROFILES, older_binaries: true, first: &first, history: &|_, _| None };
    let order = order::order(&sources, &visible, &options);
    let import = ImportId(Sha256([0; 32]));
    OrderResult { import, arch: architecture.to_owned(), jobs: order.jobs, loops: order.loops }
}

/// As the command does it, for all jobs of the source that has that number in the order.
fn explained(archive: &Archive<'_>, ordered: &Ordered, source: &str) {
    let record = archive.chosen_sources()[source];
    let jobs = explain::of_source(ordered, archive, record, None).unwrap();
    assert!(!jobs.is_empty() && jobs.iter().all(|job| job.number.is_some()), "{jobs:?}");
}

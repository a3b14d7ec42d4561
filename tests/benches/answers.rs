//! How long the commands that answer take once the indexes are loaded, asked about a whole archive.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use cloudbuild::core::archive::Archive;
use cloudbuild::core::debian::packages::Package;
use cloudbuild::core::debian::sources::Source;
use cloudbuild::core::events::{Event, Listener};
use cloudbuild::core::explain::blocks;
use cloudbuild::core::ids::{ImportId, Sha256};
use cloudbuild::core::order::select::Ground;
use cloudbuild::core::order::{LOOP_PROFILES, text};
use cloudbuild::core::outdated::lists::{Exclusions, NotForUs};
use cloudbuild::core::outdated::{self, Rules};
use cloudbuild::core::pinned::Imported;
use cloudbuild::core::recipe::selection::Selection;
use cloudbuild::core::recipe::{Against, OrderRequest, OrderResult};
use cloudbuild::io::state::durations::Durations;
use cloudbuild::primitives::explain::{self, Ordered};
use cloudbuild::primitives::order::decide;

use super::measured::suite;
use super::median;
use super::order::archive;

/// How often each is timed; the median counts.
const TIMES: usize = 5;

/// Milliseconds of each command's work.
#[derive(Debug, Clone, Copy)]
pub struct Answers {
    /// The order of everything, as text.
    pub order: f64,
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
        order: timed(&|| drop(black_box(text::listed(&whole(&archive, architecture), "first")))),
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

/// As the command does it, with the copies that a plan keeps.
fn whole(archive: &Archive<'_>, architecture: &str) -> OrderResult {
    struct Nobody;
    impl Listener for Nobody {
        fn hear(&self, _: &Event) {}
    }
    let import = ImportId(Sha256([0; 32]));
    let profiles = LOOP_PROFILES.map(str::to_owned).to_vec();
    let (packages, against) = (Selection::Everything, vec![Against::Import(import)]);
    let request = OrderRequest {
        import,
        packages,
        not_for_us: Vec::new(),
        against,
        profiles,
        older_binaries: true,
        overlay: true,
    };
    let (visible, changed) = (archive.visible(), BTreeMap::new());
    let ground = Ground { archive, visible: &visible, architecture, changed: &changed };
    let (order, skipped) = decide(&ground, &request, &Default::default(), &Durations::default(), &Nobody).unwrap();
    let arch = architecture.to_owned();
    let result = OrderResult { import, arch, jobs: order.jobs.into(), loops: order.loops.into(), skipped };
    black_box((result.clone(), result.clone()));
    result
}

/// As the command does it, for all jobs of the source that has that number in the order.
fn explained(archive: &Archive<'_>, ordered: &Ordered, source: &str) {
    let record = archive.chosen_sources()[source];
    let jobs = explain::of_source(ordered, archive, record, None).unwrap();
    assert!(!jobs.is_empty() && jobs.iter().all(|job| job.number.is_some()), "{jobs:?}");
}

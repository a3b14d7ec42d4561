//! How long the commands that answer take once the indexes are loaded, asked about a whole archive.

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use cloudbuild::core::archive::Archive;
use cloudbuild::core::debian::packages::Package;
use cloudbuild::core::debian::sources::Source;
use cloudbuild::core::events::{Event, Listener};
use cloudbuild::core::explain::blocks;
use cloudbuild::core::order::{LOOP_PROFILES, text};
use cloudbuild::core::outdated::lists::{Exclusions, NotForUs};
use cloudbuild::core::outdated::{self, Rules};
use cloudbuild::core::pinned::{Imported, IndexKind, PinnedIndex, PinnedSuite};
use cloudbuild::core::recipe::selection::Selection;
use cloudbuild::core::recipe::{Against, OrderRequest, OrderResult};
use cloudbuild::io::state::durations::Durations;
use cloudbuild::io::store::Store;
use cloudbuild::primitives::explain::{self, Ordered};
use cloudbuild::primitives::order::{Over, order};

use super::measured::suite;
use super::median;
use super::order::archive;

/// How often each is timed; the median counts.
const TIMES: usize = 5;

/// Milliseconds of each command's work.
#[derive(Debug, Clone, Copy)]
pub struct Answers {
    /// The order of everything, as text, when nobody asked for it before.
    pub first_order: f64,
    /// The same when somebody did.
    pub order: f64,
    /// How the job stands that most others wait for, and why.
    pub explain: f64,
    /// What that job holds up.
    pub blocks: f64,
    /// Which sources are outdated.
    pub outdated: f64,
}

/// Measures on what the indexes of one suite list.
pub fn measure(sources: &[Source<'_>], packages: &[Package<'_>], architecture: &str, files: [&Path; 2]) -> Answers {
    let suite = suite();
    let archive = archive(sources, packages, &suite);
    let asked = Asked::new(files, architecture);
    let order = asked.order();
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
        first_order: median((0..TIMES).map(|_| asked.first()).collect()),
        order: timed(&|| drop(black_box(text::listed(&asked.order(), "first")))),
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

/// The suite in a cache, as an import leaves it, and what orders of all of it are asked with.
struct Asked {
    cache: Store,
    imported: Imported,
    request: OrderRequest,
    _folder: tempfile::TempDir,
}

impl Asked {
    fn new(files: [&Path; 2], architecture: &str) -> Asked {
        let folder = tempfile::tempdir().unwrap();
        let cache = Store::open(folder.path()).unwrap();
        let kinds = [IndexKind::Sources, IndexKind::Packages(architecture.to_owned())];
        let index = |(file, kind)| {
            let stored = cache.adopt(file).unwrap();
            PinnedIndex { component: "main".to_owned(), kind, sha256: stored.sha256, size: stored.size }
        };
        let indexes = files.into_iter().zip(kinds).map(index).collect();
        let suites = vec![PinnedSuite { indexes, ..suite() }];
        let imported = Imported { architecture: architecture.to_owned(), suites, ..Imported::default() };
        let import = imported.id();
        let request = OrderRequest {
            import,
            packages: Selection::Everything,
            not_for_us: Vec::new(),
            against: vec![Against::Import(import)],
            profiles: LOOP_PROFILES.map(str::to_owned).to_vec(),
            older_binaries: true,
            overlay: true,
        };
        Asked { cache, imported, request, _folder: folder }
    }

    /// As the command does it, with the copies that a plan keeps.
    fn order(&self) -> OrderResult {
        struct Nobody;
        impl Listener for Nobody {
            fn hear(&self, _: &Event) {}
        }
        let over = Over {
            cache: &self.cache,
            sources: &self.imported,
            against: &self.imported,
            built: &[],
            changed: &BTreeMap::new(),
            history: &Durations::default(),
            listener: &Nobody,
        };
        let (order, _) = order(&over, &self.request).unwrap();
        black_box((order.clone(), order.clone()));
        order
    }

    /// Milliseconds that the order takes when nobody asked before, with the tables of the indexes there.
    fn first(&self) -> f64 {
        let _ = fs::remove_dir_all(self.cache.root().join("orders"));
        let start = Instant::now();
        black_box(text::listed(&self.order(), "first"));
        start.elapsed().as_secs_f64() * 1e3
    }
}

/// As the command does it, for all jobs of the source that has that number in the order.
fn explained(archive: &Archive<'_>, ordered: &Ordered, source: &str) {
    let record = archive.chosen_sources()[source];
    let jobs = explain::of_source(ordered, archive, record, None).unwrap();
    assert!(!jobs.is_empty() && jobs.iter().all(|job| job.number.is_some()), "{jobs:?}");
}

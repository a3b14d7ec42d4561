//! What a story begins with, and what is counted in it.

use std::collections::BTreeMap;

use cloudbuild::core::how::HowWord;
use cloudbuild::core::ids::{ChrootKey, Epoch, InputsHash, JobId, Sha256, ViewId};
use cloudbuild::io::state::jobs::{self, NewJob};
use cloudbuild::io::state::{Tx, runs};
use cloudbuild::wire::{File, Lease};

/// What happened, to see that something did.
#[derive(Debug, Default, Clone)]
pub struct Counts {
    /// Events of the world.
    pub steps: u64,
    /// Control points and builders that were killed.
    pub crashes: u64,
    /// Messages that never arrived.
    pub lost: u64,
    /// Messages that arrived twice.
    pub doubled: u64,
    /// Results of leases that were not the newest.
    pub late: u64,
    /// Jobs that were installed.
    pub installed: u64,
}

impl Counts {
    /// Both together.
    pub fn add(&mut self, other: &Counts) {
        self.steps += other.steps;
        self.crashes += other.crashes;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.late += other.late;
        self.installed += other.installed;
    }
}

fn hash(text: &str) -> Sha256 {
    Sha256::of(text.as_bytes())
}

/// A run whose jobs are all ready.
pub fn fill(tx: &Tx, count: u64) -> Vec<JobId> {
    let files = BTreeMap::new();
    let new = runs::NewRun { recipe_hash: hash("recipe"), files, arguments: serde_json::Value::Null, plan: None };
    let run = runs::start(tx, &new, 0).unwrap();
    let job = |number: u64| NewJob {
        source: format!("s{number}"),
        version: "1".to_owned(),
        arch: "amd64".to_owned(),
        component: "main".to_owned(),
        after: Vec::new(),
        position: number as i64,
        priority: number % 3,
        frees: 0,
        profiles: Vec::new(),
    };
    jobs::insert_missing(tx, run, "base", &(1..=count).map(job).collect::<Vec<_>>(), 0).unwrap();
    let jobs = jobs::by_stage(tx, run, "base").unwrap();
    for job in &jobs {
        let lease = Lease {
            run,
            job: job.id,
            epoch: Epoch(0),
            source: job.source.clone(),
            version: "1".to_owned(),
            arch: "amd64".to_owned(),
            how: HowWord::Native,
            cross_depends: Vec::new(),
            chroot_packages: Vec::new(),
            chroot_arch: "amd64".to_owned(),
            component: "main".to_owned(),
            distribution: "x".to_owned(),
            files: vec![File { name: "x.dsc".to_owned(), size: 1, sha256: hash("dsc") }],
            view: ViewId(hash("view")),
            view_key: String::new(),
            chroot: ChrootKey(hash("chroot")),
            environment: BTreeMap::new(),
            suffixed: None,
            stall_seconds: 60,
        };
        jobs::set_offer(tx, job.id, &lease, InputsHash(hash(&job.source))).unwrap();
    }
    jobs.into_iter().map(|job| job.id).collect()
}

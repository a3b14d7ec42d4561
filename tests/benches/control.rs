//! How many jobs a control point gives out and takes back, over real HTTP on loopback, beside the builders themselves.
//!
//! `cargo bench --bench control`; its last lines are `figure NAME VALUE UNIT target CONDITION ok|short`. 1,000 builders of
//! this same process take jobs, send a heartbeat and say that the package failed: three requests and two changes that are
//! on the disk before they are answered. There is no peer that could be run beside it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cloudbuild::control::{ControlHandle, ControlOptions, LEASE_TTL, desk, start};
use cloudbuild::core::events::{Event, Listener};
use cloudbuild::core::ids::Sha256;
use cloudbuild::core::job::Fault;
use cloudbuild::io::control::{Client, ControlFile, Patience};
use cloudbuild::io::state::State;
use cloudbuild::io::store::Store;
use cloudbuild::primitives::{Provide, Signals};
use cloudbuild::wire::{Finish, Heartbeat, LeaseReply, LeaseRequest, Outcome, PROTOCOL};
use futures_util::future::BoxFuture;

#[expect(dead_code, reason = "the simulation, whose scene this is, counts what happens in it, too")]
#[path = "../it/simulation/scene.rs"]
mod scene;

/// Builders at the same time.
const BUILDERS: usize = 1000;

/// Jobs of the archive that is usual, and of the one that must not take longer.
const JOBS: u64 = 40_000;
const MANY: u64 = 400_000;

/// Cycles that are timed.
const CYCLES: usize = 40_000;

struct Nothing;

impl Provide for Nothing {
    fn provide(&self, _: Sha256) -> BoxFuture<'_, anyhow::Result<Option<PathBuf>>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

impl Listener for Nothing {
    fn hear(&self, _: &Event) {}
}

/// A state directory with so many jobs, all of them ready.
fn filled(jobs: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let state = State::open(dir.path()).expect("a state");
    state.write(move |tx| Ok(scene::fill(tx, jobs).len())).expect("filled");
    dir
}

/// Opens a state and serves it.
async fn serve(dir: &std::path::Path) -> ControlHandle {
    let options = ControlOptions {
        state: State::open(dir).expect("a state"),
        state_dir: dir.to_owned(),
        store: Store::open(dir.join("store")).expect("a store"),
        provide: Arc::new(Nothing),
        signals: Arc::new(Signals::default()),
        listener: Arc::new(Nothing),
        lease_ttl: LEASE_TTL,
        retry_pause: desk::RETRY_PAUSE,
        verifier: None,
        bind: None,
    };
    start(options).await.expect("it listens")
}

fn wants(builder: String) -> LeaseRequest {
    let runs = vec!["amd64".to_owned()];
    LeaseRequest {
        protocol: PROTOCOL,
        builder,
        runs,
        emulates: Vec::new(),
        memory: 0,
        wait_seconds: 10,
        holding: Vec::new(),
    }
}

/// One builder: takes jobs until so many were taken by all.
async fn build(client: Client, number: usize, taken: Arc<AtomicUsize>, latencies: Arc<Mutex<Vec<Duration>>>) {
    let mut done = 0;
    let mut own = Vec::new();
    while taken.fetch_add(1, Ordering::Relaxed) < CYCLES {
        // One that fails one package after the other would get no more; after four another one takes its place.
        let name = format!("b{number}-{}", done / 4);
        let began = Instant::now();
        let reply = client.lease(&wants(name)).await.expect("an answer");
        own.push(began.elapsed());
        let LeaseReply::Work { lease } = reply else { break };
        let beat = Heartbeat { epoch: lease.epoch, phase: "build".to_owned() };
        client.heartbeat(lease.job, &beat).await.expect("an answer");
        let (stage, reason) = ("build".to_owned(), "make: *** [all] Error 1".to_owned());
        let outcome = Outcome::Failed { fault: Fault::Package, stage, reason };
        let finish = Finish { outcome, ..finished(lease.epoch) };
        client.finish(lease.job, &finish).await.expect("it is taken");
        done += 1;
    }
    latencies.lock().expect("nobody panics").extend(own);
}

/// A report about nothing yet.
fn finished(epoch: cloudbuild::core::ids::Epoch) -> Finish {
    let words = serde_json::json!({ "epoch": epoch, "outcome": { "outcome": "built" }, "files": [], "seconds": 60 });
    serde_json::from_value(words).expect("a report")
}

/// Cycles a second, and the 99th percentile of the time until work came.
async fn measure(dir: &std::path::Path) -> (f64, Duration) {
    let control = serve(dir).await;
    let (taken, latencies) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let client = Client::new(&ControlFile::path(dir), Patience::default()).expect("a client");
    let began = Instant::now();
    let builders: Vec<_> = (0..BUILDERS)
        .map(|number| tokio::spawn(build(client.clone(), number, Arc::clone(&taken), Arc::clone(&latencies))))
        .collect();
    for builder in builders {
        builder.await.expect("it does not panic");
    }
    let seconds = began.elapsed().as_secs_f64();
    control.stop().await.expect("it stops");
    let mut latencies = std::mem::take(&mut *latencies.lock().expect("nobody panics"));
    latencies.sort_unstable();
    let worst = latencies[latencies.len() * 99 / 100];
    (latencies.len() as f64 / seconds, worst)
}

/// The most memory that this process had, in megabytes.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let fields: BTreeMap<&str, &str> = status.lines().filter_map(|line| line.split_once(':')).collect();
    let kilobytes: f64 = fields["VmHWM"].split_whitespace().next().expect("a number").parse().expect("a number");
    kilobytes / 1024.0
}

fn figure(name: &str, value: f64, unit: &str, (sign, target): (&str, f64)) {
    let good = if sign == ">=" { value >= target } else { value < target };
    println!("figure {name} {value:.2} {unit} target {sign} {target} {}", if good { "ok" } else { "short" });
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let usual = filled(JOBS);
    let (rate, wait) = runtime.block_on(measure(usual.path()));
    let memory = peak();
    let restart = runtime.block_on(async {
        let began = Instant::now();
        let control = serve(usual.path()).await;
        let client = Client::new(&ControlFile::path(usual.path()), Patience::default()).expect("a client");
        let request = LeaseRequest { wait_seconds: 0, ..wants("again".to_owned()) };
        client.lease(&request).await.expect("an answer");
        let seconds = began.elapsed().as_secs_f64();
        control.stop().await.expect("it stops");
        seconds
    });
    drop(usual);
    let many = filled(MANY);
    let (rate_of_many, _) = runtime.block_on(measure(many.path()));
    figure("control-cycles", rate, "per-second", (">=", 1500.0));
    figure("control-take-p99", wait.as_secs_f64() * 1000.0, "ms", ("<", 20.0));
    figure("control-memory", memory, "MB", ("<", 300.0));
    figure("control-many-jobs", rate / rate_of_many, "times-as-long", ("<", 1.5));
    figure("control-restart", restart, "s", ("<", 2.0));
}

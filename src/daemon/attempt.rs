//! One attempt at a job: fetch, chroot, build, send, finish; nothing is left of it afterwards.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::step::{Act, Heard, NotDelivered, Slot, step};
use super::{Daemon, Trouble, log};
use crate::core::build::ending::phase;
use crate::core::build::{Layout, Task};
use crate::core::ids::Sha256;
use crate::io::sbuild::SbuildError;
use crate::io::sbuild::chroot::{ChrootRequest, ensure};
use crate::io::sbuild::run::{run, tail};
use crate::wire::{Fault, File, Finish, Heartbeat, Lease, Outcome};

/// A lease lives for several of these.
const BEAT: Duration = Duration::from_secs(20);

/// The lines of a log that may hold the title of its newest phase.
const PHASE_TAIL: u64 = 256 * 1024;

/// How long is waited before what was not heard is said again; each call has patience of its own besides.
const AGAIN: Duration = Duration::from_secs(5);

/// Does a job that was leased, and reports it; a control point that is away is waited for, with log and files kept.
pub(crate) async fn attempt(daemon: &Daemon, lease: &Lease) {
    let (job, epoch) = (lease.job, lease.epoch);
    let begin = Instant::now();
    let cancel = daemon.stop.child_token();
    tracing::info!(%job, epoch = epoch.0, source = lease.source, version = lease.version, "building");
    let layout = match daemon.place.make(&format!("{job}-{}", epoch.0)).await {
        Ok(layout) => layout,
        Err(error) => {
            // A lease that nobody hears of expires by itself.
            drop(finish(daemon, lease, failed("prepare", &error), Vec::new(), begin).await);
            return;
        }
    };
    let (done, over, log_over) = (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
    let slot = Mutex::new(Slot::Building { stopping: None });
    let held = Held { slot, cancel: &cancel, built: &done, log_sent: AtomicU64::new(0) };
    let work = async {
        let mut outcome = build(daemon, lease, &layout, &cancel).await;
        if daemon.stop.is_cancelled() {
            held.hear(Heard::Leave);
        }
        if let Outcome::Failed { stage, reason, .. } = &outcome {
            note(&layout, &format!("failed at `{stage}`: {reason}"));
        }
        if cancel.is_cancelled() && outcome != Outcome::Built {
            outcome = Outcome::Cancelled;
        }
        done.cancel();
        log_over.cancelled().await;
        deliver(daemon, lease, &layout, &held, outcome, begin).await;
        over.cancel();
    };
    let log_path = layout.log();
    let send_log = async {
        // What is not sent while the build goes on is sent with its result.
        while let Err(trouble) = log::follow(daemon, job, epoch, &log_path, &held.log_sent, &done).await {
            tracing::warn!(%job, "the log waits: {trouble}");
            if !matches!(trouble, Trouble::Gone(_)) || done.is_cancelled() || daemon.stop.is_cancelled() {
                held.told(&trouble);
                break;
            }
            tokio::time::sleep(AGAIN).await;
        }
        log_over.cancel();
    };
    // The lease is kept alive until the result was taken: large files take long to be looked at.
    let beat = async {
        tokio::select! {
            () = over.cancelled() => {}
            () = beat(daemon, lease, &layout, &held) => {}
        }
    };
    tokio::join!(work, send_log, beat);
    if let Err(error) = daemon.place.remove(&layout.root).await {
        tracing::warn!(%job, "{error}");
    }
}

/// What a slot is at, and how its build is stopped.
struct Held<'h> {
    slot: Mutex<Slot>,
    cancel: &'h CancellationToken,
    /// Set when the build ended.
    built: &'h CancellationToken,
    /// Bytes of the log that the control point has.
    log_sent: AtomicU64,
}

impl Held<'_> {
    /// Takes what was heard into account; what is left to do after the build was stopped where that is to be done.
    fn hear(&self, heard: Heard) -> Vec<Act> {
        let mut slot = self.slot.lock().expect("nobody panics while holding this");
        let (next, acts) = step(slot.clone(), heard);
        *slot = next;
        if acts.contains(&Act::Stop) {
            self.cancel.cancel();
        }
        acts
    }

    /// A call came to nothing: a lease that is void stops the build, a control point that is away does not.
    fn told(&self, trouble: &Trouble) {
        match trouble {
            Trouble::Refused(_) | Trouble::Failed(_) if !self.built.is_cancelled() => {
                self.hear(Heard::Beat { wanted: false });
            }
            Trouble::Refused(_) | Trouble::Failed(_) | Trouble::Gone(_) => {}
        }
    }
}

/// Sends log, files and result of a build that ended, however long the control point is away.
async fn deliver(daemon: &Daemon, lease: &Lease, layout: &Layout, held: &Held<'_>, outcome: Outcome, begin: Instant) {
    let (ended, mut files) = (Instant::now(), Vec::new());
    let mut acts = held.hear(Heard::Ended(outcome));
    loop {
        let heard = match acts.first() {
            Some(Act::Deliver { files: wanted }) => match send(daemon, lease, layout, &held.log_sent, *wanted).await {
                Ok(sent) => {
                    files = sent;
                    Heard::Delivered
                }
                Err(Unsent::Away) => Heard::Away(ended.elapsed()),
                Err(Unsent::Not(why)) => Heard::NotDelivered(why),
            },
            Some(Act::Report(outcome)) => {
                let sent = if *outcome == Outcome::Built { files.clone() } else { Vec::new() };
                match finish(daemon, lease, outcome.clone(), sent, begin).await {
                    Ok(()) => Heard::Reported,
                    Err(Away) => Heard::Away(ended.elapsed()),
                }
            }
            Some(Act::End { .. } | Act::CleanUp | Act::Ask | Act::AskLater | Act::Build | Act::Stop) | None => return,
        };
        if matches!(heard, Heard::Away(_)) {
            if daemon.stop.is_cancelled() {
                return;
            }
            tracing::warn!(job = %lease.job, "the control point is away; its result is kept");
            tokio::time::sleep(AGAIN).await;
        }
        acts = held.hear(heard);
    }
}

/// Why something was not sent.
enum Unsent {
    /// Nobody answered.
    Away,
    /// It never will be.
    Not(NotDelivered),
}

/// Sends what is left of the log, and the files that were built.
async fn send(
    daemon: &Daemon,
    lease: &Lease,
    layout: &Layout,
    log_sent: &AtomicU64,
    files: bool,
) -> Result<Vec<File>, Unsent> {
    let unsent = |stage: &'static str, trouble: Trouble| match trouble {
        Trouble::Gone(_) => Unsent::Away,
        Trouble::Refused(refusal) if refusal.code == "stale-epoch" => Unsent::Not(NotDelivered::Void),
        trouble @ (Trouble::Refused(_) | Trouble::Failed(_)) => {
            Unsent::Not(NotDelivered::Failed { stage, reason: trouble.to_string() })
        }
    };
    let done = CancellationToken::new();
    done.cancel();
    let log = log::follow(daemon, lease.job, lease.epoch, &layout.log(), log_sent, &done).await;
    log.map_err(|trouble| unsent("log", trouble))?;
    if files { send_files(daemon, lease, layout, unsent).await } else { Ok(Vec::new()) }
}

async fn build(daemon: &Daemon, lease: &Lease, layout: &Layout, cancel: &CancellationToken) -> Outcome {
    note(layout, &format!("`{}` builds {} {} for {}", daemon.name, lease.source, lease.version, lease.arch));
    if let Err(outcome) = fetch(daemon, lease, layout, cancel).await {
        return outcome;
    }
    let view_url = match daemon.control.view_url(lease.view) {
        Ok(url) => url,
        Err(trouble) => return infrastructure("chroot", trouble.to_string()),
    };
    let request = ChrootRequest {
        key: lease.chroot,
        arch: lease.chroot_arch.clone(),
        packages: lease.chroot_packages.clone(),
        view_url: view_url.clone(),
        view_key: lease.view_key.clone(),
    };
    let begin = Instant::now();
    let chroot = match ensure(&daemon.place, &request, cancel).await {
        Ok(chroot) => chroot,
        Err(SbuildError::Cancelled) => return Outcome::Cancelled,
        Err(error) => return failed("chroot", &error),
    };
    note(layout, &format!("chroot {} after {} s", lease.chroot, begin.elapsed().as_secs()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let task = Task {
        dsc: lease.files.first().map(|file| file.name.clone()).unwrap_or_default(),
        arch: lease.arch.clone(),
        chroot_arch: lease.chroot_arch.clone(),
        cross_depends: lease.cross_depends.clone(),
        distribution: lease.distribution.clone(),
        view_url,
        view_key: lease.view_key.clone(),
        chroot,
        environment: lease.environment.clone(),
        changelog: lease.suffixed.as_ref().map(|suffixed| suffixed.changelog.clone()),
        parallel: u32::try_from(cores.div_ceil(daemon.slots)).unwrap_or(1),
    };
    let stall = Duration::from_secs(lease.stall_seconds);
    match run(&daemon.place, &task, layout, stall, cancel).await {
        Ok(outcome) => outcome,
        Err(SbuildError::Cancelled) => Outcome::Cancelled,
        Err(error) => failed("sbuild", &error),
    }
}

/// Adds a line of our own to the log; a log that cannot be written is noticed by the build itself.
fn note(layout: &Layout, text: &str) {
    if let Ok(mut log) = std::fs::File::options().create(true).append(true).open(layout.log()) {
        let _ = writeln!(log, "cloudbuild: {text}");
    }
}

fn failed(stage: &str, error: &SbuildError) -> Outcome {
    let reason = if error.is_disk_full() { format!("the disk is full: {error}") } else { error.to_string() };
    Outcome::Failed { fault: Fault::Infrastructure, stage: stage.to_owned(), reason }
}

fn infrastructure(stage: &str, reason: String) -> Outcome {
    Outcome::Failed { fault: Fault::Infrastructure, stage: stage.to_owned(), reason }
}

async fn fetch(daemon: &Daemon, lease: &Lease, layout: &Layout, cancel: &CancellationToken) -> Result<(), Outcome> {
    let failed = |reason: String| infrastructure("download", reason);
    for file in &lease.files {
        if file.name.is_empty() || file.name.starts_with('.') || file.name.contains('/') {
            return Err(failed(format!("expected the base name of a file, got `{}`", file.name)));
        }
        let path = layout.source().join(&file.name);
        let fetched = tokio::select! {
            () = cancel.cancelled() => return Err(Outcome::Cancelled),
            fetched = daemon.say(daemon.control.get_file(file.clone(), path.clone())) => fetched,
        };
        fetched.map_err(|trouble| failed(format!("cannot fetch `{}`: {trouble}", file.name)))?;
        let got = describe(path.clone()).await.map_err(|error| failed(format!("`{}`: {error}", file.name)))?;
        if (got.size, got.sha256) != (file.size, file.sha256) {
            return Err(failed(format!(
                "`{}`: expected {} bytes with SHA-256 {}, got {} bytes with {}",
                file.name, file.size, file.sha256, got.size, got.sha256
            )));
        }
        daemon.place.give(&path).map_err(|error| failed(error.to_string()))?;
    }
    Ok(())
}

/// Name, size and hash of a file.
async fn describe(path: PathBuf) -> std::io::Result<File> {
    let work = move || {
        use sha2::Digest;
        let mut hasher = sha2::Sha256::new();
        let mut file = std::fs::File::open(&path)?;
        let (mut size, mut buffer) = (0, vec![0; 128 * 1024]);
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            size += count as u64;
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(File { name, size, sha256: Sha256(hasher.finalize().into()) })
    };
    tokio::task::spawn_blocking(work).await.expect("hashing a file does not panic")
}

/// Says that the build goes on, for as long as this is asked for.
async fn beat(daemon: &Daemon, lease: &Lease, layout: &Layout, held: &Held<'_>) {
    loop {
        tokio::time::sleep(BEAT).await;
        let built = held.built.is_cancelled();
        let phase = if built { "upload" } else { phase_of(&layout.log()).unwrap_or("chroot") };
        let beat = Heartbeat { epoch: lease.epoch, phase: phase.to_owned() };
        // A beat that is lost is made up for by the next one, so it is not repeated.
        match daemon.control.heartbeat(lease.job, beat).await {
            Ok(reply) if !reply.cancel => {}
            Ok(_) if built => {}
            Ok(_) => {
                tracing::info!(job = %lease.job, "the control point cancels this build");
                held.hear(Heard::Beat { wanted: false });
            }
            Err(trouble @ (Trouble::Gone(_) | Trouble::Failed(_))) => tracing::debug!("lost a heartbeat: {trouble}"),
            Err(Trouble::Refused(refusal)) => {
                tracing::info!(job = %lease.job, code = refusal.code, "this lease is void: {}", refusal.message);
                held.hear(Heard::Beat { wanted: false });
            }
        }
    }
}

fn phase_of(log: &Path) -> Option<&'static str> {
    phase(&tail(log, PHASE_TAIL).ok()?)
}

/// Sends what sbuild built; the .changes comes last.
async fn send_files(
    daemon: &Daemon,
    lease: &Lease,
    layout: &Layout,
    unsent: impl Fn(&'static str, Trouble) -> Unsent,
) -> Result<Vec<File>, Unsent> {
    let failed = |error: std::io::Error| unsent("upload", Trouble::Failed(error.to_string()));
    let entries = std::fs::read_dir(layout.built()).map_err(failed)?;
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        // Symbolic links are none of a build's results.
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.path())
        .collect();
    paths.sort_by_key(|path| (path.extension().is_some_and(|end| end == "changes"), path.clone()));
    let mut sent = Vec::new();
    for path in paths {
        let file = describe(path.clone()).await.map_err(failed)?;
        let put = daemon.say(daemon.control.put_file(lease.job, lease.epoch, file.clone(), path)).await;
        put.map_err(|trouble| unsent("upload", trouble))?;
        sent.push(file);
    }
    Ok(sent)
}

/// Nobody answered.
#[derive(Debug)]
struct Away;

/// Says what came of an attempt; a refusal is an answer, too.
async fn finish(
    daemon: &Daemon,
    lease: &Lease,
    outcome: Outcome,
    files: Vec<File>,
    begin: Instant,
) -> Result<(), Away> {
    let job = lease.job;
    match &outcome {
        Outcome::Built => tracing::info!(%job, seconds = begin.elapsed().as_secs(), "built"),
        Outcome::Failed { stage, reason, .. } => tracing::info!(%job, stage, reason, "failed"),
        Outcome::Cancelled => tracing::info!(%job, "cancelled"),
    }
    let finish = Finish { epoch: lease.epoch, outcome, files, seconds: begin.elapsed().as_secs() };
    match daemon.say(daemon.control.finish(job, finish)).await {
        Ok(()) => {}
        Err(Trouble::Refused(refusal)) => tracing::info!(%job, code = refusal.code, "not wanted: {}", refusal.message),
        Err(Trouble::Failed(why)) => tracing::warn!(%job, "cannot report: {why}"),
        Err(Trouble::Gone(_)) => return Err(Away),
    }
    Ok(())
}

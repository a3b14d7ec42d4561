//! One attempt at a job: fetch, chroot, build, send, finish; nothing is left of it afterwards.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

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

/// Does a job that was leased, and reports it as far as the control point can be reached.
pub(crate) async fn attempt(daemon: &Daemon, lease: &Lease) {
    let (job, epoch) = (lease.job, lease.epoch);
    let begin = Instant::now();
    let cancel = daemon.stop.child_token();
    tracing::info!(%job, epoch = epoch.0, source = lease.source, version = lease.version, "building");
    let layout = match daemon.place.make(&format!("{job}-{}", epoch.0)).await {
        Ok(layout) => layout,
        Err(error) => return finish(daemon, lease, failed("prepare", &error), Vec::new(), begin).await,
    };
    let (done, over) = (CancellationToken::new(), CancellationToken::new());
    let build = async {
        let mut outcome = build(daemon, lease, &layout, &cancel).await;
        if let Outcome::Failed { stage, reason, .. } = &outcome {
            note(&layout, &format!("failed at `{stage}`: {reason}"));
        }
        done.cancel();
        let mut files = Vec::new();
        if outcome == Outcome::Built {
            match send_files(daemon, lease, &layout).await {
                Ok(sent) => files = sent,
                Err(failure) => outcome = failure,
            }
        }
        (outcome, files)
    };
    let log_path = layout.log();
    let send_log = async {
        let trouble = log::follow(daemon, job, epoch, &log_path, &done).await.err()?;
        give_in(daemon, &cancel, &trouble);
        // A lease that is void ends the attempt without a result of its own.
        (!matches!(&trouble, Trouble::Refused(refusal) if refusal.code == "stale-epoch")).then(|| trouble.to_string())
    };
    let work = async {
        let ((mut outcome, files), unsent) = tokio::join!(build, send_log);
        if let Some(reason) = unsent {
            // A build without its log cannot be judged; that the log could not be sent is nothing the package did.
            outcome = Outcome::Failed { fault: Fault::Infrastructure, stage: "log".to_owned(), reason };
        }
        finish(daemon, lease, outcome, files, begin).await;
        over.cancel();
    };
    // The lease is kept alive until the result was taken: large files take long to be looked at.
    let beat = async {
        tokio::select! {
            () = over.cancelled() => {}
            () = beat(daemon, lease, &layout, &done, &cancel) => {}
        }
    };
    tokio::join!(work, beat);
    if let Err(error) = daemon.place.remove(&layout.root).await {
        tracing::warn!(%job, "{error}");
    }
}

/// A control point that is gone ends the daemon, one that refused ends this attempt.
fn give_in(daemon: &Daemon, cancel: &CancellationToken, trouble: &Trouble) {
    tracing::warn!("{trouble}");
    match trouble {
        Trouble::Refused(_) | Trouble::Failed(_) => cancel.cancel(),
        Trouble::Gone(_) => daemon.stop.cancel(),
    }
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

/// Says that the build goes on, until it is told to stop.
async fn beat(daemon: &Daemon, lease: &Lease, layout: &Layout, built: &CancellationToken, cancel: &CancellationToken) {
    loop {
        tokio::time::sleep(BEAT).await;
        let phase = if built.is_cancelled() { "upload" } else { phase_of(&layout.log()).unwrap_or("chroot") };
        let beat = Heartbeat { epoch: lease.epoch, phase: phase.to_owned() };
        // A beat that is lost is made up for by the next one, so it is not repeated.
        match daemon.control.heartbeat(lease.job, beat).await {
            Ok(reply) if reply.cancel => {
                tracing::info!(job = %lease.job, "the control point cancels this build");
                return cancel.cancel();
            }
            Ok(_) => {}
            Err(trouble @ (Trouble::Gone(_) | Trouble::Failed(_))) => tracing::debug!("lost a heartbeat: {trouble}"),
            Err(Trouble::Refused(refusal)) => {
                tracing::info!(job = %lease.job, code = refusal.code, "this lease is void: {}", refusal.message);
                return cancel.cancel();
            }
        }
    }
}

fn phase_of(log: &Path) -> Option<&'static str> {
    phase(&tail(log, PHASE_TAIL).ok()?)
}

/// Sends what sbuild built; the .changes comes last.
async fn send_files(daemon: &Daemon, lease: &Lease, layout: &Layout) -> Result<Vec<File>, Outcome> {
    let failed = |reason: String| infrastructure("upload", reason);
    let entries = std::fs::read_dir(layout.built()).map_err(|error| failed(error.to_string()))?;
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        // Symbolic links are none of a build's results.
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.path())
        .collect();
    paths.sort_by_key(|path| (path.extension().is_some_and(|end| end == "changes"), path.clone()));
    let mut sent = Vec::new();
    for path in paths {
        let file = describe(path.clone()).await.map_err(|error| failed(error.to_string()))?;
        daemon
            .say(daemon.control.put_file(lease.job, lease.epoch, file.clone(), path))
            .await
            .map_err(|trouble| failed(format!("cannot send `{}`: {trouble}", file.name)))?;
        sent.push(file);
    }
    Ok(sent)
}

async fn finish(daemon: &Daemon, lease: &Lease, outcome: Outcome, files: Vec<File>, begin: Instant) {
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
        Err(trouble @ Trouble::Gone(_)) => {
            tracing::warn!(%job, "{trouble}");
            daemon.stop.cancel();
        }
    }
}

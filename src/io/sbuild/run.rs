//! Runs sbuild, watches it, stops it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio_util::sync::CancellationToken;

use super::place::Place;
use super::{SbuildError, processes};
use crate::core::build::ending::{Ending, Exit, ending};
use crate::core::build::{Layout, Task, arguments, configuration, prepare_script};
use crate::wire::{Fault, Outcome};

/// How long sbuild may take to end a build and clean up when it is asked to, before everything is killed.
const GRACE: Duration = Duration::from_secs(10);

/// How often the watch looks whether a build still works, at least.
const LOOK: Duration = Duration::from_secs(5);

/// What the end of a log must hold for its cause to be found; sbuild's summary comes last.
const TAIL: u64 = 512 * 1024;

/// No honest build prints more; one that loops for ever must not fill the disk.
const LONGEST_LOG: u64 = 4 << 30;

/// Clock ticks in a [`LOOK`] that count as work: an idle process that is woken now and then uses fewer.
const WORK: u64 = 2;

/// Builds a task whose sources are in `layout.source()`; what sbuild prints grows in `layout.log()`.
pub async fn run(
    place: &Place,
    task: &Task,
    layout: &Layout,
    stall: Duration,
    cancel: &CancellationToken,
) -> Result<Outcome, SbuildError> {
    place.write(&layout.config(), &configuration(task, layout)?)?;
    place.write(&layout.prepare(), &prepare_script(task, layout, &place.tools.mmdebstrap))?;
    let mut command = place.command(&place.tools.sbuild, layout);
    command.env("SBUILD_CONFIG", layout.config()).args(arguments(task, layout)?);
    let log = File::options().create(true).append(true).open(layout.log());
    let log = log.map_err(SbuildError::io("cannot make", layout.log()))?;
    let waited = wait_or_stop(place, layout, command, log, cancel, Duration::MAX, Some(stall)).await?;
    let status = match waited {
        Waited::Ended(status) => status,
        Waited::Cancelled => return Ok(Outcome::Cancelled),
        Waited::Stalled => return Ok(stalled(stall)),
    };
    let tail = tail(&layout.log(), TAIL).map_err(SbuildError::io("cannot read", layout.log()))?;
    Ok(outcome(ending(exit(status), &tail)))
}

fn stalled(stall: Duration) -> Outcome {
    let reason = format!("the build neither printed anything nor used the CPU for {} s", stall.as_secs());
    // A test that hangs and a machine that does look the same from here.
    Outcome::Failed { fault: Fault::Unknown, stage: "stalled".to_owned(), reason }
}

/// The same in the words of the wire.
pub fn outcome(ending: Ending) -> Outcome {
    match ending {
        Ending::Built => Outcome::Built,
        Ending::Failed { fault, stage, reason } => Outcome::Failed { fault, stage, reason },
    }
}

fn exit(status: ExitStatus) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    status.code().map_or_else(|| Exit::Signal(status.signal().unwrap_or(0)), Exit::Code)
}

/// The end of a file.
pub fn tail(path: &Path, size: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(size)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// How the wait for a process came out.
#[derive(Debug)]
pub enum Waited {
    /// It ended by itself.
    Ended(ExitStatus),
    /// It was stopped because somebody asked for that.
    Cancelled,
    /// It was stopped because it did nothing for too long, printed too much, or took longer than its limit.
    Stalled,
}

/// Runs a command with its output in `log`, until it ends, is cancelled, stalls or reaches its limit. Nothing that it
/// started is left when this returns.
pub async fn wait_or_stop(
    place: &Place,
    layout: &Layout,
    mut command: std::process::Command,
    log: File,
    cancel: &CancellationToken,
    limit: Duration,
    stall: Option<Duration>,
) -> Result<Waited, SbuildError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let errors = log.try_clone().map_err(SbuildError::io("cannot share", layout.log()))?;
    command.stdout(Stdio::from(log)).stderr(Stdio::from(errors));
    let mut child = tokio::process::Command::from(command)
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| SbuildError::Missing { program: program.clone(), source })?;
    let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let begin = Instant::now();
    let mut watch = Watch { layout, place, active: begin, printed: 0, ticks: 0 };
    let look = stall.map_or(LOOK, |stall| (stall / 4).clamp(Duration::from_millis(100), LOOK));
    let stopped = loop {
        tokio::select! {
            status = child.wait() => {
                let status = status.map_err(SbuildError::io("cannot wait for", program))?;
                break Waited::Ended(status);
            }
            () = cancel.cancelled() => break Waited::Cancelled,
            () = tokio::time::sleep(look) => {
                let idle = watch.idle();
                let too_long = stall.is_some_and(|stall| idle >= stall) || begin.elapsed() >= limit;
                if too_long || watch.printed > LONGEST_LOG {
                    break Waited::Stalled;
                }
            }
        }
    };
    if !matches!(stopped, Waited::Ended(_)) {
        if let Some(group) = group {
            // sbuild ends the build and removes its chroot when it is asked in a friendly way.
            let _ = kill_process_group(group, Signal::TERM);
        }
        let _ = tokio::time::timeout(GRACE, child.wait()).await;
    }
    processes::end_all(&layout.root, &place.user).await;
    Ok(stopped)
}

/// Whether a build still does something.
struct Watch<'a> {
    layout: &'a Layout,
    place: &'a Place,
    active: Instant,
    printed: u64,
    ticks: u64,
}

impl Watch<'_> {
    /// For how long it neither printed nor used the CPU.
    fn idle(&mut self) -> Duration {
        let printed = std::fs::metadata(self.layout.log()).map_or(0, |log| log.len());
        let ticks = processes::ticks(&self.layout.root, &self.place.user);
        if printed != self.printed || ticks.abs_diff(self.ticks) >= WORK {
            self.active = Instant::now();
        }
        (self.printed, self.ticks) = (printed, ticks);
        self.active.elapsed()
    }
}

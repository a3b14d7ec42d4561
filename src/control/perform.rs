//! Does what the desk said, after the change is on disk. All of it can be repeated or lost without harm to a job.

use std::path::Path;

use super::desk::Action;
use super::point::Point;
use super::uploads::spool;
use crate::core::build::ending::last_words;
use crate::core::events::Event;
use crate::core::job::JobState;
use crate::io::files::{self, FileError};
use crate::io::state::attempts;
use crate::io::state::jobs::Job;
use crate::io::store::made;
use crate::primitives::Pace;

/// How many of a log's last lines are shown of a job that failed.
const TAIL_LINES: usize = 15;

/// How many of a log's last bytes are looked at for them.
const TAIL_BYTES: u64 = 32 << 10;

/// Does one thing.
pub(super) fn perform(point: &Point, action: Action) {
    match action {
        Action::Hear(event) => point.listener.hear(&event),
        Action::Ended { job } => point.listener.hear(&ended(point, *job)),
        Action::Wake => point.signals.state_changed(),
        Action::WakeAfter(pause) => point.wake_after(pause),
        Action::Halt => point.signals.slow_to(Pace::Halt),
        Action::Remember { inputs, made } => {
            if let Err(error) = made::write(&point.state_dir, inputs, &made) {
                tracing::warn!(%inputs, %error, "what was built is not found again without the database");
            }
        }
        Action::Clear { job, epoch } => {
            if let Err(error) = spool::clear(&point.state_dir, job, epoch) {
                tracing::warn!(%job, %error, "the files of a finished job were not removed from the spool");
            }
        }
        Action::PutAside { job, epoch, reason } => {
            let text = match spool::put_aside(&point.state_dir, job, epoch, &reason) {
                Ok(path) => format!("the upload of job `{job}` was refused: {reason}; it is in `{}`", path.display()),
                Err(error) => format!("the upload of job `{job}` was refused: {reason}; it was not kept: {error}"),
            };
            tracing::warn!(%job, epoch = epoch.0, reason, "an upload was refused");
            point.listener.hear(&Event::Note { text });
        }
    }
}

/// The event of a job that ended, with its log.
fn ended(point: &Point, job: Job) -> Event {
    let log = point.state_dir.join(attempts::log_path(job.id, job.epoch));
    let log = log.is_file().then_some(log);
    let tail = match &log {
        // A log that cannot be read any more is no reason to keep the result from anybody.
        Some(path) if job.state != JobState::Installed => tail(path).unwrap_or_default(),
        Some(_) | None => Vec::new(),
    };
    Event::JobFinished {
        stage: job.stage,
        job: job.id,
        source: job.source,
        version: job.version,
        arch: job.arch,
        state: job.state.to_string(),
        reused: job.reused,
        seconds: job.seconds,
        reason: job.reason.filter(|_| job.state != JobState::Installed),
        log: log.map(|path| path.display().to_string()),
        tail,
    }
}

/// The last lines of a log that a person wants to see.
fn tail(path: &Path) -> Result<Vec<String>, FileError> {
    let bytes = files::tail(path, TAIL_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(last_words(&text, TAIL_LINES).into_iter().map(str::to_owned).collect())
}

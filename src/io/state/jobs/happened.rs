//! What an event makes of a job's row.

use super::Job;
use crate::core::job::{JobEvent, JobState};

/// What an event changes in a job's row besides its state.
pub fn happened(mut job: Job, event: &JobEvent) -> Job {
    if job.state != JobState::Building {
        job.lease_expires = None;
    }
    match event {
        JobEvent::Leased { builder, epoch } => {
            job.builder = Some(builder.clone());
            job.epoch = *epoch;
            job.attempts += 1;
            job.reason = None;
        }
        JobEvent::Resumed { builder, .. } => {
            job.builder = Some(builder.clone());
            job.reason = None;
        }
        JobEvent::Built { seconds } => {
            job.seconds = *seconds;
            job.reason = None;
        }
        JobEvent::Uploaded | JobEvent::Installed | JobEvent::DependenciesMet => job.reason = None,
        JobEvent::Reused { .. } | JobEvent::Adopted => {
            job.reused = true;
            job.reason = None;
        }
        JobEvent::Failed { reason, seconds, .. } => {
            job.seconds = *seconds;
            job.reason = Some(reason.clone());
        }
        JobEvent::LeaseExpired { .. } => {
            let builder = job.builder.as_deref().unwrap_or("its builder");
            job.reason = Some(format!("nothing was heard of `{builder}` for too long"));
        }
        JobEvent::Prioritized { .. } => {}
        JobEvent::GaveBack { reason } => {
            job.attempts = job.attempts.saturating_sub(1);
            job.reason = Some(reason.clone());
        }
        JobEvent::Retried => {
            job.attempts = 0;
            job.reason = None;
        }
        JobEvent::SentBack { retry, .. } => {
            job.attempts = 0;
            job.reason = None;
            job.retry = Some(retry.clone());
        }
        JobEvent::Waits { reason }
        | JobEvent::Uninstallable { reason }
        | JobEvent::Quarantined { reason }
        | JobEvent::MarkedFailed { reason }
        | JobEvent::MarkedNotForUs { reason }
        | JobEvent::LeftOut { reason } => job.reason = Some(reason.clone()),
    }
    job
}

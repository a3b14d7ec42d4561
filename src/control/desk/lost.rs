//! Jobs whose builders were lost, and builders that lose one job after the other.

use super::{Action, Now, Pulses, moved};
use crate::core::events::Event;
use crate::core::ids::{Epoch, JobId};
use crate::core::job::{Fault, JobEvent, JobState, MAX_LOST, health};
use crate::io::state::{StateError, Tx, attempts, builder_health, jobs};

/// A builder that was heard of within so many milliseconds is one of the others that are at work.
const RECENTLY_MS: i64 = 3_600_000;

/// Frees jobs whose builders were not heard of for the whole time to live of a lease.
pub(super) fn sweep(tx: &Tx, pulses: &mut Pulses, now: Now, actions: &mut Vec<Action>) -> Result<(), StateError> {
    for lease in pulses.expired(now.instant) {
        free(tx, pulses, lease, "nothing was heard of its builder for too long", now, actions)?;
    }
    Ok(())
}

/// Makes a job leasable again. A lease that an earlier process gave does not count as a failed attempt: that the process
/// was killed says nothing about the job. One that so many builders were lost with is not given to another one.
pub(super) fn free(
    tx: &Tx,
    pulses: &mut Pulses,
    (id, epoch): (JobId, Epoch),
    why: &str,
    now: Now,
    actions: &mut Vec<Action>,
) -> Result<(), StateError> {
    let granted_here = pulses.was_granted_here(id, epoch);
    pulses.forget(id);
    let job = jobs::expect(tx, id)?;
    if job.state != JobState::Building || job.epoch != epoch {
        // Whoever keeps the builder of this machine freed it already.
        return Ok(());
    }
    let lost = attempts::lost_builders(tx, id)?;
    let event = if !granted_here {
        JobEvent::GaveBack { reason: why.to_owned() }
    } else if lost >= MAX_LOST {
        let reason = format!(
            "{lost} builders were lost while they built it, so no other one gets it\nhint: `cloudbuild retry {}` gives \
             it out once more",
            job.source
        );
        JobEvent::Quarantined { reason }
    } else {
        JobEvent::LeaseExpired { attempt: job.attempts }
    };
    tracing::info!(job = %id, epoch = epoch.0, builder = job.builder, why, "a lease ended without a result");
    let after = jobs::apply(tx, id, &event, now.unix_ms)?;
    if granted_here && let Some(builder) = &job.builder {
        let ended = health::Ended::Failed { fault: Fault::Infrastructure, source: &job.source };
        judge_builder(tx, builder, ended, now, actions)?;
    }
    moved(&job, after, actions);
    Ok(())
}

/// Writes down what a builder did, and gives it no more work where that was too bad.
pub(super) fn judge_builder(
    tx: &Tx,
    builder: &str,
    ended: health::Ended<'_>,
    now: Now,
    actions: &mut Vec<Action>,
) -> Result<(), StateError> {
    let known = builder_health::get(tx, builder)?;
    let before = known.as_ref().map(|known| known.health.clone()).unwrap_or_default();
    let others = builder_health::has_others(tx, builder, now.unix_ms.saturating_sub(RECENTLY_MS))?;
    let (health, reason) = health::after(&before, ended, others);
    builder_health::heard(tx, builder, &health, now.unix_ms)?;
    let already = known.is_some_and(|known| known.drained.is_some());
    if let Some(reason) = reason.filter(|_| !already) {
        builder_health::set_drained(tx, builder, Some(&reason), now.unix_ms)?;
        let text = format!(
            "builder `{builder}` gets no more work: {reason}\nhint: `cloudbuild resume {builder}` once it was looked after"
        );
        actions.push(Action::Hear(Event::Note { text }));
    }
    Ok(())
}

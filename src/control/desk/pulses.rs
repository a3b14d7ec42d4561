//! When builders were last heard of, in memory: a restart gives every lease its full time to live again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::core::ids::{Epoch, JobId};

/// A lease that its builder does not know of is void only after so long, since our answer may still be on its way.
const GRACE: Duration = Duration::from_secs(60);

/// When the builders of leases were last heard of.
#[derive(Debug)]
pub struct Pulses {
    started: Instant,
    ttl: Duration,
    by_job: HashMap<JobId, Pulse>,
}

/// One lease's.
#[derive(Debug, Clone, Copy)]
struct Pulse {
    epoch: Epoch,
    heard: Instant,
    granted_here: bool,
}

/// Whether a lease still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// Its builder was heard of lately.
    Alive,
    /// It was not.
    Expired,
}

impl Pulses {
    /// None yet: leases that an earlier process gave are taken as heard of now.
    pub fn new(ttl: Duration, now: Instant) -> Pulses {
        Pulses { started: now, ttl, by_job: HashMap::new() }
    }

    /// The time to live of a lease in milliseconds.
    pub(super) fn ttl_ms(&self) -> i64 {
        i64::try_from(self.ttl.as_millis()).unwrap_or(i64::MAX)
    }

    /// A lease is given.
    pub(super) fn grant(&mut self, job: JobId, epoch: Epoch, now: Instant) {
        self.by_job.insert(job, Pulse { epoch, heard: now, granted_here: true });
    }

    /// A lease's builder was heard of. Words about an older lease than the newest say nothing.
    pub(super) fn hear(&mut self, job: JobId, epoch: Epoch, now: Instant) {
        let pulse = self.by_job.entry(job).or_insert(Pulse { epoch, heard: now, granted_here: false });
        if pulse.epoch <= epoch {
            *pulse = Pulse { epoch, heard: now, granted_here: pulse.granted_here && pulse.epoch == epoch };
        }
    }

    /// A lease is over.
    pub(super) fn forget(&mut self, job: JobId) {
        self.by_job.remove(&job);
    }

    /// Whether this process gave the lease.
    pub(super) fn was_granted_here(&self, job: JobId, epoch: Epoch) -> bool {
        self.of(job, epoch).is_some_and(|pulse| pulse.granted_here)
    }

    /// Whether a lease holds.
    pub(super) fn silence(&self, job: JobId, epoch: Epoch, now: Instant) -> Silence {
        let heard = self.of(job, epoch).map_or(self.started, |pulse| pulse.heard);
        if now.saturating_duration_since(heard) > self.ttl { Silence::Expired } else { Silence::Alive }
    }

    /// Whether a lease that its builder does not list is lost: after a while, since a request may have been on its way
    /// from before the builder took it, also across a restart of the control point.
    pub(super) fn is_lost(&self, job: JobId, epoch: Epoch, now: Instant) -> bool {
        let heard = self.of(job, epoch).map_or(self.started, |pulse| pulse.heard);
        now.saturating_duration_since(heard) > GRACE
    }

    fn of(&self, job: JobId, epoch: Epoch) -> Option<&Pulse> {
        self.by_job.get(&job).filter(|pulse| pulse.epoch == epoch)
    }
}

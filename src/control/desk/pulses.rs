//! Open leases and when their builders were last heard of, in memory: a restart gives every lease its full time to live
//! again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::core::ids::{Epoch, JobId};

/// A lease that its builder does not know of is void only after so long, since our answer may still be on its way.
const GRACE: Duration = Duration::from_secs(60);

/// The first pause of a job that failed by infrastructure's fault, unless the caller says otherwise.
pub const RETRY_PAUSE: Duration = Duration::from_secs(10);

/// When the builders of open leases were last heard of.
#[derive(Debug)]
pub struct Pulses {
    started: Instant,
    ttl: Duration,
    first_pause: Duration,
    /// Whether the open leases of earlier processes are in `by_job`.
    loaded: bool,
    by_job: HashMap<JobId, Pulse>,
}

/// One lease's.
#[derive(Debug, Clone)]
struct Pulse {
    epoch: Epoch,
    builder: String,
    heard: Instant,
    granted_here: bool,
}

impl Pulses {
    /// None yet: leases that an earlier process gave are taken as heard of now.
    pub fn new(ttl: Duration, now: Instant) -> Pulses {
        Pulses { started: now, ttl, first_pause: RETRY_PAUSE, loaded: false, by_job: HashMap::new() }
    }

    /// The same with another first pause before a job is tried again.
    pub fn with_pause(self, first_pause: Duration) -> Pulses {
        Pulses { first_pause, ..self }
    }

    /// The first pause of a job that failed by infrastructure's fault.
    pub(super) fn first_pause(&self) -> Duration {
        self.first_pause
    }

    /// The time to live of a lease in milliseconds.
    pub(super) fn ttl_ms(&self) -> i64 {
        i64::try_from(self.ttl.as_millis()).unwrap_or(i64::MAX)
    }

    /// Whether the open leases were read from the state.
    pub(super) fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// Takes the open leases as the state has them; those that are known here keep what is known of them.
    pub(super) fn load(&mut self, open: Vec<(JobId, Epoch, String)>) {
        let mut known = std::mem::take(&mut self.by_job);
        for (job, epoch, builder) in open {
            let pulse = known.remove(&job).filter(|pulse| pulse.epoch == epoch);
            let anew = || Pulse { epoch, builder, heard: self.started, granted_here: false };
            self.by_job.insert(job, pulse.unwrap_or_else(anew));
        }
        self.loaded = true;
    }

    /// A change was not kept: what is open is read again the next time.
    pub fn forget_all(&mut self) {
        self.loaded = false;
    }

    /// A lease is given.
    pub(super) fn grant(&mut self, job: JobId, epoch: Epoch, builder: &str, now: Instant) {
        let pulse = Pulse { epoch, builder: builder.to_owned(), heard: now, granted_here: true };
        self.by_job.insert(job, pulse);
    }

    /// A lease that had expired holds again.
    pub(super) fn resume(&mut self, job: JobId, epoch: Epoch, builder: &str, now: Instant) {
        let pulse = Pulse { epoch, builder: builder.to_owned(), heard: now, granted_here: false };
        self.by_job.insert(job, pulse);
    }

    /// The builder of an open lease was heard of; whether this is an open lease. Words about another lease than the
    /// newest say nothing.
    pub(super) fn hear(&mut self, job: JobId, epoch: Epoch, now: Instant) -> bool {
        match self.by_job.get_mut(&job) {
            Some(pulse) if pulse.epoch == epoch && self.loaded => {
                pulse.heard = now;
                true
            }
            Some(_) | None => false,
        }
    }

    /// A lease is over.
    pub(super) fn forget(&mut self, job: JobId) {
        self.by_job.remove(&job);
    }

    /// Whether this process gave the lease.
    pub(super) fn was_granted_here(&self, job: JobId, epoch: Epoch) -> bool {
        self.by_job.get(&job).is_some_and(|pulse| pulse.epoch == epoch && pulse.granted_here)
    }

    /// The leases whose builders were not heard of for the whole time to live.
    pub(super) fn expired(&self, now: Instant) -> Vec<(JobId, Epoch)> {
        self.silent(now, self.ttl, |_, _| true)
    }

    /// The leases that their builder does not list: lost, but only after a while, since a request may have been on its way
    /// from before the builder took it, also across a restart of the control point.
    pub(super) fn lost(&self, builder: &str, holding: &[(JobId, Epoch)], now: Instant) -> Vec<(JobId, Epoch)> {
        self.silent(now, GRACE, |job, pulse| pulse.builder == builder && !holding.contains(&(job, pulse.epoch)))
    }

    fn silent(&self, now: Instant, time: Duration, of: impl Fn(JobId, &Pulse) -> bool) -> Vec<(JobId, Epoch)> {
        let is = |pulse: &Pulse| now.saturating_duration_since(pulse.heard) > time;
        let silent = self.by_job.iter().filter(|(job, pulse)| is(pulse) && of(**job, pulse));
        let mut silent: Vec<_> = silent.map(|(job, pulse)| (*job, pulse.epoch)).collect();
        silent.sort_unstable();
        silent
    }
}

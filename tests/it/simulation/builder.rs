//! A builder with one slot: the daemon's own `step`, driven by made-up builds and messages.

use std::time::Duration;

use cloudbuild::core::ids::{Epoch, JobId};
use cloudbuild::daemon::step::{Act, Heard, NotDelivered, Slot, step};
use cloudbuild::wire::Outcome;

/// What a builder asks a control point for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// Work; it lists what it holds.
    Work(Vec<(JobId, Epoch)>),
    /// Whether its build is wanted.
    Beat(JobId, Epoch),
    /// To take the file of a result.
    Deliver(JobId, Epoch, bool),
    /// To take a result.
    Report(JobId, Epoch, Outcome),
}

/// What a control point answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// There is work.
    Work(JobId, Epoch),
    /// There is none.
    NoWork,
    /// Whether the build is wanted.
    Wanted(bool),
    /// The file was taken, or the lease is void.
    Delivered(bool),
    /// The result was taken, or never will be.
    Reported {
        /// Whether it was taken.
        taken: bool,
    },
}

/// What is to happen with a builder later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// It sends this, again and again until it is answered.
    Send(u64, Asks),
    /// Its build ends.
    Ended(JobId, Epoch),
    /// It says that it builds.
    Beat(JobId, Epoch),
}

/// One builder.
pub struct Builder {
    /// Its name.
    pub name: String,
    /// What its slot is at.
    pub slot: Slot,
    /// The lease that it has.
    pub holding: Option<(JobId, Epoch)>,
    /// The number of the request that it waits for, and since when it was not answered.
    pub waiting: Option<(u64, u64)>,
    /// Counts its requests; a restart goes on counting, as request ids do.
    pub requests: u64,
    /// It does nothing and hears nothing before this time: it was stopped, or the network was cut.
    pub stopped_until: u64,
}

impl Builder {
    /// One that just began.
    pub fn new(number: usize) -> Builder {
        Builder {
            name: format!("b{number}"),
            slot: Slot::Idle,
            holding: None,
            waiting: None,
            requests: 0,
            stopped_until: 0,
        }
    }

    /// It begins anew, and all that it had is gone.
    pub fn crash(&mut self) {
        (self.slot, self.holding, self.waiting) = (Slot::Idle, None, None);
    }

    /// Hears something; what it does then.
    pub fn hear(&mut self, heard: Heard) -> Vec<Act> {
        let (slot, acts) = step(self.slot.clone(), heard);
        self.slot = slot;
        acts
    }

    /// Begins a request, after which earlier ones are not waited for any more.
    pub fn request(&mut self, asks: Asks, now: u64) -> Due {
        self.requests += 1;
        self.waiting = Some((self.requests, now));
        Due::Send(self.requests, asks)
    }

    /// What an answer to one of its requests means for its slot; `None` for one that it does not wait for.
    pub fn meaning(&mut self, request: u64, says: &Says) -> Option<Heard> {
        if let Says::Wanted(wanted) = says {
            return Some(Heard::Beat { wanted: *wanted });
        }
        if self.waiting.map(|(waiting, _)| waiting) != Some(request) {
            return None;
        }
        self.waiting = None;
        Some(match says {
            Says::Work(job, epoch) => {
                self.holding = Some((*job, *epoch));
                Heard::Work
            }
            Says::NoWork => Heard::NoWork,
            Says::Delivered(true) => Heard::Delivered,
            Says::Delivered(false) => Heard::NotDelivered(NotDelivered::Void),
            Says::Reported { .. } => Heard::Reported,
            Says::Wanted(wanted) => Heard::Beat { wanted: *wanted },
        })
    }

    /// Nobody answered for a while.
    pub fn away(&mut self, now: u64) -> Vec<Act> {
        let since = self.waiting.map_or(now, |(_, since)| since);
        self.hear(Heard::Away(Duration::from_millis(now.saturating_sub(since))))
    }
}

//! Job states, whose fault a failure was, and the one place that knows the legal moves: [`step`].

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::core::hooks::Retry;
use crate::core::ids::{Epoch, IdError, JobId};

pub mod backoff;
pub mod health;

/// How often a job is tried when infrastructure is at fault each time: once, and three times more.
pub const MAX_ATTEMPTS: u32 = 4;

/// A job whose builders were lost so often, each time another one, is not given to a further one without being asked.
pub const MAX_LOST: usize = 3;

/// Whose fault a failure was; only infrastructure's faults are retried without being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The package's own.
    Package,
    /// The builder's, the mirror's, the network's.
    Infrastructure,
    /// Nobody can say.
    Unknown,
}

/// How often a recipe's `on_failure` may have a job tried again.
pub const MAX_SENT_BACK: usize = 3;

/// What a job is at, in wanna-build's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobState {
    /// Waits for a builder, or for what must be built before it.
    NeedsBuild,
    /// A builder works on it.
    Building,
    /// A builder says that it built.
    Built,
    /// Its files are here and were verified.
    Uploaded,
    /// Its packages can be built against and published.
    Installed,
    /// A build-dependency is not there yet, and something unfinished may still provide it.
    DepWait,
    /// Its build-dependencies cannot be installed, whatever else finishes.
    BdUninstallable,
    /// A build was tried and failed; set by the program.
    BuildAttempted,
    /// A person said that it does not build.
    Failed,
    /// A person said that it is not to be built on this architecture.
    NotForUs,
    /// The source package itself leaves this architecture out.
    AutoNotForUs,
}

impl JobState {
    /// Every state, in the order of a job's life.
    pub const ALL: [JobState; 11] = [
        JobState::NeedsBuild,
        JobState::Building,
        JobState::Built,
        JobState::Uploaded,
        JobState::Installed,
        JobState::DepWait,
        JobState::BdUninstallable,
        JobState::BuildAttempted,
        JobState::Failed,
        JobState::NotForUs,
        JobState::AutoNotForUs,
    ];

    /// The one text form.
    pub fn text(self) -> &'static str {
        match self {
            JobState::NeedsBuild => "needs-build",
            JobState::Building => "building",
            JobState::Built => "built",
            JobState::Uploaded => "uploaded",
            JobState::Installed => "installed",
            JobState::DepWait => "dep-wait",
            JobState::BdUninstallable => "bd-uninstallable",
            JobState::BuildAttempted => "build-attempted",
            JobState::Failed => "failed",
            JobState::NotForUs => "not-for-us",
            JobState::AutoNotForUs => "auto-not-for-us",
        }
    }

    /// Whether a stage need not wait for this job any more. `dep-wait` is not an end: who plans the stage turns it into
    /// `bd-uninstallable` once nothing unfinished could provide what is missing.
    pub fn is_terminal(self) -> bool {
        match self {
            JobState::NeedsBuild | JobState::Building | JobState::Built | JobState::Uploaded | JobState::DepWait => {
                false
            }
            JobState::Installed
            | JobState::BdUninstallable
            | JobState::BuildAttempted
            | JobState::Failed
            | JobState::NotForUs
            | JobState::AutoNotForUs => true,
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

impl FromStr for JobState {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        JobState::ALL
            .into_iter()
            .find(|state| state.text() == text)
            .ok_or_else(|| IdError { expected: "a job state such as `needs-build`", got: text.to_owned() })
    }
}

impl Serialize for JobState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

impl<'de> Deserialize<'de> for JobState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Something that happened to a job; each is a row, and rows are never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum JobEvent {
    /// A builder took it.
    Leased {
        /// The builder.
        builder: String,
        /// The lease, one higher than the last.
        epoch: Epoch,
    },
    /// The builder whose lease had expired was heard of again before anybody else took the job.
    Resumed {
        /// The builder.
        builder: String,
        /// Its lease, which is still the newest.
        epoch: Epoch,
    },
    /// The builder says that it built.
    Built {
        /// Seconds that the attempt took.
        seconds: u64,
    },
    /// Its files were verified and kept.
    Uploaded,
    /// Its packages can be built against.
    Installed,
    /// An earlier job with the same inputs had been built: its result was taken.
    Reused {
        /// That job.
        from: JobId,
    },
    /// A result with the same inputs was found in the store, from a job that nobody knows any more.
    Adopted,
    /// An attempt failed.
    Failed {
        /// Whose fault.
        fault: Fault,
        /// Where in the attempt: sbuild's word, or `chroot`, `download`, `stalled`, `upload`.
        stage: String,
        /// In words.
        reason: String,
        /// Which attempt it was, from 1; the last one is not retried.
        attempt: u32,
        /// Seconds that the attempt took.
        seconds: u64,
    },
    /// Nothing was heard of the builder for too long.
    LeaseExpired {
        /// Which attempt it was, from 1; the last one is not retried.
        attempt: u32,
    },
    /// Too many builders were lost while they built it.
    Quarantined {
        /// In words.
        reason: String,
    },
    /// A person said how urgent it is; the highest goes first.
    Prioritized {
        /// 0 where nobody says.
        priority: i64,
    },
    /// The attempt was stopped, or lost with the process that it belonged to; it does not count.
    GaveBack {
        /// In words.
        reason: String,
    },
    /// A build-dependency is missing and may still come.
    Waits {
        /// In words.
        reason: String,
    },
    /// Its build-dependencies cannot be installed.
    Uninstallable {
        /// In words.
        reason: String,
    },
    /// What it waited for can be installed now.
    DependenciesMet,
    /// A person asked for another try.
    Retried,
    /// The recipe's `on_failure` asked for another try.
    SentBack {
        /// How it differs from the last one.
        retry: Retry,
        /// Where the hook is written.
        place: String,
    },
    /// A person said that it does not build.
    MarkedFailed {
        /// In words.
        reason: String,
    },
    /// A person said that it is not to be built here.
    MarkedNotForUs {
        /// In words.
        reason: String,
    },
    /// The source package leaves this architecture out.
    LeftOut {
        /// In words.
        reason: String,
    },
}

impl JobEvent {
    /// The event's one word.
    pub fn text(&self) -> &'static str {
        match self {
            JobEvent::Leased { .. } => "leased",
            JobEvent::Resumed { .. } => "resumed",
            JobEvent::Built { .. } => "built",
            JobEvent::Uploaded => "uploaded",
            JobEvent::Installed => "installed",
            JobEvent::Reused { .. } => "reused",
            JobEvent::Adopted => "adopted",
            JobEvent::Failed { .. } => "failed",
            JobEvent::LeaseExpired { .. } => "lease-expired",
            JobEvent::Quarantined { .. } => "quarantined",
            JobEvent::Prioritized { .. } => "prioritized",
            JobEvent::GaveBack { .. } => "gave-back",
            JobEvent::Waits { .. } => "waits",
            JobEvent::Uninstallable { .. } => "uninstallable",
            JobEvent::DependenciesMet => "dependencies-met",
            JobEvent::Retried => "retried",
            JobEvent::SentBack { .. } => "sent-back",
            JobEvent::MarkedFailed { .. } => "marked-failed",
            JobEvent::MarkedNotForUs { .. } => "marked-not-for-us",
            JobEvent::LeftOut { .. } => "left-out",
        }
    }
}

/// A move that the life of a job does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a job that is `{state}` cannot be `{event}`")]
pub struct IllegalMove {
    /// What the job was at.
    pub state: JobState,
    /// What was said to have happened.
    pub event: &'static str,
}

/// What a job is at after `event`.
///
/// A result of the newest lease is taken however late it comes, so `Built` and `Failed` are legal in the states that an
/// expired lease can have led to; whether a result belongs to the newest lease is for the caller to check.
pub fn step(state: JobState, event: &JobEvent) -> Result<JobState, IllegalMove> {
    use JobState::{
        AutoNotForUs, BdUninstallable, BuildAttempted, Building, Built, DepWait, Failed, Installed, NeedsBuild,
        NotForUs, Uploaded,
    };
    let next = match event {
        JobEvent::Leased { .. } | JobEvent::Resumed { .. } => (state == NeedsBuild).then_some(Building),
        JobEvent::Built { .. } => {
            matches!(state, Building | NeedsBuild | DepWait | BdUninstallable | BuildAttempted).then_some(Built)
        }
        JobEvent::Uploaded => (state == Built).then_some(Uploaded),
        JobEvent::Installed => (state == Uploaded).then_some(Installed),
        JobEvent::Reused { .. } | JobEvent::Adopted => (state == NeedsBuild).then_some(Installed),
        JobEvent::Failed { fault, attempt, .. } => match state {
            Building | NeedsBuild => Some(after_fault(*fault, *attempt)),
            DepWait | BdUninstallable | BuildAttempted => Some(state),
            Built | Uploaded | Installed | Failed | NotForUs | AutoNotForUs => None,
        },
        JobEvent::LeaseExpired { attempt } => {
            (state == Building).then_some(after_fault(Fault::Infrastructure, *attempt))
        }
        JobEvent::Quarantined { .. } => (state == Building).then_some(BuildAttempted),
        JobEvent::Prioritized { .. } => (!state.is_terminal()).then_some(state),
        JobEvent::GaveBack { .. } => match state {
            Building | NeedsBuild => Some(NeedsBuild),
            DepWait | BdUninstallable | BuildAttempted => Some(state),
            Built | Uploaded | Installed | Failed | NotForUs | AutoNotForUs => None,
        },
        JobEvent::Waits { .. } => matches!(state, NeedsBuild | BdUninstallable).then_some(DepWait),
        JobEvent::Uninstallable { .. } => matches!(state, NeedsBuild | DepWait).then_some(BdUninstallable),
        JobEvent::DependenciesMet => matches!(state, DepWait | BdUninstallable).then_some(NeedsBuild),
        JobEvent::Retried => {
            matches!(state, BuildAttempted | Failed | NotForUs | DepWait | BdUninstallable).then_some(NeedsBuild)
        }
        JobEvent::SentBack { .. } => (state == BuildAttempted).then_some(NeedsBuild),
        JobEvent::MarkedFailed { .. } => {
            matches!(state, NeedsBuild | Building | DepWait | BdUninstallable | BuildAttempted).then_some(Failed)
        }
        JobEvent::MarkedNotForUs { .. } => {
            let may = [NeedsBuild, Building, DepWait, BdUninstallable, BuildAttempted, Failed, AutoNotForUs];
            may.contains(&state).then_some(NotForUs)
        }
        JobEvent::LeftOut { .. } => matches!(state, NeedsBuild | Building).then_some(AutoNotForUs),
    };
    next.ok_or(IllegalMove { state, event: event.text() })
}

/// Where a failed attempt leads: infrastructure's faults are tried again, a few times.
fn after_fault(fault: Fault, attempt: u32) -> JobState {
    match fault {
        Fault::Infrastructure if attempt < MAX_ATTEMPTS => JobState::NeedsBuild,
        Fault::Package | Fault::Infrastructure | Fault::Unknown => JobState::BuildAttempted,
    }
}

#[cfg(test)]
mod tests;

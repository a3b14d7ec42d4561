//! What recipes can do, one file a primitive: observe (io), decide (core), act (io).
//!
//! **Invariant:** no Lua here; a primitive takes plain data and returns plain data.

pub mod copies;
pub mod files;
pub mod hooks;
pub mod import;
pub mod order;
pub mod outdated;
pub mod layers;
pub mod view;
pub mod flags;
pub mod how;
pub mod build;
pub mod bench;
pub mod run_under;
pub mod compare;
pub mod explain;
pub mod proof;
pub mod publish;
pub mod journal;
pub mod planned;
pub mod offline;
pub mod saved;
pub mod live;
pub mod keeper;
pub mod launch;
pub mod fleet;

use crate::core::recipe::{Request, Response};

/// Does what a recipe asks for. `lua` calls it; `run` does it for real, `plan` records it, a test fakes it.
pub trait Perform: Send + Sync {
    /// Performs one request; blocks until it is done. Called on a thread of its own, never inside the async runtime.
    fn perform(&self, request: Request) -> anyhow::Result<Response>;
}

/// How a run goes on; Ctrl-C moves it forward, never back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pace {
    /// Lease jobs as they become ready.
    Go,
    /// Finish what runs, lease nothing more.
    Drain,
    /// Stop what runs, too.
    Halt,
}

/// What the parts of one process tell each other: state changed, slow down, stop.
#[derive(Debug)]
pub struct Signals {
    pace: tokio::sync::watch::Sender<Pace>,
    changed: tokio::sync::watch::Sender<u64>,
    heard: std::sync::Mutex<std::collections::BTreeMap<String, std::time::Instant>>,
}

impl Default for Signals {
    fn default() -> Self {
        let (pace, changed) = (tokio::sync::watch::Sender::new(Pace::Go), tokio::sync::watch::Sender::new(0));
        Signals { pace, changed, heard: std::sync::Mutex::default() }
    }
}

impl Signals {
    /// Says that jobs in the state changed, so that who waits for that looks again.
    pub fn state_changed(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Says that a builder asked for work just now.
    pub fn heard_of(&self, builder: &str, now: std::time::Instant) {
        let mut heard = self.heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        heard.insert(builder.to_owned(), now);
    }

    /// When a builder asked for work last, if it did since this process began.
    pub fn heard_at(&self, builder: &str) -> Option<std::time::Instant> {
        self.heard.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(builder).copied()
    }

    /// To wait for `state_changed`.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Moves the pace on; a slower pace never goes back to a faster one.
    pub fn slow_to(&self, pace: Pace) {
        self.pace.send_modify(|now| *now = (*now).max(pace));
        self.state_changed();
    }

    /// The pace now.
    pub fn pace(&self) -> Pace {
        *self.pace.borrow()
    }

    /// Does something that takes its time, unless the run slows to `pace` (or further) before it is done.
    pub async fn unless<T>(&self, pace: Pace, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        let mut paces = self.paces();
        tokio::select! {
            // The other end is in `self`, so this does not end by itself.
            _ = paces.wait_for(|now| *now >= pace) => Err(Interrupted.into()),
            done = work => done,
        }
    }

    /// To wait for another pace.
    pub fn paces(&self) -> tokio::sync::watch::Receiver<Pace> {
        self.pace.subscribe()
    }
}

/// Finds the bytes of a file by its hash: in a store, or else from the mirror that the import pinned.
pub trait Provide: Send + Sync {
    /// A path whose content has that hash; fetched, verified and kept first where it is not here yet.
    /// `None`: no import or build of this run knows such a file.
    fn provide(
        &self,
        sha256: crate::core::ids::Sha256,
    ) -> futures_util::future::BoxFuture<'_, anyhow::Result<Option<std::path::PathBuf>>>;

    /// A URL where a builder gets that file without us, if there is one.
    fn elsewhere(
        &self,
        _sha256: crate::core::ids::Sha256,
    ) -> futures_util::future::BoxFuture<'_, anyhow::Result<Option<String>>> {
        Box::pin(async { Ok(None) })
    }
}

/// The run was asked to stop, and nothing runs any more; started again it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted; what was finished is kept\nhint: start it again, and it goes on from here")]
pub struct Interrupted;

/// A hook of the recipe wants a person to look before the run goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "paused after stage `{stage}`: {why} (`on_stage_done`, {place})\nhint: look at it with `cloudbuild status`, then \
     start the recipe again: it goes on from here"
)]
pub struct Paused {
    /// The stage that ended.
    pub stage: String,
    /// In the recipe's words.
    pub why: String,
    /// Where the hook is written.
    pub place: String,
}

/// Who must change something before a request can be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Who wrote the recipe: it asks for what makes no sense.
    Recipe,
    /// Who keeps the archive, the disk or the machine.
    World,
    /// Who asked, with a word that means nothing here.
    Asker,
}

/// A request that cannot be met, where no error of `core` or `io` says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// Who can mend it.
    pub whose: Whose,
    /// What was expected, what came, and a hint.
    pub text: String,
}

impl Refusal {
    /// The recipe's own mistake.
    pub fn of_recipe(text: impl Into<String>) -> Refusal {
        Refusal { whose: Whose::Recipe, text: text.into() }
    }

    /// The asker's.
    pub fn of_asker(text: impl Into<String>) -> Refusal {
        Refusal { whose: Whose::Asker, text: text.into() }
    }

    /// The world's.
    pub fn of_world(text: impl Into<String>) -> Refusal {
        Refusal { whose: Whose::World, text: text.into() }
    }
}

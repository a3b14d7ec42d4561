//! The journal: what primitives answered, so that a run that was killed is run again from the top and answered from
//! here up to where it was.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Context;

use crate::core::ids::{RunId, Sha256};
use crate::core::recipe::{Request, Response};
use crate::io::clock;
use crate::io::state::State;
use crate::io::state::journal::{self, Entry, Intent};
use crate::primitives::Perform;

/// A recipe that, run again, asks for something else than it did before.
#[derive(Debug, thiserror::Error)]
#[error(
    "call {call} of this run was `{before}` and is `{now}` this time{}, so the journal does not answer it\nhint: the \
     recipe or its arguments changed while its run was unfinished; take the change back, go on \
     with what is the same with --adopt, or start anew with --restart",
    if before == now { " with other arguments" } else { "" }
)]
pub struct Diverged {
    /// Which call, from 1.
    pub call: u32,
    /// The primitive that was called then.
    pub before: String,
    /// The primitive that is called now.
    pub now: String,
}

/// Answers from the journal, or else performs and records.
pub struct Journaled {
    inner: Arc<dyn Perform>,
    state: State,
    run: RunId,
    calls: AtomicU32,
}

impl Journaled {
    /// Over who performs, for one execution of a run's recipe.
    pub fn new(inner: Arc<dyn Perform>, state: State, run: RunId) -> Journaled {
        Journaled { inner, state, run, calls: AtomicU32::new(0) }
    }
}

/// The primitive's name, as in the request's JSON.
fn name(request: &Request) -> &'static str {
    match request {
        Request::Import(_) => "import",
        Request::Order(_) => "order",
        Request::Launch(_) => "launch",
        Request::Build(_) => "build",
        Request::Publish(_) => "publish",
        Request::Compare(_) => "compare",
    }
}

/// A request as the journal knows it.
fn intent(call: u32, request: &Request) -> anyhow::Result<Intent> {
    let stage = match request {
        Request::Build(build) => Some(build.stage.clone()),
        Request::Import(_) | Request::Order(_) | Request::Launch(_) | Request::Publish(_) | Request::Compare(_) => None,
    };
    let arguments_hash = Sha256::of(&serde_json::to_vec(request).context("write a request as JSON")?);
    Ok(Intent { call, primitive: name(request).to_owned(), arguments_hash, stage })
}

/// The answer of a call that was recorded.
fn answer(entry: Entry) -> anyhow::Result<Response> {
    serde_json::from_value(entry.response).context("read an answer in the journal")
}

/// Whether a call that was recorded is the one that is made now.
fn is_same(entry: &Entry, now: &Intent) -> bool {
    (&entry.primitive, entry.arguments_hash) == (&now.primitive, now.arguments_hash)
}

impl Perform for Journaled {
    fn perform(&self, request: Request) -> anyhow::Result<Response> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let now = intent(call, &request)?;
        let (state, run) = (&self.state, self.run);
        if let Some(entry) = state.read(move |db| journal::lookup(db, run, call))? {
            return match is_same(&entry, &now) {
                true => answer(entry),
                false => Err(Diverged { call, before: entry.primitive, now: now.primitive }.into()),
            };
        }
        let begun = now.clone();
        state.write(move |tx| journal::begin(tx, run, &begun))?;
        let response = self.inner.perform(request)?;
        let json = serde_json::to_value(&response).context("write an answer as JSON")?;
        let at = clock::now().as_millisecond();
        let Intent { primitive, arguments_hash, .. } = now;
        let entry = Entry { call, primitive, arguments_hash, response: json, at };
        state.write(move |tx| journal::record(tx, run, &entry))?;
        Ok(response)
    }
}

/// What of a run an edited recipe would ask for again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// The primitives of the calls that are the same, from the first on.
    pub calls: Vec<String>,
    /// The stages whose jobs stay: those of builds that are the same, one that was not finished included.
    pub stages: BTreeSet<String>,
    /// The first call that is not the same: what it was, and what it is.
    pub differs: Option<(String, String)>,
    /// Whether a call was made that the journal does not answer.
    ended: bool,
}

/// The journal of one run and nothing else: tells how far it answers an edited recipe.
pub struct Replay {
    state: State,
    run: RunId,
    kept: Mutex<Kept>,
}

/// The journal's end.
#[derive(Debug, thiserror::Error)]
#[error("the journal has no answer to this call")]
struct Unanswered;

impl Replay {
    /// Over the journal of a run.
    pub fn new(state: State, run: RunId) -> Replay {
        Replay { state, run, kept: Mutex::default() }
    }

    /// What was the same until now.
    pub fn kept(&self) -> Kept {
        self.seen().clone()
    }

    fn seen(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("nobody panics while holding this lock")
    }
}

impl Perform for Replay {
    fn perform(&self, request: Request) -> anyhow::Result<Response> {
        let mut kept = self.seen();
        // A recipe that catches the journal's end does not get behind it.
        if kept.ended {
            return Err(Unanswered.into());
        }
        let call = u32::try_from(kept.calls.len() + 1).context("count the calls")?;
        let (now, run) = (intent(call, &request)?, self.run);
        let recorded = self.state.read(move |db| journal::lookup(db, run, call))?;
        if let Some(entry) = recorded.as_ref().filter(|entry| is_same(entry, &now)) {
            kept.calls.push(now.primitive);
            kept.stages.extend(now.stage);
            return answer(entry.clone());
        }
        kept.ended = true;
        if let Some(entry) = recorded {
            kept.differs = Some((entry.primitive, now.primitive));
        } else if let Some(begun) = self.state.read(move |db| journal::intent(db, run, call))? {
            match begun == now {
                true => kept.stages.extend(now.stage),
                false => kept.differs = Some((begun.primitive, now.primitive)),
            }
        }
        Err(Unanswered.into())
    }
}

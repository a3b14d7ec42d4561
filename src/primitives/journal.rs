//! The journal: what primitives answered, so that a run that was killed is run again from the top and answered from
//! here up to where it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;

use crate::core::ids::{RunId, Sha256};
use crate::core::recipe::{Request, Response};
use crate::io::clock;
use crate::io::state::State;
use crate::io::state::journal::{self, Entry};
use crate::primitives::Perform;

/// A recipe that, run again, asks for something else than it did before.
#[derive(Debug, thiserror::Error)]
#[error(
    "call {call} of this run was `{before}` and is `{now}` this time{}, so the journal does not answer it\nhint: the \
     recipe or its arguments changed while its run was unfinished; take the change back, or start anew with --restart",
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

impl Perform for Journaled {
    fn perform(&self, request: Request) -> anyhow::Result<Response> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let arguments_hash = Sha256::of(&serde_json::to_vec(&request).context("write a request as JSON")?);
        let primitive = name(&request).to_owned();
        let (state, run) = (&self.state, self.run);
        if let Some(entry) = state.read(move |db| journal::lookup(db, run, call))? {
            if (&entry.primitive, entry.arguments_hash) != (&primitive, arguments_hash) {
                return Err(Diverged { call, before: entry.primitive, now: primitive }.into());
            }
            return serde_json::from_value(entry.response).context("read an answer in the journal");
        }
        let response = self.inner.perform(request)?;
        let json = serde_json::to_value(&response).context("write an answer as JSON")?;
        let at = clock::now().as_millisecond();
        let entry = Entry { call, primitive, arguments_hash, response: json, at };
        state.write(move |tx| journal::record(tx, run, &entry))?;
        Ok(response)
    }
}

//! What the request handlers share, and the way from a handler to the desk.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;

use super::ControlOptions;
use super::desk::{self, Now, Pulses, Reply, Request};
use crate::core::events::Listener;
use crate::io::clock;
use crate::io::control::Token;
use crate::io::state::jobs::leasing;
use crate::io::state::{State, StateError};
use crate::io::store::Store;
use crate::primitives::{Provide, Signals};

/// How long the control point goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Work is leased as it becomes ready.
    Open,
    /// Builders that ask for work are told to stop.
    NoMoreWork,
    /// No request waits any more.
    Stopped,
}

/// What the request handlers share.
pub(super) struct Point {
    pub(super) state: State,
    pub(super) state_dir: PathBuf,
    pub(super) store: Store,
    pub(super) provide: Arc<dyn Provide>,
    pub(super) signals: Arc<Signals>,
    pub(super) listener: Arc<dyn Listener>,
    pub(super) token: Token,
    /// Looks at uploads; none: this process does.
    pub(super) verifier: Option<PathBuf>,
    pub(super) phase: watch::Receiver<Phase>,
    /// Held while a log grows, so that a piece that is sent twice at the same time is appended once.
    pub(super) logs: Mutex<()>,
    runtime: tokio::runtime::Handle,
    pulses: Arc<Mutex<Pulses>>,
}

impl Point {
    pub(super) fn new(options: ControlOptions, token: Token, phase: watch::Receiver<Phase>) -> Point {
        let ControlOptions { state, state_dir, store, provide, signals, listener, verifier, .. } = options;
        let pulses = Pulses::new(options.lease_ttl, clock::instant()).with_pause(options.retry_pause);
        let pulses = Arc::new(Mutex::new(pulses));
        let runtime = tokio::runtime::Handle::current();
        let logs = Mutex::new(());
        Point { state, state_dir, store, provide, signals, listener, token, verifier, phase, logs, runtime, pulses }
    }

    /// Asks the desk, and does what it says once the change is on disk.
    pub(super) async fn ask(self: &Arc<Self>, request: Request) -> anyhow::Result<Reply> {
        if let Request::Heartbeat { job, heartbeat } = &request
            && let Some(reply) = desk::beat(&mut self.pulses(), *job, heartbeat, now())
        {
            return Ok(reply);
        }
        let point = Arc::clone(self);
        blocking(move || point.ask_here(request)).await
    }

    /// As `ask`, on a thread that may block.
    pub(super) fn ask_here(&self, request: Request) -> anyhow::Result<Reply> {
        let pulses = Arc::clone(&self.pulses);
        let signals = Arc::clone(&self.signals);
        let now = now();
        let asked = self.state.write(move |tx| {
            let mut pulses =
                pulses.lock().map_err(|_| StateError::Refused { reason: "the desk panicked before".to_owned() })?;
            let request = match request {
                // The pace may have changed while this waited for its turn.
                Request::Lease { request, open } => {
                    Request::Lease { request, open: open && signals.pace() == crate::primitives::Pace::Go }
                }
                other @ (Request::Heartbeat { .. }
                | Request::Sends { .. }
                | Request::Finish { .. }
                | Request::Act(_)
                | Request::Sweep) => other,
            };
            desk::handle(tx, &mut pulses, request, now)
        });
        if asked.is_err() {
            // What the desk remembers may be of a change that was undone.
            self.pulses().forget_all();
        }
        let (reply, actions) = asked?;
        for action in actions {
            super::perform::perform(self, action);
        }
        Ok(reply)
    }

    /// Lets builders that wait for work look again after a pause.
    pub(super) fn wake_after(&self, pause: Duration) {
        let signals = Arc::clone(&self.signals);
        self.runtime.spawn(async move {
            tokio::time::sleep(pause).await;
            signals.state_changed();
        });
    }

    /// The same for jobs that were let wait before this process began.
    pub(super) fn wake_when_due(&self) -> anyhow::Result<()> {
        let now = clock::now().as_millisecond();
        if let Some(due) = self.state.read(|db| leasing::next_due(db, now))? {
            self.wake_after(Duration::from_millis(u64::try_from(due - now).unwrap_or(0)));
        }
        Ok(())
    }

    fn pulses(&self) -> MutexGuard<'_, Pulses> {
        // What a panic left half done is read again from the state.
        self.pulses.lock().unwrap_or_else(|poisoned| {
            let mut pulses = poisoned.into_inner();
            pulses.forget_all();
            pulses
        })
    }
}

/// What time it is.
fn now() -> Now {
    Now { unix_ms: clock::now().as_millisecond(), instant: clock::instant() }
}

/// Runs what blocks on a thread where that is fine.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("a request's work panicked")?
}

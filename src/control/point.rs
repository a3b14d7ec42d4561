//! What the request handlers share, and the way from a handler to the desk.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::Context;
use tokio::sync::watch;

use super::ControlOptions;
use super::desk::{self, Now, Pulses, Reply, Request};
use crate::core::events::Listener;
use crate::io::clock;
use crate::io::control::Token;
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
    pub(super) phase: watch::Receiver<Phase>,
    /// Held while a log grows, so that a piece that is sent twice at the same time is appended once.
    pub(super) logs: Mutex<()>,
    pulses: Arc<Mutex<Pulses>>,
}

impl Point {
    pub(super) fn new(options: ControlOptions, token: Token, phase: watch::Receiver<Phase>) -> Point {
        let ControlOptions { state, state_dir, store, provide, signals, listener, lease_ttl, bind: _ } = options;
        let pulses = Arc::new(Mutex::new(Pulses::new(lease_ttl, clock::instant())));
        Point { state, state_dir, store, provide, signals, listener, token, phase, logs: Mutex::new(()), pulses }
    }

    /// Asks the desk, and does what it says once the change is on disk.
    pub(super) async fn ask(self: &Arc<Self>, request: Request) -> anyhow::Result<Reply> {
        let point = Arc::clone(self);
        blocking(move || point.ask_here(request)).await
    }

    /// As `ask`, on a thread that may block.
    pub(super) fn ask_here(&self, request: Request) -> anyhow::Result<Reply> {
        let pulses = Arc::clone(&self.pulses);
        let signals = Arc::clone(&self.signals);
        let now = Now { unix_ms: clock::now().as_millisecond(), instant: clock::instant() };
        let (reply, actions) = self.state.write(move |tx| {
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
                | Request::Sweep) => other,
            };
            desk::handle(tx, &mut pulses, request, now)
        })?;
        for action in actions {
            super::perform::perform(self, action);
        }
        Ok(reply)
    }
}

/// Runs what blocks on a thread where that is fine.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("a request's work panicked")?
}

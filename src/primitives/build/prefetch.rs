//! Fetches what builders will ask for before they do: a mirror that moves on in the middle of a run removes old files.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::core::ids::Sha256;
use crate::primitives::files::Files;

/// How many files are fetched at once; builders that wait for one of their own come first, so few.
const AT_ONCE: usize = 2;

/// The pause between two looks at whether all was fetched.
const LOOK: Duration = Duration::from_millis(50);

/// Fetches in the background until it is dropped.
pub struct Prefetch {
    /// None once no more is wanted.
    wanted: Mutex<Option<mpsc::UnboundedSender<Sha256>>>,
    task: JoinHandle<()>,
}

impl Prefetch {
    /// Starts with nothing to do; called inside the runtime.
    pub fn start(files: &Arc<Files>) -> Prefetch {
        let (wanted, mut receiver) = mpsc::unbounded_channel();
        let files = Arc::clone(files);
        let task = tokio::spawn(async move {
            let next = futures_util::stream::poll_fn(move |context| receiver.poll_recv(context));
            next.for_each_concurrent(AT_ONCE, |sha256| {
                let files = &files;
                async move {
                    // Whoever builds with it asks again, and tells what went wrong.
                    match files.make_ready(sha256).await {
                        Ok(()) => {}
                        Err(error) if files.copies().is_some() => tracing::warn!(%sha256, %error, "not in the mirror"),
                        Err(error) => tracing::debug!(%sha256, %error, "not fetched in advance"),
                    }
                }
            })
            .await;
        });
        Prefetch { wanted: Mutex::new(Some(wanted)), task }
    }

    /// Fetches these, too; what is here already costs nothing.
    pub fn want(&self, files: impl IntoIterator<Item = Sha256>) {
        let wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        for (sha256, wanted) in files.into_iter().zip(std::iter::repeat(wanted.as_ref())) {
            // The task lives as long as this, unless the runtime ends, and then nobody wants anything.
            let _ = wanted.map(|wanted| wanted.send(sha256));
        }
    }

    /// Waits until all that was wanted was tried, as long as that goes on; nothing more can be wanted then.
    pub fn finish(&self, goes_on: impl Fn() -> bool) {
        drop(self.wanted.lock().unwrap_or_else(PoisonError::into_inner).take());
        while goes_on() && !self.task.is_finished() {
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

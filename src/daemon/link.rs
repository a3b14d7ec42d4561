//! The line to the control point: tries again while it is away, and finds it where its file says it is now.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::{Connect, Control, DaemonOptions, Trouble};
use crate::wire::Refusal;

/// The first pause before trying again; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// A control point that came back is noticed this soon at the latest.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Why a call came to nothing for good.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Lost {
    /// The control point refused it.
    #[error("the control point refused ({}): {}", .0.code, .0.message)]
    Refused(Refusal),
    /// The control point did not answer for too long, or this daemon is to stop and it did not answer once.
    #[error("the control point did not answer for {} s: {last}", .after.as_secs())]
    Gone {
        /// For how long.
        after: Duration,
        /// What the last try said.
        last: String,
    },
}

/// The line to the control point.
pub struct Link {
    file: PathBuf,
    connect: Connect,
    limit: Duration,
    stop: CancellationToken,
    now: Mutex<Arc<dyn Control>>,
}

impl Link {
    /// Reads the control file; the control point itself is spoken to with the first call.
    pub fn new(options: &DaemonOptions, stop: CancellationToken) -> anyhow::Result<Link> {
        let file = options.control_file.clone();
        let control = (options.connect)(&file)?;
        let (connect, limit) = (Arc::clone(&options.connect), options.away_limit);
        Ok(Link { file, connect, limit, stop, now: Mutex::new(control) })
    }

    /// The control point as it is known now.
    pub fn control(&self) -> Arc<dyn Control> {
        Arc::clone(&self.now.lock().expect("nobody panics while holding this"))
    }

    /// Makes a call, again and again while the control point is away.
    pub async fn call<T>(
        &self,
        call: impl Fn(Arc<dyn Control>) -> BoxFuture<'static, Result<T, Trouble>>,
    ) -> Result<T, Lost> {
        let begin = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let last = match call(self.control()).await {
                Ok(answer) => return Ok(answer),
                Err(Trouble::Refused(refusal)) => return Err(Lost::Refused(refusal)),
                Err(Trouble::Away(why)) => why,
            };
            let after = begin.elapsed();
            if after >= self.limit || self.stop.is_cancelled() {
                return Err(Lost::Gone { after, last });
            }
            tracing::debug!(last, "the control point does not answer");
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            self.look_again();
        }
    }

    /// A control point that was started again has another address and token.
    fn look_again(&self) {
        match (self.connect)(&self.file) {
            Ok(control) => *self.now.lock().expect("nobody panics while holding this") = control,
            Err(error) => tracing::debug!("{error:#}"),
        }
    }
}

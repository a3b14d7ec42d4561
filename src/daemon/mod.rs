//! The build daemon: takes jobs from a control point, builds them, reports.
//!
//! **Invariant:** it decides nothing about jobs and holds no credential but the control point's token; what it knows of
//! a job is in the lease. It uses neither `lua` nor `control`.

pub mod http;
pub mod attempt;
pub mod link;
pub mod log;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::core::ids::{Epoch, JobId};
use crate::io::host::user::{BUILD_USER, User, is_root};
use crate::io::machines::here;
use crate::io::sbuild::place::{Place, Tools, instance};
use crate::wire::{File, Finish, Heartbeat, HeartbeatReply, LeaseReply, LeaseRequest, PROTOCOL, Refusal};

use link::{Link, Lost};

/// How long one ask for work may stay open at the control point.
const LONG_POLL: Duration = Duration::from_secs(30);

/// How long builds go on, and are reported again and again, while the control point does not answer.
pub const AWAY_LIMIT: Duration = Duration::from_secs(30 * 60);

/// What a daemon says to a control point; `io::control` says it over HTTP, a test hears it itself.
pub trait Control: Send + Sync {
    /// Where the control point is, without a slash at the end; views are at `URL/view/ID/`.
    fn url(&self) -> String;
    /// Asks for work.
    fn lease(&self, request: LeaseRequest) -> BoxFuture<'_, Result<LeaseReply, Trouble>>;
    /// Says that a build goes on.
    fn heartbeat(&self, job: JobId, beat: Heartbeat) -> BoxFuture<'_, Result<HeartbeatReply, Trouble>>;
    /// Sends a piece of a log; answers how much of it is there. Where that is not the end of the piece, go on from it.
    fn append_log(&self, job: JobId, epoch: Epoch, offset: u64, bytes: Vec<u8>) -> BoxFuture<'_, Result<u64, Trouble>>;
    /// Sends a file that was built.
    fn put_file(&self, job: JobId, epoch: Epoch, file: File, path: PathBuf) -> BoxFuture<'_, Result<(), Trouble>>;
    /// Ends an attempt.
    fn finish(&self, job: JobId, finish: Finish) -> BoxFuture<'_, Result<(), Trouble>>;
    /// Fetches a file by its hash into `path`.
    fn get_file(&self, file: File, path: PathBuf) -> BoxFuture<'_, Result<(), Trouble>>;
}

/// Why a control point did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Trouble {
    /// It does not answer, or answers nonsense: try again.
    #[error("the control point does not answer: {0}")]
    Away(String),
    /// It refused: trying again would not help.
    #[error("the control point refused ({}): {}", .0.code, .0.message)]
    Refused(Refusal),
}

/// Makes a [`Control`] of what the control file says now: [`http::connect`], or a test's own.
pub type Connect = Arc<dyn Fn(&Path) -> anyhow::Result<Arc<dyn Control>> + Send + Sync>;

/// How a daemon is started.
#[derive(Clone)]
pub struct DaemonOptions {
    /// `STATE/control.json`; it is read again when the control point does not answer.
    pub control_file: PathBuf,
    /// The builder's name.
    pub name: String,
    /// How many builds at once.
    pub slots: usize,
    /// The cache folder.
    pub cache: PathBuf,
    /// Who builds; `None`: the user that setup made where this is root, else the user itself.
    pub build_user: Option<String>,
    /// The programs.
    pub tools: Tools,
    /// How long to go on without a control point: [`AWAY_LIMIT`].
    pub away_limit: Duration,
    /// How to speak to a control point.
    pub connect: Connect,
}

/// Works until the control point says stop, does not answer for too long, or this process is asked to end.
pub async fn run(options: DaemonOptions) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
    let asked = stop.clone();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("asked to end: stopping what runs");
        asked.cancel();
    });
    serve(options, stop).await
}

/// The same, until `stop`.
pub async fn serve(options: DaemonOptions, stop: CancellationToken) -> anyhow::Result<()> {
    let state = state_of(&options.control_file)?;
    let _lock = here::hold(&state, &options.name)?;
    let place = place(&options, &state)?;
    let _claim = place.claim().await.context("cannot use the cache folder")?;
    let arch = crate::io::host::architecture().await?;
    let link = Link::new(&options, stop.clone())?;
    let daemon = Arc::new(Daemon {
        link,
        place,
        name: options.name,
        arch,
        slots: options.slots.max(1),
        stop,
        holding: Mutex::default(),
    });
    tracing::info!(builder = daemon.name, slots = daemon.slots, "ready to build");
    let workers: Vec<_> = (0..daemon.slots).map(|_| tokio::spawn(Arc::clone(&daemon).work())).collect();
    let mut result = Ok(());
    for worker in workers {
        let ended = worker.await.context("a worker of the build daemon failed")?;
        result = result.and(ended);
    }
    daemon.place.give_up().await?;
    result
}

fn state_of(control_file: &Path) -> anyhow::Result<PathBuf> {
    let path = std::path::absolute(control_file)?;
    let state = path.parent().with_context(|| format!("`{}` is not in a state directory", path.display()))?;
    Ok(state.to_path_buf())
}

fn place(options: &DaemonOptions, state: &Path) -> anyhow::Result<Place> {
    let user = match (&options.build_user, is_root()) {
        (Some(name), _) => User::named(name),
        (None, true) => User::named(BUILD_USER),
        (None, false) => User::own(),
    };
    let user = user.context("cannot read the password file")?.with_context(|| {
        let name = options.build_user.as_deref().unwrap_or(BUILD_USER);
        format!("there is no user `{name}` to build as\nhint: run `cloudbuild setup` as root")
    })?;
    let cache = std::path::absolute(&options.cache)?;
    Ok(Place { cache, instance: instance(state, &options.name), user, tools: options.tools.clone() })
}

/// What the workers of one daemon share.
pub(crate) struct Daemon {
    pub(crate) link: Link,
    pub(crate) place: Place,
    pub(crate) name: String,
    pub(crate) arch: String,
    pub(crate) slots: usize,
    pub(crate) stop: CancellationToken,
    holding: Mutex<Vec<(JobId, Epoch)>>,
}

impl Daemon {
    /// One slot: asks for work and does it, one job after the other.
    async fn work(self: Arc<Self>) -> anyhow::Result<()> {
        while !self.stop.is_cancelled() {
            let asked = tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                asked = self.ask() => asked,
            };
            match asked {
                Ok(LeaseReply::Work { lease }) => {
                    let held = (lease.job, lease.epoch);
                    self.holding().push(held);
                    attempt::attempt(&self, &lease).await;
                    self.holding().retain(|one| *one != held);
                }
                // A control point that has nothing and does not wait either must not be asked without a pause.
                Ok(LeaseReply::Nothing) => tokio::time::sleep(Duration::from_millis(200)).await,
                Ok(LeaseReply::Stop) => return Ok(()),
                Err(lost) => {
                    self.stop.cancel();
                    return Err(lost).context("cannot get work");
                }
            }
        }
        Ok(())
    }

    async fn ask(&self) -> Result<LeaseReply, Lost> {
        let request = LeaseRequest {
            protocol: PROTOCOL,
            builder: self.name.clone(),
            arch: self.arch.clone(),
            wait_seconds: LONG_POLL.as_secs(),
            holding: self.holding().clone(),
        };
        self.link
            .call(|control| {
                let request = request.clone();
                Box::pin(async move { control.lease(request).await })
            })
            .await
    }

    fn holding(&self) -> std::sync::MutexGuard<'_, Vec<(JobId, Epoch)>> {
        self.holding.lock().expect("nobody panics while holding this list")
    }
}

//! The build daemon: takes jobs from a control point, builds them, reports.
//!
//! **Invariant:** it decides nothing about jobs and holds no credential but the control point's token; what it knows of
//! a job is in the lease. It uses neither `lua` nor `control`.

pub mod client;
pub mod step;
pub mod attempt;
pub mod log;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::core::how::Abilities;
use crate::core::ids::{Epoch, JobId, ViewId};
use crate::io::host::memory;
use crate::io::host::user::{BUILD_USER, User};
use crate::io::machines::{here, notice};
use crate::io::sbuild::place::{Place, Tools, instance};
use crate::wire::{File, Finish, Heartbeat, HeartbeatReply, LeaseReply, LeaseRequest, PROTOCOL, Refusal};

/// How long one ask for work may stay open at the control point.
const LONG_POLL: Duration = Duration::from_secs(30);

/// How long what a daemon still has to say may take once it is to end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What a daemon says to a control point; `io::control` says it over HTTP, a test hears it itself. Patience is the
/// other side's: a call comes back once it was heard, or when there is no hope of that.
pub trait Control: Send + Sync {
    /// Where a view is now, with a slash at the end.
    fn view_url(&self, view: ViewId) -> Result<String, Trouble>;
    /// Asks for work.
    fn lease(&self, request: LeaseRequest) -> BoxFuture<'_, Result<LeaseReply, Trouble>>;
    /// Says that a build goes on.
    fn heartbeat(&self, job: JobId, beat: Heartbeat) -> BoxFuture<'_, Result<HeartbeatReply, Trouble>>;
    /// Sends a piece of a log; how much of the log the control point has then, from where to go on.
    fn append_log(&self, job: JobId, epoch: Epoch, offset: u64, piece: Vec<u8>) -> BoxFuture<'_, Result<u64, Trouble>>;
    /// Sends a file that was built.
    fn put_file(&self, job: JobId, epoch: Epoch, file: File, from: PathBuf) -> BoxFuture<'_, Result<(), Trouble>>;
    /// Ends an attempt.
    fn finish(&self, job: JobId, finish: Finish) -> BoxFuture<'_, Result<(), Trouble>>;
    /// Fetches a file.
    fn get_file(&self, file: File, to: PathBuf) -> BoxFuture<'_, Result<(), Trouble>>;
}

/// Why a control point did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Trouble {
    /// It did not answer for so long that there is no point in going on.
    #[error("the control point is gone: {0}")]
    Gone(String),
    /// It refused: trying again would not help.
    #[error("the control point refused ({}): {}", .0.code, .0.message)]
    Refused(Refusal),
    /// It answered nonsense, or a file here could not be used.
    #[error("{0}")]
    Failed(String),
}

/// How a daemon is started.
#[derive(Clone)]
pub struct DaemonOptions {
    /// The state directory, where the daemon's lock is.
    pub state: PathBuf,
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
    /// How to speak to the control point.
    pub control: Arc<dyn Control>,
    /// This is an instance that its cloud may take away: its notice ends what runs, so that others can have it.
    pub notices: bool,
    /// How long a call of `control` goes on trying by itself.
    pub patience: Duration,
}

/// Works until the control point says stop, does not answer for too long, or this process is asked to end.
pub async fn run(options: DaemonOptions) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
    if options.notices {
        let noticed = stop.clone();
        tokio::spawn(async move {
            let words = notice::notice().await;
            tracing::warn!(words, "the cloud takes this machine away: giving back what runs");
            noticed.cancel();
        });
    }
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
    let state = std::path::absolute(&options.state)?;
    let _lock = here::hold(&state, &options.name)?;
    let place = place(&options, &state)?;
    let _claim = place.claim().await.context("cannot use the cache folder")?;
    let runs = crate::io::host::emulation::architectures().await?;
    let daemon = Arc::new(Daemon {
        control: options.control,
        place,
        name: options.name,
        runs,
        memory: memory::total(),
        slots: options.slots.max(1),
        stop,
        patience: options.patience,
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

fn place(options: &DaemonOptions, state: &Path) -> anyhow::Result<Place> {
    let user = User::builder(options.build_user.as_deref());
    let user = user.context("cannot read the password file")?.with_context(|| {
        let name = options.build_user.as_deref().unwrap_or(BUILD_USER);
        format!("there is no user `{name}` to build as\nhint: run `cloudbuild setup` as root")
    })?;
    let cache = std::path::absolute(&options.cache)?;
    Ok(Place { cache, instance: instance(state, &options.name), user, tools: options.tools.clone() })
}

/// What the workers of one daemon share.
pub(crate) struct Daemon {
    pub(crate) control: Arc<dyn Control>,
    pub(crate) place: Place,
    pub(crate) name: String,
    pub(crate) runs: Abilities,
    memory: u64,
    pub(crate) slots: usize,
    pub(crate) stop: CancellationToken,
    /// How long a call goes on trying by itself before it says that nobody is there.
    patience: Duration,
    holding: Mutex<Vec<(JobId, Epoch)>>,
}

impl Daemon {
    /// One slot: asks for work and does it, one job after the other.
    async fn work(self: Arc<Self>) -> anyhow::Result<()> {
        let mut away = None;
        while !self.stop.is_cancelled() {
            let asked = tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                asked = self.ask() => asked,
            };
            if asked.is_ok() {
                away = None;
            }
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
                Err(trouble @ Trouble::Gone(_)) => {
                    let since = *away.get_or_insert_with(Instant::now);
                    // Builds of other slots go on, and deliver what they made when the control point is back.
                    let (_, acts) = step::step(step::Slot::Idle, step::Heard::Away(since.elapsed() + self.patience));
                    if acts.contains(&step::Act::End { away: true }) {
                        return Err(trouble).context("cannot get work");
                    }
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(trouble) => {
                    self.stop.cancel();
                    return Err(trouble).context("cannot get work");
                }
            }
        }
        Ok(())
    }

    async fn ask(&self) -> Result<LeaseReply, Trouble> {
        let request = LeaseRequest {
            protocol: PROTOCOL,
            builder: self.name.clone(),
            runs: self.runs.itself.clone(),
            emulates: self.runs.emulated.clone(),
            memory: self.memory,
            wait_seconds: LONG_POLL.as_secs(),
            holding: self.holding().clone(),
        };
        self.control.lease(request).await
    }

    /// Makes a call; one that is not heard soon after this daemon is to end is given up.
    pub(crate) async fn say<T>(&self, call: BoxFuture<'_, Result<T, Trouble>>) -> Result<T, Trouble> {
        let last_words = async {
            self.stop.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            answer = call => answer,
            () = last_words => Err(Trouble::Gone("this daemon is to end, and nobody hears it".to_owned())),
        }
    }

    fn holding(&self) -> std::sync::MutexGuard<'_, Vec<(JobId, Epoch)>> {
        self.holding.lock().expect("nobody panics while holding this list")
    }
}

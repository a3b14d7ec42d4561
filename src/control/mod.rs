//! The control point: leases jobs to builders, takes their logs, files and results, and serves what they build against.
//!
//! **Invariant:** no decision about a job is made outside of [`desk::handle`], and nothing that a builder sends is
//! unpacked or becomes a path unchecked.

pub mod desk;
mod http;
mod perform;
mod point;
mod token;
mod uploads;
pub mod views;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::desk::{Now, Pulses, Refused, Reply};
use self::point::{Phase, Point};
use crate::core::events::Listener;
use crate::io::clock;
use crate::io::control::ControlFile;
use crate::io::state::State;
use crate::io::store::Store;
use crate::primitives::{Provide, Signals};
use crate::wire::acts::{Act, Acted};

/// How long a lease lives without a word of its builder, unless the caller says otherwise.
pub const LEASE_TTL: Duration = Duration::from_secs(180);

/// How long `stop` waits for requests that are being answered.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// What a control point works with.
pub struct ControlOptions {
    /// Jobs, attempts and artifacts.
    pub state: State,
    /// Where logs, views, spool and `control.json` are.
    pub state_dir: PathBuf,
    /// Where built files are kept: the store in the state directory.
    pub store: Store,
    /// Finds files that builders fetch.
    pub provide: Arc<dyn Provide>,
    /// Tells when jobs changed and how the run goes on.
    pub signals: Arc<Signals>,
    /// Hears what happens.
    pub listener: Arc<dyn Listener>,
    /// How long a lease lives without a word of its builder: [`LEASE_TTL`].
    pub lease_ttl: Duration,
    /// The first pause of a job that failed by infrastructure's fault: [`desk::RETRY_PAUSE`].
    pub retry_pause: Duration,
    /// The program that looks at uploads, this one, in processes with limits; none: this process does.
    pub verifier: Option<PathBuf>,
    /// Where to listen; loopback and the port of the last time, or else any free one, when it is not given.
    pub bind: Option<SocketAddr>,
}

/// A running control point; dropping it ends it at once.
#[derive(Debug)]
pub struct ControlHandle {
    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub url: String,
    /// Where the file for clients is: URL and token.
    pub control_file: PathBuf,
    phase: watch::Sender<Phase>,
    server: JoinHandle<std::io::Result<()>>,
    sweeper: JoinHandle<()>,
}

/// Starts a control point inside this process; must be called in the async runtime.
pub async fn start(options: ControlOptions) -> anyhow::Result<ControlHandle> {
    let control_file = ControlFile::path(&options.state_dir);
    let earlier = ControlFile::read(&control_file).ok().filter(|file| token::is_sound(&file.token));
    let listener = listen(options.bind, earlier.as_ref()).await?;
    let address = listener.local_addr().context("ask for the address of the control point")?;
    let url = format!("http://{address}");
    // A new one each time: a builder that outlived the last control point shows its token to whoever has that port by
    // now. It reads the file again before each try.
    let token = token::random()?;
    make_dirs(&options.state_dir)?;
    let phase = watch::Sender::new(Phase::Open);
    let ttl = options.lease_ttl;
    let file = ControlFile { url: url.clone(), token: token.clone() };
    let point = Arc::new(Point::new(options, token, phase.subscribe()));
    point.wake_when_due()?;
    let router = http::router(Arc::clone(&point));
    let mut stopped = phase.subscribe();
    let server = tokio::spawn(async move {
        let until = async move {
            // The sender is gone only with the handle, whose end ends this, too.
            drop(stopped.wait_for(|phase| *phase == Phase::Stopped).await);
        };
        axum::serve(listener, router).with_graceful_shutdown(until).await
    });
    let sweeper = tokio::spawn(sweep(point, ttl));
    // Written last: who reads it finds the door open.
    let handle = ControlHandle { url, control_file, phase, server, sweeper };
    file.write(&handle.control_file)?;
    tracing::info!(url = handle.url, "the control point listens");
    Ok(handle)
}

/// Does what a person wants in a state that no control point works on; what has to be done besides is said.
pub fn act(state: &State, act: Act) -> anyhow::Result<Result<Acted, Refused>> {
    let now = Now { unix_ms: clock::now().as_millisecond(), instant: clock::instant() };
    let (reply, _nobody_waits) = state.write(move |tx| {
        let mut pulses = Pulses::new(LEASE_TTL, now.instant);
        desk::handle(tx, &mut pulses, desk::Request::Act(act), now)
    })?;
    match reply {
        Reply::Acted(acted) => Ok(Ok(acted)),
        Reply::Refused(refused) => Ok(Err(refused)),
        Reply::Lease(_) | Reply::Heartbeat(_) | Reply::Welcome | Reply::Finished | Reply::Swept => {
            anyhow::bail!("the desk answered another question")
        }
    }
}

impl ControlHandle {
    /// Where a client finds the view `id`.
    pub fn view_url(&self, view: crate::core::ids::ViewId) -> String {
        format!("{}/view/{view}/", self.url)
    }

    /// From now on builders that ask for work are told to stop.
    pub fn no_more_work(&self) {
        self.phase.send_modify(|phase| *phase = (*phase).max(Phase::NoMoreWork));
    }

    /// Answers what is being asked, then ends. `control.json` stays, so that builders find the next control point here.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.phase.send_modify(|phase| *phase = Phase::Stopped);
        self.sweeper.abort();
        match tokio::time::timeout(STOP_PATIENCE, &mut self.server).await {
            Ok(Ok(result)) => result.context("serve builders"),
            Ok(Err(error)) => Err(error).context("serve builders"),
            Err(_) => {
                tracing::warn!("requests of builders were still open when the control point stopped");
                Ok(())
            }
        }
    }
}

impl Drop for ControlHandle {
    fn drop(&mut self) {
        self.server.abort();
        self.sweeper.abort();
    }
}

/// Listens where the last control point of this directory did, so that a builder that outlived it finds this one.
async fn listen(bind: Option<SocketAddr>, earlier: Option<&ControlFile>) -> anyhow::Result<TcpListener> {
    if let Some(address) = bind {
        return TcpListener::bind(address).await.with_context(|| format!("listen on `{address}`"));
    }
    let port = earlier.and_then(|file| file.url.rsplit_once(':')).and_then(|(_, port)| port.parse::<u16>().ok());
    if let Some(port) = port
        && let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
    {
        return Ok(listener);
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("listen on loopback")
}

/// The folders that requests write to.
fn make_dirs(state_dir: &Path) -> anyhow::Result<()> {
    for name in ["logs", "views", "spool", "refused"] {
        let dir = state_dir.join(name);
        std::fs::create_dir_all(&dir).with_context(|| format!("make the directory `{}`", dir.display()))?;
    }
    Ok(())
}

/// Frees jobs whose builders fell silent, again and again.
async fn sweep(point: Arc<Point>, ttl: Duration) {
    let every = (ttl / 4).clamp(Duration::from_millis(100), Duration::from_secs(15));
    loop {
        tokio::time::sleep(every).await;
        if let Err(error) = point.ask(desk::Request::Sweep).await {
            tracing::warn!(%error, "leases were not looked at; they will be next time");
        }
    }
}

#[cfg(test)]
mod tests;

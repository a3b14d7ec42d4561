//! Performs requests for real.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::core::events::{Event, Listener};
use crate::core::ids::RunId;
use crate::core::job::JobEvent;
use crate::core::recipe::{Builders, LaunchRequest, LaunchResult, Request, Response};
use crate::io::clock;
use crate::io::host;
use crate::io::machines::here;
use crate::io::openpgp::signing::SigningKey;
use crate::io::state::{State, jobs};
use crate::primitives::build::Stage;
use crate::primitives::files::Files;
use crate::primitives::proof::Proving;
use crate::primitives::{Interrupted, Pace, Perform, Refusal, Signals, build, compare, import, order, publish};

/// What one run works with.
pub struct Live {
    /// The state directory.
    pub dir: PathBuf,
    /// Its state.
    pub state: State,
    /// The run.
    pub run: RunId,
    /// Files by hash, and the mirror that they come from.
    pub files: Arc<Files>,
    /// Signs views and archives.
    pub key: Arc<SigningKey>,
    /// Changes and pace.
    pub signals: Arc<Signals>,
    /// Who hears of what happens.
    pub listener: Arc<dyn Listener>,
    /// How this machine's build daemon is started.
    pub daemon: LocalDaemon,
    /// Where real apt installs from what was published.
    pub proving: Proving,
    /// The machine's own Debian architecture.
    pub machine: String,
    /// Stop a build that neither printed nor used the CPU for so long.
    pub stall: Duration,
    /// Where waiting happens.
    pub runtime: tokio::runtime::Handle,
}

/// How this machine's build daemon is started when there is work for it.
pub struct LocalDaemon {
    /// The program: this one.
    pub program: PathBuf,
    /// The cache directory.
    pub cache: PathBuf,
    /// Builds at the same time, where the recipe does not say.
    pub slots: u32,
    /// The user that builds; none where this process is not root.
    pub build_user: Option<String>,
    /// More words for its command line.
    pub more: Vec<String>,
}

impl Perform for Live {
    fn perform(&self, request: Request) -> anyhow::Result<Response> {
        let _runtime = self.runtime.enter();
        let listener = self.listener.as_ref();
        if self.signals.pace() != Pace::Go {
            return Err(Interrupted.into());
        }
        Ok(match request {
            Request::Import(request) => {
                let what = "pin the APT sources and their indexes".to_owned();
                listener.hear(&Event::Working { step: "import".to_owned(), what });
                let fetching = import::fetch(&self.files.mirror, &request, &self.machine, listener);
                let imported = self.wait(fetching)?;
                Response::Import(import::pin(&self.state, &self.files.cache, imported, listener)?)
            }
            Request::Order(request) => {
                let imported = import::pinned(&self.state, request.import)?;
                Response::Order(order::order(&self.files.cache, &imported, &request, listener)?)
            }
            Request::Launch(request) => Response::Launch(launch(request)?),
            Request::Build(request) => {
                let imported = import::pinned(&self.state, request.order.import)?;
                self.check_runs(&request.order.arch)?;
                let keeper = Keeper::new(self, self.slots(&request.builders));
                Response::Build(build::build(&self.stage(&|| keeper.keep()), &imported, &request)?)
            }
            Request::Publish(request) => {
                let publishing = publish::Publishing {
                    dir: &self.dir,
                    state: &self.state,
                    run: self.run,
                    files: &self.files,
                    key: &self.key,
                    listener,
                    proving: &self.proving,
                    signals: &self.signals,
                };
                Response::Publish(self.runtime.block_on(publish::publish(&publishing, &request))?)
            }
            Request::Compare(request) => {
                let imported = import::pinned(&self.state, request.import)?;
                Response::Compare(compare::compare(&self.state, self.run, &self.files.cache, &imported, &request)?)
            }
        })
    }
}

impl Live {
    /// Waits for something that may take long, or for the run to be halted.
    fn wait<T>(&self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        self.runtime.block_on(async {
            tokio::select! {
                result = work => result,
                () = self.signals.halted() => Err(Interrupted.into()),
            }
        })
    }

    /// Checks that this machine runs programs of an architecture, by itself or emulated.
    fn check_runs(&self, arch: &str) -> anyhow::Result<()> {
        match self.wait(async { Ok(host::programs::emulation(arch).await) })? {
            Some(check) if !check.ok => {
                Err(Refusal::of_world(format!("nobody here builds for `{arch}`: {}\nhint: {}", check.found, check.fix))
                    .into())
            }
            Some(_) | None => Ok(()),
        }
    }

    fn stage<'s>(&'s self, builders: &'s dyn Fn() -> anyhow::Result<()>) -> Stage<'s> {
        Stage {
            dir: &self.dir,
            state: &self.state,
            run: self.run,
            files: &self.files,
            key: &self.key,
            signals: &self.signals,
            listener: self.listener.as_ref(),
            stall: self.stall,
            builders,
        }
    }

    /// Builds at the same time on this machine.
    fn slots(&self, builders: &[Builders]) -> u32 {
        let of_group = |group: &Builders| match group {
            Builders::Here { slots } => slots.unwrap_or(self.daemon.slots),
        };
        builders.iter().map(of_group).sum()
    }
}

/// So often the daemon may end within [`DEATHS_WITHIN`] before the run gives up on this machine.
const DEATHS: usize = 5;

/// See [`DEATHS`].
const DEATHS_WITHIN: Duration = Duration::from_secs(600);

/// Sees to it that this machine's build daemon is at work as long as a stage is.
struct Keeper<'l> {
    live: &'l Live,
    slots: u32,
    starts: RefCell<Vec<Instant>>,
}

impl<'l> Keeper<'l> {
    fn new(live: &'l Live, slots: u32) -> Keeper<'l> {
        Keeper { live, slots, starts: RefCell::default() }
    }

    /// Starts the daemon where none is at work, or finds the one that an earlier start of this run left.
    fn keep(&self) -> anyhow::Result<()> {
        let Live { dir, daemon, listener, .. } = self.live;
        let mut starts = self.starts.borrow_mut();
        if !starts.is_empty() && here::alive(dir, here::NAME).is_some() {
            return Ok(());
        }
        let now = clock::instant();
        let again = !starts.is_empty();
        starts.retain(|start| now.duration_since(*start) < DEATHS_WITHIN);
        if starts.len() >= DEATHS {
            let log = dir.join("logs").join(format!("daemon-{}.log", here::NAME));
            return Err(Refusal::of_world(format!(
                "the build daemon of this machine ended {DEATHS} times within {} minutes\nhint: `{}` says why",
                DEATHS_WITHIN.as_secs() / 60,
                log.display()
            ))
            .into());
        }
        if here::alive(dir, here::NAME).is_none() {
            free_leases(&self.live.state, self.live.run)?;
        }
        let started = here::launch(&here::Launch {
            program: &daemon.program,
            state: dir,
            slots: self.slots as usize,
            cache: &daemon.cache,
            build_user: daemon.build_user.as_deref(),
            more: &daemon.more,
        })?;
        starts.push(now);
        if started.adopted {
            tracing::info!(pid = started.pid, "a build daemon is at work already");
        } else if again {
            let text = "the build daemon of this machine had ended; another one was started".to_owned();
            listener.hear(&Event::Note { text });
        }
        Ok(())
    }
}

/// Gives back what a daemon that is not there any more was building; no other builder is on this run's machines.
fn free_leases(state: &State, run: RunId) -> anyhow::Result<()> {
    let now = clock::now().as_millisecond();
    let reason = || "the build daemon ended".to_owned();
    Ok(state.write(move |tx| {
        for job in jobs::leased(tx)?.into_iter().filter(|job| job.run == run) {
            jobs::apply(tx, job.id, &JobEvent::GaveBack { reason: reason() }, now)?;
        }
        Ok(())
    })?)
}

/// A fleet policy: checked here, acted on when there is work.
fn launch(request: LaunchRequest) -> anyhow::Result<LaunchResult> {
    for group in &request.builders {
        match group {
            Builders::Here { slots: Some(0) } => {
                let text = "`cb.here`: expected at least 1 slot, got 0\nhint: slots = 1 builds one package at a time";
                return Err(Refusal::of_recipe(text).into());
            }
            Builders::Here { .. } => {}
        }
    }
    if request.builders.is_empty() {
        return Err(Refusal::of_recipe("expected builders, got none\nhint: `cb.here { slots = 1 }`").into());
    }
    Ok(LaunchResult { builders: request.builders })
}

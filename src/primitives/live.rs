//! Performs requests for real.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::core::events::{Event, Listener};
use crate::core::ids::RunId;
use crate::core::job::JobEvent;
use crate::core::recipe::{Builders, LaunchRequest, LaunchResult, Request, Response};
use crate::io::clock;
use crate::io::machines::here;
use crate::io::openpgp::signing::SigningKey;
use crate::io::state::State;
use crate::io::state::jobs;
use crate::primitives::build::Stage;
use crate::primitives::files::Files;
use crate::primitives::proof::Proving;
use crate::primitives::{Pace, Perform, Signals, build, compare, import, order, publish};
use crate::wire::Fault;

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
    /// The user that builds; none where this process is not root.
    pub build_user: Option<String>,
    /// More words for its command line.
    pub more: Vec<String>,
}

impl Perform for Live {
    fn perform(&self, request: Request) -> anyhow::Result<Response> {
        let _runtime = self.runtime.enter();
        let listener = self.listener.as_ref();
        Ok(match request {
            Request::Import(request) => {
                let what = "pin the APT sources and their indexes".to_owned();
                listener.hear(&Event::Working { step: "import".to_owned(), what });
                let fetching = import::fetch(&self.files.mirror, &request, &self.machine, listener);
                let imported = self.runtime.block_on(self.signals.unless_halted(fetching))?;
                Response::Import(import::pin(&self.state, &self.files.cache, imported, listener)?)
            }
            Request::Order(request) => {
                let imported = import::pinned(&self.state, request.import)?;
                Response::Order(order::order(&self.files.cache, &imported, &request, listener)?)
            }
            Request::Launch(request) => Response::Launch(launch(request)?),
            Request::Build(request) => {
                let imported = import::pinned(&self.state, request.order.import)?;
                let slots = slots(&request.builders);
                self.start_daemon(slots)?;
                let keep_builders = |pace| self.keep_daemon(slots, pace);
                Response::Build(build::build(&self.stage(&keep_builders), &imported, &request)?)
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
    fn stage<'s>(&'s self, keep_builders: &'s dyn Fn(Pace) -> anyhow::Result<bool>) -> Stage<'s> {
        Stage {
            dir: &self.dir,
            state: &self.state,
            run: self.run,
            files: &self.files,
            key: &self.key,
            signals: &self.signals,
            listener: self.listener.as_ref(),
            keep_builders,
            stall: self.stall,
        }
    }

    /// Starts the local daemon, or finds the one that an earlier start of this run left at work.
    fn start_daemon(&self, slots: u32) -> anyhow::Result<()> {
        let LocalDaemon { program, cache, build_user, more } = &self.daemon;
        let started = here::launch(&here::Launch {
            program,
            state: &self.dir,
            slots: slots as usize,
            cache,
            build_user: build_user.as_deref(),
            more,
        })?;
        if started.adopted {
            let text = format!("the build daemon of the last start is still at work (process {})", started.pid);
            self.listener.hear(&Event::Note { text });
        }
        Ok(())
    }
}

impl Live {
    /// Starts another daemon where the one of this run ended in the middle: it was killed, or ran out of memory. What it
    /// had begun counts as an attempt, so a package that ends every daemon comes to an end, too.
    fn keep_daemon(&self, slots: u32, pace: Pace) -> anyhow::Result<bool> {
        if here::alive(&self.dir, here::NAME).is_some() {
            return Ok(true);
        }
        let Pace::Go = pace else { return Ok(false) };
        let now = clock::now().as_millisecond();
        let reason = "the build daemon on this machine ended in the middle of it".to_owned();
        let (run, text) = (self.run, format!("{reason}; starting another one"));
        self.state.write(move |tx| {
            let lost = jobs::leased(tx)?.into_iter();
            for job in lost.filter(|job| job.run == run && job.builder.as_deref() == Some(here::NAME)) {
                let event = JobEvent::Failed {
                    fault: Fault::Infrastructure,
                    stage: "daemon".to_owned(),
                    reason: reason.clone(),
                    attempt: job.attempts,
                    seconds: 0,
                };
                jobs::apply(tx, job.id, &event, now)?;
            }
            Ok(())
        })?;
        self.listener.hear(&Event::Note { text });
        self.start_daemon(slots)?;
        self.signals.state_changed();
        Ok(true)
    }
}

/// A fleet policy: checked here, acted on when there is work.
fn launch(request: LaunchRequest) -> anyhow::Result<LaunchResult> {
    for group in &request.builders {
        match group {
            Builders::Here { slots: 0 } => {
                anyhow::bail!(
                    "`cb.here`: expected at least 1 slot, got 0\nhint: slots = 1 builds one package at a time"
                )
            }
            Builders::Here { .. } => {}
        }
    }
    anyhow::ensure!(!request.builders.is_empty(), "expected builders, got none\nhint: cb.here {{ slots = 1 }}");
    Ok(LaunchResult { builders: request.builders })
}

/// Builds at the same time on this machine.
fn slots(builders: &[Builders]) -> u32 {
    builders
        .iter()
        .map(|group| match group {
            Builders::Here { slots } => *slots,
        })
        .sum()
}

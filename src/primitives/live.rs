//! Performs requests for real.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::core::events::{Event, Listener};
use crate::core::how::How;
use crate::core::ids::{ChrootKey, RunId};
use crate::core::order::text::counted;
use crate::core::recipe::{OrderRequest, OrderResult, PublishRequest, Request, Response};
use crate::io::archive::signers::Signers;
use crate::io::host;
use crate::io::openpgp::signing::SigningKey;
use crate::io::overlay::Keep;
use crate::io::state::State;
use crate::io::state::durations;
use crate::io::state::jobs;
use crate::primitives::build::Stage;
use crate::primitives::files::Files;
use crate::primitives::fleet::Fleet;
use crate::primitives::hooks::Decide;
use crate::primitives::keeper::{Keeper, LocalDaemon};
use crate::primitives::proof::Proving;
use crate::primitives::{
    Interrupted, Pace, Perform, Refusal, Signals, bench, build, compare, flags, import, launch, layers, order, publish,
    run_under,
};

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
    /// Signs views.
    pub key: Arc<SigningKey>,
    /// Signs archives.
    pub signers: Signers,
    /// Changes and pace.
    pub signals: Arc<Signals>,
    /// Who hears of what happens.
    pub listener: Arc<dyn Listener>,
    /// How this machine's build daemon is started.
    pub daemon: LocalDaemon,
    /// The builders in clouds.
    pub fleet: Fleet,
    /// Where real apt installs from what was published.
    pub proving: Proving,
    /// The machine's own Debian architecture.
    pub machine: String,
    /// Stop a build that neither printed nor used the CPU for so long.
    pub stall: Duration,
    /// The round, where upstream is followed.
    pub round: Option<u64>,
    /// The recipe's hooks.
    pub hooks: Arc<dyn Decide>,
    /// Where waiting happens.
    pub runtime: tokio::runtime::Handle,
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
                let keep = Keep { files: self.files.built.clone(), indexes: self.files.cache.clone() };
                let fetching = import::fetch(&self.files.mirror, &keep, &request, &self.machine, listener);
                let imported = self.runtime.block_on(self.signals.unless(Pace::Drain, fetching))?;
                Response::Import(import::pin(&self.state, &self.files.cache, imported, listener)?)
            }
            Request::Order(request) => Response::Order(self.order(&request)?),
            Request::Launch(request) => Response::Launch(launch::launch(request)?),
            Request::Build(request) => {
                let sources = import::pinned(&self.state, request.order.import)?;
                let beneath = layers::import_of(&request.against, request.order.import)?;
                let against = import::pinned(&self.state, beneath)?;
                flags::check_below(&request, &sources, &against)?;
                let here = launch::slots_here(&request.builders, self.daemon.slots);
                let work = request.order.jobs.iter().map(|job| job.estimate).sum();
                self.fleet.serve(&launch::places(&request.builders), here.unwrap_or(0), work)?;
                let how = self.how(&request.order.arch, &request.how, here.is_some())?;
                let keeper = here.map(|slots| Keeper::new(self, slots));
                let imports = build::Imports { sources: &sources, against: &against };
                let keep = |pace| {
                    self.fleet.settle_larger()?;
                    match &keeper {
                        // A cloud in trouble is no reason to stop where this machine builds.
                        Some(keeper) => keeper.keep(pace),
                        None => self.fleet.keep(),
                    }
                };
                let prepare = |of| self.proving.prepare_ahead(of);
                let larger = |than| self.fleet.may_be_larger(than);
                let stage = self.stage(&keep, &prepare, &larger);
                let before = self.keep_copies(request.mirror.as_ref())?;
                let work = || build::build(&stage, imports, &request, &how);
                let (mut built, view) = self.meanwhile(request.meanwhile.as_deref(), work)?;
                built.mirrored = self.mirrored(&before);
                if let Some(view) = view {
                    let (proving, state, key) = (&self.proving, &self.state, self.key.public_armored());
                    let benching = bench::Benching { proving, state, key, listener };
                    self.runtime.block_on(async {
                        bench::bench(&benching, &request, &built, view).await?;
                        run_under::run_under(&benching, &request, &mut built, view).await
                    })?;
                }
                Response::Build(built)
            }
            Request::Publish(request) => {
                Response::Publish(self.runtime.block_on(publish::publish(&self.publishing(), &request))?)
            }
            Request::Compare(request) => {
                let imported = import::pinned(&self.state, request.import)?;
                let (state, cache) = (&self.state, &self.files.cache);
                let comparing = compare::Comparing { dir: &self.dir, state, run: self.run, cache, listener };
                Response::Compare(compare::compare(&comparing, &imported, &request)?)
            }
        })
    }
}

impl Live {
    fn publishing(&self) -> publish::Publishing<'_> {
        publish::Publishing {
            dir: &self.dir,
            state: &self.state,
            run: self.run,
            files: &self.files,
            signers: &self.signers,
            listener: self.listener.as_ref(),
            round: self.round,
            proving: &self.proving,
        }
    }

    /// Does some work, and publishes while it goes on, as often as the target says. That something cannot be published
    /// now is no reason to stop: it is tried again, and at the end.
    fn meanwhile<T>(&self, request: Option<&PublishRequest>, work: impl FnOnce() -> T) -> T {
        let Some((request, every)) = request.and_then(|request| Some((request, request.to.every()?))) else {
            return work();
        };
        let (done, waiting) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let _runtime = self.runtime.enter();
                while waiting.recv_timeout(every) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                    match self.runtime.block_on(publish::publish(&self.publishing(), request)) {
                        Ok(_) => {}
                        // Nothing was built yet.
                        Err(error) if error.is::<Refusal>() => tracing::debug!(%error, "not published meanwhile"),
                        Err(error) => {
                            self.listener.hear(&Event::Note { text: format!("not published meanwhile: {error:#}") });
                        }
                    }
                }
            });
            let result = work();
            drop(done);
            result
        })
    }

    fn order(&self, request: &OrderRequest) -> anyhow::Result<OrderResult> {
        let sources = import::pinned(&self.state, request.import)?;
        let against = import::pinned(&self.state, layers::import_of(&request.against, request.import)?)?;
        let overlay = layers::overlays(&sources, &against);
        let built = layers::built(&self.state, self.run, &layers::stages_of(&request.against), &overlay)?;
        let upstream = layers::upstream(&request.against, against.build_architecture.as_deref());
        let mut changed = BTreeMap::new();
        for stage in request.packages.stages() {
            let jobs = self.state.read(|db| jobs::by_stage(db, self.run, stage))?;
            let found = build::changed::changed(
                &self.state,
                &self.files.cache,
                (&sources, &against),
                (&upstream, &built),
                jobs,
            )?;
            let what = counted(found.len(), "source package");
            self.listener.hear(&Event::Note { text: format!("{what} of stage `{stage}` would get other inputs now") });
            changed.insert(stage.to_owned(), found);
        }
        let over = order::Over {
            cache: &self.files.cache,
            sources: &sources,
            against: &against,
            built: &built,
            changed: &changed,
            history: &self.state.read(durations::latest)?,
            listener: self.listener.as_ref(),
        };
        Ok(order::order(&over, request)?.0)
    }

    /// What builders can do of what is listed: this machine where it builds, and those of clouds.
    fn how(&self, arch: &str, listed: &[How], here: bool) -> anyhow::Result<Vec<How>> {
        let mut builders = self.fleet.abilities(arch);
        if here {
            let ours = self.runtime.block_on(host::emulation::architectures())?;
            builders.itself.extend(ours.itself);
            builders.emulated.extend(ours.emulated);
        }
        let listed = if listed.is_empty() { How::usual() } else { listed.to_vec() };
        let (mut can, mut lacks) = (Vec::new(), Vec::new());
        for how in listed {
            let lack = match (how.lack(arch, &builders), &how) {
                (None, How::Emulated { cpu: Some(cpu), .. }) if here => {
                    self.runtime.block_on(host::emulation::knows_cpu(arch, cpu)).err()
                }
                (lack, _) => lack,
            };
            match lack {
                None => can.push(how),
                Some(lack) => lacks.push(lack),
            }
        }
        if !can.is_empty() {
            return Ok(can);
        }
        let hint = match self.runtime.block_on(host::emulation::check(arch)) {
            Some(check) if !check.ok => format!("{}; `cloudbuild doctor --arch {arch}` says more", check.fix),
            Some(_) | None => format!("`cloudbuild doctor --arch {arch}` says what there is"),
        };
        Err(Refusal::of_world(format!("nobody here builds for `{arch}`: {}\nhint: {hint}", lacks.join("; "))).into())
    }

    fn stage<'s>(
        &'s self,
        keep_builders: &'s dyn Fn(Pace) -> anyhow::Result<bool>,
        prepare_proof: &'s dyn Fn(ChrootKey),
        larger: &'s dyn Fn(u64) -> anyhow::Result<bool>,
    ) -> Stage<'s> {
        Stage {
            dir: &self.dir,
            state: &self.state,
            run: self.run,
            files: &self.files,
            key: &self.key,
            signals: &self.signals,
            listener: self.listener.as_ref(),
            keep_builders,
            prepare_proof,
            larger,
            round: self.round,
            hooks: &self.hooks,
            stall: self.stall,
        }
    }
}

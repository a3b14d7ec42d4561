//! Performs what only reads and decides, and records the rest: what `cloudbuild plan` shows.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use anyhow::Context;
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::core::events::Listener;
use crate::core::flags::planned::PlannedFlags;
use crate::core::forecast::forecast;
use crate::core::ids::{GenerationId, ImportId};
use crate::core::order::estimate;
use crate::core::pinned::Imported;
use crate::core::plan::saved::Decided;
use crate::core::plan::{Plan, Step, Way};
use crate::core::recipe::{
    BuildRequest, CompareResult, ImportResult, LaunchResult, OrderRequest, OrderResult, OrderedJob, PublishRequest,
    PublishResult, Request, Response,
};
use crate::core::suffix;
use crate::io::mirror::Mirror;
use crate::io::overlay::{self, Keep};
use crate::io::state::durations::Durations;
use crate::io::store::Store;
use crate::primitives::hooks::{Decide, NoHooks};
use crate::primitives::{Perform, flags, how, import, launch, layers, order};

mod built;

/// What a plan reads from, and what it wrote down so far.
pub struct Planned {
    world: World,
    cache: Store,
    listener: Arc<dyn Listener>,
    machine: String,
    history: Durations,
    slots: u32,
    hooks: Arc<dyn Decide>,
    seen: Mutex<Seen>,
}

/// Makes what is imported for an architecture, and keeps the indexes.
pub type MakeSample = dyn Fn(&str) -> anyhow::Result<Imported> + Send + Sync;

/// Where imports come from.
pub enum World {
    /// The archives that a recipe names.
    Mirror(Box<Mirror>, tokio::runtime::Handle),
    /// An archive that never was, for each architecture; whatever a recipe names is there.
    Sample(Box<MakeSample>),
}

#[derive(Default)]
struct Seen {
    imports: Vec<Imported>,
    plan: Plan,
    orders: Vec<Staged>,
    decided: Vec<Decided>,
    suffixes: Vec<suffix::Planned>,
}

/// An order, and the stage that would be built by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Staged {
    /// `None`: nothing would build it.
    pub stage: Option<String>,
    /// The order.
    pub order: OrderResult,
}

impl Seen {
    /// An order would be built as a stage; one that several stages build comes once for each.
    fn built(&mut self, request: &BuildRequest) {
        let stage = Some(request.stage.clone());
        match self.orders.iter_mut().find(|staged| staged.stage.is_none() && staged.order == request.order) {
            Some(staged) => staged.stage = stage,
            None => self.orders.push(Staged { stage, order: request.order.clone() }),
        }
    }
}

impl Planned {
    /// Over the cache's files; `machine` is the machine's own architecture, `history` how long builds took before.
    pub fn new(
        mirror: Mirror,
        cache: Store,
        listener: Arc<dyn Listener>,
        machine: String,
        history: Durations,
        hooks: Arc<dyn Decide>,
        runtime: tokio::runtime::Handle,
    ) -> Planned {
        let world = World::Mirror(Box::new(mirror), runtime);
        Planned { history, hooks, ..Planned::over(world, cache, listener, machine) }
    }

    /// The same over any world, without a history and without hooks.
    pub fn over(world: World, cache: Store, listener: Arc<dyn Listener>, machine: String) -> Planned {
        Planned {
            world,
            cache,
            listener,
            machine,
            history: Durations::default(),
            slots: 1,
            hooks: Arc::new(NoHooks),
            seen: Mutex::default(),
        }
    }

    /// The same on a machine that builds so many at the same time where the recipe does not say it.
    pub fn with_slots(self, slots: u32) -> Planned {
        Planned { slots, ..self }
    }

    /// What was decided so far, for a run that does this plan.
    pub fn decided(&self) -> Vec<Decided> {
        self.seen().decided.clone()
    }

    /// The steps so far.
    pub fn plan(&self) -> Plan {
        self.seen().plan.clone()
    }

    /// Hands over the orders so far, in the order of the stages that would be built: that of a whole archive is large,
    /// so that nobody waits for a copy.
    pub fn take_orders(&self) -> Vec<Staged> {
        std::mem::take(&mut self.seen().orders)
    }

    /// What an order of this plan is over.
    pub fn import_of(&self, order: &OrderResult) -> anyhow::Result<Imported> {
        self.imported(order.import)
    }

    /// The recipe's hooks.
    pub fn hooks(&self) -> &Arc<dyn Decide> {
        &self.hooks
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panics while holding this lock")
    }

    fn record(&self, step: Step) {
        self.seen().plan.steps.push(step);
    }

    fn imported(&self, id: ImportId) -> anyhow::Result<Imported> {
        let found = self.seen().imports.iter().find(|imported| imported.id() == id).cloned();
        found.ok_or_else(|| anyhow::anyhow!("this plan has no import {id}"))
    }

    fn import(&self, request: &crate::core::recipe::ImportRequest) -> anyhow::Result<ImportResult> {
        let listener = self.listener.as_ref();
        let keep = Keep { files: self.cache.clone(), indexes: self.cache.clone() };
        let imported = match &self.world {
            World::Mirror(mirror, runtime) => {
                runtime.block_on(import::fetch(mirror, &keep, request, &self.machine, listener))?
            }
            World::Sample(make) => {
                let mut imported = make(request.arch.as_deref().unwrap_or(&self.machine))?;
                // Local packages are the recipe's own, so they are there without a network.
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(overlay::add(&keep, &mut imported, &request.overlay)).context("read the overlay")?;
                imported
            }
        };
        let result = import::count(&self.cache, &imported, listener)?;
        let (sources, packages) = (result.sources, result.packages);
        self.record(Step::Import { imported: imported.clone(), sources, packages });
        self.seen().imports.push(imported);
        Ok(result)
    }

    /// Refuses a suffix that libraries would get on one architecture only.
    fn check_suffixes(&self, request: &BuildRequest) -> anyhow::Result<()> {
        let sources = self.imported(request.order.import)?;
        let against = self.imported(layers::import_of(&request.against, request.order.import)?)?;
        let suffix = |source: &str| {
            let local = sources.overlay_source(source).and_then(|local| local.suffix.clone());
            local.or_else(|| request.suffix.clone())
        };
        let mut same: FxHashMap<String, Vec<String>> = FxHashMap::default();
        if request.order.jobs.iter().any(|job| suffix(&job.source).is_some()) {
            import::with_archive(&self.cache, &against, |archive| {
                let of_all = archive.visible().into_iter();
                for package in of_all.filter(|package| package.multi_arch == b"same") {
                    same.entry(package.source().to_owned()).or_default().push(package.name.to_owned());
                }
                Ok(())
            })?;
        }
        let mut seen = self.seen();
        for job in request.order.jobs.iter().filter(|job| job.arch != "all") {
            seen.suffixes.push(suffix::Planned {
                source: job.source.clone(),
                arch: job.arch.clone(),
                suffix: suffix(&job.source),
                same: same.get(&job.source).cloned().unwrap_or_default(),
            });
        }
        Ok(suffix::refuse_partial(&seen.suffixes)?)
    }

    fn order(&self, request: &OrderRequest) -> anyhow::Result<OrderResult> {
        let sources = self.imported(request.import)?;
        let against = self.imported(layers::import_of(&request.against, request.import)?)?;
        // Nothing is built yet, so all that a stage would build may have changed when the next one asks.
        let stages = request.packages.stages().into_iter();
        let changed = stages.map(|stage| (stage.to_owned(), self.would_build(stage))).collect();
        let over = order::Over {
            cache: &self.cache,
            sources: &sources,
            against: &against,
            built: &[],
            changed: &changed,
            history: &self.history,
            listener: self.listener.as_ref(),
        };
        let (result, unbuildable) = order::order(&over, request)?;
        let mut seen = self.seen();
        seen.plan.steps.push(Step::Order {
            jobs: result.jobs.clone(),
            loops: result.loops.clone(),
            unbuildable,
            skipped: result.skipped.clone(),
        });
        seen.orders.push(Staged { stage: None, order: result.clone() });
        Ok(result)
    }
}

impl Planned {
    /// Keeps what was decided.
    fn decide(&self, request: Request, response: Response) -> Response {
        self.seen().decided.push(Decided { request, response: response.clone() });
        response
    }

    /// What a stage would do, and is expected to take.
    fn stage(
        &self,
        request: &BuildRequest,
        flags: PlannedFlags,
        (jobs, ways): (&[OrderedJob], Vec<Way>),
    ) -> anyhow::Result<Step> {
        let sizes = self.sizes(&request.order)?;
        let history = |job: &&OrderedJob| self.history.get(&job.source).is_some_and(|of| of.contains_key(&job.arch));
        let known = jobs.iter().filter(history).count() as u64;
        let slots = launch::slots(&request.builders, self.slots);
        let mut warnings = Vec::new();
        if jobs.is_empty() {
            warnings.push("nothing is selected, so nothing will be built".to_owned());
        }
        if known == 0 && !jobs.is_empty() {
            warnings.push("no earlier builds are known: times follow from the sources' sizes and sections".to_owned());
        }
        let (stage, repeat) = (request.stage.clone(), request.repeat);
        let count = (jobs.len() - flags.skipped.len()) as u64;
        Ok(Step::Build {
            stage,
            jobs: count,
            repeat,
            flags,
            ways,
            forecast: forecast(jobs, slots, &sizes, known),
            warnings,
        })
    }

    /// The bytes of each job's source.
    fn sizes(&self, order: &OrderResult) -> anyhow::Result<Vec<u64>> {
        let imported = self.imported(order.import)?;
        import::with_archive(&self.cache, &imported, |archive| {
            let wanted: HashSet<&str> = order.jobs.iter().map(|job| job.source.as_str()).collect();
            let named = archive.sources.iter().filter(|record| wanted.contains(record.source.name));
            let sizes: HashMap<(&str, &str), u64> = named
                .map(|record| ((record.source.name, record.source.version), estimate::size(&record.source)))
                .collect();
            let size = |job: &OrderedJob| sizes.get(&(job.source.as_str(), job.version.as_str())).copied();
            Ok(order.jobs.iter().map(|job| size(job).unwrap_or_default()).collect())
        })
    }

    /// The sources that a stage would build.
    fn would_build(&self, stage: &str) -> Vec<String> {
        let seen = self.seen();
        let orders = seen.orders.iter().filter(|staged| staged.stage.as_deref() == Some(stage));
        let mut names: Vec<String> =
            orders.flat_map(|staged| &staged.order.jobs).map(|job| job.source.clone()).collect();
        names.dedup();
        names
    }
}

impl Perform for Planned {
    fn perform(&self, request: Request) -> anyhow::Result<Response> {
        Ok(match request {
            Request::Import(request) => {
                let response = Response::Import(self.import(&request)?);
                self.decide(Request::Import(request), response)
            }
            Request::Order(request) => {
                let response = Response::Order(self.order(&request)?);
                self.decide(Request::Order(request), response)
            }
            Request::Launch(request) => {
                self.record(Step::Launch { builders: request.builders.clone() });
                Response::Launch(LaunchResult { builders: request.builders })
            }
            Request::Build(request) => {
                self.check_suffixes(&request)?;
                let imported = self.imported(request.order.import)?;
                let against = self.imported(layers::import_of(&request.against, request.order.import)?)?;
                flags::check_below(&request, &imported, &against)?;
                let mut flags = flags::planned(&self.cache, &imported, &request, self.hooks.as_ref())?;
                let how = how::planned(&self.cache, &imported, &request, self.hooks.as_ref())?;
                flags.skipped.extend(how.skipped);
                let built = self.as_if_built(&request, &flags)?;
                self.record(self.stage(&request, flags, (&how.jobs, how.ways))?);
                self.seen().built(&request);
                Response::Build(built)
            }
            Request::Publish(request) => {
                let (to, suite) = (request.to.clone(), request.suite.clone());
                self.record(Step::Publish { to, suite, stages: request.stages.clone(), prove: request.prove });
                Response::Publish(as_if_published(&request))
            }
            Request::Compare(request) => {
                self.record(Step::Compare { stages: request.stages });
                Response::Compare(CompareResult::default())
            }
        })
    }
}

fn as_if_published(request: &PublishRequest) -> PublishResult {
    PublishResult {
        generation: GenerationId(0),
        path: request.to.to_string().into(),
        key: PathBuf::new(),
        suite: request.suite.clone(),
        components: Vec::new(),
        sources: 0,
        packages: 0,
        proof: Vec::new(),
        refused: Vec::new(),
    }
}

//! Performs what only reads and decides, and records the rest: what `cloudbuild plan` shows.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::core::events::Listener;
use crate::core::ids::{GenerationId, ImportId, JobId};
use crate::core::job::JobState;
use crate::core::pinned::Imported;
use crate::core::plan::{Plan, Step};
use crate::core::recipe::{
    BuildRequest, BuildResult, BuiltJob, CompareResult, ImportResult, LaunchResult, OrderRequest, OrderResult,
    PublishRequest, PublishResult, PublishTarget, Request, Response,
};
use crate::core::suffix;
use crate::io::mirror::Mirror;
use crate::io::overlay::Keep;
use crate::io::state::durations::Durations;
use crate::io::store::Store;
use crate::primitives::{Perform, build, import, order};

/// What a plan reads from, and what it wrote down so far.
pub struct Planned {
    mirror: Mirror,
    cache: Store,
    listener: Arc<dyn Listener>,
    machine: String,
    history: Durations,
    runtime: tokio::runtime::Handle,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    imports: Vec<Imported>,
    plan: Plan,
    orders: Vec<Staged>,
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
        runtime: tokio::runtime::Handle,
    ) -> Planned {
        Planned { mirror, cache, listener, machine, history, runtime, seen: Mutex::default() }
    }

    /// The steps so far.
    pub fn plan(&self) -> Plan {
        self.seen().plan.clone()
    }

    /// The orders so far, in the order of the stages that would be built.
    pub fn orders(&self) -> Vec<Staged> {
        self.seen().orders.clone()
    }

    /// What an order of this plan is over.
    pub fn import_of(&self, order: &OrderResult) -> anyhow::Result<Imported> {
        self.imported(order.import)
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
        let fetching = import::fetch(&self.mirror, &keep, request, &self.machine, listener);
        let imported = self.runtime.block_on(fetching)?;
        let result = import::count(&self.cache, &imported, listener)?;
        let (sources, packages) = (result.sources, result.packages);
        self.record(Step::Import { imported: imported.clone(), sources, packages });
        self.seen().imports.push(imported);
        Ok(result)
    }

    /// Refuses a suffix that libraries would get on one architecture only.
    fn check_suffixes(&self, request: &BuildRequest) -> anyhow::Result<()> {
        let (sources, against) = (self.imported(request.order.import)?, self.imported(build::base(request)?)?);
        let suffix = |source: &str| {
            let local = sources.overlay_source(source).and_then(|local| local.suffix.clone());
            local.or_else(|| request.suffix.clone())
        };
        let mut same: FxHashMap<String, Vec<String>> = FxHashMap::default();
        if request.order.jobs.iter().any(|job| suffix(&job.source).is_some()) {
            import::with_archive(&self.cache, &against, |archive| {
                let of_all = archive.candidates().into_iter().map(|record| record.package);
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
        let imported = self.imported(request.import)?;
        let listener = self.listener.as_ref();
        let against = request.against.map(|id| self.imported(id)).transpose()?;
        let against = against.as_ref().unwrap_or(&imported);
        let (result, unbuildable) = order::order(&self.cache, &imported, against, request, &self.history, listener)?;
        let mut seen = self.seen();
        seen.plan.steps.push(Step::Order { jobs: result.jobs.clone(), loops: result.loops.clone(), unbuildable });
        seen.orders.push(Staged { stage: None, order: result.clone() });
        Ok(result)
    }
}

impl Perform for Planned {
    fn perform(&self, request: Request) -> anyhow::Result<Response> {
        Ok(match request {
            Request::Import(request) => Response::Import(self.import(&request)?),
            Request::Order(request) => Response::Order(self.order(&request)?),
            Request::Launch(request) => {
                self.record(Step::Launch { builders: request.builders.clone() });
                Response::Launch(LaunchResult { builders: request.builders })
            }
            Request::Build(request) => {
                self.check_suffixes(&request)?;
                self.record(Step::Build { stage: request.stage.clone(), jobs: request.order.jobs.len() as u64 });
                self.seen().built(&request);
                Response::Build(as_if_built(&request, build::base(&request)?))
            }
            Request::Publish(request) => {
                let (to, suite) = (request.to.clone(), request.suite.clone());
                self.record(Step::Publish { to, suite, stages: request.stages.clone(), prove: request.prove });
                Response::Publish(as_if_published(&request))
            }
            Request::Compare(request) => {
                self.record(Step::Compare { stages: request.stages });
                Response::Compare(CompareResult { rows: Vec::new() })
            }
        })
    }
}

/// A plan goes on as if all went well: what comes after a build is planned, too.
fn as_if_built(request: &BuildRequest, import: ImportId) -> BuildResult {
    let jobs = (1..).zip(&request.order.jobs).map(|(number, job)| BuiltJob {
        job: JobId(number),
        source: job.source.clone(),
        version: job.version.clone(),
        arch: job.arch.clone(),
        state: JobState::Installed.text().to_owned(),
        reused: false,
        inputs: None,
        reason: None,
        seconds: 0,
    });
    BuildResult { stage: request.stage.clone(), import, arch: request.order.arch.clone(), jobs: jobs.collect() }
}

fn as_if_published(request: &PublishRequest) -> PublishResult {
    let PublishTarget::Dir { path } = &request.to;
    PublishResult {
        generation: GenerationId(0),
        path: path.clone(),
        key: PathBuf::new(),
        suite: request.suite.clone(),
        components: Vec::new(),
        sources: 0,
        packages: 0,
        proof: Vec::new(),
        refused: Vec::new(),
    }
}

//! Performs what only reads and decides, and records the rest: what `cloudbuild plan` shows.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use crate::core::events::Listener;
use crate::core::ids::{GenerationId, ImportId, JobId};
use crate::core::install::base::Base;
use crate::core::install::installer::Installer;
use crate::core::install::request::{self, Alternatives, Half};
use crate::core::install::universe::{Architectures, Universe};
use crate::core::job::JobState;
use crate::core::pinned::Imported;
use crate::core::plan::{Plan, Step};
use crate::core::recipe::{
    BuildRequest, BuildResult, BuiltJob, CompareResult, ImportResult, LaunchResult, OrderRequest, OrderResult,
    PublishRequest, PublishResult, PublishTarget, Request, Response,
};
use crate::io::mirror::Mirror;
use crate::io::store::Store;
use crate::primitives::{Perform, import, order};

/// What a plan reads from, and what it wrote down so far.
pub struct Planned {
    mirror: Mirror,
    cache: Store,
    listener: Arc<dyn Listener>,
    machine: String,
    runtime: tokio::runtime::Handle,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    imports: Vec<Imported>,
    orders: Vec<OrderResult>,
    plan: Plan,
}

impl Planned {
    /// Over the cache's files; `machine` is the machine's own architecture.
    pub fn new(
        mirror: Mirror,
        cache: Store,
        listener: Arc<dyn Listener>,
        machine: String,
        runtime: tokio::runtime::Handle,
    ) -> Planned {
        Planned { mirror, cache, listener, machine, runtime, seen: Mutex::default() }
    }

    /// The steps so far.
    pub fn plan(&self) -> Plan {
        self.seen().plan.clone()
    }

    /// The orders so far, each with the import that it is over.
    pub fn orders(&self) -> anyhow::Result<Vec<(Imported, OrderResult)>> {
        let orders = self.seen().orders.clone();
        orders.into_iter().map(|order| Ok((self.imported(order.import)?, order))).collect()
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
        let fetching = import::fetch(&self.mirror, request, &self.machine, listener);
        let imported = self.runtime.block_on(fetching)?;
        let result = import::count(&self.cache, &imported, listener)?;
        let (sources, packages) = (result.sources, result.packages);
        self.record(Step::Import { imported: imported.clone(), sources, packages });
        self.seen().imports.push(imported);
        Ok(result)
    }

    fn order(&self, request: &OrderRequest) -> anyhow::Result<OrderResult> {
        let imported = self.imported(request.import)?;
        let result = order::order(&self.cache, &imported, request, self.listener.as_ref())?;
        let unbuildable = self.unbuildable(&imported, &result)?;
        self.seen().orders.push(result.clone());
        self.record(Step::Order { jobs: result.jobs.clone(), loops: result.loops.clone(), unbuildable });
        Ok(result)
    }

    /// Jobs whose build-dependencies nobody has, and no source of this order builds.
    fn unbuildable(&self, imported: &Imported, order: &OrderResult) -> anyhow::Result<Vec<(String, String)>> {
        import::with_archive(&self.cache, imported, |archive| {
            let visible: Vec<_> = archive.candidates().iter().map(|record| record.package).collect();
            let universe = Universe::new(&visible, Architectures::native(&imported.architecture));
            let chroot = Base::of_chroot(&universe);
            let mut installer = Installer::new(&universe, &chroot);
            let mut unbuildable = Vec::new();
            for job in order.jobs.iter().filter(|job| job.after.is_empty()) {
                let Some(record) = archive.source_version(&job.source, &job.version) else { continue };
                let half = Half::of_job(&job.arch);
                let request = request::Request::of(&record.source, half, &[], Alternatives::First);
                if let Err(refusal) = installer.check(&request) {
                    unbuildable.push((job.source.clone(), refusal.to_string()));
                }
            }
            Ok(unbuildable)
        })
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
                self.record(Step::Build { stage: request.stage.clone(), jobs: request.order.jobs.len() as u64 });
                Response::Build(as_if_built(&request))
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
fn as_if_built(request: &BuildRequest) -> BuildResult {
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
    BuildResult {
        stage: request.stage.clone(),
        import: request.order.import,
        arch: request.order.arch.clone(),
        jobs: jobs.collect(),
    }
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

//! Recipes that work, and recipes that do not: each ends with what was asked for, or with file and line.

mod campaigns;
mod codes;
mod flags;
mod hooks;
mod hostile;
mod measured;
mod messages;
mod overlay;
mod run;
mod steps;
mod surface;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::Value as Json;

use crate::core::ids::{GenerationId, ImportId, JobId, Sha256};
use crate::core::recipe::selection::Selection;
use crate::core::recipe::{
    BuildResult, BuiltJob, CompareResult, ImportResult, LaunchResult, OrderResult, OrderedJob, PublishResult, Request,
    Response,
};
use crate::lua::error::RecipeError;
use crate::lua::recipe::{Recipe, RunOptions};
use crate::lua::watch::Limits;
use crate::lua::{LoadOptions, load};
use crate::primitives::Perform;

/// Answers as a run would that builds everything, or nothing, and remembers what it was asked.
#[derive(Default)]
struct Fake {
    requests: Mutex<Vec<Request>>,
    builds_fail: bool,
    import_fails: bool,
}

/// A job of an order.
fn ordered(source: String, after: Vec<u32>) -> OrderedJob {
    OrderedJob {
        source,
        version: "1.0-1".to_owned(),
        arch: "amd64".to_owned(),
        component: "main".to_owned(),
        after,
        estimate: 60,
        priority: 60,
        frees: 0,
        profiles: Vec::new(),
    }
}

/// A structured error, as primitives have them.
#[derive(Debug, thiserror::Error)]
#[error("the mirror is down\nhint: try again later")]
struct MirrorDown;

impl Perform for Fake {
    fn perform(&self, request: Request) -> anyhow::Result<Response> {
        self.requests.lock().unwrap().push(request.clone());
        Ok(match request {
            Request::Import(_) if self.import_fails => {
                return Err(anyhow::Error::from(MirrorDown).context("import suite `bookworm`"));
            }
            Request::Import(import) => Response::Import(ImportResult {
                import: ImportId(Sha256::of(b"import")),
                arch: import.arch.unwrap_or_else(|| "amd64".to_owned()),
                sources: 2,
                packages: 3,
            }),
            Request::Order(order) => {
                let names = match order.packages {
                    Selection::Names(names) => names,
                    Selection::ChangedInputs { .. } => Vec::new(),
                    Selection::Everything
                    | Selection::BaseSystem(_)
                    | Selection::RuntimeClosure { .. }
                    | Selection::Pick(_) => vec!["hello".to_owned(), "zlib".to_owned()],
                };
                let jobs = names.into_iter().map(|source| ordered(source, Vec::new())).collect();
                Response::Order(order_of(order.import, jobs))
            }
            Request::Launch(launch) => Response::Launch(LaunchResult { builders: launch.builders }),
            Request::Build(build) => {
                let state = if self.builds_fail { "build-attempted" } else { "installed" };
                let job = |(at, job): (usize, OrderedJob)| BuiltJob {
                    job: JobId(at as i64 + 1),
                    source: job.source,
                    version: job.version,
                    arch: job.arch,
                    state: state.to_owned(),
                    reused: false,
                    inputs: None,
                    reason: self.builds_fail.then(|| "it does not compile".to_owned()),
                    seconds: 7,
                    overridden: Vec::new(),
                    verified: Vec::new(),
                };
                let jobs = build.order.jobs.iter().cloned().enumerate().map(job).collect();
                Response::Build(BuildResult {
                    stage: build.stage,
                    import: build.order.import,
                    arch: build.order.arch,
                    jobs,
                    optional: build.optional,
                    binaries: vec!["libhello-dev".to_owned()],
                    cell: build.flags.cell.map(|cell| cell.name),
                    repeat: build.repeat,
                    mirrored: None,
                })
            }
            Request::Publish(publish) => {
                let path: std::path::PathBuf = publish.to.to_string().into();
                Response::Publish(PublishResult {
                    generation: GenerationId(1),
                    key: path.join("key.asc"),
                    path,
                    suite: publish.suite,
                    components: vec!["main".to_owned()],
                    sources: 1,
                    packages: 1,
                    proof: Vec::new(),
                    refused: Vec::new(),
                })
            }
            Request::Compare(_) => Response::Compare(CompareResult::default()),
        })
    }
}

fn order_of(import: ImportId, jobs: Vec<OrderedJob>) -> OrderResult {
    OrderResult { import, arch: "amd64".to_owned(), jobs: jobs.into(), loops: Vec::new().into(), skipped: Vec::new() }
}

/// Small enough that no test waits, large enough for everything that is not an attack.
fn limits() -> Limits {
    Limits { interrupts: 300_000, hook_interrupts: 20_000, memory: 16 << 20, ..Limits::default() }
}

fn load_text(text: &str) -> Result<Recipe, RecipeError> {
    load(LoadOptions {
        path: "x.lua".into(),
        text: Some(text.as_bytes().to_vec()),
        limits: limits(),
        ..LoadOptions::default()
    })
}

fn load_file(path: &Path) -> Result<Recipe, RecipeError> {
    load(LoadOptions { path: path.to_path_buf(), limits: limits(), ..LoadOptions::default() })
}

fn run_with(recipe: &Recipe, fake: &Arc<Fake>) -> Result<Json, RecipeError> {
    recipe.run(Arc::clone(fake) as Arc<dyn Perform>, BTreeMap::new(), RunOptions::default())
}

/// Loads and runs; what comes of it.
fn run_text(text: &str) -> Result<Json, RecipeError> {
    run_with(&load_text(text)?, &Arc::default())
}

/// The value of an expression, evaluated in `run`.
fn value(body: &str) -> Json {
    let text = format!("local cb = require 'cloudbuild'\nreturn cb.recipe {{ run = function(cb, args)\n{body}\nend }}");
    run_text(&text).unwrap_or_else(|error| panic!("{error}"))
}

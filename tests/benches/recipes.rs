//! How long recipes take themselves: to be loaded, to decide by a hook over a whole archive, to be planned, and to be
//! stopped where they would never end.
//!
//! `cargo bench --bench recipes`; its last lines are `figure NAME VALUE UNIT target CONDITION ok|short`. The archive is
//! made up: 35,000 sources with twelve build-dependencies each, in loops and chains as a real one has. The plan is
//! that of a recipe that builds all of it: the indexes are parsed, everything is put in order, and each job's flags
//! are chosen by a hook; fetching is not in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use rustc_hash::FxHashSet;

use cloudbuild::core::archive::{Archive, PackageRecord, SourceRecord};
use cloudbuild::core::debian::{packages, sources};
use cloudbuild::core::events::{Event, Listener};
use cloudbuild::core::ids::{ImportId, JobId, Sha256};
use cloudbuild::core::order::select::Ground;
use cloudbuild::core::pinned::PinnedSuite;
use cloudbuild::core::recipe::{
    BuildRequest, BuildResult, BuiltJob, CompareResult, ImportResult, LaunchResult, OrderRequest, OrderResult, Request,
    Response,
};
use cloudbuild::io::state::durations::Durations;
use cloudbuild::lua::recipe::{Recipe, RunOptions};
use cloudbuild::lua::{LoadOptions, load};
use cloudbuild::primitives::Perform;
use cloudbuild::primitives::flags::{Chooser, Chosen, Wanted};
use cloudbuild::primitives::hooks::{Decide, Hook};
use cloudbuild::primitives::order::decide;
use serde_json::{Value as Json, json};

mod measured;

use measured::suite;

/// Sources of the archive.
const SOURCES: usize = 35_000;

/// How often what is quick is timed; the median counts.
const TIMES: usize = 20;

/// What is planned.
const RECIPE: &str = r#"local cb = require "cloudbuild"
return cb.recipe {
  run = function(cb)
    local imported = cb.import {}
    local order = cb.order { sources = imported, packages = cb.everything {} }
    local built = cb.build { order = order, on = cb.launch { cb.here { slots = 4 } } }
    return cb.compare { built }
  end,
  hooks = {
    choose_flags = function(source, cell)
      if source.section == "libs" and source.name ~= "s7" and cell.name ~= "debug" then
        return { cflags = { append = "-O3" } }
      end
    end,
  },
}
"#;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let hello = folder.join("recipes/hello.lua");
    let loads = (0..TIMES).map(|_| timed(|| drop(black_box(load(options(&hello)).expect("it is a recipe")))));
    let load_ms = median(loads.collect()) * 1e3;

    let text = RECIPE.as_bytes().to_vec();
    let recipe = load(LoadOptions { path: "whole.lua".into(), text: Some(text), ..LoadOptions::default() });
    let recipe = recipe.unwrap_or_else(|error| panic!("{error}"));
    let texts = (sources_index(), packages_index());
    let hook = median((0..5).map(|_| hook_seconds(&recipe)).collect());
    let plan = median((0..5).map(|_| plan_seconds(&recipe, &texts)).collect());
    let (slowest, hostile) = slowest_hostile(&folder.join("tests/hostile/recipes"));
    println!("a recipe with the library is loaded in {load_ms:.1} ms");
    println!("{SOURCES} sources: a hook in {hook:.2} s, a plan in {plan:.2} s");
    println!("of the hostile recipes, {} takes longest: {hostile:.2} s", slowest.display());
    figure("load-stdlib", format!("{load_ms:.1} ms"), "< 30", load_ms < 30.0);
    figure("hook-35000", format!("{hook:.2} s"), "< 1", hook < 1.0);
    figure("plan-35000", format!("{plan:.2} s"), "< 3", plan < 3.0);
    figure("hostile-slowest", format!("{hostile:.2} s"), "< 2", hostile < 2.0);
}

fn figure(name: &str, value: String, condition: &str, met: bool) {
    println!("figure {name} {value} target {condition} {}", if met { "ok" } else { "short" });
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn options(path: &Path) -> LoadOptions {
    LoadOptions { path: path.to_path_buf(), ..LoadOptions::default() }
}

/// Seconds of three reads of every source, the objects made as `build` makes them.
fn hook_seconds(recipe: &Recipe) -> f64 {
    let hooks = recipe.hooks(RunOptions::default()).expect("the recipe is good");
    timed(|| {
        let needs: Vec<String> = (0..12).map(|at| format!("libneeded{at}-dev")).collect();
        let subject = |number: usize| {
            json!({
                "source": {
                    "name": format!("s{number}"), "version": "1.0-1", "section": section(number), "component": "main",
                    "arch": "amd64", "binaries": [format!("p{number}")], "build_depends": needs,
                },
                "cell": { "name": "O3" },
            })
        };
        let subjects: Vec<Json> = (0..SOURCES).map(subject).collect();
        let answers = hooks.decide_all(Hook::ChooseFlags, &subjects).expect("the hook answers");
        assert_eq!(answers.iter().flatten().count(), SOURCES.div_ceil(4));
    })
}

/// Seconds of a plan, the recipe loaded and its hooks started, too.
fn plan_seconds(recipe: &Recipe, (sources, packages): &(String, String)) -> f64 {
    let (sources, packages): (&'static str, &'static str) = (sources.clone().leak(), packages.clone().leak());
    timed(|| {
        let hooks = recipe.hooks(RunOptions::default()).expect("the recipe is good");
        let planning =
            Planning { sources, packages, hooks, archive: OnceLock::new(), suite: Box::leak(suite().into()) };
        let result = recipe.run(Arc::new(planning), BTreeMap::new(), RunOptions::default());
        black_box(result.unwrap_or_else(|error| panic!("{error}")));
    })
}

/// The recipe that takes longest to be stopped, and its seconds.
fn slowest_hostile(folder: &Path) -> (PathBuf, f64) {
    let listed = std::fs::read_dir(folder).expect("the recipes are there");
    let seconds = listed.map(|entry| {
        let path = entry.expect("an entry").path();
        let took = timed(|| {
            let Ok(recipe) = load(options(&path)) else { return };
            let ran = recipe.run(Arc::new(Refusing), BTreeMap::new(), RunOptions::default());
            let Ok(hooks) = recipe.hooks(RunOptions::default()) else { return };
            let subject = json!({
                "source": { "name": "zlib", "version": "1:1.3-1", "build_depends": ["debhelper", "gcc"] },
                "cell": { "name": "O2" }, "log": "aab".repeat(87_000), "job": { "source": "zlib", "attempt": 1 },
                "failure": { "class": "unknown" }, "stage": { "name": "first" },
            });
            let answers = Hook::ALL.map(|hook| hooks.decide(hook, &subject));
            assert!(ran.is_err() || answers.iter().any(Result::is_err), "{} came through", path.display());
        });
        (path.file_name().map(PathBuf::from).unwrap_or_default(), took)
    });
    seconds.max_by(|a, b| a.1.total_cmp(&b.1)).expect("there are some")
}

/// Does nothing that a hostile recipe asks for.
struct Refusing;

impl Perform for Refusing {
    fn perform(&self, _: Request) -> anyhow::Result<Response> {
        anyhow::bail!("nothing is done here")
    }
}

/// Decides as a plan does, over indexes in memory.
struct Planning {
    sources: &'static str,
    packages: &'static str,
    hooks: Arc<dyn Decide>,
    archive: OnceLock<Archive<'static>>,
    suite: &'static PinnedSuite,
}

impl Planning {
    fn archive(&self) -> &Archive<'static> {
        let component = "main";
        self.archive.get_or_init(|| {
            let (suite, malformed) = (self.suite, Vec::new());
            let sources = sources::read(self.sources.as_bytes()).0.into_iter();
            let packages = packages::read(self.packages.as_bytes()).0.into_iter();
            Archive {
                sources: sources.map(|source| SourceRecord { suite, component, source }).collect(),
                packages: packages.map(|package| PackageRecord { suite, component, package }).collect(),
                malformed,
            }
        })
    }

    fn order(&self, request: &OrderRequest) -> anyhow::Result<OrderResult> {
        let (archive, architecture) = (self.archive(), "amd64");
        let (visible, changed) = (archive.visible(), BTreeMap::new());
        let ground = Ground { archive, visible: &visible, architecture, changed: &changed };
        let (order, skipped) = decide(&ground, request, &FxHashSet::default(), &Durations::default(), &Nobody)?;
        let (import, arch) = (request.import, architecture.to_owned());
        Ok(OrderResult { import, arch, jobs: order.jobs.into(), loops: order.loops.into(), skipped })
    }

    fn build(&self, request: &BuildRequest) -> anyhow::Result<BuildResult> {
        let archive = self.archive();
        let candidates = archive.candidates();
        let chooser = Chooser::new(request, self.hooks.as_ref(), &candidates);
        let records = archive.chosen_sources();
        let wanted: Vec<Wanted<'_>> = request
            .order
            .jobs
            .iter()
            .map(|job| Wanted {
                record: &records[job.source.as_str()],
                component: &job.component,
                arch: &job.arch,
                profiles: &job.profiles,
            })
            .collect();
        let chosen = chooser.choose(&wanted)?;
        let flagged = chosen.iter().filter(|chosen| matches!(chosen, Chosen::Build { by, .. } if !by.is_empty()));
        assert!(flagged.count() > SOURCES / 5, "the hook decided");
        let jobs = request.order.jobs.iter().zip(1..).map(|(job, number)| BuiltJob {
            job: JobId(number),
            source: job.source.clone(),
            version: job.version.clone(),
            arch: job.arch.clone(),
            state: "needs-build".to_owned(),
            reused: false,
            inputs: None,
            reason: None,
            seconds: 0,
            overridden: Vec::new(),
            verified: Vec::new(),
        });
        Ok(BuildResult {
            stage: request.stage.clone(),
            import: request.order.import,
            arch: request.order.arch.clone(),
            jobs: jobs.collect(),
            optional: request.optional,
            binaries: Vec::new(),
            cell: None,
            repeat: 1,
            mirrored: None,
        })
    }
}

impl Perform for Planning {
    fn perform(&self, request: Request) -> anyhow::Result<Response> {
        Ok(match request {
            Request::Import(_) => {
                let (sources, packages) = (self.archive().sources.len() as u64, self.archive().packages.len() as u64);
                let import = ImportId(Sha256([0; 32]));
                Response::Import(ImportResult { import, arch: "amd64".to_owned(), sources, packages })
            }
            Request::Order(request) => Response::Order(self.order(&request)?),
            Request::Launch(request) => Response::Launch(LaunchResult { builders: request.builders }),
            Request::Build(request) => Response::Build(self.build(&request)?),
            Request::Compare(_) => Response::Compare(CompareResult::default()),
            other => anyhow::bail!("the recipe does not ask for {other:?}"),
        })
    }
}

struct Nobody;

impl Listener for Nobody {
    fn hear(&self, _: &Event) {}
}

fn section(number: usize) -> &'static str {
    ["libs", "devel", "net", "utils"][number % 4]
}

/// The sources that a source needs: a few that all need, others near and far before it.
fn needs(number: usize) -> impl Iterator<Item = usize> {
    (1..=12).map(move |step| match step {
        1..=3 => step,
        _ => number.saturating_sub(number * step / 13 + step),
    })
}

fn sources_index() -> String {
    let mut text = String::new();
    for number in 0..SOURCES {
        let needs: Vec<String> = needs(number).map(|need| format!("p{need}")).collect();
        write!(
            text,
            "Package: s{number}\nBinary: p{number}\nVersion: 1.0-1\nArchitecture: any\nSection: {}\n\
             Directory: pool/main/s/s{number}\nBuild-Depends: {}\n\n",
            section(number),
            needs.join(", ")
        )
        .expect("a string takes all text");
    }
    text
}

fn packages_index() -> String {
    let mut text = String::new();
    for number in 0..SOURCES {
        let essential = if number < 20 { "Essential: yes\nPriority: required\n" } else { "" };
        let depends = if number < 20 { String::new() } else { format!("Depends: p{}, p{}\n", number / 2, number % 20) };
        write!(
            text,
            "Package: p{number}\nSource: s{number}\nVersion: 1.0-1\nArchitecture: amd64\n{essential}{depends}\
             Filename: pool/main/p{number}.deb\nSize: 1000\nSHA256: {number:064x}\n\n"
        )
        .expect("a string takes all text");
    }
    text
}

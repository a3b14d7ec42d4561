//! `cloudbuild recipe check`: finds what is wrong with a recipe without building anything: it runs on a sample archive.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{arguments, load, performer};
use crate::cli::Context;
use crate::cli::args::RecipeArgs;
use crate::cli::exit::{Exit, Failure, error_text, told};
use crate::cli::output::Format;
use crate::core::order::select::SelectionError;
use crate::core::order::text::counted;
use crate::core::recipe::Request;
use crate::core::recipe::findings::{Asked, findings};
use crate::core::recipe::selection::Selection;
use crate::core::rules::Rule;
use crate::core::sample::{self, Sample};
use crate::lua::recipe::argument::{Argument, ArgumentType};
use crate::lua::recipe::{Recipe, RunOptions};
use crate::lua::tester::World;
use crate::primitives::Perform;
use crate::primitives::offline::{self, Offline};

/// The architecture of the sample archive.
const ARCH: &str = "amd64";

/// Sources that a recipe names and the sample archive does not have are added one by one, so many at most.
const MOST_NAMES: usize = 500;

/// What was found.
#[derive(Debug, Serialize)]
struct Checked {
    /// The recipe's file.
    recipe: String,
    /// Primitives that it called, in order.
    calls: Vec<String>,
    /// Stages that it would build.
    stages: Vec<String>,
    /// Arguments that were made up, since they are required and were not given.
    made_up: BTreeMap<String, Json>,
    /// What is wrong.
    findings: Vec<String>,
}

/// Checks a recipe.
pub fn check(ctx: &Context, args: &RecipeArgs) -> anyhow::Result<Exit> {
    let recipe = load(&ctx.settings, args)?;
    let mut given = arguments(&recipe, args)?;
    let made_up = make_up(&recipe.arguments, &given);
    given.extend(made_up.clone());
    let store = tempfile::tempdir()?;
    let (sample, first) = run(&recipe, &given, store.path(), sample::built_in(), BTreeMap::new())?;
    let mut found = findings(&first);
    found.extend(hooks(&recipe, &sample, &first)?);
    found.extend(rules(&first));
    found.extend(again(&recipe, &given, store.path(), &sample, &first));
    found.extend(when_all_fails(&recipe, &given, store.path(), &sample, &first));
    let stages = first.iter().filter_map(|(request, _)| match request {
        Request::Build(build) => Some(build.stage.clone()),
        Request::Import(_) | Request::Order(_) | Request::Launch(_) | Request::Publish(_) | Request::Compare(_) => None,
    });
    let checked = Checked {
        recipe: recipe.file().to_owned(),
        calls: first.iter().map(|(request, _)| crate::primitives::journal::name(request).to_owned()).collect(),
        stages: stages.collect(),
        made_up,
        findings: found,
    };
    show(ctx, &checked)
}

fn show(ctx: &Context, checked: &Checked) -> anyhow::Result<Exit> {
    let Checked { recipe, calls, stages, made_up, findings } = checked;
    match ctx.output.format {
        Format::Json => ctx.output.document(checked)?,
        Format::Text => {
            let mut lines: Vec<String> = findings.iter().map(|finding| format!("{recipe}: {finding}")).collect();
            for (name, value) in made_up {
                lines.push(format!("note: `--{name}` was not given; checked with {value}"));
            }
            let (calls, stages) = (counted(calls.len(), "call"), counted(stages.len(), "stage"));
            let found = match findings.len() {
                0 => "nothing is wrong".to_owned(),
                count => counted(count, "finding"),
            };
            lines.push(format!("{recipe}: {found} ({calls}, {stages}, on a sample archive)"));
            ctx.output.print(&lines.join("\n"))?;
        }
    }
    Ok(if findings.is_empty() { Exit::Done } else { Exit::Recipe })
}

/// Values for required arguments that were not given.
fn make_up(declared: &[Argument], given: &BTreeMap<String, Json>) -> BTreeMap<String, Json> {
    let missing = declared.iter().filter(|it| it.default.is_none() && !given.contains_key(&it.name));
    missing
        .map(|argument| {
            let value = match argument.kind {
                ArgumentType::String => json!("hello"),
                ArgumentType::Integer | ArgumentType::Number => json!(1),
                ArgumentType::Boolean => json!(true),
                ArgumentType::File => json!("/sample/hello_2.10-3.dsc"),
                ArgumentType::List => json!(["hello"]),
            };
            (argument.name.clone(), value)
        })
        .collect()
}

/// Runs the recipe on the sample, to which the sources that it names are added.
fn run(
    recipe: &Recipe,
    arguments: &BTreeMap<String, Json>,
    store: &Path,
    mut sample: Sample,
    failures: BTreeMap<String, String>,
) -> anyhow::Result<(Sample, Vec<Asked>)> {
    for _ in 0..MOST_NAMES {
        let world = World { sample: sample.clone(), arch: ARCH.to_owned(), failures: failures.clone() };
        let offline: Arc<Offline> = Arc::new(performer(store, &world)?);
        let performer = Arc::clone(&offline) as Arc<dyn Perform>;
        let result = recipe.run(performer, arguments.clone(), RunOptions::default());
        let Err(error) = result else { return Ok((sample, offline.asked())) };
        match unknown(error.cause.as_ref()) {
            Some((name, version)) => {
                let mut source = sample.get(&name).cloned().unwrap_or_else(|| sample::plain(&name));
                source.version = version.unwrap_or(source.version);
                source.binaries.entry(name.clone()).or_default();
                sample.insert(name, source);
            }
            None => return Err(error.into()),
        }
    }
    Err(Failure::new(Exit::Recipe, format!("expected at most {MOST_NAMES} names of sources, got more"))
        .hint("select them by what they have in common, such as `cb.everything {}`")
        .into())
}

/// The source that a run asked for and the sample does not have, and its version; a binary package that it has not is
/// taken for one of a source of that name.
fn unknown(cause: Option<&anyhow::Error>) -> Option<(String, Option<String>)> {
    match cause?.chain().find_map(|cause| cause.downcast_ref::<SelectionError>())? {
        SelectionError::NoSuchVersion { name, version, .. } => Some((name.clone(), Some(version.clone()))),
        SelectionError::Unknown { name, .. } | SelectionError::UnknownBinary { name, .. } => Some((name.clone(), None)),
        SelectionError::NoSources
        | SelectionError::NoBaseSystem { .. }
        | SelectionError::BaseUnsatisfiable { .. }
        | SelectionError::BaseWithoutSource { .. }
        | SelectionError::ClosureUnsatisfiable { .. }
        | SelectionError::Nothing => None,
    }
}

/// A recipe that is run once more must ask for the same.
fn again(
    recipe: &Recipe,
    arguments: &BTreeMap<String, Json>,
    store: &Path,
    sample: &Sample,
    first: &[Asked],
) -> Option<String> {
    match run(recipe, arguments, store, sample.clone(), BTreeMap::new()) {
        Ok((_, second)) if second == first => None,
        Ok(_) => Some("asks for something else when it is run again, so a run could not be gone on with".to_owned()),
        Err(error) => Some(format!("fails when it is run again: {error}")),
    }
}

/// A recipe must stand it that packages fail.
fn when_all_fails(
    recipe: &Recipe,
    arguments: &BTreeMap<String, Json>,
    store: &Path,
    sample: &Sample,
    first: &[Asked],
) -> Option<String> {
    let jobs = first.iter().filter_map(|(request, _)| match request {
        Request::Build(build) => Some(build.order.jobs.iter().map(|job| job.source.clone())),
        Request::Import(_) | Request::Order(_) | Request::Launch(_) | Request::Publish(_) | Request::Compare(_) => None,
    });
    let sources: BTreeSet<String> = jobs.flatten().collect();
    let failures = sources.into_iter().map(|source| (source, "build-failure".to_owned())).collect();
    let error = run(recipe, arguments, store, sample.clone(), failures).err()?;
    let text = anstream::adapter::strip_str(&error_text(&told(&error))).to_string();
    Some(format!(
        "fails when no package builds: {}",
        text.trim_start_matches("error").trim_start_matches(": ").trim_end()
    ))
}

/// Hooks that fail on the sample's packages, or whose answers depend on what they were asked before.
fn hooks(recipe: &Recipe, sample: &Sample, first: &[Asked]) -> anyhow::Result<Vec<String>> {
    let forth = recipe.hooks(RunOptions::default())?;
    let back = recipe.hooks(RunOptions::default())?;
    Ok(offline::hooks::findings(forth.as_ref(), back.as_ref(), sample, ARCH, first))
}

/// Rules that are for packages by name, none of which is built. What else a rule asks for is a matter of the real
/// archive, and of `plan`.
fn rules(first: &[Asked]) -> Vec<String> {
    let only_names = first.iter().all(|(request, _)| match request {
        Request::Order(order) => matches!(order.packages, Selection::Names(_)),
        Request::Import(_) | Request::Launch(_) | Request::Build(_) | Request::Publish(_) | Request::Compare(_) => true,
    });
    let mut found: Vec<String> = Vec::new();
    let mut built: BTreeSet<&str> = BTreeSet::new();
    let mut rules: Vec<(usize, &Rule)> = Vec::new();
    for (request, _) in first {
        if let Request::Build(build) = request {
            built.extend(build.order.jobs.iter().map(|job| job.source.as_str()));
            for rule in (1..).zip(&build.flags.rules) {
                if !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
        }
    }
    for (number, rule) in rules {
        let names = &rule.when.name;
        let literal = !names.is_empty() && names.iter().all(|name| !name.contains(['*', '?']));
        if only_names && literal && !names.iter().any(|name| built.contains(name.as_str())) {
            let at = rule.at.as_deref().map(|at| format!(" ({at})")).unwrap_or_default();
            found.push(format!("rule {number}{at} is never used: it is for {}, which is not built", names.join(", ")));
        }
    }
    found
}

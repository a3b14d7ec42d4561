//! `explain` and `blocks`: how a package stands in a run, or would stand, and what it holds up.

use std::path::Path;

use anyhow::Context;

use crate::core::archive::{self, Archive, SourceRecord};
use crate::core::explain::{self, Answer, Blocks, Explanation, Standing};
use crate::core::ids::RunId;
use crate::core::install::base::Base;
use crate::core::install::installer::Installer;
use crate::core::install::request::{Alternatives, Half, Request};
use crate::core::install::universe::{Architectures, Universe};
use crate::core::order::halves;
use crate::core::pinned::Imported;
use crate::core::recipe::{OrderResult, Response};
use crate::core::suggest;
use crate::core::view::{self, BuiltBinary};
use crate::io::state::artifacts::{self, Artifact};
use crate::io::state::hook_answers::{self, HookAnswer};
use crate::io::state::{Reader, flags, jobs, journal, runs, superseded};
use crate::io::store::Store;
use crate::primitives::Refusal;
use crate::primitives::import::with_archive;
use crate::primitives::layers::built_binary;

/// An order, what it is over, and how far a run is with it.
pub struct Ordered {
    /// What was imported.
    pub imported: Imported,
    /// The order; `None`: only the import is known.
    pub order: Option<OrderResult>,
    /// The jobs of each stage of a run that builds by it.
    pub stages: Vec<StageJobs>,
}

/// The jobs of a stage, and what they are built against beside the import.
pub struct StageJobs {
    /// The jobs that have a row, by source and architecture.
    standings: Vec<(String, String, Standing)>,
    built: Vec<BuiltBinary>,
}

/// What the last run in a state directory ordered, with how far it is.
///
/// # Errors
/// No run was begun there, or the state says no.
pub fn of_run(state: &Reader, dir: &Path) -> anyhow::Result<Vec<Ordered>> {
    let run = state.read(runs::latest)?;
    let run = run.with_context(|| format!("no run was begun in `{}`", dir.display()))?.id;
    let mut found = Vec::new();
    for call in 1.. {
        let Some(entry) = state.read(|db| journal::lookup(db, run, call))? else { break };
        let response = serde_json::from_value(entry.response).context("read the journal")?;
        if let Response::Order(order) = response {
            let imported = state.read(|db| crate::io::state::imports::get(db, order.import))?;
            let imported = imported.with_context(|| format!("no import {} in the state", order.import))?;
            let stages = stages(state, dir, run, &imported, &order)?;
            found.push(Ordered { imported, order: Some(order), stages });
        }
    }
    Ok(found)
}

/// How far a run is with the stages that are built by an order.
fn stages(
    state: &Reader,
    dir: &Path,
    run: RunId,
    imported: &Imported,
    order: &OrderResult,
) -> anyhow::Result<Vec<StageJobs>> {
    let rows = state.read(|db| jobs::by_run(db, run))?;
    let mut flags = state.read(|db| flags::by_run(db, run))?;
    let mut names: Vec<&str> = Vec::new();
    let listed = |row: &&jobs::Job| {
        let place = usize::try_from(row.position - 1).ok().and_then(|place| order.jobs.get(place));
        place.is_some_and(|job| (&job.source, &job.arch) == (&row.source, &row.arch))
    };
    let of_order: Vec<&jobs::Job> = rows.iter().filter(listed).collect();
    for row in &of_order {
        if !names.contains(&row.stage.as_str()) {
            names.push(&row.stage);
        }
    }
    let stage = |name: &str| -> anyhow::Result<StageJobs> {
        let mut standings = Vec::new();
        for row in of_order.iter().filter(|row| row.stage == name) {
            let log = state.read(|db| jobs::log(db, row))?;
            let (flags_by, overridden) =
                flags.remove(&row.id).map(|own| (own.asked_by, own.overridden)).unwrap_or_default();
            let standing = Standing {
                stage: row.stage.clone(),
                state: row.state.text().to_owned(),
                ended: row.state.is_terminal(),
                reason: row.reason.clone(),
                log: log.map(|log| dir.join(log).display().to_string()),
                flags_by,
                how: row.how,
                overridden: overridden.unwrap_or_default(),
                superseded: state.read(|db| superseded::by_job(db, row.id))?,
                decided: state
                    .read(|db| hook_answers::by_source(db, run, &row.source))?
                    .iter()
                    .filter_map(told)
                    .collect(),
            };
            standings.push((row.source.clone(), row.arch.clone(), standing));
        }
        let made = state.read(|db| artifacts::by_stage(db, run, name))?;
        // An order over an import with an overlay has no other version of the overlay's sources.
        let overlay = |artifact: &Artifact| {
            artifact.source.as_deref().is_some_and(|source| imported.overlay_source(source).is_some())
        };
        let built = made.into_iter().map(|(_, artifact)| artifact);
        let built = built.filter_map(|artifact| built_binary(artifact.clone(), overlay(&artifact))).collect();
        Ok(StageJobs { standings, built })
    };
    names.into_iter().map(stage).collect()
}

/// An answer of a hook: `choose_flags`, oem.lua:22: what it said. `None`: it had no opinion.
fn told(answer: &HookAnswer) -> Option<String> {
    if answer.answer.is_null() {
        return None;
    }
    let place = answer.place.as_deref().map(|place| format!(", {place}")).unwrap_or_default();
    Some(format!("`{}`{place}: {}", answer.hook, answer.answer))
}

/// Explains every job of a source; `word` is the source, one of its binaries, or either with `:ARCH`.
///
/// # Errors
/// There is no such package.
pub fn explain(cache: &Store, ordered: &[Ordered], word: &str) -> anyhow::Result<Vec<Explanation>> {
    let (name, arch) = split(word);
    let mut found = Vec::new();
    let mut absent = None;
    for one in ordered {
        with_archive(cache, &one.imported, |archive| {
            match source(archive, name) {
                Ok(record) => found.extend(of_source(one, archive, record, arch)?),
                Err(error) => absent = Some(error),
            }
            Ok(())
        })?;
    }
    // A run may import several archives, and not all of them have all packages.
    if let Some(error) = absent.filter(|_| found.is_empty()) {
        return Err(error);
    }
    // Several orders over one import say the same of what is in none of them.
    if found.iter().any(|explanation| explanation.number.is_some()) {
        found.retain(|explanation| explanation.number.is_some());
    }
    found.dedup();
    Ok(found)
}

/// A job that is asked about.
struct Asked<'a> {
    number: Option<u32>,
    record: SourceRecord<'a>,
    arch: &'a str,
    profiles: Vec<&'a str>,
}

/// Explains the jobs of one source, each of every stage; the indexes are at hand.
pub fn of_source<'a>(
    one: &'a Ordered,
    archive: &Archive<'a>,
    record: SourceRecord<'a>,
    arch: Option<&str>,
) -> anyhow::Result<Vec<Explanation>> {
    let asked = asked(one, archive, record, arch);
    let nothing = StageJobs { standings: Vec::new(), built: Vec::new() };
    let stages = if one.stages.is_empty() { std::slice::from_ref(&nothing) } else { &one.stages };
    let candidates = archive::of_architecture(&archive.candidates(), &one.imported.architecture);
    let mut found = Vec::new();
    for stage in stages {
        let stanzas: Vec<String> = stage.built.iter().map(BuiltBinary::stanza).collect();
        let visible = view::visible(&candidates, &stage.built, &stanzas).map_err(anyhow::Error::msg)?;
        // What is installable is worked out once for all jobs of a stage.
        let universe = Universe::new(&visible, Architectures::native(&one.imported.architecture));
        let chroot = Base::of_chroot(&universe);
        let mut installer = Installer::new(&universe, &chroot);
        for Asked { number, record, arch, profiles } in &asked {
            let mut ask = |alternatives| {
                installer.check(&Request::of(&record.source, Half::of_job(arch), profiles, alternatives))
            };
            let first = ask(Alternatives::First).map(|installed| installed.packages.len());
            let any = first.is_ok() || ask(Alternatives::Any).is_ok();
            let answer = Answer { first, any };
            found.push(match (&one.order, number) {
                (Some(order), Some(number)) => explain::explain(order, *number, &stage.states(order), &answer),
                _ => explain::explain_alone(record.source.name, record.source.version, arch, &answer),
            });
        }
    }
    Ok(found)
}

/// The jobs that an order has of a source, or those that it would make where no order has it.
fn asked<'a>(one: &'a Ordered, archive: &Archive<'a>, record: SourceRecord<'a>, arch: Option<&str>) -> Vec<Asked<'a>> {
    let of_order = |order: &'a OrderResult| {
        let numbers: Vec<u32> = explain::meant(order, record.source.name, arch).collect();
        numbers.into_iter().map(|number| {
            let job = &order.jobs[number as usize - 1];
            let record = archive.source_version(&job.source, &job.version).unwrap_or(record);
            let profiles = job.profiles.iter().map(String::as_str).collect();
            Asked { number: Some(number), record, arch: &job.arch, profiles }
        })
    };
    let ordered: Vec<Asked<'a>> = one.order.iter().flat_map(of_order).collect();
    if !ordered.is_empty() {
        return ordered;
    }
    let wanted = |half: &&str| arch.is_none_or(|arch| arch == *half);
    let halves = halves(&record.source, &one.imported.architecture).filter(wanted);
    halves.map(|arch| Asked { number: None, record, arch, profiles: Vec::new() }).collect()
}

impl StageJobs {
    /// How the jobs of an order stand, by number.
    fn states<'s>(&'s self, order: &'s OrderResult) -> impl Fn(u32) -> Option<Standing> + 's {
        let by_name: rustc_hash::FxHashMap<(&str, &str), &Standing> = self
            .standings
            .iter()
            .map(|(source, arch, standing)| ((source.as_str(), arch.as_str()), standing))
            .collect();
        move |number| {
            let job = &order.jobs[number as usize - 1];
            by_name.get(&(job.source.as_str(), job.arch.as_str())).map(|standing| (*standing).clone())
        }
    }
}

/// What every job of a source holds up.
///
/// # Errors
/// There is no such package, or no order has it.
pub fn blocks(cache: &Store, ordered: &[Ordered], word: &str) -> anyhow::Result<Vec<Blocks>> {
    let (name, arch) = split(word);
    let (mut found, mut absent) = (Vec::new(), None);
    for one in ordered {
        let Some(order) = &one.order else { continue };
        let mut numbers: Vec<u32> = explain::meant(order, name, arch).collect();
        if numbers.is_empty() {
            // It may be the name of a binary package.
            let source = with_archive(cache, &one.imported, |archive| {
                Ok(source(archive, name).map(|record| record.source.name.to_owned()))
            })?;
            match source {
                Ok(source) => numbers = explain::meant(order, &source, arch).collect(),
                Err(error) => absent = Some(error),
            }
        }
        let nothing = StageJobs { standings: Vec::new(), built: Vec::new() };
        // Whatever the stage: the order is the same, and the newest one tells how far it is.
        let stage = one.stages.last().unwrap_or(&nothing);
        let states = stage.states(order);
        found.extend(numbers.into_iter().map(|number| explain::blocks(order, number, &states)));
    }
    if let Some(error) = absent.filter(|_| found.is_empty()) {
        return Err(error);
    }
    if found.is_empty() {
        let text =
            format!("no order has a job that builds `{name}`\nhint: `cloudbuild explain {name}` tells more of it");
        return Err(Refusal::of_asker(text).into());
    }
    found.dedup();
    Ok(found)
}

/// `PACKAGE` or `PACKAGE:ARCH`.
fn split(word: &str) -> (&str, Option<&str>) {
    word.split_once(':').map_or((word, None), |(name, arch)| (name, Some(arch)))
}

/// The source of that name, or the one that builds the binary of that name.
fn source<'a>(archive: &Archive<'a>, name: &str) -> anyhow::Result<SourceRecord<'a>> {
    let chosen = archive.chosen_sources();
    let of_binary = || {
        let record = archive.packages.iter().find(|record| record.package.name == name)?;
        chosen.get(record.package.source()).copied()
    };
    // What no index has yet may still be built by a source.
    let to_come = || {
        let makes = |record: &&SourceRecord<'_>| record.source.binaries().any(|binary| binary == name.as_bytes());
        chosen.values().filter(makes).min_by_key(|record| record.source.name).copied()
    };
    if let Some(record) = chosen.get(name).copied().or_else(of_binary).or_else(to_come) {
        return Ok(record);
    }
    let hint = match suggest::nearest_few(name, chosen.keys().copied()).as_slice() {
        [] => "`cloudbuild import` shows what there is".to_owned(),
        names => format!("did you mean `{}`?", names.join("`, `")),
    };
    let text =
        format!("expected the name of a source or binary package, got `{name}`, which no suite has\nhint: {hint}");
    Err(Refusal::of_asker(text).into())
}

//! `compare`: what was built, beside what was there before, and cells of a matrix beside each other.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustc_hash::FxHashMap;

use crate::core::archive::{self, PackageRecord};
use crate::core::compare::{self, Cells, Failure, Sample, Table, page};
use crate::core::events::{Event, Listener};
use crate::core::ids::RunId;
use crate::core::job::{Fault, JobState};
use crate::core::pinned::Imported;
use crate::core::recipe::comparison::CONFIDENCE;
use crate::core::recipe::{CompareRequest, CompareResult, CompareRow, Response};
use crate::io::files;
use crate::io::state::artifacts::{self, Artifact};
use crate::io::state::jobs::{self, Job};
use crate::io::state::{State, attempts, identity, journal, measured};
use crate::io::store::Store;
use crate::primitives::Refusal;
use crate::primitives::import::with_archive;
use crate::wire::Outcome;

/// The page's name in the state directory, and beside what is published.
pub const PAGE: &str = "report.html";

/// The handles that comparing works with.
pub struct Comparing<'c> {
    /// The state directory.
    pub dir: &'c Path,
    /// Its state.
    pub state: &'c State,
    /// The run.
    pub run: RunId,
    /// Where indexes are.
    pub cache: &'c Store,
    /// Who hears of what happens.
    pub listener: &'c dyn Listener,
}

/// One row for each binary package of the stages, with the candidate of that name that the import has; a table of the
/// cells where there are several, and the page of it that was asked for.
pub fn compare(
    comparing: &Comparing<'_>,
    imported: &Imported,
    request: &CompareRequest,
) -> anyhow::Result<CompareResult> {
    let rows = rows(comparing, imported, request)?;
    let table = cells(comparing, request)?.map(|cells| compare::compare(&cells));
    let pages = match (&request.report, &table) {
        (Some(_), Some(table)) => write_pages(comparing, table)?,
        (Some(_), None) => {
            let text =
                "no page of a comparison is written: there is one cell, and nothing to compare it with".to_owned();
            comparing.listener.hear(&Event::Note { text });
            Vec::new()
        }
        (None, _) => Vec::new(),
    };
    Ok(CompareResult { rows, table, pages })
}

fn rows(comparing: &Comparing<'_>, imported: &Imported, request: &CompareRequest) -> anyhow::Result<Vec<CompareRow>> {
    let mut built: Vec<(String, Artifact)> = Vec::new();
    for stage in &request.stages {
        let artifacts = comparing.state.read(|db| artifacts::by_stage(db, comparing.run, stage))?;
        built.extend(artifacts.into_iter().map(|(_, artifact)| (stage.clone(), artifact)));
    }
    with_archive(comparing.cache, imported, |archive| {
        let candidates = archive::of_architecture(&archive.candidates(), &imported.architecture);
        let before: FxHashMap<&str, &PackageRecord<'_>> =
            candidates.iter().map(|record| (record.package.name, record)).collect();
        let mut rows: Vec<CompareRow> = built
            .into_iter()
            .filter(|(_, artifact)| artifact.kind.is_package())
            .filter_map(|(stage, artifact)| {
                let package = artifact.package?;
                let old = before.get(package.as_str());
                Some(CompareRow {
                    stage,
                    arch: artifact.architecture?,
                    before: old.map(|record| (record.package.version.to_owned(), record.package.size)),
                    after: (artifact.version?, artifact.size),
                    identical: old.is_some_and(|record| record.package.sha256 == artifact.sha256),
                    package,
                })
            })
            .collect();
        rows.sort_by(|a, b| (&a.package, &a.arch, &a.stage).cmp(&(&b.package, &b.arch, &b.stage)));
        Ok(rows)
    })
}

/// The cells of the stages; `None` where there is nothing to compare. Stages without cells are cells by themselves where
/// the recipe says which of them is the baseline.
fn cells(comparing: &Comparing<'_>, request: &CompareRequest) -> anyhow::Result<Option<Cells>> {
    let mut names: Vec<String> = Vec::new();
    let mut samples = Vec::new();
    for (at, stage) in request.stages.iter().enumerate() {
        let of_stage = request.cells.get(at).cloned().flatten();
        if of_stage.is_none() && request.baseline.is_none() {
            continue;
        }
        let pass = match &of_stage {
            Some((cell, repeat)) => pass(stage, cell, *repeat),
            None => "first".to_owned(),
        };
        let (cell, repeat) = of_stage.unwrap_or_else(|| (stage.clone(), 1));
        if !names.contains(&cell) {
            names.push(cell.clone());
        }
        for job in comparing.state.read(|db| jobs::by_stage(db, comparing.run, stage))? {
            samples.push(sample(comparing.state, job, (&cell, repeat, &pass))?);
        }
    }
    if names.len() < 2 {
        return Ok(None);
    }
    let baseline = request.baseline.clone().unwrap_or_else(|| names[0].clone());
    if !names.contains(&baseline) {
        let known = names.join("`, `");
        let text = format!(
            "`baseline`: expected one of the cells `{known}`, got `{baseline}`\nhint: it is what others are compared with"
        );
        return Err(Refusal::of_recipe(text).into());
    }
    let confidence = request.report.as_ref().map_or(CONFIDENCE, |report| report.confidence);
    Ok(Some(Cells { baseline, names, confidence, samples }))
}

/// A stage's name without its cell and repeat, as campaigns put them there.
fn pass(stage: &str, cell: &str, repeat: u32) -> String {
    let of_cell = stage.strip_suffix(&format!(".{cell}.{repeat}")).or_else(|| stage.strip_suffix(&format!(".{cell}")));
    // A recipe that names its stages itself has them differ by the cell in some other way.
    of_cell.unwrap_or("first").to_owned()
}

fn sample(state: &State, job: Job, (cell, repeat, stage): (&str, u32, &str)) -> anyhow::Result<Sample> {
    let made = state.read(|db| artifacts::by_job(db, job.id))?;
    let files = made.iter().filter(|file| file.kind.is_package());
    let files = files.map(|file| (file.name.clone(), file.sha256.to_string())).collect();
    let values = state.read(|db| measured::by_job(db, job.id))?;
    let failure = if job.state == JobState::Installed { None } else { Some(failure(state, &job)?) };
    Ok(Sample {
        cell: cell.to_owned(),
        repeat,
        stage: stage.to_owned(),
        source: job.source,
        arch: job.arch,
        failure,
        values,
        files,
    })
}

/// Why a job has no packages, and whose fault that is.
fn failure(state: &State, job: &Job) -> anyhow::Result<Failure> {
    let fault = match job.state {
        JobState::NotForUs | JobState::AutoNotForUs => "recipe".to_owned(),
        JobState::BdUninstallable | JobState::DepWait => "archive".to_owned(),
        JobState::NeedsBuild
        | JobState::Building
        | JobState::Built
        | JobState::Uploaded
        | JobState::Installed
        | JobState::BuildAttempted
        | JobState::Failed => {
            let attempts = state.read(|db| attempts::by_job(db, job.id))?;
            let fault = match attempts.last().and_then(|attempt| attempt.outcome.as_ref()) {
                Some(Outcome::Failed { fault, .. }) => *fault,
                Some(Outcome::Built | Outcome::Cancelled) => Fault::Unknown,
                None => Fault::Infrastructure,
            };
            match fault {
                Fault::Package => "package",
                Fault::Infrastructure => "infrastructure",
                Fault::Unknown => "unknown",
            }
            .to_owned()
        }
    };
    let reason = job.reason.clone().unwrap_or_else(|| "no reason was given".to_owned());
    Ok(Failure { state: job.state.text().to_owned(), fault, reason })
}

/// Writes the page into the state directory and beside what this run published.
fn write_pages(comparing: &Comparing<'_>, table: &Table) -> anyhow::Result<Vec<PathBuf>> {
    let Comparing { dir, state, run, listener, .. } = comparing;
    let recipe = state.read(identity::get)?.map(|identity| identity.name).unwrap_or_default();
    let text = page::page(table, &recipe, &format!("run {run}"));
    let mut pages = vec![dir.join(PAGE)];
    let mut beside = BTreeSet::new();
    for call in 1.. {
        let Some(entry) = state.read(|db| journal::lookup(db, *run, call))? else { break };
        if let Ok(Response::Publish(published)) = serde_json::from_value(entry.response)
            && files::is_folder(&published.path)
        {
            beside.insert(published.path.join(PAGE));
        }
    }
    pages.extend(beside);
    for path in &pages {
        files::write(path, text.as_bytes()).context("write the page of the comparison")?;
        listener.hear(&Event::Note { text: format!("the comparison is in {}", path.display()) });
    }
    Ok(pages)
}

//! What came of a run: for the last lines on a terminal, and as the document of `--json`.

use std::path::Path;

use serde::Serialize;

use super::compare;
use super::exit::Exit;
use super::jobs::{self, JobLine, Mark};
use super::output::clean;
use crate::core::compare::Table;
use crate::core::ids::{RunId, Sha256};
use crate::core::order::text::counted;
use crate::core::overlay::confirm::Superseding;
use crate::core::recipe::{BuiltJob, CompareRow, PublishResult, Response};
use crate::core::verify::{self, Verified};
use crate::io::state::{Reader, State, attempts, journal, superseded};
use crate::wire::{Fault, Outcome};

/// So many comparisons are shown to people.
const SHOWN: usize = 20;

/// What came of a run.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The run.
    pub run: RunId,
    /// All of its jobs.
    pub jobs: Vec<JobLine>,
    /// The archives that it published.
    pub published: Vec<PublishResult>,
    /// What was built beside what was there before.
    pub changed: Vec<CompareRow>,
    /// The cells of each comparison beside each other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<Table>,
    /// What was verified and is not so, or cannot be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verified: Vec<Unverified>,
    /// The packages of the overlay that were installed for builds, as was confirmed.
    pub superseded: Vec<Superseded>,
    /// What the recipe returned.
    pub result: serde_json::Value,
    /// Whether something failed that the run is not good without.
    #[serde(skip)]
    failed: bool,
    /// Whether all that failed was the world's fault.
    only_infrastructure: bool,
}

/// What was verified of a job, and did not hold.
#[derive(Debug, Serialize)]
pub struct Unverified {
    /// The stage.
    pub stage: String,
    /// Source package name.
    pub source: String,
    /// Debian architecture, or `all`.
    pub arch: String,
    /// What, and why.
    pub verified: Verified,
}

/// What did not hold of a job.
fn unverified(stage: &str, job: &BuiltJob) -> Vec<Unverified> {
    let bad = job.verified.iter().filter(|one| one.outcome != verify::Outcome::Held);
    let told = bad.map(|verified| Unverified {
        stage: stage.to_owned(),
        source: job.source.clone(),
        arch: job.arch.clone(),
        verified: verified.clone(),
    });
    told.collect()
}

/// A package of the overlay, and for how many builds it was installed.
#[derive(Debug, Serialize)]
pub struct Superseded {
    /// Binary package name.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Hash of its file.
    pub sha256: Sha256,
    /// How many builds it was installed for.
    pub builds: u64,
}

/// Reads what a run that came to its end has left.
pub fn read(state: &State, dir: &Path, run: RunId, result: serde_json::Value) -> anyhow::Result<Summary> {
    let jobs = jobs::lines(&Reader::open(dir)?, dir, run)?.jobs;
    let (mut published, mut changed, mut optional) = (Vec::new(), Vec::new(), Vec::new());
    let (mut tables, mut verified) = (Vec::new(), Vec::new());
    for call in 1.. {
        let Some(entry) = state.read(|db| journal::lookup(db, run, call))? else { break };
        match serde_json::from_value(entry.response) {
            Ok(Response::Publish(result)) => published.push(result),
            Ok(Response::Compare(result)) => {
                changed.extend(result.rows);
                tables.extend(result.table);
            }
            Ok(Response::Build(result)) => {
                verified.extend(result.jobs.iter().flat_map(|job| unverified(&result.stage, job)));
                optional.extend(result.optional.then_some(result.stage));
            }
            Ok(Response::Import(_) | Response::Order(_) | Response::Launch(_)) | Err(_) => {}
        }
    }
    let mut faults = Vec::new();
    let missed = jobs.iter().filter(|job| jobs::mark(&job.state) == Mark::Bad && !optional.contains(&job.stage));
    for job in missed {
        let attempts = state.read(|db| attempts::by_job(db, job.job))?;
        faults.push(match attempts.last().and_then(|attempt| attempt.outcome.as_ref()) {
            Some(Outcome::Failed { fault, .. }) => *fault,
            Some(Outcome::Built | Outcome::Cancelled) => Fault::Package,
            // No attempt: it could not be tried. Attempts of which nothing was heard: their builders were lost.
            None if attempts.is_empty() => Fault::Package,
            None => Fault::Infrastructure,
        });
    }
    let only_infrastructure = !faults.is_empty() && faults.iter().all(|fault| *fault == Fault::Infrastructure);
    let failed = !faults.is_empty();
    let superseded = state.read(|db| superseded::by_run(db, run))?;
    let superseded = superseded.into_iter().map(|(found, builds)| {
        let Superseding { package, version, sha256 } = found;
        Superseded { package, version, sha256, builds }
    });
    let superseded = superseded.collect();
    Ok(Summary { run, jobs, published, changed, tables, verified, superseded, result, failed, only_infrastructure })
}

impl Summary {
    /// The exit code that it deserves.
    pub fn exit(&self) -> Exit {
        let failed = self.verified.iter().any(|one| one.verified.outcome == verify::Outcome::Failed);
        let refused = failed || self.published.iter().any(|published| !published.refused.is_empty());
        match (self.only_infrastructure, self.failed || refused) {
            (true, _) => Exit::Infrastructure,
            (false, true) => Exit::SomeFailed,
            (false, false) => Exit::Done,
        }
    }

    /// The last lines for people.
    pub fn text(&self) -> String {
        let count = |mark: Mark| self.jobs.iter().filter(|job| jobs::mark(&job.state) == mark).count();
        let left_out = self.jobs.iter().filter(|job| job.state.ends_with("not-for-us")).count();
        let (good, bad) = (count(Mark::Good) - left_out, count(Mark::Bad));
        let mut done = format!("done: {good} built");
        if bad > 0 {
            done.push_str(&format!(", {bad} failed"));
        }
        if left_out > 0 {
            done.push_str(&format!(", {left_out} left out"));
        }
        let mut lines = vec![done];
        let overridden = self.jobs.iter().flat_map(|job| job.overridden.iter().map(move |what| (job, what)));
        let overridden: Vec<String> =
            overridden.map(|(job, what)| clean(&format!("overridden by package {}: {what}", job.source))).collect();
        lines.extend(overridden.iter().take(SHOWN).cloned());
        if let Some(more) = overridden.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            lines.push(format!("         and {more} more; `cloudbuild status` has them all"));
        }
        lines.extend(self.verified.iter().take(SHOWN).map(|one| {
            let Unverified { source, arch, verified: Verified { check, outcome, what }, .. } = one;
            let word = match outcome {
                verify::Outcome::Failed => "not verified",
                verify::Outcome::Held | verify::Outcome::Unknown => "not known",
            };
            clean(&format!("{word}: {source} ({arch}): `{check}`: {what}"))
        }));
        if let Some(more) = self.verified.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            lines.push(format!("         and {more} more; `--json` has them all"));
        }
        lines.extend(self.tables.iter().map(|table| format!("{}\n", compare::cells(table, false))));
        // What cells did to the packages says more than their sizes beside those of the archive.
        let shown = if self.tables.is_empty() { SHOWN } else { 0 };
        lines.extend(self.changed.iter().take(shown).map(comparison));
        if let Some(more) = self.changed.len().checked_sub(SHOWN).filter(|more| *more > 0 && shown > 0) {
            lines.push(format!("         and {more} more; `--json` has them all"));
        }
        lines.extend(self.superseded.iter().take(SHOWN).map(|found| {
            let Superseded { package, version, sha256, builds } = found;
            let builds = counted(*builds as usize, "build");
            format!("superseded: {package} {version} ({}...) installed in {builds}", &sha256.to_string()[..12])
        }));
        if let Some(more) = self.superseded.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            lines.push(format!("            and {more} more; `--json` has them all"));
        }
        for published in &self.published {
            let (suite, components) = (&published.suite, published.components.join(" "));
            let (path, key) = (published.path.display(), published.key.display());
            let key = key.to_string();
            lines.push(match key.strip_suffix("/archive-key.asc").filter(|url| url.contains("://")) {
                Some(url) => format!("archive: deb {url} {suite} {components} (signed by {key})"),
                None => format!("archive: deb [signed-by={key}] file:{path} {suite} {components}"),
            });
        }
        lines.join("\n")
    }
}

/// A package beside the one that it replaces, in one line.
pub fn comparison(row: &CompareRow) -> String {
    let CompareRow { package, arch, before, after: (version, size), identical, .. } = row;
    let was = match before {
        Some(_) if *identical => "the same bytes as before".to_owned(),
        Some((old, bytes)) if old == version => format!("{size} bytes, {bytes} before"),
        Some((old, bytes)) => format!("{size} bytes, {bytes} in {old} before"),
        None => format!("{size} bytes, new"),
    };
    format!("compared {package} {version} ({arch}): {was}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_told_beside_the_one_that_it_replaces() {
        let row = |before: Option<(&str, u64)>, identical| CompareRow {
            stage: "first".to_owned(),
            package: "hello".to_owned(),
            arch: "amd64".to_owned(),
            before: before.map(|(version, size)| (version.to_owned(), size)),
            after: ("2.10-3".to_owned(), 7),
            identical,
        };
        let told = |before, identical| comparison(&row(before, identical));
        assert_eq!(told(None, false), "compared hello 2.10-3 (amd64): 7 bytes, new");
        assert_eq!(told(Some(("2.10-3", 9)), false), "compared hello 2.10-3 (amd64): 7 bytes, 9 before");
        assert_eq!(told(Some(("2.9-1", 9)), false), "compared hello 2.10-3 (amd64): 7 bytes, 9 in 2.9-1 before");
        assert_eq!(told(Some(("2.10-3", 7)), true), "compared hello 2.10-3 (amd64): the same bytes as before");
    }
}

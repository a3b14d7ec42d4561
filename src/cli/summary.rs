//! What came of a run: for the last lines on a terminal, and as the document of `--json`.

use std::path::Path;

use serde::Serialize;

use super::exit::Exit;
use super::jobs::{self, JobLine, Mark};
use crate::core::ids::RunId;
use crate::core::recipe::PublishResult;
use crate::io::state::{Reader, State, attempts, journal};
use crate::wire::{Fault, Outcome};

/// What came of a run.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The run.
    pub run: RunId,
    /// All of its jobs.
    pub jobs: Vec<JobLine>,
    /// The archives that it published.
    pub published: Vec<PublishResult>,
    /// What the recipe returned.
    pub result: serde_json::Value,
    /// Whether all that failed was the world's fault.
    only_infrastructure: bool,
}

/// Reads what a run that came to its end has left.
pub fn read(state: &State, dir: &Path, run: RunId, result: serde_json::Value) -> anyhow::Result<Summary> {
    let jobs = jobs::lines(&Reader::open(dir)?, dir, run)?.jobs;
    let mut faults = Vec::new();
    for job in jobs.iter().filter(|job| jobs::mark(&job.state) == Mark::Bad) {
        let attempts = state.read(|db| attempts::by_job(db, job.job))?;
        faults.push(match attempts.last().and_then(|attempt| attempt.outcome.as_ref()) {
            Some(Outcome::Failed { fault, .. }) => *fault,
            Some(Outcome::Built | Outcome::Cancelled) | None => Fault::Package,
        });
    }
    let mut published = Vec::new();
    for call in 1.. {
        let Some(entry) = state.read(|db| journal::lookup(db, run, call))? else { break };
        if let Ok(crate::core::recipe::Response::Publish(result)) = serde_json::from_value(entry.response) {
            published.push(result);
        }
    }
    let only_infrastructure = !faults.is_empty() && faults.iter().all(|fault| *fault == Fault::Infrastructure);
    Ok(Summary { run, jobs, published, result, only_infrastructure })
}

impl Summary {
    /// The exit code that it deserves.
    pub fn exit(&self) -> Exit {
        let failed = self.jobs.iter().any(|job| jobs::mark(&job.state) == Mark::Bad);
        let refused = self.published.iter().any(|published| !published.refused.is_empty());
        match (self.only_infrastructure, failed || refused) {
            (true, _) => Exit::Infrastructure,
            (false, true) => Exit::SomeFailed,
            (false, false) => Exit::Done,
        }
    }

    /// The last lines for people.
    pub fn text(&self) -> String {
        let count = |mark: Mark| self.jobs.iter().filter(|job| jobs::mark(&job.state) == mark).count();
        let (good, bad) = (count(Mark::Good), count(Mark::Bad));
        let mut lines = vec![match bad {
            0 => format!("done: {good} built"),
            _ => format!("done: {good} built, {bad} failed"),
        }];
        for published in &self.published {
            let (suite, components) = (&published.suite, published.components.join(" "));
            let (path, key) = (published.path.display(), published.key.display());
            lines.push(format!("archive: deb [signed-by={key}] file:{path} {suite} {components}"));
        }
        lines.join("\n")
    }
}

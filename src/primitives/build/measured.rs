//! What was measured of the builds of a stage: read from their logs and from the files that they made, and kept.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use rayon::prelude::*;

use super::Stage;
use crate::core::events::{Event, Listener};
use crate::core::job::JobState;
use crate::core::measure::elf::Counted;
use crate::core::measure::suite::Suite;
use crate::core::measure::{Measure, Measured, Metric, usage};
use crate::io::archive::deb;
use crate::io::files;
use crate::io::state::artifacts::{self, Artifact};
use crate::io::state::jobs::{self, Job};
use crate::io::state::{State, measured};
use crate::io::store::Store;

/// No more of a log is read, in bytes.
const MOST_READ: u64 = 1 << 30;

/// The lines of a log among which the build's last word is, in bytes.
const TAIL: u64 = 512 << 10;

/// Where things are; what of a stage several threads may have.
struct From<'f> {
    dir: &'f Path,
    state: &'f State,
    built: &'f Store,
    listener: &'f dyn Listener,
}

/// Measures the jobs that have ended and of which something is not known yet. What a build took is kept of every job
/// that was built, asked for or not: it is in the log, and costs nothing.
pub fn look(stage: &Stage<'_>, ended: &[Job], measure: &Measure) -> anyhow::Result<()> {
    let from = From { dir: stage.dir, state: stage.state, built: &stage.files.built, listener: stage.listener };
    let built: Vec<&Job> = ended.iter().filter(|job| job.state == JobState::Installed).collect();
    let found: Vec<(&Job, Vec<Measured>)> =
        built.into_par_iter().map(|job| Ok((job, of_job(&from, job, measure)?))).collect::<anyhow::Result<_>>()?;
    for (job, values) in found.into_iter().filter(|(_, values)| !values.is_empty()) {
        let id = job.id;
        stage.state.write(move |tx| measured::insert(tx, id, &values))?;
    }
    Ok(())
}

/// What is not known of a job yet.
fn of_job(from: &From<'_>, job: &Job, measure: &Measure) -> anyhow::Result<Vec<Measured>> {
    let known = from.state.read(|db| measured::by_job(db, job.id))?;
    let known: BTreeSet<&str> = known.iter().map(|value| value.name.as_str()).collect();
    let wanted = |metric: Metric| measure.metrics.contains(&metric) && !known.contains(metric.values()[0]);
    let mut found = Vec::new();
    let log = from.state.read(|db| jobs::log(db, job))?.map(|log| from.dir.join(log));
    if let Some(log) = log.as_ref().filter(|_| !known.contains(Metric::BuildTime.text())) {
        // A log that was removed says nothing, and that is no failure of the build.
        found.extend(usage::read(&files::tail(log, TAIL).unwrap_or_default()));
    }
    if let Some(log) = log.as_ref().filter(|_| wanted(Metric::Tests)) {
        let mut suite = Suite::default();
        files::each_line(log, MOST_READ, |line| suite.take(line))?;
        found.extend(suite.measured());
    }
    if wanted(Metric::DebSize) || wanted(Metric::TextSize) || wanted(Metric::Symbols) {
        let made = from.state.read(|db| artifacts::by_job(db, job.id))?;
        let packages: Vec<&Artifact> = made.iter().filter(|file| is_payload(file)).collect();
        if wanted(Metric::DebSize) {
            let size: u64 = packages.iter().map(|file| file.size).sum();
            found.push(Measured::new(Metric::DebSize.text(), size as f64, "B"));
        }
        if wanted(Metric::TextSize) || wanted(Metric::Symbols) {
            let counted = counted(from, &packages)?;
            // What holds no program has no text, rather than none of it.
            if counted.files > 0 {
                let text = Measured::new(Metric::TextSize.text(), counted.text as f64, "B");
                let symbols = Measured::new(Metric::Symbols.text(), counted.symbols as f64, "");
                found.extend(
                    [(Metric::TextSize, text), (Metric::Symbols, symbols)]
                        .into_iter()
                        .filter_map(|(metric, value)| wanted(metric).then_some(value)),
                );
            }
        }
    }
    Ok(found)
}

/// Whether a file is a package that users install, and none of debug symbols.
pub(super) fn is_payload(file: &Artifact) -> bool {
    file.kind.is_package() && !file.package.as_deref().unwrap_or_default().ends_with("-dbgsym")
}

fn counted(from: &From<'_>, packages: &[&Artifact]) -> anyhow::Result<Counted> {
    let mut counted = Counted::default();
    for file in packages {
        let mut broken = Vec::new();
        let path = from.built.path(&file.sha256);
        let look = deb::each_elf(&path, &mut |inside, bytes| {
            if let Err(error) = counted.add(bytes) {
                broken.push(format!("`{inside}`: {error}"));
            }
        });
        look.with_context(|| format!("look into `{}`", file.name))?;
        for broken in broken {
            let text = format!("{}: not counted: {broken}", file.name);
            from.listener.hear(&Event::Note { text });
        }
    }
    Ok(counted)
}

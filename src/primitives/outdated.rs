//! `outdated`: sources beside binaries; of the imported suites, or of what a run published.

use std::path::{Path, PathBuf};

use rustc_hash::FxHashSet;
use serde::Serialize;

use crate::core::archive::Archive;
use crate::core::debian::packages::{self, Package};
use crate::core::debian::sources::Source;
use crate::core::job::JobState;
use crate::core::outdated::lists::{Exclusions, NotForUs};
use crate::core::outdated::{ALL, Judged, Rules, judge};
use crate::core::pinned::Imported;
use crate::core::recipe::OrderResult;
use crate::io::archive::dir;
use crate::io::state::{Reader, generations, jobs, runs};
use crate::io::store::Store;
use crate::primitives::import::with_archive;

/// What is left out whatever there is.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    /// Which packages are not built on which architectures.
    pub exclusions: Exclusions,
    /// Sources that nobody here wants.
    pub not_for_us: NotForUs,
}

/// A source on an architecture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Source package name.
    pub source: String,
    /// Its newest version.
    pub version: String,
    /// A Debian architecture, or `all`.
    pub arch: String,
    /// The verdict in a word: `missing`, `older`, ...
    pub verdict: String,
    /// The version of the source that the binaries are of, where it is another one.
    pub have: Option<String>,
    /// The verdict in words.
    pub reason: String,
    /// Whether somebody should build it.
    pub outdated: bool,
}

/// The suites of an archive that a run published, by the archive's root.
pub type Published = Vec<(PathBuf, String)>;

/// Every source of the imported suites beside their own binaries, for these architectures.
pub fn of_suites(
    cache: &Store,
    imported: &Imported,
    architectures: &[&str],
    lists: &Lists,
) -> anyhow::Result<Vec<Line>> {
    with_archive(cache, imported, |archive| {
        let sources: Vec<Source<'_>> = archive.chosen_sources().into_values().map(|record| record.source).collect();
        let packages: Vec<Package<'_>> =
            archive.packages.iter().filter(|record| record.suite.role.feeds()).map(|record| record.package).collect();
        let judge = |arch: &&str| lines(arch, &sources, &packages, lists);
        Ok(architectures.iter().flat_map(judge).collect())
    })
}

/// The sources of an order beside the binaries that were published of them.
pub fn of_order(
    cache: &Store,
    imported: &Imported,
    order: &OrderResult,
    published: &Published,
    lists: &Lists,
) -> anyhow::Result<Vec<Line>> {
    let mut indexes = Vec::new();
    for (root, suite) in published {
        indexes.extend(dir::packages(root, suite, &order.arch)?);
    }
    let packages: Vec<Package<'_>> = indexes.iter().flat_map(|index| packages::read(index).0).collect();
    with_archive(cache, imported, |archive| {
        let judge = |arch: &str| lines(arch, &ordered(archive, order, arch), &packages, lists);
        Ok([order.arch.as_str(), ALL].into_iter().flat_map(judge).collect())
    })
}

/// The sources that an order has jobs of for an architecture.
fn ordered<'a>(archive: &Archive<'a>, order: &OrderResult, arch: &str) -> Vec<Source<'a>> {
    let jobs = order.jobs.iter().filter(|job| job.arch == arch);
    let wanted: FxHashSet<(&str, &str)> = jobs.map(|job| (job.source.as_str(), job.version.as_str())).collect();
    let feeding = archive.sources.iter().filter(|record| record.suite.role.feeds()).map(|record| record.source);
    feeding.filter(|source| wanted.contains(&(source.name, source.version))).collect()
}

fn lines(arch: &str, sources: &[Source<'_>], packages: &[Package<'_>], lists: &Lists) -> Vec<Line> {
    let rules = Rules { profiles: &[], exclusions: &lists.exclusions, not_for_us: &lists.not_for_us };
    let judged = judge(sources.iter().copied(), packages.iter().copied(), arch, rules);
    judged.iter().map(|judged| line(judged, arch)).collect()
}

fn line(judged: &Judged<'_>, arch: &str) -> Line {
    Line {
        source: judged.source.to_owned(),
        version: judged.version.to_owned(),
        arch: arch.to_owned(),
        verdict: judged.verdict.word().to_owned(),
        have: judged.verdict.have().map(str::to_owned),
        reason: judged.verdict.to_string(),
        outdated: judged.verdict.is_outdated(),
    }
}

/// What the newest run of a state directory that published anything has published.
pub fn published(state: &Reader) -> anyhow::Result<Published> {
    let newest = state.read(generations::newest)?;
    let run = newest.iter().map(|generation| generation.published.run).max();
    let of_run = newest.into_iter().filter(|generation| Some(generation.published.run) == run);
    Ok(of_run.map(|generation| (PathBuf::from(generation.published.path), generation.published.suite)).collect())
}

/// Adds the sources that are not for us by a person's word in the newest run of a state directory.
pub fn add_not_for_us(state: &Reader, lists: &mut Lists) -> anyhow::Result<()> {
    let Some(run) = state.read(runs::latest)? else { return Ok(()) };
    for job in state.read(|db| jobs::by_run(db, run.id))? {
        if matches!(job.state, JobState::NotForUs | JobState::AutoNotForUs) {
            lists.not_for_us.add(&job.source);
        }
    }
    Ok(())
}

/// The path of an archive's suite, for people.
pub fn place(root: &Path, suite: &str) -> String {
    format!("{} {suite}", root.display())
}

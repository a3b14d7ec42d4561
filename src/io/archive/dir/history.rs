//! Generations that were published: listed, published again, kept for ever under a name, compared, removed.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use crate::core::ids::Sha256;
use crate::core::publish::pdiff::{self, Earlier};
use crate::core::publish::{IndexFile, PoolFile, PublishPlan, by_hash, release};
use crate::io::archive::dir::files::{self, Writer};
use crate::io::archive::dir::generations::{self, Kept, Record, RecordIndex, Retention};
use crate::io::archive::dir::{pool, present};
use crate::io::archive::{ArchiveError, HistoryError};

/// Suites below this are snapshots: one generation each, which never changes and never goes.
pub const SNAPSHOTS: &str = "snapshots/";

/// So many generations are led from to the newest one by patches; who has an older one fetches whole indexes.
pub const EARLIER: usize = 8;

/// One generation, as people hear of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Its suite.
    pub suite: String,
    /// Its number.
    pub number: u64,
    /// `Date` in seconds since 1970.
    pub date: i64,
    /// When it ends, in seconds since 1970, if it does.
    pub valid_until: Option<i64>,
    /// Source packages in it.
    pub sources: u64,
    /// Binary packages in it.
    pub packages: u64,
    /// The generation whose indexes these are, where an older one was published again.
    pub again: Option<u64>,
    /// Whether it is the one that apt gets.
    pub stands: bool,
}

/// The suites of an archive, sorted; snapshots among them.
pub fn suites(root: &Path) -> Result<Vec<String>, ArchiveError> {
    let mut suites: Vec<String> = generations::list(root)?.into_iter().map(|kept| kept.suite).collect();
    suites.dedup();
    Ok(suites)
}

/// The published generations of an archive, the newest of each suite last.
pub fn list(root: &Path) -> Result<Vec<Told>, ArchiveError> {
    let kept = generations::list(root)?;
    let finished: Vec<&Kept> = kept.iter().filter(|kept| kept.finished).collect();
    let mut told = Vec::new();
    for kept in &finished {
        let record = generations::read(root, kept)?;
        let newest = finished.iter().filter(|other| other.suite == kept.suite).map(|other| other.number).max();
        told.push(Told {
            suite: record.suite,
            number: record.number,
            date: record.date,
            valid_until: release::valid_until(&record.release),
            sources: record.counts.sources,
            packages: record.counts.packages,
            again: record.again,
            stands: newest == Some(kept.number),
        });
    }
    Ok(told)
}

/// The record of a published generation; without a number, of the one that stands.
pub fn record(root: &Path, suite: &str, number: Option<u64>) -> Result<Record, ArchiveError> {
    let kept = generations::list(root)?;
    let of_suite: Vec<&Kept> = kept.iter().filter(|kept| kept.finished && kept.suite == suite).collect();
    let found = match number {
        Some(number) => of_suite.iter().find(|kept| kept.number == number),
        None => of_suite.last(),
    };
    let Some(found) = found else {
        let there: Vec<String> = of_suite.iter().map(|kept| kept.number.to_string()).collect();
        let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
        let suite = suite.to_owned();
        return Err(HistoryError::NoGeneration { root: root.to_owned(), suite, number, there }.into());
    };
    generations::read(root, found)
}

/// An index of a generation, by its hash.
pub fn index(root: &Path, suite: &str, index: &RecordIndex) -> Result<Vec<u8>, ArchiveError> {
    let path = root.join("dists").join(suite).join(by_hash(&index.path, index.sha256));
    let bytes = std::fs::read(&path).map_err(ArchiveError::io("read", &path))?;
    let got = Sha256::of(&bytes);
    if got != index.sha256 {
        return Err(ArchiveError::Content { path, expected: index.sha256, got });
    }
    Ok(bytes)
}

/// What publishes a generation again, at a date after the one that stands.
pub fn again(root: &Path, record: &Record, now: i64) -> Result<PublishPlan, ArchiveError> {
    let standing = present(root, &record.suite)?.and_then(|present| present.date);
    let date = standing.map_or(now, |standing| now.max(standing + 1));
    plan(root, record, &record.suite, release::redated(&record.release, date), date)
}

/// The suite of a snapshot of this name.
pub fn snapshot_suite(name: &str) -> Result<String, HistoryError> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+' | b'~');
    if name.is_empty() || name.starts_with(['.', '-']) || !name.bytes().all(letter) {
        return Err(HistoryError::Name { name: name.to_owned() });
    }
    Ok(format!("{SNAPSHOTS}{name}"))
}

/// What publishes a generation under a name of its own, where it never changes.
pub fn snapshot(root: &Path, record: &Record, name: &str, now: i64) -> Result<PublishPlan, ArchiveError> {
    let suite = snapshot_suite(name)?;
    if present(root, &suite)?.is_some() {
        return Err(HistoryError::Taken { suite }.into());
    }
    let release = release::renamed(&record.release, &suite, now);
    plan(root, record, &suite, release, now)
}

fn plan(root: &Path, record: &Record, suite: &str, release: String, date: i64) -> Result<PublishPlan, ArchiveError> {
    let number = record.number;
    let manifest = pool::read(root, &record.suite)?;
    let listed = manifest.into_iter().filter(|(_, known)| known.first <= number && number <= known.last);
    let pool = listed.map(|(path, known)| PoolFile { path, sha256: known.sha256, size: known.size }).collect();
    let mut indexes = Vec::with_capacity(record.indexes.len());
    for listed in &record.indexes {
        let bytes = index(root, &record.suite, listed)?;
        indexes.push(IndexFile { path: listed.path.clone(), sha256: listed.sha256, bytes });
    }
    Ok(PublishPlan { suite: suite.to_owned(), date, pool, indexes, release, counts: record.counts })
}

/// The plain Packages and Sources of a generation.
pub fn lists(root: &Path, record: &Record) -> Result<Vec<Vec<u8>>, ArchiveError> {
    let is_list = |index: &&RecordIndex| index.path.ends_with("/Packages") || index.path.ends_with("/Sources");
    record.indexes.iter().filter(is_list).map(|listed| index(root, &record.suite, listed)).collect()
}

/// The plain Packages, Sources and translations that the last generations of a suite had, oldest first, each content
/// once; what somebody removed is not among them.
pub fn earlier(root: &Path, suite: &str) -> Result<Vec<Earlier>, ArchiveError> {
    let kept = generations::list(root)?;
    let of_suite: Vec<&Kept> = kept.iter().filter(|kept| kept.finished && kept.suite == suite).collect();
    let (mut earlier, mut seen) = (Vec::new(), BTreeSet::new());
    for kept in of_suite.iter().skip(of_suite.len().saturating_sub(EARLIER)) {
        for listed in generations::read(root, kept)?.indexes {
            if pdiff::has_patches(&listed.path)
                && seen.insert((listed.path.clone(), listed.sha256))
                && let Ok(bytes) = index(root, suite, &listed)
            {
                earlier.push(Earlier { path: listed.path, bytes });
            }
        }
    }
    Ok(earlier)
}

/// Removes generations that need not stay, with the files that only they list. Returns how many files went.
pub fn prune(root: &Path, retention: Retention, now: i64) -> Result<u64, ArchiveError> {
    ours(root)?;
    let writer = Writer::open(root, &|_| Ok(()))?;
    let mut records = generations::list(root)?;
    generations::adopt(&writer, &mut records)?;
    generations::prune(&writer, retention, now)
}

/// Makes sure that a directory is an archive of ours.
pub fn ours(root: &Path) -> Result<(), ArchiveError> {
    if files::is_ours(root) {
        return Ok(());
    }
    Err(ArchiveError::NotOurs { root: root.to_owned(), marker: super::MARKER })
}

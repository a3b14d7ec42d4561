//! What each generation consists of, written down, so that old files can go and no file of others ever does, and so
//! that an old generation can be published again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::core::ids::Sha256;
use crate::core::publish::{Counts, PublishPlan, by_hash};
use crate::io::archive::ArchiveError;
use crate::io::archive::dir::files::{NOTES, Writer};
use crate::io::archive::dir::pool;
use crate::io::archive::dir::present;

/// What a record of a generation that is not published yet ends with.
const BEGUN: &str = ".begun";

/// One generation of a suite. Written before its files are, so that a kill leaves no file that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Counts up with every try to publish, so that of two publishers the later one is known.
    pub number: u64,
    /// The suite.
    pub suite: String,
    /// `Date` in seconds since 1970.
    pub date: i64,
    /// Its Release file.
    pub release: String,
    /// Its indexes.
    pub indexes: Vec<RecordIndex>,
    /// What it holds.
    pub counts: Counts,
    /// The generation whose indexes these are, where an older one was published again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<u64>,
}

/// An index of a generation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordIndex {
    /// In the suite's folder.
    pub path: String,
    /// Its content.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}

/// A generation by the name of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The record's name below our notes.
    pub(super) name: String,
    /// Its suite.
    pub suite: String,
    /// Its number.
    pub number: u64,
    /// `Date` in seconds since 1970.
    pub date: i64,
    /// Whether it was published.
    pub finished: bool,
}

/// How long generations stay: those that are among the last ones, and those that were replaced a moment ago, since a
/// client may be in the middle of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// So many of each suite, the one that stands among them.
    pub keep: usize,
    /// Seconds after a newer one was published.
    pub grace: i64,
}

impl Default for Retention {
    fn default() -> Self {
        Retention { keep: 3, grace: 24 * 3600 }
    }
}

impl Record {
    /// The record of a plan.
    pub(super) fn of(plan: &PublishPlan, number: u64, again: Option<u64>) -> Record {
        let index = |index: &crate::core::publish::IndexFile| RecordIndex {
            path: index.path.clone(),
            sha256: index.sha256,
            size: index.bytes.len() as u64,
        };
        Record {
            number,
            suite: plan.suite.clone(),
            date: plan.date,
            release: plan.release.clone(),
            indexes: plan.indexes.iter().map(index).collect(),
            counts: plan.counts,
            again,
        }
    }

    /// Where the record of a published generation is, from the archive's root.
    fn path(&self) -> String {
        format!("{}{:010}-{}", prefix(&self.suite), self.number, self.date)
    }

    /// Its indexes by name and by hash, from the archive's root.
    pub(super) fn paths(&self) -> impl Iterator<Item = String> {
        let folder = format!("dists/{}", self.suite);
        let safe = |path: &str| path.split('/').all(|part| !part.is_empty() && part != "..");
        self.indexes.iter().filter(move |index| safe(&index.path)).flat_map(move |index| {
            let (path, hashed) = (&index.path, by_hash(&index.path, index.sha256));
            [format!("{folder}/{path}"), format!("{folder}/{hashed}")]
        })
    }
}

/// What the names of a suite's records begin with. No suite has a comma in its name.
fn prefix(suite: &str) -> String {
    format!("{NOTES}/generations/{}@", suite.replace('/', ","))
}

/// The names of all records of an archive, by suite and number.
pub(super) fn list(root: &Path) -> Result<Vec<Kept>, ArchiveError> {
    let folder = root.join(NOTES).join("generations");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(ArchiveError::io("read", folder)(error)),
    };
    let mut kept = Vec::new();
    for entry in entries {
        let path = entry.map_err(ArchiveError::io("read", &folder))?.path();
        kept.push(named(&path).ok_or_else(|| ArchiveError::Record {
            path,
            reason: "expected a name such as `SUITE@NUMBER-DATE`".to_owned(),
        })?);
    }
    kept.sort_by(|one, other| (&one.suite, one.number).cmp(&(&other.suite, other.number)));
    Ok(kept)
}

/// A record by its name.
fn named(path: &Path) -> Option<Kept> {
    let file = path.file_name()?.to_str()?;
    let bare = file.strip_suffix(BEGUN);
    let (suite, rest) = bare.unwrap_or(file).rsplit_once('@')?;
    let (number, date) = rest.split_once('-')?;
    Some(Kept {
        name: format!("{NOTES}/generations/{file}"),
        suite: suite.replace(',', "/"),
        number: number.parse().ok()?,
        date: date.parse().ok()?,
        finished: bare.is_none(),
    })
}

/// A record's content.
pub(super) fn read(root: &Path, kept: &Kept) -> Result<Record, ArchiveError> {
    let path: PathBuf = root.join(&kept.name);
    let bytes = std::fs::read(&path).map_err(ArchiveError::io("read", &path))?;
    serde_json::from_slice(&bytes).map_err(|error| ArchiveError::Record { path, reason: error.to_string() })
}

/// The number that the next try to publish gets.
pub(super) fn next(records: &[Kept], suite: &str) -> u64 {
    let of_suite = records.iter().filter(|kept| kept.suite == suite);
    of_suite.map(|kept| kept.number).max().unwrap_or(0) + 1
}

/// A publication that was killed after its InRelease was in place is a published generation; its record says so now.
pub(super) fn adopt(writer: &Writer<'_>, records: &mut [Kept]) -> Result<(), ArchiveError> {
    for kept in records.iter_mut().filter(|kept| !kept.finished) {
        let there = present(writer.root(), &kept.suite)?;
        if there.is_some_and(|there| there.date == Some(kept.date)) {
            let record = read(writer.root(), kept)?;
            let there = present(writer.root(), &kept.suite)?;
            if there.is_none_or(|there| there.release != record.release) {
                continue;
            }
            writer.rename(&kept.name, &record.path())?;
            kept.name = record.path();
            kept.finished = true;
        }
    }
    Ok(())
}

/// Writes down what is about to be written; gives back where.
pub(super) fn begin(writer: &Writer<'_>, record: &Record) -> Result<String, ArchiveError> {
    let path = format!("{}{BEGUN}", record.path());
    let json = serde_json::to_vec(record).expect("plain data always becomes JSON");
    writer.write(&path, &json)?;
    writer.sync_folders()?;
    Ok(path)
}

/// Whether a later try to publish began since; then this one must not go on.
pub(super) fn is_latest(root: &Path, record: &Record) -> Result<bool, ArchiveError> {
    Ok(next(&list(root)?, &record.suite) == record.number + 1)
}

/// Says that the generation is published.
pub(super) fn finish(writer: &Writer<'_>, begun: &str, record: &Record) -> Result<(), ArchiveError> {
    writer.rename(begun, &record.path())
}

/// Those of the records of one suite, sorted by number, that need not stay.
fn superseded(of_suite: &[Kept], retention: Retention, now: i64) -> Vec<&Kept> {
    let mut newer: Vec<i64> = Vec::new();
    let mut go = Vec::new();
    for kept in of_suite.iter().rev() {
        // A generation that never came to be is as old as its beginning.
        let replaced = if kept.finished { newer.last().copied() } else { Some(kept.date) };
        // Dates run ahead of the clock where generations come quickly.
        let recent = replaced.is_none_or(|when| (now - when).max(0) < retention.grace);
        let one_of_the_last = kept.finished && newer.len() < retention.keep.max(1);
        if !recent && !one_of_the_last {
            go.push(kept);
        }
        if kept.finished {
            newer.push(kept.date);
        }
    }
    go
}

/// Removes the files that only generations list which need not stay. Returns how many files went.
pub(super) fn prune(writer: &Writer<'_>, retention: Retention, now: i64) -> Result<u64, ArchiveError> {
    let records = list(writer.root())?;
    let mut removed = 0;
    for of_suite in records.chunk_by(|one, other| one.suite == other.suite) {
        let go = superseded(of_suite, retention, now);
        if go.is_empty() {
            continue;
        }
        let mut stay = BTreeSet::new();
        let staying = || of_suite.iter().filter(|kept| !go.contains(kept));
        for kept in staying() {
            stay.extend(read(writer.root(), kept)?.paths());
        }
        for kept in &go {
            for path in read(writer.root(), kept)?.paths().filter(|path| !stay.contains(path)) {
                removed += u64::from(writer.remove(&path)?);
            }
        }
        let oldest = staying().map(|kept| kept.number).min().unwrap_or(u64::MAX);
        removed += pool::prune(writer, &of_suite[0].suite, oldest)?;
        // Their records go last, so that a kill before leaves what is still to do.
        for kept in &go {
            writer.remove(&kept.name)?;
        }
    }
    Ok(removed)
}

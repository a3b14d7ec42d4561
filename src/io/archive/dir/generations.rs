//! What each generation consists of, written down, so that old files can go and no file of others ever does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::core::ids::Sha256;
use crate::core::publish::PublishPlan;
use crate::io::archive::ArchiveError;
use crate::io::archive::dir::files::{NOTES, Writer};
use crate::io::archive::dir::{index_paths, present};

/// Generations of a suite whose files stay, however old they are.
const KEPT: usize = 3;

/// Seconds that the files of a superseded generation stay at least: a client may be in the middle of an update.
const GRACE: i64 = 24 * 3600;

/// What a record of a generation that is not published yet ends with.
const BEGUN: &str = ".begun";

/// One generation of a suite. Written before its files are, so that a kill leaves no file that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// The suite.
    suite: String,
    /// `Date` in seconds since 1970.
    date: i64,
    /// Of the Release text.
    release_sha256: Sha256,
    /// Pool files by path.
    pool: BTreeMap<String, Sha256>,
    /// Indexes, by name and by hash.
    indexes: BTreeSet<String>,
}

/// A record, where it is, and whether its generation was published.
#[derive(Debug)]
pub(super) struct Kept {
    name: String,
    finished: bool,
    record: Record,
}

impl Record {
    /// The record of a plan.
    pub(super) fn of(plan: &PublishPlan) -> Record {
        Record {
            suite: plan.suite.clone(),
            date: plan.date,
            release_sha256: Sha256::of(plan.release.as_bytes()),
            pool: plan.pool.iter().map(|file| (file.path.clone(), file.sha256)).collect(),
            indexes: index_paths(plan),
        }
    }

    /// Where the record of a published generation is, from the archive's root.
    fn path(&self) -> String {
        // The hash keeps two attempts of one second apart.
        let hash = self.release_sha256.to_string();
        format!("{NOTES}/generations/{}@{}-{}", self.suite.replace('/', ","), self.date, &hash[..12])
    }
}

/// All records of an archive.
pub(super) fn read(root: &Path) -> Result<Vec<Kept>, ArchiveError> {
    let folder = root.join(NOTES).join("generations");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(ArchiveError::io("read", folder)(error)),
    };
    let mut kept = Vec::new();
    for entry in entries {
        let path = entry.map_err(ArchiveError::io("read", &folder))?.path();
        let bytes = std::fs::read(&path).map_err(ArchiveError::io("read", &path))?;
        let record = serde_json::from_slice(&bytes)
            .map_err(|error| ArchiveError::Record { path: path.clone(), reason: error.to_string() })?;
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        kept.push(Kept { finished: !file.ends_with(BEGUN), name: format!("{NOTES}/generations/{file}"), record });
    }
    kept.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(kept)
}

/// The pool files that published generations have put there.
pub(super) fn finished_pool(records: &[Kept]) -> BTreeMap<String, Sha256> {
    let finished = records.iter().filter(|kept| kept.finished);
    finished.flat_map(|kept| kept.record.pool.clone()).collect()
}

/// A publication that was killed after its InRelease was in place is a published generation; its record says so now.
pub(super) fn adopt(writer: &Writer<'_>, records: &mut [Kept]) -> Result<(), ArchiveError> {
    for kept in records.iter_mut().filter(|kept| !kept.finished) {
        let there = present(writer.root(), &kept.record.suite)?;
        if there.is_some_and(|there| Sha256::of(there.release.as_bytes()) == kept.record.release_sha256) {
            let path = kept.record.path();
            writer.rename(&kept.name, &path)?;
            kept.name = path;
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

/// Says that the generation is published.
pub(super) fn finish(writer: &Writer<'_>, begun: &str, record: &Record) -> Result<(), ArchiveError> {
    writer.rename(begun, &record.path())
}

/// Removes the files that only generations list which are neither among the last ones nor superseded a moment ago.
/// Returns how many files went.
pub(super) fn prune(writer: &Writer<'_>, now: i64) -> Result<u64, ArchiveError> {
    let mut records = read(writer.root())?;
    // Newest first within a suite, for which the date is compared as a number.
    records.sort_by_key(|kept| (kept.record.suite.clone(), std::cmp::Reverse(kept.record.date)));
    let mut newer: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let (mut stay, mut go) = (BTreeSet::new(), Vec::new());
    for kept in &records {
        let newer = newer.entry(kept.record.suite.clone()).or_default();
        // A generation that never came to be is as old as its beginning.
        let superseded = if kept.finished { newer.last().copied() } else { Some(kept.record.date) };
        let recent = superseded.is_none_or(|when| now - when < GRACE);
        if recent || (kept.finished && newer.len() < KEPT) {
            stay.extend(paths(&kept.record));
        } else {
            go.push(kept);
        }
        if kept.finished {
            newer.push(kept.record.date);
        }
    }
    let mut removed = 0;
    for kept in go {
        for path in paths(&kept.record).filter(|path| !stay.contains(path)) {
            removed += u64::from(writer.remove(path)?);
        }
        writer.remove(&kept.name)?;
    }
    Ok(removed)
}

/// The files of a generation, below the two folders that an archive has, and nowhere else whatever a record says.
fn paths(record: &Record) -> impl Iterator<Item = &str> {
    let all = record.pool.keys().chain(&record.indexes).map(String::as_str);
    all.filter(|path| {
        (path.starts_with("pool/") || path.starts_with("dists/")) && path.split('/').all(|part| part != "..")
    })
}

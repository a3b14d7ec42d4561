//! Publishes to a directory. Whoever reads it at any moment, also after a kill, sees the old generation or the new one.
//!
//! The order makes it so: pool files, by-hash, indexes, Release, Release.gpg, and InRelease last, in one rename.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::core::ids::Sha256;
use crate::core::publish::{PublishPlan, release};
use crate::io::archive::{ArchiveError, BoxError, Published, Signer};

mod files;
mod generations;
#[cfg(test)]
mod tests;

use files::Writer;
use generations::Record;

/// The file that says a directory is an archive of ours.
pub const MARKER: &str = ".cloudbuild-archive";

/// The public key, in the archive's root.
pub const KEY: &str = "archive-key.asc";

/// What is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// The Release text, out of InRelease.
    pub release: String,
    /// Its `Date`, in seconds since 1970; goes into `Options::previous`.
    pub date: Option<i64>,
}

/// What a suite of an archive says now; `None` where nothing was published yet.
pub fn present(root: &Path, suite: &str) -> Result<Option<Present>, ArchiveError> {
    let path = root.join(format!("dists/{suite}/InRelease"));
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            Ok(release::signed_text(&text).map(|release| Present { date: release::date_of(&release), release }))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ArchiveError::io("read", path)(error)),
    }
}

/// The Packages indexes of a suite for an architecture, of each component; none where nothing was published yet.
pub fn packages(root: &Path, suite: &str, architecture: &str) -> Result<Vec<Vec<u8>>, ArchiveError> {
    let mut indexes = Vec::new();
    let Some(present) = present(root, suite)? else { return Ok(indexes) };
    let components = present.release.lines().find_map(|line| line.strip_prefix("Components:")).unwrap_or_default();
    for component in components.split_whitespace() {
        let path = root.join(format!("dists/{suite}/{component}/binary-{architecture}/Packages"));
        match std::fs::read(&path) {
            Ok(index) => indexes.push(index),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(ArchiveError::io("read", path)(error)),
        }
    }
    Ok(indexes)
}

/// What is in the pool by now, by path; goes into `Contents::pool`.
pub fn pool(root: &Path) -> Result<BTreeMap<String, Sha256>, ArchiveError> {
    let records = generations::read(root)?;
    let mut pool = generations::finished_pool(&records);
    pool.retain(|path, _| root.join(path).exists());
    Ok(pool)
}

/// Writes what the plan says, and nothing when that is there already. `source` tells where the bytes of a file are.
pub fn publish(
    root: &Path,
    plan: &PublishPlan,
    source: &dyn Fn(&Sha256) -> Result<PathBuf, BoxError>,
    signer: &dyn Signer,
    now: i64,
) -> Result<Published, ArchiveError> {
    publish_watched(root, plan, source, signer, now, &|_| Ok(()))
}

/// [`publish`], with a word before each change of the file system, so that a test can stop there.
fn publish_watched(
    root: &Path,
    plan: &PublishPlan,
    source: &dyn Fn(&Sha256) -> Result<PathBuf, BoxError>,
    signer: &dyn Signer,
    now: i64,
    before: &dyn Fn(&Path) -> std::io::Result<()>,
) -> Result<Published, ArchiveError> {
    let writer = Writer::open(root, before)?;
    let key = signer.public_armored().map_err(|source| ArchiveError::Sign { source })?;
    let present = present(root, &plan.suite)?;
    let mut records = generations::read(root)?;
    generations::adopt(&writer, &mut records)?;
    let mut published = Published {
        release_sha256: Sha256::of(plan.release.as_bytes()),
        date: plan.date,
        unchanged: false,
        added: 0,
        removed: 0,
        key: KEY.into(),
        notes: Vec::new(),
    };
    if let Some(present) = &present {
        if release::same_but_date(&present.release, &plan.release) && is_whole(root, plan, &key) {
            published.release_sha256 = Sha256::of(present.release.as_bytes());
            published.date = present.date.unwrap_or(plan.date);
            published.unchanged = true;
            return Ok(published);
        }
        if let Some(there) = present.date.filter(|&there| there >= plan.date) {
            return Err(ArchiveError::Date { there, new: plan.date });
        }
    }
    let missing = missing(root, plan, &generations::finished_pool(&records))?;
    published.added = missing.len() as u64;

    let record = Record::of(plan);
    let begun = write(&writer, plan, &missing, source, signer, &key, &record)?;
    // From here on the new generation stands; what fails now is done by the next publication.
    match generations::finish(&writer, &begun, &record).and_then(|()| generations::prune(&writer, now)) {
        Ok(removed) => published.removed = removed,
        Err(error) => published.notes.push(format!("old generations were not removed: {error}")),
    }
    Ok(published)
}

/// Writes a generation, InRelease last. Gives back where its record is.
fn write(
    writer: &Writer<'_>,
    plan: &PublishPlan,
    missing: &[usize],
    source: &dyn Fn(&Sha256) -> Result<PathBuf, BoxError>,
    signer: &dyn Signer,
    key: &str,
    record: &Record,
) -> Result<String, ArchiveError> {
    let dists = format!("dists/{}", plan.suite);
    let signature = |made: Result<Vec<u8>, BoxError>| made.map_err(|source| ArchiveError::Sign { source });
    let inline = signature(signer.sign_inline(plan.release.as_bytes(), plan.date))?;
    let detached = signature(signer.sign_detached(plan.release.as_bytes(), plan.date))?;
    let begun = generations::begin(writer, record)?;
    for &index in missing {
        let file = &plan.pool[index];
        let from = source(&file.sha256).map_err(|source| ArchiveError::Source {
            path: file.path.clone(),
            sha256: file.sha256,
            source,
        })?;
        writer.place(&file.path, &from, file.sha256)?;
    }
    for (path, bytes) in &plan.indexes {
        writer.write_once(&format!("{dists}/{}", by_hash(path, bytes)), bytes)?;
    }
    for (path, bytes) in &plan.indexes {
        writer.write(&format!("{dists}/{path}"), bytes)?;
    }
    writer.write(KEY, key.as_bytes())?;
    writer.write(&format!("{dists}/Release"), plan.release.as_bytes())?;
    writer.write(&format!("{dists}/Release.gpg"), &detached)?;
    writer.sync_folders()?;
    writer.write(&format!("{dists}/InRelease"), &inline)?;
    writer.sync_folders()?;
    Ok(begun)
}

/// Where an index is also found by its hash, in the suite's folder.
fn by_hash(path: &str, bytes: &[u8]) -> String {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{folder}{slash}by-hash/SHA256/{}", Sha256::of(bytes))
}

/// Whether every file of the plan is there in its size; somebody may have removed one, and then there is work to do.
fn is_whole(root: &Path, plan: &PublishPlan, key: &str) -> bool {
    let sized = |path: &str, size: u64| std::fs::metadata(root.join(path)).is_ok_and(|there| there.len() == size);
    plan.pool.iter().all(|file| sized(&file.path, file.size))
        && plan.indexes.iter().all(|(path, bytes)| {
            let folder = format!("dists/{}", plan.suite);
            let size = bytes.len() as u64;
            sized(&format!("{folder}/{path}"), size) && sized(&format!("{folder}/{}", by_hash(path, bytes)), size)
        })
        && std::fs::read(root.join(KEY)).is_ok_and(|there| there == key.as_bytes())
}

/// The pool files of the plan that are not there. One that is there with other bytes is an error, before anything is
/// written. What a finished generation wrote down is believed; else the file is hashed.
fn missing(root: &Path, plan: &PublishPlan, known: &BTreeMap<String, Sha256>) -> Result<Vec<usize>, ArchiveError> {
    let mut missing = Vec::new();
    for (index, file) in plan.pool.iter().enumerate() {
        let path = root.join(&file.path);
        let size = match std::fs::symlink_metadata(&path) {
            Ok(there) => there.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                missing.push(index);
                continue;
            }
            Err(error) => return Err(ArchiveError::io("read", path)(error)),
        };
        let there = match known.get(&file.path) {
            Some(&there) if size == file.size => there,
            Some(_) | None => files::sha256(&path)?,
        };
        if there != file.sha256 {
            return Err(ArchiveError::OtherBytes { path, there, new: file.sha256 });
        }
    }
    Ok(missing)
}

/// The paths of a plan besides the pool: indexes by name and by hash.
fn index_paths(plan: &PublishPlan) -> BTreeSet<String> {
    let folder = format!("dists/{}", plan.suite);
    plan.indexes
        .iter()
        .flat_map(|(path, bytes)| [format!("{folder}/{path}"), format!("{folder}/{}", by_hash(path, bytes))])
        .collect()
}

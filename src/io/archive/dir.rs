//! Publishes to a directory. Whoever reads it at any moment, also after a kill, sees the old generation or the new one.
//!
//! The order makes it so: pool files, by-hash, indexes, Release, Release.gpg, and InRelease last, in one rename.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::core::ids::Sha256;
use crate::core::publish::pieces::Pieces;
use crate::core::publish::{IndexFile, PoolFile, PublishPlan, release};
use crate::io::archive::{ArchiveError, BoxError, FindFile, Published, Signer};
use crate::io::files as whole_files;

pub mod fsck;
pub mod generations;
pub mod history;

mod files;
mod pool;
#[cfg(test)]
mod tests;

use files::{Before, NOTES, Placed, Writer};
use generations::{Record, Retention};
use pool::Manifest;

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

/// The Packages indexes of a suite for an architecture, of each component, those of its variants included; none where
/// nothing was published yet.
pub fn packages(root: &Path, suite: &str, architecture: &str) -> Result<Vec<Vec<u8>>, ArchiveError> {
    let mut indexes = Vec::new();
    let Some(present) = present(root, suite)? else { return Ok(indexes) };
    for (path, name) in binary_indexes(&present.release) {
        let path = root.join(format!("dists/{suite}/{path}"));
        let index = match std::fs::read(&path) {
            Ok(index) => index,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(ArchiveError::io("read", path)(error)),
        };
        if name == architecture || is_of_variant(&index, name, architecture) {
            indexes.push(index);
        }
    }
    Ok(indexes)
}

/// The Packages indexes that a Release file lists, each with the name of its architecture or variant.
pub(super) fn binary_indexes<'r>(release: &'r str) -> Vec<(&'r str, &'r str)> {
    let paths = release.lines().filter_map(|line| line.rsplit(' ').next());
    let mut paths: Vec<&'r str> =
        paths.filter(|path| path.ends_with("/Packages") && !path.contains("/debian-installer/")).collect();
    paths.sort_unstable();
    paths.dedup();
    let named = |path: &&'r str| Some((*path, path.strip_suffix("/Packages")?.rsplit_once("/binary-")?.1));
    paths.iter().filter_map(named).collect()
}

/// Whether an index is of a variant of an architecture.
pub(super) fn is_of_variant(index: &[u8], variant: &str, architecture: &str) -> bool {
    let has = |line: String| memchr::memmem::find(index, line.as_bytes()).is_some();
    has(format!("\nArchitecture-Variant: {variant}\n")) && has(format!("\nArchitecture: {architecture}\n"))
}

/// What is in the pool by now, by path; goes into `Contents::pool`.
pub fn pool(root: &Path) -> Result<BTreeMap<String, Sha256>, ArchiveError> {
    let records = generations::list(root)?;
    let mut pool = BTreeMap::new();
    for (suite, manifest) in pool::all(root)? {
        let finished = records.iter().filter(|kept| kept.finished && kept.suite == suite);
        let finished = finished.map(|kept| kept.number).max().unwrap_or(0);
        // What a publication listed that never came to be may never have been written.
        let is_there = |(path, known): &(String, pool::Known)| known.last <= finished || root.join(path).exists();
        pool.extend(manifest.into_iter().filter(is_there).map(|(path, known)| (path, known.sha256)));
    }
    Ok(pool)
}

/// What was compressed for a suite the last time.
pub fn pieces(root: &Path, suite: &str) -> Pieces {
    std::fs::read(pieces_path(root, suite)).map_or_else(|_| Pieces::default(), |bytes| Pieces::read(&bytes))
}

/// Keeps what was compressed for a suite, for the next time. It only saves time, so that nobody minds when it fails.
pub fn keep_pieces(root: &Path, suite: &str, pieces: &Pieces) {
    let path = pieces_path(root, suite);
    // Without the folder the next step says what is wrong.
    let _made = path.parent().map(std::fs::create_dir_all);
    if let Err(error) = whole_files::write(&path, &pieces.bytes()) {
        tracing::debug!(%error, "what was compressed is not kept");
    }
}

fn pieces_path(root: &Path, suite: &str) -> PathBuf {
    root.join(NOTES).join("pieces").join(suite.replace('/', ","))
}

/// What is published, and how.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'p> {
    /// What is written.
    pub plan: &'p PublishPlan,
    /// The generation that this is, published again.
    pub again: Option<u64>,
    /// Which old generations stay.
    pub retention: Retention,
    /// The time, in seconds since 1970.
    pub now: i64,
}

impl<'p> Publication<'p> {
    /// Of a plan, as it is usual.
    pub fn of(plan: &'p PublishPlan, now: i64) -> Publication<'p> {
        Publication { plan, again: None, retention: Retention::default(), now }
    }
}

/// Writes what the plan says, and nothing when that is there already.
///
/// # Errors
/// See [`ArchiveError`]; the generation that was there before still stands.
pub fn publish(
    root: &Path,
    publication: &Publication<'_>,
    source: &FindFile<'_>,
    signer: &dyn Signer,
) -> Result<Published, ArchiveError> {
    publish_watched(root, publication, source, signer, &|_| Ok(()))
}

/// [`publish`], with a word before each change of the file system, so that a test can stop there.
fn publish_watched(
    root: &Path,
    publication: &Publication<'_>,
    source: &FindFile<'_>,
    signer: &dyn Signer,
    before: &Before<'_>,
) -> Result<Published, ArchiveError> {
    let Publication { plan, again, retention, now } = *publication;
    let writer = Writer::open(root, before)?;
    let key = signer.public_armored().map_err(|source| ArchiveError::Sign { source })?;
    let present = present(root, &plan.suite)?;
    let mut records = generations::list(root)?;
    generations::adopt(&writer, &mut records)?;
    let number = generations::next(&records, &plan.suite);
    let mut published = Published {
        release_sha256: Sha256::of(plan.release.as_bytes()),
        date: plan.date,
        number,
        unchanged: false,
        added: 0,
        added_bytes: 0,
        removed: 0,
        key: KEY.into(),
        notes: Vec::new(),
    };
    if let Some(present) = &present {
        if again.is_none() && is_same(present, plan, now) && is_whole(root, plan, &key) {
            published.release_sha256 = Sha256::of(present.release.as_bytes());
            published.date = present.date.unwrap_or(plan.date);
            published.number = number - 1;
            published.unchanged = true;
            return Ok(published);
        }
        if let Some(there) = present.date.filter(|&there| there >= plan.date) {
            return Err(ArchiveError::Date { there, new: plan.date });
        }
    }
    let manifests = pool::all(root)?;
    let missing = missing(root, plan, &manifests)?;
    published.added = missing.len() as u64;
    published.added_bytes = missing.iter().map(|&index| plan.pool[index].size).sum();

    let record = Record::of(plan, number, again);
    let known = manifests.get(&plan.suite);
    let generation = Generation { plan, record: &record, known, missing: &missing, key: &key };
    let begun = write(&writer, &generation, source, signer)?;
    // From here on the new generation stands; what fails now is done by the next publication.
    match generations::finish(&writer, &begun, &record).and_then(|()| generations::prune(&writer, retention, now)) {
        Ok(removed) => published.removed = removed,
        Err(error) => published.notes.push(format!("old generations were not removed: {error}")),
    }
    Ok(published)
}

/// Whether what is there says the same, and for long enough: half of its time is left.
fn is_same(present: &Present, plan: &PublishPlan, now: i64) -> bool {
    let half_left = match (release::valid_until(&present.release), present.date) {
        (Some(until), Some(from)) => until - now > (until - from) / 2,
        (Some(_), None) => false,
        (None, _) => true,
    };
    half_left && release::same_but_date(&present.release, &plan.release)
}

/// What is written of a generation.
struct Generation<'g> {
    plan: &'g PublishPlan,
    record: &'g Record,
    known: Option<&'g Manifest>,
    missing: &'g [usize],
    key: &'g str,
}

/// Writes a generation, InRelease last. Gives back where its record is.
fn write(
    writer: &Writer<'_>,
    generation: &Generation<'_>,
    source: &FindFile<'_>,
    signer: &dyn Signer,
) -> Result<String, ArchiveError> {
    let Generation { plan, record, known, missing, key } = *generation;
    let dists = format!("dists/{}", plan.suite);
    let signature = |made: Result<Vec<u8>, BoxError>| made.map_err(|source| ArchiveError::Sign { source });
    let inline = signature(signer.sign_inline(plan.release.as_bytes(), plan.date))?;
    let detached = signature(signer.sign_detached(plan.release.as_bytes(), plan.date))?;
    let begun = generations::begin(writer, record)?;
    pool::write(writer, &plan.suite, known, &plan.pool, record.number)?;
    let placed = missing.iter().map(|&index| {
        let file = &plan.pool[index];
        let found = source(&file.sha256);
        let from = found.map_err(|source| {
            let path = file.path.clone();
            ArchiveError::Source { path, sha256: file.sha256, source }
        })?;
        Ok(Placed { path: &file.path, from, sha256: file.sha256 })
    });
    writer.place_all(&placed.collect::<Result<Vec<_>, ArchiveError>>()?)?;
    let by_hash = |index: &IndexFile| writer.write_once(&format!("{dists}/{}", index.by_hash()), &index.bytes);
    plan.indexes.par_iter().try_for_each(by_hash)?;
    // The names of what was written so far are durable before anything points to them.
    writer.sync_folders()?;
    for index in &plan.indexes {
        writer.link(&format!("{dists}/{}", index.path), &format!("{dists}/{}", index.by_hash()))?;
    }
    writer.write(KEY, key.as_bytes())?;
    writer.write(&format!("{dists}/Release"), plan.release.as_bytes())?;
    writer.write(&format!("{dists}/Release.gpg"), &detached)?;
    writer.sync_folders()?;
    if !generations::is_latest(writer.root(), record)? {
        return Err(ArchiveError::Busy { root: writer.root().to_owned() });
    }
    writer.write(&format!("{dists}/InRelease"), &inline)?;
    writer.sync_folders()?;
    read_back(writer.root(), plan, &inline)?;
    Ok(begun)
}

/// Reads back what was published: InRelease, and one index by its hash.
fn read_back(root: &Path, plan: &PublishPlan, inline: &[u8]) -> Result<(), ArchiveError> {
    let dists = root.join("dists").join(&plan.suite);
    let check = |path: PathBuf, expected: Sha256| {
        let got = files::sha256(&path)?;
        if got == expected { Ok(()) } else { Err(ArchiveError::Content { path, expected, got }) }
    };
    check(dists.join("InRelease"), Sha256::of(inline))?;
    // Which one differs from generation to generation, and needs no source of randomness.
    let any = Sha256::of(plan.release.as_bytes()).0[0] as usize;
    let index: Option<&IndexFile> = plan.indexes.get(any % plan.indexes.len().max(1));
    index.map_or(Ok(()), |index| check(dists.join(index.by_hash()), index.sha256))
}

/// Whether every file of the plan is there in its size; somebody may have removed one, and then there is work to do.
fn is_whole(root: &Path, plan: &PublishPlan, key: &str) -> bool {
    let sized = |path: &str, size: u64| std::fs::metadata(root.join(path)).is_ok_and(|there| there.len() == size);
    plan.pool.iter().all(|file| sized(&file.path, file.size))
        && plan.indexes.iter().all(|index| {
            let folder = format!("dists/{}", plan.suite);
            let size = index.bytes.len() as u64;
            sized(&format!("{folder}/{}", index.path), size) && sized(&format!("{folder}/{}", index.by_hash()), size)
        })
        && std::fs::read(root.join(KEY)).is_ok_and(|there| there == key.as_bytes())
}

/// The pool files of the plan that are not there. One that is there with other bytes is an error, before anything is
/// written. What a manifest says of it is believed where the size is right; else the file is hashed.
fn missing(
    root: &Path,
    plan: &PublishPlan,
    manifests: &BTreeMap<String, Manifest>,
) -> Result<Vec<usize>, ArchiveError> {
    let is_missing = |file: &PoolFile| -> Result<bool, ArchiveError> {
        let path = root.join(&file.path);
        let size = match std::fs::symlink_metadata(&path) {
            Ok(there) => there.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(ArchiveError::io("read", path)(error)),
        };
        let known = manifests.values().find_map(|manifest| manifest.get(&file.path));
        let there = match known {
            Some(known) if size == file.size && size == known.size => known.sha256,
            Some(_) | None => files::sha256(&path)?,
        };
        if there != file.sha256 {
            return Err(ArchiveError::OtherBytes { path, there, new: file.sha256 });
        }
        Ok(false)
    };
    let all: Vec<bool> = plan.pool.par_iter().map(is_missing).collect::<Result<_, _>>()?;
    Ok(all.iter().enumerate().filter(|(_, missing)| **missing).map(|(at, _)| at).collect())
}

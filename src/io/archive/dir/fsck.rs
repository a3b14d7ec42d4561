//! Looks whether an archive is as it was written: every file that its records name, and those that none names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use rayon::prelude::*;
use serde::Serialize;

use crate::core::ids::Sha256;
use crate::core::publish::{by_hash, pdiff};
use crate::io::archive::ArchiveError;
use crate::io::archive::dir::generations::{self, Kept};
use crate::io::archive::dir::{KEY, files, history, pool};
use crate::io::openpgp::{Keyring, verify_inline};

/// Seconds that a signature may be ahead of now: as much as apt forgives a date.
const AHEAD: i64 = 10;

/// One thing that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum Fault {
    /// A file is not there.
    Missing {
        /// Its path from the root.
        path: String,
    },
    /// A file has other bytes.
    Changed {
        /// Its path from the root.
        path: String,
        /// What it should be.
        expected: Sha256,
        /// What it is.
        got: Sha256,
    },
    /// A file that no record names.
    Unknown {
        /// Its path from the root.
        path: String,
    },
    /// InRelease is not what was signed.
    Signature {
        /// Its path from the root.
        path: String,
        /// Why it does not count.
        reason: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Missing { path } => write!(f, "`{path}` is missing"),
            Fault::Changed { path, expected, got } => {
                write!(f, "`{path}` was changed: expected SHA-256 {expected}, got {got}")
            }
            Fault::Unknown { path } => write!(f, "`{path}` is nobody's: cloudbuild did not write it"),
            Fault::Signature { path, reason } => {
                write!(f, "`{path}`: {}", reason.lines().next().unwrap_or_default())
            }
        }
    }
}

/// What was looked at, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Files that were read.
    pub files: u64,
    /// What is wrong, sorted by path.
    pub faults: Vec<Fault>,
}

/// Reads every file of an archive; nothing is changed.
pub fn fsck(root: &Path, now: Timestamp) -> Result<Found, ArchiveError> {
    history::ours(root)?;
    let records = generations::list(root)?;
    let expected = expected(root, &records)?;
    let mut faults: Vec<Fault> = expected
        .par_iter()
        .filter_map(|(path, sha256)| one(root, path, *sha256).transpose())
        .collect::<Result<_, _>>()?;
    let mut others: BTreeSet<String> = BTreeSet::new();
    for suite in records.chunk_by(|one, other| one.suite == other.suite) {
        let folder = format!("dists/{}", suite[0].suite);
        others.extend(["InRelease", "Release", "Release.gpg"].map(|name| format!("{folder}/{name}")));
        for begun in suite.iter().filter(|kept| !kept.finished) {
            others.extend(generations::read(root, begun)?.paths());
        }
        if suite.iter().any(|kept| kept.finished) {
            faults.extend(signature(root, &format!("{folder}/InRelease"), now)?);
        }
    }
    others.insert(KEY.to_owned());
    // What a publication began with that never came to be may be there.
    for manifest in pool::all(root)?.into_values() {
        others.extend(manifest.into_keys());
    }
    let is_unknown = |path: &String| !expected.contains_key(path) && !others.contains(path);
    faults.extend(there(root)?.into_iter().filter(is_unknown).map(|path| Fault::Unknown { path }));
    faults.sort();
    Ok(Found { files: expected.len() as u64, faults })
}

/// Every file that published generations list, with its hash. A plain name belongs to the generation that stands.
fn expected(root: &Path, records: &[Kept]) -> Result<BTreeMap<String, Sha256>, ArchiveError> {
    let mut expected = BTreeMap::new();
    for of_suite in records.chunk_by(|one, other| one.suite == other.suite) {
        let finished: Vec<&Kept> = of_suite.iter().filter(|kept| kept.finished).collect();
        let Some(newest) = finished.last() else { continue };
        for kept in &finished {
            let record = generations::read(root, kept)?;
            let folder = format!("dists/{}", record.suite);
            for index in &record.indexes {
                expected.insert(format!("{folder}/{}", by_hash(&index.path, index.sha256)), index.sha256);
                // A patch has a name of its own, under which readers of its generation fetch it.
                if kept.number == newest.number || pdiff::is_patch(&index.path) {
                    expected.insert(format!("{folder}/{}", index.path), index.sha256);
                }
            }
        }
        let numbers: BTreeSet<u64> = finished.iter().map(|kept| kept.number).collect();
        let manifest = pool::read(root, &of_suite[0].suite)?;
        let listed = manifest.into_iter().filter(|(_, known)| numbers.range(known.first..=known.last).next().is_some());
        expected.extend(listed.map(|(path, known)| (path, known.sha256)));
    }
    Ok(expected)
}

fn one(root: &Path, path: &str, expected: Sha256) -> Result<Option<Fault>, ArchiveError> {
    let file = root.join(path);
    let path = path.to_owned();
    if !file.is_file() {
        return Ok(Some(Fault::Missing { path }));
    }
    let got = files::sha256(&file)?;
    Ok((got != expected).then_some(Fault::Changed { path, expected, got }))
}

/// Whether InRelease is signed by the key that lies beside it.
fn signature(root: &Path, path: &str, now: Timestamp) -> Result<Option<Fault>, ArchiveError> {
    let fault = |reason: String| Fault::Signature { path: path.to_owned(), reason };
    let keyring = match Keyring::from_files(&[root.join(KEY)]) {
        Ok(keyring) => keyring,
        Err(error) => return Ok(Some(fault(error.to_string()))),
    };
    let file = root.join(path);
    let text = match std::fs::read(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Some(Fault::Missing { path: path.to_owned() }));
        }
        Err(error) => return Err(ArchiveError::io("read", file)(error)),
    };
    // Where much is published in a moment, dates are some seconds ahead, and signatures with them.
    let now = now.checked_add(jiff::SignedDuration::from_secs(AHEAD)).unwrap_or(now);
    Ok(verify_inline(&text, &keyring, now).err().map(|error| fault(error.to_string())))
}

/// All files of the archive but our own notes.
fn there(root: &Path) -> Result<Vec<String>, ArchiveError> {
    let mut found = Vec::new();
    for top in ["pool", "dists", "buildinfo-pool", "log-pool"] {
        let mut folders = vec![root.join(top)];
        while let Some(folder) = folders.pop() {
            let entries = match std::fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(ArchiveError::io("read", folder)(error)),
            };
            for entry in entries {
                let entry = entry.map_err(ArchiveError::io("read", &folder))?;
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path);
                } else if let Ok(relative) = path.strip_prefix(root) {
                    found.push(relative.to_string_lossy().into_owned());
                }
            }
        }
    }
    Ok(found)
}

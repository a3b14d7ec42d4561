//! What is in the pool, one manifest a suite: each file with its hash, its size, and the generations that list it.
//!
//! A manifest is written before the files are, so that a kill leaves no file that nobody knows.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::core::ids::Sha256;
use crate::core::publish::PoolFile;
use crate::io::archive::ArchiveError;
use crate::io::archive::dir::files::{NOTES, Writer};

/// A file of the pool, as a suite knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// Its content.
    pub(super) sha256: Sha256,
    /// Its size in bytes.
    pub(super) size: u64,
    /// The first generation that lists it.
    pub(super) first: u64,
    /// The last generation that lists it.
    pub(super) last: u64,
}

/// The files of one suite, by path.
pub(super) type Manifest = BTreeMap<String, Known>;

fn folder(root: &Path) -> PathBuf {
    root.join(NOTES).join("pool")
}

fn name(suite: &str) -> String {
    format!("{NOTES}/pool/{}", suite.replace('/', ","))
}

/// The manifest of a suite; empty where nothing was published yet.
pub(super) fn read(root: &Path, suite: &str) -> Result<Manifest, ArchiveError> {
    read_at(&root.join(name(suite)))
}

fn read_at(path: &Path) -> Result<Manifest, ArchiveError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Manifest::new()),
        Err(error) => return Err(ArchiveError::io("read", path)(error)),
    };
    let line = |line: &str| {
        let mut words = line.splitn(5, ' ');
        let sha256 = words.next()?.parse().ok()?;
        let mut number = || words.next()?.parse::<u64>().ok();
        let (size, first, last) = (number()?, number()?, number()?);
        let path = words.next().filter(|path| is_below(path))?;
        Some((path.to_owned(), Known { sha256, size, first, last }))
    };
    let read = |text: &str| line(text).ok_or_else(|| text.chars().take(200).collect::<String>());
    text.lines().map(read).collect::<Result<_, _>>().map_err(|got| ArchiveError::Record {
        path: path.to_owned(),
        reason: format!("expected `SHA256 SIZE FIRST LAST PATH`, got `{got}`"),
    })
}

/// Whether a path is below one of the folders that hold files of ours, whatever a manifest says.
fn is_below(path: &str) -> bool {
    let roots = ["pool/", "buildinfo-pool/", "log-pool/", ".cloudbuild/byhand/"];
    roots.iter().any(|root| path.starts_with(root)) && path.split('/').all(|part| !part.is_empty() && part != "..")
}

/// The manifests of all suites.
pub(super) fn all(root: &Path) -> Result<BTreeMap<String, Manifest>, ArchiveError> {
    let folder = folder(root);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(ArchiveError::io("read", folder)(error)),
    };
    let mut all = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(ArchiveError::io("read", &folder))?.path();
        let suite = path.file_name().unwrap_or_default().to_string_lossy().replace(',', "/");
        all.insert(suite, read_at(&path)?);
    }
    Ok(all)
}

/// Writes down that a generation lists these files.
pub(super) fn write(
    writer: &Writer<'_>,
    suite: &str,
    known: Option<&Manifest>,
    files: &[PoolFile],
    number: u64,
) -> Result<(), ArchiveError> {
    let mut manifest = known.cloned().unwrap_or_default();
    for PoolFile { path, sha256, size } in files {
        let fresh = Known { sha256: *sha256, size: *size, first: number, last: number };
        let entry = manifest.entry(path.clone()).or_insert(fresh);
        // What was there before under this name, and is gone, says nothing about these bytes.
        *entry = if entry.sha256 == *sha256 { Known { last: number, ..*entry } } else { fresh };
    }
    put(writer, suite, &manifest)
}

fn put(writer: &Writer<'_>, suite: &str, manifest: &Manifest) -> Result<(), ArchiveError> {
    let mut text = String::with_capacity(manifest.len() * 160);
    for (path, Known { sha256, size, first, last }) in manifest {
        writeln!(text, "{sha256} {size} {first} {last} {path}").expect("writing to a string never fails");
    }
    writer.write(&name(suite), text.as_bytes())
}

/// Removes the files that no generation of the suite from `oldest` on lists, and no other suite. Returns how many went.
pub(super) fn prune(writer: &Writer<'_>, suite: &str, oldest: u64) -> Result<u64, ArchiveError> {
    let mut all = all(writer.root())?;
    let Some(mut manifest) = all.remove(suite) else { return Ok(0) };
    let before = manifest.len();
    let mut removed = 0;
    for path in manifest.iter().filter(|(_, known)| known.last < oldest).map(|(path, _)| path) {
        if !all.values().any(|other| other.contains_key(path)) {
            removed += u64::from(writer.remove(path)?);
        }
    }
    manifest.retain(|_, known| known.last >= oldest);
    if manifest.len() != before {
        put(writer, suite, &manifest)?;
    }
    Ok(removed)
}

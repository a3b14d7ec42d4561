//! Is this upload what the job should make? Everything a builder says is checked against something it did not say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{BadUpload, package, spool};
use crate::core::debian::changes::{Buildinfo, Changes, Dsc, ListedFile};
use crate::core::overlay::confirm::{self, Superseding};
use crate::io::state::artifacts::{Artifact, ArtifactKind};
use crate::io::state::jobs::Job;
use crate::wire::File;

/// The largest `.changes` and `.buildinfo` that are read, in bytes.
const MAX_TEXT: u64 = 32 << 20;

/// Looks at the files that were received in `dir` and that the builder says it made. `dsc` is the source package that
/// the job was leased with: what it does not list is not its binary package. `version` is what has to come of it: that
/// of the source, or with what the recipe appends.
pub fn verify(dir: &Path, files: &[File], (job, version): (&Job, &str), dsc: &Dsc) -> Result<Vec<Artifact>, BadUpload> {
    let declared = declared(dir, files)?;
    let (changes_file, changes) = changes(dir, &declared, job, version)?;
    same_files(&declared, changes_file, &changes)?;
    buildinfo(dir, &declared, job, version)?;
    let mut artifacts = Vec::new();
    for file in declared.values() {
        let kind = ArtifactKind::of_name(&file.name);
        artifacts.push(match kind {
            ArtifactKind::Deb | ArtifactKind::Udeb | ArtifactKind::Ddeb => {
                package::look(dir, file, kind, job, &changes, dsc)?
            }
            ArtifactKind::Changes | ArtifactKind::Buildinfo | ArtifactKind::Dsc | ArtifactKind::Other => {
                plain(file, kind)
            }
        });
    }
    if !artifacts.iter().any(|artifact| artifact.kind.is_package()) {
        return Err(BadUpload::contents("expected at least one binary package, got none".to_owned()));
    }
    Ok(artifacts)
}

/// The packages of the overlay that a verified build was made with: those of the view that it was built against, of
/// which the second of the pair is the index.
pub fn confirm(
    dir: &Path,
    artifacts: &[Artifact],
    (overlay, index): &(Vec<Superseding>, Vec<u8>),
    architecture: &str,
) -> Result<Vec<Superseding>, BadUpload> {
    let info = artifacts.iter().find(|artifact| artifact.kind == ArtifactKind::Buildinfo);
    let info = info.ok_or_else(|| BadUpload::contents("expected one .buildinfo file, got none".to_owned()))?;
    let bytes = std::fs::read(dir.join(&info.name))
        .map_err(|error| BadUpload::transfer(format!("`{}` cannot be read: {error}", info.name)))?;
    let info = Buildinfo::parse(&bytes).map_err(|error| BadUpload::contents(format!("`{}`: {error}", info.name)))?;
    confirm::confirm(&info.installed, overlay, index, architecture)
        .map_err(|mismatch| BadUpload::contents(mismatch.to_string()))
}

/// The files that the builder says it made, by name, each of them here and whole.
fn declared<'a>(dir: &Path, files: &'a [File]) -> Result<BTreeMap<&'a str, &'a File>, BadUpload> {
    let mut declared = BTreeMap::new();
    for file in files {
        if !spool::is_file_name(&file.name) {
            let name = file.name.escape_debug();
            return Err(BadUpload::contents(format!("expected a plain file name, got `{name}`")));
        }
        if declared.insert(file.name.as_str(), file).is_some() {
            return Err(BadUpload::contents(format!("`{}` was declared twice", file.name)));
        }
        spool::check(dir, file).map_err(BadUpload::transfer)?;
    }
    Ok(declared)
}

/// The only `.changes`, which must be about this job.
fn changes<'a>(
    dir: &Path,
    declared: &BTreeMap<&str, &'a File>,
    job: &Job,
    version: &str,
) -> Result<(&'a File, Changes), BadUpload> {
    let file = the_only(declared, ArtifactKind::Changes)?;
    let bytes = read(dir, file)?;
    let changes = Changes::parse(&bytes).map_err(|error| BadUpload::contents(format!("`{}`: {error}", file.name)))?;
    let expect = |field: &str, expected: &str, got: &str| {
        let reason = || format!("`{}`: `{field}`: expected `{expected}`, got `{got}`", file.name);
        if expected == got { Ok(()) } else { Err(BadUpload::contents(reason())) }
    };
    expect("Source", &job.source, &changes.source)?;
    expect("Version", version, &changes.version)?;
    expect("Source", &job.version, &changes.source_version)?;
    expect("Architecture", &job.arch, &changes.architectures.join(" "))?;
    Ok((file, changes))
}

/// The `.changes` lists what was sent, no more and no less, with the same sizes and hashes.
fn same_files(declared: &BTreeMap<&str, &File>, own: &File, changes: &Changes) -> Result<(), BadUpload> {
    let mut listed = BTreeSet::new();
    for ListedFile { name, size, sha256, .. } in &changes.files {
        listed.insert(name.as_str());
        let Some(file) = declared.get(name.as_str()) else {
            return Err(BadUpload::contents(format!("`{}` lists `{name}`, which was not sent", own.name)));
        };
        if (file.size, file.sha256) != (*size, *sha256) {
            let reason = format!(
                "`{}`: `{name}`: expected {} bytes with SHA-256 `{}`, got {size} bytes with SHA-256 `{sha256}`",
                own.name, file.size, file.sha256
            );
            return Err(BadUpload::contents(reason));
        }
    }
    match declared.keys().find(|name| **name != own.name && !listed.contains(**name)) {
        Some(name) => Err(BadUpload::contents(format!("`{name}` was sent, and `{}` does not list it", own.name))),
        None => Ok(()),
    }
}

/// The only `.buildinfo`, which must be about this job.
fn buildinfo(dir: &Path, declared: &BTreeMap<&str, &File>, job: &Job, version: &str) -> Result<(), BadUpload> {
    let file = the_only(declared, ArtifactKind::Buildinfo)?;
    let bytes = read(dir, file)?;
    let info = Buildinfo::parse(&bytes).map_err(|error| BadUpload::contents(format!("`{}`: {error}", file.name)))?;
    if (info.source.as_str(), info.version.as_str()) == (job.source.as_str(), version) {
        return Ok(());
    }
    Err(BadUpload::contents(format!(
        "`{}`: expected `{} {}`, got `{} {}`",
        file.name, job.source, version, info.source, info.version
    )))
}

/// The one declared file of a kind.
fn the_only<'a>(declared: &BTreeMap<&str, &'a File>, kind: ArtifactKind) -> Result<&'a File, BadUpload> {
    let mut found = declared.values().filter(|file| ArtifactKind::of_name(&file.name) == kind);
    match (found.next(), found.next()) {
        (Some(file), None) => Ok(file),
        (None, _) => Err(BadUpload::contents(format!("expected one .{kind} file, got none"))),
        (Some(first), Some(second)) => {
            let reason = format!("expected one .{kind} file, got `{}` and `{}`", first.name, second.name);
            Err(BadUpload::contents(reason))
        }
    }
}

/// A text that is read whole.
fn read(dir: &Path, file: &File) -> Result<Vec<u8>, BadUpload> {
    if file.size > MAX_TEXT {
        let reason = format!("`{}`: expected at most {MAX_TEXT} bytes, got {}", file.name, file.size);
        return Err(BadUpload::contents(reason));
    }
    std::fs::read(dir.join(&file.name))
        .map_err(|error| BadUpload::transfer(format!("`{}` cannot be read: {error}", file.name)))
}

/// A file that is no package.
fn plain(file: &File, kind: ArtifactKind) -> Artifact {
    Artifact {
        name: file.name.clone(),
        kind,
        sha256: file.sha256,
        size: file.size,
        package: None,
        version: None,
        architecture: None,
        source: None,
        control: None,
    }
}

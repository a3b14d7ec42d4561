//! Is this upload what the job should make? Everything a builder says is checked against something it did not say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{BadUpload, Wanted, is_file_name, package, whole};
use crate::core::debian::changes::{Buildinfo, Changes, Dsc, ListedFile};
use crate::core::overlay::confirm::{self, Superseding};
use crate::io::state::artifacts::{Artifact, ArtifactKind};
use crate::wire::File;

/// The largest `.changes` and `.buildinfo` that are read, in bytes.
const MAX_TEXT: u64 = 32 << 20;

/// Looks at the files that were received in `dir` and that the builder says it made. `dsc` is the source package that
/// the job was leased with: what it does not list is not its binary package.
pub fn look(dir: &Path, files: &[File], wanted: &Wanted, dsc: &Dsc) -> Result<Vec<Artifact>, BadUpload> {
    let declared = declared(dir, files)?;
    let (changes_file, changes) = changes(dir, &declared, wanted)?;
    same_files(&declared, changes_file, &changes)?;
    buildinfo(dir, &declared, wanted)?;
    let mut artifacts = Vec::new();
    for file in declared.values() {
        let kind = ArtifactKind::of_name(&file.name);
        artifacts.push(match kind {
            ArtifactKind::Deb | ArtifactKind::Udeb | ArtifactKind::Ddeb => {
                package::look(dir, file, kind, wanted, &changes, dsc)?
            }
            ArtifactKind::Changes | ArtifactKind::Buildinfo => plain(file, kind),
            ArtifactKind::Dsc => {
                let reason = format!("`{}`: expected what a build of `{}` makes, got a source", file.name, wanted.arch);
                return Err(BadUpload::contents(reason));
            }
            ArtifactKind::Other => {
                by_hand(file, &changes)?;
                plain(file, kind)
            }
        });
    }
    if !artifacts.iter().any(|artifact| artifact.kind.is_package()) {
        return Err(BadUpload::contents("expected at least one binary package, got none".to_owned()));
    }
    Ok(artifacts)
}

/// A file that is no package is one that an archive's people look after by hand (dpkg-distaddfile), and says so.
fn by_hand(file: &File, changes: &Changes) -> Result<(), BadUpload> {
    let section = changes.files.iter().find(|listed| listed.name == file.name).map(|listed| listed.section.as_str());
    match section {
        Some(section) if section.eq_ignore_ascii_case("byhand") || section.starts_with("raw-") => Ok(()),
        Some(section) => Err(BadUpload::contents(format!(
            "`{}`: expected a package, or section `byhand` or `raw-...`, got section `{}`",
            file.name,
            section.escape_debug()
        ))),
        None => Err(BadUpload::contents(format!("`{}` is not listed in the .changes", file.name))),
    }
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
        if !is_file_name(&file.name) {
            let name = file.name.escape_debug();
            return Err(BadUpload::contents(format!("expected a plain file name, got `{name}`")));
        }
        if declared.insert(file.name.as_str(), file).is_some() {
            return Err(BadUpload::contents(format!("`{}` was declared twice", file.name)));
        }
        whole(dir, file).map_err(BadUpload::transfer)?;
    }
    Ok(declared)
}

/// The only `.changes`, which must be about this job.
fn changes<'a>(
    dir: &Path,
    declared: &BTreeMap<&str, &'a File>,
    wanted: &Wanted,
) -> Result<(&'a File, Changes), BadUpload> {
    let file = the_only(declared, ArtifactKind::Changes)?;
    let bytes = read(dir, file)?;
    let changes = Changes::parse(&bytes).map_err(|error| BadUpload::contents(format!("`{}`: {error}", file.name)))?;
    let expect = |field: &str, expected: &str, got: &str| {
        let reason = || format!("`{}`: `{field}`: expected `{expected}`, got `{got}`", file.name);
        if expected == got { Ok(()) } else { Err(BadUpload::contents(reason())) }
    };
    expect("Source", &wanted.source, &changes.source)?;
    expect("Version", &wanted.built_version, &changes.version)?;
    expect("Source", &wanted.version, &changes.source_version)?;
    expect("Architecture", &wanted.arch, &changes.architectures.join(" "))?;
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
fn buildinfo(dir: &Path, declared: &BTreeMap<&str, &File>, wanted: &Wanted) -> Result<(), BadUpload> {
    let file = the_only(declared, ArtifactKind::Buildinfo)?;
    let bytes = read(dir, file)?;
    let info = Buildinfo::parse(&bytes).map_err(|error| BadUpload::contents(format!("`{}`: {error}", file.name)))?;
    if (info.source.as_str(), info.version.as_str()) == (wanted.source.as_str(), wanted.built_version.as_str()) {
        return Ok(());
    }
    Err(BadUpload::contents(format!(
        "`{}`: expected `{} {}`, got `{} {}`",
        file.name, wanted.source, wanted.built_version, info.source, info.version
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

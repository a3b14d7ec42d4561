//! Is this binary package one that the job's source makes?

use std::path::Path;

use super::{BadUpload, Wanted};
use crate::core::debian::changes::{Changes, Dsc};
use crate::core::debian::control::{Paragraph, paragraphs};
use crate::io::archive::deb;
use crate::io::state::artifacts::{Artifact, ArtifactKind};
use crate::wire::File;

/// Reads a package's control paragraph, without unpacking anything, and compares it with the file's name, the
/// `.changes`, the source package and the job.
pub(super) fn look(
    dir: &Path,
    file: &File,
    kind: ArtifactKind,
    wanted: &Wanted,
    changes: &Changes,
    dsc: &Dsc,
) -> Result<Artifact, BadUpload> {
    let bad = |what: String| BadUpload::contents(format!("`{}`: {what}", file.name));
    let bytes = deb::read_control(&dir.join(&file.name)).map_err(|error| match error {
        deb::DebError::Io { source, .. } => BadUpload::transfer(format!("`{}` cannot be read: {source}", file.name)),
        deb::DebError::Broken { what, .. } | deb::DebError::Bomb { what, .. } => bad(what),
    })?;
    let mut all = paragraphs(&bytes);
    let (Some(control), None) = (all.next(), all.next()) else {
        return Err(bad("expected one control paragraph".to_owned()));
    };
    let package = field(&control, "Package").map_err(bad)?;
    let version = field(&control, "Version").map_err(bad)?;
    let architecture = field(&control, "Architecture").map_err(bad)?;

    let expected = format!("{package}_{}_{architecture}.{kind}", without_epoch(version));
    if expected != file.name {
        return Err(bad(format!("its control paragraph is that of `{expected}`")));
    }
    if architecture != wanted.arch {
        return Err(bad(format!("`Architecture`: expected `{}`, got `{architecture}`", wanted.arch)));
    }
    let (source, source_version) = source(&control, package, version).map_err(bad)?;
    if (source, source_version) != (wanted.source.as_str(), wanted.version.as_str()) {
        let (name, version) = (&wanted.source, &wanted.version);
        return Err(bad(format!("`Source`: expected `{name} ({version})`, got `{source} ({source_version})`")));
    }
    if !changes.binaries.is_empty() && !lists(&changes.binaries, package) {
        return Err(bad(format!("the .changes does not name `{package}` in `Binary`")));
    }
    made_by(dsc, package, kind).map_err(bad)?;
    Ok(Artifact {
        name: file.name.clone(),
        kind,
        sha256: file.sha256,
        size: file.size,
        package: Some(package.to_owned()),
        version: Some(version.to_owned()),
        architecture: Some(architecture.to_owned()),
        source: Some(source.to_owned()),
        control: Some(String::from_utf8_lossy(control.bytes).into_owned()),
    })
}

/// A field that must be there, once.
fn field<'a>(control: &Paragraph<'a>, name: &str) -> Result<&'a str, String> {
    let found = control.fields().filter(|(field, _)| field.eq_ignore_ascii_case(name.as_bytes())).count();
    match (found, control.text(name)) {
        (1, Some(value)) if !value.is_empty() => Ok(value),
        (2.., _) => Err(format!("expected one field `{name}`, got {found}")),
        (_, Some(_) | None) => Err(format!("expected a field `{name}`, got none that can be read")),
    }
}

/// The source package and its version; both are those of the binary package where they are not said.
fn source<'a>(control: &Paragraph<'a>, package: &'a str, version: &'a str) -> Result<(&'a str, &'a str), String> {
    if control.field("Source").is_none() {
        return Ok((package, version));
    }
    let value = field(control, "Source")?;
    match value.split_once('(') {
        None => Ok((value, version)),
        Some((name, rest)) => {
            let inner =
                rest.strip_suffix(')').ok_or_else(|| format!("`Source`: expected `NAME (VERSION)`, got `{value}`"))?;
            Ok((name.trim_end(), inner.trim()))
        }
    }
}

/// Whether the source package makes this one, by its `Package-List` or, without one, by its `Binary`.
fn made_by(dsc: &Dsc, package: &str, kind: ArtifactKind) -> Result<(), String> {
    let unknown = || Err(format!("the source package does not make a package `{package}`"));
    if dsc.package_list.is_empty() {
        return if lists(&dsc.binaries, package) { Ok(()) } else { unknown() };
    }
    let listed = |name: &str| dsc.package_list.iter().find(|entry| entry.name == name);
    let symbols = || package.strip_suffix("-dbgsym").and_then(listed).is_some();
    match (listed(package), kind) {
        (Some(entry), ArtifactKind::Udeb) if entry.kind != "udeb" => {
            Err(format!("the source package makes `{package}` as a {}, not as a udeb", entry.kind))
        }
        (Some(entry), ArtifactKind::Deb | ArtifactKind::Ddeb) if entry.kind == "udeb" => {
            Err(format!("the source package makes `{package}` as a udeb, not as a {kind}"))
        }
        (Some(_), _) => Ok(()),
        (None, _) if symbols() => Ok(()),
        (None, _) => unknown(),
    }
}

/// Whether a list of packages has this one; the debug symbols of a package belong to it without being listed.
fn lists(packages: &[String], package: &str) -> bool {
    let has = |name: &str| packages.iter().any(|listed| listed == name);
    has(package) || package.strip_suffix("-dbgsym").is_some_and(has)
}

/// A version as file names have it.
fn without_epoch(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, rest)| rest)
}

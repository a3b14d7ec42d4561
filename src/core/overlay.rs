//! Overlays: local packages that supersede every other version of themselves, as one suite of an import.
//!
//! They are listed by indexes like those of any suite, so that whoever reads an import reads them, too; the role of the
//! suite says that what else has a package of theirs is hidden.

pub mod confirm;

use std::path::{Path, PathBuf};

use crate::core::debian::architecture;
use crate::core::debian::changes::{Dsc, DscFile};
use crate::core::debian::control;
use crate::core::debian::packages;
use crate::core::debian::version::without_epoch;
use crate::core::ids::Sha256;
use crate::core::pinned::{IndexKind, PinnedIndex, PinnedOverlay, PinnedSuite, Role};
use crate::core::recipe::overlay::{Overlay, OverlayKind};

/// What stands for the archive's address, which an overlay does not have.
const URI: &str = "overlay";

/// Where the files of an overlay are listed, which is no place: they are found by their hashes.
const DIRECTORY: &str = "overlay";

/// A local package that was read, and stands in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// What the import keeps of it.
    pub pinned: PinnedOverlay,
    /// The binary packages that it is or makes here.
    pub packages: Vec<String>,
    /// Its stanza in the index.
    pub stanza: String,
}

/// Two local packages that cannot both supersede.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected one overlay for each package, got two for {what} package `{name}`: `{}` and `{}`\nhint: leave one of them out",
    first.display(), second.display()
)]
pub struct Conflict {
    /// `source` or `binary`.
    pub what: &'static str,
    /// The package.
    pub name: String,
    /// The one that the recipe names first.
    pub first: PathBuf,
    /// The other one.
    pub second: PathBuf,
}

/// Why a package cannot be an overlay; fits after the name of its file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Nothing of it is for this architecture.
    #[error(
        "expected a package for `{expected}`, got one for `{got}`\nhint: build it for `{expected}`, or leave it out of the overlay"
    )]
    Architecture {
        /// What is built for.
        expected: String,
        /// What it is for.
        got: String,
    },
    /// Its control paragraph lacks something.
    #[error("{0}")]
    Control(String),
}

/// A source package whose `.dsc` was read, as an overlay.
pub fn source(overlay: &Overlay, dsc: &Dsc, file: &DscFile, architecture: &str) -> Result<Local, Unfit> {
    let here = |word: &str| word == "all" || architecture::matches(word, architecture);
    if !dsc.architectures.iter().any(|word| here(word)) {
        let got = dsc.architectures.join(" ");
        return Err(Unfit::Architecture { expected: architecture.to_owned(), got });
    }
    let listed = dsc.package_list.first();
    let section = listed.map_or("", |package| package.section.as_str());
    let priority = listed.map_or("", |package| package.priority.as_str());
    let made = |name: &&String| {
        let entry = dsc.package_list.iter().find(|entry| entry.name == **name);
        // What is not said to be for some architectures is for all of them.
        entry.is_none_or(|entry| entry.architectures().next().is_none() || entry.architectures().any(here))
    };
    let directory = format!("{DIRECTORY}/{}", dsc.source);
    Ok(Local {
        pinned: pinned(overlay, [&dsc.source, &dsc.version, section], file.sha256),
        packages: dsc.binaries.iter().filter(made).cloned().collect(),
        stanza: dsc.sources_stanza(&directory, file, section, priority),
    })
}

/// A binary package as an overlay, by its control paragraph.
pub fn binary(overlay: &Overlay, control: &str, sha256: Sha256, size: u64, architecture: &str) -> Result<Local, Unfit> {
    let unfit = |text: &str| Unfit::Control(text.to_owned());
    let paragraph = control::paragraphs(control.as_bytes()).next().ok_or_else(|| unfit("expected a paragraph"))?;
    let field = |name: &str| paragraph.text(name).unwrap_or_default();
    let (name, version, own) = (field("Package"), field("Version"), field("Architecture"));
    let good = |name: &str| {
        let letter = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(letter)
    };
    if !good(name) || !good(own) {
        return Err(Unfit::Control(format!(
            "expected names in `Package` and `Architecture`, got `{name}` and `{own}`"
        )));
    }
    if !crate::core::debian::version::is_valid(version) {
        return Err(Unfit::Control(format!("expected a version in `Version`, got `{version}`")));
    }
    if own != "all" && own != architecture {
        return Err(Unfit::Architecture { expected: architecture.to_owned(), got: own.to_owned() });
    }
    let file = format!("{DIRECTORY}/{}", file_name(name, version, own));
    let stanza = format!("{}\nFilename: {file}\nSize: {size}\nSHA256: {sha256}\n", control.trim_end());
    let whole = control::paragraphs(stanza.as_bytes()).next().ok_or_else(|| unfit("expected a paragraph"))?;
    packages::package(whole).map_err(Unfit::Control)?;
    Ok(Local {
        pinned: pinned(overlay, [name, version, field("Section")], sha256),
        packages: vec![name.to_owned()],
        stanza,
    })
}

/// The name that dpkg gives a binary package's file.
pub fn file_name(package: &str, version: &str, architecture: &str) -> String {
    format!("{package}_{}_{architecture}.deb", without_epoch(version))
}

fn pinned(overlay: &Overlay, [name, version, section]: [&str; 3], sha256: Sha256) -> PinnedOverlay {
    PinnedOverlay {
        kind: overlay.kind,
        path: overlay.path.clone(),
        name: name.to_owned(),
        version: version.to_owned(),
        component: component(section),
        sha256,
        first: overlay.first,
        suffix: overlay.suffix.clone(),
    }
}

/// `contrib` of `contrib/utils`; `main` where a section says nothing.
fn component(section: &str) -> String {
    section.split_once('/').map_or("main", |(component, _)| component).to_owned()
}

/// Checks that no two of them are or make the same package.
pub fn check(locals: &[Local]) -> Result<(), Conflict> {
    for (at, second) in locals.iter().enumerate() {
        for first in &locals[..at] {
            let conflict = |what, name: &str| Conflict {
                what,
                name: name.to_owned(),
                first: first.pinned.path.clone(),
                second: second.pinned.path.clone(),
            };
            let sources = first.pinned.kind.is_source() && second.pinned.kind.is_source();
            if sources && first.pinned.name == second.pinned.name {
                return Err(conflict("source", &second.pinned.name));
            }
            if let Some(name) = second.packages.iter().find(|name| first.packages.contains(name)) {
                return Err(conflict("binary", name));
            }
        }
    }
    Ok(())
}

/// The indexes of the suite that lists them: component, kind and text, sorted by the first two.
pub fn indexes(locals: &[Local], architecture: &str) -> Vec<(String, IndexKind, String)> {
    let mut indexes: Vec<(String, IndexKind, String)> = Vec::new();
    for local in locals {
        let kind = match local.pinned.kind {
            OverlayKind::SourcePackage | OverlayKind::SourceTree => IndexKind::Sources,
            OverlayKind::BinaryPackage => IndexKind::Packages(architecture.to_owned()),
        };
        let home = &local.pinned.component;
        let known = indexes.iter_mut().find(|(component, known, _)| component == home && *known == kind);
        match known {
            Some((_, _, text)) => *text += &format!("\n{}", local.stanza),
            None => indexes.push((home.clone(), kind, local.stanza.clone())),
        }
    }
    indexes.sort();
    indexes
}

/// The suite itself. `entry` says where it came from.
pub fn suite(indexes: Vec<PinnedIndex>, role: Role, entry: &str) -> PinnedSuite {
    let hashes: String = indexes.iter().map(|index| format!("{}\n", index.sha256)).collect();
    PinnedSuite {
        uri: URI.to_owned(),
        suite: "local".to_owned(),
        codename: String::new(),
        origin: String::new(),
        label: String::new(),
        role,
        release_sha256: Sha256::of(hashes.as_bytes()),
        date: None,
        not_automatic: false,
        but_automatic_upgrades: false,
        entry: entry.to_owned(),
        indexes,
    }
}

/// The name and version that a tree's changelog begins with.
///
/// # Errors
/// The line that is there instead, shortened.
pub fn changelog_head(changelog: &str) -> Result<(&str, &str), String> {
    let line = changelog.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let head = || {
        let (name, rest) = line.split_once(" (")?;
        let (version, rest) = rest.split_once(')')?;
        let letter = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let good = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(letter);
        (good && rest.contains(';') && crate::core::debian::version::is_valid(version)).then_some((name, version))
    };
    head().ok_or_else(|| line.chars().take(80).collect())
}

/// The upstream part of a version: no epoch, no revision.
pub fn upstream_version(version: &str) -> &str {
    let version = without_epoch(version);
    version.rsplit_once('-').map_or(version, |(upstream, _)| upstream)
}

/// Whether a file beside a tree is an upstream tarball of this source (or a signature of one).
pub fn is_upstream_tarball(file: &Path, source: &str, version: &str) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(rest) = name.strip_prefix(&format!("{source}_{}.orig", upstream_version(version))) else { return false };
    let Some((component, ending)) = rest.split_once(".tar.") else { return false };
    let component = component.is_empty() || component.starts_with('-');
    component && matches!(ending.trim_end_matches(".asc"), "gz" | "xz" | "bz2" | "lzma")
}

#[cfg(test)]
mod tests;

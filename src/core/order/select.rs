//! Which sources: those that are named, all of them, the base system, or what has what is asked for.

mod closure;
mod pick;

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use super::base;
use crate::core::archive::{Archive, SourceRecord};
use crate::core::debian::packages::Package;
use crate::core::pinned::Role;
use crate::core::recipe::selection::Selection;
use crate::core::suggest;

/// Why sources cannot be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// No source package of that name.
    #[error("no source package `{name}` in the imported suites{}", hint(nearest, binary_of))]
    Unknown {
        /// What was asked for.
        name: String,
        /// Names that look like it.
        nearest: Vec<String>,
        /// The source package that builds a binary of that name, if one does.
        binary_of: Option<String>,
    },
    /// The name exists, the version does not.
    #[error("no version `{version}` of source package `{name}`; the imported suites have {}\nhint: ask for one of these, or import a suite that has it", there.join(", "))]
    NoSuchVersion {
        /// Source package name.
        name: String,
        /// What was asked for.
        version: String,
        /// What there is.
        there: Vec<String>,
    },
    /// There are no sources to choose from.
    #[error(
        "the imported suites list no source packages\nhint: add `deb-src` entries (or `Types: deb deb-src`) for a suite that has sources"
    )]
    NoSources,
    /// Nothing says what the base system is.
    #[error(
        "the imported suites have no base system: no package has `Priority: required` or `important`\nhint: import the main component of a distribution's suite for `{architecture}`"
    )]
    NoBaseSystem {
        /// The architecture.
        architecture: String,
    },
    /// It cannot be installed.
    #[error(
        "the imported suites cannot make a base system for `{architecture}`: it {reason}\nhint: import all suites and components that it is in; `cloudbuild import` shows what there is"
    )]
    BaseUnsatisfiable {
        /// The architecture.
        architecture: String,
        /// In words: `needs libfoo (>= 2), only 1.9 is there`.
        reason: String,
    },
    /// A part of it has no source.
    #[error(
        "the imported suites list no source package `{source_name}`, which builds `{binary}`, a part of what is asked for\nhint: add the `deb-src` entry of the suite that has it"
    )]
    BaseWithoutSource {
        /// The binary package.
        binary: String,
        /// The source package.
        source_name: String,
    },
    /// No binary package of that name.
    #[error("no binary package `{name}` for `{architecture}` to take the closure of{}", did_you_mean(nearest))]
    UnknownBinary {
        /// What was asked for.
        name: String,
        /// The architecture.
        architecture: String,
        /// Names that look like it.
        nearest: Vec<String>,
    },
    /// What a closure is of cannot be installed.
    #[error("the closure of {} cannot be installed for `{architecture}`: it {reason}\nhint: import all suites and components that it is in", of.join(", "))]
    ClosureUnsatisfiable {
        /// Binary packages.
        of: Vec<String>,
        /// The architecture.
        architecture: String,
        /// In words.
        reason: String,
    },
    /// Nothing was asked for.
    #[error("no packages are asked for\nhint: give names in `packages`, or `cb.everything {{}}`")]
    Nothing,
}

fn hint(nearest: &[String], binary_of: &Option<String>) -> String {
    match (binary_of, nearest) {
        (Some(source), _) => format!("\nhint: a binary package of that name is built by source package `{source}`"),
        (None, nearest) => did_you_mean(nearest),
    }
}

fn did_you_mean(nearest: &[String]) -> String {
    match nearest {
        [] => "\nhint: `cloudbuild import` shows what there is".to_owned(),
        names => format!("\nhint: did you mean `{}`?", names.join("`, `")),
    }
}

/// What sources are chosen from.
#[derive(Clone, Copy)]
pub struct Ground<'g, 'a> {
    /// What was imported.
    pub archive: &'g Archive<'a>,
    /// What is built against.
    pub visible: &'g [Package<'a>],
    /// The architecture that is built for.
    pub architecture: &'g str,
    /// By stage: the sources whose inputs changed since it built them.
    pub changed: &'g BTreeMap<String, Vec<String>>,
}

/// The sources that a selection means, each once, in the order they were asked for (by name where none were named).
///
/// # Errors
/// A name or version that is not there, or nothing to choose from.
pub fn select<'a>(ground: &Ground<'_, 'a>, selection: &Selection) -> Result<Vec<SourceRecord<'a>>, SelectionError> {
    let all = ground.archive.sources_by_name();
    if all.is_empty() {
        return Err(SelectionError::NoSources);
    }
    if *selection == Selection::Everything {
        return Ok(all.into_iter().copied().collect());
    }
    let chosen = all.iter().map(|record| (record.source.name, **record)).collect();
    among(ground, &chosen, selection)
}

/// The source package of each name that can be chosen.
type Chosen<'a> = FxHashMap<&'a str, SourceRecord<'a>>;

fn among<'a>(
    ground: &Ground<'_, 'a>,
    chosen: &Chosen<'a>,
    selection: &Selection,
) -> Result<Vec<SourceRecord<'a>>, SelectionError> {
    match selection {
        Selection::Everything => Ok(by_name(chosen.values().copied().collect())),
        Selection::BaseSystem(closure) => {
            base::select(chosen, ground.visible, &local_binaries(ground.archive), *closure, ground.architecture)
        }
        Selection::Names(names) if names.is_empty() => Err(SelectionError::Nothing),
        Selection::Names(names) => named(ground.archive, chosen, names),
        Selection::RuntimeClosure { of } => closure::select(ground, chosen, of),
        Selection::Pick(pick) => {
            let everything = Selection::Everything;
            // A name that nobody has is a slip of the pen; one that is only not among `of` is not.
            if let Some(name) = pick.names.iter().find(|name| !chosen.contains_key(name.as_str())) {
                return Err(unknown(ground.archive, chosen, name));
            }
            let of = among(ground, chosen, pick.of.as_deref().unwrap_or(&everything))?;
            Ok(pick::pick(of, pick))
        }
        Selection::ChangedInputs { stage } => {
            // What a stage built may be gone from the suites since; both halves of a package may have changed.
            let names: BTreeSet<&String> = ground.changed.get(stage).into_iter().flatten().collect();
            let names = names.into_iter();
            Ok(by_name(names.filter_map(|name| chosen.get(name.as_str()).copied()).collect()))
        }
    }
}

/// The binary packages of the overlay: they are taken as they are, so nothing builds them.
fn local_binaries<'a>(archive: &Archive<'a>) -> FxHashSet<&'a str> {
    let local = archive.packages.iter().filter(|record| record.suite.role == Role::Overlay);
    local.map(|record| record.package.name).collect()
}

fn by_name(mut records: Vec<SourceRecord<'_>>) -> Vec<SourceRecord<'_>> {
    records.sort_unstable_by_key(|record| record.source.name);
    records
}

fn named<'a>(
    archive: &Archive<'a>,
    chosen: &Chosen<'a>,
    names: &[String],
) -> Result<Vec<SourceRecord<'a>>, SelectionError> {
    let mut seen = FxHashSet::default();
    let mut selected = Vec::new();
    for wanted in names {
        let (name, version) =
            wanted.split_once('=').map_or((wanted.as_str(), None), |(name, version)| (name, Some(version)));
        let Some(newest) = chosen.get(name) else { return Err(unknown(archive, chosen, name)) };
        let record = match version {
            None => *newest,
            Some(version) => archive.source_version(name, version).ok_or_else(|| {
                let there = archive.source_versions(name).into_iter();
                SelectionError::NoSuchVersion {
                    name: name.to_owned(),
                    version: version.to_owned(),
                    there: there.map(|record| record.source.version.to_owned()).collect(),
                }
            })?,
        };
        if seen.insert(record.source.name) {
            selected.push(record);
        }
    }
    Ok(selected)
}

/// The same sources with those of the import's overlay, which are built whatever else is.
pub fn with_overlay<'a>(archive: &Archive<'a>, mut selected: Vec<SourceRecord<'a>>) -> Vec<SourceRecord<'a>> {
    let there: FxHashSet<&str> = selected.iter().map(|record| record.source.name).collect();
    let local = archive.sources.iter().filter(|record| record.suite.role == Role::Overlay);
    selected.extend(local.filter(|record| !there.contains(record.source.name)));
    selected
}

fn unknown(archive: &Archive<'_>, chosen: &Chosen<'_>, name: &str) -> SelectionError {
    let binary_of = archive
        .packages
        .iter()
        .find(|record| record.package.name == name && chosen.contains_key(record.package.source()))
        .map(|record| record.package.source().to_owned());
    let nearest = suggest::nearest_few(name, chosen.keys().copied());
    SelectionError::Unknown {
        name: name.to_owned(),
        nearest: nearest.into_iter().map(str::to_owned).collect(),
        binary_of,
    }
}

#[cfg(test)]
mod tests;

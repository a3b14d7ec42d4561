//! Order: which sources, who needs whom, and the order they are built in.
//!
//! **Invariant:** never alphabetical where a need decides, and every edge that is cut is named.

pub mod graph;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::core::archive::{Archive, SourceRecord};
use crate::core::debian::packages::Package;
use crate::core::debian::relation;
use crate::core::debian::sources::Source;
use crate::core::install::base::Base;
use crate::core::install::installer::Installer;
use crate::core::install::request::{Alternatives, Half, Request};
use crate::core::install::universe::{Architectures, Universe};
use crate::core::recipe::{OrderedJob, Selection};
use crate::core::suggest;

/// The architecture of jobs that build `Architecture: all` packages.
pub const ALL: &str = "all";

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
    /// Nothing was asked for.
    #[error("no packages are asked for\nhint: give names in `packages`, or `cb.everything {{}}`")]
    Nothing,
}

fn hint(nearest: &[String], binary_of: &Option<String>) -> String {
    match (binary_of, nearest) {
        (Some(source), _) => format!("\nhint: a binary package of that name is built by source package `{source}`"),
        (None, []) => "\nhint: `cloudbuild import` shows what there is".to_owned(),
        (None, names) => format!("\nhint: did you mean `{}`?", names.join("`, `")),
    }
}

/// The sources that a selection means, each once, in the order they were asked for (by name for everything).
///
/// # Errors
/// A name or version that is not there, or nothing to choose from.
pub fn select<'a>(archive: &Archive<'a>, selection: &Selection) -> Result<Vec<SourceRecord<'a>>, SelectionError> {
    let chosen = archive.chosen_sources();
    if chosen.is_empty() {
        return Err(SelectionError::NoSources);
    }
    let names = match selection {
        Selection::Everything => {
            let mut all: Vec<SourceRecord<'a>> = chosen.into_values().collect();
            all.sort_unstable_by_key(|record| record.source.name);
            return Ok(all);
        }
        Selection::Names(names) if names.is_empty() => return Err(SelectionError::Nothing),
        Selection::Names(names) => names,
    };
    let mut seen = FxHashSet::default();
    let mut selected = Vec::new();
    for wanted in names {
        let (name, version) =
            wanted.split_once('=').map_or((wanted.as_str(), None), |(name, version)| (name, Some(version)));
        let Some(newest) = chosen.get(name) else { return Err(unknown(archive, &chosen, name)) };
        let record = match version {
            None => *newest,
            Some(version) => archive.source_version(name, version).ok_or_else(|| {
                let there = archive.sources.iter().filter(|record| record.source.name == name);
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

fn unknown(archive: &Archive<'_>, chosen: &FxHashMap<&str, SourceRecord<'_>>, name: &str) -> SelectionError {
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

/// The build-dependency fields that matter for an architecture (`all` takes the `-Indep` half).
pub fn build_dependencies<'a>(source: &Source<'a>, architecture: &str) -> [&'a [u8]; 2] {
    match architecture {
        ALL => [source.build_depends, source.build_depends_indep],
        _ => [source.build_depends, source.build_depends_arch],
    }
}

/// What `order` decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Jobs, each after what it needs but for the cut edges.
    pub jobs: Vec<OrderedJob>,
    /// Source packages that need each other.
    pub loops: Vec<Vec<String>>,
    /// Sources that build nothing for this architecture, by name.
    pub not_for_here: Vec<String>,
}

/// Puts sources in order: each comes after those sources of the same set that build what it needs to be built,
/// the runtime dependencies of its build dependencies included.
pub fn order(sources: &[SourceRecord<'_>], visible: &[Package<'_>], architecture: &str) -> Order {
    let universe = Universe::new(visible, Architectures::native(architecture));
    let chroot = Base::of_chroot(&universe);
    let mut installer = Installer::new(&universe, &chroot);
    let number: FxHashMap<&str, usize> =
        sources.iter().enumerate().map(|(number, record)| (record.source.name, number)).collect();
    let mut makers: FxHashMap<&[u8], usize> = FxHashMap::default();
    for (number, record) in sources.iter().enumerate() {
        makers.extend(record.source.binaries().map(|binary| (binary, number)));
    }
    let needs: Vec<Vec<usize>> = sources
        .iter()
        .map(|record| {
            let mut installed = chroot.packages.clone();
            let mut needs = Vec::new();
            for half in halves(&record.source, architecture) {
                let request = Request::of(&record.source, Half::of_job(half), &[], Alternatives::First);
                installed.extend(installer.closure(&request).packages);
                for field in build_dependencies(&record.source, half) {
                    // What no index has yet may still be built by a source of this set.
                    for alternatives in relation::holding(field, architecture, &[]) {
                        needs.extend(alternatives.iter().take(1).filter_map(|first| makers.get(first.name)));
                    }
                }
            }
            let installed = installed.iter().map(|&package| universe.package(package).source());
            needs.extend(installed.filter_map(|source| number.get(source)));
            needs.sort_unstable();
            needs.dedup();
            needs
        })
        .collect();
    let sorted = graph::sort(&needs);
    let name = |node: &usize| sources[*node].source.name.to_owned();
    let cut: FxHashSet<(usize, usize)> = sorted.cut.iter().copied().collect();
    let mut order = Order {
        jobs: Vec::new(),
        loops: sorted.loops.iter().map(|nodes| nodes.iter().map(name).collect()).collect(),
        not_for_here: Vec::new(),
    };
    for &node in &sorted.order {
        let record = &sources[node];
        let after: Vec<String> =
            needs[node].iter().filter(|&&need| need != node && !cut.contains(&(node, need))).map(name).collect();
        let halves = halves(&record.source, architecture);
        if halves.is_empty() {
            order.not_for_here.push(name(&node));
        }
        order.jobs.extend(halves.into_iter().map(|half| OrderedJob {
            source: record.source.name.to_owned(),
            version: record.source.version.to_owned(),
            arch: half.to_owned(),
            component: record.component.to_owned(),
            after: after.clone(),
        }));
    }
    order
}

/// Which jobs a source makes: one for the architecture, one for `all`.
fn halves<'h>(source: &Source<'_>, architecture: &'h str) -> Vec<&'h str> {
    let mut halves = Vec::new();
    if source.builds_for(architecture) {
        halves.push(architecture);
    }
    if source.builds_all() {
        halves.push(ALL);
    }
    halves
}

#[cfg(test)]
mod tests;

//! The base system: what every installation and every build has.

use rustc_hash::{FxHashMap, FxHashSet};

use super::jobs::Graph;
use super::needs::Universe;
use super::select::SelectionError;
use crate::core::archive::SourceRecord;
use crate::core::debian::packages::Package;
use crate::core::install;
use crate::core::install::base::Base;
use crate::core::install::universe::Architectures;
use crate::core::recipe::selection::BaseClosure;

/// What builds ask for without saying so.
const BUILD_ESSENTIAL: &str = "build-essential";

/// The sources of the required and important packages and of build-essential, with what these pull in, by name; closed
/// under build-dependencies, too, where that is asked for. Nothing builds the `local` packages.
///
/// # Errors
/// There is no base system, it cannot be installed, or a part of it has no source.
pub fn select<'a>(
    chosen: &FxHashMap<&'a str, SourceRecord<'a>>,
    visible: &[Package<'a>],
    local: &FxHashSet<&str>,
    closed: BaseClosure,
    architecture: &str,
) -> Result<Vec<SourceRecord<'a>>, SelectionError> {
    let mut all: Vec<SourceRecord<'a>> = chosen.values().copied().collect();
    all.sort_unstable_by_key(|record| record.source.name);
    let mut names = installed(visible, architecture)?;
    names.retain(|(binary, _)| !local.contains(binary));
    if let Some((binary, source)) = names.iter().find(|(_, source)| !chosen.contains_key(source)) {
        let (binary, source_name) = (binary.to_string(), source.to_string());
        return Err(SelectionError::BaseWithoutSource { binary, source_name });
    }
    let sources: FxHashSet<&str> = names.into_iter().map(|(_, source)| source).collect();
    let keep = match closed {
        BaseClosure::Runtime => all.iter().map(|record| sources.contains(record.source.name)).collect(),
        BaseClosure::Build => under_build_dependencies(&all, visible, &sources, architecture),
    };
    Ok(all.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(record, _)| record).collect())
}

/// The packages of the base system, each with its source.
fn installed<'a>(visible: &[Package<'a>], architecture: &str) -> Result<Vec<(&'a str, &'a str)>, SelectionError> {
    let belongs = |package: &Package<'_>| package.essential || matches!(package.priority, b"required" | b"important");
    let mut roots: Vec<u32> =
        (0..).zip(visible).filter(|(_, package)| belongs(package)).map(|(number, _)| number).collect();
    if roots.is_empty() {
        return Err(SelectionError::NoBaseSystem { architecture: architecture.to_owned() });
    }
    let build_essential = (0..).zip(visible).find(|(_, package)| package.name == BUILD_ESSENTIAL);
    roots.extend(build_essential.map(|(number, _)| number));
    let universe = Universe::new(visible, architecture);
    let mut installed = universe.empty_room();
    universe.close(&roots, &mut installed);
    if installed.broken || build_essential.is_none() {
        // What is wrong is said by who says it for builds.
        let universe = install::universe::Universe::new(visible, Architectures::native(architecture));
        let names: Vec<&str> = roots.iter().map(|&root| visible[root as usize].name).chain([BUILD_ESSENTIAL]).collect();
        if let Some(refusal) = Base::new(&universe, &names).refusal {
            let (architecture, reason) = (architecture.to_owned(), refusal.to_string());
            return Err(SelectionError::BaseUnsatisfiable { architecture, reason });
        }
    }
    let packages = installed.packages.iter().map(|&number| &visible[number as usize]);
    Ok(packages.map(|package| (package.name, package.source())).collect())
}

/// Which sources are needed to build `roots` from nothing else, those included.
fn under_build_dependencies(
    all: &[SourceRecord<'_>],
    visible: &[Package<'_>],
    roots: &FxHashSet<&str>,
    architecture: &str,
) -> Vec<bool> {
    let graph = Graph::new(all, visible, architecture);
    let mut keep: Vec<bool> = all.iter().map(|record| roots.contains(record.source.name)).collect();
    let mut jobs_of: Vec<Vec<u32>> = vec![Vec::new(); all.len()];
    (0..).zip(&graph.jobs).for_each(|(number, job)| jobs_of[job.source as usize].push(number));
    let mut waiting: Vec<usize> = (0..all.len()).filter(|&source| keep[source]).collect();
    while let Some(source) = waiting.pop() {
        for need in jobs_of[source].iter().flat_map(|&job| graph.needs.of(job)) {
            let maker = graph.jobs[need as usize].source as usize;
            if !std::mem::replace(&mut keep[maker], true) {
                waiting.push(maker);
            }
        }
    }
    keep
}

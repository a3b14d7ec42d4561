//! Why one job needs another: through which build-dependency, and the packages from there on.

use rustc_hash::FxHashMap;

use super::jobs::{Graph, Room};

/// Why a job needs another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why<'a> {
    /// From the build-dependency to the package that the other one builds.
    pub through: Vec<&'a str>,
    /// Whether that is in every chroot, rather than asked for by the job itself.
    pub chroot: bool,
    /// Whether that package is there in what is built against.
    pub there: bool,
}

/// Why a job that is built with these profiles needs others: the shortest way to each, in the order of `needs`.
pub fn why<'a>(
    graph: &Graph<'a>,
    room: &mut Room<'a>,
    job: u32,
    profiles: &[&str],
    needs: &[u32],
) -> Vec<Option<Why<'a>>> {
    graph.install(room, job, profiles);
    let installed = &room.installed;
    // For each need the best package: what nobody has first, since then nothing older will do; then what is nearest.
    let mut best: FxHashMap<u32, (usize, Option<u32>, Why<'a>)> = FxHashMap::default();
    for name in &installed.unmet {
        if let Some(maker) = graph.maker_of(name) {
            let name = std::str::from_utf8(name).unwrap_or("?");
            best.insert(maker, (0, None, Why { through: vec![name], chroot: false, there: false }));
        }
    }
    let own = installed.packages.iter().map(|&package| (package, false));
    for (package, chroot) in own.chain(graph.universe.base().map(|package| (package, true))) {
        let Some(maker) = graph.maker(package) else { continue };
        let far = graph.universe.depth(installed, package);
        if best.get(&maker).is_none_or(|(nearest, ..)| far < *nearest) {
            best.insert(maker, (far, Some(package), Why { through: Vec::new(), chroot, there: true }));
        }
    }
    for name in &installed.asked {
        if let Some(maker) = graph.maker_of(name) {
            let name = std::str::from_utf8(name).unwrap_or("?");
            let asked = || (1, None, Why { through: vec![name], chroot: false, there: true });
            best.entry(maker).or_insert_with(asked);
        }
    }
    let found = needs.iter().map(|need| best.get(need));
    found
        .map(|best| {
            best.map(|(_, package, why)| match package {
                Some(package) => Why { through: graph.universe.chain(installed, *package), ..why.clone() },
                None => why.clone(),
            })
        })
        .collect()
}

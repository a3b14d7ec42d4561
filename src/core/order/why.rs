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
    let place: FxHashMap<u32, usize> = needs.iter().copied().zip(0..).collect();
    // For each need what nobody has comes first, since then nothing older will do; then what is nearest.
    let mut nearest: Vec<Option<(usize, u32, bool)>> = vec![None; needs.len()];
    let own = installed.packages.iter().map(|&package| (package, false));
    for (package, chroot) in own.chain(graph.universe.base().map(|package| (package, true))) {
        let Some(at) = graph.maker(package).and_then(|maker| place.get(&maker)) else { continue };
        let far = graph.universe.depth(installed, package);
        if nearest[*at].is_none_or(|(best, ..)| far < best) {
            nearest[*at] = Some((far, package, chroot));
        }
    }
    let packages = nearest.into_iter().map(|found| {
        found.map(|(_, package, chroot)| Why { through: graph.universe.chain(installed, package), chroot, there: true })
    });
    let mut found: Vec<Option<Why<'a>>> = packages.collect();
    for (names, there) in [(&installed.asked, true), (&installed.unmet, false)] {
        for name in names {
            let Some(&at) = graph.maker_of(name).and_then(|maker| place.get(&maker)) else { continue };
            if !there || found[at].is_none() {
                let through = vec![std::str::from_utf8(name).unwrap_or("?")];
                found[at] = Some(Why { through, chroot: false, there });
            }
        }
    }
    found
}

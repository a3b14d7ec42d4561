//! Which packages cannot be installed beside each other.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::core::debian::packages::Package;
use crate::core::debian::relation;
use crate::core::install::lists::Lists;
use crate::core::install::offers::{MultiArch, Offers, Side};

/// For each package those that exclude it, whoever of the two says so.
///
/// Conflicts and Breaks count, Replaces does not. A package never excludes one of its own name by a field (its Provides,
/// or itself for another architecture), as for dpkg.
pub fn all(packages: &[Package<'_>], offers: &Offers<'_>) -> Lists {
    let declared = |(number, package): (usize, &Package<'_>)| {
        let number = number as u32;
        let mut pairs = Vec::new();
        if offers.traits[number as usize].side == Side::Hidden {
            return pairs;
        }
        for field in [package.conflicts, package.breaks] {
            relation::for_each(field, |_, excluded| {
                if excluded.holds(offers.host, &[]) && excluded.name != package.name.as_bytes() {
                    let others = offers.meant(&excluded);
                    let others = others.filter(|&other| packages[other as usize].name != package.name);
                    pairs.extend(others.flat_map(|other| [(number, other), (other, number)]));
                }
            });
        }
        pairs
    };
    let mut pairs: Vec<(u32, u32)> =
        packages.par_iter().enumerate().with_min_len(1024).flat_map_iter(declared).collect();
    pairs.extend(of_architectures(packages, offers));
    pairs.sort_unstable();
    pairs.dedup();
    Lists::of_pairs(packages.len(), &pairs)
}

/// Packages of one name and two architectures: beside each other only when both are `same` and of one version.
fn of_architectures(packages: &[Package<'_>], offers: &Offers<'_>) -> Vec<(u32, u32)> {
    if offers.build == offers.host {
        return Vec::new();
    }
    let numbers =
        |side: Side| (0u32..).zip(packages).filter(move |(number, _)| offers.traits[*number as usize].side == side);
    let native: FxHashMap<&str, u32> = numbers(Side::Build).map(|(number, package)| (package.name, number)).collect();
    let same = |number: u32| offers.traits[number as usize].multi_arch == MultiArch::Same;
    let mut pairs = Vec::new();
    for (number, package) in numbers(Side::Host) {
        let Some(&other) = native.get(package.name) else { continue };
        let beside = same(number) && same(other) && package.version == packages[other as usize].version;
        if !beside {
            pairs.extend([(number, other), (other, number)]);
        }
    }
    pairs
}

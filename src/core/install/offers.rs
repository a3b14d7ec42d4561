//! Who offers a name: the packages that have it and those that provide it, and which of them a relation reaches.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::core::debian::packages::Package;
use crate::core::debian::relation::{self, Relation};
use crate::core::debian::version;

/// Which of the two architectures a package is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The one that the build runs on; packages for `all` count as its own, as for dpkg.
    Build,
    /// The one that is built for, where it is another.
    Host,
    /// Neither, or a package that another version hides.
    Hidden,
}

/// `Multi-Arch:`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MultiArch {
    /// `no`, or nothing.
    No,
    /// `same`: can be installed for several architectures in the same version.
    Same,
    /// `foreign`: satisfies relations of packages of any architecture.
    Foreign,
    /// `allowed`: does so for relations that say `:any`.
    Allowed,
}

/// What resolving looks at again and again, in few bytes.
#[derive(Debug, Clone, Copy)]
pub struct Traits {
    /// For which architecture.
    pub side: Side,
    /// `Multi-Arch:`
    pub multi_arch: MultiArch,
}

/// A package that offers a name.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// Its number.
    pub package: u32,
    /// For which architecture it offers it.
    pub side: Side,
    /// Whether it is the name's own package.
    pub real: bool,
    /// The version; an unversioned Provides has none.
    pub version: Option<&'a [u8]>,
}

/// All offers, by name.
#[derive(Debug)]
pub struct Offers<'a> {
    /// The two architectures; the same one twice without a foreign one.
    pub build: &'a str,
    /// See `build`.
    pub host: &'a str,
    /// By number of package.
    pub traits: Vec<Traits>,
    by_name: FxHashMap<&'a [u8], (u32, u32)>,
    offers: Vec<Offer<'a>>,
}

/// How many packages one task reads at once.
const PART: usize = 2048;

impl<'a> Offers<'a> {
    /// Reads the names and the Provides of all packages.
    pub fn new(packages: &[Package<'a>], build: &'a str, host: &'a str) -> Offers<'a> {
        let mut traits: Vec<Traits> = packages.iter().map(|package| traits_of(package, build, host)).collect();
        hide_duplicates(packages, &mut traits);
        let read = |(part, some): (usize, &[Package<'a>])| {
            let mut found: Vec<(&'a [u8], Offer<'a>)> = Vec::with_capacity(some.len() * 3);
            for (number, package) in ((part * PART) as u32..).zip(some) {
                let side = traits[number as usize].side;
                if side != Side::Hidden {
                    let version = Some(package.version.as_bytes());
                    found.push((package.name.as_bytes(), Offer { package: number, side, real: true, version }));
                    provides(package.provides, number, side, build, host, &mut found);
                }
            }
            found
        };
        let found: Vec<Vec<(&[u8], Offer<'_>)>> = packages.par_chunks(PART).enumerate().map(read).collect();
        let mut offers = Offers { build, host, traits, by_name: FxHashMap::default(), offers: Vec::new() };
        offers.sort_in(&found);
        offers
    }

    fn sort_in(&mut self, found: &[Vec<(&'a [u8], Offer<'a>)>]) {
        let count: usize = found.iter().map(Vec::len).sum();
        let mut names = Vec::with_capacity(count);
        let mut counts: Vec<u32> = Vec::new();
        self.by_name.reserve(count / 2);
        for &(name, _) in found.iter().flatten() {
            let next = counts.len() as u32;
            let (number, _) = *self.by_name.entry(name).or_insert((next, 0));
            if number == next {
                counts.push(0);
            }
            counts[number as usize] += 1;
            names.push(number);
        }
        let mut starts = Vec::with_capacity(counts.len());
        let mut end = 0;
        for count in &counts {
            starts.push(end);
            end += count;
        }
        for place in self.by_name.values_mut() {
            *place = (starts[place.0 as usize], counts[place.0 as usize]);
        }
        let empty = Offer { package: 0, side: Side::Hidden, real: false, version: None };
        self.offers = vec![empty; count];
        let mut next = starts.clone();
        for (&name, (_, offer)) in names.iter().zip(found.iter().flatten()) {
            self.offers[next[name as usize] as usize] = *offer;
            next[name as usize] += 1;
        }
        // The name's own package goes before those that provide it, and what can run here before what cannot.
        for (&start, &count) in starts.iter().zip(&counts).filter(|(_, count)| **count > 1) {
            let offers = &mut self.offers[start as usize..(start + count) as usize];
            offers.sort_by_key(|offer| (!offer.real, offer.side, offer.package));
        }
    }

    /// Who offers a name, its own packages first.
    pub fn of(&self, name: &[u8]) -> &[Offer<'a>] {
        let (start, count) = self.by_name.get(name).copied().unwrap_or_default();
        &self.offers[start as usize..(start + count) as usize]
    }

    /// Whether an offer is for the architecture that a relation of a package of `from` asks for; as dpkg's
    /// `archsatisfied`.
    pub fn reaches(&self, offer: &Offer<'_>, qualifier: &[u8], from: Side) -> bool {
        let multi_arch = self.traits[offer.package as usize].multi_arch;
        match qualifier {
            b"" => offer.side == from || multi_arch == MultiArch::Foreign,
            b"any" => multi_arch == MultiArch::Allowed,
            named => Some(offer.side) == side_of(named, self.build, self.host),
        }
    }

    /// The packages that satisfy one alternative, each once, the best first, put after those that are in `into`.
    pub fn satisfying(&self, relation: &Relation<'_>, from: Side, into: &mut Vec<u32>) {
        for offer in self.of(relation.name) {
            if relation.operator.accepts(offer.version, relation.version)
                && self.reaches(offer, relation.qualifier, from)
                && !into.contains(&offer.package)
            {
                into.push(offer.package);
            }
        }
    }

    /// The packages that a Conflicts or Breaks means: those of any architecture unless it names one.
    pub fn meant(&self, relation: &Relation<'_>) -> impl Iterator<Item = u32> {
        let side = match relation.qualifier {
            b"" | b"any" => Some(None),
            named => side_of(named, self.build, self.host).map(Some),
        };
        self.of(relation.name)
            .iter()
            .filter(move |offer| side.is_some_and(|side| side.is_none_or(|side| side == offer.side)))
            .filter(|offer| relation.operator.accepts(offer.version, relation.version))
            .map(|offer| offer.package)
    }
}

/// Which side a qualifier other than `any` names.
fn side_of(qualifier: &[u8], build: &str, host: &str) -> Option<Side> {
    match qualifier {
        b"native" => Some(Side::Build),
        name if name == build.as_bytes() => Some(Side::Build),
        name if name == host.as_bytes() => Some(Side::Host),
        _ => None,
    }
}

fn traits_of(package: &Package<'_>, build: &str, host: &str) -> Traits {
    let side = match package.architecture {
        "all" => Side::Build,
        name if name == build => Side::Build,
        name if name == host => Side::Host,
        _ => Side::Hidden,
    };
    let multi_arch = match package.multi_arch {
        b"same" => MultiArch::Same,
        b"foreign" => MultiArch::Foreign,
        b"allowed" => MultiArch::Allowed,
        _ => MultiArch::No,
    };
    Traits { side, multi_arch }
}

/// Of packages of one name and side only the latest is seen, and of equal ones the first.
fn hide_duplicates(packages: &[Package<'_>], traits: &mut [Traits]) {
    let mut best: FxHashMap<(&str, Side), u32> = FxHashMap::default();
    best.reserve(packages.len());
    for (number, package) in (0u32..).zip(packages) {
        let side = traits[number as usize].side;
        if side == Side::Hidden {
            continue;
        }
        let place = best.entry((package.name, side)).or_insert(number);
        if *place == number {
            continue;
        }
        let there = packages[*place as usize].version;
        let later = version::compare(package.version.as_bytes(), there.as_bytes()).is_gt();
        let hidden = if later { std::mem::replace(place, number) } else { number };
        traits[hidden as usize].side = Side::Hidden;
    }
}

fn provides<'a>(
    field: &'a [u8],
    package: u32,
    side: Side,
    build: &str,
    host: &str,
    found: &mut Vec<(&'a [u8], Offer<'a>)>,
) {
    relation::for_each(field, |_, provided| {
        let side = match provided.qualifier {
            b"" | b"any" => side,
            named => side_of(named, build, host).unwrap_or(Side::Hidden),
        };
        let version = (!provided.version.is_empty()).then_some(provided.version);
        found.push((provided.name, Offer { package, side, real: false, version }));
    });
}

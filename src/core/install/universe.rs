//! The packages that can be installed, with all relations between them resolved.

use crate::core::debian::packages::Package;
use crate::core::install::choices::{self, Choices, Key};
use crate::core::install::dead;
use crate::core::install::exclusions;
use crate::core::install::lists::Lists;
use crate::core::install::offers::{Offers, Side};

/// Which architectures builds are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Architectures<'a> {
    /// The one that builds run on.
    pub build: &'a str,
    /// The one they are for; the same unless they are cross builds.
    pub host: &'a str,
}

impl<'a> Architectures<'a> {
    /// Builds on an architecture for itself.
    pub fn native(architecture: &'a str) -> Architectures<'a> {
        Architectures { build: architecture, host: architecture }
    }
}

/// Packages by their number in the slice it was made of, with their relations.
#[derive(Debug)]
pub struct Universe<'a> {
    /// The packages; those of other architectures and superseded versions are among them, and never installed.
    pub packages: &'a [Package<'a>],
    pub(super) offers: Offers<'a>,
    pub(super) choices: Choices<'a>,
    /// The packages that each package cannot do without, since nothing else satisfies what it needs.
    pub(super) forced: Lists,
    /// The choices that each package leaves where there is more than one candidate.
    pub(super) open: Lists,
    /// What excludes each package.
    pub(super) exclusions: Lists,
    /// See [`dead::causes`].
    pub(super) causes: Vec<Option<u32>>,
}

impl<'a> Universe<'a> {
    /// Over what a view shows (see [`super::layers::visible`] for several archives). Where a name is there twice for an
    /// architecture, the later version is seen.
    pub fn new(packages: &'a [Package<'a>], architectures: Architectures<'a>) -> Universe<'a> {
        let offers = Offers::new(packages, architectures.build, architectures.host);
        let (mut choices, exclusions) =
            rayon::join(|| Choices::new(packages, &offers), || exclusions::all(packages, &offers));
        let causes = dead::causes(&choices.candidates, &choices.needs);
        if causes.iter().any(Option::is_some) {
            // What can never be installed is no candidate; that ends most searches before they begin.
            let mut alive = Lists::default();
            for choice in 0..choices.candidates.len() as u32 {
                let candidates = choices.candidates.get(choice).iter().copied();
                alive.push(candidates.filter(|&candidate| causes[candidate as usize].is_none()));
            }
            choices.candidates = alive;
        }
        let (forced, open) = forced_and_open(&choices);
        Universe { packages, offers, choices, forced, open, exclusions, causes }
    }

    /// A package by its number.
    pub fn package(&self, number: u32) -> &Package<'a> {
        &self.packages[number as usize]
    }

    /// Which architectures it is about.
    pub fn architectures(&self) -> Architectures<'a> {
        Architectures { build: self.offers.build, host: self.offers.host }
    }

    /// The side that unqualified build-dependencies are wanted from.
    pub(super) fn host_side(&self) -> Side {
        if self.offers.build == self.offers.host { Side::Build } else { Side::Host }
    }

    /// The numbers of the packages that can be seen.
    pub fn visible(&self) -> impl Iterator<Item = u32> {
        let sides = (0u32..).zip(&self.offers.traits);
        sides.filter(|(_, traits)| traits.side != Side::Hidden).map(|(number, _)| number)
    }

    /// The Essential packages of the architecture that builds run on.
    pub(super) fn essential(&self) -> Vec<u32> {
        let of_build = |&number: &u32| self.offers.traits[number as usize].side == Side::Build;
        self.visible().filter(of_build).filter(|&number| self.package(number).essential).collect()
    }

    /// All that satisfies the relation of a package, what can never be installed included.
    pub(super) fn satisfying(&self, key: Key<'_>) -> Vec<u32> {
        let mut found = Vec::new();
        choices::satisfying(key, &self.offers, &mut found);
        found
    }
}

/// Takes what packages need apart, since most of it leaves no choice: packages, and choices.
fn forced_and_open(choices: &Choices<'_>) -> (Lists, Lists) {
    let (mut forced, mut open) = (Lists::default(), Lists::default());
    let mut only: Vec<u32> = Vec::new();
    for package in 0..choices.needs.len() as u32 {
        let needs = choices.needs.get(package);
        only.clear();
        for &choice in needs {
            if let &[candidate] = choices.candidates.get(choice)
                && !only.contains(&candidate)
            {
                only.push(candidate);
            }
        }
        forced.push(only.iter().copied());
        open.push(needs.iter().copied().filter(|&choice| choices.candidates.get(choice).len() != 1));
    }
    (forced, open)
}

//! What satisfies a relation: the package of that name, or one that provides it.
//!
//! A whole archive asks a million times. What is looked at for an answer lies close together here, since the names and
//! versions in the index itself are each in a place of its own that the processor would have to wait for.

use std::hash::BuildHasher;

use rayon::prelude::*;
use rustc_hash::FxBuildHasher;

use super::csr::Csr;
use super::needs::NOBODY;
use crate::core::debian::packages::Package;
use crate::core::debian::relation::{self, Operator, Relation};

/// What packages offer, by name.
pub struct Offers<'a> {
    architecture: &'a str,
    names: Names,
    /// The package of each name; `NOBODY` where it is only provided.
    real: Vec<u32>,
    /// By number of the package.
    versions: Texts,
    /// Whether a package is `Multi-Arch: allowed`.
    allowed: Vec<bool>,
    /// What provides each name, by place in `provided`.
    providers: Csr,
    provided: Vec<Provided<'a>>,
}

/// One relation of a `Provides` field.
struct Provided<'a> {
    name: &'a [u8],
    version: Option<&'a [u8]>,
    by: u32,
}

/// How a package satisfies a relation.
#[derive(Clone, Copy)]
pub enum Way {
    /// By its name.
    Itself,
    /// By what it provides.
    Provides,
}

impl<'a> Offers<'a> {
    /// Of packages, by their number in the slice. Where a name is there twice, the last one has it.
    pub fn new(packages: &[Package<'a>], architecture: &'a str) -> Offers<'a> {
        let parts: Vec<Part<'a>> = packages.par_chunks(1024).map(Part::new).collect();
        let (mut provided, mut of_provided, mut real) = (Vec::new(), Vec::new(), Vec::new());
        let mut names = Names::with_room(parts.iter().map(|part| part.hashes.len()).sum());
        let mut versions = Texts::default();
        for part in parts {
            let first = versions.len() as u32;
            let mut texts = (0..).zip(&part.hashes).map(|(at, &hash)| names.number(part.names.of(at), hash));
            for (number, name) in (first..).zip(texts.by_ref().take(part.versions.len())) {
                real.resize(real.len().max(name as usize + 1), NOBODY);
                real[name as usize] = number;
            }
            of_provided.extend(texts);
            for at in (0..).take(part.versions.len()) {
                versions.push(part.versions.of(at));
            }
            provided.extend(part.provided.into_iter().map(|provided| Provided { by: first + provided.by, ..provided }));
        }
        real.resize(names.texts.len(), NOBODY);
        let providers = Csr::of_pairs(real.len(), of_provided.iter().copied().zip(0..));
        let allowed = packages.iter().map(|package| package.multi_arch == b"allowed").collect();
        Offers { architecture, names, real, versions, allowed, providers, provided }
    }

    /// The number of a name that some package has or provides.
    pub fn name(&self, name: &[u8]) -> Option<u32> {
        self.names.find(name, hash(name)).ok()
    }

    /// How many names have numbers.
    pub fn names(&self) -> usize {
        self.real.len()
    }

    /// The package of this name.
    pub fn package(&self, name: &[u8]) -> Option<u32> {
        Some(self.real[self.name(name)? as usize]).filter(|&number| number != NOBODY)
    }

    /// The package that satisfies an alternative: the real one of that name, or else the first that provides it.
    pub fn satisfier(&self, relation: &Relation<'_>) -> Option<(u32, Way)> {
        let here = matches!(relation.qualifier, b"" | b"any" | b"native");
        if !here && relation.qualifier != self.architecture.as_bytes() {
            return None;
        }
        let fits = |number: u32, version: Option<&[u8]>| {
            let any = relation.qualifier != b"any" || self.allowed[number as usize];
            any && relation.operator.accepts(version, relation.version)
        };
        let name = self.name(relation.name)?;
        let real = self.real[name as usize];
        // Versions lie in yet another place, and most relations ask for none.
        let version = || (relation.operator != Operator::Any).then(|| self.versions.of(real));
        if real != NOBODY && fits(real, version()) {
            return Some((real, Way::Itself));
        }
        let mut providers = self.providers.of(name).iter().map(|&at| &self.provided[at as usize]);
        providers.find(|provided| fits(provided.by, provided.version)).map(|provided| (provided.by, Way::Provides))
    }
}

/// What a run of packages offers, read by one thread.
#[derive(Default)]
struct Part<'a> {
    /// The names of the packages, then those of what they provide.
    names: Texts,
    hashes: Vec<u64>,
    versions: Texts,
    /// By number in the run.
    provided: Vec<Provided<'a>>,
}

impl<'a> Part<'a> {
    fn new(packages: &[Package<'a>]) -> Part<'a> {
        let mut part = Part::default();
        for (by, package) in (0..).zip(packages) {
            part.name(package.name.as_bytes());
            part.versions.push(package.version.as_bytes());
            relation::for_each(package.provides, |_, Relation { name, version, .. }| {
                part.provided.push(Provided { name, version: (!version.is_empty()).then_some(version), by });
            });
        }
        for at in 0..part.provided.len() {
            part.name(part.provided[at].name);
        }
        part
    }

    fn name(&mut self, name: &[u8]) {
        self.names.push(name);
        self.hashes.push(hash(name));
    }
}

fn hash(name: &[u8]) -> u64 {
    FxBuildHasher.hash_one(name)
}

/// Numbers for names: a table of hashes, each with the number of the name that has it.
struct Names {
    /// A fifth of them is free at least, and more than half where names come twice, as most do: a small table stays near
    /// to the processor.
    slots: Vec<Slot>,
    texts: Texts,
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u32,
    number: u32,
}

impl Names {
    /// For so many names at most.
    fn with_room(most: usize) -> Names {
        let free = Slot { hash: 0, number: NOBODY };
        Names { slots: vec![free; (most + most / 4 + 2).next_power_of_two()], texts: Texts::default() }
    }

    /// The number of a name, which gets one if it has none.
    fn number(&mut self, name: &[u8], hash: u64) -> u32 {
        self.find(name, hash).unwrap_or_else(|(at, hash)| {
            self.slots[at] = Slot { hash, number: self.texts.push(name) };
            self.slots[at].number
        })
    }

    /// The number of a name, or else the slot that it would have, and its hash.
    fn find(&self, name: &[u8], hash: u64) -> Result<u32, (usize, u32)> {
        let (mask, short) = (self.slots.len() - 1, (hash >> 32) as u32);
        let mut at = hash as usize & mask;
        loop {
            let Slot { hash, number } = self.slots[at];
            if number == NOBODY {
                return Err((at, short));
            }
            if hash == short && self.texts.of(number) == name {
                return Ok(number);
            }
            at = (at + 1) & mask;
        }
    }
}

/// Short texts, one after the other.
#[derive(Default)]
struct Texts {
    /// Where each ends.
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl Texts {
    fn push(&mut self, text: &[u8]) -> u32 {
        self.bytes.extend_from_slice(text);
        self.ends.push(u32::try_from(self.bytes.len()).expect("the names of an archive are less than 4 GB"));
        (self.ends.len() - 1) as u32
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn of(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..self.ends[number] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number_and_no_other_has_it() {
        let texts: Vec<String> = (0..1000).map(|number| format!("name{number}")).collect();
        let mut names = Names::with_room(texts.len());
        for _ in 0..2 {
            for (number, text) in (0..).zip(&texts) {
                assert_eq!(names.number(text.as_bytes(), hash(text.as_bytes())), number);
            }
        }
        assert!(names.find(b"name", hash(b"name")).is_err() && Names::with_room(0).find(b"", 0).is_err());
    }
}

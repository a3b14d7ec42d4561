//! Relations with what satisfies them: the same text wanted from the same side is the same choice.

use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::core::debian::packages::Package;
use crate::core::debian::relation;
use crate::core::install::lists::Lists;
use crate::core::install::offers::{Offers, Side, Traits};

/// The text of a relation and the side it is wanted from.
pub type Key<'a> = (&'a [u8], Side);

/// All choices that packages leave, and who leaves them.
#[derive(Debug)]
pub struct Choices<'a> {
    /// By number of choice.
    pub texts: Vec<Key<'a>>,
    /// What satisfies each, the best first.
    pub candidates: Lists,
    /// Which choices each package leaves.
    pub needs: Lists,
    by_text: FxHashMap<Key<'a>, u32>,
}

/// How many packages one task reads at once.
const PART: usize = 2048;

/// What one part of the packages needs, in numbers of its own.
struct Part<'a> {
    texts: Vec<Key<'a>>,
    needs: Lists,
}

impl<'a> Choices<'a> {
    /// Reads what all packages need.
    pub fn new(packages: &[Package<'a>], offers: &Offers<'a>) -> Choices<'a> {
        let parts: Vec<Part<'a>> = packages
            .par_chunks(PART)
            .enumerate()
            .map(|(part, some)| read(some, &offers.traits[part * PART..]))
            .collect();
        let mut by_text: FxHashMap<Key<'a>, u32> = FxHashMap::default();
        let (mut texts, mut needs) = (Vec::new(), Lists::default());
        by_text.reserve(parts.iter().map(|part| part.texts.len()).sum::<usize>() / 2);
        for part in &parts {
            let numbers: Vec<u32> = part
                .texts
                .iter()
                .map(|&key| {
                    *by_text.entry(key).or_insert_with(|| {
                        texts.push(key);
                        texts.len() as u32 - 1
                    })
                })
                .collect();
            for package in 0..part.needs.len() as u32 {
                needs.push(part.needs.get(package).iter().map(|&choice| numbers[choice as usize]));
            }
        }
        let parts: Vec<Lists> = texts
            .par_chunks(PART)
            .map(|some| {
                let (mut lists, mut found) = (Lists::default(), Vec::new());
                for &key in some {
                    found.clear();
                    satisfying(key, offers, &mut found);
                    lists.push(found.iter().copied());
                }
                lists
            })
            .collect();
        let mut candidates = Lists::default();
        for part in &parts {
            (0..part.len() as u32).for_each(|choice| candidates.push(part.get(choice).iter().copied()));
        }
        Choices { texts, candidates, needs, by_text }
    }

    /// The choice of that text, if a package has it.
    pub fn find(&self, key: Key<'_>) -> Option<u32> {
        self.by_text.get(&key).copied()
    }
}

/// What satisfies a relation of a package: all its alternatives count.
pub fn satisfying((text, from): Key<'_>, offers: &Offers<'_>, found: &mut Vec<u32>) {
    // What dpkg could not read, nothing can satisfy.
    if relation::fault(text).is_none() {
        relation::for_each(text, |_, alternative| {
            if alternative.holds(offers.host, &[]) {
                offers.satisfying(&alternative, from, found);
            }
        });
    }
}

fn read<'a>(packages: &[Package<'a>], traits: &[Traits]) -> Part<'a> {
    let mut numbers: FxHashMap<Key<'a>, u32> = FxHashMap::with_capacity_and_hasher(PART * 4, FxBuildHasher);
    let (mut texts, mut needs, mut list) = (Vec::new(), Lists::default(), Vec::new());
    for (package, traits) in packages.iter().zip(traits) {
        list.clear();
        for field in [package.pre_depends, package.depends] {
            // A hidden package is never installed; what it needs does not matter.
            for text in relation::texts(field).filter(|_| traits.side != Side::Hidden) {
                let key = (text, traits.side);
                list.push(*numbers.entry(key).or_insert_with(|| {
                    texts.push(key);
                    texts.len() as u32 - 1
                }));
            }
        }
        needs.push(list.iter().copied());
    }
    Part { texts, needs }
}

//! The relations that requests bring along, as choices: those that packages have too, or ones of their own.

use rustc_hash::FxHashMap;

use crate::core::debian::relation::{self, Relation};
use crate::core::install::choices::Key;
use crate::core::install::lists::Lists;
use crate::core::install::offers::Side;
use crate::core::install::request::{Alternatives, Request};
use crate::core::install::universe::Universe;

/// What requests asked for so far; kept while they are read in the same way, since most of them ask for the same.
#[derive(Debug)]
pub struct Local<'a> {
    texts: Vec<Key<'a>>,
    candidates: Lists,
    /// `None` for a relation that does not hold here.
    by_text: FxHashMap<Key<'a>, Option<u32>>,
    profiles: Vec<String>,
    alternatives: Alternatives,
}

impl<'a> Local<'a> {
    /// Of no requests yet.
    pub fn new() -> Local<'a> {
        Local {
            texts: Vec::new(),
            candidates: Lists::default(),
            by_text: FxHashMap::default(),
            profiles: Vec::new(),
            alternatives: Alternatives::Any,
        }
    }

    /// From here on relations are read as this request wants it.
    pub fn read_as(&mut self, request: &Request<'_>) {
        if self.alternatives != request.alternatives || self.profiles != request.profiles {
            *self = Local::new();
            self.profiles = request.profiles.iter().map(|&profile| profile.to_owned()).collect();
            self.alternatives = request.alternatives;
        }
    }

    /// The choice that the text of a relation leaves; `None` when it does not hold here.
    pub fn choice(&mut self, universe: &Universe<'a>, key: Key<'a>) -> Option<u32> {
        let (text, from) = key;
        let plain = !text.iter().zip(text.iter().skip(1)).any(|(&before, &byte)| match byte {
            b'[' => true,
            // Not the one of an operator, which stands behind `(` or another one.
            b'<' => before != b'(' && before != b'<',
            _ => false,
        });
        let whole = self.alternatives == Alternatives::Any || memchr::memchr(b'|', text).is_none();
        if plain
            && whole
            && let Some(choice) = universe.choices.find(key)
        {
            return Some(choice);
        }
        if let Some(&known) = self.by_text.get(&key) {
            return known;
        }
        let choice = self.resolve(universe, text, from).map(|candidates| {
            self.candidates.push(candidates);
            self.texts.push(key);
            (universe.choices.texts.len() + self.texts.len() - 1) as u32
        });
        self.by_text.insert(key, choice);
        choice
    }

    fn resolve(&self, universe: &Universe<'_>, text: &[u8], from: Side) -> Option<Vec<u32>> {
        if relation::fault(text).is_some() {
            return Some(Vec::new());
        }
        let alternatives = self.alternatives(universe, text);
        if alternatives.is_empty() {
            return None;
        }
        let mut found = Vec::new();
        alternatives.iter().for_each(|alternative| universe.offers.satisfying(alternative, from, &mut found));
        found.retain(|&package| universe.causes[package as usize].is_none());
        Some(found)
    }

    /// The alternatives of a request's relation that count.
    fn alternatives<'t>(&self, universe: &Universe<'_>, text: &'t [u8]) -> Vec<Relation<'t>> {
        let profiles: Vec<&str> = self.profiles.iter().map(String::as_str).collect();
        let mut counting: Vec<Relation<'t>> = Vec::new();
        relation::for_each(text, |_, relation| {
            let like_first =
                |first: &Relation<'_>| (first.name, first.qualifier) == (relation.name, relation.qualifier);
            let counts = match self.alternatives {
                Alternatives::Any => true,
                Alternatives::First => counting.first().is_none_or(like_first),
            };
            if counts && relation.holds(universe.offers.host, &profiles) {
                counting.push(relation);
            }
        });
        counting
    }

    /// What can be taken for a choice.
    pub fn candidates<'s>(&'s self, universe: &'s Universe<'a>, choice: u32) -> &'s [u32] {
        match choice.checked_sub(universe.choices.texts.len() as u32) {
            Some(own) => self.candidates.get(own),
            None => universe.choices.candidates.get(choice),
        }
    }

    /// Text and side of a choice.
    pub fn key(&self, universe: &Universe<'a>, choice: u32) -> Key<'a> {
        match choice.checked_sub(universe.choices.texts.len() as u32) {
            Some(own) => self.texts[own as usize],
            None => universe.choices.texts[choice as usize],
        }
    }

    /// The alternatives of a choice that count: all of them where it is one that packages have.
    pub fn counting(&self, universe: &Universe<'a>, choice: u32) -> Vec<Relation<'a>> {
        let (text, _) = self.key(universe, choice);
        if (choice as usize) < universe.choices.texts.len() {
            let mut all = Vec::new();
            relation::for_each(text, |_, relation| all.push(relation));
            all.retain(|relation| relation.holds(universe.offers.host, &[]));
            return all;
        }
        self.alternatives(universe, text)
    }

    /// How many choices of their own requests brought.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// The packages that `Build-Conflicts` and the like mean.
    pub fn banned(&self, universe: &Universe<'_>, field: &[u8], into: &mut Vec<u32>) {
        let profiles: Vec<&str> = self.profiles.iter().map(String::as_str).collect();
        relation::for_each(field, |_, relation| {
            if relation.holds(universe.offers.host, &profiles) {
                into.extend(universe.offers.meant(&relation));
            }
        });
    }
}

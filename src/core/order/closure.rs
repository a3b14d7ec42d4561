//! What gets installed for a set of relations: the closure over the first alternatives that can be had.
//!
//! This takes what apt would take in nearly all cases; conflicts are not looked at here.

use rustc_hash::FxHashMap;

use crate::core::build::CHROOT_PACKAGES;
use crate::core::debian::packages::Package;
use crate::core::debian::relation::{self, Relation};

/// Who provides a name, and as which version, if any.
type Provider<'a> = (u32, Option<&'a [u8]>);

/// The packages that can be installed, with who provides what.
pub struct Universe<'a> {
    packages: &'a [Package<'a>],
    by_name: FxHashMap<&'a [u8], u32>,
    providers: FxHashMap<&'a [u8], Vec<Provider<'a>>>,
    architecture: &'a str,
}

/// A relation that nothing satisfies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// In words: `needs libfoo-dev (>= 2), only 1.9 is there`.
    pub reason: String,
}

impl<'a> Universe<'a> {
    /// Over what a view shows.
    pub fn new(packages: &'a [Package<'a>], architecture: &'a str) -> Universe<'a> {
        let mut by_name = FxHashMap::default();
        let mut providers: FxHashMap<&[u8], Vec<Provider<'_>>> = FxHashMap::default();
        for (number, package) in (0..).zip(packages) {
            by_name.insert(package.name.as_bytes(), number);
            relation::for_each(package.provides, |_, provided| {
                let version = (!provided.version.is_empty()).then_some(provided.version);
                providers.entry(provided.name).or_default().push((number, version));
            });
        }
        Universe { packages, by_name, providers, architecture }
    }

    /// A package by its number.
    pub fn package(&self, number: u32) -> &Package<'a> {
        &self.packages[number as usize]
    }

    /// The package that satisfies an alternative: the real one of that name, or else the first that provides it.
    fn satisfier(&self, relation: &Relation<'_>) -> Option<u32> {
        if !self.qualifier_fits(relation) {
            return None;
        }
        let real = self.by_name.get(relation.name).copied().filter(|&number| {
            let version = self.package(number).version.as_bytes();
            relation.operator.accepts(Some(version), relation.version) && self.any_fits(relation, number)
        });
        real.or_else(|| {
            let providers = self.providers.get(relation.name)?;
            let fits = |(number, version): &&Provider<'_>| {
                relation.operator.accepts(*version, relation.version) && self.any_fits(relation, *number)
            };
            providers.iter().find(fits).map(|(number, _)| *number)
        })
    }

    /// `:any` asks for a package that allows it.
    fn any_fits(&self, relation: &Relation<'_>, number: u32) -> bool {
        relation.qualifier != b"any" || self.package(number).multi_arch == b"allowed"
    }

    /// A qualifier that names another architecture cannot be satisfied here.
    fn qualifier_fits(&self, relation: &Relation<'_>) -> bool {
        matches!(relation.qualifier, b"" | b"any" | b"native") || relation.qualifier == self.architecture.as_bytes()
    }

    /// Why no alternative of a relation can be had.
    fn explain(&self, alternatives: &[Relation<'_>]) -> Missing {
        let wanted: Vec<String> = alternatives.iter().map(Relation::to_string).collect();
        let there: Vec<String> = alternatives
            .iter()
            .filter_map(|relation| self.by_name.get(relation.name))
            .map(|&number| self.package(number).version.to_owned())
            .collect();
        let rest = match there.as_slice() {
            [] => "which is not there".to_owned(),
            versions => format!("only {} is there", versions.join(", ")),
        };
        Missing { reason: format!("needs {}, {rest}", wanted.join(" | ")) }
    }
}

/// A growing set of packages to install.
pub struct Closure<'u, 'a> {
    universe: &'u Universe<'a>,
    installed: Vec<bool>,
    /// The packages, in the order they were taken.
    pub packages: Vec<u32>,
    /// What nothing satisfies.
    pub missing: Vec<Missing>,
    choices: Vec<Vec<Relation<'a>>>,
    waiting: Vec<u32>,
}

impl<'u, 'a> Closure<'u, 'a> {
    /// Of nothing.
    pub fn new(universe: &'u Universe<'a>) -> Closure<'u, 'a> {
        Closure {
            universe,
            installed: vec![false; universe.packages.len()],
            packages: Vec::new(),
            missing: Vec::new(),
            choices: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Of the Essential packages, apt and what builds need besides: what a chroot for building has.
    pub fn of_chroot(universe: &'u Universe<'a>) -> Closure<'u, 'a> {
        let mut closure = Closure::new(universe);
        for (number, package) in (0..).zip(universe.packages) {
            if package.essential {
                closure.take(number);
            }
        }
        closure.add(b"apt", &[]);
        for name in CHROOT_PACKAGES {
            closure.add(name.as_bytes(), &[]);
        }
        closure
    }

    /// The same set, to go on from.
    pub fn fork(&self) -> Closure<'u, 'a> {
        Closure {
            universe: self.universe,
            installed: self.installed.clone(),
            packages: self.packages.clone(),
            missing: self.missing.clone(),
            choices: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Adds what a field of build-dependencies asks for, with all it needs in turn. Of alternatives the first that holds
    /// here counts, as for sbuild's resolver, which drops the others.
    pub fn add_build(&mut self, field: &'a [u8], profiles: &[&str]) {
        for alternatives in relation::holding(field, self.universe.architecture, profiles) {
            self.want_one(&alternatives[..1]);
        }
        self.settle();
    }

    /// Adds what a relation field asks for, with all it needs in turn.
    pub fn add(&mut self, field: &'a [u8], profiles: &[&str]) {
        self.want(field, profiles);
        self.settle();
    }

    fn want(&mut self, field: &'a [u8], profiles: &[&str]) {
        for alternatives in relation::holding(field, self.universe.architecture, profiles) {
            match alternatives.as_slice() {
                [_] => self.want_one(&alternatives),
                // Alternatives are decided once all that has no choice is there, since that may satisfy them already.
                _ => self.choices.push(alternatives),
            }
        }
    }

    /// Takes what satisfies the one relation that is left.
    fn want_one(&mut self, only: &[Relation<'a>]) {
        match only.first().and_then(|relation| self.universe.satisfier(relation)) {
            Some(number) => self.take(number),
            None => self.missing.push(self.universe.explain(only)),
        }
    }

    fn take(&mut self, number: u32) {
        if !std::mem::replace(&mut self.installed[number as usize], true) {
            self.packages.push(number);
            self.waiting.push(number);
        }
    }

    fn settle(&mut self) {
        loop {
            while let Some(number) = self.waiting.pop() {
                let package = *self.universe.package(number);
                self.want(package.pre_depends, &[]);
                self.want(package.depends, &[]);
            }
            if self.choices.is_empty() {
                return;
            }
            let alternatives = self.choices.remove(0);
            let satisfiers: Vec<u32> =
                alternatives.iter().filter_map(|relation| self.universe.satisfier(relation)).collect();
            let satisfied = satisfiers.iter().any(|&number| self.installed[number as usize]);
            match satisfiers.first() {
                Some(_) if satisfied => {}
                Some(&first) => self.take(first),
                None => self.missing.push(self.universe.explain(&alternatives)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::archive::tests::stanza;
    use crate::core::debian::packages;

    fn check(universe: &[(&str, &str, &str)], wanted: &str) -> (Vec<String>, Vec<String>) {
        let text: String = universe.iter().map(|(name, version, more)| stanza(name, version, more)).collect();
        let (packages, malformed) = packages::read(text.as_bytes());
        assert_eq!(malformed, []);
        let universe = Universe::new(&packages, "amd64");
        let mut closure = Closure::new(&universe);
        closure.add(wanted.as_bytes(), &[]);
        let mut names: Vec<String> =
            closure.packages.iter().map(|&number| universe.package(number).name.to_owned()).collect();
        names.sort();
        (names, closure.missing.into_iter().map(|missing| missing.reason).collect())
    }

    #[test]
    fn what_is_needed_in_turn_is_taken_too() {
        let universe =
            [("a", "1", "Depends: b (>= 1)\n"), ("b", "1", "Pre-Depends: c\n"), ("c", "1", ""), ("d", "1", "")];
        assert_eq!(check(&universe, "a").0, ["a", "b", "c"]);
    }

    #[test]
    fn the_first_alternative_that_can_be_had_is_taken_unless_one_is_there_anyway() {
        let universe = [("a", "1", ""), ("b", "1", ""), ("c", "1", "Depends: b\n")];
        assert_eq!(check(&universe, "x | a | b").0, ["a"]);
        assert_eq!(check(&universe, "a | b, c").0, ["b", "c"]);
    }

    #[test]
    fn of_build_dependencies_the_first_alternative_that_holds_here_counts() {
        let text = [stanza("b", "1", ""), stanza("c", "1", "Depends: b\n")].concat();
        let (packages, _) = packages::read(text.as_bytes());
        let universe = Universe::new(&packages, "amd64");
        let mut closure = Closure::new(&universe);
        closure.add_build(b"c, x [i386] | b | x", &[]);
        assert!(closure.missing.is_empty());
        closure.add_build(b"x | b", &[]);
        assert_eq!(closure.missing[0].reason, "needs x, which is not there");
    }

    #[test]
    fn providers_count_and_a_versioned_relation_needs_a_versioned_provides() {
        let universe = [("a", "1", "Provides: v, w (= 2)\n")];
        assert_eq!(check(&universe, "v").0, ["a"]);
        assert_eq!(check(&universe, "w (>= 2)").0, ["a"]);
        assert_eq!(check(&universe, "v (>= 1)").1, ["needs v (>= 1), which is not there"]);
    }

    #[test]
    fn what_is_missing_is_said_with_the_version_that_is_there() {
        assert_eq!(check(&[("a", "1.9", "")], "a (>= 2)").1, ["needs a (>= 2), only 1.9 is there"]);
    }

    #[test]
    fn any_asks_for_multi_arch_allowed_and_another_architecture_is_not_there() {
        let universe = [("a", "1", "Multi-Arch: allowed\n"), ("b", "1", "")];
        assert_eq!(check(&universe, "a:any, a:native, b:amd64").1, Vec::<String>::new());
        assert_eq!(check(&universe, "b:any").1.len(), 1);
        assert_eq!(check(&universe, "b:armel").1.len(), 1);
    }
}

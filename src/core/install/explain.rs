//! Says why: the shortest chain to what is missing, or who excludes whom and who wants them.

use rustc_hash::FxHashMap;

use crate::core::debian::relation::{self, Relation};
use crate::core::install::local::Local;
use crate::core::install::offers::{Offer, Side};
use crate::core::install::refusal::{Exclusion, Refusal, Step, There};
use crate::core::install::search::{Fact, Question};
use crate::core::install::universe::Universe;

/// The shortest chain from one of the choices to what is missing; nothing if each of them can be satisfied.
pub fn missing(universe: &Universe<'_>, local: &Local<'_>, choices: &[u32]) -> Option<Refusal> {
    let lost = choices.iter().copied().filter(|&choice| local.candidates(universe, choice).is_empty());
    let chains = lost.map(|choice| chain(universe, local, choice));
    let (packages, choices) = chains.min_by_key(|(packages, _)| packages.len())?;
    let named = |(&package, &choice): (&u32, &u32)| step(universe, local, choice, package);
    let last = *choices.last().expect("a chain begins with a choice");
    Some(Refusal::Missing {
        steps: packages.iter().zip(&choices).map(named).collect(),
        relation: wording(universe, local, last),
        there: there(universe, local, last),
    })
}

/// All that satisfies a choice, what can never be installed included.
pub fn full_candidates(universe: &Universe<'_>, local: &Local<'_>, choice: u32) -> Vec<u32> {
    let (text, from) = local.key(universe, choice);
    if relation::fault(text).is_some() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for alternative in local.counting(universe, choice) {
        universe.offers.satisfying(&alternative, from, &mut found);
    }
    found
}

/// From a choice that nothing is left for to one that there never was anything for: the packages on the way, and the
/// choices, one more than packages.
fn chain(universe: &Universe<'_>, local: &Local<'_>, choice: u32) -> (Vec<u32>, Vec<u32>) {
    let (mut packages, mut choices) = (Vec::new(), vec![choice]);
    let mut at = choice;
    // Causes were found in rounds, so the one that is followed always comes nearer to the end.
    while let Some(package) = nearest(universe, &full_candidates(universe, local, at)) {
        at = universe.causes[package as usize].expect("a choice is lost when all that satisfies it is");
        packages.push(package);
        choices.push(at);
    }
    (packages, choices)
}

/// Of packages that can never be installed, the one whose cause needs the fewest words.
fn nearest(universe: &Universe<'_>, candidates: &[u32]) -> Option<u32> {
    candidates.iter().copied().min_by_key(|&candidate| {
        let mut depth = 0;
        let mut package = Some(candidate);
        while let Some(cause) = package.and_then(|package| universe.causes[package as usize]) {
            depth += 1;
            package = universe.satisfying(universe.choices.texts[cause as usize]).first().copied();
        }
        depth
    })
}

fn step(universe: &Universe<'_>, local: &Local<'_>, choice: u32, package: u32) -> Step {
    Step { relation: wording(universe, local, choice), package: universe.package(package).name.to_owned() }
}

/// A choice as its field has it, without what does not hold here.
fn wording(universe: &Universe<'_>, local: &Local<'_>, choice: u32) -> String {
    let (text, _) = local.key(universe, choice);
    if relation::fault(text).is_some() {
        return format!("`{}`", String::from_utf8_lossy(text));
    }
    let alternatives: Vec<String> = local.counting(universe, choice).iter().map(Relation::to_string).collect();
    alternatives.join(" | ")
}

/// What there is instead of a choice that nothing satisfies.
fn there(universe: &Universe<'_>, local: &Local<'_>, choice: u32) -> There {
    let (text, from) = local.key(universe, choice);
    if let Some(fault) = relation::fault(text) {
        return There::Malformed(fault);
    }
    let alternatives = local.counting(universe, choice);
    let offers: Vec<_> = alternatives
        .iter()
        .flat_map(|relation| universe.offers.of(relation.name).iter().map(move |offer| (relation, offer)))
        .collect();
    let reached = || offers.iter().filter(|(relation, offer)| universe.offers.reaches(offer, relation.qualifier, from));
    let unique = |mut texts: Vec<String>| {
        texts.dedup();
        texts
    };
    let versions: Vec<String> =
        reached().filter_map(|(_, offer)| offer.version).map(|it| String::from_utf8_lossy(it).into_owned()).collect();
    if !versions.is_empty() {
        return There::Versions(unique(versions));
    }
    let names: Vec<String> = reached().map(|(_, offer)| universe.package(offer.package).name.to_owned()).collect();
    if !names.is_empty() {
        return There::Unversioned(unique(names));
    }
    if offers.iter().any(|(relation, _)| relation.qualifier == b"any") {
        return There::NotAllowed;
    }
    let architectures = |(_, offer): &(&Relation<'_>, &Offer<'_>)| side_name(universe, offer.side);
    match offers.as_slice() {
        [] => There::Nothing,
        offers => There::Elsewhere(unique(offers.iter().map(architectures).collect())),
    }
}

fn side_name(universe: &Universe<'_>, side: Side) -> String {
    match side {
        Side::Build => universe.offers.build.to_owned(),
        Side::Host => universe.offers.host.to_owned(),
        Side::Hidden => "another architecture".to_owned(),
    }
}

/// Facts that cannot hold together, as who excludes whom.
pub fn excluded(question: &Question<'_, '_>, facts: &[Fact], conflicts: &[&[u8]]) -> Refusal {
    let chains = Chains::new(question, facts);
    let exclusions: Vec<Exclusion> = facts
        .iter()
        .filter_map(|fact| match *fact {
            Fact::Exclusive(one, other) => Some(exclusion(question.universe, &chains, one, other)),
            Fact::Banned(package) => Some(Exclusion::BuildConflicts {
                relation: banning(question, conflicts, package),
                package: chains.of(package),
            }),
            Fact::Essential(_) | Fact::Wanted(_) | Fact::Needs(_, _) => None,
        })
        .collect();
    let wanted = facts.iter().filter_map(|fact| match *fact {
        Fact::Wanted(choice) => Some(wording(question.universe, question.local, choice)),
        Fact::Essential(_) | Fact::Banned(_) | Fact::Needs(_, _) | Fact::Exclusive(_, _) => None,
    });
    Refusal::Excluded { wanted: wanted.collect(), exclusions }
}

/// How one comes to each package that the facts speak of.
struct Chains<'q, 'a> {
    question: &'q Question<'q, 'a>,
    /// The choice it was taken for, and who left that.
    came: FxHashMap<u32, (Option<u32>, Option<u32>)>,
}

impl<'q, 'a> Chains<'q, 'a> {
    /// By the shortest way through the facts.
    fn new(question: &'q Question<'q, 'a>, facts: &[Fact]) -> Chains<'q, 'a> {
        let mut came: FxHashMap<u32, (Option<u32>, Option<u32>)> = FxHashMap::default();
        let mut waiting: Vec<u32> = Vec::new();
        let mut reach = |choice: Option<u32>, from: Option<u32>, packages: &[u32], waiting: &mut Vec<u32>| {
            for &package in packages {
                came.entry(package).or_insert_with(|| {
                    waiting.push(package);
                    (choice, from)
                });
            }
        };
        let candidates = |choice: u32| question.local.candidates(question.universe, choice);
        for fact in facts {
            match *fact {
                Fact::Essential(package) => reach(None, None, &[package], &mut waiting),
                Fact::Wanted(choice) => reach(Some(choice), None, candidates(choice), &mut waiting),
                Fact::Banned(_) | Fact::Needs(_, _) | Fact::Exclusive(_, _) => {}
            }
        }
        let mut at = 0;
        while let Some(&package) = waiting.get(at) {
            at += 1;
            for fact in facts {
                match *fact {
                    Fact::Needs(owner, choice) if owner == package => {
                        reach(Some(choice), Some(package), candidates(choice), &mut waiting);
                    }
                    Fact::Needs(_, _) | Fact::Essential(_) | Fact::Wanted(_) => {}
                    Fact::Banned(_) | Fact::Exclusive(_, _) => {}
                }
            }
        }
        Chains { question, came }
    }

    fn of(&self, package: u32) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut at = Some(package);
        while let Some(package) = at {
            let (choice, from) = self.came.get(&package).copied().unwrap_or_default();
            let universe = self.question.universe;
            let relation = choice.map(|choice| wording(universe, self.question.local, choice)).unwrap_or_default();
            steps.push(Step { relation, package: universe.package(package).name.to_owned() });
            at = from;
        }
        steps.reverse();
        steps
    }
}

/// What one of two packages says about the other.
fn exclusion(universe: &Universe<'_>, chains: &Chains<'_, '_>, one: u32, other: u32) -> Exclusion {
    for (by, other) in [(one, other), (other, one)] {
        let package = universe.package(by);
        for (field, text) in [("Conflicts", package.conflicts), ("Breaks", package.breaks)] {
            if package.name != universe.package(other).name
                && let Some(relation) = meaning(universe, text, other)
            {
                return Exclusion::Declared { by: chains.of(by), field, relation, other: chains.of(other) };
            }
        }
    }
    let architecture = |package: u32| universe.package(package).architecture.to_owned();
    let architectures = [architecture(one), architecture(other)];
    Exclusion::Architectures { one: chains.of(one), other: chains.of(other), architectures }
}

/// The relation of a field that means a package.
fn meaning(universe: &Universe<'_>, field: &[u8], package: u32) -> Option<String> {
    let mut found = None;
    relation::for_each(field, |_, relation| {
        if found.is_none() && universe.offers.meant(&relation).any(|other| other == package) {
            found = Some(relation.to_string());
        }
    });
    found
}

/// The relation by which the request bans a package.
fn banning(question: &Question<'_, '_>, conflicts: &[&[u8]], package: u32) -> String {
    let name = || question.universe.package(package).name.to_owned();
    conflicts.iter().find_map(|field| meaning(question.universe, field, package)).unwrap_or_else(name)
}

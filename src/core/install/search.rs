//! What the first alternatives did not answer: a search over all that could be installed for one request, and where it
//! finds nothing, the few facts that cannot hold together.

use batsat::{BasicSolver, Lit, SolverInterface, Var, lbool};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::core::install::local::Local;
use crate::core::install::universe::Universe;

/// What is asked.
#[derive(Debug)]
pub struct Question<'q, 'a> {
    /// The packages.
    pub universe: &'q Universe<'a>,
    /// The choices that the request brought.
    pub local: &'q Local<'a>,
    /// Packages that must be installed.
    pub essential: &'q [u32],
    /// Choices that must be satisfied.
    pub wanted: &'q [u32],
    /// Packages that must not be installed.
    pub banned: &'q [u32],
    /// Packages that stay unless something speaks against them.
    pub preferred: &'q [u32],
}

/// One thing that must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// The package is Essential.
    Essential(u32),
    /// The choice was asked for.
    Wanted(u32),
    /// The package was banned.
    Banned(u32),
    /// Who has the package needs the choice.
    Needs(u32, u32),
    /// The two packages exclude each other.
    Exclusive(u32, u32),
}

/// The packages to install, in the order they are needed, or else facts that exclude each other, none of which could be
/// left out.
pub fn answer(question: &Question<'_, '_>) -> Result<Vec<u32>, Vec<Fact>> {
    let facts = facts(question);
    if let Some(model) = solve(question, &facts) {
        return Ok(in_order(question, &model));
    }
    let mut core = core(question, &facts);
    // From the far end, so that what is left is near to the request.
    for at in (0..core.len()).rev() {
        let fact = core.remove(at);
        if solve(question, &core).is_some() {
            core.insert(at, fact);
        }
    }
    Err(core)
}

/// All that must hold for the packages that could come into it, nearest to the request first.
fn facts(question: &Question<'_, '_>) -> Vec<Fact> {
    let universe = question.universe;
    let mut facts: Vec<Fact> = question.wanted.iter().map(|&choice| Fact::Wanted(choice)).collect();
    facts.extend(question.essential.iter().map(|&package| Fact::Essential(package)));
    let mut reached: Vec<u32> = Vec::new();
    let mut seen: FxHashSet<u32> = FxHashSet::default();
    let roots = question.wanted.iter().flat_map(|&choice| question.local.candidates(universe, choice));
    for &package in roots.chain(question.essential) {
        if seen.insert(package) {
            reached.push(package);
        }
    }
    let mut at = 0;
    while let Some(&package) = reached.get(at) {
        at += 1;
        for &choice in universe.choices.needs.get(package) {
            facts.push(Fact::Needs(package, choice));
            let candidates = universe.choices.candidates.get(choice).iter();
            reached.extend(candidates.copied().filter(|&candidate| seen.insert(candidate)));
        }
    }
    facts.extend(question.banned.iter().filter(|package| seen.contains(package)).map(|&package| Fact::Banned(package)));
    for &package in &reached {
        let others = universe.exclusions.get(package).iter().filter(|&&other| other > package && seen.contains(&other));
        facts.extend(others.map(|&other| Fact::Exclusive(package, other)));
    }
    facts
}

/// A solver with one variable for each package that facts speak of.
struct Encoder<'q, 'a> {
    question: &'q Question<'q, 'a>,
    solver: BasicSolver,
    packages: FxHashMap<u32, Var>,
    preferred: FxHashSet<u32>,
}

impl<'q, 'a> Encoder<'q, 'a> {
    fn new(question: &'q Question<'q, 'a>) -> Encoder<'q, 'a> {
        let preferred = question.preferred.iter().copied().collect();
        Encoder { question, solver: BasicSolver::default(), packages: FxHashMap::default(), preferred }
    }

    /// The literal that says whether a package is installed; it is not unless something wants it.
    fn package(&mut self, package: u32, installed: bool) -> Lit {
        let first = if self.preferred.contains(&package) { lbool::TRUE } else { lbool::FALSE };
        let solver = &mut self.solver;
        Lit::new(*self.packages.entry(package).or_insert_with(|| solver.new_var(first, true)), installed)
    }

    /// Adds a fact, if `unless` does not hold.
    fn add(&mut self, fact: Fact, unless: Option<Lit>) {
        let mut clause: Vec<Lit> = unless.into_iter().collect();
        let question = self.question;
        match fact {
            Fact::Essential(package) => clause.push(self.package(package, true)),
            Fact::Banned(package) => clause.push(self.package(package, false)),
            Fact::Exclusive(one, other) => clause.extend([self.package(one, false), self.package(other, false)]),
            Fact::Wanted(choice) | Fact::Needs(_, choice) => {
                if let Fact::Needs(package, _) = fact {
                    clause.push(self.package(package, false));
                }
                let candidates = question.local.candidates(question.universe, choice);
                clause.extend(candidates.iter().map(|&candidate| self.package(candidate, true)));
            }
        }
        self.solver.add_clause_reuse(&mut clause);
    }
}

/// The packages of one way to have all facts hold.
fn solve(question: &Question<'_, '_>, facts: &[Fact]) -> Option<FxHashSet<u32>> {
    let mut encoder = Encoder::new(question);
    facts.iter().for_each(|&fact| encoder.add(fact, None));
    if encoder.solver.solve_limited(&[]) != lbool::TRUE {
        return None;
    }
    let installed = |&(_, &variable): &(&u32, &Var)| encoder.solver.value_var(variable) == lbool::TRUE;
    Some(encoder.packages.iter().filter(installed).map(|(&package, _)| package).collect())
}

/// Facts, in their order, that cannot all hold.
fn core(question: &Question<'_, '_>, facts: &[Fact]) -> Vec<Fact> {
    let mut encoder = Encoder::new(question);
    let mut selectors = Vec::with_capacity(facts.len());
    for &fact in facts {
        let selector = encoder.solver.new_var(lbool::TRUE, false);
        encoder.add(fact, Some(Lit::new(selector, false)));
        selectors.push(Lit::new(selector, true));
    }
    let answer = encoder.solver.solve_limited(&selectors);
    debug_assert!(answer == lbool::FALSE, "the same facts had no solution a moment ago");
    let guilty = selectors.iter().map(|selector| encoder.solver.unsat_core_contains_var(selector.var()));
    facts.iter().zip(guilty).filter(|(_, guilty)| *guilty).map(|(&fact, _)| fact).collect()
}

/// What of a solution is needed, what is preferred first.
fn in_order(question: &Question<'_, '_>, model: &FxHashSet<u32>) -> Vec<u32> {
    let universe = question.universe;
    let mut order: Vec<u32> = Vec::new();
    let mut taken: FxHashSet<u32> = FxHashSet::default();
    let roots = question.preferred.iter().filter(|package| model.contains(package)).chain(question.essential);
    order.extend(roots.copied().filter(|&package| taken.insert(package)));
    let mut wanted = question.wanted.to_vec();
    let mut at = 0;
    loop {
        for choice in wanted.drain(..) {
            let candidates = question.local.candidates(universe, choice);
            if !candidates.iter().any(|candidate| taken.contains(candidate)) {
                let chosen = candidates.iter().copied().find(|candidate| model.contains(candidate));
                order.extend(chosen.filter(|&package| taken.insert(package)));
            }
        }
        let Some(&package) = order.get(at) else { return order };
        wanted.extend_from_slice(universe.choices.needs.get(package));
        at += 1;
    }
}

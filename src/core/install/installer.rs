//! Answers requests one after another: takes the first alternative that nothing forbids, and asks `search` where that
//! ends nowhere.

use rayon::prelude::*;

use crate::core::debian::relation;
use crate::core::install::base::Base;
use crate::core::install::explain;
use crate::core::install::local::Local;
use crate::core::install::offers::Side;
use crate::core::install::refusal::Refusal;
use crate::core::install::request::{Alternatives, Request};
use crate::core::install::search::{self, Question};
use crate::core::install::universe::Universe;

/// What gets installed for a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installed {
    /// The packages beside those of the base, in the order they were taken.
    pub packages: Vec<u32>,
    /// Packages of the base that must go; hardly ever any.
    pub without: Vec<u32>,
}

/// As much of a request as there is: what an order of builds looks at before all of it is built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closure {
    /// The packages beside those of the base, in the order they were taken. They may exclude each other.
    pub packages: Vec<u32>,
    /// What nothing satisfies.
    pub missing: Vec<Refusal>,
}

/// What a package may be while one request is answered: set when it holds the number of the request, or `BASE`.
type Stamp = u32;

/// The stamp of what holds for all requests.
const BASE: Stamp = 1;

/// Memory for answering, of one thread.
#[derive(Debug)]
pub struct Installer<'u, 'a> {
    universe: &'u Universe<'a>,
    base: &'u Base<'a>,
    local: Local<'a>,
    installed: Vec<Stamp>,
    excluded: Vec<Stamp>,
    wanted: Vec<Stamp>,
    stamp: Stamp,
    /// Packages that have to be taken, and choices that are to be decided after them, since they may satisfy those.
    forced: Vec<u32>,
    open: Vec<u32>,
    /// How many of the open choices were decided.
    decided: usize,
    taken: Vec<u32>,
    banned: Vec<u32>,
}

/// How many requests one task answers.
const PART: usize = 512;

/// Answers all requests, in their order.
pub fn check_all<'a>(
    universe: &Universe<'a>,
    base: &Base<'a>,
    requests: &[Request<'a>],
) -> Vec<Result<Installed, Refusal>> {
    let parts = requests.par_chunks(PART).map_init(
        || Installer::new(universe, base),
        |installer, some| some.iter().map(|request| installer.check(request)).collect::<Vec<_>>(),
    );
    parts.collect::<Vec<_>>().into_iter().flatten().collect()
}

impl<'u, 'a> Installer<'u, 'a> {
    /// For requests on top of `base`.
    pub fn new(universe: &'u Universe<'a>, base: &'u Base<'a>) -> Installer<'u, 'a> {
        let mut installer = Installer {
            universe,
            base,
            local: Local::new(),
            installed: vec![0; universe.packages.len()],
            excluded: vec![0; universe.packages.len()],
            wanted: vec![0; universe.choices.texts.len()],
            stamp: BASE,
            forced: Vec::new(),
            open: Vec::new(),
            decided: 0,
            taken: Vec::new(),
            banned: Vec::new(),
        };
        for &package in &base.packages {
            installer.installed[package as usize] = BASE;
            universe.exclusions.get(package).iter().for_each(|&other| installer.excluded[other as usize] = BASE);
            universe.open.get(package).iter().for_each(|&choice| installer.wanted[choice as usize] = BASE);
        }
        installer
    }

    /// Whether what is asked for can be installed beside the base.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&mut self, request: &Request<'a>) -> Result<Installed, Refusal> {
        if let Some(refusal) = &self.base.refusal {
            return Err(refusal.clone());
        }
        let choices = self.begin(request);
        if let Some(refusal) = explain::missing(self.universe, &self.local, &choices) {
            return Err(refusal);
        }
        if !self.bans_hit_the_base() && self.fill(&choices) {
            return Ok(Installed { packages: self.taken.clone(), without: Vec::new() });
        }
        self.search(&choices, &request.conflicts)
    }

    /// What of a request there is, with what nothing satisfies; nothing forbids anything here.
    pub fn closure(&mut self, request: &Request<'a>) -> Closure {
        let choices = self.begin(request);
        self.banned.clear();
        let mut closure = Closure::default();
        self.fill_with_what_there_is(&choices, &mut closure.missing);
        closure.packages.clone_from(&self.taken);
        closure
    }

    /// Forgets the last request, and reads the next one.
    fn begin(&mut self, request: &Request<'a>) -> Vec<u32> {
        self.clear();
        self.local.read_as(request);
        let from = self.universe.host_side();
        let choices = self.choices(&request.depends, from);
        let mut banned = std::mem::take(&mut self.banned);
        request.conflicts.iter().for_each(|field| self.local.banned(self.universe, field, &mut banned));
        self.banned = banned;
        choices
    }

    fn clear(&mut self) {
        self.stamp = self.stamp.checked_add(1).expect("nobody asks four billion times");
        for list in [&mut self.forced, &mut self.open, &mut self.taken, &mut self.banned] {
            list.clear();
        }
        self.decided = 0;
    }

    /// The choices that fields leave.
    fn choices(&mut self, fields: &[&'a [u8]], from: Side) -> Vec<u32> {
        let mut choices = Vec::new();
        for field in fields {
            for text in relation::texts(field) {
                choices.extend(self.local.choice(self.universe, (text, from)));
            }
        }
        self.wanted.resize(self.universe.choices.texts.len() + self.local.len(), 0);
        choices
    }

    /// Excludes what the request bans; whether that is here already.
    fn bans_hit_the_base(&mut self) -> bool {
        for &package in &self.banned {
            self.excluded[package as usize] = self.stamp;
        }
        self.banned.iter().any(|&package| self.is_installed(package))
    }

    fn is_installed(&self, package: u32) -> bool {
        matches!(self.installed[package as usize], stamp if stamp == self.stamp || stamp == BASE)
    }

    fn is_excluded(&self, package: u32) -> bool {
        matches!(self.excluded[package as usize], stamp if stamp == self.stamp || stamp == BASE)
    }

    /// Wants what a request asks for.
    fn want(&mut self, choices: &[u32]) {
        for &choice in choices {
            match *self.local.candidates(self.universe, choice) {
                [only] => self.forced.push(only),
                _ => self.decide_later(choice),
            }
        }
    }

    fn decide_later(&mut self, choice: u32) {
        let stamp = &mut self.wanted[choice as usize];
        if *stamp != self.stamp && *stamp != BASE {
            *stamp = self.stamp;
            self.open.push(choice);
        }
    }

    /// Takes a package; what it excludes and is here already is the first of the answers.
    fn take(&mut self, package: u32) -> bool {
        self.installed[package as usize] = self.stamp;
        self.taken.push(package);
        let universe = self.universe;
        let mut alone = true;
        for &other in universe.exclusions.get(package) {
            alone &= !self.is_installed(other);
            if !self.is_excluded(other) {
                self.excluded[other as usize] = self.stamp;
            }
        }
        for &needed in universe.forced.get(package) {
            if !self.is_installed(needed) {
                self.forced.push(needed);
            }
        }
        universe.open.get(package).iter().for_each(|&choice| self.decide_later(choice));
        alone
    }

    /// The next choice, when nothing is left that has to be taken.
    fn next_choice(&mut self) -> Option<u32> {
        self.decided += 1;
        self.open.get(self.decided - 1).copied()
    }

    /// Takes all that `choices` ask for, and whether that went well.
    fn fill(&mut self, choices: &[u32]) -> bool {
        self.want(choices);
        loop {
            while let Some(package) = self.forced.pop() {
                if !self.is_installed(package) && (self.is_excluded(package) || !self.take(package)) {
                    return false;
                }
            }
            let Some(choice) = self.next_choice() else { return true };
            let candidates = self.local.candidates(self.universe, choice);
            if candidates.iter().any(|&candidate| self.is_installed(candidate)) {
                continue;
            }
            let free = candidates.iter().copied().find(|&candidate| !self.is_excluded(candidate));
            if !free.is_some_and(|package| self.take(package)) {
                return false;
            }
        }
    }

    /// As `fill`, but goes on where something is missing or excluded.
    fn fill_with_what_there_is(&mut self, choices: &[u32], missing: &mut Vec<Refusal>) {
        self.want(choices);
        loop {
            while let Some(package) = self.forced.pop() {
                if !self.is_installed(package) {
                    self.take(package);
                }
            }
            let Some(choice) = self.next_choice() else { return };
            let mut candidates = self.local.candidates(self.universe, choice).to_vec();
            if candidates.is_empty() {
                candidates = explain::full_candidates(self.universe, &self.local, choice);
            }
            if candidates.iter().any(|&candidate| self.is_installed(candidate)) {
                continue;
            }
            let free = candidates.iter().copied().find(|&candidate| !self.is_excluded(candidate));
            match free.or(candidates.first().copied()) {
                Some(package) => _ = self.take(package),
                None => missing.extend(explain::missing(self.universe, &self.local, &[choice])),
            }
        }
    }

    /// Searches through what the choices may lead to.
    fn search(&mut self, choices: &[u32], conflicts: &[&'a [u8]]) -> Result<Installed, Refusal> {
        let roots = self.choices(&self.base.fields, Side::Build);
        let question = Question {
            universe: self.universe,
            local: &self.local,
            essential: &self.base.essential,
            wanted: &[choices, &roots].concat(),
            banned: &self.banned,
            preferred: &self.base.packages,
        };
        match search::answer(&question) {
            Ok(packages) => {
                let without = |package: &&u32| !packages.contains(package);
                let without = self.base.packages.iter().filter(without).copied().collect();
                let more = |package: &u32| self.installed[*package as usize] != BASE;
                Ok(Installed { packages: packages.iter().copied().filter(more).collect(), without })
            }
            Err(facts) => Err(explain::excluded(&question, &facts, conflicts)),
        }
    }

    /// What a base consists of.
    pub(super) fn install_base(&mut self, base: &Base<'a>) -> Result<Vec<u32>, Refusal> {
        let choices = self.begin(&Request::of_field(b"", Alternatives::Any));
        debug_assert!(choices.is_empty(), "nothing was asked for");
        let choices = self.choices(&base.fields, Side::Build);
        let needs = base.essential.iter().flat_map(|&package| self.universe.choices.needs.get(package));
        let all: Vec<u32> = needs.copied().chain(choices.iter().copied()).collect();
        if let Some(refusal) = explain::missing(self.universe, &self.local, &all) {
            return Err(refusal);
        }
        let mut alone = true;
        for &package in &base.essential {
            alone &= self.take(package);
        }
        if alone && self.fill(&choices) {
            return Ok(self.taken.clone());
        }
        let question = Question {
            universe: self.universe,
            local: &self.local,
            essential: &base.essential,
            wanted: &choices,
            banned: &[],
            preferred: &[],
        };
        search::answer(&question).map_err(|facts| explain::excluded(&question, &facts, &[]))
    }

    /// As much of a base as can be had.
    pub(super) fn what_there_is_of(&mut self, base: &Base<'a>) -> Vec<u32> {
        self.clear();
        let choices = self.choices(&base.fields, Side::Build);
        for &package in &base.essential {
            self.take(package);
        }
        self.fill_with_what_there_is(&choices, &mut Vec::new());
        self.taken.clone()
    }
}

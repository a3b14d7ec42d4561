//! What gets installed for one job: the only question that the graph asks of whoever knows installability.
//!
//! The universe's relations are worked out once into numbers, so that one job's answer costs what is in it. It takes
//! what dispatch takes: of build-dependencies the first alternative that holds, and below them the first that
//! can be had unless another one is there anyway.

use rayon::prelude::*;

use super::csr::Csr;
use super::offers::{Offers, Way};
use super::{ALL, build_dependencies};
use crate::core::build::CHROOT_PACKAGES;
use crate::core::debian::packages::Package;
use crate::core::debian::relation;
use crate::core::debian::sources::Source;

/// No package wants it: it was asked for by the job itself, or is in every chroot.
pub const NOBODY: u32 = u32::MAX;

/// In a chroot whatever is asked for.
const ALWAYS: u32 = u32::MAX;

/// The packages that can be installed, with what each one pulls in.
pub struct Universe<'a> {
    /// What is visible.
    pub packages: &'a [Package<'a>],
    /// What they offer.
    pub offers: Offers<'a>,
    architecture: &'a str,
    /// What a package pulls in without a choice.
    singles: Csr,
    /// The numbers of a package's choices.
    choices: Csr,
    /// What satisfies a choice, the preferred one first.
    satisfiers: Csr,
    /// Packages that need something which nothing satisfies.
    broken: Vec<bool>,
    /// Packages that have choices or are broken: few, so that most need no more than one look.
    special: Vec<bool>,
    /// What every chroot has, with who wanted it.
    base: Vec<(u32, u32)>,
    /// The singles but for those that every chroot has, which need not be looked at for job after job.
    beyond_base: Csr,
}

/// One job's answer, and the room that it is worked out in: kept by each thread and used for job after job.
pub struct Installed<'a> {
    /// By number of the package.
    marks: Vec<Mark>,
    question: u32,
    in_chroot: bool,
    waiting: Vec<u32>,
    choices: Vec<u32>,
    /// What gets installed besides what every chroot has, by number.
    pub packages: Vec<u32>,
    /// The names that the job's own build-dependencies ask for, first alternatives only, where no package of that name
    /// is taken.
    pub asked: Vec<&'a [u8]>,
    /// Those of them that nothing satisfies.
    pub unmet: Vec<&'a [u8]>,
    /// Whether a package on the way needs something that nothing satisfies.
    pub broken: bool,
}

/// What is noted of a package; in one place, since a whole archive's jobs take ten million packages.
#[derive(Clone, Copy)]
struct Mark {
    /// The number of the question that it was taken for last.
    taken: u32,
    /// Who wanted it then.
    wanted_by: u32,
}

impl<'a> Universe<'a> {
    /// Over what a view shows.
    pub fn new(packages: &'a [Package<'a>], architecture: &'a str) -> Universe<'a> {
        let mut universe = Universe {
            packages,
            offers: Offers::new(packages, architecture),
            architecture,
            singles: Csr::default(),
            choices: Csr::default(),
            satisfiers: Csr::default(),
            broken: vec![false; packages.len()],
            special: Vec::new(),
            base: Vec::new(),
            beyond_base: Csr::default(),
        };
        universe.encode();
        universe.base = universe.chroot();
        universe.beyond_base = universe.singles_beyond_base();
        universe
    }

    /// Works out what each package pulls in.
    fn encode(&mut self) {
        let encoded: Vec<Encoded> = self.packages.par_chunks(1024).map(|chunk| self.encoded(chunk)).collect();
        let (mut singles, mut satisfiers, mut number) = (Vec::new(), Vec::new(), 0);
        for (chunk, part) in encoded.into_iter().enumerate() {
            singles.push(part.singles);
            for count in part.choices {
                self.choices.push(number..number + count);
                number += count;
            }
            satisfiers.push(part.satisfiers);
            part.broken.into_iter().for_each(|at| self.broken[chunk * 1024 + at] = true);
        }
        self.singles = Csr::joined(singles);
        self.satisfiers = Csr::joined(satisfiers);
        let is_special = |package: u32| self.broken[package as usize] || !self.choices.of(package).is_empty();
        self.special = self.choices.nodes().map(is_special).collect();
    }

    fn encoded(&self, packages: &[Package<'a>]) -> Encoded {
        let mut part = Encoded::default();
        for (at, package) in packages.iter().enumerate() {
            let (singles, choices) = (part.singles.1.len(), part.satisfiers.0.len());
            for field in [package.pre_depends, package.depends] {
                self.each_relation(field, |satisfiers: &[u32]| match satisfiers {
                    [] => part.broken.push(at),
                    [only] => part.singles.1.push(*only),
                    several => {
                        part.satisfiers.0.push(u32::try_from(several.len()).expect("a field is shorter"));
                        part.satisfiers.1.extend(several);
                    }
                });
            }
            part.singles.0.push(u32::try_from(part.singles.1.len() - singles).expect("a field is shorter"));
            part.choices.push(u32::try_from(part.satisfiers.0.len() - choices).expect("a field is shorter"));
        }
        part
    }

    /// Calls `visit` with what satisfies each relation of a field that holds here.
    fn each_relation(&self, field: &'a [u8], mut visit: impl FnMut(&[u32])) {
        let (mut last, mut satisfiers) = (usize::MAX, Vec::new());
        relation::for_each(field, |number, relation| {
            if !relation.holds(self.architecture, &[]) {
                return;
            }
            if last != number {
                if last != usize::MAX {
                    visit(&satisfiers);
                }
                satisfiers.clear();
                last = number;
            }
            if let Some((satisfier, _)) = self.offers.satisfier(&relation)
                && !satisfiers.contains(&satisfier)
            {
                satisfiers.push(satisfier);
            }
        });
        if last != usize::MAX {
            visit(&satisfiers);
        }
    }

    /// What every chroot has: the Essential packages, apt, and what builds need besides.
    fn chroot(&self) -> Vec<(u32, u32)> {
        let essential = (0..).zip(self.packages).filter(|(_, package)| package.essential).map(|(number, _)| number);
        let mut roots: Vec<u32> = essential.collect();
        for name in ["apt"].into_iter().chain(CHROOT_PACKAGES) {
            self.each_relation(name.as_bytes(), |satisfiers| roots.extend(satisfiers.first()));
        }
        let mut installed = self.empty_room();
        self.close(&roots, &mut installed);
        installed.packages.iter().map(|&number| (number, installed.marks[number as usize].wanted_by)).collect()
    }

    fn singles_beyond_base(&self) -> Csr {
        let mut in_base = vec![false; self.packages.len()];
        self.base().for_each(|number| in_base[number as usize] = true);
        let mut beyond = Csr::with_capacity(self.singles.len(), self.singles.edges());
        for package in self.singles.nodes() {
            beyond.push(self.singles.of(package).iter().copied().filter(|&wanted| !in_base[wanted as usize]));
        }
        beyond
    }

    /// What `roots` pull in, those included.
    pub fn close(&self, roots: &[u32], installed: &mut Installed<'a>) {
        installed.begin();
        for &root in roots {
            installed.take(root, NOBODY);
        }
        self.settle(installed);
    }

    /// Room to work in, where nothing is there before.
    pub fn empty_room(&self) -> Installed<'a> {
        Installed {
            marks: vec![Mark { taken: 0, wanted_by: NOBODY }; self.packages.len()],
            question: 0,
            in_chroot: false,
            waiting: Vec::new(),
            choices: Vec::new(),
            packages: Vec::new(),
            asked: Vec::new(),
            unmet: Vec::new(),
            broken: false,
        }
    }

    /// Room to work in, where a chroot's packages are there before.
    pub fn room(&self) -> Installed<'a> {
        let mut installed = Installed { in_chroot: true, ..self.empty_room() };
        for &(number, wanted_by) in &self.base {
            installed.marks[number as usize] = Mark { taken: ALWAYS, wanted_by };
        }
        installed
    }

    /// Whether there is an architecture-independent package of this name.
    pub fn is_all(&self, name: &[u8]) -> bool {
        self.offers.package(name).is_some_and(|number| self.packages[number as usize].architecture == ALL)
    }

    /// What every chroot has, by number.
    pub fn base(&self) -> impl Iterator<Item = u32> {
        self.base.iter().map(|(number, _)| *number)
    }

    /// Answers for the job of a source that builds for `half`, with these build profiles.
    pub fn install(&self, source: &Source<'a>, half: &str, profiles: &[&str], installed: &mut Installed<'a>) {
        installed.begin();
        for field in build_dependencies(source, half) {
            let mut last = usize::MAX;
            relation::for_each(field, |number, relation| {
                if last == number || !relation.holds(self.architecture, profiles) {
                    return;
                }
                last = number;
                match self.offers.satisfier(&relation) {
                    Some((satisfier, Way::Itself)) => installed.take(satisfier, NOBODY),
                    Some((satisfier, Way::Provides)) => {
                        installed.asked.push(relation.name);
                        installed.take(satisfier, NOBODY);
                    }
                    None => {
                        installed.asked.push(relation.name);
                        installed.unmet.push(relation.name);
                    }
                }
            });
            self.settle(installed);
        }
    }

    /// Takes what the packages that wait pull in; a choice waits until all that has none is there.
    fn settle(&self, installed: &mut Installed<'a>) {
        let singles = if installed.in_chroot { &self.beyond_base } else { &self.singles };
        let mut next = 0;
        loop {
            while let Some(number) = installed.waiting.pop() {
                singles.of(number).iter().for_each(|&wanted| installed.take(wanted, number));
                if self.special[number as usize] {
                    installed.broken |= self.broken[number as usize];
                    installed.choices.extend(self.choices.of(number).iter().flat_map(|&choice| [choice, number]));
                }
            }
            let Some(&[choice, number]) = installed.choices.get(next..next + 2).and_then(|pair| pair.first_chunk())
            else {
                break;
            };
            next += 2;
            let satisfiers = self.satisfiers.of(choice);
            if !satisfiers.iter().any(|&satisfier| installed.has(satisfier)) {
                installed.take(satisfiers[0], number);
            }
        }
        installed.choices.clear();
    }

    /// How many packages are on the way from what was asked for down to a package.
    pub fn depth(&self, installed: &Installed<'a>, package: u32) -> usize {
        self.way(installed, package).count()
    }

    /// The packages by way of which a package was taken, from what was asked for down to itself.
    pub fn chain(&self, installed: &Installed<'a>, package: u32) -> Vec<&'a str> {
        let mut chain: Vec<&str> =
            self.way(installed, package).map(|number| self.packages[number as usize].name).collect();
        chain.reverse();
        chain
    }

    fn way(&self, installed: &Installed<'a>, package: u32) -> impl Iterator<Item = u32> {
        let by = |number: &u32| Some(installed.marks[*number as usize].wanted_by).filter(|&by| by != NOBODY);
        std::iter::successors(Some(package), by)
    }
}

/// What a run of packages pulls in.
#[derive(Default)]
struct Encoded {
    singles: (Vec<u32>, Vec<u32>),
    choices: Vec<u32>,
    satisfiers: (Vec<u32>, Vec<u32>),
    broken: Vec<usize>,
}

impl Installed<'_> {
    fn begin(&mut self) {
        self.question += 1;
        self.packages.clear();
        self.asked.clear();
        self.unmet.clear();
        self.broken = false;
    }

    /// Whether a package is in the answer, or in every chroot.
    pub fn has(&self, number: u32) -> bool {
        let taken = self.marks[number as usize].taken;
        taken == self.question || taken == ALWAYS
    }

    fn take(&mut self, number: u32, by: u32) {
        if !self.has(number) {
            self.marks[number as usize] = Mark { taken: self.question, wanted_by: by };
            self.packages.push(number);
            self.waiting.push(number);
        }
    }
}

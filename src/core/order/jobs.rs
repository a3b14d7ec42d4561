//! The graph between jobs: who builds what another needs to be built.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::csr::Csr;
use super::needs::{Installed, Universe};
use super::overlay::Precedence;
use super::rows::Rows;
use super::{ALL, halves};
use crate::core::archive::SourceRecord;
use crate::core::debian::architecture;
use crate::core::debian::control;
use crate::core::debian::packages::Package;

/// Nobody of the set builds it.
const NOBODY: u32 = u32::MAX;

/// Noted for every job, since what it makes is in every chroot.
const IN_BASE: u32 = u32::MAX;

/// A job: one half of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Which of the sources.
    pub source: u32,
    /// Whether it builds the architecture-independent half.
    pub all: bool,
}

/// The jobs of a set of sources, and what each needs of the others.
pub struct Graph<'a> {
    /// The sources.
    pub sources: &'a [SourceRecord<'a>],
    /// What is built against.
    pub universe: Universe<'a>,
    /// The architecture that is built for.
    pub architecture: &'a str,
    /// The jobs; they are numbered by their place here.
    pub jobs: Vec<Node>,
    /// The jobs that each job needs, itself left out.
    pub needs: Rows,
    /// Jobs whose build-dependencies nobody has, and no other job builds.
    pub missing: Vec<u32>,
    makers: Makers<'a>,
    /// Who gives way to an overlay, and how.
    pub precedence: Precedence,
}

/// Who builds what.
struct Makers<'a> {
    /// The job that makes a binary package of a name, by the name's number in the universe.
    by_name: Vec<u32>,
    /// The same for names that nothing there has.
    new: FxHashMap<&'a [u8], u32>,
    /// The job that makes the next one of a package of the universe, by the package's number.
    by_package: Vec<u32>,
    /// The jobs that make what every chroot has.
    base: Vec<u32>,
}

/// Room for one thread to work out the needs of job after job.
pub struct Room<'a> {
    /// What gets installed.
    pub installed: Installed<'a>,
    /// Which job was noted last for which.
    noted: Vec<u32>,
    row: u32,
}

impl<'a> Graph<'a> {
    /// Over what is visible.
    pub fn new(sources: &'a [SourceRecord<'a>], visible: &'a [Package<'a>], architecture: &'a str) -> Graph<'a> {
        let numbers: Vec<u32> = (0..).take(sources.len()).collect();
        let of_source = |(record, &source): (&'a SourceRecord<'a>, &u32)| {
            halves(&record.source, architecture).map(move |half| Node { source, all: half == ALL })
        };
        let jobs: Vec<Node> = sources.par_iter().zip(&numbers).flat_map_iter(of_source).collect();
        let universe = Universe::new(visible, architecture);
        let makers = Makers::new(sources, &jobs, &universe, architecture);
        let precedence = Precedence::default();
        let mut graph = Graph {
            sources,
            universe,
            architecture,
            jobs,
            needs: Rows::default(),
            missing: Vec::new(),
            makers,
            precedence,
        };
        let numbers: Vec<u32> = (0..).take(graph.jobs.len()).collect();
        let parts: Vec<_> =
            numbers.par_chunks(2048).map_init(|| graph.room(), |room, chunk| graph.rows(room, chunk)).collect();
        let mut rows = Vec::with_capacity(parts.len());
        for (lengths, targets, missing) in parts {
            rows.push((lengths, targets));
            graph.missing.extend(missing);
        }
        graph.needs = Rows::new(graph.makers.base.clone(), Csr::joined(rows));
        graph
    }

    fn rows(&self, room: &mut Room<'a>, jobs: &[u32]) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
        let mut lengths = Vec::with_capacity(jobs.len());
        let (mut targets, mut missing) = (Vec::with_capacity(jobs.len() * 128), Vec::new());
        let mut last = None;
        for &job in jobs {
            let before = targets.len();
            // The halves of most sources ask for the same.
            if last.is_none_or(|last| !self.asks_for_the_same(last, job)) {
                self.install(room, job, &[]);
            }
            last = Some(job);
            self.own_needs(room, job, &mut targets);
            lengths.push(u32::try_from(targets.len() - before).expect("a job needs fewer jobs than there are"));
            let unmet = room.installed.unmet.iter().any(|name| self.maker_of(name).is_none());
            if unmet || room.installed.broken {
                missing.push(job);
            }
        }
        (lengths, targets, missing)
    }

    /// Appends the jobs that one needs when it is built with these profiles, each once.
    pub fn needs_of(&self, room: &mut Room<'a>, job: u32, profiles: &[&str], needs: &mut Vec<u32>) {
        let base = self.makers.base.iter().copied();
        needs.extend(base.filter(|&need| need != job && !self.precedence.cuts(job, need)));
        self.install(room, job, profiles);
        self.own_needs(room, job, needs);
    }

    /// Whether two jobs are halves of one source that need nothing for one half only.
    fn asks_for_the_same(&self, one: u32, other: u32) -> bool {
        let same = self.jobs[one as usize].source == self.jobs[other as usize].source;
        same && super::half_build_dependencies(&self.source(one).source).iter().all(|field| field.is_empty())
    }

    /// Appends what a job needs beyond what every job does, where what gets installed for it is in the room.
    fn own_needs(&self, room: &mut Room<'a>, job: u32, needs: &mut Vec<u32>) {
        room.row += 1;
        let Room { installed, noted, row } = room;
        let mut note = |need: u32| {
            let noted = &mut noted[need as usize];
            need != job && *noted != IN_BASE && std::mem::replace(noted, *row) != *row
        };
        let asked = installed.asked.iter().filter_map(|name| self.maker_of(name));
        let installed = installed.packages.iter().map(|&number| self.makers.by_package[number as usize]);
        for need in installed.chain(asked) {
            if need != NOBODY && note(need) && !self.precedence.cuts(job, need) {
                needs.push(need);
            }
        }
        needs.extend(self.precedence.before(job).iter().copied().filter(|&need| note(need)));
    }

    /// Works out what gets installed for a job, besides what every chroot has.
    pub fn install(&self, room: &mut Room<'a>, job: u32, profiles: &[&str]) {
        let source = &self.source(job).source;
        self.universe.install(source, self.half(job), profiles, &mut room.installed);
    }

    /// Room for one thread.
    pub fn room(&self) -> Room<'a> {
        let mut noted = vec![0; self.jobs.len()];
        self.makers.base.iter().for_each(|&maker| noted[maker as usize] = IN_BASE);
        Room { installed: self.universe.room(), noted, row: 0 }
    }

    /// The source of a job.
    pub fn source(&self, job: u32) -> &'a SourceRecord<'a> {
        &self.sources[self.jobs[job as usize].source as usize]
    }

    /// The architecture of a job.
    pub fn half(&self, job: u32) -> &'a str {
        if self.jobs[job as usize].all { ALL } else { self.architecture }
    }

    /// The job that builds the next one of a package of the universe, if one of the set does.
    pub fn maker(&self, package: u32) -> Option<u32> {
        Some(self.makers.by_package[package as usize]).filter(|&maker| maker != NOBODY)
    }

    /// The job that builds a package of this name, if one of the set does.
    pub fn maker_of(&self, name: &[u8]) -> Option<u32> {
        match self.universe.offers.name(name) {
            Some(number) => Some(self.makers.by_name[number as usize]).filter(|&maker| maker != NOBODY),
            None => self.makers.new.get(name).copied(),
        }
    }
}

impl<'a> Makers<'a> {
    fn new(sources: &[SourceRecord<'a>], jobs: &[Node], universe: &Universe<'a>, architecture: &str) -> Makers<'a> {
        let mut of_source = vec![[NOBODY; 2]; sources.len()];
        for (number, job) in (0..).zip(jobs) {
            of_source[job.source as usize][usize::from(job.all)] = number;
        }
        let offers = &universe.offers;
        let made: Vec<(Option<u32>, &[u8], u32)> = sources
            .par_iter()
            .zip(&of_source)
            .flat_map_iter(|(record, jobs)| makes(record, *jobs, universe, architecture))
            .map(|(name, job)| (offers.name(name), name, job))
            .collect();
        let (mut by_name, mut new) = (vec![NOBODY; offers.names()], FxHashMap::default());
        for (number, name, job) in made {
            match number {
                Some(number) => by_name[number as usize] = job,
                None => {
                    new.insert(name, job);
                }
            }
        }
        let source_names: FxHashMap<&str, usize> =
            sources.iter().enumerate().map(|(number, record)| (record.source.name, number)).collect();
        // A package that its source makes no longer goes when that source is built anew, so its users wait for it, too.
        let half = |package: &Package<'_>| {
            let source = source_names.get(package.source())?;
            Some(of_source[*source][usize::from(package.architecture == ALL)])
        };
        let by_package: Vec<u32> = universe
            .packages
            .par_iter()
            .map(|package| {
                let made = offers.name(package.name.as_bytes()).map(|number| by_name[number as usize]);
                made.filter(|&maker| maker != NOBODY).or_else(|| half(package)).unwrap_or(NOBODY)
            })
            .collect();
        let mut base: Vec<u32> = universe.base().map(|number| by_package[number as usize]).collect();
        base.sort_unstable();
        base.dedup();
        base.retain(|&maker| maker != NOBODY);
        Makers { by_name, new, by_package, base }
    }
}

/// The binary packages that a source makes here, each with the job of `[architecture's, all's]` that makes it.
fn makes<'a>(
    record: &SourceRecord<'a>,
    jobs: [u32; 2],
    universe: &Universe<'a>,
    architecture: &str,
) -> Vec<(&'a [u8], u32)> {
    let source = &record.source;
    let made = match source.package_list {
        // Without the list nothing says which half makes what, but the package that is there may.
        b"" => {
            let half = |name: &[u8]| match jobs {
                [NOBODY, all] => all,
                [here, NOBODY] => here,
                [here, all] => {
                    if universe.is_all(name) {
                        all
                    } else {
                        here
                    }
                }
            };
            source.binaries().map(|name| (name, half(name))).collect::<Vec<_>>()
        }
        list => control::lines(list).filter_map(|line| listed(line, jobs, architecture)).collect(),
    };
    made.into_iter().filter(|(_, job)| *job != NOBODY).collect()
}

/// One line of a `Package-List`: name, type, section, priority, then words such as `arch=any`.
fn listed<'a>(line: &'a [u8], [here, all]: [u32; 2], architecture: &str) -> Option<(&'a [u8], u32)> {
    let mut words = control::words(line);
    let name = words.next()?;
    let list = words.find_map(|word| word.strip_prefix(b"arch="));
    let is_all = list == Some(b"all");
    let mut wildcards = list.unwrap_or(b"any").split(|&byte| byte == b',');
    let mut is_here =
        || wildcards.any(|word| std::str::from_utf8(word).is_ok_and(|word| architecture::matches(word, architecture)));
    if is_all { Some((name, all)) } else { is_here().then_some((name, here)) }
}

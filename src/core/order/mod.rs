//! Order: which sources, who needs whom, and the order they are built in.
//!
//! A job is one half of a source, for an architecture or for `all`; what it needs are the jobs that build the packages
//! that get installed for it. Loops are broken, the rest is sorted so that what holds up most goes first, and of the
//! edges only those are kept that no others stand for.
//!
//! **Invariant:** never alphabetical, and every edge that is cut is named.

pub mod select;
pub mod base;
pub mod offers;
pub mod needs;
pub mod csr;
pub mod rows;
pub mod jobs;
pub mod why;
pub mod components;
pub mod overlay;
pub mod feedback;
pub mod loops;
pub mod reduce;
pub mod estimate;
pub mod priority;
pub mod tracker;
pub mod text;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::core::archive::SourceRecord;
use crate::core::debian::packages::Package;
use crate::core::debian::sources::Source;
use crate::core::install::base::Base;
use crate::core::install::installer::Installer;
use crate::core::install::request::{Alternatives, Half, Request};
use crate::core::install::universe::{Architectures, Universe};
use crate::core::order::csr::Csr;
use crate::core::order::jobs::{Graph, Room};
use crate::core::order::loops::{Acyclic, Loop};
use crate::core::order::priority::Priorities;
use crate::core::order::rows::Rows;
use crate::core::recipe::OrderedJob;
use crate::core::recipe::loops::{BrokenBy, LoopEdge, OrderLoop};

/// The architecture of jobs that build `Architecture: all` packages.
pub const ALL: &str = "all";

/// The build profiles that a job may get so that it breaks a loop, where nobody says which: what they leave out is in
/// no other package.
pub const LOOP_PROFILES: [&str; 2] = ["nocheck", "nodoc"];

/// The build-dependency fields that matter for an architecture (`all` takes the `-Indep` half).
pub fn build_dependencies<'a>(source: &Source<'a>, architecture: &str) -> [&'a [u8]; 2] {
    match architecture {
        ALL => [source.build_depends, source.build_depends_indep],
        _ => [source.build_depends, source.build_depends_arch],
    }
}

/// The build-dependencies that only one half of a source has.
fn half_build_dependencies<'a>(source: &Source<'a>) -> [&'a [u8]; 2] {
    [source.build_depends_arch, source.build_depends_indep]
}

/// Which jobs a source makes: one for the architecture, one for `all`.
pub fn halves<'h>(source: &Source<'_>, architecture: &'h str) -> impl Iterator<Item = &'h str> {
    let here = source.builds_for(architecture).then_some(architecture);
    here.into_iter().chain(source.builds_all().then_some(ALL))
}

/// How sources are put in order.
pub struct Options<'o> {
    /// The architecture that is built for.
    pub architecture: &'o str,
    /// The build profiles that jobs may get where that breaks a loop.
    pub profiles: &'o [&'o str],
    /// Whether a job may be built with an older binary of what a loop keeps from being built before it.
    pub older_binaries: bool,
    /// Sources of the overlay that every other job comes after.
    pub first: &'o FxHashSet<&'o str>,
    /// Seconds that a source took to build for an architecture before, if it was.
    pub history: &'o (dyn Fn(&str, &str) -> Option<u64> + Sync),
}

/// What `order` decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Jobs, each after what it needs but for the edges of `loops`.
    pub jobs: Vec<OrderedJob>,
    /// Jobs that need each other, and how that was broken.
    pub loops: Vec<OrderLoop>,
    /// Sources that build nothing for this architecture, as they were given.
    pub not_for_here: Vec<String>,
    /// Sources whose build-dependencies nobody has and no other job builds, and why.
    pub unbuildable: Vec<(String, String)>,
}

/// Puts sources in order: each job comes after those that build what it needs to be built, the runtime dependencies of
/// its build-dependencies included.
pub fn order<'a>(sources: &'a [SourceRecord<'a>], visible: &'a [Package<'a>], options: &Options<'a>) -> Order {
    let mut graph = Graph::new(sources, visible, options.architecture);
    let given_way = overlay::precede(&mut graph, options.first);
    let graph = graph;
    let (mut acyclic, estimates) = rayon::join(
        || loops::break_loops(&graph, options.profiles),
        || graph.needs.nodes().into_par_iter().map(|job| estimate(&graph, job, options)).collect::<Vec<u64>>(),
    );
    let in_order = |jobs: &[u32]| jobs.iter().map(|&job| estimates[job as usize]).collect::<Vec<u64>>();
    let reduced = reduce::reduce(&acyclic.needs(&graph));
    let name = |place: u32| graph.source(acyclic.order[place as usize]).source.name;
    let sorted = priority::sort(&reduced.needs, &priority::priorities(&reduced, &in_order(&acyclic.order)), name);
    let jobs: Vec<u32> = sorted.iter().map(|&place| acyclic.order[place as usize]).collect();
    let estimates = in_order(&jobs);
    let numbers = numbers(&jobs);
    // Where an overlay comes after what it needs all the same, it waits for that.
    let is_late = |edge: &(u32, u32)| numbers[edge.1 as usize] > numbers[edge.0 as usize];
    let (given_way, kept): (Vec<_>, Vec<_>) = given_way.into_iter().partition(is_late);
    let taken_back = acyclic.take_back(&graph, &numbers);
    let all_jobs = || {
        let again = taken_back.into_iter().chain(kept);
        let again = again.map(|edge| [edge.0, edge.1].map(|job| numbers[job as usize] - 1));
        let reduced = reduce::reduce(&Rows::from(with(renumbered(&reduced.needs, &sorted), again)));
        let Priorities { path, frees } = priority::priorities(&reduced, &estimates);
        let ordered = reduced.needs.nodes().into_par_iter().map(|number| {
            let at = number as usize;
            ordered(&graph, &acyclic, jobs[at], reduced.needs.of(number), (estimates[at], path[at], frees[at]))
        });
        ordered.collect()
    };
    let (jobs, loops) = rayon::join(all_jobs, || named(&graph, &acyclic, &numbers, options.older_binaries, &given_way));
    Order { jobs, loops, not_for_here: not_for_here(&graph), unbuildable: unbuildable(&graph, visible) }
}

/// The number, from 1, of each job in an order.
fn numbers(order: &[u32]) -> Vec<u32> {
    let mut numbers = vec![0; order.len()];
    (1..).zip(order).for_each(|(number, &job)| numbers[job as usize] = number);
    numbers
}

/// The same graph with its nodes numbered by their place in an order.
fn renumbered(needs: &Csr, order: &[u32]) -> Csr {
    let numbers = numbers(order);
    let mut placed = Csr::with_capacity(needs.len(), needs.edges());
    for &node in order {
        placed.push(needs.of(node).iter().map(|&need| numbers[need as usize] - 1));
    }
    placed
}

/// A graph with more edges (node, what it needs).
fn with(needs: Csr, more: impl Iterator<Item = [u32; 2]>) -> Csr {
    let mut added: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    more.for_each(|[node, need]| added.entry(node).or_default().push(need));
    if added.is_empty() {
        return needs;
    }
    let mut whole = Csr::default();
    for node in needs.nodes() {
        let more = added.get(&node).map(Vec::as_slice).unwrap_or_default();
        whole.push(needs.of(node).iter().chain(more).copied());
    }
    whole
}

fn estimate(graph: &Graph<'_>, job: u32, options: &Options<'_>) -> u64 {
    let source = &graph.source(job).source;
    let known = (options.history)(source.name, graph.half(job));
    known.unwrap_or_else(|| estimate::model(source, graph.jobs[job as usize].all))
}

fn ordered(
    graph: &Graph<'_>,
    acyclic: &Acyclic<'_>,
    job: u32,
    needs: &[u32],
    (estimate, priority, frees): (u64, u64, u32),
) -> OrderedJob {
    let record = graph.source(job);
    let mut after: Vec<u32> = needs.iter().map(|&need| need + 1).collect();
    after.sort_unstable();
    let profiles = acyclic.profiles.get(&job).map(Vec::as_slice).unwrap_or_default();
    OrderedJob {
        source: record.source.name.to_owned(),
        version: record.source.version.to_owned(),
        arch: graph.half(job).to_owned(),
        component: record.component.to_owned(),
        after,
        estimate,
        priority,
        frees,
        profiles: profiles.iter().map(|&profile| profile.to_owned()).collect(),
    }
}

/// The loops, each with its packages and the edges that close it.
fn named(
    graph: &Graph<'_>,
    acyclic: &Acyclic<'_>,
    numbers: &[u32],
    older_binaries: bool,
    given_way: &[(u32, u32)],
) -> Vec<OrderLoop> {
    let met = if older_binaries { BrokenBy::OlderBinaries } else { BrokenBy::Nothing };
    let named = |jobs: &[u32], ways: &[(&[(u32, u32)], BrokenBy)]| {
        let mut jobs: Vec<u32> = jobs.to_vec();
        jobs.sort_unstable_by_key(|&job| numbers[job as usize]);
        let mut sources: Vec<String> = Vec::new();
        let mut seen = FxHashSet::default();
        for job in jobs {
            if seen.insert(graph.jobs[job as usize].source) {
                sources.push(graph.source(job).source.name.to_owned());
            }
        }
        let all: Vec<_> =
            ways.iter().flat_map(|&(cut, way)| by_job(cut).into_iter().map(move |of_job| (of_job, way))).collect();
        let rows: Vec<Vec<LoopEdge>> = all
            .into_par_iter()
            .map_init(|| graph.room(), |room, (of_job, way)| edges(graph, acyclic, numbers, room, &of_job, way))
            .collect();
        let mut edges: Vec<LoopEdge> = rows.into_iter().flatten().collect();
        edges.sort_unstable_by_key(|edge| (edge.job, edge.needs));
        OrderLoop { sources, edges }
    };
    let of_loop = |found: &Loop| named(&found.jobs, &[(&found.dropped, BrokenBy::Profiles), (&found.cut, met)]);
    let mut loops: Vec<OrderLoop> = acyclic.loops.iter().map(of_loop).collect();
    loops.sort_by_key(|found| std::cmp::Reverse(found.sources.len()));
    // Both halves of an overlay give way together.
    let of_source = |edge: &(u32, u32)| graph.jobs[edge.0 as usize].source;
    for cut in given_way.chunk_by(|one, other| of_source(one) == of_source(other)) {
        let jobs: Vec<u32> = cut.iter().flat_map(|edge| [edge.0, edge.1]).collect();
        loops.push(named(&jobs, &[(cut, BrokenBy::Overlay)]));
    }
    loops
}

/// Edges, those of one job together.
fn by_job(edges: &[(u32, u32)]) -> Vec<(u32, Vec<u32>)> {
    let chunks = edges.chunk_by(|one, other| one.0 == other.0);
    chunks.map(|chunk| (chunk[0].0, chunk.iter().map(|edge| edge.1).collect())).collect()
}

fn edges<'a>(
    graph: &Graph<'a>,
    acyclic: &Acyclic<'_>,
    numbers: &[u32],
    room: &mut Room<'a>,
    (job, needs): &(u32, Vec<u32>),
    way: BrokenBy,
) -> Vec<LoopEdge> {
    let profiles =
        acyclic.profiles.get(job).filter(|_| way != BrokenBy::Profiles).map(Vec::as_slice).unwrap_or_default();
    let found = why::why(graph, room, *job, profiles, needs).into_iter().zip(needs);
    found
        .map(|(why, need)| {
            let there = why.as_ref().is_some_and(|why| why.there);
            LoopEdge {
                job: numbers[*job as usize],
                needs: numbers[*need as usize],
                chroot: why.as_ref().is_some_and(|why| why.chroot),
                through: why.into_iter().flat_map(|why| why.through).map(str::to_owned).collect(),
                broken_by: match way {
                    BrokenBy::Profiles => BrokenBy::Profiles,
                    BrokenBy::OlderBinaries | BrokenBy::Overlay if there => way,
                    BrokenBy::OlderBinaries | BrokenBy::Overlay | BrokenBy::Nothing => BrokenBy::Nothing,
                },
            }
        })
        .collect()
}

/// The sources without a job.
fn not_for_here(graph: &Graph<'_>) -> Vec<String> {
    let mut has_job = vec![false; graph.sources.len()];
    graph.jobs.iter().for_each(|job| has_job[job.source as usize] = true);
    let without = graph.sources.iter().zip(has_job).filter(|(_, has_job)| !has_job);
    without.map(|(record, _)| record.source.name.to_owned()).collect()
}

/// What cannot be built with what is known now, with the reason in words.
fn unbuildable(graph: &Graph<'_>, visible: &[Package<'_>]) -> Vec<(String, String)> {
    if graph.missing.is_empty() {
        return Vec::new();
    }
    let universe = Universe::new(visible, Architectures::native(graph.architecture));
    let chroot = Base::of_chroot(&universe);
    let reason = |&job: &u32| {
        let source = &graph.source(job).source;
        let request = Request::of(source, Half::of_job(graph.half(job)), &[], Alternatives::First);
        let refusal = Installer::new(&universe, &chroot).check(&request).err()?;
        Some((source.name.to_owned(), refusal.to_string()))
    };
    let mut reasons: Vec<(String, String)> = graph.missing.par_iter().filter_map(reason).collect();
    reasons.dedup();
    reasons
}

#[cfg(test)]
mod tests;

//! Breaks loops: by build profiles that drop an edge where there are some, and else by edges that are cut.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::components::Components;
use super::csr::Csr;
use super::feedback::Arrangement;
use super::jobs::{Graph, Room};
use super::rows::{Edges, Rows};

/// A graph without loops, and what it took.
pub struct Acyclic<'p> {
    /// All jobs, each after what it needs.
    pub order: Vec<u32>,
    /// The needs of jobs that lost some; all others need what the graph says.
    changed: FxHashMap<u32, Vec<u32>>,
    /// The profiles that jobs must be built with.
    pub profiles: FxHashMap<u32, Vec<&'p str>>,
    /// The loops that there were.
    pub loops: Vec<Loop>,
}

/// Jobs that need each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loop {
    /// The jobs, by number.
    pub jobs: Vec<u32>,
    /// The edges (job, what it needs) that close it and that build profiles drop.
    pub dropped: Vec<(u32, u32)>,
    /// The edges that close it and that nothing drops.
    pub cut: Vec<(u32, u32)>,
}

impl Acyclic<'_> {
    /// What each job needs but for what was dropped and cut, where jobs are numbered by their place in the order.
    pub fn needs(&self, graph: &Graph<'_>) -> Rows {
        let mut numbers = vec![0; self.order.len()];
        (0..).zip(&self.order).for_each(|(number, &job)| numbers[job as usize] = number);
        let rows = |jobs: &[u32]| {
            let (mut lengths, mut targets) = (Vec::with_capacity(jobs.len()), Vec::new());
            for job in jobs {
                let before = targets.len();
                match self.changed.get(job) {
                    Some(kept) => targets.extend(kept.iter().map(|&need| numbers[need as usize])),
                    None => targets.extend(graph.needs.own(*job).iter().map(|&need| numbers[need as usize])),
                }
                lengths.push(u32::try_from(targets.len() - before).expect("a job needs fewer jobs than there are"));
            }
            (lengths, targets)
        };
        let common = graph.needs.common().iter().map(|&need| numbers[need as usize]).collect();
        let alone = self.order.iter().map(|job| self.changed.contains_key(job)).collect();
        Rows::with_alone(common, alone, Csr::joined(self.order.par_chunks(2048).map(rows).collect()))
    }

    /// Takes back what was not needed after all, where each job has its place in a final order: edges that this keeps
    /// anyway, and profiles of jobs that come after all they need without them. Answers the edges that are kept again.
    pub fn take_back(&mut self, graph: &Graph<'_>, place: &[u32]) -> Vec<(u32, u32)> {
        let is_late = |&(job, need): &(u32, u32)| place[need as usize] > place[job as usize];
        let mut kept = Vec::new();
        for found in &mut self.loops {
            kept.extend(found.cut.extract_if(.., |edge| !is_late(edge)));
            let cut: FxHashSet<(u32, u32)> = found.cut.iter().copied().collect();
            // Those of one job are together, and go together.
            for of_job in found.dropped.chunk_by(|one, other| one.0 == other.0) {
                let job = of_job[0].0;
                let needs = || graph.needs.of(job).map(|need| (job, need));
                if !needs().any(|edge| is_late(&edge) && !cut.contains(&edge)) {
                    self.profiles.remove(&job);
                    kept.extend(needs().filter(|edge| !cut.contains(edge)));
                }
            }
            found.dropped.retain(|(job, _)| self.profiles.contains_key(job));
        }
        kept
    }
}

/// Breaks all loops of a graph; `profiles` are those that a job may be built with to that end.
pub fn break_loops<'p, 'a>(graph: &'a Graph<'a>, profiles: &'a [&'p str]) -> Acyclic<'p> {
    let mut breaker = Breaker { graph, profiles, components: Components::new(&graph.needs) };
    let mut lean = breaker.lean_rows();
    breaker.settle(&mut lean);
    let members = &breaker.components.members;
    let mut order = Vec::with_capacity(graph.jobs.len());
    let (mut loops, mut changed, mut chosen) = (Vec::new(), FxHashMap::default(), FxHashMap::default());
    for (component, members) in (0..).zip(members) {
        if let [only] = members.as_slice() {
            order.push(*only);
            continue;
        }
        let broken = breaker.component(component, &lean);
        order.extend(broken.order);
        changed.extend(broken.rows);
        chosen.extend(broken.profiles);
        loops.push(broken.found);
    }
    Acyclic { order, changed, profiles: chosen, loops }
}

struct Breaker<'a, 'p> {
    graph: &'a Graph<'a>,
    profiles: &'a [&'p str],
    /// Of the graph without profiles; those that a component needs have lower numbers.
    components: Components,
}

/// One component, in order.
struct Broken<'p> {
    order: Vec<u32>,
    /// The rows that are not as they were.
    rows: Vec<(u32, Vec<u32>)>,
    profiles: Vec<(u32, Vec<&'p str>)>,
    found: Loop,
}

impl<'a, 'p> Breaker<'a, 'p> {
    /// What the jobs in loops need when they are built with all the profiles, where these say anything about it.
    fn lean_rows(&self) -> FxHashMap<u32, Vec<u32>> {
        if self.profiles.is_empty() {
            return FxHashMap::default();
        }
        let members = |component: u32| &self.components.members[component as usize];
        let jobs: Vec<&u32> = self.components.loops().flat_map(members).collect();
        let row = |room: &mut Room<'a>, &job: &u32| {
            let source = &self.graph.source(job).source;
            let fields = super::build_dependencies(source, self.graph.half(job));
            if !fields.iter().any(|field| memchr::memchr(b'<', field).is_some()) {
                return None;
            }
            let mut row = Vec::new();
            self.graph.needs_of(room, job, self.profiles, &mut row);
            Some((job, row))
        };
        jobs.into_par_iter().map_init(|| self.graph.room(), row).flatten().collect()
    }

    /// Profiles may add needs, too. Puts the components in an order that is right with those, and gives up the profiles
    /// of jobs where they would close another loop.
    fn settle(&mut self, lean: &mut FxHashMap<u32, Vec<u32>>) {
        let loops = &self.components;
        let added = |job: u32, row: &[u32]| -> Vec<u32> {
            let known: FxHashSet<u32> = self.graph.needs.of(job).collect();
            row.iter().copied().filter(|need| !known.contains(need)).collect()
        };
        let mut more: FxHashMap<u32, Vec<u32>> = lean.iter().map(|(&job, row)| (job, added(job, row))).collect();
        more.retain(|_, added| !added.is_empty());
        // Where they all lead to what comes before anyway, no loop closes and the components stay in order.
        if more.iter().all(|(&job, added)| self.is_before(job, added)) {
            return;
        }
        loop {
            let mut needs = Csr::default();
            for job in self.graph.needs.nodes() {
                let added = more.get(&job).map(Vec::as_slice).unwrap_or_default();
                needs.push(self.graph.needs.of(job).chain(added.iter().copied()));
            }
            let together = Components::new(&needs);
            let closes = |job: u32, need: u32| {
                let same = |of: &[u32]| of[job as usize] == of[need as usize];
                same(&together.of) && !same(&loops.of)
            };
            let before = more.len();
            more.retain(|&job, added| !added.iter().any(|&need| closes(job, need)));
            if more.len() == before {
                lean.retain(|job, row| more.contains_key(job) || added(*job, row).is_empty());
                self.components = together;
                return;
            }
        }
    }

    /// Whether none of the needs is in a component that comes after the job's.
    fn is_before(&self, job: u32, needs: &[u32]) -> bool {
        let of = &self.components.of;
        needs.iter().all(|&need| of[need as usize] <= of[job as usize])
    }

    /// What the jobs of a component need of each other whatever the profiles are, and what profiles drop.
    fn hard_and_soft(&self, component: u32, lean: &FxHashMap<u32, Vec<u32>>) -> [Csr; 2] {
        let members = &self.components.members[component as usize];
        let whole = self.components.within(&self.graph.needs, component);
        let split = |(local, member): (usize, &u32)| {
            let inside = |need: &u32| self.components.inside(component, *need);
            let row: FxHashSet<u32> = lean.get(member)?.iter().filter_map(inside).collect();
            let soft = whole.of(local as u32).iter().copied().filter(|need| !row.contains(need)).collect();
            Some((row.into_iter().collect(), soft))
        };
        let split: Vec<Option<(Vec<u32>, Vec<u32>)>> = members.par_iter().enumerate().map(split).collect();
        let (mut hard, mut soft) = (Csr::with_capacity(members.len(), whole.edges()), Csr::default());
        for (local, split) in (0..).zip(split) {
            let (row, dropped) = split.unwrap_or_else(|| (whole.of(local).to_vec(), Vec::new()));
            hard.push(row);
            soft.push(dropped);
        }
        [hard, soft]
    }

    fn component(&self, component: u32, lean: &FxHashMap<u32, Vec<u32>>) -> Broken<'p> {
        let members = &self.components.members[component as usize];
        let inside = |need: &u32| self.components.inside(component, *need);
        let locals: Vec<u32> = (0..).take(members.len()).collect();
        let [hard, soft] = self.hard_and_soft(component, lean);
        let order = place(&hard, &soft);
        let mut at = vec![0; order.len()];
        (0..).zip(&order).for_each(|(place, &local)| at[local as usize] = place);
        let late = |local: u32, needs: &Csr| -> Vec<u32> {
            let late = needs.of(local).iter().filter(|&&need| at[need as usize] > at[local as usize]);
            late.map(|&need| members[need as usize]).collect()
        };
        let lean_job = |room: &mut Room<'a>, local: u32| {
            let (job, hard_late) = (members[local as usize], late(local, &hard));
            let is_late = |need: &u32| inside(need).is_some_and(|need| at[need as usize] > at[local as usize]);
            self.fewest(room, job, &lean[&job], |need| is_late(need) && !hard_late.contains(need))
        };
        let dropped: Vec<Vec<u32>> = locals.iter().map(|&local| late(local, &soft)).collect();
        let chosen: FxHashMap<u32, (Vec<&str>, Vec<u32>)> = locals
            .par_iter()
            .filter(|&&local| !dropped[local as usize].is_empty())
            .map_init(|| self.graph.room(), |room, &local| (local, lean_job(room, local)))
            .collect();
        let mut broken = Broken {
            order: order.iter().map(|&local| members[local as usize]).collect(),
            rows: Vec::new(),
            profiles: Vec::new(),
            found: Loop { jobs: members.clone(), dropped: Vec::new(), cut: Vec::new() },
        };
        for (local, &job) in locals.iter().zip(members) {
            let kept: Vec<u32>;
            let row = match chosen.get(local) {
                None => {
                    kept = self.graph.needs.of(job).collect();
                    &kept
                }
                Some((profiles, row)) => {
                    broken.profiles.push((job, profiles.clone()));
                    broken.found.dropped.extend(dropped[*local as usize].iter().map(|&need| (job, need)));
                    row
                }
            };
            let is_late = |need: &&u32| inside(need).is_some_and(|need| at[need as usize] > at[*local as usize]);
            let cut = broken.found.cut.len();
            broken.found.cut.extend(row.iter().filter(is_late).map(|&need| (job, need)));
            if chosen.contains_key(local) || broken.found.cut.len() > cut {
                broken.rows.push((job, row.iter().filter(|need| !is_late(need)).copied().collect()));
            }
        }
        broken
    }

    /// As few of the profiles as leave no need that is `wrong`, and what the job needs with them.
    fn fewest(
        &self,
        room: &mut Room<'a>,
        job: u32,
        full: &[u32],
        wrong: impl Fn(&u32) -> bool,
    ) -> (Vec<&'p str>, Vec<u32>) {
        let (mut chosen, mut row) = (self.profiles.to_vec(), full.to_vec());
        for profile in self.profiles.iter().rev() {
            let fewer: Vec<&str> = chosen.iter().copied().filter(|other| other != profile).collect();
            let mut needs = Vec::new();
            self.graph.needs_of(room, job, &fewer, &mut needs);
            if self.is_before(job, &needs) && !needs.iter().any(&wrong) {
                (chosen, row) = (fewer, needs);
            }
        }
        (chosen, row)
    }
}

/// An order that keeps the hard needs but for a few, and of the soft ones as many as that allows.
fn place(hard: &Csr, soft: &Csr) -> Vec<u32> {
    let arrangement = Arrangement::new(hard);
    let mut kept = Csr::with_capacity(hard.len(), hard.edges());
    for node in hard.nodes() {
        kept.push(hard.of(node).iter().copied().filter(|&need| !arrangement.cuts(node, need)));
    }
    let (hard_users, soft_users) = (kept.reversed(), soft.reversed());
    let mut hard_open: Vec<usize> = kept.nodes().map(|node| kept.of(node).len()).collect();
    let mut soft_open: Vec<usize> = soft.nodes().map(|node| soft.of(node).len()).collect();
    let mut placed = vec![false; hard.len()];
    let mut order = Vec::with_capacity(hard.len());
    // Whoever would lose the fewest soft needs goes first, and of those who keeps most of others'.
    let key =
        |node: u32, soft_open: &[usize]| Reverse((soft_open[node as usize], Reverse(soft_users.of(node).len()), node));
    let mut ready: BinaryHeap<_> =
        hard.nodes().filter(|&node| hard_open[node as usize] == 0).map(|node| key(node, &soft_open)).collect();
    while let Some(Reverse((_, _, node))) = ready.pop() {
        if std::mem::replace(&mut placed[node as usize], true) {
            continue;
        }
        order.push(node);
        if order.len() == hard.len() {
            break;
        }
        for &user in soft_users.of(node) {
            soft_open[user as usize] -= 1;
            if hard_open[user as usize] == 0 && !placed[user as usize] {
                ready.push(key(user, &soft_open));
            }
        }
        for &user in hard_users.of(node) {
            hard_open[user as usize] -= 1;
            if hard_open[user as usize] == 0 {
                ready.push(key(user, &soft_open));
            }
        }
    }
    order
}

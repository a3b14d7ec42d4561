//! Overlays in an order: nobody is built against what an overlay supersedes where that can be had otherwise.
//!
//! An overlay that comes first is built before all others; any other one is built before those that need it, also where
//! it needs them in turn. What an overlay then lacks is taken as it is there.

use rustc_hash::FxHashSet;

use super::components::Components;
use super::csr::Csr;
use super::jobs::Graph;
use super::rows::Rows;
use crate::core::pinned::Role;

/// Who gives way to an overlay, and how.
#[derive(Debug, Default)]
pub struct Precedence {
    /// The jobs that all others come after.
    first: Vec<u32>,
    /// Whether a job is one of them; empty where there is none.
    is_first: Vec<bool>,
    /// Edges (job, what it needs) that are not kept.
    cut: FxHashSet<(u32, u32)>,
}

impl Precedence {
    fn is_first(&self, job: u32) -> bool {
        self.is_first.get(job as usize).copied().unwrap_or(false)
    }

    /// Whether a job does without another that it needs.
    pub fn cuts(&self, job: u32, need: u32) -> bool {
        (self.is_first(job) && !self.is_first(need)) || (!self.cut.is_empty() && self.cut.contains(&(job, need)))
    }

    /// The jobs that one comes after whether it needs them or not.
    pub fn before(&self, job: u32) -> &[u32] {
        if self.is_first(job) { &[] } else { &self.first }
    }
}

/// Lets the overlays of a graph take precedence; `first` are the sources that come before all others. Answers the edges
/// (job, what it needs) that are cut, sorted.
pub fn precede(graph: &mut Graph<'_>, first: &FxHashSet<&str>) -> Vec<(u32, u32)> {
    let is_overlay: Vec<bool> = graph.needs.nodes().map(|job| graph.source(job).suite.role == Role::Overlay).collect();
    if !is_overlay.contains(&true) {
        return Vec::new();
    }
    let is_first: Vec<bool> = graph
        .needs
        .nodes()
        .map(|job| is_overlay[job as usize] && first.contains(graph.source(job).source.name))
        .collect();
    let together = Components::new(&graph.needs);
    let loops = |job: u32, need: u32| together.of[job as usize] == together.of[need as usize];
    let mut cut = Vec::new();
    for job in graph.needs.nodes().filter(|&job| is_overlay[job as usize]) {
        let gives_way = |need: &u32| match is_first[job as usize] {
            true => !is_first[*need as usize],
            false => !is_overlay[*need as usize] && loops(job, *need),
        };
        cut.extend(graph.needs.of(job).filter(gives_way).map(|need| (job, need)));
    }
    cut.sort_unstable();
    let of_first = graph.needs.nodes().filter(|&job| is_first[job as usize]).collect();
    graph.precedence = Precedence { first: of_first, is_first, cut: cut.iter().copied().collect() };
    graph.needs = Rows::from(kept(graph));
    cut
}

/// What each job needs, as far as that is kept.
fn kept(graph: &Graph<'_>) -> Csr {
    let precedence = &graph.precedence;
    let mut kept = Csr::default();
    for job in graph.needs.nodes() {
        let needs: Vec<u32> = graph.needs.of(job).collect();
        let own = needs.iter().copied().filter(|&need| !precedence.cuts(job, need));
        let before = precedence.before(job).iter().copied().filter(|first| !needs.contains(first));
        kept.push(own.chain(before));
    }
    kept
}

//! Strongly connected components: the groups of nodes that need each other.

use super::csr::Csr;
use super::rows::Edges;

/// The components of a graph.
pub struct Components {
    /// The nodes of each, sorted; each component after those that it needs.
    pub members: Vec<Vec<u32>>,
    /// The number of each node's component.
    pub of: Vec<u32>,
    /// Each node's place among the nodes of its component.
    pub local: Vec<u32>,
}

impl Components {
    /// Of a graph.
    pub fn new(needs: &impl Edges) -> Components {
        let members = components(needs);
        let (mut of, mut local) = (vec![0; needs.count()], vec![0; needs.count()]);
        for (number, nodes) in (0..).zip(&members) {
            for (place, &node) in (0..).zip(nodes) {
                (of[node as usize], local[node as usize]) = (number, place);
            }
        }
        Components { members, of, local }
    }

    /// The place of a node in a component that it is in.
    pub fn inside(&self, component: u32, node: u32) -> Option<u32> {
        (self.of[node as usize] == component).then_some(self.local[node as usize])
    }

    /// What the nodes of one component need of each other, by their places in it; a node's need of itself is left out.
    pub fn within(&self, needs: &impl Edges, component: u32) -> Csr {
        let mut own = Csr::default();
        for &node in &self.members[component as usize] {
            let others = needs.parts(node).into_iter().flatten().filter(|&&need| need != node);
            own.push(others.filter_map(|&need| self.inside(component, need)));
        }
        own
    }

    /// The components that are loops.
    pub fn loops(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.members).filter(|(_, nodes)| nodes.len() > 1).map(|(number, _)| number)
    }
}

/// The components (Tarjan), each after those that it needs, the nodes of each sorted. Without recursion: a chain of a
/// million nodes must not end the process.
fn components(needs: &impl Edges) -> Vec<Vec<u32>> {
    const NEW: u32 = u32::MAX;
    // Above all numbers that nodes on the stack have, so that those that are in a component change no lowest one.
    const DONE: u32 = u32::MAX - 1;
    let count = u32::try_from(needs.count()).expect("nodes are numbered in 32 bits");
    let (mut index, mut low) = (vec![NEW; needs.count()], vec![0; needs.count()]);
    let (mut next, mut found, mut calls, mut stack) = (0, Vec::new(), Vec::new(), Vec::new());
    let mut common_done = false;
    for root in 0..count {
        if index[root as usize] != NEW {
            continue;
        }
        calls.push((root, [0, 0]));
        while let Some((node, mut edge)) = calls.pop() {
            let at = node as usize;
            if edge == [0, 0] {
                (index[at], low[at]) = (next, next);
                next += 1;
                stack.push(node);
            }
            let parts = needs.parts(node);
            if common_done {
                edge[0] = parts[0].len();
            }
            if let Some(need) = first_new(parts, &mut edge, |need| {
                let of_need = index[need as usize];
                low[at] = low[at].min(of_need);
                of_need == NEW
            }) {
                calls.push((node, edge));
                calls.push((need, [0, 0]));
                continue;
            }
            if low[at] == index[at] {
                let start = stack.iter().rposition(|&member| member == node).expect("a root is on its stack");
                let mut component = stack.split_off(start);
                component.iter().for_each(|&member| index[member as usize] = DONE);
                component.sort_unstable();
                found.push(component);
                common_done = common_done || needs.common().iter().all(|&need| index[need as usize] == DONE);
            }
            if let Some(&(caller, _)) = calls.last() {
                low[caller as usize] = low[caller as usize].min(low[at]);
            }
        }
    }
    found
}

/// The next of what a node needs that was not met so far; `edge` is how far each part has been gone through.
fn first_new(parts: [&[u32]; 2], edge: &mut [usize; 2], mut is_new: impl FnMut(u32) -> bool) -> Option<u32> {
    for (part, edge) in parts.into_iter().zip(edge) {
        while let Some(&need) = part.get(*edge) {
            *edge += 1;
            if is_new(need) {
                return Some(need);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::order::rows::Rows;

    #[test]
    fn nodes_that_need_each_other_come_together_and_after_what_they_need() {
        let needs = Csr::of_rows(&[vec![1], vec![2, 3], vec![1], vec![], vec![0, 4]]);
        assert_eq!(components(&needs), [vec![3], vec![1, 2], vec![0], vec![4]]);
    }

    #[test]
    fn what_is_common_is_needed_as_if_each_row_had_it() {
        let own = [vec![4], vec![], vec![3], vec![2], vec![], vec![0]];
        let rows = Rows::new(vec![4, 1], Csr::of_rows(&own));
        let written: Vec<Vec<u32>> = rows.nodes().map(|node| rows.of(node).collect()).collect();
        assert_eq!(components(&rows), [vec![1, 4], vec![0], vec![2, 3], vec![5]]);
        assert_eq!(components(&rows), components(&Csr::of_rows(&written)));
    }

    #[test]
    fn a_long_chain_needs_no_recursion() {
        let mut needs = Csr::default();
        (0..200_000u32).for_each(|node| needs.push(node.checked_add(1).filter(|&need| need < 200_000)));
        assert_eq!(components(&needs).len(), 200_000);
    }
}

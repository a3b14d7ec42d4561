//! Strongly connected components: the groups of nodes that need each other.

use super::csr::Csr;

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
    pub fn new(needs: &Csr) -> Components {
        let members = components(needs);
        let (mut of, mut local) = (vec![0; needs.len()], vec![0; needs.len()]);
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
    pub fn within(&self, needs: &Csr, component: u32) -> Csr {
        let mut own = Csr::default();
        for &node in &self.members[component as usize] {
            let others = needs.of(node).iter().filter(|&&need| need != node);
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
fn components(needs: &Csr) -> Vec<Vec<u32>> {
    const NEW: u32 = u32::MAX;
    let (mut index, mut low) = (vec![NEW; needs.len()], vec![0; needs.len()]);
    let (mut on_stack, mut stack) = (vec![false; needs.len()], Vec::new());
    let (mut next, mut found, mut calls) = (0, Vec::new(), Vec::new());
    for root in needs.nodes() {
        if index[root as usize] != NEW {
            continue;
        }
        calls.push((root, 0));
        while let Some((node, edge)) = calls.pop() {
            let at = node as usize;
            if edge == 0 {
                (index[at], low[at]) = (next, next);
                next += 1;
                stack.push(node);
                on_stack[at] = true;
            }
            let mut edges = needs.of(node).iter().enumerate().skip(edge);
            let called = edges.find_map(|(edge, &need)| {
                if index[need as usize] == NEW {
                    return Some((edge, need));
                }
                if on_stack[need as usize] {
                    low[at] = low[at].min(index[need as usize]);
                }
                None
            });
            if let Some((edge, need)) = called {
                calls.push((node, edge + 1));
                calls.push((need, 0));
                continue;
            }
            if low[at] == index[at] {
                let start = stack.iter().rposition(|&member| member == node).expect("a root is on its stack");
                let mut component = stack.split_off(start);
                component.iter().for_each(|&member| on_stack[member as usize] = false);
                component.sort_unstable();
                found.push(component);
            }
            if let Some(&(caller, _)) = calls.last() {
                low[caller as usize] = low[caller as usize].min(low[at]);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_that_need_each_other_come_together_and_after_what_they_need() {
        let needs = Csr::of_rows(&[vec![1], vec![2, 3], vec![1], vec![], vec![0, 4]]);
        assert_eq!(components(&needs), [vec![3], vec![1, 2], vec![0], vec![4]]);
    }

    #[test]
    fn a_long_chain_needs_no_recursion() {
        let mut needs = Csr::default();
        (0..200_000u32).for_each(|node| needs.push(node.checked_add(1).filter(|&need| need < 200_000)));
        assert_eq!(components(&needs).len(), 200_000);
    }
}

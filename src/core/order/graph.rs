//! A graph of who needs whom: a topological order, the loops in it, and where they are cut.

/// The order of a graph's nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sorted {
    /// All nodes, each after what it needs, but for the edges of `cut`.
    pub order: Vec<usize>,
    /// Groups of nodes that need each other, each sorted by number; smallest first member first.
    pub loops: Vec<Vec<usize>>,
    /// Edges (node, what it needs) that the order does not keep.
    pub cut: Vec<(usize, usize)>,
}

/// Sorts a graph: `needs[n]` lists what node `n` needs. A node that needs itself does not count as a loop.
///
/// Where a loop leaves nothing that is ready, the node of it with the fewest open needs goes first, and those are cut.
pub fn sort(needs: &[Vec<usize>]) -> Sorted {
    let loops: Vec<Vec<usize>> = components(needs).into_iter().filter(|component| component.len() > 1).collect();
    let mut member = vec![usize::MAX; needs.len()];
    for (number, nodes) in loops.iter().enumerate() {
        for &node in nodes {
            member[node] = number;
        }
    }
    let mut open: Vec<Vec<usize>> = needs
        .iter()
        .enumerate()
        .map(|(node, needs)| {
            let mut needs: Vec<usize> = needs.iter().copied().filter(|&need| need != node).collect();
            needs.sort_unstable();
            needs.dedup();
            needs
        })
        .collect();
    let mut users = vec![Vec::new(); needs.len()];
    for (node, needs) in open.iter().enumerate() {
        for &need in needs {
            users[need].push(node);
        }
    }
    let mut done = vec![false; needs.len()];
    let mut sorted = Sorted { order: Vec::with_capacity(needs.len()), loops, cut: Vec::new() };
    let mut ready: std::collections::VecDeque<usize> = (0..needs.len()).filter(|&node| open[node].is_empty()).collect();
    while sorted.order.len() < needs.len() {
        let Some(node) = ready.pop_front() else {
            // Only a node whose open needs are all of its own loop may be cut free: others wait for that loop.
            let stuck = (0..needs.len())
                .filter(|&node| !done[node] && member[node] != usize::MAX)
                .filter(|&node| open[node].iter().all(|&need| member[need] == member[node]))
                .min_by_key(|&node| (open[node].len(), node))
                .expect("where nothing is ready, some loop waits for nothing but itself");
            sorted.cut.extend(open[stuck].drain(..).map(|need| (stuck, need)));
            ready.push_back(stuck);
            continue;
        };
        if std::mem::replace(&mut done[node], true) {
            continue;
        }
        sorted.order.push(node);
        for &user in &users[node] {
            let before = open[user].len();
            open[user].retain(|&need| need != node);
            if before > 0 && open[user].is_empty() && !done[user] {
                ready.push_back(user);
            }
        }
    }
    sorted
}

/// Strongly connected components (Tarjan), without recursion: a chain of a million nodes must not end the process.
fn components(needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const NEW: usize = usize::MAX;
    let (mut index, mut low) = (vec![NEW; needs.len()], vec![0; needs.len()]);
    let (mut on_stack, mut stack) = (vec![false; needs.len()], Vec::new());
    let (mut next, mut found) = (0, Vec::new());
    for root in 0..needs.len() {
        if index[root] != NEW {
            continue;
        }
        let mut calls = vec![(root, 0)];
        while let Some((node, edge)) = calls.pop() {
            if edge == 0 {
                index[node] = next;
                low[node] = next;
                next += 1;
                stack.push(node);
                on_stack[node] = true;
            }
            if let Some(&need) = needs[node].get(edge) {
                calls.push((node, edge + 1));
                if index[need] == NEW {
                    calls.push((need, 0));
                } else if on_stack[need] {
                    low[node] = low[node].min(index[need]);
                }
                continue;
            }
            if low[node] == index[node] {
                let start = stack.iter().rposition(|&member| member == node).expect("a root is on its stack");
                let mut component = stack.split_off(start);
                for &member in &component {
                    on_stack[member] = false;
                }
                component.sort_unstable();
                found.push(component);
            }
            if let Some(&(caller, _)) = calls.last() {
                low[caller] = low[caller].min(low[node]);
            }
        }
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_loop_is_named_and_cut_where_the_fewest_needs_are_open() {
        // 0 and 1 need each other, 1 needs 2 as well, 3 needs 0.
        let sorted = sort(&[vec![1], vec![0, 2], vec![], vec![0]]);
        assert_eq!(sorted.loops, [vec![0, 1]]);
        assert_eq!(sorted.cut, [(0, 1)]);
        assert_eq!(sorted.order, [2, 0, 1, 3]);
    }

    #[test]
    fn a_node_that_needs_itself_is_no_loop() {
        let sorted = sort(&[vec![0], vec![0]]);
        assert_eq!((sorted.order, sorted.loops.len(), sorted.cut.len()), (vec![0, 1], 0, 0));
    }

    #[test]
    fn a_long_chain_is_sorted_without_recursion() {
        let needs: Vec<Vec<usize>> = (0..200_000).map(|node| if node == 0 { vec![] } else { vec![node - 1] }).collect();
        assert_eq!(sort(&needs).order.last(), Some(&199_999));
    }

    proptest! {
        #[test]
        fn every_node_comes_once_and_after_what_it_needs(
            needs in (1usize..12).prop_flat_map(|count| {
                prop::collection::vec(prop::collection::vec(0..count, 0..4), count)
            })
        ) {
            let sorted = sort(&needs);
            let mut place = vec![usize::MAX; needs.len()];
            for (position, &node) in sorted.order.iter().enumerate() {
                prop_assert_eq!(place[node], usize::MAX);
                place[node] = position;
            }
            for (node, needs) in needs.iter().enumerate() {
                for &need in needs.iter().filter(|&&need| need != node) {
                    prop_assert!(place[need] < place[node] || sorted.cut.contains(&(node, need)));
                }
            }
            // Nothing is cut where there is no loop.
            prop_assert!(sorted.cut.is_empty() || !sorted.loops.is_empty());
        }
    }
}

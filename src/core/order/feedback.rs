//! Few edges whose loss leaves no loop, by an arrangement of the nodes with few edges that point forward.
//!
//! The best such set is out of reach for thousands of nodes (the problem is NP-hard). The heuristic of Eades, Lin and
//! Smyth gives a good arrangement in linear time, and moving single nodes to where they do best improves on it.

use super::components::Components;
use super::csr::Csr;

/// How often each node is moved to where it does best; later rounds find next to nothing.
const ROUNDS: usize = 2;

/// Above this many nodes in one component moving would take longer than what it gains is worth.
const MOST_TO_MOVE: usize = 20_000;

/// No node.
const NONE: u32 = u32::MAX;

/// The nodes of each component in an order where few come before what they need.
pub struct Arrangement {
    components: Components,
    place: Vec<u32>,
}

impl Arrangement {
    /// Of a graph.
    pub fn new(needs: &Csr) -> Arrangement {
        let components = Components::new(needs);
        let mut place = vec![0; needs.len()];
        for component in components.loops() {
            let places = arrange(&components.within(needs, component));
            for (&node, at) in components.members[component as usize].iter().zip(places) {
                place[node as usize] = at;
            }
        }
        Arrangement { components, place }
    }

    /// Whether a node comes before what it needs: without those edges there is no loop, and none of them is outside of
    /// one.
    pub fn cuts(&self, node: u32, need: u32) -> bool {
        let (node, need) = (node as usize, need as usize);
        self.components.of[node] == self.components.of[need] && self.place[need] > self.place[node]
    }
}

/// The place of each node in an arrangement where few nodes come before what they need.
fn arrange(needs: &Csr) -> Vec<u32> {
    let users = needs.reversed();
    let mut order = eades_lin_smyth(needs, &users);
    let mut place = vec![0; order.len()];
    (0..).zip(&order).for_each(|(at, &node)| place[node as usize] = at);
    if order.len() <= MOST_TO_MOVE {
        for _ in 0..ROUNDS {
            if !improve(needs, &users, &mut order, &mut place) {
                break;
            }
        }
    }
    place
}

/// Takes nodes that need nothing more to the front and nodes that nobody uses to the back; where there is neither, the
/// node goes to the front that is used most beyond what it needs.
fn eades_lin_smyth(needs: &Csr, users: &Csr) -> Vec<u32> {
    let mut left = Buckets::new(needs, users);
    let (mut front, mut back) = (Vec::with_capacity(needs.len()), Vec::new());
    while let Some((node, end)) = left.take() {
        match end {
            End::Front => front.push(node),
            End::Back => back.push(node),
        }
        needs.of(node).iter().for_each(|&need| left.lose(need, Side::Users));
        users.of(node).iter().for_each(|&user| left.lose(user, Side::Needs));
    }
    front.extend(back.into_iter().rev());
    front
}

#[derive(Clone, Copy)]
enum End {
    Front,
    Back,
}

#[derive(Clone, Copy)]
enum Side {
    Needs,
    Users,
}

/// The nodes that are left, in lists by how many more users than needs they have.
struct Buckets {
    needs: Vec<u32>,
    users: Vec<u32>,
    taken: Vec<bool>,
    first: Vec<u32>,
    next: Vec<u32>,
    previous: Vec<u32>,
    /// Users less needs, plus this, is the number of a list.
    zero: i64,
    highest: usize,
    /// Nodes that need nothing more, or that nobody uses any more.
    sources: Vec<u32>,
    sinks: Vec<u32>,
}

impl Buckets {
    fn new(needs: &Csr, users: &Csr) -> Buckets {
        let degree = |csr: &Csr| csr.nodes().map(|node| csr.of(node).len() as u32).collect::<Vec<u32>>();
        let (needs, users) = (degree(needs), degree(users));
        let most = |degrees: &[u32]| degrees.iter().max().copied().unwrap_or(0) as usize;
        let lists = most(&needs) + most(&users) + 1;
        let mut buckets = Buckets {
            taken: vec![false; needs.len()],
            first: vec![NONE; lists],
            next: vec![NONE; needs.len()],
            previous: vec![NONE; needs.len()],
            zero: most(&needs) as i64,
            highest: 0,
            sources: Vec::new(),
            sinks: Vec::new(),
            needs,
            users,
        };
        (0..buckets.needs.len() as u32).for_each(|node| buckets.put(node));
        buckets
    }

    fn list(&self, node: u32) -> usize {
        let node = node as usize;
        (i64::from(self.users[node]) - i64::from(self.needs[node]) + self.zero) as usize
    }

    fn put(&mut self, node: u32) {
        let list = self.list(node);
        let first = std::mem::replace(&mut self.first[list], node);
        (self.previous[node as usize], self.next[node as usize]) = (NONE, first);
        if first != NONE {
            self.previous[first as usize] = node;
        }
        self.highest = self.highest.max(list);
        if self.needs[node as usize] == 0 {
            self.sources.push(node);
        } else if self.users[node as usize] == 0 {
            self.sinks.push(node);
        }
    }

    fn unlink(&mut self, node: u32) {
        let (previous, next) = (self.previous[node as usize], self.next[node as usize]);
        match previous {
            NONE => {
                let list = self.list(node);
                self.first[list] = next;
            }
            before => self.next[before as usize] = next,
        }
        if next != NONE {
            self.previous[next as usize] = previous;
        }
    }

    /// The next node, and where it goes.
    fn take(&mut self) -> Option<(u32, End)> {
        let untaken = |nodes: &mut Vec<u32>, taken: &[bool]| {
            std::iter::from_fn(|| nodes.pop()).find(|&node| !taken[node as usize])
        };
        let (node, end) = if let Some(node) = untaken(&mut self.sources, &self.taken) {
            (node, End::Front)
        } else if let Some(node) = untaken(&mut self.sinks, &self.taken) {
            (node, End::Back)
        } else {
            while self.first[self.highest] == NONE {
                self.highest = self.highest.checked_sub(1)?;
            }
            (self.first[self.highest], End::Front)
        };
        self.unlink(node);
        self.taken[node as usize] = true;
        Some((node, end))
    }

    /// A neighbour of this node was taken.
    fn lose(&mut self, node: u32, side: Side) {
        if self.taken[node as usize] {
            return;
        }
        self.unlink(node);
        match side {
            Side::Needs => self.needs[node as usize] -= 1,
            Side::Users => self.users[node as usize] -= 1,
        }
        self.put(node);
    }
}

/// Moves each node to where the fewest of its edges point forward; says whether that helped any.
fn improve(needs: &Csr, users: &Csr, order: &mut [u32], place: &mut [u32]) -> bool {
    let mut helped = false;
    let mut near = Neighbours::new(order.len());
    for node in needs.nodes() {
        let at = place[node as usize];
        let wrong = needs.of(node).iter().any(|&need| place[need as usize] > at)
            || users.of(node).iter().any(|&user| place[user as usize] < at);
        if !wrong {
            continue;
        }
        near.clear();
        needs.of(node).iter().for_each(|&need| near.needs.add(place[need as usize]));
        users.of(node).iter().for_each(|&user| near.users.add(place[user as usize]));
        let best = near.best(at);
        if best != at {
            helped = true;
            let (from, to) = (at as usize, best as usize);
            if to > from {
                order[from..=to].rotate_left(1)
            } else {
                order[to..=from].rotate_right(1)
            }
            for moved in from.min(to)..=from.max(to) {
                place[order[moved] as usize] = moved as u32;
            }
        }
    }
    helped
}

/// The places of what a node needs, and of its users: a bit for each place, so that going by them takes no sorting.
struct Neighbours {
    needs: Places,
    users: Places,
}

struct Places(Vec<u64>);

impl Places {
    fn add(&mut self, place: u32) {
        self.0[place as usize / 64] |= 1 << (place % 64);
    }
}

impl Neighbours {
    fn new(places: usize) -> Neighbours {
        let places = || Places(vec![0; places.div_ceil(64)]);
        Neighbours { needs: places(), users: places() }
    }

    fn clear(&mut self) {
        self.needs.0.fill(0);
        self.users.0.fill(0);
    }

    /// Where a node that is at this place would have the fewest edges that point forward: there if nowhere else.
    fn best(&self, at: u32) -> u32 {
        let (mut best, mut gain, mut sum) = (at, 0, 0);
        let (word, here) = (at as usize / 64, u64::MAX << (at % 64));
        let (first, last) = (word..self.needs.0.len(), (0..=word).rev());
        // Passing what it needs on the way to the back keeps an edge, passing a user loses one.
        for word in first {
            let mask = if word == at as usize / 64 { here } else { u64::MAX };
            let (needs, users) = (self.needs.0[word] & mask, self.users.0[word] & mask);
            let mut left = needs | users;
            while left != 0 {
                let bit = left.trailing_zeros();
                left &= left - 1;
                sum += (needs >> bit & 1) as i32 - (users >> bit & 1) as i32;
                if sum > gain {
                    (best, gain) = (word as u32 * 64 + bit, sum);
                }
            }
        }
        sum = 0;
        for word in last {
            let mask = if word == at as usize / 64 { !here } else { u64::MAX };
            let (needs, users) = (self.needs.0[word] & mask, self.users.0[word] & mask);
            let mut left = needs | users;
            while left != 0 {
                let bit = 63 - left.leading_zeros();
                left &= !(1 << bit);
                sum += (users >> bit & 1) as i32 - (needs >> bit & 1) as i32;
                if sum > gain {
                    (best, gain) = (word as u32 * 64 + bit, sum);
                }
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(rows: &[Vec<u32>]) -> Vec<(u32, u32)> {
        let needs = Csr::of_rows(rows);
        let arrangement = Arrangement::new(&needs);
        let edges = needs.nodes().flat_map(|node| needs.of(node).iter().map(move |&need| (node, need)));
        edges.filter(|&(node, need)| arrangement.cuts(node, need)).collect()
    }

    #[test]
    fn a_loop_loses_one_edge_and_what_is_no_loop_none() {
        assert_eq!(check(&[vec![1], vec![2], vec![0], vec![0, 1, 2]]).len(), 1);
        assert_eq!(check(&[vec![0, 1], vec![]]), []);
    }

    #[test]
    fn the_one_that_all_others_use_goes_first() {
        // 0 needs 1, 2 and 3, each of which needs 0 and 4.
        let rows = [vec![1], vec![0, 4], vec![0, 4], vec![0, 4], vec![0]];
        assert_eq!(check(&rows), [(0, 1)]);
    }

    proptest! {
        #[test]
        fn without_the_edges_there_is_no_loop_and_each_of_them_was_in_one(
            rows in (1usize..14).prop_flat_map(|count| {
                prop::collection::vec(prop::collection::vec(0..count as u32, 0..5), count)
            })
        ) {
            let cut = check(&rows);
            let kept: Vec<Vec<u32>> = (0..).zip(&rows).map(|(node, needs)| {
                needs.iter().copied().filter(|&need| need != node && !cut.contains(&(node, need))).collect()
            }).collect();
            prop_assert_eq!(Components::new(&Csr::of_rows(&kept)).loops().count(), 0);
            let components = Components::new(&Csr::of_rows(&rows));
            let of = |node: u32| components.of[node as usize];
            prop_assert!(cut.iter().all(|&(node, need)| of(node) == of(need)));
        }
    }
}

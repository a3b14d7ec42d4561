//! The fewest edges that say the same: an edge goes where others lead from its one end to its other.

use rayon::prelude::*;

use super::csr::Csr;
use super::rows::{Edges, Rows};

/// Columns that are worked on at once: so many bits a job that others need, which is 100 MB for 50,000 of them.
const BLOCK: usize = 16_384;

/// What is left of a graph, and how much each job holds up.
pub struct Reduced {
    /// The edges that no others stand for, by place in the order.
    pub needs: Csr,
    /// How many others wait for each, directly or not.
    pub frees: Vec<u32>,
}

/// Reduces a graph without loops whose nodes are numbered so that each comes after what it needs.
pub fn reduce(needs: &Rows) -> Reduced {
    reduce_by(needs, BLOCK)
}

fn reduce_by(needs: &Rows, block: usize) -> Reduced {
    let mut used = vec![false; needs.count()];
    let own = needs.nodes().flat_map(|node| needs.own(node));
    own.chain(needs.common()).for_each(|&need| used[need as usize] = true);
    // Only jobs that others need have columns, and rows that are kept; most are nobody's need.
    let mut column = vec![u32::MAX; needs.count()];
    let columns: Vec<u32> = needs.nodes().filter(|&node| used[node as usize]).collect();
    (0..).zip(&columns).for_each(|(number, &node)| column[node as usize] = number);
    let ends: Vec<u32> = needs.nodes().filter(|&node| !used[node as usize]).collect();
    let mut reduction =
        Reduction { needs, column, columns, kept: vec![Vec::new(); needs.count()], frees: vec![0; needs.count()] };
    let blocks = reduction.columns.len().div_ceil(block);
    // An edge within a block may be stood for by those into later blocks, never by those into earlier ones.
    for start in (0..blocks).rev().map(|number| number * block) {
        reduction.block(start, block, &ends);
    }
    Reduced { needs: Csr::of_rows(&reduction.kept), frees: reduction.frees }
}

struct Reduction<'n> {
    needs: &'n Rows,
    column: Vec<u32>,
    columns: Vec<u32>,
    kept: Vec<Vec<u32>>,
    frees: Vec<u32>,
}

impl Reduction<'_> {
    /// Works on so many columns from `start` on. What comes before them leads to none of them.
    fn block(&mut self, start: usize, most: usize, ends: &[u32]) {
        let width = (self.columns.len() - start).min(most);
        let mut reach = Reach::new(start, width);
        let common = self.mask(&reach);
        let mut counts = Counters::new(width.div_ceil(64));
        let mut room = [Vec::new(), Vec::new()];
        // Nodes in the order's order; each node's row is complete before the first that needs it.
        for at in start..self.columns.len() {
            let node = self.columns[at];
            let kept = self.row(node, at, &reach, &common, &mut room);
            self.kept[node as usize].extend(kept);
            counts.add(&room[0]);
            reach.push(&room[0]);
        }
        let this = &*self;
        let parts: Vec<(Vec<Vec<u32>>, Counters)> = ends
            .par_chunks(2048)
            .map(|chunk| {
                let (mut room, mut counts) = ([Vec::new(), Vec::new()], Counters::new(width.div_ceil(64)));
                let of_end = |&end: &u32| {
                    let kept = this.row(end, this.columns.len(), &reach, &common, &mut room);
                    counts.add(&room[0]);
                    kept
                };
                let kept = chunk.iter().map(of_end).collect();
                (kept, counts)
            })
            .collect();
        let kept = parts.iter().flat_map(|(kept, _)| kept);
        for (&end, kept) in ends.iter().zip(kept) {
            self.kept[end as usize].extend(kept);
        }
        for part in parts.iter().map(|(_, part)| part).chain([&counts]) {
            for number in 0..width {
                self.frees[self.columns[start + number] as usize] += part.of(number);
            }
        }
    }

    /// The columns of a block that are common to all rows.
    fn mask(&self, reach: &Reach) -> Vec<u64> {
        let mut mask = Vec::new();
        for &need in self.needs.common() {
            let column = (self.column[need as usize] as usize).wrapping_sub(reach.start);
            if column < reach.width {
                mask.resize(mask.len().max(column / 64 + 1), 0);
                mask[column / 64] |= 1 << (column % 64);
            }
        }
        mask
    }

    /// The edges into this block that are kept of a node that leads to columns below `end` only; `row` becomes all of
    /// the block that it leads to, `wanted` is room to work in.
    fn row(&self, node: u32, end: usize, reach: &Reach, common: &[u64], [row, wanted]: &mut [Vec<u64>; 2]) -> Vec<u32> {
        for room in [&mut *row, wanted] {
            room.clear();
            room.resize(reach.words(end), 0);
        }
        // What was kept so far leads into later blocks.
        for &need in &self.kept[node as usize] {
            let led = reach.of(self.column[need as usize] as usize);
            row.iter_mut().zip(led).for_each(|(word, more)| *word |= more);
        }
        let mut words = 0;
        if self.needs.shares(node) {
            wanted.iter_mut().zip(row.iter().zip(common)).for_each(|(wanted, (row, common))| *wanted = common & !row);
            let own = (self.column[node as usize] as usize).wrapping_sub(reach.start);
            // What is common to all is not needed by itself.
            if let Some(word) = wanted.get_mut(own / 64) {
                *word &= !(1 << (own % 64));
            }
            words = common.len().min(wanted.len());
        }
        for &need in self.needs.own(node) {
            let column = (self.column[need as usize] as usize).wrapping_sub(reach.start);
            if column < reach.width && row[column / 64] & (1 << (column % 64)) == 0 {
                wanted[column / 64] |= 1 << (column % 64);
                words = words.max(column / 64 + 1);
            }
        }
        let mut kept = Vec::new();
        for word in (0..words).rev() {
            while wanted[word] != 0 {
                let bit = 63 - wanted[word].leading_zeros() as usize;
                let column = reach.start + word * 64 + bit;
                kept.push(self.columns[column]);
                // The latest that is wanted is led to by none of the others, and leads to some of them.
                for ((row, wanted), led) in row.iter_mut().zip(wanted.iter_mut()).zip(reach.of(column)) {
                    *row |= led;
                    *wanted &= !led;
                }
                row[word] |= 1 << bit;
                wanted[word] &= !(1 << bit);
            }
        }
        kept
    }
}

/// Which columns of a block each column leads to. They are all below it, so that rows need not go further.
struct Reach {
    start: usize,
    width: usize,
    /// Where the row of each column from the block's start on begins, and where the last one ends.
    starts: Vec<usize>,
    rows: Vec<u64>,
}

impl Reach {
    fn new(start: usize, width: usize) -> Reach {
        // The row of a column is half as long as the last one on average.
        let words = (width / 64 + 1) * (width / 2 + 64);
        Reach { start, width, starts: vec![0], rows: Vec::with_capacity(words) }
    }

    /// How many words the row of a column has.
    fn words(&self, column: usize) -> usize {
        (column - self.start).min(self.width).div_ceil(64)
    }

    fn push(&mut self, row: &[u64]) {
        self.rows.extend_from_slice(row);
        self.starts.push(self.rows.len());
    }

    fn of(&self, column: usize) -> &[u64] {
        let at = column - self.start;
        &self.rows[self.starts[at]..self.starts[at + 1]]
    }
}

/// Words that are counted together, so that the processor adds several at once.
const LANES: usize = 8;

/// A counter for each column, a bit of all of them in each plane: adding a row costs what its words are, not its bits.
struct Counters {
    /// The planes of each few words.
    groups: Vec<Vec<[u64; LANES]>>,
}

impl Counters {
    fn new(words: usize) -> Counters {
        Counters { groups: vec![Vec::new(); words.div_ceil(LANES)] }
    }

    /// Adds one for each bit of a row.
    fn add(&mut self, row: &[u64]) {
        for (planes, words) in self.groups.iter_mut().zip(row.chunks(LANES)) {
            let mut carry = [0; LANES];
            carry[..words.len()].copy_from_slice(words);
            for sum in planes.iter_mut() {
                if is_zero(&carry) {
                    break;
                }
                for (sum, carry) in sum.iter_mut().zip(&mut carry) {
                    (*sum, *carry) = (*sum ^ *carry, *sum & *carry);
                }
            }
            if !is_zero(&carry) {
                planes.push(carry);
            }
        }
    }

    fn of(&self, column: usize) -> u32 {
        let (word, bit) = (column / 64, column % 64);
        let planes = &self.groups[word / LANES];
        (0..).zip(planes).map(|(power, plane)| ((plane[word % LANES] >> bit & 1) as u32) << power).sum()
    }
}

/// Without a call and a branch for each word, which comparing arrays comes to.
fn is_zero(words: &[u64; LANES]) -> bool {
    words.iter().fold(0, |all, word| all | word) == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_edge_that_others_stand_for_goes() {
        let reduced = reduce(&Rows::from(Csr::of_rows(&[vec![], vec![0], vec![0, 1], vec![0, 2]])));
        assert_eq!(reduced.needs, Csr::of_rows(&[vec![], vec![0], vec![1], vec![2]]));
        assert_eq!(reduced.frees, [3, 2, 1, 0]);
    }

    /// Everything that each node needs, directly or not.
    fn closure(needs: &Csr) -> Vec<Vec<u32>> {
        let mut all: Vec<Vec<u32>> = Vec::new();
        for node in needs.nodes() {
            let mut reached: Vec<u32> = needs.of(node).to_vec();
            needs.of(node).iter().for_each(|&need| reached.extend(&all[need as usize]));
            reached.sort_unstable();
            reached.dedup();
            all.push(reached);
        }
        all
    }

    proptest! {
        #[test]
        fn what_is_left_says_the_same_and_no_edge_of_it_can_go(
            rows in prop::collection::vec(prop::collection::vec(0u32..100, 0..6), 1..40),
            block in prop::sample::select(vec![7, BLOCK]),
        ) {
            let rows: Vec<Vec<u32>> = (0u32..).zip(rows).map(|(node, needs)| {
                let mut needs: Vec<u32> = needs.into_iter().filter_map(|need| need.checked_rem(node)).collect();
                needs.sort_unstable();
                needs.dedup();
                needs
            }).collect();
            let needs = Csr::of_rows(&rows);
            let reduced = reduce_by(&Rows::from(needs.clone()), block);
            let all = closure(&needs);
            // What the last ones have in common may be said once.
            let common: Vec<u32> = (0..needs.count().min(3) as u32).collect();
            let alone: Vec<bool> = needs.nodes().map(|node| {
                common.iter().any(|need| *need != node && !needs.of(node).contains(need))
            }).collect();
            let mut own = Csr::default();
            for node in needs.nodes() {
                let is_own = |need: &&u32| alone[node as usize] || !common.contains(need);
                own.push(needs.of(node).iter().filter(is_own).copied());
            }
            let shared = reduce_by(&Rows::with_alone(common, alone, own), block);
            prop_assert_eq!((&shared.needs, &shared.frees), (&reduced.needs, &reduced.frees));
            prop_assert_eq!(&closure(&reduced.needs), &all);
            for node in needs.nodes() {
                let kept = reduced.needs.of(node);
                prop_assert!(kept.iter().all(|need| !kept.iter().any(|other| all[*other as usize].contains(need))));
                let frees = all.iter().filter(|reached| reached.contains(&node)).count();
                prop_assert_eq!(reduced.frees[node as usize] as usize, frees);
            }
        }
    }
}

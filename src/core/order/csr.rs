//! A graph in two vectors: where each node's row starts, and what is in the rows.

use rayon::prelude::*;

/// Rows of numbers, one a node, without a vector each: a whole archive has ten million edges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Csr {
    /// Where each row starts, and where the last one ends.
    starts: Vec<u32>,
    targets: Vec<u32>,
}

impl Csr {
    /// Of no rows, with room for so many nodes and edges.
    pub fn with_capacity(nodes: usize, edges: usize) -> Csr {
        let mut csr = Csr { starts: Vec::with_capacity(nodes + 1), targets: Vec::with_capacity(edges) };
        csr.starts.push(0);
        csr
    }

    /// Of rows that are at hand.
    pub fn of_rows<R: AsRef<[u32]>>(rows: &[R]) -> Csr {
        let mut csr = Csr::with_capacity(rows.len(), rows.iter().map(|row| row.as_ref().len()).sum());
        for row in rows {
            csr.push(row.as_ref().iter().copied());
        }
        csr
    }

    /// Of so many rows, out of (row, what is in it) pairs, which keep their order within a row.
    pub fn of_pairs(rows: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Csr {
        let mut starts = vec![0; rows + 1];
        let mut all = 0;
        pairs.clone().for_each(|(row, _)| {
            starts[row as usize + 1] += 1;
            all += 1;
        });
        for row in 0..rows {
            starts[row + 1] += starts[row];
        }
        let mut next = starts.clone();
        let mut targets = vec![0; all];
        pairs.for_each(|(row, target)| {
            let place = &mut next[row as usize];
            targets[*place as usize] = target;
            *place += 1;
        });
        Csr { starts, targets }
    }

    /// Of parts that were made side by side, one after the other: each the lengths of its rows, and what is in them.
    pub fn joined(parts: Vec<(Vec<u32>, Vec<u32>)>) -> Csr {
        let rows = parts.iter().map(|(lengths, _)| lengths.len()).sum::<usize>();
        let mut csr = Csr::with_capacity(rows, 0);
        let mut at = 0;
        for length in parts.iter().flat_map(|(lengths, _)| lengths) {
            at += length;
            csr.starts.push(at);
        }
        csr.targets = vec![0; at as usize];
        let mut left = csr.targets.as_mut_slice();
        let place = |(_, targets): &(Vec<u32>, Vec<u32>)| {
            left.split_off_mut(..targets.len()).expect("all lengths are added up")
        };
        let places: Vec<&mut [u32]> = parts.iter().map(place).collect();
        places.into_par_iter().zip(&parts).for_each(|(place, (_, targets))| place.copy_from_slice(targets));
        csr
    }

    /// Adds a row after the others.
    pub fn push(&mut self, row: impl IntoIterator<Item = u32>) {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        self.targets.extend(row);
        self.starts.push(u32::try_from(self.targets.len()).expect("no archive has four thousand million edges"));
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many edges there are.
    pub fn edges(&self) -> usize {
        self.targets.len()
    }

    /// What is in the row of a node.
    pub fn of(&self, node: u32) -> &[u32] {
        let node = node as usize;
        &self.targets[self.starts[node] as usize..self.starts[node + 1] as usize]
    }

    /// All nodes.
    pub fn nodes(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.len()).expect("nodes are numbered in 32 bits")
    }

    /// The same edges the other way round; rows come out sorted.
    pub fn reversed(&self) -> Csr {
        let edges = self.nodes().flat_map(|node| self.of(node).iter().map(move |&target| (target, node)));
        Csr::of_pairs(self.len(), edges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_out_as_they_went_in_and_the_other_way_round() {
        let rows = [vec![2, 1], vec![], vec![1]];
        let csr = Csr::of_rows(&rows);
        assert_eq!(csr, Csr::joined(vec![(vec![2, 0], vec![2, 1]), (vec![1], vec![1])]));
        assert_eq!((csr.len(), csr.edges(), csr.of(0)), (3, 3, &[2, 1][..]));
        assert_eq!(csr.reversed(), Csr::of_rows(&[vec![], vec![0, 2], vec![0]]));
        assert!(Csr::default().is_empty() && Csr::of_rows::<[u32; 0]>(&[]).is_empty());
    }
}

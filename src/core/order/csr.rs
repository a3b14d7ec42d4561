//! A graph in two vectors: where each node's row starts, and what is in the rows.

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

    /// Of parts that were made side by side, one after the other: each the lengths of its rows, and what is in them.
    pub fn joined(parts: Vec<(Vec<u32>, Vec<u32>)>) -> Csr {
        let rows = parts.iter().map(|(lengths, _)| lengths.len()).sum::<usize>();
        let edges = parts.iter().map(|(_, targets)| targets.len()).sum();
        let mut csr = Csr::with_capacity(rows, edges);
        let mut at = 0;
        for (lengths, targets) in parts {
            for length in lengths {
                at += length;
                csr.starts.push(at);
            }
            csr.targets.extend(targets);
        }
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
        let mut starts = vec![0; self.len() + 1];
        for &target in &self.targets {
            starts[target as usize + 1] += 1;
        }
        for node in 0..self.len() {
            starts[node + 1] += starts[node];
        }
        let mut next = starts.clone();
        let mut targets = vec![0; self.targets.len()];
        for node in self.nodes() {
            for &target in self.of(node) {
                let place = &mut next[target as usize];
                targets[*place as usize] = node;
                *place += 1;
            }
        }
        Csr { starts, targets }
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

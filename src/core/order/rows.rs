//! What jobs need, where what nearly all of them need is said once.
//!
//! Every job needs the makers of what every chroot has: kept in each row, these would be more than half of the edges
//! of a whole archive.

use super::csr::Csr;

/// Edges that can be gone through node by node.
pub trait Edges {
    /// How many nodes there are.
    fn count(&self) -> usize;

    /// What many nodes need, and what this one needs besides; a node may be among what it needs.
    fn parts(&self, node: u32) -> [&[u32]; 2];

    /// What the nodes that lack nothing have in common.
    fn common(&self) -> &[u32];
}

impl Edges for Csr {
    fn count(&self) -> usize {
        Csr::len(self)
    }

    fn parts(&self, node: u32) -> [&[u32]; 2] {
        [&[], self.of(node)]
    }

    fn common(&self) -> &[u32] {
        &[]
    }
}

/// Rows of needs; most of them begin with the same ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    common: Vec<u32>,
    /// Nodes whose rows are written out; empty where there is none.
    alone: Vec<bool>,
    own: Csr,
}

impl Rows {
    /// Of what all nodes need, and what each needs besides; a node of `common` does not need itself.
    pub fn new(common: Vec<u32>, own: Csr) -> Rows {
        Rows { common, alone: Vec::new(), own }
    }

    /// The same, but for nodes whose rows are in `own` as a whole.
    pub fn with_alone(common: Vec<u32>, alone: Vec<bool>, own: Csr) -> Rows {
        Rows { common, alone, own }
    }

    /// What a node needs besides what all do, or all that it needs where it is alone.
    pub fn own(&self, node: u32) -> &[u32] {
        self.own.of(node)
    }

    /// Whether a node needs what is common.
    pub fn shares(&self, node: u32) -> bool {
        !self.alone.get(node as usize).copied().unwrap_or(false)
    }

    /// All that a node needs.
    pub fn of(&self, node: u32) -> impl Iterator<Item = u32> + Clone {
        let [common, own] = self.parts(node);
        common.iter().copied().filter(move |&need| need != node).chain(own.iter().copied())
    }

    /// All nodes.
    pub fn nodes(&self) -> std::ops::Range<u32> {
        self.own.nodes()
    }

    /// How many edges there are.
    pub fn edges(&self) -> usize {
        self.nodes().map(|node| self.of(node).count()).sum()
    }
}

impl Edges for Rows {
    fn count(&self) -> usize {
        self.own.len()
    }

    fn parts(&self, node: u32) -> [&[u32]; 2] {
        [if self.shares(node) { &self.common } else { &[] }, self.own.of(node)]
    }

    fn common(&self) -> &[u32] {
        &self.common
    }
}

impl From<Csr> for Rows {
    fn from(own: Csr) -> Rows {
        Rows::new(Vec::new(), own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_what_is_common_but_the_node_itself_and_what_is_its_own() {
        let own = || Csr::of_rows(&[vec![2], vec![], vec![0, 3], vec![1]]);
        let written = |rows: &Rows| rows.nodes().map(|node| rows.of(node).collect()).collect::<Vec<Vec<u32>>>();
        let rows = Rows::new(vec![0, 1], own());
        assert_eq!(written(&rows), [vec![1, 2], vec![0], vec![0, 1, 0, 3], vec![0, 1, 1]]);
        assert_eq!(rows.edges(), 10);
        let rows = Rows::with_alone(vec![0, 1], vec![false, false, true, true], own());
        assert_eq!(written(&rows), [vec![1, 2], vec![0], vec![0, 3], vec![1]]);
        assert!(rows.shares(1) && !rows.shares(2));
        assert_eq!(written(&Rows::from(own())), [vec![2], vec![], vec![0, 3], vec![1]]);
    }
}

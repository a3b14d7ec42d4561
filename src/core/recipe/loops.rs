//! The loops of an order, as plain data: who needs each other, and how that was broken.

use serde::{Deserialize, Serialize};

/// Jobs that need each other to be built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderLoop {
    /// Their source packages, in the order's order.
    pub sources: Vec<String>,
    /// The edges that close it, which the order does not keep.
    pub edges: Vec<LoopEdge>,
}

/// An edge that closes a loop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoopEdge {
    /// The job that needs another, by number, the first one being 1.
    pub job: u32,
    /// The job that it needs, and does not wait for.
    pub needs: u32,
    /// The packages on the way: a build-dependency first, last what the needed job builds.
    pub through: Vec<String>,
    /// Whether the first of them is in every chroot, rather than a build-dependency.
    pub chroot: bool,
    /// What makes it possible to do without.
    pub broken_by: BrokenBy,
}

/// How an edge that closes a loop is done without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BrokenBy {
    /// The job is built with build profiles that drop it.
    Profiles,
    /// The package is there in what is built against, built before.
    OlderBinaries,
    /// The job is an overlay's, which is built against what is there so that others are built against it.
    Overlay,
    /// Nothing: the job cannot be built before the package is there.
    Nothing,
}

impl BrokenBy {
    /// The one text form.
    pub fn text(self) -> &'static str {
        match self {
            BrokenBy::Profiles => "profiles",
            BrokenBy::OlderBinaries => "older-binaries",
            BrokenBy::Overlay => "overlay",
            BrokenBy::Nothing => "nothing",
        }
    }
}

//! What a recipe wants to be compared, and what came of that.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::core::compare::Table;
use crate::core::ids::ImportId;

/// How sure intervals are where nobody says, in hundredths of a percent.
pub const CONFIDENCE: u32 = 9500;

/// `cb.compare { built }`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompareRequest {
    /// What the stages were built against.
    pub import: ImportId,
    /// Stages of this run.
    pub stages: Vec<String>,
    /// The cell that others are compared with, or a stage where the stages have no cells; the first cell where it is
    /// not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// The cell and the repeat of each stage, where it has one, in the order of `stages`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<Option<(String, u32)>>,
    /// The page that is written of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
}

/// `cb.html { confidence = 0.95 }`: a page about a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// How sure intervals have to be, in hundredths of a percent.
    pub confidence: u32,
}

/// What came of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompareResult {
    /// One row a binary package, sorted by package and architecture.
    pub rows: Vec<CompareRow>,
    /// The cells beside each other, where there are several.
    #[serde(default)]
    pub table: Option<Table>,
    /// The pages that were written.
    #[serde(default)]
    pub pages: Vec<PathBuf>,
}

/// A binary package beside the one that it replaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompareRow {
    /// The stage that built it.
    pub stage: String,
    /// Binary package name.
    pub package: String,
    /// Its architecture.
    pub arch: String,
    /// Version and size in bytes that the import has, if it has the package.
    pub before: Option<(String, u64)>,
    /// Version and size in bytes that were built.
    pub after: (String, u64),
    /// Whether the two files have the same SHA-256.
    pub identical: bool,
}

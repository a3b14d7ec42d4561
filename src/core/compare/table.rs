//! What comes of a comparison, as plain data.

use serde::{Deserialize, Serialize};

use crate::core::measure::Number;

/// Why a build has no packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// A job state in its text form.
    pub state: String,
    /// Whose fault: `package`, `infrastructure`, `unknown`; `recipe` for what it leaves out.
    pub fault: String,
    /// In words.
    pub reason: String,
}

/// Which way a value should go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Less is better.
    Less,
    /// More is better.
    More,
    /// Neither.
    Neutral,
}

/// What a comparison of one value found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// It is better.
    Better,
    /// It is worse.
    Worse,
    /// It is not what it was, and neither better nor worse.
    Other,
    /// It is the same, within one percent.
    Same,
    /// The interval has both better and worse in it, or there is none.
    Unclear,
}

/// One value of a cell beside the baseline's, over packages or of one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Which value: `build-time`, `bench deflate`.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Which way it should go.
    pub direction: Direction,
    /// Geometric mean of the baseline's values.
    pub baseline: Number,
    /// Geometric mean of the cell's.
    pub value: Number,
    /// Geometric mean of the ratios; absent where a value is 0 in one of the two.
    pub ratio: Option<Number>,
    /// The interval of that ratio; absent where there are too few values.
    pub low: Option<Number>,
    /// Its other end.
    pub high: Option<Number>,
    /// How many packages were compared.
    pub packages: u32,
    /// How many pairs of builds.
    pub pairs: u32,
    /// What was found.
    pub finding: Finding,
}

/// Whether a cell, or a package in it, is worth it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It is.
    #[serde(rename = "worth it")]
    Worth,
    /// It is not.
    #[serde(rename = "not")]
    Not,
    /// Nobody can tell from this.
    #[serde(rename = "cannot tell")]
    Unknown,
}

impl Verdict {
    /// The one text form.
    pub fn text(self) -> &'static str {
        match self {
            Verdict::Worth => "worth it",
            Verdict::Not => "not",
            Verdict::Unknown => "cannot tell",
        }
    }
}

/// A cell beside the baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellLine {
    /// The cell.
    pub cell: String,
    /// Whether it is worth it.
    pub verdict: Verdict,
    /// Why, in words.
    pub why: String,
    /// Each value, over all packages.
    pub lines: Vec<Line>,
    /// Packages whose files have the bytes of the baseline's.
    pub identical: u32,
    /// Packages whose files have other bytes.
    pub changed: u32,
}

/// A package in a cell beside the baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageLine {
    /// The cell.
    pub cell: String,
    /// The stage.
    pub stage: String,
    /// Source package name.
    pub source: String,
    /// Debian architecture, or `all`.
    pub arch: String,
    /// Whether the cell is worth it for this package.
    pub verdict: Verdict,
    /// Why, in words.
    pub why: String,
    /// Each value, over the repeats.
    pub lines: Vec<Line>,
    /// Whether its files have the bytes of the baseline's; absent where one of the two has none.
    pub identical: Option<bool>,
}

/// A package that failed in a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureLine {
    /// The cell.
    pub cell: String,
    /// The stage.
    pub stage: String,
    /// Source package name.
    pub source: String,
    /// Debian architecture, or `all`.
    pub arch: String,
    /// In how many repeats it failed.
    pub times: u32,
    /// Of how many.
    pub repeats: u32,
    /// Whether it fails in the baseline, too.
    pub in_baseline: bool,
    /// Why, the first time.
    pub failure: Failure,
}

/// Everything that came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The cell that others are compared with.
    pub baseline: String,
    /// How sure intervals are, in hundredths of a percent.
    pub confidence: u32,
    /// Repeats of each cell.
    pub repeats: u32,
    /// Every cell but the baseline.
    pub cells: Vec<CellLine>,
    /// Every package of them.
    pub packages: Vec<PackageLine>,
    /// What failed, of the baseline, too.
    pub failures: Vec<FailureLine>,
}

//! What a recipe hands over to the primitives, and what it gets back, as plain data.
//!
//! `lua` makes the requests from tables and the responses into tables; `primitives` does what they say.

pub mod comparison;
pub mod findings;
pub mod loops;
mod mirrored;
pub mod overlay;
pub mod selection;
pub mod shared;
mod target;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use self::comparison::{CompareRequest, CompareResult, CompareRow, Report};
pub use self::mirrored::{Amount, Mirrored};
pub use self::target::PublishTarget;
use crate::core::flags::BuildFlags;
use crate::core::flags::overridden::Overridden;
use crate::core::fleet::place::Ec2;
use crate::core::how::How;
use crate::core::ids::{GenerationId, ImportId, InputsHash, JobId};
use crate::core::measure::Measure;
use crate::core::publish::settings::Settings;
use crate::core::recipe::loops::OrderLoop;
use crate::core::recipe::overlay::Overlay;
use crate::core::recipe::selection::Selection;
use crate::core::recipe::shared::Shared;
use crate::core::verify::{Verified, Verify};

/// Where source and binary packages come from: the value of `cb.apt.system()` and `cb.apt.sources "FILE"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AptSources {
    /// The machine's own APT sources.
    System {
        /// Third-party entries that may feed chroots all the same: an Origin, a host, or a file stem.
        also: Vec<String>,
    },
    /// One file, one-line or deb822; everything in it is named by the recipe.
    File {
        /// Already resolved against the recipe's folder.
        path: PathBuf,
    },
    /// One local source package and no archive: `cb.import { dsc = "FILE" }`.
    SourcePackage {
        /// The `.dsc`, already resolved against the recipe's folder.
        path: PathBuf,
    },
}

/// One call of a primitive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "primitive", rename_all = "kebab-case")]
pub enum Request {
    /// Pin suites and their indexes.
    Import(ImportRequest),
    /// Choose source packages and put them in build order.
    Order(OrderRequest),
    /// Say which builders there are.
    Launch(LaunchRequest),
    /// Build what an order lists.
    Build(BuildRequest),
    /// Write a signed archive of what was built.
    Publish(PublishRequest),
    /// Tell what came of builds, against what was there before.
    Compare(CompareRequest),
}

/// What a primitive answers; always of the same kind as its request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "primitive", rename_all = "kebab-case")]
pub enum Response {
    /// See [`ImportResult`].
    Import(ImportResult),
    /// See [`OrderResult`].
    Order(OrderResult),
    /// See [`LaunchResult`].
    Launch(LaunchResult),
    /// See [`BuildResult`].
    Build(BuildResult),
    /// See [`PublishResult`].
    Publish(PublishResult),
    /// See [`CompareResult`].
    Compare(CompareResult),
}

/// `cb.import { sources = ..., arch = ... }`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// What to import.
    pub sources: AptSources,
    /// Debian architecture to build for; the machine's own when it is not given.
    pub arch: Option<String>,
    /// Another architecture that cross builds run on: its packages are imported, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_arch: Option<String>,
    /// Local packages that supersede what the sources have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlay: Vec<Overlay>,
}

/// What was imported, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportResult {
    /// Names the pinned indexes in the run's state.
    pub import: ImportId,
    /// The architecture that binaries were imported for.
    pub arch: String,
    /// Source packages that can be chosen.
    pub sources: u64,
    /// Binary packages that chroots may see.
    pub packages: u64,
}

/// `cb.order { sources = imported, packages = ... }`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderRequest {
    /// Where the sources and the binaries to build against are.
    pub import: ImportId,
    /// Which of its sources.
    pub packages: Selection,
    /// Sources that are left out whatever `packages` says.
    pub not_for_us: Vec<String>,
    /// What they will be built against, newest layer first.
    pub against: Vec<Against>,
    /// Build profiles that a job may get where that breaks a loop.
    pub profiles: Vec<String>,
    /// Whether a job may be built with an older binary of what a loop keeps from being built before it.
    pub older_binaries: bool,
    /// Whether the sources of the import's overlay are added, as they are unless the recipe says otherwise.
    pub overlay: bool,
}

/// Source packages in build order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderResult {
    /// Where the sources are.
    pub import: ImportId,
    /// The architecture that this order is for.
    pub arch: String,
    /// In an order where each comes after what it needs, but for the edges of `loops`.
    pub jobs: Shared<Vec<OrderedJob>>,
    /// Jobs that need each other to be built, the largest loop first.
    pub loops: Shared<Vec<OrderLoop>>,
    /// Sources that were asked for and have no job here.
    pub skipped: Vec<Skipped>,
}

/// A source package that is not built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skipped {
    /// Source package name.
    pub source: String,
    /// Why, in words.
    pub reason: String,
}

/// One job of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderedJob {
    /// Source package name.
    pub source: String,
    /// Its version, with epoch.
    pub version: String,
    /// A Debian architecture, or `all`.
    pub arch: String,
    /// The component that it is in, and goes to.
    pub component: String,
    /// Jobs of the same order that must be finished first, by number, the first one being 1. Edges that others stand for
    /// are left out: who comes after something that comes after a third is not said to come after the third.
    pub after: Vec<u32>,
    /// Seconds that it is expected to take.
    pub estimate: u64,
    /// Seconds of the longest chain of builds that begins with it; the highest goes first.
    pub priority: u64,
    /// How many other jobs wait for it, directly or not; of the same priority, the highest goes first.
    pub frees: u32,
    /// Build profiles that it must be built with, since a loop was broken so.
    pub profiles: Vec<String>,
}

/// `cb.launch { cb.here { slots = 2 } }`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchRequest {
    /// The groups of builders.
    pub builders: Vec<Builders>,
}

/// A fleet policy, not machines: they start when there is work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaunchResult {
    /// The groups of builders.
    pub builders: Vec<Builders>,
}

/// A group of builders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Builders {
    /// The local build daemon.
    Here {
        /// Builds at the same time; as the machine's settings say where the recipe does not.
        slots: Option<u32>,
    },
    /// Instances of a cloud, launched over the EC2 API when there is work.
    Ec2(Box<Ec2>),
}

/// `cb.build { stage = ..., order = ..., on = ... }`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildRequest {
    /// The stage's name: each stage of a run has its own jobs.
    pub stage: String,
    /// What to build.
    pub order: OrderResult,
    /// Whose binaries are built against, newest layer first; an import, or what an earlier build made.
    pub against: Vec<Against>,
    /// Who builds.
    pub builders: Vec<Builders>,
    /// How jobs are built: what is tried for each of them, in turn; natively, else emulated, when there is nothing here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub how: Vec<How>,
    /// Variables for the build environment (`DEB_BUILD_OPTIONS` and the like).
    pub environment: BTreeMap<String, String>,
    /// What is appended to the versions of what is built for a real architecture; an overlay may say another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// Whose name the changelog entry of a suffix has, as `Name <address>`; a name of ours where nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintainer: Option<String>,
    /// The run is good without what fails in it.
    pub optional: bool,
    /// What packages are built with: a variant's flags, a cell's, and rules for some of them.
    #[serde(default)]
    pub flags: Box<BuildFlags>,
    /// Which of the same builds it is, from 1: a later one is built though the results of an earlier one are there.
    #[serde(default = "first")]
    pub repeat: u32,
    /// What is measured of what is built.
    #[serde(default, skip_serializing_if = "Measure::is_empty")]
    pub measure: Measure,
    /// What is published again and again while this is being built, as often as its target says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meanwhile: Option<Box<PublishRequest>>,
    /// Where copies of what is built with are kept, near the builders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirror: Option<PublishTarget>,
    /// What is verified of it.
    #[serde(default, skip_serializing_if = "Verify::is_empty")]
    pub verify: Verify,
    /// What is built will be proved, so a clean chroot is unpacked for that meanwhile.
    pub prove: bool,
}

/// The number of a build that is not repeated.
fn first() -> u32 {
    1
}

/// A layer of what is built against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Against {
    /// The pinned suites of an import.
    Import(ImportId),
    /// Of an import's suites what cross builds run on: nothing for the architecture that is built for is seen.
    CrossOnly(ImportId),
    /// What a stage of this run built.
    Stage(String),
}

/// What came of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildResult {
    /// The stage that was built.
    pub stage: String,
    /// What it was built against, below the stages.
    pub import: ImportId,
    /// The architecture that it was built for.
    pub arch: String,
    /// One line a job, in the order's order.
    pub jobs: Vec<BuiltJob>,
    /// The run is good without what failed in it.
    pub optional: bool,
    /// Names of the binary packages in the stage, sorted; those with debug symbols left out.
    pub binaries: Vec<String>,
    /// The cell that was built, if it was one of a matrix.
    #[serde(default)]
    pub cell: Option<String>,
    /// Which of the same builds it is, from 1.
    #[serde(rename = "repeat_number", default = "first")]
    pub repeat: u32,
    /// What was brought to the mirror for it, and found there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirrored: Option<Mirrored>,
}

/// One job's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuiltJob {
    /// The job.
    pub job: JobId,
    /// Source package name.
    pub source: String,
    /// Its version.
    pub version: String,
    /// A Debian architecture, or `all`.
    pub arch: String,
    /// A job state, in its text form (`installed`, `build-attempted`, `bd-uninstallable`, ...).
    pub state: String,
    /// Whether an earlier run's result with the same inputs was taken.
    pub reused: bool,
    /// What decided the result; absent for a job that never became ready.
    pub inputs: Option<InputsHash>,
    /// In words, for a job that is not `installed`.
    pub reason: Option<String>,
    /// Seconds that the build took, 0 when it was re-used.
    pub seconds: u64,
    /// Flags that were asked for and that the package has otherwise.
    #[serde(default)]
    pub overridden: Vec<Overridden>,
    /// What was verified of what it made.
    #[serde(default)]
    pub verified: Vec<Verified>,
}

impl BuiltJob {
    /// Whether it has packages that may be published.
    pub fn is_good(&self) -> bool {
        self.state == "installed" && !self.verified.iter().any(Verified::holds_back)
    }
}

/// `cb.publish { built, to = cb.dir "out" { ... } }`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishRequest {
    /// Stages of this run whose packages are published, in order; a later one supersedes an earlier one.
    pub stages: Vec<String>,
    /// What the stages were built against: the overlays of these imports are published, too, and hide what else has
    /// packages of theirs.
    #[serde(default)]
    pub imports: Vec<ImportId>,
    /// Where to.
    pub to: PublishTarget,
    /// `Suite:` and `Codename:` of the archive, and its folder under `dists/`.
    pub suite: String,
    /// `Origin:` of the archive.
    pub origin: String,
    /// `Label:` of the archive.
    pub label: String,
    /// The architecture that the stages were built for, which the archive has even when all it holds is `all`.
    pub arch: String,
    /// Install what was published with real apt in a clean chroot that trusts only the archive's key.
    pub prove: bool,
    /// What else is said of the archive.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishResult {
    /// This state of the archive.
    pub generation: GenerationId,
    /// The archive's root.
    pub path: PathBuf,
    /// The public key, ASCII armoured.
    pub key: PathBuf,
    /// Its suite.
    pub suite: String,
    /// Its components.
    pub components: Vec<String>,
    /// Source packages in it.
    pub sources: u64,
    /// Binary packages in it.
    pub packages: u64,
    /// What was installed from it by real apt, one line a package; empty when that was not asked for.
    pub proof: Vec<String>,
    /// What real apt did not install from it, one line a package with the reason.
    pub refused: Vec<String>,
}

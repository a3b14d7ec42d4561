//! The words that control point and build daemon say to each other.
//!
//! **Invariant:** serde structs and the paths they travel on; no behaviour.

pub mod acts;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::how::HowWord;
use crate::core::ids::{ChrootKey, Epoch, JobId, RunId, Sha256, ViewId};
use crate::core::suffix::Suffixed;

/// Part of an outcome; it lives in `core`, where the step from one job state to the next depends on it.
pub use crate::core::job::Fault;

/// Version of these words; a daemon of another version is refused.
pub const PROTOCOL: u32 = 2;

/// `POST /v1/lease`: a daemon asks for work and waits for an answer (long poll, at most `wait_seconds`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseRequest {
    /// Must be [`PROTOCOL`].
    pub protocol: u32,
    /// The builder's name, stable over its life.
    pub builder: String,
    /// Debian architectures whose programs the machine runs, its own first.
    pub runs: Vec<String>,
    /// Debian architectures whose programs an emulator runs there.
    #[serde(default)]
    pub emulates: Vec<String>,
    /// Bytes of memory that the machine has; 0 where the daemon could not find out.
    #[serde(default)]
    pub memory: u64,
    /// How long the daemon is ready to wait.
    pub wait_seconds: u64,
    /// Leases that this daemon still works on; the control point tells it which of them are void.
    pub holding: Vec<(JobId, Epoch)>,
}

/// The answer to [`LeaseRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LeaseReply {
    /// Build this.
    Work {
        /// The job.
        lease: Box<Lease>,
    },
    /// Nothing now; ask again.
    Nothing,
    /// No more work will come: stop.
    Stop,
}

/// One job, leased to one builder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// The run the job belongs to.
    pub run: RunId,
    /// The job.
    pub job: JobId,
    /// Fences late results: every word about this attempt carries it.
    pub epoch: Epoch,
    /// Source package name.
    pub source: String,
    /// Its version, with epoch.
    pub version: String,
    /// A Debian architecture, or `all` for the architecture-independent half.
    pub arch: String,
    /// How it is built; a cross build has a `chroot_arch` other than `arch`.
    #[serde(default)]
    pub how: HowWord,
    /// The Debian architecture that the chroot has.
    pub chroot_arch: String,
    /// Packages that a cross build needs besides what the source asks for, as relations.
    #[serde(default)]
    pub cross_depends: Vec<String>,
    /// Packages that the chroot has besides those of every chroot.
    #[serde(default)]
    pub chroot_packages: Vec<String>,
    /// `main`, `contrib`: the component of the source.
    pub component: String,
    /// The suite's codename, for `--dist` and `.changes`.
    pub distribution: String,
    /// The .dsc first, then the files that it names; each at `GET /v1/files/SHA256`.
    pub files: Vec<File>,
    /// What chroot and sbuild see: an APT archive at `GET /view/ID/` (suite `view`, component `main`).
    pub view: ViewId,
    /// ASCII armoured public key that signed the view.
    pub view_key: String,
    /// Names the chroot; the daemon makes it from the view when it has none by that name.
    pub chroot: ChrootKey,
    /// Variables for `$build_environment`.
    pub environment: BTreeMap<String, String>,
    /// The version that is built where it is not the source's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffixed: Option<Suffixed>,
    /// Stop the build when it neither printed nor used the CPU for so long.
    pub stall_seconds: u64,
}

/// A file by content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Base name.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// Hash of the content.
    pub sha256: Sha256,
}

/// `POST /v1/jobs/JOB/heartbeat`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// The lease.
    pub epoch: Epoch,
    /// What the build is at: `chroot`, `fetch`, `install-deps`, `build`, `upload`.
    pub phase: String,
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatReply {
    /// Stop this build: the lease is void or somebody cancelled.
    pub cancel: bool,
}

/// The answer to `PUT /v1/jobs/JOB/log?epoch=E&offset=N`: how much of the log is here. What was sent is appended when `N`
/// is the length here, and dropped when it is not; either way the daemon goes on from `length`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogReply {
    /// Bytes of the log that the control point has.
    pub length: u64,
}

/// `POST /v1/jobs/JOB/finish`, after log (`PUT /v1/jobs/JOB/log?epoch=E&offset=N`) and
/// files (`PUT /v1/jobs/JOB/files/NAME?epoch=E&sha256=HASH`) were sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    /// The lease.
    pub epoch: Epoch,
    /// What came of it.
    pub outcome: Outcome,
    /// The files that were sent: .changes, .buildinfo, .deb and so on.
    pub files: Vec<File>,
    /// Wall time in seconds of the whole attempt.
    pub seconds: u64,
}

/// What came of an attempt, and whose fault it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Outcome {
    /// The package built.
    Built,
    /// It did not.
    Failed {
        /// Whose fault.
        fault: Fault,
        /// sbuild's word for where: `build`, `install-deps`, `fetch-src`, or ours: `chroot`, `download`, `stalled`.
        stage: String,
        /// In words, with a hint where there is one.
        reason: String,
    },
    /// Stopped because it was asked to.
    Cancelled,
}

/// Every refusal: `4xx` and `5xx` bodies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// A word for machines: `stale-epoch`, `no-such-job`, `bad-token`, `bad-request`, `refused-upload`, `not-found`,
    /// `too-large`, `try-again`.
    pub code: String,
    /// In words.
    pub message: String,
}

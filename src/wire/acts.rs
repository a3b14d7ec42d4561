//! What people ask of a control point.

use serde::{Deserialize, Serialize};

use crate::core::ids::JobId;
use crate::core::job::JobState;

/// `POST /v1/act`: what a person wants; needs the role `operate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// Try jobs again that ended without packages.
    Retry {
        /// Which.
        jobs: Chosen,
    },
    /// The same, and take jobs from builders that work on them.
    GiveBack {
        /// Which.
        jobs: Chosen,
    },
    /// They do not build, a person says.
    Fail {
        /// Which.
        jobs: Chosen,
        /// In words.
        reason: String,
    },
    /// They are not to be built here.
    NotForUs {
        /// Which.
        jobs: Chosen,
        /// In words.
        reason: String,
    },
    /// Say how urgent they are.
    Priority {
        /// Which.
        jobs: Chosen,
        /// The highest goes first; 0 where nobody says.
        priority: i64,
    },
    /// Stop their builds, and do not try them again.
    Cancel {
        /// Which.
        jobs: Chosen,
    },
    /// Stop the run.
    CancelRun,
    /// Give out no more work.
    Pause {
        /// In words.
        reason: String,
    },
    /// Give work out again.
    Resume,
    /// Give a builder no more work.
    Drain {
        /// Its name.
        builder: String,
        /// In words.
        reason: String,
    },
    /// Give a builder work again.
    ResumeBuilder {
        /// Its name.
        builder: String,
    },
}

/// Jobs of the newest run; each word narrows them down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// `PACKAGE`, `PACKAGE_VERSION`, `PACKAGE:ARCH` or a job such as `j3`; empty: all that the rest says.
    #[serde(default)]
    pub packages: Vec<String>,
    /// A Debian architecture, or `all`.
    #[serde(default)]
    pub arch: Option<String>,
    /// A stage.
    #[serde(default)]
    pub dist: Option<String>,
    /// What they are at.
    #[serde(default)]
    pub state: Option<JobState>,
}

/// What came of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acted {
    /// For acts that are not about jobs, in words.
    pub said: Option<String>,
    /// Jobs that are something else now.
    pub changed: Vec<Changed>,
    /// Jobs with which that cannot be done; `why` says why not.
    pub skipped: Vec<Changed>,
}

/// One job, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// The job.
    pub job: JobId,
    /// Source package name.
    pub package: String,
    /// Its version.
    pub version: String,
    /// A Debian architecture, or `all`.
    pub arch: String,
    /// Its stage.
    pub dist: String,
    /// What it was at.
    pub from: JobState,
    /// What it is at.
    pub to: JobState,
    /// In words.
    pub why: Option<String>,
}

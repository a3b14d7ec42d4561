//! What happens in a run, as one value a happening; `cli` shows them as lines, bars or JSON.

use serde::{Deserialize, Serialize};

use crate::core::ids::JobId;

/// One happening, in the past tense or about to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A step that takes time began; `what` fits after "now: ".
    Working {
        /// `import`, `order`, `chroot`, `publish`, `proof`, `setup`.
        step: String,
        /// In words.
        what: String,
    },
    /// How far a step is.
    Progress {
        /// As in `Working`.
        step: String,
        /// Bytes or items done.
        done: u64,
        /// Bytes or items in all, 0 when unknown.
        total: u64,
    },
    /// Something a person should know, and that stops nothing.
    Note {
        /// In words.
        text: String,
    },
    /// A stage's jobs are known.
    StageStarted {
        /// Its name.
        stage: String,
        /// How many jobs it has.
        jobs: u64,
        /// How many of them were finished before (this run's earlier start).
        done: u64,
    },
    /// What upstream has newer than was built here, or what was never built; told by rounds that follow upstream.
    Outdated {
        /// Which round, from 1.
        round: u64,
        /// Each source with its version, and what there is of it, in words.
        sources: Vec<String>,
    },
    /// A builder took a job.
    JobStarted {
        /// The stage.
        stage: String,
        /// The job.
        job: JobId,
        /// Source package name.
        source: String,
        /// Its version.
        version: String,
        /// A Debian architecture, or `all`.
        arch: String,
        /// The builder.
        builder: String,
    },
    /// A job ended.
    JobFinished {
        /// The stage.
        stage: String,
        /// The job.
        job: JobId,
        /// Source package name.
        source: String,
        /// Its version.
        version: String,
        /// A Debian architecture, or `all`.
        arch: String,
        /// A job state in its text form.
        state: String,
        /// Whether an earlier result with the same inputs was taken.
        reused: bool,
        /// Seconds the build took.
        seconds: u64,
        /// In words, for a job that is not `installed`.
        reason: Option<String>,
        /// Where its log is.
        log: Option<String>,
        /// The log's last lines, for a job that failed.
        tail: Vec<String>,
    },
    /// All jobs of a stage ended.
    StageFinished {
        /// The stage.
        stage: String,
        /// Jobs that are installed.
        installed: u64,
        /// Jobs that failed or could not be tried.
        failed: u64,
    },
    /// An archive was published.
    Published {
        /// Its root.
        path: String,
        /// Its suite.
        suite: String,
        /// Source packages in it.
        sources: u64,
        /// Binary packages in it.
        packages: u64,
        /// Nothing had changed, so the published generation stands.
        unchanged: bool,
    },
    /// One package was installed from the archive by real apt.
    Proved {
        /// In words.
        line: String,
    },
}

/// Who hears of events: the terminal, a file, a test.
pub trait Listener: Send + Sync {
    /// Takes one event; must not block for long.
    fn hear(&self, event: &Event);
}

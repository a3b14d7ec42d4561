//! Where an archive is written to.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::core::bucket::Bucket;

/// Where an archive is written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum PublishTarget {
    /// A directory; relative paths are in the run's state directory.
    Dir {
        /// The archive's root, the folder of `dists` and `pool`.
        path: PathBuf,
    },
    /// A place in a bucket.
    S3 {
        /// Where, and how it is reached.
        bucket: Box<Bucket>,
        /// Seconds between publications of a stage that is being built; published at the end only where it is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        every: Option<u64>,
    },
}

impl PublishTarget {
    /// The time between publications of a stage that is being built, if it is published before its end.
    pub fn every(&self) -> Option<std::time::Duration> {
        match self {
            PublishTarget::Dir { .. } | PublishTarget::S3 { every: None, .. } => None,
            PublishTarget::S3 { every: Some(seconds), .. } => Some(std::time::Duration::from_secs(*seconds)),
        }
    }
}

impl std::fmt::Display for PublishTarget {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PublishTarget::Dir { path } => write!(out, "{}", path.display()),
            PublishTarget::S3 { bucket, .. } => write!(out, "{bucket}"),
        }
    }
}

//! Where an archive goes, as a recipe says it.

use std::path::PathBuf;

use crate::core::bucket::Bucket;
use crate::core::publish::settings::Settings;

/// `cb.dir "out" { suite = ... }`, or a place in a bucket: `cb.s3 "s3://bucket/prefix" { suite = ... }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The archive's root; of a place in a bucket, its URL.
    pub path: PathBuf,
    /// The place in a bucket, if it is one.
    pub bucket: Option<InBucket>,
    /// `Suite:`, if given.
    pub suite: Option<String>,
    /// `Origin:`, if given.
    pub origin: Option<String>,
    /// `Label:`, if given.
    pub label: Option<String>,
    /// What else is said of the archive.
    pub settings: Settings,
}

/// A place in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InBucket {
    /// Where, and how it is reached.
    pub place: Box<Bucket>,
    /// Seconds between publications while a stage is being built.
    pub every: Option<u64>,
}

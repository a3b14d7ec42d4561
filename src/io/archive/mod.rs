//! Archives that are written: package files are looked into, a publish plan becomes a directory that apt reads.
//!
//! **Invariant:** nothing is decided about what an archive holds; a plan from `core::publish` says it to the byte.

use std::path::PathBuf;

use crate::core::ids::Sha256;

pub mod deb;
pub mod dir;
pub mod s3;
pub mod serve;
pub mod signers;

#[cfg(test)]
pub(in crate::io) mod testing;

/// An error of somebody else's, who is called from here.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Signs what is published; `at` is the time of the signature in seconds since 1970.
pub trait Signer {
    /// A clearsigned message: InRelease.
    fn sign_inline(&self, text: &[u8], at: i64) -> Result<Vec<u8>, BoxError>;

    /// An ASCII armoured detached signature: Release.gpg.
    fn sign_detached(&self, text: &[u8], at: i64) -> Result<Vec<u8>, BoxError>;

    /// The public key, ASCII armoured.
    fn public_armored(&self) -> Result<String, BoxError>;
}

/// Tells where the bytes of a file are.
pub type FindFile<'f> = dyn Fn(&Sha256) -> Result<PathBuf, BoxError> + 'f;

/// What came of publishing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// SHA-256 of the Release text that is there now.
    pub release_sha256: Sha256,
    /// Its `Date`, in seconds since 1970.
    pub date: i64,
    /// The number of the generation that stands now.
    pub number: u64,
    /// Nothing but the date would have changed, so nothing was written.
    pub unchanged: bool,
    /// Pool files that were not there before.
    pub added: u64,
    /// Their size in bytes.
    pub added_bytes: u64,
    /// Files of old generations that were removed.
    pub removed: u64,
    /// The public key, from the archive's root.
    pub key: PathBuf,
    /// What went wrong after the archive was published, and harms nobody.
    pub notes: Vec<String>,
}

/// Why an archive was not published or cannot be read. The generation that was there before still stands.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file system says no.
    #[error("{doing} `{path}`: {source}")]
    Io {
        /// `write`, `read`, `make folder`.
        doing: &'static str,
        /// What.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No room.
    #[error(
        "write `{path}`: the disk is full; what was published before still stands\n\
         hint: free some space there, and publish again"
    )]
    DiskFull {
        /// What was being written.
        path: PathBuf,
    },
    /// The directory holds something else.
    #[error(
        "`{root}` is not empty, and cloudbuild did not make it: nothing there was touched\n\
         hint: name an empty or new directory; an archive of cloudbuild's has a file `{marker}`"
    )]
    NotOurs {
        /// The directory.
        root: PathBuf,
        /// The file that is missing.
        marker: &'static str,
    },
    /// Somebody else publishes there.
    #[error("another process is publishing to `{root}`\nhint: wait until it has finished, then publish again")]
    Busy {
        /// The directory.
        root: PathBuf,
    },
    /// Another publisher has the lease of a bucket.
    #[error(
        "`{holder}` is publishing to `{root}`\n\
         hint: publish again when it has finished; if it was killed, wait {seconds} seconds"
    )]
    Held {
        /// The bucket.
        root: PathBuf,
        /// Who.
        holder: String,
        /// A lease that is not renewed ends after so long.
        seconds: u64,
    },
    /// Another publisher took over in the meantime.
    #[error(
        "another publisher took `{root}` over; what it published stands, and this was not published\n\
         hint: let one publisher at a time write there, and publish again"
    )]
    Overtaken {
        /// The bucket.
        root: PathBuf,
    },
    /// The bucket says no.
    #[error(transparent)]
    Bucket(#[from] crate::io::s3::error::S3Error),
    /// A pool file's name is taken by other bytes.
    #[error(
        "`{path}` is in the pool with SHA-256 {there}, and shall be {new} now; pool files never change\n\
         hint: give the package another version, or publish to another directory"
    )]
    OtherBytes {
        /// The path.
        path: PathBuf,
        /// What is there.
        there: Sha256,
        /// What was to be written.
        new: Sha256,
    },
    /// The file that was handed over is another one.
    #[error(
        "`{path}`: expected SHA-256 {expected}, got {got}\nhint: the file was damaged after it was built or fetched"
    )]
    Content {
        /// What was handed over.
        path: PathBuf,
        /// What the plan says.
        expected: Sha256,
        /// What is there.
        got: Sha256,
    },
    /// Nobody has a file that the plan names.
    #[error("find the file with SHA-256 {sha256} for `{path}`: {source}")]
    Source {
        /// Its path in the pool.
        path: String,
        /// Its content.
        sha256: Sha256,
        /// Why not.
        source: BoxError,
    },
    /// The signature could not be made.
    #[error("sign the archive: {source}")]
    Sign {
        /// Why.
        source: BoxError,
    },
    /// Something about its generations.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// apt would keep the old generation.
    #[error("expected a date after {there}, which is published now, got {new}\nhint: make the plan again")]
    Date {
        /// The date that is published, in seconds since 1970.
        there: i64,
        /// The plan's.
        new: i64,
    },
    /// What we wrote down about a generation cannot be read.
    #[error("read the record `{path}`: {reason}\nhint: remove that file; the files that it lists stay then for ever")]
    Record {
        /// The record.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

/// What cannot be done with the generations of an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// There is no such generation.
    #[error(
        "`{root}`: expected a generation of suite `{suite}`{}, got: {there}\n\
         hint: `cloudbuild publish --list` shows them", wanted(*number)
    )]
    NoGeneration {
        /// The archive.
        root: PathBuf,
        /// The suite.
        suite: String,
        /// The number, if one was given.
        number: Option<u64>,
        /// What there is.
        there: String,
    },
    /// A name that cannot be part of a path.
    #[error("`{name}`: expected a name of letters and digits such as `2026-11-23`")]
    Name {
        /// The name.
        name: String,
    },
    /// A snapshot never changes.
    #[error("`{suite}` is there already, and a snapshot never changes\nhint: give the new one another name")]
    Taken {
        /// The suite.
        suite: String,
    },
}

fn wanted(number: Option<u64>) -> String {
    number.map(|number| format!(" with number {number}")).unwrap_or_default()
}

impl ArchiveError {
    /// An error of the file system, with the one case apart that people can do something about.
    fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> ArchiveError {
        let path = path.into();
        move |source| match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ArchiveError::DiskFull { path },
            // `ErrorKind` is not ours, and everything else is told as it comes.
            _ => ArchiveError::Io { doing, path, source },
        }
    }
}

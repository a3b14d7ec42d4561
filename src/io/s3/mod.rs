//! Objects in a bucket of any server that speaks S3: read, written whole or in parts, listed, copied, deleted.
//!
//! **Invariant:** nothing here knows what an object is for; credentials come from where the AWS tools look for them, and
//! are in no message and no log.

use std::time::Duration;

pub mod client;
pub mod error;
pub mod objects;
pub mod parts;

mod count;

/// How long and how often a request is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For one try of a request, its body of at most a part's size included.
    pub attempt: Duration,
    /// Tries of a request, the first one included.
    pub attempts: u32,
    /// Before the second try; it doubles from try to try, up to `backoff_limit`.
    pub backoff: Duration,
    /// The longest pause between two tries.
    pub backoff_limit: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            connect: Duration::from_secs(5),
            attempt: Duration::from_secs(60),
            attempts: 8,
            backoff: Duration::from_millis(200),
            backoff_limit: Duration::from_secs(8),
        }
    }
}

/// What is there under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Bytes.
    pub size: u64,
    /// As the server says it, quotes included.
    pub etag: String,
    /// The SHA-256 that was noted when it was written by us.
    pub sha256: Option<String>,
}

/// An object's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// All of them.
    pub bytes: Vec<u8>,
    /// As the server says it, quotes included.
    pub etag: String,
    /// Last change by the server's clock, in seconds since 1970.
    pub modified: i64,
}

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its path below the bucket's prefix.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Last change by the server's clock, in seconds since 1970.
    pub modified: i64,
}

/// How an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Put<'p> {
    /// `Content-Type`.
    pub content_type: &'p str,
    /// `Cache-Control`.
    pub cache_control: &'p str,
    /// Only when this is so.
    pub when: When<'p>,
}

/// The condition of a write. Not every server honours one, so it never is the only guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When<'p> {
    /// Whatever is there.
    Always,
    /// Nothing is there.
    Absent,
    /// What is there has this `ETag`.
    Unchanged(&'p str),
}

/// What came of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It is there now, with this `ETag`.
    Done(String),
    /// The condition did not hold: something else is there.
    Refused,
}

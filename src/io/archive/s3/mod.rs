//! Publishes to a bucket. Whoever reads it at any moment, also after a kill, sees the old generation or the new one.
//!
//! The order makes it so: pool files, by-hash, indexes, Release, Release.gpg, and InRelease last, in one request. One
//! object of notes says what is there, so that one more package costs a few requests, however large the archive is.
//!
//! **Invariant:** nothing is decided about what an archive holds, and nothing is listed but the publishers.

use std::collections::BTreeMap;

use crate::core::bucket::{Acl, Bucket};
use crate::core::ids::Sha256;
use crate::core::objects::{self, FORMAT, Generation, Keep, Notes};
use crate::core::publish::release;
use crate::io::archive::ArchiveError;
use crate::io::archive::dir::{self, Present};
use crate::io::s3::client::Client;
use crate::io::s3::{Patience, Put, When, Written};

pub mod again;
pub mod front;
pub mod publish;

mod begun;
mod lease;
mod write;

/// Our own objects, which are nobody else's business.
const OURS: &str = ".cloudbuild/";

/// What the archive knows of itself.
const NOTES: &str = ".cloudbuild/notes.json.zst";

/// Where publishers say that they publish.
const PUBLISHERS: &str = ".cloudbuild/publishers/";

/// Where it is tried whether conditions of writes are honoured.
const TRIAL: &str = ".cloudbuild/trial";

/// The public key, in the archive's root.
pub const KEY: &str = "archive-key.asc";

/// An archive in a bucket.
#[derive(Debug, Clone)]
pub struct S3Archive {
    client: Client,
    /// Who publishes: after a kill, the same one goes on at once.
    holder: String,
    keep: Keep,
}

/// The name of who publishes from a state directory: one at a time, since the directory is locked.
pub fn holder(dir: &std::path::Path) -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    format!("{host}-{}", &Sha256::of(dir.as_os_str().as_encoded_bytes()).to_string()[..12])
}

/// The notes, and the state of the object that they are from.
#[derive(Debug, Clone)]
struct Read {
    notes: Notes,
    /// `None`: there are none yet.
    etag: Option<String>,
}

/// What stands, and the state of the object that it is from.
#[derive(Debug, Clone)]
struct Standing {
    present: Present,
    etag: String,
    /// By the server's clock, in seconds since 1970.
    modified: i64,
}

impl S3Archive {
    /// Opens the archive for a publisher, whose name is letters, digits and `-`.
    pub async fn open(bucket: &Bucket, holder: &str, patience: Patience) -> Result<S3Archive, ArchiveError> {
        Ok(S3Archive::of(Client::open(bucket, patience).await?, holder))
    }

    /// With a client that is there.
    pub fn of(client: Client, holder: &str) -> S3Archive {
        let holder = holder.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect();
        S3Archive { client, holder, keep: Keep::default() }
    }

    /// The same, where old generations stay as long as this says.
    pub fn keeping(mut self, keep: Keep) -> S3Archive {
        self.keep = keep;
        self
    }

    /// Its connection.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What a suite of the archive says now; `None` where nothing was published yet.
    pub async fn present(&self, suite: &str) -> Result<Option<Present>, ArchiveError> {
        Ok(self.standing(suite).await?.map(|standing| standing.present))
    }

    /// The same, with what the server says of its InRelease.
    async fn standing(&self, suite: &str) -> Result<Option<Standing>, ArchiveError> {
        let Some(object) = self.client.get(&format!("dists/{suite}/InRelease")).await? else { return Ok(None) };
        let text = String::from_utf8_lossy(&object.bytes);
        let present = release::signed_text(&text).map(|release| Present { date: release::date_of(&release), release });
        Ok(present.map(|present| Standing { present, etag: object.etag, modified: object.modified }))
    }

    /// The Packages indexes of a suite for an architecture, of each component; none where nothing was published yet.
    pub async fn packages(&self, suite: &str, architecture: &str) -> Result<Vec<Vec<u8>>, ArchiveError> {
        let Some(present) = self.present(suite).await? else { return Ok(Vec::new()) };
        let mut indexes = Vec::new();
        for (path, name) in dir::binary_indexes(&present.release) {
            let Some(object) = self.client.get(&format!("dists/{suite}/{path}")).await? else { continue };
            if name == architecture || dir::is_of_variant(&object.bytes, name, architecture) {
                indexes.push(object.bytes);
            }
        }
        Ok(indexes)
    }

    /// What is in the pool by now, by path; goes into `Contents::pool`.
    pub async fn pool(&self) -> Result<BTreeMap<String, Sha256>, ArchiveError> {
        Ok(self.notes().await?.map(|read| read.notes.pool()).unwrap_or_default())
    }

    /// The generations of a suite that are kept, the oldest first.
    pub async fn generations(&self, suite: &str) -> Result<Vec<Generation>, ArchiveError> {
        let read = self.notes().await?;
        let mut suites = read.map(|read| read.notes.suites).unwrap_or_default();
        Ok(suites.remove(suite).map(|suite| suite.generations).unwrap_or_default())
    }

    /// The suites that were published.
    pub async fn suites(&self) -> Result<Vec<String>, ArchiveError> {
        Ok(self.notes().await?.map(|read| read.notes.suites.into_keys().collect()).unwrap_or_default())
    }

    /// The notes; `None` where nothing was published yet.
    async fn notes(&self) -> Result<Option<Read>, ArchiveError> {
        let Some(object) = self.client.get(NOTES).await? else { return Ok(None) };
        let wrong =
            |reason: String| ArchiveError::Record { path: format!("{}/{NOTES}", self.client.bucket()).into(), reason };
        let json = zstd::decode_all(object.bytes.as_slice()).map_err(|error| wrong(error.to_string()))?;
        let notes: Notes = serde_json::from_slice(&json).map_err(|error| wrong(error.to_string()))?;
        if notes.format != FORMAT {
            return Err(wrong(format!("expected format {FORMAT}, got {}: another cloudbuild wrote it", notes.format)));
        }
        Ok(Some(Read { notes, etag: Some(object.etag) }))
    }

    /// Writes the notes; another publisher's that came in between stay.
    async fn note(&self, read: &mut Read) -> Result<(), ArchiveError> {
        let json = serde_json::to_vec(&read.notes).expect("plain data always becomes JSON");
        let bytes = zstd::encode_all(json.as_slice(), 3).map_err(ArchiveError::io("write", NOTES))?;
        let when = match &read.etag {
            Some(etag) if read.notes.conditions => When::Unchanged(etag),
            None if read.notes.conditions => When::Absent,
            Some(_) | None => When::Always,
        };
        match self.client.put(NOTES, bytes, &Put { when, ..self.headers(NOTES) }).await? {
            Written::Done(etag) => read.etag = Some(etag),
            Written::Refused => return Err(self.overtaken()),
        }
        Ok(())
    }

    /// How an object is written that may be there already.
    fn headers(&self, path: &str) -> Put<'static> {
        let public = self.client.bucket().acl != Acl::Private;
        let (content_type, cache_control) = objects::headers(path, public);
        Put { content_type, cache_control, when: When::Always }
    }

    /// The archive, as errors name it.
    fn root(&self) -> std::path::PathBuf {
        self.client.bucket().to_string().into()
    }

    /// Another publisher is at work, with a higher number.
    fn overtaken(&self) -> ArchiveError {
        ArchiveError::Overtaken { root: self.root() }
    }
}

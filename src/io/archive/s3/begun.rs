//! What publishers began and did not end: taken in where their InRelease is in place, cleared away where it is not.

use std::collections::BTreeSet;

use crate::core::objects::{Begun, Notes};
use crate::io::archive::ArchiveError;
use crate::io::archive::s3::lease::Lease;
use crate::io::archive::s3::{OURS, Read, S3Archive, TRIAL};
use crate::io::s3::{Put, When, Written};

/// What is left of publications that never came to be.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Files that may be there, and that nobody ever saw listed.
    pub(super) files: BTreeSet<String>,
    /// Suites whose indexes may have been overwritten under their plain names.
    pub(super) suites: BTreeSet<String>,
}

impl S3Archive {
    /// Writes down what is about to be written.
    pub(super) async fn begin(&self, lease: &Lease<'_>, begun: &Begun) -> Result<(), ArchiveError> {
        let json = serde_json::to_vec(begun).expect("plain data always becomes JSON");
        let path = lease.begun();
        let bytes = zstd::encode_all(json.as_slice(), 3).map_err(ArchiveError::io("write", &path))?;
        self.client.put(&path, bytes, &self.headers(&path)).await?;
        Ok(())
    }

    /// A publication that was killed after its InRelease was in place is a published generation.
    pub(super) async fn adopt(&self, lease: &Lease<'_>, notes: &mut Notes) -> Result<Left, ArchiveError> {
        let mut left = Left { files: notes.doomed.clone(), suites: BTreeSet::new() };
        for path in &lease.left {
            let Some(object) = self.client.get(path).await? else { continue };
            let json = zstd::decode_all(object.bytes.as_slice()).ok();
            // One that cannot be read was never written to its end, so nothing was written after it.
            let Some(begun) = json.and_then(|json| serde_json::from_slice::<Begun>(&json).ok()) else { continue };
            let standing = self.standing(&begun.suite).await?;
            if standing.is_some_and(|standing| standing.present.release == begun.generation.release) {
                notes.finish(&begun);
            } else {
                let unknown = begun.new.into_iter().filter(|path| notes.pool_file(path).is_none());
                left.files.extend(unknown);
                left.suites.insert(begun.suite);
            }
        }
        for suite in notes.suites.keys() {
            for path in notes.hashed(suite) {
                left.files.remove(&path);
            }
        }
        left.files.retain(|path| notes.pool_file(path).is_none());
        Ok(left)
    }

    /// Notes for a place where nothing was published yet, which must hold nothing of others.
    pub(super) async fn found(&self) -> Result<Read, ArchiveError> {
        let there = self.client.first("").await?;
        if there.iter().any(|listed| !listed.path.starts_with(OURS)) {
            return Err(ArchiveError::NotOurs { root: self.root(), marker: super::NOTES });
        }
        Ok(Read { notes: Notes::new(self.honours_conditions().await?), etag: None })
    }

    /// Tries whether the server keeps to the conditions of writes.
    async fn honours_conditions(&self) -> Result<bool, ArchiveError> {
        let put = self.headers(TRIAL);
        let first = self.client.put(TRIAL, b"1".to_vec(), &put).await?;
        let absent = self.client.put(TRIAL, b"2".to_vec(), &Put { when: When::Absent, ..put }).await;
        let changed = self.client.put(TRIAL, b"3".to_vec(), &Put { when: When::Unchanged("\"0\""), ..put }).await;
        self.client.delete(TRIAL).await?;
        // A server that does not know them may answer anything else, which is no reason not to publish.
        let refused = |written: Result<Written, _>| matches!(written, Ok(Written::Refused));
        Ok(matches!(first, Written::Done(_)) && refused(absent) && refused(changed))
    }
}

//! What a generation is written with: many files at a time, each of them whole or not at all.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt};

use crate::core::ids::Sha256;
use crate::core::objects::{Index, Notes};
use crate::core::publish::PoolFile;
use crate::io::archive::s3::S3Archive;
use crate::io::archive::s3::begun::Left;
use crate::io::archive::{ArchiveError, FindFile};
use crate::io::s3::client::AT_ONCE;
use crate::io::s3::{Put, When, Written};

/// An index at least this large is copied on the server to its other name, instead of being sent twice; bytes.
const COPY: u64 = 256 << 10;

/// Told before each request that changes something, and may forbid it.
pub(super) type Before<'b> = dyn Fn(&str) -> std::io::Result<()> + 'b;

/// What files are written with.
pub(super) struct Writing<'w> {
    pub(super) archive: &'w S3Archive,
    pub(super) notes: &'w Notes,
    pub(super) left: &'w Left,
    pub(super) before: &'w Before<'w>,
}

impl Writing<'_> {
    /// Asks whether a change may happen.
    pub(super) fn ask(&self, path: &str) -> Result<(), ArchiveError> {
        (self.before)(path).map_err(ArchiveError::io("write", path))
    }

    /// Puts files into the pool.
    pub(super) async fn pool(&self, missing: &[&PoolFile], source: &FindFile<'_>) -> Result<(), ArchiveError> {
        let by_content = self.notes.by_content();
        let files = missing.iter().map(|file| self.pool_file(file, &by_content, source));
        futures_util::stream::iter(files).buffer_unordered(AT_ONCE).try_collect::<()>().await
    }

    async fn pool_file(
        &self,
        file: &PoolFile,
        by_content: &BTreeMap<Sha256, &str>,
        source: &FindFile<'_>,
    ) -> Result<(), ArchiveError> {
        self.ask(&file.path)?;
        let client = &self.archive.client;
        let may_be_there = self.left.files.contains(&file.path);
        if may_be_there || !self.notes.conditions {
            let there = client.head(&file.path).await?;
            match there.map(|there| there.size == file.size && there.sha256 == Some(file.sha256.to_string())) {
                Some(true) => return Ok(()),
                // Nobody ever saw it listed, so it may be another one now.
                Some(false) if may_be_there => client.delete(&file.path).await?,
                Some(false) => return Err(self.other_bytes(file).await?),
                None => {}
            }
        }
        let headers = self.archive.headers(&file.path);
        if let Some(from) = by_content.get(&file.sha256) {
            return Ok(client.copy(from, &file.path, file.sha256, &headers).await?);
        }
        let from = source(&file.sha256).map_err(|source| ArchiveError::Source {
            path: file.path.clone(),
            sha256: file.sha256,
            source,
        })?;
        let when = if self.notes.conditions { When::Absent } else { When::Always };
        match client.put_file(&file.path, &from, file.sha256, &Put { when, ..headers }).await? {
            Written::Done(_) => Ok(()),
            Written::Refused => Err(self.other_bytes(file).await?),
        }
    }

    /// Somebody else wrote there.
    async fn other_bytes(&self, file: &PoolFile) -> Result<ArchiveError, ArchiveError> {
        let there = self.archive.client.get(&file.path).await?.map(|object| Sha256::of(&object.bytes));
        let path = self.archive.root().join(&file.path);
        Ok(ArchiveError::OtherBytes { path, there: there.unwrap_or(Sha256([0; 32])), new: file.sha256 })
    }

    /// Writes indexes under the names that follow from their content.
    pub(super) async fn hashed(&self, suite: &str, new: &[(&Index, &[u8])]) -> Result<(), ArchiveError> {
        let files = new.iter().map(|(index, bytes)| self.put(format!("dists/{suite}/{}", index.by_hash()), bytes));
        futures_util::stream::iter(files).buffer_unordered(AT_ONCE).try_collect::<()>().await
    }

    /// Writes indexes under their plain names, for clients that know no others. What is known by its hash is copied.
    pub(super) async fn plain(
        &self,
        suite: &str,
        indexes: &[&Index],
        bytes: &BTreeMap<&str, &[u8]>,
    ) -> Result<(), ArchiveError> {
        let files = indexes.iter().map(|index| async move {
            let to = format!("dists/{suite}/{}", index.path);
            match bytes.get(index.path.as_str()) {
                Some(bytes) if index.size < COPY => self.put(to, bytes).await,
                Some(_) | None => {
                    self.ask(&to)?;
                    let from = format!("dists/{suite}/{}", index.by_hash());
                    Ok(self.archive.client.copy(&from, &to, index.sha256, &self.archive.headers(&to)).await?)
                }
            }
        });
        futures_util::stream::iter(files).buffer_unordered(AT_ONCE).try_collect::<()>().await
    }

    /// Writes one object, whatever is there.
    pub(super) async fn put(&self, path: String, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.ask(&path)?;
        self.archive.client.put(&path, bytes.to_vec(), &self.archive.headers(&path)).await?;
        Ok(())
    }

    /// Deletes files that nobody lists any more. Says how many.
    pub(super) async fn delete(&self, paths: impl IntoIterator<Item = &String>) -> Result<u64, ArchiveError> {
        let deleting = paths.into_iter().map(|path| async move {
            self.ask(path)?;
            self.archive.client.delete(path).await.map_err(ArchiveError::from)
        });
        let deleting = futures_util::stream::iter(deleting).buffer_unordered(AT_ONCE);
        deleting.try_fold(0, |count, ()| async move { Ok(count + 1) }).await
    }
}

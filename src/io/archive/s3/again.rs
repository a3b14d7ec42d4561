//! An older generation, published again: its indexes and its packages are there, so that nothing is sent but names.

use std::collections::BTreeMap;

use crate::core::ids::Sha256;
use crate::core::objects::{Generation, Index, Notes, Suite};
use crate::core::publish::{PoolFile, release};
use crate::io::archive::dir::history;
use crate::io::archive::s3::S3Archive;
use crate::io::archive::s3::lease::Lease;
use crate::io::archive::s3::publish::Publication;
use crate::io::archive::{ArchiveError, HistoryError, Published, Signer};

/// The pool files of a generation.
fn listed(known: &Suite, number: u64) -> Vec<PoolFile> {
    let listed = known.pool.iter().filter(|(_, file)| file.first <= number && number <= file.last);
    listed.map(|(path, file)| PoolFile { path: path.clone(), sha256: file.sha256, size: file.size }).collect()
}

impl S3Archive {
    /// Publishes an older generation again, at a date after what stands: apt ignores an older one.
    ///
    /// # Errors
    /// There is no such generation any more, and what [`S3Archive::publish`] says.
    pub async fn rollback(
        &self,
        suite: &str,
        number: u64,
        signer: &dyn Signer,
        now: i64,
    ) -> Result<Published, ArchiveError> {
        let notes = self.notes().await?.map(|read| read.notes).unwrap_or_default();
        let (known, old) = self.kept(&notes, suite, Some(number))?;
        let standing = known.generations.last().map_or(now, |latest| latest.date);
        let date = now.max(standing + 1);
        let generation = Generation {
            number: 0,
            date,
            release: release::redated(&old.release, date),
            again: Some(old.again.unwrap_or(number)),
            ..old.clone()
        };
        let publication = Publication { suite, generation, pool: listed(known, number), bytes: BTreeMap::new(), now };
        self.once_more(publication, signer).await
    }

    /// Publishes a generation, or the one that stands, under a name of its own, where it never changes.
    ///
    /// # Errors
    /// The name cannot be part of a path or is taken, and what [`S3Archive::rollback`] says.
    pub async fn snapshot(
        &self,
        suite: &str,
        number: Option<u64>,
        name: &str,
        signer: &dyn Signer,
        now: i64,
    ) -> Result<Published, ArchiveError> {
        let suite_of_it = history::snapshot_suite(name)?;
        let notes = self.notes().await?.map(|read| read.notes).unwrap_or_default();
        if notes.suites.contains_key(&suite_of_it) {
            return Err(HistoryError::Taken { suite: suite_of_it }.into());
        }
        let (known, old) = self.kept(&notes, suite, number)?;
        let mut indexes = Vec::with_capacity(old.indexes.len());
        for listed in &old.indexes {
            indexes.push((listed.path.as_str(), self.index(suite, listed).await?));
        }
        let generation = Generation {
            number: 0,
            date: now,
            release: release::renamed(&old.release, &suite_of_it, now),
            again: Some(old.again.unwrap_or(old.number)),
            ..old.clone()
        };
        let bytes = indexes.iter().map(|(path, bytes)| (*path, bytes.as_slice())).collect();
        let pool = listed(known, old.number);
        self.once_more(Publication { suite: &suite_of_it, generation, pool, bytes, now }, signer).await
    }

    /// The plain Packages and Sources of a generation, or of the one that stands.
    pub async fn lists(&self, suite: &str, number: Option<u64>) -> Result<Vec<Vec<u8>>, ArchiveError> {
        let notes = self.notes().await?.map(|read| read.notes).unwrap_or_default();
        let (_, generation) = self.kept(&notes, suite, number)?;
        let mut lists = Vec::new();
        let is_list = |index: &&Index| index.path.ends_with("/Packages") || index.path.ends_with("/Sources");
        for listed in generation.indexes.iter().filter(is_list) {
            lists.push(self.index(suite, listed).await?);
        }
        Ok(lists)
    }

    /// A generation that is kept; without a number, the one that stands.
    fn kept<'n>(
        &self,
        notes: &'n Notes,
        suite: &str,
        number: Option<u64>,
    ) -> Result<(&'n Suite, &'n Generation), ArchiveError> {
        let known = notes.suites.get(suite);
        let all = known.map(|known| known.generations.as_slice()).unwrap_or_default();
        let found = match number {
            Some(number) => all.iter().find(|old| old.number == number),
            None => all.last(),
        };
        known.zip(found).ok_or_else(|| {
            let there: Vec<String> = all.iter().map(|old| old.number.to_string()).collect();
            let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
            HistoryError::NoGeneration { root: self.root(), suite: suite.to_owned(), number, there }.into()
        })
    }

    /// An index of a generation, by its hash.
    async fn index(&self, suite: &str, index: &Index) -> Result<Vec<u8>, ArchiveError> {
        let path = format!("dists/{suite}/{}", index.by_hash());
        let object = self.client().get(&path).await?;
        let bytes = object.map(|object| object.bytes).unwrap_or_default();
        let got = Sha256::of(&bytes);
        if got != index.sha256 {
            let path = self.root().join(path);
            return Err(ArchiveError::Content { path, expected: index.sha256, got });
        }
        Ok(bytes)
    }

    /// Publishes what is all there but for names.
    async fn once_more(&self, publication: Publication<'_>, signer: &dyn Signer) -> Result<Published, ArchiveError> {
        let lease = Lease::take(self).await?;
        let nothing = |_: &_| Err("an older generation has all of its files".into());
        let done = self.under(&lease, publication, &nothing, signer, &|_| Ok(())).await;
        self.end(lease, done).await
    }

    /// Removes the generations that need not stay, and the files that only they list. Says how many files went.
    pub async fn prune(&self, now: i64) -> Result<u64, ArchiveError> {
        let lease = Lease::take(self).await?;
        let removed = self.prune_under(&lease, now).await;
        match removed {
            Ok(removed) => {
                lease.give_back().await?;
                Ok(removed)
            }
            Err(error) => {
                lease.give_up().await;
                Err(error)
            }
        }
    }

    async fn prune_under(&self, lease: &Lease<'_>, now: i64) -> Result<u64, ArchiveError> {
        let Some(mut read) = self.notes().await? else { return Ok(0) };
        let left = self.adopt(lease, &mut read.notes).await?;
        read.notes.doomed.extend(left.files);
        if read.notes.prune(self.keep, now) == 0 && read.notes.doomed.is_empty() {
            return Ok(0);
        }
        lease.check().await?;
        read.notes.number = lease.number;
        self.note(&mut read).await?;
        // Parts that nobody put together cost as much as whole files.
        self.client.abandon("pool/", now - self.keep.grace.max(3600)).await?;
        self.clear(&mut read, &|_| Ok(())).await
    }
}

//! An older generation, published again: its indexes and its packages are there, so that nothing is sent but names.

use std::collections::BTreeMap;

use crate::core::objects::Generation;
use crate::core::publish::{PoolFile, release};
use crate::io::archive::s3::S3Archive;
use crate::io::archive::s3::lease::Lease;
use crate::io::archive::s3::publish::Publication;
use crate::io::archive::{ArchiveError, Published, Signer};

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
        let notes = self.notes().await?.map(|read| read.notes);
        let known = notes.as_ref().and_then(|notes| notes.suites.get(suite));
        let old = known.and_then(|known| known.generations.iter().find(|old| old.number == number));
        let (Some(known), Some(old)) = (known, old) else {
            let there = known.into_iter().flat_map(|known| &known.generations);
            let there: Vec<String> = there.map(|old| old.number.to_string()).collect();
            return Err(ArchiveError::NoGeneration {
                root: self.root(),
                suite: suite.to_owned(),
                number,
                there: there.join(", "),
            });
        };
        let standing = known.generations.last().map_or(now, |latest| latest.date);
        let date = now.max(standing + 1);
        let listed = known.pool.iter().filter(|(_, file)| file.first <= number && number <= file.last);
        let pool = listed.map(|(path, file)| PoolFile { path: path.clone(), sha256: file.sha256, size: file.size });
        let generation = Generation {
            number: 0,
            date,
            release: release::redated(&old.release, date),
            again: Some(old.again.unwrap_or(number)),
            ..old.clone()
        };
        let publication = Publication { suite, generation, pool: pool.collect(), bytes: BTreeMap::new(), now };
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

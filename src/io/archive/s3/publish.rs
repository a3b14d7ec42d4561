//! One publication, from the lease to the notes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::core::ids::Sha256;
use crate::core::objects::{Begun, Generation, Index, Notes};
use crate::core::publish::{IndexFile, PoolFile, PublishPlan, release};
use crate::io::archive::dir::Present;
use crate::io::archive::s3::begun::Left;
use crate::io::archive::s3::lease::Lease;
use crate::io::archive::s3::write::{Before, Writing};
use crate::io::archive::s3::{KEY, Read, S3Archive, Standing};
use crate::io::archive::{ArchiveError, BoxError, FindFile, Published, Signer};
use crate::io::s3::error::S3Error;
use crate::io::s3::{Put, When, Written};

/// Seconds that our clock and the server's may be apart.
const APART: i64 = 300;

/// What is published: a plan's generation, or an older one again.
pub(super) struct Publication<'p> {
    pub(super) suite: &'p str,
    /// Its number is the lease's.
    pub(super) generation: Generation,
    pub(super) pool: Vec<PoolFile>,
    /// What is not on the server yet, by path in the suite's folder.
    pub(super) bytes: BTreeMap<&'p str, &'p [u8]>,
    pub(super) now: i64,
}

impl<'p> Publication<'p> {
    fn of(plan: &'p PublishPlan, now: i64) -> Publication<'p> {
        let index = |index: &IndexFile| Index {
            path: index.path.clone(),
            sha256: index.sha256,
            size: index.bytes.len() as u64,
        };
        let generation = Generation {
            number: 0,
            date: plan.date,
            release: plan.release.clone(),
            indexes: plan.indexes.iter().map(index).collect(),
            sources: plan.counts.sources,
            packages: plan.counts.packages,
            again: None,
        };
        let bytes = plan.indexes.iter().map(|index| (index.path.as_str(), index.bytes.as_slice())).collect();
        Publication { suite: &plan.suite, generation, pool: plan.pool.clone(), bytes, now }
    }
}

/// Signed texts.
struct Signed {
    inline: Vec<u8>,
    detached: Vec<u8>,
    key: String,
}

impl S3Archive {
    /// Writes what the plan says, and nothing when that is there already. `source` tells where the bytes of a file are.
    ///
    /// # Errors
    /// See [`ArchiveError`]; the generation that was there before still stands.
    pub async fn publish(
        &self,
        plan: &PublishPlan,
        source: &FindFile<'_>,
        signer: &dyn Signer,
        now: i64,
    ) -> Result<Published, ArchiveError> {
        self.publish_watched(plan, source, signer, now, &|_| Ok(())).await
    }

    /// [`S3Archive::publish`], with a word before each request that changes something, so that a test can stop there.
    pub async fn publish_watched(
        &self,
        plan: &PublishPlan,
        source: &FindFile<'_>,
        signer: &dyn Signer,
        now: i64,
        before: &(dyn Fn(&str) -> std::io::Result<()> + '_),
    ) -> Result<Published, ArchiveError> {
        let lease = Lease::take(self).await?;
        let publication = Publication::of(plan, now);
        let done = self.under(&lease, publication, source, signer, before).await;
        self.end(lease, done).await
    }

    /// Gives the lease back; what was begun and not ended is left for the next publisher.
    pub(super) async fn end(
        &self,
        lease: Lease<'_>,
        done: Result<(Published, bool), ArchiveError>,
    ) -> Result<Published, ArchiveError> {
        match done {
            Ok((mut published, true)) => {
                if let Err(error) = lease.give_back().await {
                    published.notes.push(format!("the publisher's notes were not removed: {error}"));
                }
                Ok(published)
            }
            Ok((published, false)) => {
                lease.give_up().await;
                Ok(published)
            }
            Err(error) => {
                lease.give_up().await;
                Err(error)
            }
        }
    }

    /// Publishes with the lease in hand. Says, too, whether all of it was noted down.
    pub(super) async fn under(
        &self,
        lease: &Lease<'_>,
        mut publication: Publication<'_>,
        source: &FindFile<'_>,
        signer: &dyn Signer,
        before: &Before<'_>,
    ) -> Result<(Published, bool), ArchiveError> {
        publication.generation.number = lease.number;
        let mut read = match self.notes().await? {
            Some(read) => read,
            None => self.found().await?,
        };
        if read.notes.number >= lease.number {
            return Err(self.overtaken());
        }
        self.same_clock(publication.now)?;
        let left = self.adopt(lease, &mut read.notes).await?;
        let standing = self.standing(publication.suite).await?;
        let signed = sign(&publication.generation, signer)?;
        let mut published = published(&publication.generation);
        if let Some(Standing { present, .. }) = &standing {
            if left.files.is_empty() && is_whole(&read.notes, present, &publication, &signed.key) {
                published.unchanged = true;
                published.number = read.notes.latest(publication.suite).map_or(0, |latest| latest.number);
                published.release_sha256 = Sha256::of(present.release.as_bytes());
                published.date = present.date.unwrap_or(published.date);
                published.number = read.notes.latest(publication.suite).map_or(0, |latest| latest.number);
                return Ok((published, true));
            }
            let new = publication.generation.date;
            if let Some(there) = present.date.filter(|&there| there >= new) {
                return Err(ArchiveError::Date { there, new });
            }
        }
        let missing = missing(self, &read.notes, &publication.pool)?;
        published.added = missing.len() as u64;
        published.added_bytes = missing.iter().map(|file| file.size).sum();
        let writing = Writing { archive: self, notes: &read.notes, left: &left, before };
        let begun = self.begin_and_write(lease, &writing, &publication, &missing, source).await?;
        self.switch(lease, &writing, &publication, &signed, standing.as_ref()).await?;
        // From here on the new generation stands; what fails now is done by the next publication.
        let key = Sha256::of(signed.key.as_bytes());
        match self.finish(&mut read, &begun, &left, key, publication.now, before).await {
            Ok(removed) => published.removed = removed,
            Err(error) => {
                published.notes.push(format!("the archive is published, and its notes are not written: {error}"));
                return Ok((published, false));
            }
        }
        Ok((published, true))
    }

    /// Everything that nobody sees yet: pool files and indexes by hash.
    async fn begin_and_write(
        &self,
        lease: &Lease<'_>,
        writing: &Writing<'_>,
        publication: &Publication<'_>,
        missing: &[&PoolFile],
        source: &FindFile<'_>,
    ) -> Result<Begun, ArchiveError> {
        let suite = publication.suite;
        let known = writing.notes.hashed(suite);
        let path = |index: &Index| format!("dists/{suite}/{}", index.by_hash());
        let new = publication.generation.indexes.iter().filter(|index| !known.contains(&path(index)));
        let new: Vec<(&Index, &[u8])> =
            new.filter_map(|index| Some((index, *publication.bytes.get(index.path.as_str())?))).collect();
        let paths = missing.iter().map(|file| file.path.clone()).chain(new.iter().map(|(index, _)| path(index)));
        let pool = publication.pool.iter().map(|file| (file.path.clone(), (file.sha256, file.size)));
        let begun = Begun {
            suite: suite.to_owned(),
            generation: publication.generation.clone(),
            pool: pool.collect(),
            new: paths.collect(),
        };
        writing.ask("begun")?;
        self.begin(lease, &begun).await?;
        writing.pool(missing, source).await?;
        writing.hashed(suite, &new).await?;
        Ok(begun)
    }

    /// What readers see: the plain names, and InRelease last.
    async fn switch(
        &self,
        lease: &Lease<'_>,
        writing: &Writing<'_>,
        publication: &Publication<'_>,
        signed: &Signed,
        standing: Option<&Standing>,
    ) -> Result<(), ArchiveError> {
        let (suite, generation) = (publication.suite, &publication.generation);
        let latest = writing.notes.latest(suite).filter(|_| !writing.left.suites.contains(suite));
        let there: BTreeSet<&Index> = latest.into_iter().flat_map(|latest| &latest.indexes).collect();
        let changed: Vec<&Index> = generation.indexes.iter().filter(|index| !there.contains(index)).collect();
        lease.check().await?;
        writing.plain(suite, &changed, &publication.bytes).await?;
        if writing.notes.key != Some(Sha256::of(signed.key.as_bytes())) {
            writing.put(KEY.to_owned(), signed.key.as_bytes()).await?;
        }
        writing.put(format!("dists/{suite}/Release"), generation.release.as_bytes()).await?;
        writing.put(format!("dists/{suite}/Release.gpg"), &signed.detached).await?;
        lease.check().await?;
        if let Some(standing) = standing {
            self.later_than(standing).await;
        }
        let path = format!("dists/{suite}/InRelease");
        writing.ask(&path)?;
        let when = match standing {
            _ if !writing.notes.conditions => When::Always,
            Some(standing) => When::Unchanged(&standing.etag),
            None => When::Absent,
        };
        let put = Put { when, ..self.headers(&path) };
        match self.client.put(&path, signed.inline.clone(), &put).await? {
            Written::Done(_) => {}
            Written::Refused => return Err(self.overtaken()),
        }
        self.read_back(suite, generation, &signed.inline).await
    }

    /// Waits until the server's clock shows another second than when the old InRelease was written: clients ask whether
    /// it changed since then, by the second, and would keep the old one until the next publication.
    async fn later_than(&self, standing: &Standing) {
        if self.client.server_time().is_some_and(|now| now <= standing.modified) {
            tokio::time::sleep(Duration::from_millis(1100)).await;
        }
    }

    /// Reads back what was published: InRelease, and one index by its hash.
    async fn read_back(&self, suite: &str, generation: &Generation, inline: &[u8]) -> Result<(), ArchiveError> {
        // Which one differs from generation to generation, and needs no source of randomness.
        let any = usize::from(Sha256::of(generation.release.as_bytes()).0[0]);
        let index = generation.indexes.get(any % generation.indexes.len().max(1));
        let hashed = index.map(|index| (format!("dists/{suite}/{}", index.by_hash()), index.sha256));
        let all = [(format!("dists/{suite}/InRelease"), Sha256::of(inline))].into_iter().chain(hashed);
        for (path, expected) in all {
            let there = self.client.get(&path).await?;
            let got = there.map_or(Sha256([0; 32]), |object| Sha256::of(&object.bytes));
            if got != expected {
                return Err(ArchiveError::Content { path: self.root().join(path), expected, got });
            }
        }
        Ok(())
    }

    /// Notes down that a generation is published, and clears away what need not stay. Says how many files went.
    async fn finish(
        &self,
        read: &mut Read,
        begun: &Begun,
        left: &Left,
        key: Sha256,
        now: i64,
        before: &Before<'_>,
    ) -> Result<u64, ArchiveError> {
        read.notes.doomed.extend(left.files.iter().cloned());
        read.notes.finish(begun);
        read.notes.number = begun.generation.number;
        read.notes.key = Some(key);
        read.notes.prune(self.keep, now);
        before("notes").map_err(ArchiveError::io("write", super::NOTES))?;
        self.note(read).await?;
        self.clear(read, before).await
    }

    /// Deletes what is doomed, which the notes on the server say already.
    pub(super) async fn clear(&self, read: &mut Read, before: &Before<'_>) -> Result<u64, ArchiveError> {
        let doomed = std::mem::take(&mut read.notes.doomed);
        if doomed.is_empty() {
            return Ok(0);
        }
        let writing = Writing { archive: self, notes: &read.notes, left: &Left::default(), before };
        let removed = writing.delete(&doomed).await?;
        before("notes").map_err(ArchiveError::io("write", super::NOTES))?;
        self.note(read).await?;
        Ok(removed)
    }

    /// Dates and signatures follow from the clock, so one that is off must not be published with.
    pub(super) fn same_clock(&self, now: i64) -> Result<(), ArchiveError> {
        let Some(server) = self.client.server_time() else { return Ok(()) };
        let ahead = now - server;
        if ahead.abs() <= APART {
            return Ok(());
        }
        let direction = if ahead > 0 { "ahead of" } else { "behind" };
        let endpoint = self.client.endpoint().to_owned();
        Err(S3Error::Clock { seconds: ahead.unsigned_abs(), direction, endpoint }.into())
    }
}

fn sign(generation: &Generation, signer: &dyn Signer) -> Result<Signed, ArchiveError> {
    let failed = |source: BoxError| ArchiveError::Sign { source };
    let release = generation.release.as_bytes();
    Ok(Signed {
        inline: signer.sign_inline(release, generation.date).map_err(failed)?,
        detached: signer.sign_detached(release, generation.date).map_err(failed)?,
        key: signer.public_armored().map_err(failed)?,
    })
}

fn published(generation: &Generation) -> Published {
    Published {
        release_sha256: Sha256::of(generation.release.as_bytes()),
        date: generation.date,
        number: generation.number,
        unchanged: false,
        added: 0,
        added_bytes: 0,
        removed: 0,
        key: KEY.into(),
        notes: Vec::new(),
    }
}

/// Whether all of a publication is there, by the notes, and nothing but the date would change.
fn is_whole(notes: &Notes, present: &Present, publication: &Publication<'_>, key: &str) -> bool {
    let latest = notes.latest(publication.suite);
    publication.generation.again.is_none()
        && release::same_but_date(&present.release, &publication.generation.release)
        && latest.is_some_and(|latest| latest.release == present.release)
        && notes.key == Some(Sha256::of(key.as_bytes()))
        && publication.pool.iter().all(|file| notes.pool_file(&file.path).is_some_and(|it| it.sha256 == file.sha256))
}

/// The pool files that are not there. One that is there with other bytes is an error, before anything is written.
fn missing<'f>(archive: &S3Archive, notes: &Notes, pool: &'f [PoolFile]) -> Result<Vec<&'f PoolFile>, ArchiveError> {
    let mut missing = Vec::new();
    for file in pool {
        match notes.pool_file(&file.path) {
            None => missing.push(file),
            Some(there) if there.sha256 == file.sha256 => {}
            Some(there) => {
                let path = archive.root().join(&file.path);
                return Err(ArchiveError::OtherBytes { path, there: there.sha256, new: file.sha256 });
            }
        }
    }
    Ok(missing)
}

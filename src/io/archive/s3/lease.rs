//! One publisher at a time. Each says so with an object whose name begins with a number; the highest number counts, and
//! who has a lower one stops. That needs nothing of a server but that a listing shows what was written before.

use std::time::Duration;

use tokio::time::Instant;

use crate::io::archive::ArchiveError;
use crate::io::archive::s3::{PUBLISHERS, S3Archive};
use crate::io::s3::{Listed, Put, When};

/// A publisher that says nothing for so long is dead. He says something three times as often.
const LEASE: Duration = Duration::from_secs(60);

/// Times that two publishers which began at the same moment both step back, before one gives up.
const TRIES: u32 = 6;

/// What the name of what a publisher began ends with.
pub(super) const BEGUN: &str = ".begun";

/// The right to publish.
pub(super) struct Lease<'a> {
    archive: &'a S3Archive,
    /// Higher than that of any publisher before.
    pub(super) number: u64,
    path: String,
    /// What dead publishers began and did not end, by path, the oldest first.
    pub(super) left: Vec<String>,
    /// Objects of dead publishers, besides those.
    dead: Vec<String>,
    said: std::sync::Arc<std::sync::Mutex<Instant>>,
    saying: tokio::task::JoinHandle<()>,
}

/// An object of a publisher.
struct Claim {
    number: u64,
    holder: String,
    begun: bool,
    listed: Listed,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.saying.abort();
    }
}

impl<'a> Lease<'a> {
    /// Takes it, or says who has it.
    pub(super) async fn take(archive: &'a S3Archive) -> Result<Lease<'a>, ArchiveError> {
        for attempt in 0..TRIES {
            let there = claims(archive).await?;
            if let Some(other) = live(archive, &there, None) {
                return Err(busy(archive, other));
            }
            let number = there.iter().map(|claim| claim.number).max().unwrap_or(0).max(last_number(archive).await?) + 1;
            let path = format!("{PUBLISHERS}{number:010}-{}", archive.holder);
            say(archive, &path).await?;
            // Another who wrote between our look and our word sees ours, too; so both step back.
            let there = claims(archive).await?;
            if let Some(other) = live(archive, &there, Some(number)) {
                archive.client.delete(&path).await?;
                if attempt + 1 == TRIES {
                    return Err(busy(archive, other));
                }
                tokio::time::sleep(Duration::from_millis(50 + u64::from(jitter()) * (attempt as u64 + 1))).await;
                continue;
            }
            let others = there.into_iter().filter(|claim| claim.number != number);
            let (begun, dead): (Vec<Claim>, Vec<Claim>) = others.partition(|claim| claim.begun);
            let paths = |claims: Vec<Claim>| claims.into_iter().map(|claim| claim.listed.path).collect();
            let said = std::sync::Arc::new(std::sync::Mutex::new(Instant::now()));
            let saying = keep_saying(archive.clone(), path.clone(), said.clone());
            return Ok(Lease { archive, number, path, left: paths(begun), dead: paths(dead), said, saying });
        }
        unreachable!("the last try returns")
    }

    /// Makes sure that nobody with a higher number is there, and that nobody may think that we are dead.
    pub(super) async fn check(&self) -> Result<(), ArchiveError> {
        let there = claims(self.archive).await?;
        let ours = there.iter().any(|claim| claim.listed.path == self.path);
        let higher = there.iter().any(|claim| claim.number > self.number);
        let said = *self.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !ours || higher || said.elapsed() > LEASE {
            return Err(self.archive.overtaken());
        }
        Ok(())
    }

    /// Where we write down what we begin.
    pub(super) fn begun(&self) -> String {
        format!("{}{BEGUN}", self.path)
    }

    /// Gives it back, and clears away what dead publishers left. All they began is known by now.
    pub(super) async fn give_back(self) -> Result<(), ArchiveError> {
        for path in self.left.iter().chain(&self.dead) {
            self.archive.client.delete(path).await?;
        }
        self.archive.client.delete(&self.begun()).await?;
        self.saying.abort();
        self.archive.client.delete(&self.path).await?;
        Ok(())
    }

    /// Gives it back after a failure: what was begun stays for the next publisher to see.
    pub(super) async fn give_up(self) {
        self.saying.abort();
        if let Err(error) = self.archive.client.delete(&self.path).await {
            tracing::debug!(%error, "the lease stays until it is out of date");
        }
    }
}

/// The number of the last publisher that wrote notes. Its own claim is gone when it ended well.
async fn last_number(archive: &S3Archive) -> Result<u64, ArchiveError> {
    Ok(archive.notes().await?.map_or(0, |read| read.notes.number))
}

async fn claims(archive: &S3Archive) -> Result<Vec<Claim>, ArchiveError> {
    let listed = archive.client.list(PUBLISHERS).await?;
    let claim = |listed: Listed| {
        let name = listed.path.strip_prefix(PUBLISHERS)?;
        let bare = name.strip_suffix(BEGUN);
        let (number, holder) = bare.unwrap_or(name).split_once('-')?;
        Some(Claim { number: number.parse().ok()?, holder: holder.to_owned(), begun: bare.is_some(), listed })
    };
    Ok(listed.into_iter().filter_map(claim).collect())
}

/// Somebody else who publishes. Ages follow from the server's clock alone. One of our own name is a process of ours
/// that was killed, unless it came after us.
fn live<'c>(archive: &S3Archive, claims: &'c [Claim], ours: Option<u64>) -> Option<&'c Claim> {
    let now = archive.client.server_time().unwrap_or(i64::MAX);
    let limit = i64::try_from(LEASE.as_secs()).expect("a minute fits");
    claims.iter().find(|claim| {
        let recent = now.saturating_sub(claim.listed.modified) < limit;
        let another = claim.holder != archive.holder;
        let later = ours.is_some_and(|number| claim.number > number);
        !claim.begun && recent && (another || later)
    })
}

fn busy(archive: &S3Archive, other: &Claim) -> ArchiveError {
    ArchiveError::Held { root: archive.root(), holder: other.holder.clone(), seconds: LEASE.as_secs() }
}

async fn say(archive: &S3Archive, path: &str) -> Result<(), ArchiveError> {
    let put = Put { content_type: "text/plain", cache_control: "no-store", when: When::Always };
    archive.client.put(path, archive.holder.clone().into_bytes(), &put).await?;
    Ok(())
}

/// Says again and again that we live, until it is aborted.
fn keep_saying(
    archive: S3Archive,
    path: String,
    said: std::sync::Arc<std::sync::Mutex<Instant>>,
) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(LEASE / 3).await;
            let before = Instant::now();
            match say(&archive, &path).await {
                Ok(()) => *said.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = before,
                Err(error) => tracing::debug!(%error, "the lease is not renewed"),
            }
        }
    })
}

/// Some number of milliseconds that differs from process to process.
fn jitter() -> u8 {
    use std::hash::{BuildHasher, Hasher};
    (std::collections::hash_map::RandomState::new().build_hasher().finish() & 0xff) as u8
}

//! Copies of the files that a campaign builds with, by their SHA-256, in a directory or a bucket near its builders.
//!
//! **Invariant:** a copy is written whole and verified, or not at all; it is taken for the file only where its size and
//! its hash are those of the archive's index, and whoever fetches it verifies it once more.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use rustc_hash::FxHashSet;

use crate::core::ids::Sha256;
use crate::core::recipe::{Mirrored, PublishTarget};
use crate::io::s3::client::Client;
use crate::io::s3::error::S3Error;
use crate::io::s3::{Patience, Put, When};
use crate::io::store::{Store, StoreError};

/// How long a URL is good for that a builder is given; a download that began goes on.
const URL_LIVES: Duration = Duration::from_secs(15 * 60);

/// What can go wrong with copies.
#[derive(Debug, thiserror::Error)]
pub enum CopiesError {
    /// Of a directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Of a bucket.
    #[error(transparent)]
    Bucket(#[from] S3Error),
}

/// Where copies are.
enum Place {
    Dir(Store),
    S3(Box<Client>),
}

/// The copies of one place.
pub struct Copies {
    target: PublishTarget,
    place: Place,
    known: Mutex<Known>,
}

/// What was found and done so far.
#[derive(Default)]
struct Known {
    there: FxHashSet<Sha256>,
    mirrored: Mirrored,
}

impl Copies {
    /// Opens a place; a relative path is in `dir`, the state directory.
    pub async fn open(target: &PublishTarget, dir: &Path) -> Result<Copies, CopiesError> {
        let place = match target {
            PublishTarget::Dir { path } => Place::Dir(Store::open(dir.join(path))?),
            PublishTarget::S3 { bucket, .. } => {
                let client = Client::open(bucket, Patience::default()).await?;
                // A wrong name, endpoint or key is told before anything is built.
                client.head("by-hash").await?;
                Place::S3(Box::new(client))
            }
        };
        Ok(Copies { target: target.clone(), place, known: Mutex::default() })
    }

    /// The place.
    pub fn target(&self) -> &PublishTarget {
        &self.target
    }

    /// What was found there and brought there so far.
    pub fn mirrored(&self) -> Mirrored {
        self.known().mirrored.clone()
    }

    /// Whether a file of so many bytes is there; each that is counts as used again once.
    pub async fn has(&self, sha256: Sha256, size: u64) -> Result<bool, CopiesError> {
        if self.known().there.contains(&sha256) {
            return Ok(true);
        }
        let there = match &self.place {
            Place::Dir(store) => std::fs::metadata(store.path(&sha256)).is_ok_and(|file| file.len() == size),
            Place::S3(client) => client
                .head(&key(&sha256))
                .await?
                .is_some_and(|head| head.size == size && head.sha256.as_deref() == Some(sha256.to_string().as_str())),
        };
        let mut known = self.known();
        if there && known.there.insert(sha256) {
            known.mirrored.reused.add(size);
        }
        Ok(there)
    }

    /// Keeps a copy of a file; `fetched` says whether it came from the archive for this.
    pub async fn keep(&self, sha256: Sha256, size: u64, path: &Path, fetched: bool) -> Result<(), CopiesError> {
        match &self.place {
            Place::Dir(store) => {
                let (store, path) = (store.clone(), path.to_owned());
                let copied = tokio::task::spawn_blocking(move || store.adopt(&path)).await;
                copied.expect("a copy does not panic").map(drop)?;
            }
            Place::S3(client) => {
                let how = Put {
                    content_type: "application/octet-stream",
                    cache_control: "max-age=31536000, immutable",
                    when: When::Always,
                };
                client.put_file(&key(&sha256), path, sha256, &how).await.map(drop)?;
            }
        }
        let mut known = self.known();
        if known.there.insert(sha256) {
            known.mirrored.saved.add(size);
            if fetched {
                known.mirrored.fetched.add(size);
            }
        }
        Ok(())
    }

    /// The copy itself, where it is on this machine's disk.
    pub fn path(&self, sha256: &Sha256) -> Option<PathBuf> {
        match &self.place {
            Place::Dir(store) => store.contains(sha256).then(|| store.path(sha256)),
            Place::S3(_) => None,
        }
    }

    /// A URL of the copy for whoever has no key of the bucket: for this object, for reading, for a while.
    pub async fn url(&self, sha256: Sha256) -> Result<Option<String>, CopiesError> {
        match &self.place {
            Place::S3(client) if self.known().there.contains(&sha256) => {
                Ok(Some(client.url_to_read(&key(&sha256), URL_LIVES).await?))
            }
            Place::Dir(_) | Place::S3(_) => Ok(None),
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Where a file's copy is in a bucket.
fn key(sha256: &Sha256) -> String {
    let name = sha256.to_string();
    format!("by-hash/SHA256/{}/{name}", &name[..2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::recipe::Amount;

    fn block<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    #[test]
    fn what_is_there_already_is_used_again_and_counted_once() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, b"four").unwrap();
        let sha256 = Sha256::of(b"four");
        let target = PublishTarget::Dir { path: "copies".into() };
        let open = || block(Copies::open(&target, dir.path())).unwrap();
        let first = open();
        assert!(!block(first.has(sha256, 4)).unwrap());
        block(first.keep(sha256, 4, &file, true)).unwrap();
        let one = Amount { files: 1, bytes: 4 };
        let came = Mirrored { fetched: one, saved: one, reused: Amount::default() };
        assert_eq!(first.mirrored(), came);
        let second = open();
        assert!(block(second.has(sha256, 4)).unwrap() && block(second.has(sha256, 4)).unwrap());
        assert_eq!(second.mirrored(), Mirrored { reused: one, ..Mirrored::default() });
        assert_eq!(std::fs::read(second.path(&sha256).unwrap()).unwrap(), b"four");
        assert_eq!(block(second.url(sha256)).unwrap(), None);
        // What somebody cut off is no copy, and is written anew.
        std::fs::write(second.path(&sha256).unwrap(), b"fo").unwrap();
        let third = open();
        assert!(!block(third.has(sha256, 4)).unwrap());
        block(third.keep(sha256, 4, &file, false)).unwrap();
        assert_eq!(std::fs::read(third.path(&sha256).unwrap()).unwrap(), b"four");
    }
}

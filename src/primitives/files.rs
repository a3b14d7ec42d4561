//! Finds any file of a run by its hash: built here, kept from a mirror, or still to be fetched from one.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::Context;
use futures_util::future::BoxFuture;
use rustc_hash::FxHashMap;

use crate::core::ids::Sha256;
use crate::io::copies::Copies;
use crate::io::mirror::Mirror;
use crate::io::store::Store;
use crate::primitives::Provide;

/// Where a mirror has a file.
#[derive(Debug, Clone)]
struct Origin {
    uri: Arc<str>,
    path: String,
    size: u64,
}

/// The files of a run.
pub struct Files {
    /// What was built: the state directory's own store.
    pub built: Store,
    /// What came from mirrors: the cache that all runs share.
    pub cache: Store,
    /// Fetches what is not here yet.
    pub mirror: Mirror,
    origins: Mutex<FxHashMap<Sha256, Origin>>,
    copies: Mutex<Option<Arc<Copies>>>,
}

impl Files {
    /// Over these stores and this mirror; knows of no mirror's files yet.
    pub fn new(built: Store, cache: Store, mirror: Mirror) -> Files {
        Files { built, cache, mirror, origins: Mutex::default(), copies: Mutex::default() }
    }

    /// Makes files of an archive known: (hash, size, path below `uri`).
    pub fn know(&self, uri: &str, files: impl IntoIterator<Item = (Sha256, u64, String)>) {
        let uri: Arc<str> = uri.into();
        let mut origins = self.origins.lock().expect("nobody panics while holding this lock");
        for (sha256, size, path) in files {
            origins.entry(sha256).or_insert_with(|| Origin { uri: Arc::clone(&uri), path, size });
        }
    }

    /// From now on copies of what builders will ask for are kept there; or nowhere.
    pub fn keep_copies(&self, copies: Option<Arc<Copies>>) {
        *self.copies.lock().expect("nobody panics while holding this lock") = copies;
    }

    /// Where copies are kept.
    pub fn copies(&self) -> Option<Arc<Copies>> {
        self.copies.lock().expect("nobody panics while holding this lock").clone()
    }

    /// Makes sure that builders get a file soon: it is here, or its copy is near them.
    pub fn make_ready(&self, sha256: Sha256) -> BoxFuture<'_, anyhow::Result<()>> {
        Box::pin(self.ready(sha256))
    }

    async fn ready(&self, sha256: Sha256) -> anyhow::Result<()> {
        let origin = self.origin(&sha256);
        let (Some(copies), Some(Origin { size, .. })) = (self.copies(), origin) else {
            return self.provide(sha256).await.map(drop);
        };
        if self.built.contains(&sha256) || copies.has(sha256, size).await? {
            return Ok(());
        }
        let fetched = !self.cache.contains(&sha256);
        let Some(path) = self.provide(sha256).await? else { return Ok(()) };
        Ok(copies.keep(sha256, size, &path, fetched).await?)
    }

    fn origin(&self, sha256: &Sha256) -> Option<Origin> {
        self.origins.lock().expect("nobody panics while holding this lock").get(sha256).cloned()
    }
}

impl Provide for Files {
    fn provide(&self, sha256: Sha256) -> BoxFuture<'_, anyhow::Result<Option<PathBuf>>> {
        Box::pin(async move {
            for store in [&self.built, &self.cache] {
                if store.contains(&sha256) {
                    return Ok(Some(store.path(&sha256)));
                }
            }
            if let Some(path) = self.copies().and_then(|copies| copies.path(&sha256)) {
                return Ok(Some(path));
            }
            let Some(Origin { uri, path, size }) = self.origin(&sha256) else { return Ok(None) };
            let fetched = self.mirror.fetch(&uri, &path, &sha256, size).await;
            fetched.map(Some).with_context(|| format!("fetch `{path}`"))
        })
    }
    fn elsewhere(&self, sha256: Sha256) -> BoxFuture<'_, anyhow::Result<Option<String>>> {
        Box::pin(async move {
            match self.copies() {
                Some(copies) => Ok(copies.url(sha256).await?),
                None => Ok(None),
            }
        })
    }
}

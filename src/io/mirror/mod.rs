//! Reads APT archives: source lists, Release files, indexes, package files; over HTTP or from a directory.
//!
//! **Invariant:** nothing leaves this room that was not verified against what vouches for it, up to the keys that apt
//! would use; no credential is ever sent to another host or shown.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

use crate::core::debian::apt_source::AptEntry;
use crate::core::events::Listener;
use crate::core::ids::Sha256;
use crate::core::pinned::Imported;
use crate::core::recipe::AptSources;
use crate::io::store::Store;

mod apt_config;
mod auth;
mod bare;
mod dir;
mod entries;
pub mod error;
mod http;
mod index;
mod keys;
mod suite;
#[cfg(test)]
mod tests;
mod transfer;

use error::{MirrorError, Place};

/// How archives are read. The default is what apt does on this machine.
#[derive(Debug, Clone)]
pub struct MirrorSettings {
    /// Where APT's configuration is.
    pub apt_root: PathBuf,
    /// The output of `apt-config dump`, in place of running it.
    pub apt_config: Option<String>,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for the next bytes.
    pub stall_timeout: Duration,
    /// The slowest transfer that is waited for, in bytes a second; every file has ten stall timeouts on top.
    pub slowest: u64,
    /// Follow redirects to other hosts; what comes is verified all the same.
    pub redirects_to_other_hosts: bool,
    /// How often a transfer is tried again after a failure that may pass.
    pub retries: u32,
    /// How long to wait before the first retry; each further wait is twice as long.
    pub back_off: Duration,
    /// How many transfers at the same time.
    pub parallel: usize,
}

impl Default for MirrorSettings {
    fn default() -> Self {
        MirrorSettings {
            apt_root: PathBuf::from("/etc/apt"),
            apt_config: None,
            connect_timeout: Duration::from_secs(20),
            stall_timeout: Duration::from_secs(60),
            slowest: 16 * 1024,
            redirects_to_other_hosts: false,
            retries: 3,
            back_off: Duration::from_millis(500),
            parallel: 6,
        }
    }
}

/// Reads archives into a store.
#[derive(Debug)]
pub struct Mirror {
    store: Store,
    settings: MirrorSettings,
    config: apt_config::AptConfig,
    credentials: Mutex<auth::Credentials>,
    http: http::Http,
    /// One permit a transfer.
    transfers: tokio::sync::Semaphore,
}

impl Mirror {
    /// Reads APT's own configuration: proxies, timeouts, dates, credentials.
    pub fn new(store: Store, settings: MirrorSettings) -> Result<Mirror, MirrorError> {
        let config = match &settings.apt_config {
            Some(dump) => apt_config::AptConfig::parse(dump),
            None => apt_config::AptConfig::of_machine(&settings.apt_root),
        };
        let credentials = Mutex::new(auth::Credentials::read(&settings.apt_root)?);
        let http = http::Http::new(&settings, config.proxies())?;
        let transfers = tokio::sync::Semaphore::new(settings.parallel.max(1));
        let mirror = Mirror { store, settings, config, credentials, http, transfers };
        // Source lists may have credentials in their URIs; files are fetched by URIs without them, maybe in a later
        // process than the one that imported. What is wrong with a list is said when it is imported.
        let _ = mirror.read_entries(&AptSources::System { also: Vec::new() });
        Ok(mirror)
    }

    /// The store that everything goes to.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The entries of the machine's source lists, or of the file that a recipe names.
    pub fn read_entries(&self, sources: &AptSources) -> Result<Vec<AptEntry>, MirrorError> {
        let mut entries = entries::read(&self.settings.apt_root, sources)?;
        let mut credentials = self.credentials.lock().expect("no one panics while holding it");
        for entry in &mut entries {
            credentials.take_from_uri(&mut entry.uri);
        }
        Ok(entries)
    }

    /// Reads and verifies the suites of `entries` (which are of `sources`) for one architecture, and maybe another one
    /// that builds run on, and puts their indexes into the store. `now` is what dates are checked against.
    pub async fn import(
        &self,
        sources: &AptSources,
        entries: Vec<AptEntry>,
        arch: &str,
        build_arch: Option<&str>,
        now: Timestamp,
        listener: &dyn Listener,
    ) -> Result<Imported, MirrorError> {
        suite::import(self, sources, &entries, (arch, build_arch), now, listener).await
    }

    /// One file of an archive, verified, in the store; at once when it is there already.
    pub async fn fetch(&self, uri: &str, path: &str, sha256: &Sha256, size: u64) -> Result<PathBuf, MirrorError> {
        let kept = self.store.path(sha256);
        if self.store.contains(sha256) {
            return Ok(kept);
        }
        let place = Place::of_archive(uri, path, None);
        let writer = self.download(&place, (*sha256, size), &transfer::Meter::silent()).await?;
        transfer::blocking(move || writer.finish(None)).await?;
        Ok(kept)
    }

    /// The path of a file below APT's configuration.
    fn apt_file(&self, name: &str) -> PathBuf {
        Path::new(&self.settings.apt_root).join(name)
    }
}

//! What an archive in a bucket knows of itself: one object, so that nobody has to list the bucket.
//!
//! It is read once and written once a publication, and only by the publisher whose number is the highest.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::ids::Sha256;

#[cfg(test)]
mod tests;

/// The form of these notes; another program must not write over a later one.
pub const FORMAT: u32 = 1;

/// An archive's notes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notes {
    /// See [`FORMAT`].
    pub format: u32,
    /// The number of the publisher that wrote them.
    pub number: u64,
    /// Whether the server honours conditions of writes, which was tried once.
    pub conditions: bool,
    /// Of the public key that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Sha256>,
    /// By the suite's name.
    #[serde(default)]
    pub suites: BTreeMap<String, Suite>,
    /// Files that no generation lists any more, and that are being deleted.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub doomed: BTreeSet<String>,
}

/// What is known of a suite.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The oldest first; the last one stands.
    pub generations: Vec<Generation>,
    /// Pool files by path.
    pub pool: BTreeMap<String, Known>,
}

/// A pool file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Its content.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
    /// The first generation that lists it.
    pub first: u64,
    /// The last generation that lists it.
    pub last: u64,
}

/// One published state of a suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generation {
    /// The publisher's number, which only grows.
    pub number: u64,
    /// `Date` in seconds since 1970.
    pub date: i64,
    /// Its Release file.
    pub release: String,
    /// Its indexes, sorted by path.
    pub indexes: Vec<Index>,
    /// Source packages listed.
    pub sources: u64,
    /// Binary packages listed.
    pub packages: u64,
    /// The generation whose indexes these are, where an older one was published again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<u64>,
}

/// An index of a generation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// In the suite's folder.
    pub path: String,
    /// Its content.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}

impl Index {
    /// Where it is also found by its hash, in the suite's folder.
    pub fn by_hash(&self) -> String {
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let slash = if folder.is_empty() { "" } else { "/" };
        format!("{folder}{slash}by-hash/SHA256/{}", self.sha256)
    }
}

/// What a publisher writes down before it writes anything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begun {
    /// The suite.
    pub suite: String,
    /// What is being published.
    pub generation: Generation,
    /// All of its pool files.
    pub pool: BTreeMap<String, (Sha256, u64)>,
    /// Paths from the archive's root that were not there before, pool files and indexes by hash.
    pub new: BTreeSet<String>,
}

/// How long generations stay: the last ones, and those that were replaced a moment ago, since a client may be in the
/// middle of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// So many of each suite, the one that stands among them.
    pub generations: usize,
    /// Seconds after a newer one was published.
    pub grace: i64,
}

impl Default for Keep {
    fn default() -> Self {
        Keep { generations: 3, grace: 24 * 3600 }
    }
}

impl Default for Notes {
    /// Of an archive of which nothing is known.
    fn default() -> Self {
        Notes::new(false)
    }
}

impl Notes {
    /// Of an archive that is empty.
    pub fn new(conditions: bool) -> Notes {
        Notes { format: FORMAT, number: 0, conditions, key: None, suites: BTreeMap::new(), doomed: BTreeSet::new() }
    }

    /// What is in the pool under a path, of whatever suite.
    pub fn pool_file(&self, path: &str) -> Option<&Known> {
        self.suites.values().find_map(|suite| suite.pool.get(path))
    }

    /// All pool files by path, for the next plan.
    pub fn pool(&self) -> BTreeMap<String, Sha256> {
        let all = self.suites.values().flat_map(|suite| &suite.pool);
        all.map(|(path, known)| (path.clone(), known.sha256)).collect()
    }

    /// Where the pool has each content.
    pub fn by_content(&self) -> BTreeMap<Sha256, &str> {
        let all = self.suites.values().flat_map(|suite| &suite.pool);
        all.map(|(path, known)| (known.sha256, path.as_str())).collect()
    }

    /// The paths of a suite's indexes by hash, from the archive's root.
    pub fn hashed(&self, suite: &str) -> BTreeSet<String> {
        let known = self.suites.get(suite).into_iter().flat_map(|known| &known.generations);
        known.flat_map(|generation| hashed_of(suite, generation)).collect()
    }

    /// The generation of a suite that stands.
    pub fn latest(&self, suite: &str) -> Option<&Generation> {
        self.suites.get(suite)?.generations.last()
    }

    /// Takes a generation in that has been published.
    pub fn finish(&mut self, begun: &Begun) {
        let suite = self.suites.entry(begun.suite.clone()).or_default();
        let number = begun.generation.number;
        suite.generations.retain(|generation| generation.number != number);
        suite.generations.push(begun.generation.clone());
        suite.generations.sort_by_key(|generation| generation.number);
        for (path, &(sha256, size)) in &begun.pool {
            let known = suite.pool.entry(path.clone()).or_insert(Known { sha256, size, first: number, last: number });
            known.last = number;
        }
        self.doomed.retain(|path| !begun.pool.contains_key(path) && !begun.new.contains(path));
    }

    /// Forgets the generations that need not stay; what only they list is doomed. Says how many generations went.
    pub fn prune(&mut self, keep: Keep, now: i64) -> usize {
        let mut gone = 0;
        let names: Vec<String> = self.suites.keys().cloned().collect();
        for name in names {
            let Some(suite) = self.suites.get_mut(&name) else { continue };
            let all = std::mem::take(&mut suite.generations);
            let dates: Vec<i64> = all.iter().map(|generation| generation.date).collect();
            let stays = |at: usize| {
                let replaced = dates.get(at + 1);
                dates.len() - at <= keep.generations.max(1)
                    || replaced.is_some_and(|&when| (now - when).max(0) < keep.grace)
            };
            let (mut go, mut stay) = (Vec::new(), Vec::new());
            for (at, generation) in all.into_iter().enumerate() {
                if stays(at) { stay.push(generation) } else { go.push(generation) }
            }
            suite.generations = stay;
            if go.is_empty() {
                continue;
            }
            gone += go.len();
            let oldest = suite.generations.first().map_or(u64::MAX, |generation| generation.number);
            let mut doomed: Vec<String> = Vec::new();
            suite.pool.retain(|path, known| {
                let stays = known.last >= oldest;
                if !stays {
                    doomed.push(path.clone());
                }
                stays
            });
            let listed = self.hashed(&name);
            let hashed = go.iter().flat_map(|generation| hashed_of(&name, generation));
            doomed.extend(hashed.filter(|path| !listed.contains(path)));
            // A path in several suites stays as long as one of them lists it.
            doomed.retain(|path| self.pool_file(path).is_none());
            self.doomed.extend(doomed);
        }
        gone
    }
}

/// The paths of a generation's indexes by hash, from the archive's root.
fn hashed_of<'g>(suite: &'g str, generation: &'g Generation) -> impl Iterator<Item = String> + 'g {
    generation.indexes.iter().map(move |index| format!("dists/{suite}/{}", index.by_hash()))
}

/// What a file is to clients and to caches between them and the server: `Content-Type` and `Cache-Control`.
pub fn headers(path: &str, public: bool) -> (&'static str, &'static str) {
    let file = path.rsplit('/').next().unwrap_or_default();
    let kind = match file.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "deb" | "udeb" | "ddeb" => "application/vnd.debian.binary-package",
        "xz" => "application/x-xz",
        "gz" => "application/gzip",
        "zst" => "application/zstd",
        "bz2" => "application/x-bzip2",
        "asc" | "gpg" => "application/pgp-keys",
        "json" => "application/json",
        "dsc" | "buildinfo" | "changes" | "log" => "text/plain; charset=utf-8",
        _ if matches!(file, "Release" | "InRelease" | "Packages" | "Sources" | "Translation-en") => {
            "text/plain; charset=utf-8"
        }
        _ => "application/octet-stream",
    };
    // What never changes under its name may be kept for ever; everything else is asked for again.
    let for_ever = path.split('/').next().is_some_and(|top| top.ends_with("pool")) || path.contains("/by-hash/");
    let cache = match (for_ever, public) {
        (true, true) => "public, max-age=31536000, immutable",
        (true, false) => "private, max-age=31536000, immutable",
        (false, _) => "no-cache",
    };
    (kind, cache)
}

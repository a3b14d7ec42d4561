//! Where files are in the pool, and that they stay what they are.

use std::collections::BTreeMap;

use crate::core::ids::Sha256;
use crate::core::publish::error::PlanError;
use crate::core::publish::{BesideKind, BinaryFile, PoolFile};

/// The folder of a source package: `pool/main/h/hello`, `pool/main/libf/libfoo`.
pub fn directory(component: &str, source: &str) -> String {
    // Names are ASCII, which `check` made sure of; `get` only keeps odd ones from being a panic.
    let letters = if source.starts_with("lib") { 4 } else { 1 };
    let prefix = source.get(..letters).unwrap_or(source);
    format!("pool/{component}/{prefix}/{source}")
}

/// The folder of what is kept beside a source package's packages. What is for the archive's keeper is in a folder that
/// no server shows.
pub fn beside(kind: BesideKind, source: &str) -> String {
    let root = match kind {
        BesideKind::Buildinfo => "buildinfo-pool",
        BesideKind::Log => "log-pool",
        BesideKind::Byhand => ".cloudbuild/byhand",
    };
    directory("", source).replacen("pool/", root, 1)
}

/// The path of a file of a source package, or of a binary package built from it.
pub fn path(component: &str, source: &str, name: &str) -> String {
    format!("{}/{name}", directory(component, source))
}

/// The pool of a plan in the making.
#[derive(Debug)]
pub(super) struct Pool<'a> {
    there: &'a BTreeMap<String, Sha256>,
    files: BTreeMap<String, PoolFile>,
}

impl<'a> Pool<'a> {
    /// Starts with what is there.
    pub(super) fn new(there: &'a BTreeMap<String, Sha256>) -> Pool<'a> {
        Pool { there, files: BTreeMap::new() }
    }

    /// Adds binary packages, and tells the path of each.
    pub(super) fn binaries(&mut self, binaries: &[BinaryFile]) -> Result<Vec<String>, PlanError> {
        let place = |file: &BinaryFile| {
            self.add_built(&directory(&file.component, &file.source), &file.name, file.sha256, file.size)
        };
        binaries.iter().map(place).collect()
    }

    /// Adds a file that was built, and tells its path. A package that was built again has its version and name of before,
    /// and a pool file never changes; so where the pool has that name with other bytes, this one gets a folder of its
    /// own, named by its content. Two of one name in one plan are an error all the same.
    pub(super) fn add_built(
        &mut self,
        directory: &str,
        name: &str,
        sha256: Sha256,
        size: u64,
    ) -> Result<String, PlanError> {
        let plain = format!("{directory}/{name}");
        let taken = self.there.get(&plain).is_some_and(|&there| there != sha256);
        let path = if taken { format!("{directory}/{}/{name}", &sha256.to_string()[..16]) } else { plain };
        self.add(&path, sha256, size)?;
        Ok(path)
    }

    /// Adds a file; its path may be taken by the same bytes only.
    pub(super) fn add(&mut self, path: &str, sha256: Sha256, size: u64) -> Result<(), PlanError> {
        let there = self.there.get(path).copied().or_else(|| self.files.get(path).map(|file| file.sha256));
        if let Some(there) = there.filter(|&there| there != sha256) {
            return Err(PlanError::OtherBytes { path: path.to_owned(), there, new: sha256 });
        }
        self.files.insert(path.to_owned(), PoolFile { path: path.to_owned(), sha256, size });
        Ok(())
    }

    /// All files, sorted by path.
    pub(super) fn files(self) -> Vec<PoolFile> {
        self.files.into_values().collect()
    }
}

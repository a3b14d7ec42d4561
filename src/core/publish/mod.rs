//! What an archive holds, turned into what gets written: pool paths, index files to the byte, the Release text.
//!
//! **Invariant:** the same contents and options give the same bytes; only `Date` and `Valid-Until` follow from `now`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::debian::changes::{Dsc, DscFile};
use crate::core::flags::VariantIndex;
use crate::core::ids::Sha256;

pub mod diff;
pub mod error;
pub mod gate;
pub mod pdiff;
pub mod pieces;
pub mod pool;
pub mod release;
pub mod settings;

mod check;
mod contents;
mod index;
mod stanza;
#[cfg(test)]
mod tests;

use error::PlanError;
use pieces::Pieces;

/// What a binary package is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BinaryKind {
    /// An ordinary package.
    Deb,
    /// A package of the installer, which has indexes of its own (`debian-installer`).
    Udeb,
    /// Detached debug symbols, which have an area of their own (`main/debug`).
    Dbgsym,
}

/// One binary package file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinaryFile {
    /// Its name, as in `control`.
    pub package: String,
    /// Its version, as in `control`.
    pub version: String,
    /// A Debian architecture or `all`, as in `control`.
    pub architecture: String,
    /// Name of the source package that it was built from.
    pub source: String,
    /// `main`, `contrib`.
    pub component: String,
    /// File name.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the file.
    pub sha256: Sha256,
    /// 32 hexadecimal digits.
    pub md5: String,
    /// 40 hexadecimal digits.
    pub sha1: Option<String>,
    /// The control paragraph; its `Architecture-Variant` says of which variant the package is.
    pub control: String,
    /// What it is for.
    pub kind: BinaryKind,
    /// What it installs, one path a line without the leading slash; empty where nobody looked.
    pub files: std::sync::Arc<str>,
}

/// One source package: its `.dsc`, and with that the files which the `.dsc` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSet {
    /// What the `.dsc` says.
    pub dsc: Dsc,
    /// The `.dsc` file itself.
    pub file: DscFile,
    /// `main`, `contrib`.
    pub component: String,
    /// `utils`, `contrib/libs`; empty where nobody knows.
    pub section: String,
    /// `optional`; empty where nobody knows.
    pub priority: String,
    /// It is there only because a binary package has parts of it (`Built-Using`): `Extra-Source-Only: yes`.
    pub extra: bool,
}

/// What is kept beside the packages, and listed nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BesideKind {
    /// What was installed when packages were built.
    Buildinfo,
    /// What a build printed.
    Log,
    /// A file for the archive's keeper (`byhand`), which nobody else gets to see.
    Byhand,
}

/// A file that is kept beside the packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BesideFile {
    /// What it is.
    pub kind: BesideKind,
    /// Name of the source package.
    pub source: String,
    /// File name.
    pub name: String,
    /// Its content.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}

/// What an archive is to hold.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Binary packages, in any order.
    pub binaries: Vec<BinaryFile>,
    /// Source packages, in any order.
    pub sources: Vec<SourceSet>,
    /// What is kept beside them, in any order.
    pub beside: Vec<BesideFile>,
    /// What is in the pool by now, by path; these files never change.
    pub pool: BTreeMap<String, Sha256>,
    /// Indexes as earlier generations had them, oldest first; readers get patches from each to the new one.
    pub earlier: Vec<pdiff::Earlier>,
}

/// An architecture variant that an archive has an index for (`binary-TAG`), as Ubuntu's apt reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantOf {
    /// `Architecture-Variant` of its packages.
    pub tag: String,
    /// The Debian architecture that these packages have.
    pub base: String,
    /// `Complete`: its index lists what of the base has no variant, too, and `Architectures` names it, so that apt reads
    /// nothing else. `Partial`: neither, so that apt reads the base's index besides.
    pub index: VariantIndex,
}

impl VariantOf {
    /// The `binary-NAME` folders that an apt is told of which knows no variants: it reads all of a complete one there,
    /// and a partial one beside the base.
    pub fn folders(&self) -> Vec<String> {
        match self.index {
            VariantIndex::Complete => vec![self.tag.clone()],
            VariantIndex::Partial => vec![self.base.clone(), self.tag.clone()],
        }
    }
}

/// What an archive says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// `Suite`, and the folder under `dists/`.
    pub suite: String,
    /// `Codename`.
    pub codename: String,
    /// `Origin`; left out when empty.
    pub origin: String,
    /// `Label`; left out when empty.
    pub label: String,
    /// In the order that they are listed; each has indexes, even empty ones.
    pub components: Vec<String>,
    /// Real architectures, without `all`; each has indexes in each component.
    pub architectures: Vec<String>,
    /// Variants of them.
    pub variants: Vec<VariantOf>,
    /// `Valid-Until`, so many seconds after `Date`.
    pub valid_for: Option<i64>,
    /// `NotAutomatic: yes`: apt installs nothing from it without being asked.
    pub not_automatic: bool,
    /// `ButAutomaticUpgrades: yes`: it upgrades what was installed from it.
    pub but_automatic_upgrades: bool,
    /// Long descriptions go to `i18n/Translation-en`, as Debian does it.
    pub translations: bool,
    /// Which file is in which package: `Contents-ARCH`.
    pub contents: bool,
    /// Indexes compressed with zstd, too.
    pub zst: bool,
    /// Seconds since 1970.
    pub now: i64,
    /// The `Date` of what is published there now; the new one is later, or apt would keep the old.
    pub previous: Option<i64>,
}

/// A file of the pool.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PoolFile {
    /// From the archive's root: `pool/main/h/hello/hello_2.10-3_amd64.deb`.
    pub path: String,
    /// Its content.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}

/// An index file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// In the suite's folder: `main/binary-amd64/Packages.xz`.
    pub path: String,
    /// Of its content.
    pub sha256: Sha256,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl IndexFile {
    /// Of a content.
    pub fn new(path: String, bytes: Vec<u8>) -> IndexFile {
        IndexFile { path, sha256: Sha256::of(&bytes), bytes }
    }

    /// Where it is also found by its hash, in the suite's folder.
    pub fn by_hash(&self) -> String {
        by_hash(&self.path, self.sha256)
    }
}

/// Where an index is also found by its hash, in the suite's folder.
pub fn by_hash(path: &str, sha256: Sha256) -> String {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{folder}{slash}by-hash/SHA256/{sha256}")
}

/// All that is written; who executes it has no choices left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishPlan {
    /// The folder under `dists/`.
    pub suite: String,
    /// `Date` in seconds since 1970.
    pub date: i64,
    /// Sorted by path.
    pub pool: Vec<PoolFile>,
    /// Sorted by path; compressed forms included.
    pub indexes: Vec<IndexFile>,
    /// The Release file, without signatures.
    pub release: String,
    /// What is told of the generation.
    pub counts: Counts,
}

/// How much a generation holds, and what it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Source packages listed.
    pub sources: u64,
    /// Binary packages listed, each once.
    pub packages: u64,
}

/// Decides all that gets written.
///
/// # Errors
/// Something in it could mean something else in a path or a line, or contradicts something else.
pub fn plan(contents: &Contents, options: &Options) -> Result<PublishPlan, PlanError> {
    plan_again(contents, options, &mut Pieces::default())
}

/// [`plan`], which compresses nothing that `pieces` has from the last time.
///
/// # Errors
/// As [`plan`].
pub fn plan_again(contents: &Contents, options: &Options, pieces: &mut Pieces) -> Result<PublishPlan, PlanError> {
    check::options(options)?;
    check::contents(contents, options)?;
    let mut pool = pool::Pool::new(&contents.pool);
    let paths = pool.binaries(&contents.binaries)?;
    let listed = index::listed(&contents.binaries, &paths, options)?;
    let mut sources = index::Sources::new();
    for set in &contents.sources {
        let directory = pool::directory(&set.component, &set.dsc.source);
        pool.add(&format!("{directory}/{}", set.file.name), set.file.sha256, set.file.size)?;
        for file in &set.dsc.files {
            pool.add(&format!("{directory}/{}", file.name), file.sha256, file.size)?;
        }
        index::add_source(&mut sources, set, &directory);
    }
    for file in &contents.beside {
        pool.add_built(&pool::beside(file.kind, &file.source), &file.name, file.sha256, file.size)?;
    }
    let date = release::date_after(options)?;
    let plain = index::all(&listed, &sources, options);
    let counts = Counts { sources: sources.len() as u64, packages: listed.len() as u64 };
    let (mut indexes, plain) = index::with_compressed(plain, options, pieces);
    indexes.extend(pdiff::all(&indexes, &contents.earlier));
    indexes.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(PublishPlan {
        suite: options.suite.clone(),
        date,
        pool: pool.files(),
        release: release::text(options, date, &indexes, &plain),
        indexes,
        counts,
    })
}

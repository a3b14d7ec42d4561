//! What an archive holds, turned into what gets written: pool paths, index files to the byte, the Release text.
//!
//! **Invariant:** the same contents and options give the same bytes; only `Date` follows from `now`.

use std::collections::BTreeMap;

use crate::core::debian::changes::{Dsc, DscFile};
use crate::core::ids::Sha256;

pub mod pool;
pub mod release;

mod check;
mod index;
#[cfg(test)]
mod tests;

/// What a binary package is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BinaryKind {
    /// An ordinary package.
    Deb,
    /// A package of the installer, which has indexes of its own (`debian-installer`).
    Udeb,
    /// Detached debug symbols; listed beside the ordinary packages.
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
    /// The control paragraph.
    pub control: String,
    /// What it is for.
    pub kind: BinaryKind,
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
}

/// What an archive is to hold.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Binary packages, in any order.
    pub binaries: Vec<BinaryFile>,
    /// Source packages, in any order.
    pub sources: Vec<SourceSet>,
    /// What is in the pool by now, by path; these files never change.
    pub pool: BTreeMap<String, Sha256>,
}

/// What an archive says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// All that is written; who executes it has no choices left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishPlan {
    /// The folder under `dists/`.
    pub suite: String,
    /// `Date` in seconds since 1970.
    pub date: i64,
    /// Sorted by path.
    pub pool: Vec<PoolFile>,
    /// (path in the suite's folder, content), sorted by path; compressed forms included.
    pub indexes: Vec<(String, Vec<u8>)>,
    /// The Release file, without signatures.
    pub release: String,
    /// Source packages listed.
    pub sources: u64,
    /// Binary packages listed, each once.
    pub packages: u64,
}

/// Why contents cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// An option or a name holds what does not belong into a path or a line.
    #[error("`{what}`: expected {expected}, got `{got}`")]
    Name {
        /// Which option, or whose name.
        what: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        got: String,
    },
    /// A package is in a component that the archive does not have.
    #[error(
        "`{name}` is in component `{component}`, expected one of: {known}\n\
         hint: add the component to what is published"
    )]
    Component {
        /// The file.
        name: String,
        /// Its component.
        component: String,
        /// What the archive has.
        known: String,
    },
    /// A package is for an architecture that the archive does not have.
    #[error("`{name}` is for architecture `{architecture}`, expected `all` or one of: {known}")]
    Architecture {
        /// The file.
        name: String,
        /// Its architecture.
        architecture: String,
        /// What the archive has.
        known: String,
    },
    /// A control paragraph is none, or of another package.
    #[error("control of `{name}`: expected {expected}, got `{got}`")]
    Control {
        /// The file.
        name: String,
        /// What should be there.
        expected: String,
        /// What is there.
        got: String,
    },
    /// Two different files of one package, version and architecture.
    #[error(
        "expected one file of `{package}` {version} ({architecture}), got two with different content\n\
         hint: publish them in two archives, or only the later one"
    )]
    Twice {
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// Its architecture.
        architecture: String,
    },
    /// A pool file's name is taken by other bytes.
    #[error(
        "`{path}` is in the pool with SHA-256 {there}, and shall be {new} now; pool files never change\n\
         hint: give the package another version, or publish to another directory"
    )]
    OtherBytes {
        /// The path.
        path: String,
        /// What is there.
        there: Sha256,
        /// What was to be written.
        new: Sha256,
    },
}

/// Decides all that gets written.
pub fn plan(contents: &Contents, options: &Options) -> Result<PublishPlan, PlanError> {
    check::options(options)?;
    check::contents(contents, options)?;
    let mut pool = pool::Pool::new(&contents.pool);
    let mut binaries: BTreeMap<_, index::Stanza<'_>> = BTreeMap::new();
    // One file may be given twice; which of its places is listed must not depend on the order.
    let mut given: Vec<&BinaryFile> = contents.binaries.iter().collect();
    given.sort_by_key(|file| (&file.component, &file.source));
    for file in given {
        let directory = pool::directory(&file.component, &file.source);
        let path = pool.add_built(&directory, &file.name, file.sha256, file.size)?;
        let key = (&file.package, &file.version, &file.architecture, file.kind == BinaryKind::Udeb);
        let text = index::binary_stanza(file, &path);
        let listed = binaries.insert(key, index::Stanza { file, text });
        if listed.is_some_and(|other| other.file.sha256 != file.sha256) {
            let (package, version) = (file.package.clone(), file.version.clone());
            return Err(PlanError::Twice { package, version, architecture: file.architecture.clone() });
        }
    }
    let mut sources = index::Sources::new();
    for set in &contents.sources {
        let directory = pool::directory(&set.component, &set.dsc.source);
        pool.add(&format!("{directory}/{}", set.file.name), set.file.sha256, set.file.size)?;
        for file in &set.dsc.files {
            pool.add(&format!("{directory}/{}", file.name), file.sha256, file.size)?;
        }
        let text = set.dsc.sources_stanza(&directory, &set.file, &set.section, &set.priority);
        sources.insert((&set.dsc.source, &set.dsc.version, &set.component), text);
    }
    let listed: Vec<_> = binaries.into_values().collect();
    let indexes = index::with_compressed(index::all(&listed, &sources, options));
    let date = options.previous.map_or(options.now, |previous| options.now.max(previous + 1));
    Ok(PublishPlan {
        suite: options.suite.clone(),
        date,
        pool: pool.files(),
        release: release::text(options, date, &indexes),
        indexes,
        sources: sources.len() as u64,
        packages: listed.len() as u64,
    })
}

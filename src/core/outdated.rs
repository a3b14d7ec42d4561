//! Outdated: which sources have no binaries on an architecture, or older ones; the question that quinn-diff answered.
//!
//! **Invariant:** looks at names and versions only; whether something can be built is asked elsewhere.

use std::cmp::Ordering;
use std::fmt;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::core::debian::packages::Package;
use crate::core::debian::sources::Source;
use crate::core::debian::{architecture, version};

pub mod lists;
mod makes;
#[cfg(test)]
mod tests;

use lists::{Exclusions, NotForUs};
use makes::{Makes, makes};

/// The architecture of packages that are the same everywhere.
pub const ALL: &str = "all";

/// What a source is looked at with.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'r> {
    /// Build profiles that are active.
    pub profiles: &'r [&'r str],
    /// Which packages are not built on which architectures.
    pub exclusions: &'r Exclusions,
    /// Sources that nobody here wants.
    pub not_for_us: &'r NotForUs,
}

/// A source on an architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged<'a> {
    /// Source package name.
    pub source: &'a str,
    /// Its version, with epoch.
    pub version: &'a str,
    /// How its binaries compare with it.
    pub verdict: Verdict<'a>,
}

/// How a source's binaries on an architecture compare with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// There are none.
    Missing,
    /// There are those of an older version of the source.
    Older {
        /// That version.
        have: &'a str,
    },
    /// They are there, a binNMU's among them.
    Current,
    /// There are those of a newer version of the source.
    Newer {
        /// That version.
        have: &'a str,
    },
    /// It builds nothing for this architecture.
    NotForHere {
        /// Why.
        why: Why,
    },
    /// It is on the not-for-us list.
    NotForUs,
}

/// Why a source builds nothing for an architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It builds `Architecture: all` packages only.
    OnlyAll,
    /// It builds no `Architecture: all` packages, and those were asked for.
    NothingForAll,
    /// It is for other architectures.
    Architectures(String),
    /// What it would build here needs build profiles that are not active.
    Profiles(String),
    /// It builds packages of the installer only, which have indexes of their own.
    Installer,
    /// A list of exclusions says so.
    Excluded {
        /// The line's package: the source, or the binary that it would build here.
        package: String,
        /// What stands behind its colon.
        architectures: String,
    },
}

impl Verdict<'_> {
    /// Whether somebody should build it.
    pub fn is_outdated(&self) -> bool {
        match self {
            Verdict::Missing | Verdict::Older { .. } => true,
            Verdict::Current | Verdict::Newer { .. } | Verdict::NotForHere { .. } | Verdict::NotForUs => false,
        }
    }

    /// One word, for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Missing => "missing",
            Verdict::Older { .. } => "older",
            Verdict::Current => "current",
            Verdict::Newer { .. } => "newer",
            Verdict::NotForHere { .. } => "not-for-here",
            Verdict::NotForUs => "not-for-us",
        }
    }

    /// The version of the source that the binaries are of, where it is another one.
    pub fn have(&self) -> Option<&str> {
        match self {
            Verdict::Older { have } | Verdict::Newer { have } => Some(have),
            Verdict::Missing | Verdict::Current | Verdict::NotForHere { .. } | Verdict::NotForUs => None,
        }
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Missing => f.write_str("no binaries are there"),
            Verdict::Older { have } => write!(f, "only those of {have} are there"),
            Verdict::Current => f.write_str("its binaries are there"),
            Verdict::Newer { have } => write!(f, "those of the newer {have} are there"),
            Verdict::NotForHere { why } => why.fmt(f),
            Verdict::NotForUs => f.write_str("it is on the not-for-us list"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::OnlyAll => f.write_str("it builds `Architecture: all` packages only"),
            Why::NothingForAll => f.write_str("it builds no `Architecture: all` packages"),
            Why::Architectures(list) => write!(f, "it is for `{list}` only"),
            Why::Profiles(formula) => write!(f, "what it builds here needs the build profiles `{formula}`"),
            Why::Installer => f.write_str("it builds packages of the installer (udebs) only"),
            Why::Excluded { package, architectures } => write!(f, "the exclusions say `{package}: {architectures}`"),
        }
    }
}

/// Judges the newest version of each source, sorted by name; versions that are kept for Built-Using are none.
/// `packages` may be of any architectures; only those for `architecture` itself count.
pub fn judge<'a>(
    sources: impl IntoIterator<Item = Source<'a>>,
    packages: impl IntoIterator<Item = Package<'a>>,
    architecture: &str,
    rules: Rules<'_>,
) -> Vec<Judged<'a>> {
    let mut newest: FxHashMap<&'a str, Source<'a>> = FxHashMap::default();
    for source in sources.into_iter().filter(|source| !source.extra_source_only) {
        let kept = newest.entry(source.name).or_insert(source);
        if is_newer(source.version, kept.version) {
            *kept = source;
        }
    }
    let mut have: FxHashMap<&'a str, &'a str> = FxHashMap::default();
    for package in packages.into_iter().filter(|package| package.architecture == architecture) {
        let kept = have.entry(package.source()).or_insert(package.source_version());
        if is_newer(package.source_version(), kept) {
            *kept = package.source_version();
        }
    }
    let mut judged: Vec<Judged<'a>> = newest
        .into_par_iter()
        .map(|(name, source)| Judged {
            source: name,
            version: source.version,
            verdict: verdict(&source, have.get(name).copied(), architecture, rules),
        })
        .collect();
    judged.sort_unstable_by_key(|judged| judged.source);
    judged
}

fn is_newer(one: &str, than: &str) -> bool {
    version::compare(one.as_bytes(), than.as_bytes()).is_gt()
}

fn verdict<'a>(source: &Source<'a>, have: Option<&'a str>, architecture: &str, rules: Rules<'_>) -> Verdict<'a> {
    let names = match makes(source, architecture, rules.profiles) {
        Makes::Nothing(why) => return Verdict::NotForHere { why },
        Makes::Packages(names) => names,
    };
    if let Some(why) = excluded(source.name, &names, architecture, rules.exclusions) {
        return Verdict::NotForHere { why };
    }
    if rules.not_for_us.holds(source.name, architecture) {
        return Verdict::NotForUs;
    }
    compared(have, source.version)
}

/// How binaries of one version of a source compare with another version of it.
pub fn compared<'a>(have: Option<&'a str>, version: &str) -> Verdict<'a> {
    let Some(have) = have else { return Verdict::Missing };
    match version::compare(have.as_bytes(), version.as_bytes()) {
        Ordering::Less => Verdict::Older { have },
        Ordering::Equal => Verdict::Current,
        // A rebuild that does not name its source's version has the suffix in its own.
        Ordering::Greater if without_binnmu(have) == version => Verdict::Current,
        Ordering::Greater => Verdict::Newer { have },
    }
}

/// A version without the `+bN` of a binary-only rebuild.
pub fn without_binnmu(version: &str) -> &str {
    match version.rsplit_once("+b") {
        Some((before, digits)) if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) => before,
        Some(_) | None => version,
    }
}

/// Why the exclusions leave a source out: by its own name, or because they leave out all that it would build here.
fn excluded(source: &str, names: &[&[u8]], architecture: &str, exclusions: &Exclusions) -> Option<Why> {
    let holds = |list: &str| architecture::list_holds(list.as_bytes(), architecture);
    let why = |package: &str, list: &str| Why::Excluded { package: package.to_owned(), architectures: list.to_owned() };
    if let Some(list) = exclusions.of_source(source).filter(|list| !holds(list)) {
        return Some(why(&format!("%{source}"), list));
    }
    let mut first = None;
    for name in names {
        let name = std::str::from_utf8(name).ok()?;
        let list = exclusions.of_binary(name).filter(|list| !holds(list))?;
        first = first.or_else(|| Some(why(name, list)));
    }
    first
}

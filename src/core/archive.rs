//! An import, read: all suites merged, with the candidates that apt would take.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::core::debian::malformed::Malformed;
use crate::core::debian::packages::Package;
use crate::core::debian::parsed::{self, Parsed};
use crate::core::debian::sources::Source;
use crate::core::debian::version;
use crate::core::pinned::{Imported, IndexKind, PinnedIndex, PinnedSuite, Role};

/// An index with its bytes at hand.
#[derive(Debug, Clone, Copy)]
pub struct IndexBytes<'a> {
    /// The suite that lists it.
    pub suite: &'a PinnedSuite,
    /// Which index.
    pub index: &'a PinnedIndex,
    /// Its bytes, decompressed.
    pub bytes: &'a [u8],
}

/// A source package and where it is from.
#[derive(Debug, Clone, Copy)]
pub struct SourceRecord<'a> {
    /// The suite.
    pub suite: &'a PinnedSuite,
    /// The component.
    pub component: &'a str,
    /// The stanza.
    pub source: Source<'a>,
}

/// A binary package and where it is from.
#[derive(Debug, Clone, Copy)]
pub struct PackageRecord<'a> {
    /// The suite.
    pub suite: &'a PinnedSuite,
    /// The component.
    pub component: &'a str,
    /// The stanza.
    pub package: Package<'a>,
}

/// Everything that an import lists.
#[derive(Debug, Default)]
pub struct Archive<'a> {
    /// All source packages, in the order of the entries.
    pub sources: Vec<SourceRecord<'a>>,
    /// All binary packages, in the order of the entries.
    pub packages: Vec<PackageRecord<'a>>,
    /// Stanzas that cannot be read, each with the file that it is in.
    pub malformed: Vec<(String, Malformed)>,
}

/// Pairs the indexes of an import with their bytes.
///
/// # Errors
/// What `bytes_of` says.
pub fn with_bytes<'a, E>(
    imported: &'a Imported,
    mut bytes_of: impl FnMut(&'a PinnedIndex) -> Result<&'a [u8], E>,
) -> Result<Vec<IndexBytes<'a>>, E> {
    let mut indexes = Vec::new();
    for suite in &imported.suites {
        for index in &suite.indexes {
            indexes.push(IndexBytes { suite, index, bytes: bytes_of(index)? });
        }
    }
    Ok(indexes)
}

/// What one index lists.
#[derive(Debug)]
pub enum Listed<'a> {
    /// Source packages.
    Sources(Parsed<Source<'a>>),
    /// Binary packages.
    Packages(Parsed<Package<'a>>),
}

/// Parses one index.
pub fn list<'a>(index: IndexBytes<'a>) -> Listed<'a> {
    match index.index.kind {
        IndexKind::Sources => Listed::Sources(parsed::parse(index.bytes)),
        IndexKind::Packages(_) => Listed::Packages(parsed::parse(index.bytes)),
    }
}

/// Reads all indexes.
pub fn read<'a>(indexes: &[IndexBytes<'a>]) -> Archive<'a> {
    compose(indexes.iter().map(|index| (*index, list(*index))))
}

/// Puts together what indexes list.
pub fn compose<'a>(indexes: impl IntoIterator<Item = (IndexBytes<'a>, Listed<'a>)>) -> Archive<'a> {
    let mut archive = Archive::default();
    for (IndexBytes { suite, index, .. }, listed) in indexes {
        let component = index.component.as_str();
        let malformed = match listed {
            Listed::Sources(Parsed { read, malformed }) => {
                archive.sources.extend(read.into_iter().map(|source| SourceRecord { suite, component, source }));
                malformed
            }
            Listed::Packages(Parsed { read, malformed }) => {
                archive.packages.extend(read.into_iter().map(|package| PackageRecord { suite, component, package }));
                malformed
            }
        };
        archive.malformed.extend(malformed.into_iter().map(|stanza| (suite.file_of(index), stanza)));
    }
    archive
}

/// Whether a record of `suite` at `version` goes before the one that is there: an overlay first, then automatic suites,
/// then the later version; the earlier entry keeps its place between equals.
fn supersedes(suite: &PinnedSuite, version: &str, than: &PinnedSuite, that: &str) -> bool {
    match (suite.role == Role::Overlay, than.role == Role::Overlay) {
        (true, false) => return true,
        (false, true) => return false,
        (true, true) | (false, false) => {}
    }
    match (suite.not_automatic, than.not_automatic) {
        (false, true) => true,
        (true, false) => false,
        (true, true) | (false, false) => version::compare(version.as_bytes(), that.as_bytes()).is_gt(),
    }
}

impl<'a> Archive<'a> {
    /// The source package of each name that is built: from suites that feed, the newest, never one kept for Built-Using.
    pub fn chosen_sources(&self) -> FxHashMap<&'a str, SourceRecord<'a>> {
        self.sources_by_name().into_iter().map(|record| (record.source.name, *record)).collect()
    }

    /// The same, sorted by name.
    pub fn sources_by_name(&self) -> Vec<&SourceRecord<'a>> {
        let built = |record: &&SourceRecord<'_>| record.suite.role.feeds() && !record.source.extra_source_only;
        best_by_name(
            self.sources.iter().filter(built).collect(),
            |record| record.source.name,
            |one, other| supersedes(one.suite, one.source.version, other.suite, other.source.version),
        )
    }

    /// The versions of a source package that suites which feed have; an overlay's hides all others.
    pub fn source_versions(&self, name: &str) -> Vec<SourceRecord<'a>> {
        let feeds = |record: &&SourceRecord<'_>| record.suite.role.feeds() && record.source.name == name;
        let mut all: Vec<SourceRecord<'a>> = self.sources.iter().filter(feeds).copied().collect();
        if all.iter().any(|record| record.suite.role == Role::Overlay) {
            all.retain(|record| record.suite.role == Role::Overlay);
        }
        all
    }

    /// One version of a source package, if a suite that feeds has it and no overlay hides it.
    pub fn source_version(&self, name: &str, version: &str) -> Option<SourceRecord<'a>> {
        self.source_versions(name).into_iter().find(|record| record.source.version == version)
    }

    /// The candidate of each binary package name, and of each architecture where there are several, sorted by name: what
    /// apt would install.
    pub fn candidates(&self) -> Vec<PackageRecord<'a>> {
        self.packages_by_name().into_iter().copied().collect()
    }

    /// The packages of the candidates: what is built against.
    pub fn visible(&self) -> Vec<Package<'a>> {
        self.packages_by_name().into_iter().map(|record| record.package).collect()
    }

    fn packages_by_name(&self) -> Vec<&PackageRecord<'a>> {
        let records: Vec<&PackageRecord<'a>> =
            self.packages.iter().filter(|record| record.suite.role.feeds()).collect();
        let architectures = architectures(&records);
        if architectures.len() < 2 {
            return best_packages(records);
        }
        let mut found: Vec<&PackageRecord<'a>> = Vec::new();
        for architecture in architectures {
            let here = |record: &&PackageRecord<'a>| {
                record.package.architecture == architecture || record.package.architecture == "all"
            };
            found.extend(best_packages(records.iter().copied().filter(here).collect()));
        }
        // The sort is stable, and what is independent of architectures may be the best of each of them.
        found.sort_by_key(|record| (record.package.name, record.package.architecture));
        found.dedup_by(|one, other| std::ptr::eq(*one, *other));
        found
    }
}

/// The package of each name that none of the others supersedes.
fn best_packages<'r, 'a>(records: Vec<&'r PackageRecord<'a>>) -> Vec<&'r PackageRecord<'a>> {
    best_by_name(
        records,
        |record| record.package.name,
        |one, other| supersedes(one.suite, one.package.version, other.suite, other.package.version),
    )
}

/// The architectures that packages are for, besides `all`, sorted.
fn architectures<'a>(records: &[&PackageRecord<'a>]) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for record in records {
        let architecture = record.package.architecture;
        if architecture != "all" && !found.contains(&architecture) {
            found.push(architecture);
        }
    }
    found.sort_unstable();
    found
}

/// The first letters of a name as a number that sorts as they do: names themselves lie all over an index, and looking at
/// them costs more than sorting.
fn beginning(name: &str) -> u128 {
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(name.bytes()).for_each(|(place, byte)| *place = byte);
    u128::from_be_bytes(bytes)
}

/// The record of each name that none of the others supersedes, sorted by name.
fn best_by_name<'r, 'a, T: Sync>(
    mut records: Vec<&'r T>,
    name: impl Fn(&T) -> &'a str + Sync,
    supersedes: impl Fn(&T, &T) -> bool,
) -> Vec<&'r T> {
    // The sort is stable, so the earlier entry stays before what equals it.
    records.par_sort_by_cached_key(|record| (beginning(name(record)), name(record)));
    let best = |records: &[&'r T]| {
        let better = |best, record| if supersedes(record, best) { record } else { best };
        records.iter().copied().reduce(better).expect("a name is that of some record")
    };
    records.chunk_by(|one, other| name(one) == name(other)).map(best).collect()
}

/// Those of some candidates that are for an architecture, the independent ones included, one of each name.
pub fn of_architecture<'a>(candidates: &[PackageRecord<'a>], architecture: &str) -> Vec<PackageRecord<'a>> {
    let same = |one: &PackageRecord<'_>, other: &PackageRecord<'_>| one.package.name == other.package.name;
    let of_name = |records: &[PackageRecord<'a>]| {
        let of = |wanted: &str| records.iter().find(|record| record.package.architecture == wanted).copied();
        of(architecture).or_else(|| of("all"))
    };
    candidates.chunk_by(same).filter_map(of_name).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::core::ids::Sha256;
    use crate::core::pinned::Role;

    /// A suite for tests.
    pub fn suite(name: &str, role: Role, not_automatic: bool) -> PinnedSuite {
        PinnedSuite {
            uri: "http://deb.example.org/debian".into(),
            suite: name.into(),
            codename: name.into(),
            origin: "Debian".into(),
            label: "Debian".into(),
            role,
            release_sha256: Sha256([0; 32]),
            date: None,
            not_automatic,
            but_automatic_upgrades: false,
            entry: "test:1".into(),
            indexes: Vec::new(),
        }
    }

    /// A Packages stanza for tests.
    pub fn stanza(name: &str, version: &str, more: &str) -> String {
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\n{more}Filename: pool/{name}_{version}_amd64.deb\n\
             Size: 1\nSHA256: {}\n\n",
            Sha256::of(format!("{name} {version}").as_bytes())
        )
    }

    #[test]
    fn each_architecture_has_its_own_candidate_and_the_independent_one_counts_for_both() {
        let suite = suite("trixie", Role::Distribution, false);
        let index = |architecture: &str| PinnedIndex {
            component: "main".into(),
            kind: IndexKind::Packages(architecture.into()),
            sha256: Sha256([0; 32]),
            size: 0,
        };
        let of = |architecture: &str, text: &str| text.replace("amd64", architecture);
        let amd64 = [stanza("a", "2", ""), of("all", &stanza("b", "1", "")), stanza("c", "1", "")].concat();
        let armhf = [stanza("a", "1", ""), stanza("d", "1", "")].concat().replace("amd64", "armhf");
        let [one, two] = [index("amd64"), index("armhf")];
        let bytes = |index, text: &'static str| IndexBytes { suite: &suite, index, bytes: text.as_bytes() };
        let texts: [&'static str; 2] = [amd64.leak(), armhf.leak()];
        let archive = read(&[bytes(&one, texts[0]), bytes(&two, texts[1])]);
        let text = |record: &PackageRecord<'_>| format!("{} {}", record.package.name, record.package.architecture);
        let candidates = archive.candidates();
        let all: Vec<String> = candidates.iter().map(text).collect();
        assert_eq!(all, ["a amd64", "a armhf", "b all", "c amd64", "d armhf"]);
        let armhf: Vec<String> = of_architecture(&candidates, "armhf").iter().map(text).collect();
        assert_eq!(armhf, ["a armhf", "b all", "d armhf"]);
    }

    fn candidate(suites: &[(PinnedSuite, &str)]) -> String {
        let index = PinnedIndex {
            component: "main".into(),
            kind: IndexKind::Packages("amd64".into()),
            sha256: Sha256([0; 32]),
            size: 0,
        };
        let texts: Vec<String> = suites.iter().map(|(_, version)| stanza("a", version, "")).collect();
        let indexes: Vec<IndexBytes<'_>> = suites
            .iter()
            .zip(&texts)
            .map(|((suite, _), text)| IndexBytes { suite, index: &index, bytes: text.as_bytes() })
            .collect();
        read(&indexes).candidates().iter().map(|record| record.package.version).collect()
    }

    #[test]
    fn the_newest_version_of_the_automatic_suites_is_the_candidate() {
        let main = || suite("trixie", Role::Distribution, false);
        let backports = || suite("trixie-backports", Role::Distribution, true);
        let other = || suite("elsewhere", Role::ThirdParty, false);
        assert_eq!(candidate(&[(main(), "1"), (main(), "1.1")]), "1.1");
        assert_eq!(candidate(&[(main(), "1"), (backports(), "2")]), "1");
        assert_eq!(candidate(&[(backports(), "2"), (main(), "1")]), "1");
        assert_eq!(candidate(&[(backports(), "2")]), "2");
        assert_eq!(candidate(&[(main(), "1"), (other(), "9")]), "1");
        assert_eq!(candidate(&[(other(), "9")]), "");
    }

    #[test]
    fn an_overlay_is_the_candidate_whatever_the_versions_are() {
        let main = || suite("trixie", Role::Distribution, false);
        let local = || suite("local", Role::Overlay, false);
        assert_eq!(candidate(&[(main(), "2"), (local(), "1")]), "1");
        assert_eq!(candidate(&[(local(), "1~acme"), (main(), "1")]), "1~acme");
    }

    #[test]
    fn an_overlay_source_hides_all_other_versions_of_it() {
        let (main, local) = (suite("trixie", Role::Distribution, false), suite("local", Role::Overlay, false));
        let index =
            PinnedIndex { component: "main".into(), kind: IndexKind::Sources, sha256: Sha256([0; 32]), size: 0 };
        let source = |name: &str, version: &str| {
            format!("Package: {name}\nVersion: {version}\nArchitecture: any\nBinary: {name}\nDirectory: x\n\n")
        };
        let texts = [source("a", "2") + &source("b", "2"), source("a", "1")];
        let indexes: Vec<IndexBytes<'_>> = [&main, &local]
            .into_iter()
            .zip(&texts)
            .map(|(suite, text)| IndexBytes { suite, index: &index, bytes: text.as_bytes() })
            .collect();
        let archive = read(&indexes);
        let chosen = archive.chosen_sources();
        assert_eq!((chosen["a"].source.version, chosen["b"].source.version), ("1", "2"));
        assert!(archive.source_version("a", "2").is_none() && archive.source_version("a", "1").is_some());
    }
}

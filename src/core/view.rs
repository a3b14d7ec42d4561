//! Views: the composed archive that a job builds against, from an import and what was built since.
//!
//! Per source package exactly one provider's binaries are visible; what is superseded is hidden, not pinned, so that a
//! lower version needs no downgrade (the view never offers the higher one).

use rustc_hash::FxHashSet;

use serde::Serialize;

use crate::core::archive::PackageRecord;
use crate::core::debian::control;
use crate::core::debian::packages::{self, Package};
use crate::core::ids::{ImportId, Sha256, ViewId};
use crate::core::overlay::confirm::Superseding;
use crate::core::pinned::Role;

/// The suite that every view has.
pub const SUITE: &str = "view";

/// The file of a view, beside its `dists`, that lists what of it is an overlay's; absent where nothing is.
pub const OVERLAY: &str = "overlay.json";

/// Says in the id which way the index was written, so that a change of ours makes new views.
const FORMAT: &str = "cloudbuild view 2";

/// A binary package that was built, with the control paragraph out of its .deb.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuiltBinary {
    /// Source package that it was built from.
    pub source: String,
    /// Whether that is an overlay's: then no other package of its name is visible.
    pub overlay: bool,
    /// Base name of the file.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// Hash of the file.
    pub sha256: Sha256,
    /// The control paragraph.
    pub control: String,
}

impl BuiltBinary {
    /// Its stanza in a view's index.
    pub fn stanza(&self) -> String {
        format!(
            "{}\nFilename: {}\nSize: {}\nSHA256: {}\n",
            self.control.trim_end(),
            pool_path(&self.sha256, &self.name),
            self.size,
            self.sha256
        )
    }
}

/// Where a view has a file: by content, so that two versions of one name never meet.
pub fn pool_path(sha256: &Sha256, basename: &str) -> String {
    format!("pool/{sha256}/{basename}")
}

/// How much of an import is seen below what was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// All of it.
    All,
    /// What runs on this architecture, and what is independent of architectures.
    Only(String),
    /// Nothing.
    Nothing,
}

impl Upstream {
    /// Whether a package of the import is seen.
    pub fn shows(&self, package: &Package<'_>) -> bool {
        match self {
            Upstream::All => true,
            Upstream::Only(architecture) => package.architecture == architecture || package.architecture == "all",
            Upstream::Nothing => false,
        }
    }

    /// What it adds to the text that a view's id is made of.
    fn text(&self) -> String {
        match self {
            Upstream::All => String::new(),
            Upstream::Only(architecture) => format!("only {architecture}\n"),
            Upstream::Nothing => "nothing\n".to_owned(),
        }
    }
}

/// The id of the view over `import` with these built files on top.
pub fn id(import: &ImportId, upstream: &Upstream, built: &[BuiltBinary]) -> ViewId {
    let upstream = upstream.text();
    let mut hashes: Vec<String> = built.iter().map(|binary| format!("{} {}", binary.sha256, binary.source)).collect();
    hashes.sort_unstable();
    ViewId(Sha256::of(format!("{FORMAT}\n{import}\n{upstream}{}\n", hashes.join("\n")).as_bytes()))
}

/// What is visible, sorted by name: the built packages, and the candidates that none of them supersedes.
///
/// A built package hides those of its source (the architecture-independent half and that of each architecture for
/// itself) and any of its own name that could be installed in its place. What an overlay has, as a candidate or built,
/// nothing hides, and it hides what else has its name, built or not. `stanzas` are the built packages' stanzas (see
/// [`BuiltBinary::stanza`]) in the order of `built`.
///
/// # Errors
/// In words, when a built package's stanza cannot be read.
pub fn visible<'a>(
    candidates: &[PackageRecord<'a>],
    built: &[BuiltBinary],
    stanzas: &'a [String],
) -> Result<Vec<Package<'a>>, String> {
    let local = |record: &&PackageRecord<'_>| record.suite.role == Role::Overlay;
    let given: FxHashSet<&str> = candidates.iter().filter(local).map(|record| record.package.name).collect();
    let mut made: Vec<(Package<'a>, bool)> = Vec::with_capacity(built.len());
    let mut halves: FxHashSet<(&str, &str)> = FxHashSet::default();
    let mut names: FxHashSet<(&str, &str)> = FxHashSet::default();
    let mut built_names: FxHashSet<&str> = FxHashSet::default();
    for (binary, stanza) in built.iter().zip(stanzas) {
        let paragraph =
            control::paragraphs(stanza.as_bytes()).next().ok_or("expected a control paragraph, got none")?;
        let package = packages::package(paragraph).map_err(|reason| format!("{}: {reason}", binary.name))?;
        halves.insert((binary.source.as_str(), package.architecture));
        names.insert((package.name, package.architecture));
        built_names.insert(package.name);
        made.push((package, binary.overlay));
    }
    let of_overlay: FxHashSet<&str> =
        made.iter().filter(|(_, overlay)| *overlay).map(|(package, _)| package.name).collect();
    let is_seen = |(package, overlay): &(Package<'_>, bool)| {
        !given.contains(package.name) && (*overlay || !of_overlay.contains(package.name))
    };
    let mut packages = Vec::with_capacity(candidates.len() + built.len());
    packages.extend(made.into_iter().filter(is_seen).map(|(package, _)| package));
    for record in candidates {
        let package = record.package;
        let superseded = halves.contains(&(package.source(), package.architecture));
        // What is independent of architectures stands in the place of each of them.
        let replaced = built_names.contains(package.name)
            && (package.architecture == "all"
                || names.contains(&(package.name, "all"))
                || names.contains(&(package.name, package.architecture)));
        if record.suite.role == Role::Overlay || (!superseded && !replaced) {
            packages.push(package);
        }
    }
    packages.sort_unstable_by_key(|package| (package.name, package.architecture));
    Ok(packages)
}

/// A package of an overlay that a view shows, and the architecture that it is for.
pub type Shown = (String, Superseding);

/// What is visible of an overlay: its candidates, and what was built of its sources.
pub fn superseding(visible: &[Package<'_>], candidates: &[PackageRecord<'_>], built: &[BuiltBinary]) -> Vec<Shown> {
    let given = candidates.iter().filter(|record| record.suite.role == Role::Overlay);
    let given = given.map(|record| record.package.sha256);
    let of_overlay: FxHashSet<Sha256> =
        given.chain(built.iter().filter(|binary| binary.overlay).map(|binary| binary.sha256)).collect();
    if of_overlay.is_empty() {
        return Vec::new();
    }
    let seen = visible.iter().filter(|package| of_overlay.contains(&package.sha256));
    let shown = |package: &Package<'_>| Superseding {
        package: package.name.to_owned(),
        version: package.version.to_owned(),
        sha256: package.sha256,
    };
    seen.map(|package| (package.architecture.to_owned(), shown(package))).collect()
}

/// What no build ever looks at, while apt reads the whole index at most of its starts: nearly half of Debian's index, in bytes.
const LEFT_OUT: [&[u8]; 11] = [
    b"Filename",
    b"Description",
    b"Description-md5",
    b"Tag",
    b"Homepage",
    b"Maintainer",
    b"Original-Maintainer",
    b"Bugs",
    b"Build-Ids",
    b"MD5sum",
    b"SHA1",
];

/// The view's `Packages` of one architecture, with what is independent of them: each stanza with its `Filename` by content, and without what is for people only.
pub fn packages_index(visible: &[Package<'_>], architecture: &str) -> Vec<u8> {
    let here = |package: &&Package<'_>| package.architecture == architecture || package.architecture == "all";
    let size = visible.iter().filter(here).map(|package| package.stanza.len() + 120).sum();
    let mut index = Vec::with_capacity(size);
    for package in visible.iter().filter(here) {
        // Lines are copied rather than fields, so that what the archive says stays byte for byte.
        let mut drop_continuation = false;
        for line in package.stanza.split_inclusive(|&byte| byte == b'\n') {
            let continues = matches!(line.first(), Some(b' ' | b'\t'));
            let name = memchr::memchr(b':', line).map_or(line, |colon| &line[..colon]);
            let left_out = !continues && LEFT_OUT.iter().any(|field| name.eq_ignore_ascii_case(field));
            drop_continuation = left_out || (continues && drop_continuation);
            if !drop_continuation {
                index.extend_from_slice(line);
            }
        }
        if index.last() != Some(&b'\n') {
            index.push(b'\n');
        }
        index.extend_from_slice(b"Filename: ");
        index.extend_from_slice(pool_path(&package.sha256, package.basename()).as_bytes());
        index.extend_from_slice(b"\n\n");
    }
    index
}

/// The view's `Release`, unsigned, over the index of each architecture. `date` is in the form that Release files have.
pub fn release(date: &str, indexes: &[(&str, Vec<u8>)]) -> String {
    let architectures: Vec<&str> = indexes.iter().map(|(architecture, _)| *architecture).collect();
    let mut text = format!(
        "Origin: cloudbuild\nLabel: view\nSuite: {SUITE}\nCodename: {SUITE}\nDate: {date}\nArchitectures: {}\n\
         Components: main\nSHA256:\n",
        architectures.join(" ")
    );
    for (architecture, packages) in indexes {
        let (hash, size, path) = (Sha256::of(packages), packages.len(), packages_path(architecture));
        text.push_str(&format!(" {hash} {size} {path}\n"));
    }
    text
}

/// Where the view's index of an architecture is, below `dists/view`.
pub fn packages_path(architecture: &str) -> String {
    format!("main/binary-{architecture}/Packages")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::archive::tests::{stanza, suite};
    use crate::core::pinned::Role;

    fn built(source: &str, package: &str, version: &str, architecture: &str) -> BuiltBinary {
        BuiltBinary {
            source: source.into(),
            overlay: source == "local",
            name: format!("{package}_{version}_{architecture}.deb"),
            size: 7,
            sha256: Sha256::of(format!("built {package}").as_bytes()),
            control: format!(
                "Package: {package}\nSource: {source}\nVersion: {version}\nArchitecture: {architecture}\n"
            ),
        }
    }

    fn check(upstream: &[String], built: &[BuiltBinary]) -> Vec<String> {
        check_overlay(upstream, &[], built)
    }

    fn check_overlay(upstream: &[String], local: &[String], built: &[BuiltBinary]) -> Vec<String> {
        let suites = [suite("trixie", Role::Distribution, false), suite("local", Role::Overlay, false)];
        let texts = [upstream.concat(), local.concat()];
        let mut candidates: Vec<PackageRecord<'_>> = Vec::new();
        for (suite, text) in suites.iter().zip(&texts) {
            let (packages, malformed) = packages::read(text.as_bytes());
            assert_eq!(malformed, []);
            let record = |package| PackageRecord { suite, component: "main", package };
            candidates.extend(packages.into_iter().map(record));
        }
        let stanzas: Vec<String> = built.iter().map(BuiltBinary::stanza).collect();
        let visible = visible(&candidates, built, &stanzas).unwrap();
        let superseding = superseding(&visible, &candidates, built);
        let local = |name: &str| local.concat().contains(&format!("Package: {name}\n"));
        for (_, found) in &superseding {
            assert!(local(&found.package) || built.iter().any(|binary| binary.overlay), "{found:?}");
        }
        visible.iter().map(|package| format!("{} {}", package.name, package.version)).collect()
    }

    #[test]
    fn a_built_source_hides_all_that_its_upstream_build_made_even_when_that_is_newer() {
        let upstream = [
            stanza("libx1", "2.0", "Source: x\n"),
            stanza("libx-dev", "2.0", "Source: x\n"),
            stanza("other", "1.0", ""),
        ];
        assert_eq!(check(&upstream, &[built("x", "libx1", "1.0", "amd64")]), ["libx1 1.0", "other 1.0"]);
    }

    #[test]
    fn what_an_overlay_has_is_seen_alone_whoever_else_has_or_builds_it() {
        let upstream = [stanza("libx1", "2.0", "Source: x\n"), stanza("x-bin", "2.0", "Source: x\n")];
        // A source package of the overlay, built: a package that moved to it hides the one that another source builds.
        let moved = built("local", "x-bin", "1.0", "amd64");
        assert_eq!(check(&upstream, std::slice::from_ref(&moved)), ["libx1 2.0", "x-bin 1.0"]);
        let others = [built("x", "libx1", "2.1", "amd64"), built("x", "x-bin", "2.1", "amd64")];
        assert_eq!(check(&upstream, &[others[0].clone(), others[1].clone(), moved]), ["libx1 2.1", "x-bin 1.0"]);
        // A binary package of the overlay stays when its source is built.
        let given = [stanza("x-bin", "0.5", "Source: x\n")];
        assert_eq!(check_overlay(&upstream[..1], &given, &others), ["libx1 2.1", "x-bin 0.5"]);
    }

    #[test]
    fn the_architecture_independent_half_stays_until_it_is_built_too() {
        let upstream = [stanza("x-doc", "1.0", "Source: x\n").replace("Architecture: amd64", "Architecture: all")];
        assert_eq!(check(&upstream, &[built("x", "libx1", "1.0", "amd64")]), ["libx1 1.0", "x-doc 1.0"]);
        assert_eq!(check(&upstream, &[built("x", "x-data", "1.0", "all")]), ["x-data 1.0"]);
    }

    #[test]
    fn what_was_built_for_one_architecture_leaves_the_other_one_as_it_is() {
        let of = |architecture: &str, text: String| text.replace("amd64", architecture);
        let upstream = [
            stanza("libx1", "2.0", "Source: x\n"),
            of("armhf", stanza("libx1", "2.0", "Source: x\n")),
            of("armhf", stanza("libx-old", "2.0", "Source: x\n")),
        ];
        assert_eq!(check(&upstream, &[built("x", "libx1", "1.0", "armhf")]), ["libx1 2.0", "libx1 1.0"]);
        assert_eq!(check(&upstream, &[built("x", "libx1", "1.0", "all")]), ["libx-old 2.0", "libx1 1.0"]);
        let (packages, _) = packages::read(upstream[1].as_bytes());
        assert!(Upstream::All.shows(&packages[0]) && Upstream::Only("armhf".into()).shows(&packages[0]));
        assert!(!Upstream::Only("amd64".into()).shows(&packages[0]) && !Upstream::Nothing.shows(&packages[0]));
    }

    #[test]
    fn the_index_names_files_by_content_and_keeps_what_apt_needs_byte_for_byte() {
        let text = stanza("a", "1", "Tag: x,\n y\nDepends: b,\n  c\nDescription: x\n  indented\n .\n");
        let (packages, _) = packages::read(text.as_bytes());
        let index = String::from_utf8(packages_index(&packages, "amd64")).unwrap();
        assert!(packages_index(&packages, "armhf").is_empty());
        let sha256 = packages[0].sha256;
        assert_eq!(
            index,
            format!(
                "Package: a\nVersion: 1\nArchitecture: amd64\nDepends: b,\n  c\nSize: 1\nSHA256: {sha256}\n\
                 Filename: pool/{sha256}/a_1_amd64.deb\n\n"
            )
        );
    }

    #[test]
    fn the_id_depends_on_what_is_in_the_view_and_not_on_its_order() {
        let import = ImportId(Sha256::of(b"import"));
        let (a, b) = (built("a", "a", "1", "amd64"), built("b", "b", "1", "amd64"));
        let id = |upstream: &Upstream, built: &[BuiltBinary]| id(&import, upstream, built);
        let all = Upstream::All;
        assert_eq!(id(&all, &[a.clone(), b.clone()]), id(&all, &[b.clone(), a.clone()]));
        let a = [a];
        assert_ne!(id(&all, &a), id(&all, &[b]));
        assert_ne!(id(&all, &a), id(&Upstream::Nothing, &a));
    }
}

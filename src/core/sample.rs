//! A small archive that never was, written as Debian's indexes are: recipes are checked and tested on it, offline.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::core::ids::Sha256;
use crate::core::pinned::{Imported, IndexKind, PinnedIndex, PinnedSuite, Role};

/// A source package of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleSource {
    /// Its version.
    pub version: String,
    /// `main`, `contrib`.
    pub component: String,
    /// `Section:`
    pub section: String,
    /// `Priority:`
    pub priority: String,
    /// `any`, `all`, or architectures.
    pub architecture: String,
    /// Whether its binaries are essential.
    pub essential: bool,
    /// Its binary packages, with what they need to run.
    pub binaries: BTreeMap<String, Vec<String>>,
    /// What it needs to be built.
    pub build_depends: Vec<String>,
    /// Bytes of its source.
    pub size: u64,
}

/// The archive's source packages by name.
pub type Sample = BTreeMap<String, SampleSource>;

/// A source package of which nothing but the name is known: it builds one binary of that name.
pub fn plain(name: &str) -> SampleSource {
    SampleSource {
        version: "1.0-1".to_owned(),
        component: "main".to_owned(),
        section: "utils".to_owned(),
        priority: "optional".to_owned(),
        architecture: "any".to_owned(),
        essential: false,
        binaries: [(name.to_owned(), Vec::new())].into(),
        build_depends: Vec::new(),
        size: 100_000,
    }
}

/// Source, section, priority, binaries, build-dependencies; `+` before a priority: essential.
const BUILT_IN: &[(&str, &str, &str, &str, &str)] = &[
    ("base-files", "admin", "+required", "base-files", ""),
    ("bash", "shells", "+required", "bash", "ncurses"),
    ("coreutils", "utils", "+required", "coreutils", ""),
    ("dpkg", "admin", "+required", "dpkg dpkg-dev", "zlib1g-dev"),
    ("ncurses", "libs", "required", "libtinfo6 libncurses-dev", ""),
    ("glibc", "libs", "required", "libc6 libc6-dev", "gcc-12"),
    ("gcc-12", "devel", "optional", "gcc-12 g++-12", "libgmp-dev"),
    ("gcc-defaults", "devel", "optional", "gcc g++", ""),
    ("make-dfsg", "devel", "optional", "make", ""),
    ("build-essential", "devel", "optional", "build-essential", ""),
    ("debhelper", "devel", "optional", "debhelper", "perl"),
    ("perl", "perl", "optional", "perl", ""),
    ("gmp", "libs", "optional", "libgmp10 libgmp-dev", ""),
    ("zlib", "libs", "required", "zlib1g zlib1g-dev", "debhelper"),
    ("openssl", "libs", "optional", "libssl3 libssl-dev openssl", "debhelper perl"),
    ("curl", "web", "optional", "curl libcurl4 libcurl4-openssl-dev", "debhelper libssl-dev zlib1g-dev"),
    ("hello", "devel", "optional", "hello", "debhelper"),
    ("sed", "utils", "+required", "sed", "debhelper"),
    ("x264", "video", "optional", "libx264-164 libx264-dev", "debhelper"),
    ("ffmpeg", "video", "optional", "ffmpeg libavcodec59", "debhelper libx264-dev zlib1g-dev"),
    ("ghc", "haskell", "optional", "ghc", "libgmp-dev"),
    ("pandoc", "text", "optional", "pandoc", "debhelper ghc"),
    ("linux", "kernel", "optional", "linux-image-generic linux-libc-dev", "debhelper perl"),
    ("tzdata", "localization", "required", "tzdata", "debhelper"),
    ("systemd", "admin", "optional", "systemd libsystemd0", "debhelper"),
];

/// The archive that is taken when nobody gives another one.
pub fn built_in() -> Sample {
    let entry = |&(name, section, priority, binaries, needs): &(&str, &str, &str, &str, &str)| {
        let runs_on = |binary: &str| match binary.ends_with("-dev") || binary == "libc6" || binary == "base-files" {
            true => Vec::new(),
            false => vec!["libc6".to_owned()],
        };
        let source = SampleSource {
            section: section.to_owned(),
            priority: priority.trim_start_matches('+').to_owned(),
            essential: priority.starts_with('+'),
            architecture: if name == "tzdata" { "all" } else { "any" }.to_owned(),
            binaries: binaries.split(' ').map(|binary| (binary.to_owned(), runs_on(binary))).collect(),
            build_depends: needs.split(' ').filter(|need| !need.is_empty()).map(str::to_owned).collect(),
            ..plain(name)
        };
        (name.to_owned(), source)
    };
    let mut sample: Sample = BUILT_IN.iter().map(entry).collect();
    for (binary, needs) in
        [("build-essential", &["libc6-dev", "gcc", "g++", "make", "dpkg-dev"][..]), ("gcc", &["gcc-12"])]
    {
        for source in sample.values_mut() {
            if let Some(depends) = source.binaries.get_mut(binary) {
                *depends = needs.iter().map(|need| (*need).to_owned()).collect();
            }
        }
    }
    if let Some(bash) = sample.get_mut("bash") {
        bash.build_depends = vec!["libncurses-dev".to_owned()];
    }
    sample
}

/// What somebody else's archive must have, too, so that something can be built in it.
pub fn with_base(sample: Sample) -> Sample {
    let mut whole = built_in();
    whole.retain(|name, source| source.priority == "required" || BUILDS.contains(&name.as_str()));
    whole.extend(sample);
    whole
}

/// What every build needs.
const BUILDS: &[&str] =
    &["build-essential", "gcc-12", "gcc-defaults", "make-dfsg", "debhelper", "perl", "gmp", "dpkg", "glibc"];

/// The archive as what an import pins, with the bytes of each index in the order of the suite's.
pub fn written(sample: &Sample, architecture: &str) -> (Imported, Vec<String>) {
    let mut components: Vec<&str> = sample.values().map(|source| source.component.as_str()).collect();
    components.sort_unstable();
    components.dedup();
    let (mut indexes, mut texts) = (Vec::new(), Vec::new());
    for component in components {
        let of_component = || sample.iter().filter(|(_, source)| source.component == component);
        let sources: String = of_component().map(|(name, source)| sources_stanza(name, source)).collect();
        let packages: String =
            of_component().flat_map(|(name, source)| package_stanzas(name, source, architecture)).collect();
        for (kind, text) in [(IndexKind::Sources, sources), (IndexKind::Packages(architecture.to_owned()), packages)] {
            let (sha256, size) = (Sha256::of(text.as_bytes()), text.len() as u64);
            indexes.push(PinnedIndex { component: component.to_owned(), kind, sha256, size });
            texts.push(text);
        }
    }
    let suite = PinnedSuite {
        uri: "http://deb.example.org/debian".to_owned(),
        suite: "sample".to_owned(),
        codename: "sample".to_owned(),
        origin: "Example".to_owned(),
        label: "Example".to_owned(),
        role: Role::Distribution,
        release_sha256: Sha256::of(texts.concat().as_bytes()),
        date: None,
        not_automatic: false,
        but_automatic_upgrades: false,
        entry: "the sample archive".to_owned(),
        indexes,
    };
    (Imported { architecture: architecture.to_owned(), suites: vec![suite], ..Imported::default() }, texts)
}

const ALL: &str = "a string takes all text";

fn sources_stanza(name: &str, source: &SampleSource) -> String {
    let SampleSource { version, section, priority, architecture, component, size, .. } = source;
    let binaries = source.binaries.keys().map(String::as_str).collect::<Vec<_>>();
    let mut text = format!(
        "Package: {name}\nBinary: {}\nVersion: {version}\nSection: {section}\nPriority: {priority}\n\
         Architecture: {architecture}\n",
        binaries.join(", ")
    );
    if !source.build_depends.is_empty() {
        writeln!(text, "Build-Depends: {}", source.build_depends.join(", ")).expect(ALL);
    }
    text.push_str("Package-List:\n");
    for binary in binaries {
        writeln!(text, " {binary} deb {section} {priority} arch={}", architecture.replace(' ', ",")).expect(ALL);
    }
    let hash = |part: &str| Sha256::of(format!("{name} {version} {part}").as_bytes());
    let without_epoch = version.split_once(':').map_or(version.as_str(), |(_, rest)| rest);
    write!(
        text,
        "Directory: pool/{component}/{name}\nChecksums-Sha256:\n {} 1000 {name}_{without_epoch}.dsc\n \
         {} {size} {name}_{without_epoch}.tar.xz\n\n",
        hash("dsc"),
        hash("tar")
    )
    .expect(ALL);
    text
}

fn package_stanzas(name: &str, source: &SampleSource, architecture: &str) -> Vec<String> {
    let all = source.architecture == "all";
    if !all && !crate::core::debian::architecture::field_includes(source.architecture.as_bytes(), architecture) {
        return Vec::new();
    }
    let architecture = if all { "all" } else { architecture };
    let SampleSource { version, section, priority, component, .. } = source;
    let stanza = |(binary, depends): (&String, &Vec<String>)| {
        let mut text = format!(
            "Package: {binary}\nSource: {name}\nVersion: {version}\nArchitecture: {architecture}\n\
             Section: {section}\nPriority: {priority}\n"
        );
        if source.essential {
            text.push_str("Essential: yes\n");
        }
        if !depends.is_empty() {
            writeln!(text, "Depends: {}", depends.join(", ")).expect(ALL);
        }
        let hash = Sha256::of(format!("{binary} {version}").as_bytes());
        write!(
            text,
            "Filename: pool/{component}/{name}/{binary}_{version}_{architecture}.deb\nSize: 1000\nSHA256: {hash}\n\n"
        )
        .expect(ALL);
        text
    };
    source.binaries.iter().map(stanza).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::archive;

    #[test]
    fn the_built_in_archive_is_read_as_debians_are() {
        let (imported, texts) = written(&built_in(), "amd64");
        let mut bytes = texts.iter();
        let indexes = archive::with_bytes(&imported, |_| bytes.next().map(String::as_bytes).ok_or(()));
        let read = archive::read(&indexes.unwrap());
        assert_eq!((read.malformed.len(), read.sources.len()), (0, BUILT_IN.len()));
        let names: Vec<&str> = read.packages.iter().map(|record| record.package.name).collect();
        assert!(["libc6", "gcc-12", "tzdata", "build-essential"].iter().all(|name| names.contains(name)), "{names:?}");
        // Whatever is needed is there.
        for source in built_in().values() {
            for need in source.build_depends.iter().chain(source.binaries.values().flatten()) {
                assert!(names.contains(&need.as_str()), "{need}");
            }
        }
    }

    #[test]
    fn an_archive_of_ones_own_has_what_every_build_needs() {
        let whole = with_base([("mine".to_owned(), plain("mine"))].into());
        assert!(whole.contains_key("mine") && whole.contains_key("glibc") && !whole.contains_key("curl"));
        let foreign = SampleSource { architecture: "s390x".to_owned(), ..plain("x") };
        assert!(package_stanzas("x", &foreign, "amd64").is_empty());
    }
}

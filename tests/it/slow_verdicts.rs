//! Which sources can be built, as dose-builddebcheck has it, over the machine's own suite.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use cloudbuild::core::archive::{self, Archive};
use cloudbuild::core::debian::control;
use cloudbuild::core::events::{Event, Listener};
use cloudbuild::core::install::base::{Base, build_essential};
use cloudbuild::core::install::installer::check_all;
use cloudbuild::core::install::request::{Alternatives, Half, Request};
use cloudbuild::core::install::universe::{Architectures, Universe};
use cloudbuild::core::pinned::{Imported, IndexKind};
use cloudbuild::core::recipe::{AptSources, ImportRequest};
use cloudbuild::io::mirror::{Mirror, MirrorSettings};
use cloudbuild::io::overlay::Keep;
use cloudbuild::io::store::{Mapped, Store};
use cloudbuild::primitives::import;

use crate::fixture::open_tempdir;
use crate::harness::{cloudbuild_cache, skip};

#[path = "../../src/core/install/tests/cases.rs"]
mod cases;

/// What is compared; what is not `always` only when every source is.
const COMPARISONS: &[(&str, Alternatives, bool)] = &[
    ("amd64", Alternatives::Any, true),
    ("armel", Alternatives::First, true),
    ("amd64", Alternatives::First, false),
    ("armel", Alternatives::Any, false),
];

/// Disagreements that are known, as (architecture, source, reason).
const KNOWN: &[(&str, &str, &str)] = &[];

/// Of how many sources one is asked for: its time goes with their number, and it takes minutes for all of them.
const ONE_OF: usize = 10;

/// Name and version of a source.
type Key = (String, String);

struct Silent;

impl Listener for Silent {
    fn hear(&self, _: &Event) {}
}

#[test]
fn verdicts_are_those_of_dose_builddebcheck() {
    if Command::new("dose-builddebcheck").arg("--version").output().is_err() {
        return skip("verdicts", "there is no dose-builddebcheck here");
    }
    let one_of = std::env::var("CLOUDBUILD_TEST_VERDICTS").map_or(ONE_OF, |number| number.parse().unwrap());
    for &(architecture, alternatives, always) in COMPARISONS {
        if always || one_of == 1 {
            compare(architecture, alternatives, one_of);
        }
    }
}

/// Lines of the tables that dose-builddebcheck sees otherwise than dpkg, by archive and build-dependencies.
const OTHERWISE: &[(&str, &str, &str)] = &[
    ("a 2", "a (>> 1), a (< 2)", "it takes the obsolete `<` for `<<`, and dpkg for `<=`"),
    ("a 1; Multi-Arch: foreign", "a:any", "it takes every package for `:any`, and dpkg only those that allow it"),
    ("a 1", "a:any", "as above"),
    ("a 1; Multi-Arch: allowed", "a:any (>= 2) | a (<< 1.5)", "it takes every version for `:any`"),
];

#[test]
fn the_tables_of_features_are_answered_as_by_dose_builddebcheck() {
    if Command::new("dose-builddebcheck").arg("--version").output().is_err() {
        return skip("tables of features", "there is no dose-builddebcheck here");
    }
    use cases::{BANS, CHAINS, CROSS, EXCLUSIONS, FIRST, PROFILES, QUALIFIERS, RESTRICTIONS, VERSIONS};
    let tables = [VERSIONS, CHAINS, EXCLUSIONS, RESTRICTIONS, PROFILES, FIRST, QUALIFIERS, CROSS];
    let mut disagreements = Vec::new();
    for table in tables.iter().chain(&BANS) {
        for (lines, depends, expected) in table.cases {
            let otherwise =
                OTHERWISE.iter().any(|(archive, asked, _)| *archive == lines.join(", ") && asked == depends);
            if possible_for_dose(table, lines, depends) != (expected.is_some() != otherwise) {
                disagreements.push(format!("{lines:?}: {depends}: we say {expected:?}"));
            }
        }
    }
    assert_eq!(disagreements, Vec::<String>::new());
}

/// Whether dose-builddebcheck takes one line of a table for possible.
fn possible_for_dose(table: &cases::Table, lines: &[&str], depends: &str) -> bool {
    let place = open_tempdir();
    let (sources, packages) = (place.path().join("Sources"), place.path().join("Packages"));
    fs::write(&packages, cases::index(&[&cases::BASE, lines].concat())).unwrap();
    let mut source = "Package: asked\nVersion: 1\nArchitecture: any\nBinary: asked\n".to_owned();
    for (field, value) in [("Build-Depends", depends), ("Build-Conflicts", table.conflicts)] {
        if !value.is_empty() {
            source += &format!("{field}: {value}\n");
        }
    }
    fs::write(&sources, source).unwrap();
    let mut command = Command::new("dose-builddebcheck");
    command.args(["--failures", "--deb-native-arch=amd64"]);
    if table.host != "amd64" {
        command.arg(format!("--deb-host-arch={}", table.host));
    }
    if table.first {
        command.arg("--deb-emulate-sbuild");
    }
    if !table.profiles.is_empty() {
        command.arg(format!("--deb-profiles={}", table.profiles.join(",")));
    }
    refused_by(command.args([&packages, &sources])).is_empty()
}

/// Imports for an architecture through the product's own library, from the machine's own APT sources.
fn imported(architecture: &str) -> (Imported, Vec<Mapped>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let guard = runtime.enter();
    let store = Store::open(cloudbuild_cache().join("files")).unwrap();
    let mirror = Mirror::new(store.clone(), MirrorSettings::default()).unwrap();
    drop(guard);
    let sources = AptSources::System { also: Vec::new() };
    let request = ImportRequest { sources, arch: Some(architecture.to_owned()), build_arch: None, overlay: Vec::new() };
    let keep = Keep { files: store.clone(), indexes: store.clone() };
    let imported = runtime.block_on(import::fetch(&mirror, &keep, &request, architecture, &Silent)).unwrap();
    let indexes = imported.suites.iter().flat_map(|suite| &suite.indexes);
    let mapped = indexes.map(|index| store.map(&index.sha256).unwrap()).collect();
    (imported, mapped)
}

fn compare(architecture: &str, alternatives: Alternatives, one_of: usize) {
    let (imported, mapped) = imported(architecture);
    let mut bytes = mapped.iter();
    let indexes = archive::with_bytes(&imported, |_| bytes.next().map(|mapped| &**mapped).ok_or(())).unwrap();
    let archive = archive::read(&indexes);
    let name = format!("verdicts for {architecture}");
    if !archive.candidates().iter().any(|record| record.package.architecture == architecture) {
        return skip(&name, "the machine's suite has no packages for it");
    }
    let chosen = sample(&archive, one_of);
    let ours = ours(&archive, &chosen, architecture, alternatives);

    let place = open_tempdir();
    let (sources, packages) = (place.path().join("Sources"), place.path().join("Packages"));
    let stanzas = archive.candidates().into_iter().map(|record| record.package.stanza);
    fs::write(&packages, joined(stanzas)).unwrap();
    let all = indexes.iter().filter(|it| it.index.kind == IndexKind::Sources && it.suite.role.feeds());
    let mut left = chosen.clone();
    let paragraphs = all.flat_map(|it| control::paragraphs(it.bytes)).filter(|paragraph| {
        let [name, version] = ["Package", "Version"].map(|field| paragraph.text(field).unwrap_or_default().to_owned());
        paragraph.field("Extra-Source-Only").is_none() && left.remove(&(name, version))
    });
    fs::write(&sources, joined(paragraphs.map(|paragraph| paragraph.bytes))).unwrap();
    let dose = dose(&sources, &packages, architecture, alternatives);

    let mut disagreements = Vec::new();
    for key in &chosen {
        let known = KNOWN.iter().any(|(on, source, _)| *on == architecture && *source == key.0);
        match (ours.get(key), dose.contains(key)) {
            (Some(reason), false) if !known => disagreements.push(format!("{key:?}: we say it {reason}")),
            (None, true) if !known => disagreements.push(format!("{key:?}: dose-builddebcheck refuses it")),
            (Some(_), _) | (None, _) => {}
        }
    }
    eprintln!("{name}, {alternatives:?}: {} sources, {} refused by dose-builddebcheck", chosen.len(), dose.len());
    assert_eq!(disagreements, Vec::<String>::new(), "{name}, {alternatives:?}");
    assert!(chosen.len() * one_of > 1000, "{name}: only {} sources were compared", chosen.len());
}

/// Every so manieth source, in the order of their names.
fn sample(archive: &Archive<'_>, one_of: usize) -> BTreeSet<Key> {
    let sources = archive.chosen_sources();
    let all: BTreeSet<Key> =
        sources.values().map(|it| (it.source.name.to_owned(), it.source.version.to_owned())).collect();
    all.into_iter().step_by(one_of).collect()
}

/// What we refuse, and why.
fn ours(
    archive: &Archive<'_>,
    chosen: &BTreeSet<Key>,
    architecture: &str,
    alternatives: Alternatives,
) -> BTreeMap<Key, String> {
    let packages: Vec<_> = archive.candidates().into_iter().map(|record| record.package).collect();
    let architectures = Architectures::native(architecture);
    let universe = Universe::new(&packages, architectures);
    let essential = build_essential(architectures);
    let base = Base::new(&universe, &[&essential]);
    let key =
        |source: &cloudbuild::core::debian::sources::Source<'_>| (source.name.to_owned(), source.version.to_owned());
    let sources: Vec<_> = archive
        .chosen_sources()
        .into_values()
        .map(|record| record.source)
        .filter(|source| chosen.contains(&key(source)))
        .filter(|source| source.builds_all() || source.builds_for(architecture))
        .collect();
    let requests: Vec<Request<'_>> =
        sources.iter().map(|source| Request::of(source, Half::Both, &[], alternatives)).collect();
    let answers = check_all(&universe, &base, &requests);
    let refused =
        sources.iter().zip(answers).filter_map(|(source, answer)| Some((key(source), answer.err()?.to_string())));
    refused.collect()
}

/// What dose-builddebcheck refuses.
fn dose(sources: &Path, packages: &Path, architecture: &str, alternatives: Alternatives) -> BTreeSet<Key> {
    let mut command = Command::new("dose-builddebcheck");
    command.arg("--failures").arg(format!("--deb-native-arch={architecture}"));
    match alternatives {
        Alternatives::Any => {}
        Alternatives::First => _ = command.arg("--deb-emulate-sbuild"),
    }
    refused_by(command.args([packages, sources]))
}

/// Runs dose-builddebcheck, which lists what it refuses.
fn refused_by(command: &mut Command) -> BTreeSet<Key> {
    let ran = command.output().unwrap();
    let text = String::from_utf8(ran.stdout).unwrap();
    assert!(text.contains("\nbroken-packages: "), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
    let (mut package, mut refused) = (String::new(), BTreeSet::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("  package: ") {
            package = name.to_owned();
        } else if let Some(version) = line.strip_prefix("  version: ") {
            refused.insert((package.clone(), version.to_owned()));
        }
    }
    refused
}

fn joined<'a>(paragraphs: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut index = Vec::new();
    for paragraph in paragraphs {
        index.extend_from_slice(paragraph.trim_ascii_end());
        index.extend_from_slice(b"\n\n");
    }
    index
}

//! What is chosen, and what is said where it cannot be.

use super::*;
use crate::core::archive::PackageRecord;
use crate::core::archive::tests::{stanza, suite};
use crate::core::debian::packages;
use crate::core::order::tests::{records, source};
use crate::core::pinned::Role;
use crate::core::recipe::selection::{BaseClosure, Pick};

fn choose(sources: &str, index: &str, selection: &Selection) -> Result<Vec<String>, SelectionError> {
    choose_with(sources, index, "", selection)
}

/// With binary packages of an overlay.
fn choose_with(sources: &str, index: &str, local: &str, selection: &Selection) -> Result<Vec<String>, SelectionError> {
    let (main, overlay) = (suite("trixie", Role::Distribution, false), suite("local", Role::Overlay, false));
    let read = |index| {
        let (packages, malformed) = packages::read(str::as_bytes(index));
        assert_eq!(malformed, []);
        packages
    };
    let record = |suite| move |package| PackageRecord { suite, component: "main", package };
    let (theirs, ours) = (read(index), read(local));
    let packages = [theirs.clone(), ours.clone()].concat();
    let archive = Archive {
        sources: records(sources, &main),
        packages: theirs.into_iter().map(record(&main)).chain(ours.into_iter().map(record(&overlay))).collect(),
        malformed: Vec::new(),
    };
    let changed = BTreeMap::from([("first".to_owned(), ["zlib", "gone", "zlib"].map(str::to_owned).into())]);
    let ground = Ground { archive: &archive, visible: &packages, architecture: "amd64", changed: &changed };
    let chosen = select(&ground, selection)?;
    Ok(chosen.iter().map(|record| record.source.name.to_owned()).collect())
}

fn selected(names: &[&str]) -> Result<Vec<String>, String> {
    let text = [source("hello", "any", "", "hello"), source("zlib", "any", "", "zlib1g")].concat();
    let names = names.iter().map(|&name| name.to_owned()).collect();
    choose(&text, &stanza("zlib1g", "1", "Source: zlib\n"), &Selection::Names(names)).map_err(|error| error.to_string())
}

#[test]
fn an_unknown_source_is_answered_with_the_nearest_names_or_the_source_of_that_binary() {
    assert_eq!(selected(&["zlib", "hello", "zlib"]).unwrap(), ["zlib", "hello"]);
    assert_eq!(
        selected(&["helo"]).unwrap_err(),
        "no source package `helo` in the imported suites\nhint: did you mean `hello`?"
    );
    assert_eq!(
        selected(&["zlib1g"]).unwrap_err(),
        "no source package `zlib1g` in the imported suites\nhint: a binary package of that name is built by source \
         package `zlib`"
    );
    assert!(selected(&["hello=9"]).unwrap_err().contains("the imported suites have 1"));
    assert!(selected(&[]).unwrap_err().contains("no packages are asked for"));
}

const BASE_SOURCES: [(&str, &str, &str); 5] = [
    ("bash", "debhelper", "bash"),
    ("glibc", "", "libc6"),
    ("build-essential", "", "build-essential"),
    ("debhelper", "po4a", "debhelper"),
    ("po4a", "", "po4a"),
];

fn base(
    sources: &[(&str, &str, &str)],
    binaries: &[(&str, &str)],
    closure: BaseClosure,
) -> Result<Vec<String>, String> {
    let text: String = sources.iter().map(|(name, needs, builds)| source(name, "any", needs, builds)).collect();
    let index: String = binaries.iter().map(|(name, more)| stanza(name, "1", more)).collect();
    choose(&text, &index, &Selection::BaseSystem(closure)).map_err(|error| error.to_string())
}

const BASE_BINARIES: [(&str, &str); 6] = [
    ("bash", "Priority: required\nDepends: libc6\n"),
    ("build-essential", ""),
    ("debhelper", ""),
    ("libc6", "Source: glibc\n"),
    ("po4a", ""),
    ("tint", "Priority: optional\n"),
];

#[test]
fn the_base_system_is_what_is_required_or_important_or_build_essential_with_what_these_need() {
    let check = |closure| base(&BASE_SOURCES, &BASE_BINARIES, closure).unwrap();
    assert_eq!(check(BaseClosure::Runtime), ["bash", "build-essential", "glibc"]);
    assert_eq!(check(BaseClosure::Build), ["bash", "build-essential", "debhelper", "glibc", "po4a"]);
}

#[test]
fn a_base_system_that_cannot_be_is_said_to_be_so() {
    let check = |sources: &[(&str, &str, &str)], binaries: &[(&str, &str)]| {
        base(sources, binaries, BaseClosure::Runtime).unwrap_err().lines().next().unwrap().to_owned()
    };
    assert_eq!(
        check(&BASE_SOURCES, &BASE_BINARIES[..3]),
        "the imported suites cannot make a base system for `amd64`: it needs bash, which needs libc6, which is not there"
    );
    assert_eq!(
        check(&BASE_SOURCES, &[BASE_BINARIES[0], BASE_BINARIES[3]]),
        "the imported suites cannot make a base system for `amd64`: it needs build-essential, which is not there"
    );
    assert_eq!(
        check(&BASE_SOURCES, &BASE_BINARIES[1..]),
        "the imported suites have no base system: no package has `Priority: required` or `important`"
    );
    assert_eq!(
        check(&[BASE_SOURCES[0], BASE_SOURCES[2]], &BASE_BINARIES),
        "the imported suites list no source package `glibc`, which builds `libc6`, a part of what is asked for"
    );
}

#[test]
fn a_pick_takes_those_that_have_all_that_is_asked_for() {
    let text = [
        source("app", "any", "zlib1g-dev | libz-dev", "app"),
        source("bar", "any", "debhelper", "bar"),
        source("cat", "any", "libz-dev [armel] <!nocheck>", "cat"),
        source("zlib", "any", "", "zlib1g"),
    ]
    .concat();
    let check = |pick: Pick| choose(&text, "", &Selection::Pick(pick)).unwrap().join(" ");
    let users = || vec!["libz-dev".to_owned()];
    assert_eq!(check(Pick::default()), "app bar cat zlib");
    assert_eq!(check(Pick { build_depends_on: users(), ..Pick::default() }), "app cat");
    assert_eq!(check(Pick { build_depends_on: users(), at_most: Some(1), ..Pick::default() }), "app");
    assert_eq!(check(Pick { components: vec!["contrib".to_owned()], ..Pick::default() }), "");
    let of = Selection::Names(vec!["cat".to_owned(), "bar".to_owned()]);
    assert_eq!(check(Pick { of: Some(Box::new(of)), build_depends_on: users(), ..Pick::default() }), "cat");
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<String>>();
    assert_eq!(check(Pick { names: names(&["zlib", "app"]), ..Pick::default() }), "app zlib");
    assert_eq!(check(Pick { names: names(&["bar"]), build_depends_on: users(), ..Pick::default() }), "");
    let slip = choose(&text, "", &Selection::Pick(Pick { names: names(&["zlub"]), ..Pick::default() })).unwrap_err();
    assert!(slip.to_string().ends_with("hint: did you mean `zlib`?"), "{slip}");
    let lots = |seed| check(Pick { at_most: Some(2), seed: Some(seed), ..Pick::default() });
    assert_eq!(lots(1), lots(1));
    assert!((1..9).any(|seed| lots(seed) != lots(0)), "the seed decides");
    assert_eq!(lots(3).split(' ').count(), 2);
}

#[test]
fn a_runtime_closure_takes_the_sources_of_what_gets_installed() {
    let text =
        [source("app", "any", "", "app"), source("zlib", "any", "", "zlib1g"), source("x", "any", "", "x")].concat();
    let index =
        [stanza("app", "1", "Depends: zlib1g\nRecommends: x\n"), stanza("zlib1g", "1", "Source: zlib\n")].concat();
    let check = |index: &str, of: &str| {
        let of = vec![of.to_owned()];
        choose(&text, index, &Selection::RuntimeClosure { of }).map_err(|error| error.to_string())
    };
    assert_eq!(check(&index, "app").unwrap(), ["app", "zlib"]);
    let unknown = check(&index, "ap").unwrap_err();
    assert_eq!(unknown, "no binary package `ap` for `amd64` to take the closure of\nhint: did you mean `app`?");
    let broken = check(&stanza("app", "1", "Depends: gone\n"), "app").unwrap_err();
    assert!(broken.starts_with("the closure of app cannot be installed for `amd64`: it needs"), "{broken}");
}

#[test]
fn what_changed_is_what_the_stage_says_as_far_as_it_is_there_and_each_once() {
    let text = [source("hello", "any", "", "hello"), source("zlib", "any", "", "zlib1g")].concat();
    let check = |stage: &str| choose(&text, "", &Selection::ChangedInputs { stage: stage.to_owned() }).unwrap();
    assert_eq!((check("first"), check("other")), (vec!["zlib".to_owned()], Vec::new()));
}

#[test]
fn nothing_builds_the_binary_packages_of_an_overlay() {
    let sources = [source("app", "any", "", "app"), source("libc", "any", "", "libc6")].concat();
    let index = [
        stanza("app", "1", "Depends: firmware\n"),
        stanza("libc6", "1", "Source: libc\nPriority: required\n"),
        stanza("build-essential", "1", "Source: libc\nDepends: firmware\n"),
    ];
    let choose = |selection| choose_with(&sources, &index.concat(), &stanza("firmware", "3.1", ""), &selection);
    assert_eq!(choose(Selection::RuntimeClosure { of: vec!["app".to_owned()] }).unwrap(), ["app"]);
    assert_eq!(choose(Selection::BaseSystem(BaseClosure::Runtime)).unwrap(), ["libc"]);
}

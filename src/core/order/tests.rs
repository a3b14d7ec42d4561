//! Selections and orders over small made-up archives.

use super::*;
use crate::core::archive::tests::{stanza, suite};
use crate::core::debian::{packages, sources};
use crate::core::pinned::{PinnedSuite, Role};

fn source(name: &str, architecture: &str, build_depends: &str, binaries: &str) -> String {
    format!(
        "Package: {name}\nVersion: 1\nArchitecture: {architecture}\nBinary: {binaries}\nBuild-Depends: {build_depends}\n\n"
    )
}

const CHROOT: &str = "apt build-essential fakeroot";

fn upstream(more: &[String]) -> String {
    let base: String = CHROOT.split(' ').map(|name| stanza(name, "1", "")).collect();
    base + &more.concat()
}

fn records<'a>(text: &'a str, suite: &'a PinnedSuite) -> Vec<SourceRecord<'a>> {
    let (sources, malformed) = sources::read(text.as_bytes());
    assert_eq!(malformed, []);
    sources.into_iter().map(|source| SourceRecord { suite, component: "main", source }).collect()
}

fn check(sources: &[String], binaries: &[String]) -> Order {
    let suite = suite("trixie", Role::Distribution, false);
    let (text, index) = (sources.concat(), upstream(binaries));
    let (packages, malformed) = packages::read(index.as_bytes());
    assert_eq!(malformed, []);
    order(&records(&text, &suite), &packages, "amd64")
}

fn jobs(order: &Order) -> Vec<String> {
    order.jobs.iter().map(|job| format!("{} {} after [{}]", job.source, job.arch, job.after.join(" "))).collect()
}

#[test]
fn a_source_comes_after_the_one_whose_binaries_its_build_dependencies_need() {
    let sources = [source("app", "any", "libx-dev", "app"), source("libc", "any", "", "libc6")];
    let binaries = [stanza("libx-dev", "1", "Depends: libc6\n"), stanza("libc6", "1", "Source: libc\n")];
    let order = check(&sources, &binaries);
    assert_eq!(jobs(&order), ["libc amd64 after []", "app amd64 after [libc]"]);
}

#[test]
fn what_no_index_has_yet_is_expected_from_the_source_that_builds_it() {
    let sources = [source("app", "any", "libnew-dev (>= 1)", "app"), source("new", "any", "", "libnew1, libnew-dev")];
    assert_eq!(jobs(&check(&sources, &[])), ["new amd64 after []", "app amd64 after [new]"]);
}

#[test]
fn sources_that_need_each_other_are_named_as_a_loop_and_still_ordered() {
    let sources = [source("a", "any", "b", "a"), source("b", "any", "a", "b")];
    let order = check(&sources, &[stanza("a", "1", ""), stanza("b", "1", "")]);
    assert_eq!(order.loops, [["a", "b"]]);
    assert_eq!(jobs(&order), ["a amd64 after []", "b amd64 after [a]"]);
}

#[test]
fn the_architecture_independent_half_is_a_job_of_its_own() {
    let order = check(&[source("a", "any all", "", "a, a-doc"), source("b", "armel", "", "b")], &[]);
    assert_eq!(jobs(&order), ["a amd64 after []", "a all after []"]);
    assert_eq!(order.not_for_here, ["b"]);
}

fn selected(names: &[&str]) -> Result<Vec<String>, String> {
    let main = suite("trixie", Role::Distribution, false);
    let text = [source("hello", "any", "", "hello"), source("zlib", "any", "", "zlib1g")].concat();
    let index = stanza("zlib1g", "1", "Source: zlib\n");
    let (packages, _) = packages::read(index.as_bytes());
    let archive = Archive {
        sources: records(&text, &main),
        packages: packages
            .into_iter()
            .map(|package| crate::core::archive::PackageRecord { suite: &main, component: "main", package })
            .collect(),
        malformed: Vec::new(),
    };
    let names = names.iter().map(|&name| name.to_owned()).collect();
    select(&archive, &Selection::Names(names))
        .map(|records| records.iter().map(|record| record.source.name.to_owned()).collect())
        .map_err(|error| error.to_string())
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

//! Small archives made by hand, and what dpkg and apt would say of them.

mod cases;
mod features;
mod words;
mod closure;
mod brute;

use cases::index;

use super::base::{Base, build_essential};
use super::installer::{Installed, Installer};
use super::refusal::Refusal;
use super::request::{Alternatives, Request};
use super::universe::{Architectures, Universe};
use crate::core::debian::packages::{self, Package};

/// Reads an index that is well formed.
pub(super) fn read(index: &str) -> Vec<Package<'_>> {
    let (packages, malformed) = packages::read(index.as_bytes());
    assert_eq!(malformed, []);
    packages
}

/// What is asked of an archive.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) architectures: Architectures<'a>,
    pub(super) depends: &'a str,
    pub(super) conflicts: &'a str,
    pub(super) profiles: &'a [&'a str],
    pub(super) alternatives: Alternatives,
}

impl Default for Asked<'_> {
    fn default() -> Self {
        Asked {
            architectures: Architectures::native("amd64"),
            depends: "",
            conflicts: "",
            profiles: &[],
            alternatives: Alternatives::Any,
        }
    }
}

/// Answers one question over an archive that has what every build needs beside `lines`.
pub(super) fn answer(lines: &[&str], asked: Asked<'_>) -> Result<Vec<String>, Refusal> {
    let text = index(&[&cases::BASE, lines].concat());
    answer_over(&read(&text), asked)
}

/// Answers one question over exactly these packages.
pub(super) fn answer_over(packages: &[Package<'_>], asked: Asked<'_>) -> Result<Vec<String>, Refusal> {
    let universe = Universe::new(packages, asked.architectures);
    let field = build_essential(asked.architectures);
    let base = Base::new(&universe, &[&field]);
    let request = Request {
        depends: [asked.depends.as_bytes(), b"", b""],
        conflicts: [asked.conflicts.as_bytes(), b"", b""],
        profiles: asked.profiles,
        alternatives: asked.alternatives,
    };
    let answer = Installer::new(&universe, &base).check(&request);
    answer.map(|installed| names(&universe, &base, &installed))
}

/// The names of what is installed, sorted, those of another architecture with it; `-NAME` for what must go.
fn names(universe: &Universe<'_>, base: &Base<'_>, installed: &Installed) -> Vec<String> {
    assert!(installed.without.iter().all(|package| base.packages.contains(package)));
    let name = |&number: &u32| {
        let package = universe.package(number);
        let native = [universe.architectures().build, "all"].contains(&package.architecture);
        if native { package.name.to_owned() } else { format!("{}:{}", package.name, package.architecture) }
    };
    let mut names: Vec<String> = installed.packages.iter().map(name).collect();
    names.extend(installed.without.iter().map(|number| format!("-{}", name(number))));
    names.sort();
    names
}

//! The answers over small random archives, beside those of trying every set of packages.

use proptest::prelude::*;
use proptest::sample::select;

use super::cases::index;
use super::read;
use crate::core::debian::packages::Package;
use crate::core::debian::relation::{Relation, holding};
use crate::core::install::base::Base;
use crate::core::install::installer::Installer;
use crate::core::install::request::{Alternatives, Request};
use crate::core::install::universe::{Architectures, Universe};

const ROOT: &str = "build-essential:native";

/// One alternative, as a source package or as a binary package may have it.
fn alternative(of_source: bool) -> impl Strategy<Value = String> {
    let name = select(vec!["a", "b", "c", "d", "v", "w"]);
    let qualifier = select(vec!["", "", "", "", "", "", ":any", ":native", ":amd64", ":armel"]);
    let version = select(vec!["", "", "", "", " (>= 2)", " (<< 2)", " (= 1)", " (<= 1)", " (>> 1)"]);
    let restriction = select(vec!["", "", "", "", "", " [amd64]", " [!amd64]", " <!nocheck>", " <cross>"]);
    (name, qualifier, version, restriction).prop_map(move |(name, qualifier, version, restriction)| {
        format!("{name}{qualifier}{version}{}", if of_source { restriction } else { "" })
    })
}

/// Relations with up to three alternatives.
fn field(of_source: bool, count: usize) -> impl Strategy<Value = String> {
    let relation = prop::collection::vec(alternative(of_source), 1..=3).prop_map(|all| all.join(" | ")).boxed();
    // Most have none, as archives in which nothing can be installed say little.
    let relations = prop_oneof![1 => Just(0..=0), 1 => Just(1..=count)];
    relations.prop_flat_map(move |range| prop::collection::vec(relation.clone(), range)).prop_map(|all| all.join(", "))
}

/// Relations without alternatives.
fn list(of_source: bool, count: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(alternative(of_source), 0..=count).prop_map(|relations| relations.join(", "))
}

/// A line for [`index`].
fn package() -> impl Strategy<Value = String> {
    let name = select(vec!["a", "b", "c", "d"]);
    let architecture = select(vec!["amd64", "amd64", "armel", "armel", "all"]);
    let multi_arch = select(vec!["no", "same", "same", "foreign", "allowed"]);
    let provides = select(vec!["", "", "v", "w", "v (= 2), w", "v (= 1)", "w (= 2)"]);
    let essential = select(vec!["no", "no", "no", "no", "no", "yes"]);
    let fields = (field(false, 2), field(false, 1), list(false, 1), list(false, 1));
    (name, select(vec![1, 1, 2, 2, 3]), architecture, multi_arch, provides, essential, fields).prop_map(
        |(name, version, architecture, multi_arch, provides, essential, (depends, pre, conflicts, breaks))| {
            format!(
                "{name} {version} {architecture}; Depends: {depends}; Pre-Depends: {pre}; Conflicts: {conflicts}; \
                 Breaks: {breaks}; Multi-Arch: {multi_arch}; Provides: {provides}; Essential: {essential}"
            )
        },
    )
}

/// What is in a set, straight from the definition.
struct Set<'s, 'a> {
    members: Vec<&'s Package<'a>>,
    architectures: Architectures<'s>,
}

impl<'a> Set<'_, 'a> {
    fn architecture<'p>(&'p self, package: &'p Package<'a>) -> &'p str {
        if package.architecture == "all" { self.architectures.build } else { package.architecture }
    }

    /// The versions under which a package goes by a name.
    fn versions<'p>(package: &'p Package<'a>, name: &[u8]) -> Vec<Option<&'p [u8]>> {
        let provided = holding(package.provides, "amd64", &[]).into_iter().flatten();
        let provided = provided.filter(|it| it.name == name);
        let real = (package.name.as_bytes() == name).then_some(Some(package.version.as_bytes()));
        real.into_iter().chain(provided.map(|it| (!it.version.is_empty()).then_some(it.version))).collect()
    }

    fn named(&self, package: &Package<'a>, relation: &Relation<'_>) -> bool {
        let versions = Self::versions(package, relation.name);
        versions.iter().any(|version| relation.operator.accepts(*version, relation.version))
    }

    fn qualifier<'p>(&'p self, relation: &'p Relation<'_>) -> &'p str {
        match relation.qualifier {
            b"native" => self.architectures.build,
            other => std::str::from_utf8(other).unwrap(),
        }
    }

    fn satisfies(&self, package: &Package<'a>, relation: &Relation<'_>, from: &str) -> bool {
        let fits = match self.qualifier(relation) {
            "" => self.architecture(package) == from || package.multi_arch == b"foreign",
            "any" => package.multi_arch == b"allowed",
            named => self.architecture(package) == named,
        };
        fits && self.named(package, relation)
    }

    fn all_satisfied(&self, relations: &[Vec<Relation<'_>>], from: &str) -> bool {
        let satisfied = |one: &Relation<'_>| self.members.iter().any(|package| self.satisfies(package, one, from));
        relations.iter().all(|alternatives| alternatives.iter().any(satisfied))
    }

    fn hits(&self, field: &[u8], profiles: &[&str], package: &Package<'a>) -> bool {
        holding(field, self.architectures.host, profiles).iter().flatten().any(|relation| {
            let qualifier = self.qualifier(relation);
            let meant = ["", "any", self.architecture(package)].contains(&qualifier);
            meant && self.named(package, relation)
        })
    }

    fn together(&self, one: &Package<'a>, other: &Package<'a>) -> bool {
        if one.name == other.name {
            let same = [one, other].iter().all(|package| package.multi_arch == b"same");
            return same && one.version == other.version && self.architecture(one) != self.architecture(other);
        }
        ![(one, other), (other, one)]
            .iter()
            .any(|(by, other)| self.hits(by.conflicts, &[], other) || self.hits(by.breaks, &[], other))
    }

    /// Whether the set is one that could be installed.
    fn stands(&self) -> bool {
        let needs = self.members.iter().all(|package| {
            let from = self.architecture(package);
            [package.depends, package.pre_depends]
                .iter()
                .all(|field| self.all_satisfied(&holding(field, self.architectures.host, &[]), from))
        });
        let pairs =
            |(at, one): (usize, &&Package<'a>)| self.members[at + 1..].iter().all(|other| self.together(one, other));
        needs && self.members.iter().enumerate().all(pairs)
    }

    fn answers(&self, essential: &[&Package<'a>], request: &Request<'_>) -> bool {
        let mut wanted = holding(request.depends[0], self.architectures.host, request.profiles);
        if request.alternatives == Alternatives::First {
            for alternatives in &mut wanted {
                let first = alternatives[0];
                alternatives.retain(|it| (it.name, it.qualifier) == (first.name, first.qualifier));
            }
        }
        let base = holding(ROOT.as_bytes(), self.architectures.build, &[]);
        essential.iter().all(|package| self.members.iter().any(|member| std::ptr::eq(*member, *package)))
            && self.all_satisfied(&base, self.architectures.build)
            && self.all_satisfied(&wanted, self.architectures.host)
            && !self.members.iter().any(|package| self.hits(request.conflicts[0], request.profiles, package))
            && self.stands()
    }
}

/// The packages that can be seen: of each name and architecture the first of the latest version.
fn seen<'s, 'a>(packages: &'s [Package<'a>], architectures: Architectures<'_>) -> Vec<&'s Package<'a>> {
    let native = |package: &Package<'_>| ["all", architectures.build].contains(&package.architecture);
    let there = packages.iter().filter(|package| native(package) || package.architecture == architectures.host);
    let mut seen: Vec<&Package<'a>> = Vec::new();
    for package in there {
        match seen.iter_mut().find(|it| it.name == package.name && native(it) == native(package)) {
            Some(other) if other.version < package.version => *other = package,
            Some(_) => {}
            None => seen.push(package),
        }
    }
    seen
}

/// Checks a row of requests with one installer.
fn check(text: &str, requests: &[Request<'_>], architectures: Architectures<'_>) -> Result<(), TestCaseError> {
    let packages = read(text);
    let seen = seen(&packages, architectures);
    let native = |package: &&&Package<'_>| ["all", architectures.build].contains(&package.architecture);
    let essential: Vec<&Package<'_>> = seen.iter().filter(native).filter(|it| it.essential).copied().collect();
    let universe = Universe::new(&packages, architectures);
    let base = Base::new(&universe, &[ROOT]);
    let mut installer = Installer::new(&universe, &base);
    for request in requests {
        let possible = (0u32..1 << seen.len()).any(|bits| {
            let members = (0..seen.len()).filter(|at| bits >> at & 1 == 1).map(|at| seen[at]).collect();
            Set { members, architectures }.answers(&essential, request)
        });
        let answer = installer.check(request);
        prop_assert_eq!(&answer, &Installer::new(&universe, &base).check(request), "earlier requests do not matter");
        match answer {
            Ok(installed) => {
                let kept = base.packages.iter().filter(|package| !installed.without.contains(package));
                let members = kept.chain(&installed.packages).map(|&number| universe.package(number)).collect();
                prop_assert!(Set { members, architectures }.answers(&essential, request), "{:?}\n{}", request, text);
            }
            Err(refusal) => {
                prop_assert!(!possible, "{refusal} {request:?}\n{text}");
                prop_assert!(refusal.to_string().starts_with("needs "), "{refusal}");
            }
        }
    }
    Ok(())
}

fn requests() -> impl Strategy<Value = Vec<(String, String, bool, bool)>> {
    // One name for both architectures is rare enough to be asked for by itself.
    let both = select(vec!["a", "b", "c", "d"]).prop_map(|name| format!("{name}, {name}:native"));
    let depends = prop_oneof![3 => field(true, 3), 1 => both];
    prop::collection::vec((depends, list(true, 1), any::<bool>(), any::<bool>()), 1..=4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_is_that_of_trying_every_set_of_packages(
        lines in prop::collection::vec(package(), 0..=8),
        asked in requests(),
        cross in any::<bool>(),
        base in select(vec!["", "", "", "; Depends: d | c | x", "; Depends: a | v"]),
    ) {
        let essential = format!("build-essential 1 amd64{base}");
        let lines: Vec<&str> = lines.iter().map(String::as_str).chain([essential.as_str()]).collect();
        let text = index(&lines);
        let requests: Vec<Request<'_>> = asked
            .iter()
            .map(|(depends, conflicts, first, nocheck)| Request {
                depends: [depends.as_bytes(), b"", b""],
                conflicts: [conflicts.as_bytes(), b"", b""],
                profiles: if *nocheck { &["nocheck"] } else { &[] },
                alternatives: if *first { Alternatives::First } else { Alternatives::Any },
            })
            .collect();
        check(&text, &requests, Architectures { build: "amd64", host: if cross { "armel" } else { "amd64" } })?;
    }
}

//! Each feature of dependencies with the answer that dpkg and apt give, as a table.

use super::{Asked, answer};
use crate::core::install::request::Alternatives;
use crate::core::install::universe::Architectures;

/// One line: the archive, the question, and what gets installed (`None`: it cannot be).
type Case<'a> = (&'a [&'a str], &'a str, Option<&'a str>);

fn check(cases: &[Case<'_>], asked: Asked<'_>) {
    for (lines, depends, expected) in cases {
        let got = answer(lines, Asked { depends, ..asked });
        let got = got.map(|names| names.join(" ")).map_err(|refusal| refusal.to_string());
        match expected {
            Some(names) => assert_eq!(got.as_deref(), Ok(*names), "{lines:?}: {depends}"),
            None => assert!(got.is_err(), "{lines:?}: {depends}: {got:?}"),
        }
    }
}

#[test]
fn versions_alternatives_and_provides_count_as_for_dpkg() {
    check(
        &[
            (&["a 1:2.0-1"], "a (>= 2.0)", Some("a")),
            (&["a 2.0~rc1"], "a (>= 2.0)", None),
            (&["a 2"], "a (<< 2)", None),
            (&["a 2"], "a (<= 2), a (= 0:2)", Some("a")),
            (&["a 2"], "a (>> 1), a (< 2)", Some("a")),
            (&["a 1", "b 1"], "x | b | a", Some("b")),
            (&["a 1", "b 1", "c 1; Depends: a"], "b | a, c", Some("a c")),
            (&["a 1; Depends: x", "b 1"], "a | b", Some("b")),
            (&["a 1; Provides: v"], "v", Some("a")),
            (&["a 1; Provides: v"], "v (>= 1)", None),
            (&["a 1; Provides: v (= 2)"], "v (>= 2)", Some("a")),
            (&["a 1; Provides: v (= 2)"], "v (>> 2)", None),
            (&["a 1; Provides: v", "v 1"], "v", Some("v")),
            (&["a 1; Provides: v (= 3)", "v 1"], "v (>= 2)", Some("a")),
        ],
        Asked::default(),
    );
}

#[test]
fn what_is_needed_in_turn_is_installed_and_pre_depends_count_too() {
    check(
        &[
            (&["a 1; Depends: b", "b 1; Pre-Depends: c", "c 1", "d 1"], "a", Some("a b c")),
            (&["a 1; Depends: b", "b 1; Depends: a"], "a", Some("a b")),
            (&["a 1; Depends: b", "b 1; Pre-Depends: c"], "a", None),
            (&["a 1; Recommends: x"], "a", Some("a")),
        ],
        Asked::default(),
    );
}

#[test]
fn conflicts_and_breaks_exclude_and_replaces_does_not() {
    check(
        &[
            (&["a 1; Conflicts: b", "b 1"], "a, b", None),
            (&["a 1; Breaks: b", "b 1"], "b, a", None),
            (&["a 1; Breaks: b (<< 2)", "b 1"], "a, b", None),
            (&["a 1; Breaks: b (<< 2)", "b 2"], "a, b", Some("a b")),
            (&["a 1; Replaces: b", "b 1"], "a, b", Some("a b")),
            (&["a 1; Conflicts: v; Provides: v", "b 1; Provides: v"], "a", Some("a")),
            (&["a 1; Conflicts: v; Provides: v", "b 1; Provides: v"], "a, b", None),
            (&["a 1; Conflicts: v (<< 2)", "b 1; Provides: v"], "a, b", Some("a b")),
            (&["a 1; Conflicts: v (<< 2)", "b 1; Provides: v (= 1)"], "a, b", None),
            (&["a 1; Conflicts: b:i386", "b 1"], "a, b", Some("a b")),
            (&["a 1; Conflicts: a"], "a", Some("a")),
            // Only the second alternative goes with what else is wanted, far from where it is chosen.
            (&["a 1; Depends: b | c", "b 1; Depends: d", "c 1", "d 1; Conflicts: e", "e 1"], "a, e", Some("a c e")),
            (&["a 1; Conflicts: dpkg"], "a", None),
        ],
        Asked::default(),
    );
}

#[test]
fn a_base_package_that_is_not_essential_may_go_for_another_that_serves() {
    let lines = ["compiler 1; Provides: cc", "other 1; Provides: cc; Conflicts: compiler"];
    let text = super::index(&[&["build-essential 1; Depends: cc", "dpkg 1; Essential: yes"][..], &lines].concat());
    let answer = super::answer_over(&super::read(&text), Asked { depends: "other", ..Asked::default() });
    assert_eq!(answer.unwrap(), ["-compiler", "other"]);
}

#[test]
fn architecture_lists_and_profiles_take_relations_away() {
    let archive: &[&str] = &["a 1", "b 1"];
    check(
        &[
            (archive, "a [amd64], x [i386], b [linux-any]", Some("a b")),
            (archive, "x [!amd64], a [!armel !armhf]", Some("a")),
            (archive, "x [i386] | a", Some("a")),
            (archive, "a <!nocheck>, x <cross>", Some("a")),
            (archive, "x <stage1> <!nodoc !nocheck>", None),
            (archive, "x (>= 2) <stage1 !nodoc>, b", Some("b")),
        ],
        Asked::default(),
    );
    check(
        &[
            (archive, "x <!nocheck>, a <nocheck>, b <!stage1> <cross>", Some("a b")),
            (archive, "a <!nodoc !nocheck>", Some("")),
        ],
        Asked { profiles: &["nocheck"], ..Asked::default() },
    );
}

#[test]
fn build_conflicts_keep_packages_away() {
    let lines: &[&str] = &["a 1; Depends: b | c", "b 1", "c 1"];
    let banned = |conflicts| Asked { conflicts, ..Asked::default() };
    check(&[(lines, "a", Some("a c"))], banned("b"));
    check(&[(lines, "a", Some("a b"))], banned("b (>> 1), c [i386], x"));
    check(&[(lines, "a", None)], banned("b, c"));
    check(&[(lines, "a", Some("a b")), (lines, "", Some(""))], banned("b <stage1>"));
    check(&[(lines, "", None)], banned("dpkg"));
}

#[test]
fn of_first_alternatives_those_of_the_same_name_and_qualifier_stay() {
    let first = Asked { alternatives: Alternatives::First, ..Asked::default() };
    check(
        &[
            (&["a 1", "b 1"], "x | a", None),
            (&["a 1", "b 1"], "x [i386] | b | a", Some("b")),
            (&["a 1"], "a (>= 2) | a (<< 1.5)", Some("a")),
            (&["a 1; Multi-Arch: allowed"], "a:any (>= 2) | a (<< 1.5)", None),
            (&["a 1", "b 1"], "x <stage1> | a", Some("a")),
            // What packages need is not a build-dependency: all of its alternatives count.
            (&["a 1; Depends: x | b", "b 1"], "a", Some("a b")),
        ],
        first,
    );
}

#[test]
fn qualifiers_ask_for_what_dpkg_says_they_ask_for() {
    check(
        &[
            (&["a 1; Multi-Arch: allowed"], "a:any", Some("a")),
            (&["a 1; Multi-Arch: foreign"], "a:any", None),
            (&["a 1"], "a:any", None),
            (&["a 1; Multi-Arch: allowed; Provides: v"], "v:any", Some("a")),
            (&["a 1"], "a:native, a:amd64", Some("a")),
            (&["a 1 all"], "a:native", Some("a")),
            (&["a 1"], "a:armel", None),
        ],
        Asked::default(),
    );
}

#[test]
fn a_cross_build_takes_build_dependencies_from_the_host_architecture() {
    let cross = Asked { architectures: Architectures { build: "amd64", host: "armel" }, ..Asked::default() };
    check(
        &[
            (&["a 1", "a 1 armel"], "a", Some("a:armel")),
            (&["a 1"], "a", None),
            (&["a 1 armel"], "a:native", None),
            (&["a 1", "a 1 armel"], "a:native", Some("a")),
            (&["a 1; Multi-Arch: foreign"], "a", Some("a")),
            (&["a 1; Multi-Arch: foreign", "a 1 armel; Multi-Arch: foreign"], "a", Some("a")),
            (&["a 1; Multi-Arch: allowed"], "a:any", Some("a")),
            (&["a 1; Multi-Arch: allowed"], "a", None),
            // A package for all architectures counts as one of that which the build runs on.
            (&["a 1 all"], "a", None),
            (&["a 1 all; Multi-Arch: foreign"], "a", Some("a")),
            (&["a 1 all; Depends: b; Multi-Arch: foreign", "b 1 armel"], "a", None),
            (&["a 1 armel; Depends: b", "b 1", "b 1 armel"], "a", Some("a:armel b:armel")),
            (&["a 1 armel; Depends: b:amd64", "b 1"], "a", Some("a:armel b")),
            // One name for two architectures: only where both are `same`, and of one version.
            (&["a 1; Multi-Arch: same", "a 1 armel; Multi-Arch: same"], "a, a:native", Some("a a:armel")),
            (&["a 1; Multi-Arch: same", "a 2 armel; Multi-Arch: same"], "a, a:native", None),
            (&["a 1", "a 1 armel"], "a, a:native", None),
            (&["a 1; Multi-Arch: same", "a 1 armel"], "a, a:native", None),
            // Conflicts mean all architectures unless they name one, and never the package itself.
            (&["a 1 armel; Conflicts: b", "b 1"], "a, b:native", None),
            (&["a 1 armel; Conflicts: b:armel", "b 1"], "a, b:native", Some("a:armel b")),
            (
                &[
                    "a 1; Multi-Arch: same; Conflicts: v; Provides: v",
                    "a 1 armel; Multi-Arch: same; Conflicts: v; Provides: v",
                ],
                "a, a:native",
                Some("a a:armel"),
            ),
            (&["a 1; Provides: v; Multi-Arch: foreign"], "v", Some("a")),
            (&["a 1; Provides: v"], "v", None),
            (&["a 1 armel"], "a [armel], x [amd64]", Some("a:armel")),
        ],
        cross,
    );
}

//! What is said where something cannot be installed, and archives that are bad in other ways.

use super::cases::index;
use super::{Asked, answer, answer_over, read};
use crate::core::install::request::Alternatives;
use crate::core::install::universe::Architectures;

fn check(lines: &[&str], depends: &str, words: &str) {
    let asked = Asked { depends, ..Asked::default() };
    assert_eq!(answer(lines, asked).unwrap_err().to_string(), words);
}

#[test]
fn what_is_missing_is_said_with_the_shortest_chain() {
    check(&[], "a", "needs a, which is not there");
    check(&["libfoo-dev 1.9"], "libfoo-dev (>= 2)", "needs libfoo-dev (>= 2), only 1.9 is there");
    check(&["a 1; Depends: b (>= 2)", "b 1"], "a", "needs a, which needs b (>= 2), only 1 is there");
    check(
        &["a 1; Depends: b", "b 1; Depends: c", "c 1; Depends: x", "d 1; Depends: x"],
        "a, d",
        "needs d, which needs x, which is not there",
    );
    check(
        &["a 1; Depends: c | d", "c 1; Depends: e", "d 1; Depends: x", "e 1; Depends: x"],
        "a",
        "needs a, which needs c | d, for which d needs x, which is not there",
    );
    check(&["a 1; Depends: x; Provides: v"], "v", "needs v, for which a needs x, which is not there");
    check(
        &["a 1", "b 2"],
        "x [amd64] | a (>= 2) <!nocheck> | b (<< 2)",
        "needs x | a (>= 2) | b (<< 2), only 1, 2 is there",
    );
}

#[test]
fn what_is_there_in_another_form_is_said() {
    check(&["a 1; Provides: v"], "v (>= 1)", "needs v (>= 1), which is provided without a version by a");
    check(&["a 1"], "a:any", "needs a:any, which is not `Multi-Arch: allowed`");
    check(&["a 1"], "a:armel", "needs a:armel, which is there for amd64 only");
    check(&["a 1 i386"], "a", "needs a, which is not there");
    let cross = Architectures { build: "amd64", host: "armel" };
    let answer = answer(&["a 1 all"], Asked { architectures: cross, depends: "a", ..Asked::default() });
    assert_eq!(answer.unwrap_err().to_string(), "needs a, which is there for amd64 only");
}

#[test]
fn packages_that_exclude_each_other_are_named_with_who_wants_them() {
    check(&["a 1; Conflicts: b", "b 1"], "a, b", "needs a and b; a conflicts with b");
    check(
        &["a 1; Conflicts: c (<< 2)", "b 1; Depends: c", "c 1"],
        "a, b",
        "needs a and b; a conflicts with c (<< 2), which b needs",
    );
    check(
        &["a 1; Depends: m", "m 1; Depends: n", "n 1; Breaks: c", "b 1; Depends: c", "c 1", "z 1; Depends: a"],
        "z, b",
        "needs z and b; n, which m needs, which a needs, which z needs, breaks c, which b needs",
    );
    check(&["a 1; Conflicts: dpkg"], "a", "needs a; a conflicts with dpkg, which is Essential");
    check(&["a 1; Conflicts: v", "b 1; Provides: v"], "b, a", "needs b and a; a conflicts with v, which b provides");
    check(
        &["a 1", "b 1; Conflicts: a", "c 1; Conflicts: a"],
        "a, b | c",
        "needs a and b | c; b conflicts with a; c conflicts with a",
    );
    let banned = Asked { depends: "a", conflicts: "b", ..Asked::default() };
    let refusal = answer(&["a 1; Depends: b", "b 1"], banned).unwrap_err();
    assert_eq!(refusal.to_string(), "needs a; build-conflicts with b, which a needs");
    let cross = Architectures { build: "amd64", host: "armel" };
    let both = Asked { architectures: cross, depends: "a, a:native", ..Asked::default() };
    let refusal = answer(&["a 1", "a 1 armel"], both).unwrap_err();
    assert_eq!(refusal.to_string(), "needs a and a:native; a:amd64 cannot be beside a:armel");
}

#[test]
fn of_first_alternatives_only_those_that_count_are_named() {
    let first = Asked { depends: "x | a, a", alternatives: Alternatives::First, ..Asked::default() };
    assert_eq!(answer(&["a 1"], first).unwrap_err().to_string(), "needs x, which is not there");
}

#[test]
fn a_malformed_relation_is_named_and_satisfied_by_nothing() {
    check(&["a 1", "b 1"], "a b", "needs `a b`, which is no relation: expected `|` or the end after `a`, got `b`");
    check(
        &["a 1; Depends: (>= 2)"],
        "a",
        "needs a, which needs `(>= 2)`, which is no relation: expected the name of a package, got ``",
    );
    check(
        &["a 1"],
        "a (>= )",
        "needs `a (>= )`, which is no relation: `a`: expected an operator and a version in `()`, got ``",
    );
}

#[test]
fn a_base_that_cannot_be_installed_is_every_answer() {
    let words = |lines: &[&str], architecture: &'static str| {
        let text = index(lines);
        let asked = Asked { architectures: Architectures::native(architecture), ..Asked::default() };
        let refusal = answer_over(&read(&text), asked).unwrap_err();
        (refusal.to_string(), refusal.hint().unwrap())
    };
    let empty = "needs packages for `amd64`, the indexes list none at all";
    assert_eq!(words(&[], "amd64").0, empty);
    let (text, hint) = words(&["build-essential 1 amd64"], "amd46");
    assert_eq!(text, "needs packages for `amd46`, the indexes list only those for `amd64`");
    assert_eq!(hint, "set the architecture to one of `amd64`, or import what there is for `amd46`");
    assert_eq!(words(&["dpkg 1; Essential: yes"], "amd64").0, "needs build-essential:native, which is not there");
    let broken = ["build-essential 1", "dpkg 1; Essential: yes; Depends: tar (>= 2)", "tar 1"];
    assert_eq!(words(&broken, "amd64").0, "needs tar (>= 2), only 1 is there");
    let excluded = ["build-essential 1", "dpkg 1; Essential: yes; Conflicts: tar", "tar 1; Essential: yes"];
    let both = "needs the Essential packages; dpkg, which is Essential, conflicts with tar, which is Essential";
    assert_eq!(words(&excluded, "amd64").0, both);
}

#[test]
fn of_duplicate_packages_the_later_version_is_seen() {
    let lines = ["a 1", "a 3; Depends: b", "a 2", "a 3", "b 1"];
    assert_eq!(answer(&lines, Asked { depends: "a (= 3)", ..Asked::default() }).unwrap(), ["a", "b"]);
    check(&lines, "a (<< 3)", "needs a (<< 3), only 3 is there");
}

#[test]
fn refusals_have_a_hint() {
    let hint =
        |lines: &[&str], depends| answer(lines, Asked { depends, ..Asked::default() }).unwrap_err().hint().unwrap();
    assert_eq!(hint(&["a 1"], "a (>= 2)"), "`a (>= 2)` must be imported or built first");
    assert_eq!(hint(&[], "a"), "import a suite that has `a`, or build first what makes it");
    assert_eq!(hint(&["a 1; Conflicts: b", "b 1"], "a, b"), "have `a` or `b` in versions that go together");
}

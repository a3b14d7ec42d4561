//! The answers of the tables in `cases`.

use super::cases::{self, Table, index};
use super::{Asked, answer, answer_over, read};
use crate::core::install::request::Alternatives;
use crate::core::install::universe::Architectures;

fn check(table: &Table) {
    for (lines, depends, expected) in table.cases {
        let asked = Asked {
            architectures: Architectures { build: "amd64", host: table.host },
            depends,
            conflicts: table.conflicts,
            profiles: table.profiles,
            alternatives: if table.first { Alternatives::First } else { Alternatives::Any },
        };
        let got = answer(lines, asked).map(|names| names.join(" ")).map_err(|refusal| refusal.to_string());
        match expected {
            Some(names) => assert_eq!(got.as_deref(), Ok(*names), "{lines:?}: {depends}"),
            None => assert!(got.is_err(), "{lines:?}: {depends}: {got:?}"),
        }
    }
}

#[test]
fn versions_alternatives_and_provides_count_as_for_dpkg() {
    check(&cases::VERSIONS);
}

#[test]
fn what_is_needed_in_turn_is_installed_and_pre_depends_count_too() {
    check(&cases::CHAINS);
}

#[test]
fn conflicts_and_breaks_exclude_and_replaces_does_not() {
    check(&cases::EXCLUSIONS);
}

#[test]
fn a_base_package_that_is_not_essential_may_go_for_another_that_serves() {
    let base = ["build-essential 1; Depends: cc", "dpkg 1; Essential: yes"];
    let text =
        index(&[&base[..], &["compiler 1; Provides: cc", "other 1; Provides: cc; Conflicts: compiler"]].concat());
    let answer = answer_over(&read(&text), Asked { depends: "other", ..Asked::default() });
    assert_eq!(answer.unwrap(), ["-compiler", "other"]);
}

#[test]
fn architecture_lists_and_profiles_take_relations_away() {
    check(&cases::RESTRICTIONS);
    check(&cases::PROFILES);
}

#[test]
fn build_conflicts_keep_packages_away() {
    cases::BANS.iter().for_each(check);
}

#[test]
fn of_first_alternatives_those_of_the_same_name_and_qualifier_stay() {
    check(&cases::FIRST);
}

#[test]
fn qualifiers_ask_for_what_dpkg_says_they_ask_for() {
    check(&cases::QUALIFIERS);
}

#[test]
fn a_cross_build_takes_build_dependencies_from_the_host_architecture() {
    check(&cases::CROSS);
}

//! `cloudbuild outdated`: which sources have no binaries, or older ones.

use crate::fixture::base::architecture;
use crate::fixture::{Fixture, Making, write_index};
use crate::harness::Place;
use crate::refused::{campaign, document, names, on, refused};

/// An archive whose `tiny-two` is there, and whose `tiny-builds` is there in an older version.
fn archive() -> Fixture {
    let fixture = Fixture::of(&Making::default().without_base().upstream("tiny-two").upstream("tiny-builds"));
    let sources = fixture.path("dists/fixture/main/source/Sources");
    let newer = std::fs::read_to_string(&sources)
        .unwrap()
        .split_inclusive("\n\n")
        .map(|stanza| match stanza.starts_with("Package: tiny-builds\n") {
            true => stanza.replace("\nVersion: 1.0\n", "\nVersion: 1.1\n"),
            false => stanza.to_owned(),
        })
        .collect::<String>();
    assert!(newer.contains("\nVersion: 1.1\n"));
    write_index(&fixture.path("dists/fixture/main/source"), "Sources", newer.as_bytes());
    fixture.sign();
    fixture
}

/// `source version arch verdict` of each that is outdated.
fn outdated(document: &serde_json::Value) -> Vec<String> {
    let lines = document["outdated"].as_array().unwrap().iter();
    lines
        .map(|line| ["source", "version", "arch", "verdict"].map(|key| line[key].as_str().unwrap()).join(" "))
        .collect()
}

#[test]
fn without_a_recipe_the_suites_sources_are_compared_with_their_own_binaries() {
    let fixture = archive();
    let place = Place::new();
    let arch = architecture();
    let ran = on(&place, &fixture, &["outdated"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for line in [
        format!("{arch}: 6 of 9 sources outdated\n"),
        "  tiny-builds 1.1: only those of 1.0 are there\n".to_owned(),
        "  tiny-needs 1.0: no binaries are there\n".to_owned(),
        "all: 0 of 1 source outdated\n".to_owned(),
    ] {
        assert!(ran.stdout.contains(&line), "no `{line}` in {ran:?}");
    }
    assert!(!ran.stdout.contains("tiny-two") && !ran.stdout.contains("tiny-loop"), "{ran:?}");

    let all = document(&on(&place, &fixture, &["outdated", "--json", "--arch", "all"]).run());
    assert_eq!(all["counts"], serde_json::json!({"all": {"current": 1, "not-for-here": 8}}));
    let other = document(&on(&place, &fixture, &["outdated", "--json", "--arch", "s390x"]).run());
    assert_eq!(other["counts"], serde_json::json!({"s390x": {"missing": 9}}));
    assert_eq!(names(place.path()), ["cache"], "it writes no state");
}

#[test]
fn exclusions_and_what_is_not_for_us_are_read_from_files() {
    let fixture = archive();
    let place = Place::new();
    let arch = architecture();
    place.write("exclusions", &format!("# by hand\n%tiny-fails: !{arch}\ntiny-flags: hurd-any\nwhat is this\n"));
    place.write("not-for-us", "tiny-network\n");
    let words = ["outdated", "--json", "--arch", arch, "--exclusions", "exclusions", "--not-for-us", "not-for-us"];
    let ran = on(&place, &fixture, &words).run();
    let said = "note: exclusions: line 4, package `what is this`: expected `NAME: ARCHITECTURES`";
    assert!(ran.stderr.contains(said), "{ran:?}");
    let found = document(&ran);
    let expected = ["tiny-builds 1.1 older", "tiny-fails-tests 1.0 missing", "tiny-needs 1.0 missing"];
    let expected = expected.map(|line| {
        let (before, verdict) = line.rsplit_once(' ').unwrap();
        format!("{before} {arch} {verdict}")
    });
    assert_eq!(outdated(&found), expected);
    assert_eq!(found["counts"][arch]["not-for-us"], 1);
    let ran = on(&place, &fixture, &["outdated", "--not-for-us", "gone"]).run();
    refused(&ran, 2, &["cannot use the list `gone`", "No such file"]);
}

#[test]
fn a_recipe_that_was_never_run_has_published_nothing() {
    let fixture = archive();
    let place = Place::with_recipe("x.lua", &campaign("\"tiny-two\", \"tiny-builds\""));
    let ran = on(&place, &fixture, &["outdated", "x.lua"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let arch = architecture();
    let expected = format!(
        "nothing was published yet\nall: 1 of 1 source outdated\n  tiny-two 1.0: no binaries are there\n\
         {arch}: 2 of 2 sources outdated\n  tiny-builds 1.1: no binaries are there\n  tiny-two 1.0: no binaries are \
         there\n"
    );
    assert_eq!(ran.stdout, expected);
    let found = document(&on(&place, &fixture, &["outdated", "x.lua", "--arch", "all", "--json"]).run());
    assert_eq!(
        (outdated(&found), &found["archives"]),
        (vec!["tiny-two 1.0 all missing".to_owned()], &serde_json::json!([]))
    );
    assert_eq!(names(place.path()), ["cache", "x.lua"], "it writes no state");
    let said = ["no source package `tiny-tow`"];
    place.write("y.lua", &campaign("\"tiny-tow\""));
    refused(&on(&place, &fixture, &["outdated", "y.lua"]).run(), 3, &said);
}

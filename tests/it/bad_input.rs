//! Recipes that are wrong: file, line, what was expected, the nearest name; and a corrected recipe starts cleanly.

use std::fs;

use crate::fixture::{Fixture, Making};
use crate::harness::Place;
use crate::refused::{campaign, document, error_document, listing, names, on, refused, small};

#[test]
fn a_recipe_that_cannot_be_read_is_told_with_file_and_line_and_leaves_nothing() {
    let fixture = small();
    let head = "local cb = require \"cloudbuild\"\nreturn cb.campaign \"x\" {\n";
    let cases = [
        ("  packages = \n}\n", vec!["x.lua:4: syntax error: ", "got '}'", "hint: look at this line"]),
        (
            "  pakages = { \"a\" },\n}\n",
            vec!["x.lua:3: `cb.campaign` has no option `pakages`", "3 |   pakages =", "hint: did you mean `packages`?"],
        ),
        (
            "  packages = 7,\n}\n",
            vec!["x.lua:3: `packages`: expected a list of strings", "got number 7", "hint: source packages by name"],
        ),
        (
            "  packages = {},\n}\n",
            vec!["x.lua:3: `packages`: expected at least one name", "hint: write `cb.everything"],
        ),
    ];
    for (tail, said) in cases {
        let place = Place::with_recipe("x.lua", &format!("{head}{tail}"));
        for command in ["run", "plan"] {
            refused(&on(&place, &fixture, &[command, "x.lua"]).run(), 3, &said);
        }
        let ran = on(&place, &fixture, &["x.lua", "--json"]).run();
        let error = error_document(&ran, 3, "recipe");
        assert!(error["message"].as_str().unwrap().starts_with("x.lua:"), "{error}");
        assert_eq!(names(place.path()), ["x.lua"], "a recipe that cannot be read makes no state");
    }
    assert!(fixture.server.requests().is_empty(), "nothing is fetched for it either");
}

#[test]
fn a_recipe_that_is_not_there_or_is_a_folder_is_told() {
    let fixture = small();
    let place = Place::new();
    fs::create_dir(place.path().join("folder.lua")).unwrap();
    let none = on(&place, &fixture, &["none.lua"]).run();
    refused(&none, 3, &["none.lua: cannot read the recipe: No such file", "hint: check the path"]);
    let folder = on(&place, &fixture, &["run", "folder.lua"]).run();
    refused(&folder, 3, &["folder.lua: expected a recipe's file, got a directory"]);
    let word = on(&place, &fixture, &["stauts"]).run();
    refused(&word, 2, &["expected a recipe or a command, got `stauts`", "hint: did you mean `cloudbuild status`?"]);
    assert_eq!(names(place.path()), ["folder.lua"]);
}

#[test]
fn an_unknown_package_is_told_with_the_nearest_names_and_the_corrected_recipe_starts_cleanly() {
    let fixture = small();
    let place = Place::with_recipe("x.lua", &campaign("\"tiny-bulds\""));
    let said = ["no source package `tiny-bulds` in the imported suites", "hint: did you mean `tiny-builds`"];
    refused(&on(&place, &fixture, &["plan", "x.lua"]).run(), 3, &said);
    assert!(!place.state("x").exists(), "a plan writes no state");
    refused(&on(&place, &fixture, &["x.lua"]).run(), 3, &said);
    let status = on(&place, &fixture, &["status", "--json"]).run();
    assert_eq!((status.code, document(&status)["jobs"].as_array().unwrap().len()), (Some(0), 0), "{status:?}");

    place.write("x.lua", &listing("\"tiny-builds\""));
    let ran = on(&place, &fixture, &["x.lua", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(document(&ran)["result"], serde_json::json!(["tiny-builds"]));
    assert_eq!(names(place.path()), ["cache", "x.cloudbuild", "x.lua"]);
}

#[test]
fn a_name_or_a_version_that_is_not_there_says_what_is() {
    let fixture = Fixture::of(&Making::default().without_base().upstream("tiny-two"));
    let place = Place::new();
    let cases = [
        (
            "\"libtiny1\"",
            [
                "no source package `libtiny1`",
                "hint: a binary package of that name is built by source package `tiny-two`",
            ],
        ),
        (
            "\"tiny-builds=9\"",
            ["no version `9` of source package `tiny-builds`; the imported suites have 1.0", "hint: ask for one"],
        ),
        ("\"zzzzzz\"", ["no source package `zzzzzz`", "hint: `cloudbuild import` shows what there is"]),
    ];
    for (name, said) in cases {
        place.write("x.lua", &campaign(name));
        refused(&on(&place, &fixture, &["plan", "x.lua"]).run(), 3, &said);
        let error = error_document(&on(&place, &fixture, &["x.lua", "--json"]).run(), 3, "recipe");
        assert!(error["message"].as_str().unwrap().contains(said[0]), "{error}");
    }
}

#[test]
fn arguments_that_a_recipe_does_not_take_are_a_matter_of_usage() {
    let fixture = small();
    let text = "local cb = require \"cloudbuild\"\nreturn cb.recipe { args = { package = \"string\" }, run = function() end }\n";
    let place = Place::with_recipe("x.lua", text);
    let ran = on(&place, &fixture, &["x.lua", "--pakage", "zlib"]).run();
    refused(&ran, 2, &["`x.lua` has no argument `--pakage`", "hint: did you mean `--package`?"]);
    assert_eq!(names(place.path()), ["x.lua"]);
}

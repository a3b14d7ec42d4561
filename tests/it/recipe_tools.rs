//! `recipe check`, `recipe test` and `recipe new`: on sample archives, without network, state or builders.

use crate::harness::{Call, Place};
use crate::refused::{document, names, refused};

fn recipe(place: &Place, words: &[&str]) -> Call {
    place.cloudbuild(&[&["recipe"], words].concat())
}

#[test]
fn a_recipe_that_is_right_is_checked_without_an_archive_and_leaves_nothing() {
    let text =
        "local cb = require 'cloudbuild'\nreturn cb.campaign 'x' { packages = { 'hello', 'nobody-knows=2:3-1' } }";
    let place = Place::with_recipe("x.lua", text);
    let ran = recipe(&place, &["check", "x.lua"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stdout, "x.lua: nothing is wrong (6 calls, 1 stage, on a sample archive)\n");
    let checked = document(&recipe(&place, &["check", "x.lua", "--json"]).run());
    assert_eq!(checked["calls"][1], "order");
    assert_eq!((&checked["stages"], &checked["findings"]), (&serde_json::json!(["first"]), &serde_json::json!([])));
    assert_eq!(names(place.path()), ["x.lua"]);
}

#[test]
fn what_is_odd_about_a_recipe_is_found() {
    let place = Place::new();
    let found = |text: &str, said: &[&str]| {
        place.write("x.lua", &format!("local cb = require 'cloudbuild'\n{text}\n"));
        let ran = recipe(&place, &["check", "x.lua"]).run();
        assert_eq!(ran.code, Some(3), "{ran:?}");
        for part in said {
            assert!(ran.stdout.contains(part), "no `{part}` in {ran:?}");
        }
    };
    found(
        "return cb.recipe { args = { name = 'string' }, run = function(cb, args)\n  local all = cb.import()\n  \
         local order = cb.order { sources = all, packages = { args.name } }\n  cb.order { sources = all, packages = \
         { 'sed' } }\n  cb.build { order = order, on = cb.launch { cb.here() } }\nend }",
        &[
            "x.lua: what `cb.order` gives the second time is never built\n",
            "x.lua: stage `first` is built, and neither published nor compared",
            "note: `--name` was not given; checked with \"hello\"\n",
            "x.lua: 2 findings (5 calls, 1 stage, on a sample archive)\n",
        ],
    );
    found(
        "return cb.recipe { run = function(cb)\n  local all = cb.import()\n  local order = cb.order { sources = all, \
         packages = { 'sed' } }\n  local built = cb.build { order = order, on = cb.launch { cb.here() } }\n  \
         if built.installed == 0 then error('nothing') end\n  cb.compare { built }\nend }",
        &["x.lua: fails when no package builds: [E0501]: x.lua:6: nothing"],
    );
    found("return cb.recipe { run = function() end }", &["`run` asks nothing of the primitives"]);
    // A recipe of one build, with what stands before, hooks, and more options of the build.
    let building = |before: &str, hooks: &str, more: &str| {
        format!(
            "{before}\nreturn cb.recipe {{ hooks = {{ {hooks} }}, run = function(cb)\n  local all = cb.import()\n  \
             local order = cb.order {{ sources = all, packages = {{ 'sed' }} }}\n  \
             cb.compare {{ cb.build {{ order = order, on = cb.launch {{ cb.here() }}, {more} }} }}\nend }}"
        )
    };
    let counts = "choose_flags = function(source)\n  asked = asked + 1\n  \
                  return { cflags = { append = '-O' .. asked % 3 } }\nend";
    let said = ["x.lua: `choose_flags` (x.lua:3) answers ", "when it is asked in another order"];
    found(&building("local asked = 0", counts, ""), &said);
    let fails = "on_failure = function(job)\n  return job.nothing.here\nend";
    found(&building("", fails, ""), &["x.lua: `on_failure` (x.lua:3) fails for "]);
    let rule = "rules = { { match = { name = { 'zlib' } }, set = { cflags = { append = '-O3' } } } }";
    found(&building("", "", rule), &["is never used: it is for zlib, which is not built"]);
    place.write("x.lua", "return cb\n");
    refused(&recipe(&place, &["check", "x.lua"]).run(), 3, &["error[E0301]: x.lua:1: `cb` is not defined"]);
}

#[test]
fn a_test_file_runs_recipes_on_archives_of_its_own() {
    let place = Place::new();
    place.write(
        "x.lua",
        "local cb = require 'cloudbuild'\nreturn cb.recipe { args = { section = 'string' }, run = function(cb, args)\n  \
         local all = cb.import()\n  local order = cb.order { sources = all, packages = { 'one', 'two' } }\n  \
         local built = cb.build { order = order, on = cb.launch { cb.here() } }\n  \
         if built.installed == 0 then error('nothing was built') end\n  \
         cb.publish { built, to = cb.dir 'out' { suite = args.section } }\nend }\n",
    );
    place.write(
        "x_test.lua",
        r#"local t = require "cloudbuild.test"
local archive = { one = { binaries = { "one-dev" } }, two = { binaries = { "two" }, build_depends = { "one-dev" } } }

t.case("what needs another one is built after it", function()
  local run = t.recipe "x.lua" { args = { section = "acme" }, archive = archive }
  t.equal(t.requests(run, "order")[1].packages, { names = { "one", "two" } })
  t.equal({ run.built[1].source, run.built[2].source }, { "one", "two" })
  t.equal(run.published, { { suite = "acme", stages = { "first" }, sources = { "one", "two" } } })
end)

t.case("what fails is not published", function()
  local run = t.recipe "x.lua" { args = { section = "acme" }, archive = archive, failures = { two = "test-failure" } }
  t.equal(run.published[1].sources, { "one" })
  t.equal(run.built[2].reason, "test-failure")
end)

t.case("when all fails, the recipe says so", function()
  t.raises(function()
    t.recipe "x.lua" { args = { section = "a" }, archive = archive, failures = { one = "x", two = "x" } }
  end, "nothing was built")
end)

t.case("a case that is not so", function()
  t.equal({ 1, { a = "b" } }, { 1, { a = "c" } })
end)

t.case("an error that does not come", function() t.raises(function() end) end)
"#,
    );
    let ran = recipe(&place, &["test", "x_test.lua"]).run();
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[0], "ok      what needs another one is built after it", "{ran:?}");
    assert_eq!(lines[1], "ok      what fails is not published", "{ran:?}");
    assert_eq!(lines[2], "ok      when all fails, the recipe says so", "{ran:?}");
    assert_eq!(lines[3], "failed  a case that is not so", "{ran:?}");
    assert_eq!(lines[4], "        x_test.lua:24: value[2].a: expected `c`, got `b`", "{ran:?}");
    assert!(ran.stdout.contains("x_test.lua:27: expected an error, got none"), "{ran:?}");
    assert_eq!(lines.last(), Some(&"3 passed, 2 failed"), "{ran:?}");
    let told = document(&recipe(&place, &["test", "x_test.lua", "--json"]).run());
    assert_eq!((&told["passed"], &told["failed"], &told["cases"][3]["ok"]), (&3.into(), &2.into(), &false.into()));
    assert_eq!(names(place.path()), ["x.lua", "x_test.lua"]);

    place.write("x_test.lua", "local t = require 'cloudbuild.test'\nt.case('broken', 3)\n");
    let ran = recipe(&place, &["test", "x_test.lua"]).run();
    refused(&ran, 3, &["error[E0205]: x_test.lua:2: `case`: expected a sentence and a function"]);
    place.write("y.lua", "return require 'cloudbuild.test'\n");
    refused(&recipe(&place, &["check", "y.lua"]).run(), 3, &["is only there for tests"]);
}

#[test]
fn a_new_recipe_is_written_once_and_is_right() {
    let place = Place::new();
    let ran = recipe(&place, &["new", "mine.lua"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = recipe(&place, &["check", "mine.lua"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    refused(&recipe(&place, &["new", "mine.lua"]).run(), 2, &["`mine.lua` is there already, and is left alone"]);
    refused(&recipe(&place, &["new", "mine"]).run(), 2, &["expected a name such as `mine.lua`"]);
    let ran = recipe(&place, &["new", "three.lua", "--template", "three-stage", "--json"]).run();
    assert_eq!(document(&ran)["template"], "three-stage");
    let ran = recipe(&place, &["check", "three.lua"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

//! Plans that are saved and done later, and the help that recipes get.

use crate::fixture::{Fixture, Making};
use crate::harness::Place;
use crate::refused::{document, error_document, listing, names, on, refused, small};

#[test]
fn a_saved_plan_is_done_as_it_is_or_what_moved_is_listed() {
    let making = || Making::default().without_base();
    let mut fixture = Fixture::of(&making());
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    let planned = on(&place, &fixture, &["plan", "x.lua", "-o", "plan.json"]).run();
    assert_eq!(planned.code, Some(0), "{planned:?}");
    assert!(planned.stderr.contains("`cloudbuild run --plan plan.json` does exactly this"), "{planned:?}");
    assert_eq!(names(place.path()), ["cache", "plan.json", "x.lua"]);
    let saved: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(place.path().join("plan.json")).unwrap()).unwrap();
    assert_eq!(saved["decided"][1]["response"]["jobs"][0]["source"], "tiny-builds");
    assert!(saved["recipe"]["files"]["x.lua"].as_str().unwrap().contains("cb.import()"), "{saved}");

    let ran = on(&place, &fixture, &["run", "--plan", "plan.json", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(document(&ran)["result"], serde_json::json!(["tiny-builds"]));

    place.write("x.lua", &format!("-- edited\n{}", listing("\"tiny-builds\"")));
    let said = ["error[E0803]: ", "was edited since the plan was made", "+-- edited", "hint: plan again"];
    refused(&on(&place, &fixture, &["run", "--plan", "plan.json"]).run(), 3, &said);
    let error = error_document(&on(&place, &fixture, &["run", "--plan", "plan.json", "--json"]).run(), 3, "recipe");
    assert_eq!(error["help"], "E0803");

    place.write("x.lua", &listing("\"tiny-builds\""));
    fixture.publish(&making().version("tiny-builds", "1.1"));
    let ran = on(&place, &fixture, &["run", "--plan", "plan.json"]).run();
    let moved = format!("{} fixture: planned as of ", fixture.url());
    let versions = "source tiny-builds: 1.0 was planned, 1.1 is there now";
    refused(&ran, 5, &["the archives are not what they were when the plan was made", &moved, versions]);
}

#[test]
fn what_is_no_plan_is_told() {
    let fixture = small();
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    place.write("plan.json", "{}");
    let said =
        ["`plan.json`: expected a saved plan, got other text: missing field", "hint: `cloudbuild plan RECIPE -o FILE`"];
    refused(&on(&place, &fixture, &["run", "--plan", "plan.json"]).run(), 2, &said);
    refused(&on(&place, &fixture, &["run", "--plan", "none.json"]).run(), 2, &["but it cannot be read"]);
    refused(&on(&place, &fixture, &["run"]).run(), 2, &["required"]);
}

#[test]
fn help_says_what_a_recipe_takes_what_it_can_call_and_what_its_errors_mean() {
    let fixture = small();
    let text =
        "return require('cloudbuild').recipe { about = 'does it', args = { package = 'string' }, run = print }\n";
    let place = Place::with_recipe("x.lua", text);
    for words in [&["x.lua", "--help"][..], &["run", "x.lua", "--help"], &["help", "x.lua"]] {
        let ran = on(&place, &fixture, words).run();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.stdout.starts_with("does it\n\nUsage: cloudbuild [OPTIONS] x.lua [--NAME VALUE]...\n"), "{ran:?}");
        assert!(ran.stdout.contains("\n  --package STRING  [required]\n"), "{ran:?}");
    }
    let help = document(&on(&place, &fixture, &["x.lua", "--help", "--json"]).run());
    assert_eq!((&help["about"], &help["arguments"][0]["type"]), (&"does it".into(), &"string".into()));

    let order = on(&place, &fixture, &["api", "order"]).run();
    assert!(order.stdout.starts_with("cb.order { ... }\n"), "{order:?}");
    refused(&on(&place, &fixture, &["api", "ordr"]).run(), 2, &["hint: did you mean `cloudbuild api order`?"]);
    assert!(document(&on(&place, &fixture, &["api", "--json"]).run())["calls"].as_array().unwrap().len() > 5);

    let code = on(&place, &fixture, &["help", "e0202"]).run();
    assert!(code.stdout.starts_with("E0202: an option that is not known\n"), "{code:?}");
    assert!(on(&place, &fixture, &["help", "plan"]).run().stdout.contains("--output"));
    refused(&on(&place, &fixture, &["help", "pln"]).run(), 2, &["hint: did you mean `cloudbuild help plan`?"]);
    place.write("x.lua", "return require('cloudbuild').campain 'x' {}\n");
    let ran = on(&place, &fixture, &["plan", "x.lua"]).run();
    refused(&ran, 3, &["error[E0204]: x.lua:1: ", "\n`cloudbuild help E0204` says more\n"]);
}

#[test]
fn a_plan_says_how_jobs_are_built_and_expects_emulated_ones_to_take_longer() {
    let fixture = Fixture::of(&Making::default().without_base());
    let text = |hook: &str| {
        format!(
            r#"local cb = require "cloudbuild"
return cb.campaign "ways" {{
  packages = {{ "tiny-builds", "tiny-flags" }},
  how = {{ cb.native(), cb.emulated {{ time_factor = 12 }} }},
  {hook}
}}
"#
        )
    };
    let expected = |hook: &str| {
        let place = Place::with_recipe("ways.lua", &text(hook));
        let plan = place.cloudbuild_on(&fixture, &["plan", "ways.lua", "--json"]).run();
        assert_eq!(plan.code, Some(0), "{plan:?}");
        let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
        let step = plan["steps"].as_array().unwrap().iter().find(|step| !step["ways"].is_null()).unwrap().clone();
        (step["forecast"]["work_seconds"].as_u64().unwrap(), step["ways"].clone())
    };
    let (plain, ways) = expected("");
    assert_eq!(ways, serde_json::json!([{ "how": "native", "jobs": 2, "by": null }]));
    let hook = "choose_how = function(source) if source.name == \"tiny-flags\" then return \"emulated\" end end,";
    let (longer, ways) = expected(hook);
    let by = "`choose_how` (ways.lua:5)";
    assert_eq!(ways[0], serde_json::json!({ "how": "native", "jobs": 1, "by": null }));
    assert_eq!(ways[1], serde_json::json!({ "how": "emulated", "jobs": 1, "by": by }));
    assert!(longer > 5 * plain, "{longer} {plain}");
}

#[test]
fn a_variant_below_its_base_is_refused_what_would_mix_the_base_in() {
    let fixture = Fixture::of(&Making::default().without_base());
    let refused = |stage: &str| {
        let arch = crate::fixture::base::architecture();
        let text = format!(
            r#"local cb = require "cloudbuild"
local old = cb.variant "old" {{ base = "{arch}", below = true, flags = "-march=x86-64" }}
return cb.campaign "older" {{
  arch = old,
  stages = {{ cb.stage "base" {{ packages = {{ "tiny-builds" }} {stage} }} }},
}}
"#
        );
        let place = Place::with_recipe("older.lua", &text);
        let plan = place.cloudbuild_on(&fixture, &["plan", "older.lua"]).run();
        assert_eq!(plan.code, Some(3), "{plan:?}");
        plan.stderr
    };
    let mixed = refused("");
    assert!(mixed.contains("nothing of") && mixed.contains("may be mixed in"), "{mixed}");
    assert!(mixed.contains("hint: a base stage is built `against = cb.cross_only()`"), "{mixed}");
    let compiler = refused(", against = cb.cross_only()");
    assert!(compiler.contains("needs a compiler of its own") && compiler.contains("first = true"), "{compiler}");
}

//! Commands that only look: `import` and `plan` say what is there and what a run would do, and leave no state.

use crate::fixture::{Fixture, Making};
use crate::harness::Place;
use crate::refused::{campaign, document, names, on, small};

#[test]
fn import_shows_suites_components_and_counts() {
    let fixture = Fixture::of(&Making::default().without_base().upstream("tiny-two"));
    let place = Place::new();
    let shown = on(&place, &fixture, &["import"]).run();
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let arch = crate::fixture::base::architecture();
    let expected = format!(
        "{} fixture  Fixture\n  {:<24} {:>7} sources  {:>7} binary packages\n\
         9 sources to build for {arch}, 5 binary packages to build against\n",
        fixture.url(),
        "main",
        9,
        5
    );
    assert_eq!(shown.stdout, expected, "what happens meanwhile is on standard error");

    let ran = on(&place, &fixture, &["import", "--json"]).run();
    let offer = document(&ran);
    assert_eq!((&offer["architecture"], &offer["sources"], &offer["packages"]), (&arch.into(), &9.into(), &5.into()));
    let suite = &offer["suites"][0];
    assert_eq!(suite["components"], serde_json::json!({"main": {"sources": 9, "packages": 5}}));
    assert_eq!((&suite["uri"], &suite["role"]), (&fixture.url().into(), &"distribution".into()));
    assert!(suite["entry"].as_str().unwrap().ends_with("/sources.list.d/fixture.sources:1"), "{suite}");
    assert_eq!(names(place.path()), ["cache"]);
}

#[test]
fn import_reads_a_file_that_is_named_and_another_architecture() {
    let fixture = small();
    let place = Place::new();
    let key = fixture.apt_root().join("keyrings/fixture.asc");
    let line = |what: &str| format!("{what} [signed-by={}] {} fixture main\n", key.display(), fixture.url());
    place.write("mine.list", &line("deb-src"));
    let offer = document(&on(&place, &fixture, &["import", "mine.list", "--json"]).run());
    assert_eq!((&offer["sources"], &offer["packages"]), (&9.into(), &0.into()));
    assert_eq!(offer["suites"][0]["role"], "named");
    assert!(offer["suites"][0]["entry"].as_str().unwrap().ends_with("/mine.list:1"), "{offer}");
    let foreign = document(&on(&place, &fixture, &["import", "--arch", "s390x", "--json"]).run());
    assert_eq!((&foreign["architecture"], &foreign["packages"]), (&"s390x".into(), &0.into()));
    assert!(foreign["notes"][0].as_str().unwrap().contains("has no binary packages for `s390x`"), "{foreign}");
}

#[test]
fn a_plan_says_every_step_names_loops_and_writes_no_state() {
    let fixture = Fixture::new();
    let packages = "\"tiny-needs\", \"tiny-two\", \"tiny-loop-a\", \"tiny-loop-b\"";
    let place = Place::with_recipe("x.lua", &campaign(packages));
    let shown = on(&place, &fixture, &["plan", "x.lua"]).run();
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let arch = crate::fixture::base::architecture();
    let lines: Vec<&str> = shown.stdout.lines().collect();
    let at = |line: &str| {
        lines
            .iter()
            .position(|it| it.trim_start().starts_with(line))
            .unwrap_or_else(|| panic!("no `{line}` in {shown:?}"))
    };
    let steps = [
        "import   9 source",
        "order    5 jobs",
        "launch   this machine",
        "build    stage `first`: up to 5 jobs",
        "publish  suite `x`",
        "compare  first",
    ];
    assert!(steps.map(at).is_sorted(), "{shown:?}");
    assert_eq!(at("import"), 0, "nothing but the plan is on standard output");
    assert!(at(&format!("tiny-two 1.0 ({arch})")) < at(&format!("tiny-needs 1.0 ({arch})  after tiny-two")));
    at("tiny-two 1.0 (all)");
    at("loop: tiny-loop-a, tiny-loop-b need each other to be built");

    let plan = document(&on(&place, &fixture, &["plan", "x.lua", "--json"]).run());
    let steps: Vec<&str> =
        plan["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["import", "order", "launch", "build", "publish", "compare"]);
    let order = &plan["steps"][1];
    assert_eq!(order["loops"], serde_json::json!([["tiny-loop-a", "tiny-loop-b"]]));
    assert_eq!((order["jobs"].as_array().unwrap().len(), &order["unbuildable"]), (5, &serde_json::json!([])));
    assert_eq!(names(place.path()), ["cache", "x.lua"], "a plan writes no state");
}

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
    let looped =
        |line: &&str| line.contains("loop: tiny-loop-") && line.ends_with("to be built: 1 edge met by older binaries");
    assert_eq!(lines.iter().filter(|line| looped(line)).count(), 1, "{shown:?}");

    let plan = document(&on(&place, &fixture, &["plan", "x.lua", "--json"]).run());
    let steps: Vec<&str> =
        plan["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["import", "order", "launch", "build", "publish", "compare"]);
    let order = &plan["steps"][1];
    let mut looped: Vec<&str> =
        order["loops"][0]["sources"].as_array().unwrap().iter().map(|source| source.as_str().unwrap()).collect();
    looped.sort_unstable();
    assert_eq!(looped, ["tiny-loop-a", "tiny-loop-b"]);
    assert_eq!(order["loops"][0]["edges"][0]["broken_by"], "older-binaries");
    assert_eq!((order["jobs"].as_array().unwrap().len(), &order["unbuildable"]), (5, &serde_json::json!([])));
    assert_eq!(names(place.path()), ["cache", "x.lua"], "a plan writes no state");
}

#[test]
fn an_order_is_shown_as_text_json_and_graphs_and_writes_no_state() {
    let fixture = Fixture::new();
    let place =
        Place::with_recipe("x.lua", &campaign("\"tiny-needs\", \"tiny-two\", \"tiny-loop-a\", \"tiny-loop-b\""));
    let show = |more: &[&str]| {
        let ran = on(&place, &fixture, &[&["order", "x.lua"], more].concat()).run();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        ran
    };
    let shown = show(&[]);
    let arch = crate::fixture::base::architecture();
    let at = |text: &str| shown.stdout.find(text).unwrap_or_else(|| panic!("no `{text}` in {shown:?}"));
    assert!(at(&format!("  first  tiny-two:{arch}")) < at(&format!("  first  tiny-needs:{arch}")));
    at("loop: tiny-loop-");
    at(": an older one is taken");

    let order = document(&show(&["--json"]));
    let staged = &order["orders"][0];
    assert_eq!((&staged["stage"], order["orders"].as_array().unwrap().len()), (&"first".into(), 1));
    let jobs = staged["order"]["jobs"].as_array().unwrap();
    let place_of = |source: &str| jobs.iter().position(|job| job["source"] == source && job["arch"] == arch).unwrap();
    let needs = &jobs[place_of("tiny-needs")];
    assert_eq!(needs["after"], serde_json::json!([place_of("tiny-two") + 1]), "{needs}");
    assert!(jobs[place_of("tiny-two")]["priority"].as_u64() > needs["priority"].as_u64(), "{jobs:?}");

    let dot = show(&["--format", "dot"]).stdout;
    assert!(dot.starts_with("digraph order {") && dot.contains("broken_by=\"older-binaries\""), "{dot}");
    let graphml = show(&["--format=graphml"]).stdout;
    assert!(graphml.starts_with("<?xml") && graphml.trim_end().ends_with("</graphml>"), "{graphml}");
    let refused = on(&place, &fixture, &["order", "x.lua", "--format", "svg"]).run();
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert_eq!(names(place.path()), ["cache", "x.lua"], "it writes no state");
}

#[test]
fn a_base_system_is_said_by_its_size_and_one_that_is_not_there_is_an_error() {
    let recipe = "local cb = require \"cloudbuild\"\n\
                  return cb.campaign \"x\" { packages = cb.base_system { closure = \"build\" } }";
    let place = Place::with_recipe("x.lua", recipe);
    let fixture = Fixture::of(&Making::default().without_base());
    let refused = on(&place, &fixture, &["order", "x.lua"]).run();
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("have no base system"), "{refused:?}");
}

#[test]
fn explain_says_what_a_package_waits_for_and_blocks_says_what_it_holds_up() {
    let fixture = Fixture::new();
    let place = Place::with_recipe("x.lua", &campaign("\"tiny-needs\", \"tiny-two\""));
    let ask = |words: &[&str]| on(&place, &fixture, words).run();
    let arch = crate::fixture::base::architecture();

    // By the recipe, the source of what is missing is built first.
    let shown = ask(&["explain", "tiny-needs", "x.lua"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(shown.stdout.starts_with(&format!("tiny-needs 1.0 ({arch}) waits for other jobs\n")), "{shown:?}");
    assert!(shown.stdout.contains(&format!("waits for tiny-two:{arch}")), "{shown:?}");
    assert!(shown.stdout.contains("hint: `cloudbuild explain tiny-two`"), "{shown:?}");
    let explained = document(&ask(&["explain", "libtiny-dev", "x.lua", "--json"]));
    let verdicts: Vec<(&str, &str)> = explained["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| (job["source"].as_str().unwrap(), job["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(verdicts, [("tiny-two", "ready"); 2], "{explained}");

    let blocks = document(&ask(&["blocks", &format!("tiny-two:{arch}"), "x.lua", "--json"]));
    let held = &blocks["blocks"][0]["jobs"];
    assert_eq!((&held[0]["source"], &held[0]["direct"]), (&"tiny-needs".into(), &true.into()), "{blocks}");
    assert_eq!(held.as_array().unwrap().len(), 1, "{blocks}");

    // Without a recipe or a state directory, by what the suites have.
    let alone = ask(&["explain", "tiny-needs"]);
    assert!(alone.stdout.contains("cannot be built\n  it needs libtiny-dev"), "{alone:?}");
    assert!(alone.stdout.contains("hint: "), "{alone:?}");
    let unknown = ask(&["explain", "tiny-neds"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(unknown.stderr.contains("`tiny-neds`") && unknown.stderr.contains("tiny-needs"), "{unknown:?}");
    assert_eq!(ask(&["blocks", "tiny-needs"]).code, Some(2));
}

use super::*;

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::core::events::{Event, Listener};
use crate::core::measure::Measure;
use crate::core::publish::settings::Settings;
use crate::core::recipe::selection::BaseClosure;
use crate::core::recipe::{
    Against, AptSources, BuildRequest, Builders, CompareRequest, ImportRequest, LaunchRequest, OrderRequest,
    PublishRequest,
};
use crate::core::verify::Verify;

fn hello() -> Recipe {
    load_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/hello.lua")).unwrap()
}

#[test]
fn hello_asks_for_the_six_primitives_in_order() {
    let recipe = hello();
    assert_eq!((recipe.name.as_str(), recipe.arguments.len()), ("hello", 3));
    let fake = Arc::<Fake>::default();
    let result = run_with(&recipe, &fake).unwrap();
    let import = ImportId(Sha256::of(b"import"));
    let job = ordered("hello".to_owned(), Vec::new());
    let order = order_of(import, vec![job]);
    let builders = vec![Builders::Here { slots: None }];
    assert_eq!(
        *fake.requests.lock().unwrap(),
        [
            Request::Import(ImportRequest {
                sources: AptSources::System { also: Vec::new() },
                arch: None,
                build_arch: None,
                overlay: Vec::new(),
            }),
            Request::Order(OrderRequest {
                import,
                packages: Selection::Names(vec!["hello".to_owned()]),
                not_for_us: Vec::new(),
                against: vec![Against::Import(import)],
                profiles: vec!["nocheck".to_owned(), "nodoc".to_owned()],
                older_binaries: true,
                overlay: true,
            }),
            Request::Launch(LaunchRequest { builders: builders.clone() }),
            Request::Build(BuildRequest {
                meanwhile: None,
                mirror: None,
                stage: "first".to_owned(),
                order,
                how: Vec::new(),
                against: vec![Against::Import(import)],
                builders,
                environment: BTreeMap::new(),
                suffix: None,
                maintainer: None,
                optional: false,
                flags: Box::default(),
                repeat: 1,
                measure: Measure::default(),
                verify: Verify::default(),
                prove: true,
            }),
            Request::Publish(PublishRequest {
                stages: vec!["first".to_owned()],
                imports: vec![import],
                to: crate::core::recipe::PublishTarget::Dir { path: "archive".into() },
                suite: "hello".to_owned(),
                origin: "cloudbuild".to_owned(),
                label: "hello".to_owned(),
                arch: "amd64".to_owned(),
                prove: true,
                settings: Settings::default(),
            }),
            Request::Compare(CompareRequest {
                import,
                stages: vec!["first".to_owned()],
                baseline: None,
                cells: vec![None],
                report: None,
            }),
        ]
    );
    assert_eq!(result, json!({ "kind": "comparison", "count": 0, "rows": [], "table": null, "pages": [] }));
}

#[test]
fn nothing_is_published_when_nothing_was_built() {
    let fake = Arc::new(Fake { builds_fail: true, ..Fake::default() });
    run_with(&hello(), &fake).unwrap();
    let requests = fake.requests.lock().unwrap();
    assert!(!requests.iter().any(|request| matches!(request, Request::Publish(_))));
    assert!(matches!(requests.last(), Some(Request::Compare(_))));
}

#[test]
fn a_campaign_takes_all_its_options() {
    let text = r#"
        local cb = require "cloudbuild"
        return cb.campaign "all-1" {
          sources = cb.apt.sources "debian.sources", packages = cb.everything {}, arch = "armhf",
          builders = { cb.here { slots = 2 }, cb.here { slots = 3 } },
          publish = cb.dir "out" { suite = "acme", origin = "Acme" },
          environment = { DEB_BUILD_OPTIONS = "nocheck" }, prove = false,
        }"#;
    let fake = Arc::<Fake>::default();
    run_with(&load_text(text).unwrap(), &fake).unwrap();
    let requests = fake.requests.lock().unwrap();
    let path = std::path::absolute("debian.sources").unwrap();
    let sources = AptSources::File { path };
    assert_eq!(
        requests[0],
        Request::Import(ImportRequest {
            sources,
            arch: Some("armhf".to_owned()),
            build_arch: None,
            overlay: Vec::new()
        })
    );
    assert!(matches!(&requests[1], Request::Order(order) if order.packages == Selection::Everything));
    let builders = vec![Builders::Here { slots: Some(2) }, Builders::Here { slots: Some(3) }];
    assert_eq!(requests[2], Request::Launch(LaunchRequest { builders }));
    let Request::Build(build) = &requests[3] else { panic!("{:?}", requests[3]) };
    assert_eq!(build.environment["DEB_BUILD_OPTIONS"], "nocheck");
    let Request::Publish(publish) = &requests[4] else { panic!("{:?}", requests[4]) };
    assert_eq!(
        (publish.suite.as_str(), publish.origin.as_str(), publish.label.as_str(), publish.prove),
        ("acme", "Acme", "all-1", false)
    );
}

#[test]
fn primitives_by_hand_take_results_of_earlier_ones() {
    let body = r#"
        local upstream = cb.import()
        local order = cb.order { sources = upstream, packages = { "hello" } }
        local fleet = cb.launch { cb.here() }
        local one = cb.build { order = order, on = fleet, stage = "one" }
        local two = cb.build { order = order, on = fleet, stage = "two", against = { one, upstream } }
        local out = cb.publish { one, two, to = cb.dir "out" }
        return { upstream.arch, one.jobs[1].source, one.installed, out.suite, tostring(one),
                 one.jobs[1].reason == nil }"#;
    assert_eq!(value(body), json!(["amd64", "hello", 1, "two", "table", true]));
}

#[test]
fn a_failed_primitive_comes_back_as_it_was_with_the_recipes_line() {
    let fake = Arc::new(Fake { import_fails: true, ..Fake::default() });
    let error = run_with(&hello(), &fake).unwrap_err();
    assert!(error.cause.as_ref().unwrap().downcast_ref::<MirrorDown>().is_some());
    // `run` is a function of stdlib that no line of the recipe calls, so the campaign's own line is named.
    assert!(error.file().unwrap().ends_with("recipes/hello.lua"));
    assert_eq!(error.line(), Some(4));
    let shown = error.to_string();
    assert!(shown.contains("`cb.import`: import suite `bookworm`: the mirror is down"), "{shown}");
    assert!(shown.ends_with("\nhint: try again later"), "{shown}");
}

#[test]
fn a_recipe_that_catches_a_failure_sees_text_and_one_that_raises_it_again_keeps_its_cause() {
    let by_hand = |rest: &str| {
        let head = "local cb = require 'cloudbuild'\nreturn cb.recipe { run = function(cb)\nlocal ok, why = pcall(";
        load_text(&format!("{head}cb.import, {{}})\n{rest}\nend }}")).unwrap()
    };
    let fake = Arc::new(Fake { import_fails: true, ..Fake::default() });
    let seen = run_with(&by_hand("return { ok, type(why), why }"), &fake).unwrap();
    assert_eq!(seen, json!([false, "string", "x.lua:3: `cb.import`: import suite `bookworm`: the mirror is down"]));
    let error = run_with(&by_hand("error(why, 0)"), &fake).unwrap_err();
    assert!(error.cause.unwrap().downcast_ref::<MirrorDown>().is_some());
}

#[test]
fn arguments_are_checked_and_defaults_filled_in() {
    let text = r#"
        local cb = require "cloudbuild"
        return cb.recipe {
          name = "takes", about = "takes arguments",
          args = {
            package = "string", most = { "integer", default = 20, help = "how many" }, also = { "list", default = {} },
          },
          run = function(cb, args) return args end,
        }"#;
    let recipe = load_text(text).unwrap();
    assert_eq!((recipe.name.as_str(), recipe.about.as_str()), ("takes", "takes arguments"));
    let names: Vec<&str> = recipe.arguments.iter().map(|argument| argument.name.as_str()).collect();
    assert_eq!(names, ["also", "most", "package"]);
    let run = |args: Json| {
        let args = serde_json::from_value(args).unwrap();
        recipe.run(Arc::<Fake>::default(), args, RunOptions::default())
    };
    let given = run(json!({ "package": "zlib", "also": ["a", "b"] })).unwrap();
    assert_eq!(given, json!({ "package": "zlib", "most": 20, "also": ["a", "b"] }));
    let message = |args: Json| run(args).unwrap_err().to_string();
    assert_eq!(
        message(json!({})),
        "x.lua: the argument `package` is missing: expected a string\nhint: give it with `--package`"
    );
    assert_eq!(
        message(json!({ "package": "zlib", "moost": 1 })),
        "x.lua: the recipe has no argument `moost`\nhint: did you mean `most`?"
    );
    assert_eq!(
        message(json!({ "package": "zlib", "most": "1" })),
        "x.lua: the argument `most`: expected a whole number, got `\\\"1\\\"`"
    );
    let parse = |name: usize, given: &[&str]| {
        recipe.arguments[name].parse(&given.iter().map(|text| text.to_string()).collect::<Vec<_>>())
    };
    assert_eq!(parse(0, &["a,b", "c"]).unwrap(), json!(["a", "b", "c"]));
    assert_eq!(parse(1, &["x"]).unwrap_err(), "`--most`: expected a whole number, got `x`");
    assert_eq!(parse(2, &["a", "b"]).unwrap_err(), "`--package`: expected it once, got it 2 times");
}

#[test]
fn the_jobs_of_a_whole_archive_can_be_walked() {
    struct Archive;
    impl Perform for Archive {
        fn perform(&self, request: Request) -> anyhow::Result<Response> {
            let Request::Order(order) = request else { return Fake::default().perform(request) };
            let job = |at: u32| {
                ordered(format!("source-{at}"), (at.saturating_sub(15)..at).map(|before| before + 1).collect())
            };
            let jobs = (0..35_000).map(job).collect();
            Ok(Response::Order(order_of(order.import, jobs)))
        }
    }
    let text = r#"
        return require("cloudbuild").recipe { run = function(cb)
          local order, needs = cb.order { sources = cb.import(), packages = cb.everything {} }, 0
          for at = 1, order.count do
            for _, before in order.jobs[at].after do
              assert(order.jobs[before].source)
              needs = needs + 1
            end
          end
          return needs
        end }"#;
    let options = LoadOptions { path: "x.lua".into(), text: Some(text.into()), ..LoadOptions::default() };
    let result = load(options).unwrap().run(Arc::new(Archive), BTreeMap::new(), RunOptions::default());
    assert_eq!(result.unwrap(), json!(15 * 35_000 - 15 * 16 / 2));
}

#[test]
fn chance_is_decided_by_the_seed() {
    let recipe =
        load_text("return require('cloudbuild').recipe { run = function() return math.random(1, 1000000) end }");
    let recipe = recipe.unwrap();
    let run = |seed| {
        let options = RunOptions { seed, ..RunOptions::default() };
        recipe.run(Arc::<Fake>::default(), BTreeMap::new(), options).unwrap()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
    assert_ne!(run(7), run(7 << 32));
}

#[test]
fn names_are_walked_in_the_same_order_in_every_run() {
    let text = r#"
        return require("cloudbuild").recipe { run = function()
          local set, seen = {}, {}
          for at = 1, 500 do set["name-" .. (at * 7919) % 1009] = at end
          for name in pairs(set) do seen[#seen + 1] = name end
          for name in set do seen[#seen + 1] = name end
          return seen
        end }"#;
    let recipe = load_text(text).unwrap();
    assert_eq!(run_with(&recipe, &Arc::default()).unwrap(), run_with(&recipe, &Arc::default()).unwrap());
}

#[test]
fn a_cancelled_run_stops_in_lua() {
    let recipe = load_text("return require('cloudbuild').recipe { run = function() while true do end end }").unwrap();
    let cancel = Arc::new(AtomicBool::new(true));
    let options = RunOptions { cancel: Arc::clone(&cancel), ..RunOptions::default() };
    let error = recipe.run(Arc::<Fake>::default(), BTreeMap::new(), options).unwrap_err();
    assert!(error.to_string().starts_with("x.lua:1: stopped on request"), "{error}");
    assert!(cancel.load(Ordering::Relaxed));
}

#[test]
fn what_a_run_prints_is_a_note_and_reading_prints_nothing() {
    struct Heard(Mutex<Vec<Event>>);
    impl Listener for Heard {
        fn hear(&self, event: &Event) {
            self.0.lock().unwrap().push(event.clone());
        }
    }
    let recipe =
        load_text("return require('cloudbuild').recipe { run = function() print('a', 1, {}, nil) end }").unwrap();
    let heard = Arc::new(Heard(Mutex::default()));
    let options = RunOptions { listener: Some(Arc::clone(&heard) as Arc<dyn Listener>), ..RunOptions::default() };
    recipe.run(Arc::<Fake>::default(), BTreeMap::new(), options).unwrap();
    assert_eq!(*heard.0.lock().unwrap(), [Event::Note { text: "a\t1\ttable\tnil".to_owned() }]);
}

#[test]
fn files_beside_the_recipe_are_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("main.lua");
    let text = "local cb = require 'cloudbuild'\nlocal names = require 'names'\nassert(require 'names' == names)\n\
                return cb.campaign 'm' { packages = names }";
    std::fs::write(&main, text).unwrap();
    std::fs::write(folder.path().join("names.lua"), "return { 'hello' }").unwrap();
    let first = load_file(&main).unwrap();
    std::fs::write(folder.path().join("names.lua"), "return { 'zlib' }").unwrap();
    let second = load_file(&main).unwrap();
    assert_ne!(first.hash, second.hash);
    let fake = Arc::<Fake>::default();
    run_with(&first, &fake).unwrap();
    // A run sees the files as they were when the recipe was loaded.
    assert!(matches!(&fake.requests.lock().unwrap()[1],
        Request::Order(order) if order.packages == Selection::Names(vec!["hello".to_owned()])));
    std::fs::write(folder.path().join("names.lua"), "local x\nerror('broken')").unwrap();
    let error = load_file(&main).unwrap_err();
    assert!(error.file().unwrap().ends_with("/names.lua") && error.line() == Some(2), "{error}");
    assert!(error.to_string().contains("main.lua:2"), "{error}");
}

#[test]
fn packages_may_be_the_base_system_and_how_loops_are_broken_can_be_said() {
    let asked = |fields: &str| {
        let text = format!(
            "local cb = require 'cloudbuild'\nreturn cb.recipe {{ run = function(cb)\n\
             cb.order {{ sources = cb.import(), {fields} }} end }}"
        );
        let fake = Arc::<Fake>::default();
        run_with(&load_text(&text).unwrap(), &fake).map_err(|error| error.message)?;
        let requests = fake.requests.lock().unwrap();
        let Request::Order(order) = &requests[1] else { panic!("{requests:?}") };
        Ok::<_, String>(order.clone())
    };
    let order = asked("packages = cb.base_system()").unwrap();
    assert_eq!(order.packages, Selection::BaseSystem(BaseClosure::Runtime));
    let fields = "packages = cb.base_system { closure = 'build' }, profiles = { 'stage1' }, older_binaries = false";
    let order = asked(fields).unwrap();
    assert_eq!(order.packages, Selection::BaseSystem(BaseClosure::Build));
    assert_eq!((order.profiles, order.older_binaries), (vec!["stage1".to_owned()], false));
    let error = asked("packages = cb.base_system { closure = 'all' }").unwrap_err();
    assert_eq!(error, "`closure`: expected `runtime` or `build`, got string `all`");
}

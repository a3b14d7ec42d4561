use super::*;

use serde_json::json;

use crate::core::recipe::Against;

#[test]
fn stages_are_built_one_after_the_other_against_what_they_say() {
    let text = r#"
        local cb = require "cloudbuild"
        local upstream = cb.apt.system()
        return cb.campaign "three" {
          sources = upstream,
          stages = {
            cb.stage "base"   { packages = cb.base_system {}, against = upstream },
            cb.stage "first"  { packages = cb.everything {}, against = { "base", upstream } },
            cb.stage "second" { packages = cb.changed_inputs "first", against = { "first", "base", upstream },
                                optional = true },
          },
          not_for_us = { "s390-tools" },
        }"#;
    let fake = Arc::<Fake>::default();
    run_with(&load_text(text).unwrap(), &fake).unwrap();
    let requests = fake.requests.lock().unwrap();
    let import = Against::Import(ImportId(Sha256::of(b"import")));
    let stage = |name: &str| Against::Stage(name.to_owned());
    let layers = [
        vec![import.clone()],
        vec![stage("base"), import.clone()],
        vec![stage("first"), stage("base"), import.clone()],
    ];
    let (mut orders, mut builds) = (layers.iter(), layers.iter());
    let mut asked = Vec::new();
    for request in requests.iter() {
        match request {
            Request::Import(_) => asked.push("import".to_owned()),
            Request::Order(order) => {
                assert_eq!((&order.against, &order.not_for_us[0][..]), (orders.next().unwrap(), "s390-tools"));
                asked.push(serde_json::to_string(&order.packages).unwrap());
            }
            Request::Launch(_) => asked.push("launch".to_owned()),
            Request::Build(build) => {
                assert_eq!(&build.against, builds.next().unwrap());
                asked.push(format!("build {} {}", build.stage, build.optional));
            }
            Request::Publish(publish) => asked.push(format!("publish {}", publish.stages.join(" "))),
            Request::Compare(compare) => asked.push(format!("compare {}", compare.stages.join(" "))),
        }
    }
    assert_eq!(
        asked,
        [
            "import",
            r#"{"base-system":"runtime"}"#,
            "launch",
            "build base false",
            r#""everything""#,
            "build first false",
            r#"{"changed-inputs":{"stage":"first"}}"#,
            "build second true",
            "publish base first second",
            "compare base first second",
        ]
    );
}

#[test]
fn stages_that_cannot_be_are_refused_when_the_recipe_is_read() {
    let error = |stages: &str| {
        let text = format!("local cb = require 'cloudbuild'\nreturn cb.campaign 'x' {{ {stages} }}");
        load_text(&text).unwrap_err()
    };
    let one = |name: &str, against: &str| format!("cb.stage '{name}' {{ packages = {{ 'a' }}, against = {against} }}");
    let twice = error(&format!("stages = {{ {}, {} }}", one("a", "nil"), one("a", "nil")));
    assert_eq!(twice.message, "`stages[2]`: expected a name of its own for each stage, got `a` again");
    let later = error(&format!("stages = {{ {} }}", one("a", "{ 'b' }")));
    assert_eq!(later.message, "`stages[1].against`: expected a stage before `a`, got `b`");
    assert_eq!((later.line(), later.hint.as_deref()), (Some(2), Some("stages are built in the order of the list")));
    let both = error(&format!("packages = {{ 'a' }}, stages = {}", one("a", "nil")));
    assert_eq!(both.message, "`cb.campaign`: expected `packages` or `stages`, got both");
}

#[test]
fn sources_of_an_import_are_narrowed_and_built_without_an_order_of_ones_own() {
    let fake = Arc::<Fake>::default();
    let text = r#"
        local cb = require "cloudbuild"
        return cb.recipe { run = function(cb)
          local upstream = cb.import()
          local fleet = cb.launch { cb.here() }
          local first = cb.build { sources = upstream:first(1), on = fleet }
          local users = upstream:build_depend_on(first.binaries):first(20)
          local order = cb.order { sources = users, against = { first, upstream } }
          local second = cb.build { order = order, against = { first, upstream }, on = fleet }
          return { first.stage, second.stage, users.packages }
        end }"#;
    let result = run_with(&load_text(text).unwrap(), &fake).unwrap();
    assert_eq!((&result[0], &result[1]), (&json!("first"), &json!("second")));
    let pick = &result[2]["pick"];
    assert_eq!((&pick["at_most"], &pick["of"]["pick"]["build_depends_on"]), (&json!(20), &json!(["libhello-dev"])));
    let again = run_text(&text.replace("order = order, against", "stage = 'first', order = order, against"));
    let message = again.unwrap_err().message;
    assert_eq!(message, "`stage`: expected a name of its own for each build, got `first` again");
}

/// What a campaign asks `build` for: stage, cell, repeat and proof of each.
fn built(options: &str) -> Vec<String> {
    built_with(options, json!({}))
}

/// The same with arguments.
fn built_with(options: &str, args: Json) -> Vec<String> {
    let fake = Arc::<Fake>::default();
    let text = format!("local cb = require 'cloudbuild'\nreturn cb.campaign 'x' {{ packages = {{ 'a' }}, {options} }}");
    let recipe = load_text(&text).unwrap();
    let args = args.as_object().unwrap().clone().into_iter().collect();
    recipe.run(Arc::clone(&fake) as Arc<dyn Perform>, args, RunOptions::default()).unwrap();
    let requests = fake.requests.lock().unwrap();
    let build = |request: &Request| match request {
        Request::Build(build) => {
            let cell = build.flags.cell.as_ref().map_or("-", |cell| cell.name.as_str());
            Some(format!("{} {cell} {} {}", build.stage, build.repeat, build.prove))
        }
        Request::Publish(publish) => Some(format!("publish {}", publish.stages.join(" "))),
        Request::Import(_) | Request::Order(_) | Request::Launch(_) | Request::Compare(_) => None,
    };
    requests.iter().filter_map(build).collect()
}

#[test]
fn a_matrix_builds_each_cell_and_each_repeat_and_publishes_the_baseline() {
    let cells = "cb.cell 'O2' {}, cb.cell 'O3' { cflags = { replace = { ['-O2'] = '-O3' } } }";
    assert_eq!(
        built(&format!("matrix = {{ {cells}, repeats = 2, baseline = 'O3' }}")),
        [
            "first.O2 O2 1 false",
            "first.O3 O3 1 true",
            "first.O2.2 O2 2 false",
            "first.O3.2 O3 2 false",
            "publish first.O3"
        ]
    );
    let by_cell = built(&format!("matrix = {{ {cells}, repeats = 2, order = 'cell by cell' }}"));
    assert_eq!(by_cell[..2], ["first.O2 O2 1 true", "first.O2.2 O2 2 false"]);
    assert_eq!(built(""), ["first - 1 true", "publish first"]);
}

#[test]
fn a_campaign_can_be_tried_small() {
    let options = "matrix = { cb.cell 'O2' {}, repeats = 5 }, builders = cb.here { slots = 777 }, publish = cb.dir 'far' { suite = 's' }";
    assert_eq!(built(options).len(), 6);
    assert_eq!(built_with(options, json!({ "repeats": 1 })), ["first.O2 O2 1 true", "publish first.O2"]);

    let fake = Arc::<Fake>::default();
    let text = format!("local cb = require 'cloudbuild'\nreturn cb.campaign 'x' {{ packages = {{ 'a' }}, {options} }}");
    let args = json!({ "only": ["a", "b"], "here": true, "out": "/srv/near", "repeats": 1 });
    let args = args.as_object().unwrap().clone().into_iter().collect();
    load_text(&text).unwrap().run(Arc::clone(&fake) as Arc<dyn Perform>, args, RunOptions::default()).unwrap();
    let requests = fake.requests.lock().unwrap();
    let told: Vec<String> = requests.iter().map(|request| serde_json::to_string(request).unwrap()).collect();
    let told = told.join("\n");
    assert!(told.contains(r#""names":["a","b"]"#) && told.contains(r#""of":{"names":["a"]}"#), "{told}");
    assert!(!told.contains("777") && told.contains("/srv/near") && !told.contains("far"), "{told}");
}

#[test]
fn a_matrix_that_makes_no_sense_is_refused_when_the_recipe_is_read() {
    let error = |matrix: &str| {
        let text = format!(
            "local cb = require 'cloudbuild'\nreturn cb.campaign 'x' {{ packages = {{ 'a' }}, matrix = {{ {matrix} }} }}"
        );
        load_text(&text).unwrap_err().message
    };
    assert_eq!(error("cb.cell 'a' {}, baseline = 'b'"), "`matrix.baseline`: expected one of the cells, got `b`");
    assert_eq!(
        error("cb.cell 'a' {}, cb.cell 'a' {}"),
        "`matrix`: expected a name of its own for each cell, got `a` again"
    );
    assert_eq!(
        error(""),
        "`matrix`: expected a cell such as `cb.cell \"O3\" { ... }` or a toolchain such as `cb.toolchain \"gcc-15\" { ... }`, got an empty list"
    );
    assert_eq!(error("cb.cell 'a' {}, repeets = 3"), "`matrix` has no field `repeets`");
}

#[test]
fn a_campaign_hands_its_functions_rules_and_variant_on() {
    let fake = Arc::<Fake>::default();
    let text = r#"
        local cb = require "cloudbuild"
        return cb.campaign "board" {
          arch = cb.variant "armhf-a8" { base = "armhf", flags = "-mtune=cortex-a8" },
          packages = { "a" },
          rules = { { match = { section = "libs" }, set = { cflags = { append = "-O3" } } } },
          choose_flags = function(source, cell) return nil end,
          on_stage_done = function(stage) return nil end,
        }"#;
    let recipe = load_text(text).unwrap();
    run_with(&recipe, &fake).unwrap();
    let requests = fake.requests.lock().unwrap();
    assert!(requests.iter().any(|request| matches!(request,
        Request::Import(import) if import.arch.as_deref() == Some("armhf"))));
    let build = requests.iter().find_map(|request| match request {
        Request::Build(build) => Some(build),
        _ => None,
    });
    let flags = &build.unwrap().flags;
    assert_eq!((flags.variant.as_ref().unwrap().name.as_str(), flags.rules.len()), ("armhf-a8", 1));
    assert_eq!(flags.rules[0].at.as_deref(), Some("x.lua:6"));
}

#[test]
fn a_campaign_hands_its_overlay_ways_and_suffix_on() {
    let fake = Arc::<Fake>::default();
    let text = r#"
        local cb = require "cloudbuild"
        return cb.campaign "board" {
          arch = "armhf",
          stages = { cb.stage "base" { packages = { "a" }, against = cb.cross_only() },
                     cb.stage "first" { packages = { "b" }, against = "base" } },
          overlay = { cb.source_package "gcc_14.dsc" { first = true }, cb.binary_package "acme_1_all.deb" },
          how = { cb.cross { build = "amd64" }, cb.emulated {} },
          suffix = "+acme1", maintainer = "A <a@example.org>", flags = "-O3",
        }"#;
    run_with(&load_text(text).unwrap(), &fake).unwrap();
    let requests = fake.requests.lock().unwrap();
    let Request::Import(import) = &requests[0] else { panic!("{:?}", requests[0]) };
    assert_eq!((import.build_arch.as_deref(), import.overlay.len()), (Some("amd64"), 2));
    let mut builds = Vec::new();
    for request in requests.iter() {
        if let Request::Build(build) = request {
            builds.push(build);
        }
    }
    assert_eq!((builds[0].how.len(), builds[0].suffix.as_deref()), (2, Some("+acme1")));
    assert_eq!(builds[0].maintainer.as_deref(), Some("A <a@example.org>"));
    assert!(!builds[0].flags.set.is_empty());
    assert_eq!(builds[0].against, [Against::CrossOnly(ImportId(Sha256::of(b"import")))]);
    assert_eq!(builds[1].against, [Against::Stage("base".to_owned())]);
}

#[test]
fn a_cell_can_have_tools_of_its_own() {
    let fake = Arc::<Fake>::default();
    let text = r#"
        local cb = require "cloudbuild"
        return cb.campaign "tools" {
          packages = { "a" },
          overlay = cb.binary_package "acme_1_all.deb",
          matrix = {
            cb.cell "now" {},
            cb.toolchain "gcc-15" { overlay = cb.source_package "gcc_15.dsc" { first = true } },
            cb.toolchain "new" { variant = cb.variant "v3" { base = "amd64", flags = "-march=x86-64-v3" },
                                 flags = { cflags = { append = "-O3" } } },
          },
        }"#;
    run_with(&load_text(text).unwrap(), &fake).unwrap();
    let requests = fake.requests.lock().unwrap();
    let told: Vec<String> = requests.iter().filter_map(told_of_tools).collect();
    assert_eq!(
        told,
        [
            "import acme_1_all.deb",
            "build first.now now -",
            "import acme_1_all.deb gcc_15.dsc",
            "build first.gcc-15 gcc-15 -",
            "build first.new new v3",
        ]
    );
}

/// What a request says of overlay, cell and variant.
fn told_of_tools(request: &Request) -> Option<String> {
    match request {
        Request::Import(import) => {
            let files = import.overlay.iter().map(|local| local.path.file_name().unwrap().to_string_lossy());
            Some(format!("import {}", files.collect::<Vec<_>>().join(" ")))
        }
        Request::Build(build) => {
            let cell = build.flags.cell.as_ref().map_or("-", |cell| cell.name.as_str());
            let variant = build.flags.variant.as_ref().map_or("-", |variant| variant.name.as_str());
            Some(format!("build {} {cell} {variant}", build.stage))
        }
        Request::Order(_) | Request::Launch(_) | Request::Publish(_) | Request::Compare(_) => None,
    }
}

use super::*;

use insta::assert_snapshot;

use crate::core::flags::{BuildFlags, VariantIndex};
use crate::core::recipe::BuildRequest;

/// A recipe that builds with these fields, from line 2 on.
fn recipe(fields: &str) -> String {
    format!(
        "local cb = require 'cloudbuild'\nlocal fields = {{\n{fields}\n}}\nreturn cb.recipe {{ run = function(cb)\n\
         fields.order = cb.order {{ sources = cb.import(), packages = {{ 'hello' }} }}\n\
         fields.on = cb.launch {{ cb.here() }}\nreturn cb.build(fields)\nend }}"
    )
}

/// What is asked of `build`.
fn asked(text: &str) -> BuildRequest {
    let fake = Arc::new(Fake::default());
    run_with(&load_text(text).unwrap(), &fake).unwrap();
    let requests = fake.requests.lock().unwrap();
    let build = requests.iter().find_map(|request| match request {
        Request::Build(build) => Some(build.clone()),
        _ => None,
    });
    build.unwrap()
}

/// The error of a recipe that builds with these fields.
fn error(fields: &str) -> String {
    let error = run_with(&load_text(&recipe(fields)).unwrap(), &Arc::default()).unwrap_err().to_string();
    let place = error.find(": ").map_or(0, |at| at + 2);
    error[place..].lines().filter(|line| !line.starts_with("  ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_builds_flags_are_plain_data() {
    let request = asked(&recipe(
        r#"variant = cb.variant "armhf-a8" { base = "armhf", tag = "cortexa8", index = "complete",
                                              flags = "-march=armv7-a -mfpu=neon" },
           cell = cb.cell "O3" { cflags = { replace = { ["-O2"] = "-O3" } }, options = { "optimize=+lto" } },
           flags = { cflags = { append = "-g1" }, languages = { "c++", "c" } },
           rules = { { match = { section = "libs", uses = { "openssl", "zlib" } }, set = { options = "nocheck terse" } } },
           repeat_number = 3"#,
    ));
    assert_eq!(request.repeat, 3);
    assert_eq!(request.flags.variant.as_ref().map(|variant| variant.index), Some(VariantIndex::Complete));
    assert_snapshot!(serde_json::to_string_pretty(&request.flags).unwrap(), @r#"
    {
      "variant": {
        "name": "armhf-a8",
        "base": "armhf",
        "tag": "cortexa8",
        "flags": {
          "cflags": {
            "append": [
              "-march=armv7-a",
              "-mfpu=neon"
            ]
          }
        },
        "index": "complete",
        "below": false
      },
      "set": {
        "cflags": {
          "append": [
            "-g1"
          ]
        },
        "languages": [
          "c",
          "c++"
        ]
      },
      "cell": {
        "name": "O3",
        "flags": {
          "cflags": {
            "replace": {
              "-O2": [
                "-O3"
              ]
            }
          },
          "options": [
            "optimize=+lto"
          ]
        }
      },
      "rules": [
        {
          "match": {
            "section": [
              "libs"
            ],
            "uses": [
              "openssl",
              "zlib"
            ]
          },
          "set": {
            "options": [
              "nocheck",
              "terse"
            ]
          },
          "at": "x.lua:13"
        }
      ]
    }
    "#);
    let again: BuildFlags = serde_json::from_value(serde_json::to_value(&request.flags).unwrap()).unwrap();
    assert_eq!(again, *request.flags);
}

#[test]
fn a_rule_knows_its_line_where_it_is_written_in_the_call() {
    let request = asked(
        "local cb = require 'cloudbuild'\nreturn cb.recipe { run = function(cb)\n\
         local order = cb.order { sources = cb.import(), packages = { 'hello' } }\n\
         cb.build { order = order, on = cb.launch { cb.here() },\n  rules = {\n\
         { match = {}, set = {} },\n\n{ match = {}, set = {}, at = 'here' }, {\n match = {}, set = {} },\n} }\nend }",
    );
    let places: Vec<&str> = request.flags.rules.iter().filter_map(|rule| rule.at.as_deref()).collect();
    assert_eq!(places, ["x.lua:6", "here", "x.lua:8"]);
}

#[test]
fn a_cell_and_a_variant_can_be_read() {
    let body = r#"
        local cell = cb.cell "O3" { cflags = { append = { "-O3", "-g" } } }
        local variant = cb.variant "v6" { base = "armhf", below = true }
        return { cell.kind, cell.name, cell.flags.cflags.append[2], variant.base, variant.tag == nil, variant.below,
                 variant.index }"#;
    assert_eq!(value(body), serde_json::json!(["cell", "O3", "-g", "armhf", true, true, "partial"]));
}

#[test]
fn nested_tables_are_as_strict_as_calls() {
    for (fields, said) in [
        (
            "rules = { { match = {}, set = { cflag = {} } } }",
            "`rules[1].set` has no field `cflag`\nhint: did you mean `cflags`?",
        ),
        (
            "rules = { {}, }",
            "`rules[1].match` is missing: expected a table of what packages have\nhint: which packages",
        ),
        (
            "rules = { match = {}, set = {} }",
            "`rules`: expected a list of tables of match and set, got the key string `",
        ),
        ("rules = 3", "`rules`: expected a list of tables of match and set, got number 3"),
        (
            "rules = { { match = { nam = 'x' }, set = {} } }",
            "`rules[1].match` has no field `nam`\nhint: did you mean `name`?",
        ),
        (
            "rules = { { match = {}, set = { cflags = { append = '' } } } }",
            "`rules[1].set.cflags.append`: expected one line of text, got string ``",
        ),
        (
            "flags = { cflags = { append = 'O3' } }",
            "`flags.cflags.append`: expected flags such as `-O3`, got `O3`, which does not begin with `-`",
        ),
        ("flags = { cflags = { append = '-O3\\n-g' } }", "`flags.cflags.append`: expected one line of text"),
        (
            "flags = { cflags = { replace = { ['-O2 -g'] = '-O3' } } }",
            "`flags.cflags.replace`: expected one flag such as `-O2`",
        ),
        (
            "flags = { cflags = { replace = { ['-O2'] = {} } } }",
            "`flags.cflags.replace[\"-O2\"]`: expected flags such as",
        ),
        ("flags = { cflags = '-O3' }", "`flags.cflags`: expected a table of changes of flags, got string `-O3`"),
        ("flags = { options = { 'NoCheck' } }", "`flags.options`: expected a build option such as `nocheck` or"),
        ("flags = { languages = 'cobol' }", "`flags.languages`: expected `c`, `c++`,"),
        (
            "flags = { environment = { LD_PRELOAD = 'x' } }",
            "`flags.environment`: expected variables of the build, got `LD_PRELOAD`",
        ),
        ("flags = { [1] = '-O3' }", "`flags`: expected named fields, got the key number 1"),
        ("cell = { name = 'O3' }", "`cell`: expected a cell such as `cb.cell \"O3\" { ... }`, got a table"),
        ("repeat_number = 0", "`repeat_number`: expected a whole number from 1 to 1000, got number 0"),
        ("cell = cb.variant 'x' { base = 'armhf' }", "`cell`: expected a cell such as"),
    ] {
        let error = error(fields);
        assert!(error.starts_with(said), "{fields}: {error}");
    }
}

use super::*;

use insta::assert_snapshot;

/// The whole text of the error that a recipe ends with.
pub fn message(text: &str) -> String {
    match load_text(text) {
        Err(error) => error.to_string(),
        Ok(recipe) => run_with(&recipe, &Arc::default()).expect_err("the recipe should fail").to_string(),
    }
}

/// The same for one expression after `local cb = ...` on line 1.
fn of(expression: &str) -> String {
    message(&format!("local cb = require \"cloudbuild\"\nlocal value = {expression}\nreturn value"))
}

#[test]
fn a_wrong_type_is_pointed_at() {
    let text = "local cb = require \"cloudbuild\"\n\nreturn cb.campaign \"hello\" {\n  sources  = cb.apt.system(),\n\
                \x20 packages = 3,\n}";
    assert_snapshot!(message(text), @r"
    x.lua:5: `packages`: expected a list of strings, or a selection such as `cb.everything {}`, got number 3
      5 |   packages = 3,
        |   ^^^^^^^^
    hint: source packages by name or `name=version`, or a selection
    ");
}

#[test]
fn an_unknown_option_names_the_nearest() {
    assert_snapshot!(of("cb.campaign \"hello\" { pakages = {} }"), @r#"
    x.lua:2: `cb.campaign` has no option `pakages`
      2 | local value = cb.campaign "hello" { pakages = {} }
        |                                     ^^^^^^^
    hint: did you mean `packages`?
    "#);
    assert_snapshot!(of("cb.stage \"hello\" { matrix = {} }"), @r#"
    x.lua:2: `cb.stage` has no option `matrix`
      2 | local value = cb.stage "hello" { matrix = {} }
        |                                  ^^^^^^
    hint: it takes: packages, against, optional
    "#);
    assert_snapshot!(of("cb.here { 2 }"), @r"
    x.lua:2: `cb.here`: expected named fields, got the key number 1
      2 | local value = cb.here { 2 }
    hint: it takes: slots
    ");
}

#[test]
fn a_missing_option_says_what_is_expected() {
    assert_snapshot!(of("cb.campaign \"hello\" {}"), @r#"
    x.lua:2: `cb.campaign`: `packages` is missing: expected a list of strings or a selection
      2 | local value = cb.campaign "hello" {}
    hint: say what to build, or give `stages`
    "#);
    assert_snapshot!(of("cb.campaign \"hello\""), @r#"
    x.lua:3: expected the file to return a recipe, got a function
      3 | return value
    hint: give the options too: `cb.campaign "name" { ... }`, or use `cb.recipe { run = ... }`
    "#);
    assert_snapshot!(of("cb.campaign(\"hello\")(3)"), @r#"
    x.lua:2: `cb.campaign`: expected a table of options, got number 3
      2 | local value = cb.campaign("hello")(3)
    hint: write `cb.campaign "name" { ... }`
    "#);
}

#[test]
fn wrong_values_say_what_came() {
    assert_snapshot!(of("cb.campaign \"hello\" { packages = { \"a\", 3 } }"), @r#"
    x.lua:2: `packages[2]`: expected a string, got number 3
      2 | local value = cb.campaign "hello" { packages = { "a", 3 } }
        |                                     ^^^^^^^^
    hint: source packages by name or `name=version`, or a selection
    "#);
    assert_snapshot!(of("cb.campaign \"hello\" { packages = {} }"), @r#"
    x.lua:2: `packages`: expected at least one name, got an empty list
      2 | local value = cb.campaign "hello" { packages = {} }
        |                                     ^^^^^^^^
    hint: write `cb.everything {}` for all of them
    "#);
    assert_snapshot!(of("cb.campaign \"hello\" { packages = { \"a\", \"a\" } }"), @r#"
    x.lua:2: `packages[2]`: expected each name once, got `a` again
      2 | local value = cb.campaign "hello" { packages = { "a", "a" } }
        |                                     ^^^^^^^^
    hint: source packages by name or `name=version`, or a selection
    "#);
    assert_snapshot!(of("cb.campaign \"hello\" { packages = { a = 1 } }"), @r#"
    x.lua:2: `packages`: expected a list of strings, or a selection such as `cb.everything {}`, got the key string `a`
      2 | local value = cb.campaign "hello" { packages = { a = 1 } }
        |                                     ^^^^^^^^
    hint: source packages by name or `name=version`, or a selection
    "#);
    assert_snapshot!(of("cb.campaign \"hello\" { packages = cb.here() }"), @r#"
    x.lua:2: `packages`: expected a list of strings, or a selection such as `cb.everything {}`, got a value of kind `builders`
      2 | local value = cb.campaign "hello" { packages = cb.here() }
        |                                     ^^^^^^^^
    hint: source packages by name or `name=version`, or a selection
    "#);
    assert_snapshot!(of("cb.campaign \"../x\" { packages = { \"a\" } }"), @r#"
    x.lua:2: `cb.campaign`: expected a name of letters, digits and `.+_~-`, got string `../x`
      2 | local value = cb.campaign "../x" { packages = { "a" } }
    hint: write `cb.campaign "name"`
    "#);
    assert_snapshot!(of("cb.campaign { packages = { \"a\" } }"), @r#"
    x.lua:2: `cb.campaign`: expected a name of letters, digits and `.+_~-`, got a table
      2 | local value = cb.campaign { packages = { "a" } }
    hint: write `cb.campaign "name"`
    "#);
}

#[test]
fn wrong_values_of_constructors_say_what_came() {
    assert_snapshot!(of("cb.here { slots = 0 }"), @r"
    x.lua:2: `slots`: expected a whole number from 1 to 1024, got number 0
      2 | local value = cb.here { slots = 0 }
        |                         ^^^^^
    hint: builds at the same time
    ");
    assert_snapshot!(of("cb.here { slots = \"2\" }"), @r#"
    x.lua:2: `slots`: expected a whole number from 1 to 1024, got string `2`
      2 | local value = cb.here { slots = "2" }
        |                         ^^^^^
    hint: builds at the same time
    "#);
    assert_snapshot!(of("cb.dir \"a\\nb\""), @r#"
    x.lua:2: `cb.dir`: expected one line of text, got string `a\nb`
      2 | local value = cb.dir "a\nb"
    hint: write `cb.dir "path"`
    "#);
    assert_snapshot!(of("cb.apt.sources()"), @r#"
    x.lua:2: `cb.apt.sources`: expected a string, got nothing
      2 | local value = cb.apt.sources()
    hint: write `cb.apt.sources "file"`
    "#);
    assert_snapshot!(of("cb.campaign \"x\" { packages = { \"a\" }, environment = { [\"A B\"] = \"1\" } }"), @r#"
    x.lua:2: `environment`: expected names of variables as keys, got string `A B`
      2 | local value = cb.campaign "x" { packages = { "a" }, environment = { ["A B"] = "1" } }
        |                                                     ^^^^^^^^^^^
    hint: variables for the build environment
    "#);
    assert_snapshot!(of("cb.campaign \"x\" { packages = { \"a\" }, builders = { cb.here(), \"here\" } }"), @r#"
    x.lua:2: `builders[2]`: expected builders such as `cb.here { slots = 2 }`, got string `here`
      2 | local value = cb.campaign "x" { packages = { "a" }, builders = { cb.here(), "here" } }
        |                                                     ^^^^^^^^
    hint: who builds
    "#);
    assert_snapshot!(of("cb:here { slots = 1 }"), @r"
    x.lua:2: `cb.here`: expected one argument, got 2
      2 | local value = cb:here { slots = 1 }
    hint: write `cb.here { ... }` with a dot and one table
    ");
    assert_snapshot!(of("cb.dir \"out\" { sweet = 1 }"), @r#"
    x.lua:2: `cb.dir` has no option `sweet`
      2 | local value = cb.dir "out" { sweet = 1 }
        |                              ^^^^^
    hint: it takes: suite, origin, label, valid_for, not_automatic, but_automatic_upgrades, zst, pdiffs, fallback, required, minimum, installable, no_file_conflicts
    "#);
}

#[test]
fn unknown_names_are_errors() {
    assert_snapshot!(of("cb.improt {}"), @r"
    x.lua:2: `cb` has no `improt`
      2 | local value = cb.improt {}
    hint: did you mean `cb.import`?
    ");
    assert_snapshot!(of("cb.apt.sytem()"), @r"
    x.lua:2: `cb.apt` has no `sytem`
      2 | local value = cb.apt.sytem()
    hint: did you mean `cb.apt.system`?
    ");
    assert_snapshot!(of("undefined"), @r"
    x.lua:2: `undefined` is not defined
      2 | local value = undefined
    hint: declare it with `local`, or quote it if it is a name
    ");
    assert_snapshot!(of("os.time()"), @r"
    x.lua:2: `os` is not there for recipes
      2 | local value = os.time()
    hint: a recipe has no clock, environment or commands, so that it can be repeated
    ");
    assert_snapshot!(of("table.move({}, 1, 2, 3)"), @r"
    x.lua:2: `table.move` is not there for recipes
      2 | local value = table.move({}, 1, 2, 3)
    ");
    assert_snapshot!(of("cb.dir(\"x\").pth"), @r#"
    x.lua:2: a value of kind `directory` has no field `pth`
      2 | local value = cb.dir("x").pth
    hint: did you mean `path`?
    "#);
    assert_snapshot!(of("1\ncount = 2"), @r"
    x.lua:3: `count` is assigned, but it is not a local variable
      3 | count = 2
    hint: write `local count = ...`
    ");
}

#[test]
fn primitives_act_only_in_run() {
    assert_snapshot!(of("cb.import {}"), @r"
    x.lua:2: `cb.import` acts, so it can only be called while `run` runs
      2 | local value = cb.import {}
    hint: write `return cb.recipe { run = function(cb, args) ... end }` and call it in there
    ");
}

#[test]
fn arguments_are_declared_strictly() {
    assert_snapshot!(of("cb.recipe { run = print, args = { a = \"strin\" } }"), @r#"
    x.lua:2: `args.a`: expected one of `string`, `integer`, `number`, `boolean`, `file`, `list`, got string `strin`
      2 | local value = cb.recipe { run = print, args = { a = "strin" } }
        |                                        ^^^^
    hint: did you mean `string`?
    "#);
    assert_snapshot!(of("cb.recipe { run = print, args = { a = { \"integer\", default = \"x\" } } }"), @r#"
    x.lua:2: `args.a.default`: expected a whole number, got string `x`
      2 | local value = cb.recipe { run = print, args = { a = { "integer", default = "x" } } }
        |                                        ^^^^
    hint: the arguments that it takes: a type, or a table with more
    "#);
    assert_snapshot!(of("cb.recipe { run = print, args = { a = { \"integer\", defalt = 1 } } }"), @r#"
    x.lua:2: `args.a`: expected a type, `default` and `help`, got the key string `defalt`
      2 | local value = cb.recipe { run = print, args = { a = { "integer", defalt = 1 } } }
        |                                        ^^^^
    hint: write `{ "integer", default = 20, help = "how many" }`
    "#);
    assert_snapshot!(of("cb.recipe { run = print, args = { [\"A B\"] = \"string\" } }"), @r#"
    x.lua:2: `args`: expected names of lower-case letters, digits, `-` and `_`, got string `A B`
      2 | local value = cb.recipe { run = print, args = { ["A B"] = "string" } }
        |                                        ^^^^
    hint: the arguments that it takes: a type, or a table with more
    "#);
}

#[test]
fn lines_that_led_there_are_listed_without_ours() {
    let text = "local cb = require \"cloudbuild\"\nlocal function make(slots)\n  return cb.here { slots = slots }\n\
                end\nlocal function twice(slots)\n  return { make(slots), make(slots) }\nend\nreturn twice(-1)";
    assert_snapshot!(message(text), @r"
    x.lua:3: `slots`: expected a whole number from 1 to 1024, got number -1
      3 |   return cb.here { slots = slots }
        |                    ^^^^^
      called from x.lua:6
      called from x.lua:8
    hint: builds at the same time
    ");
}

#[test]
fn primitives_called_wrongly_say_where() {
    let run = |body: &str| {
        message(&format!("local cb = require \"cloudbuild\"\nreturn cb.recipe {{ run = function(cb)\n{body}\nend }}"))
    };
    assert_snapshot!(run("cb.order { sources = cb.apt.system(), packages = { \"a\" } }"), @r#"
    x.lua:3: `sources`: expected the result of `cb.import` or some of its sources such as `imported:first(20)`, got a value of kind `apt-sources`
      3 | cb.order { sources = cb.apt.system(), packages = { "a" } }
        |            ^^^^^^^
    hint: the import that the packages are in, or some of it
    "#);
    assert_snapshot!(run("cb.publish { to = cb.dir \"out\" }"), @r#"
    x.lua:3: `cb.publish`: expected the result of `cb.build`, got an empty list
      3 | cb.publish { to = cb.dir "out" }
    hint: write `cb.publish { built }`
    "#);
    assert_snapshot!(run("cb.compare { 3 }"), @r"
    x.lua:3: `built[1]`: expected the result of `cb.build`, got number 3
      3 | cb.compare { 3 }
    ");
    assert_snapshot!(run("return { run = print }"), @r"
    x.lua:2: `result.run`: expected a plain value, got function
      2 | return cb.recipe { run = function(cb)
    hint: plain values are strings, numbers, booleans, values of `cb`, and tables of them
    ");
    assert_snapshot!(run("local loop = {} loop[1] = loop return loop"), @r"
    x.lua:2: `result`: expected plain values, got a table that is nested more than 32 deep, or contains itself
      2 | return cb.recipe { run = function(cb)
    hint: return plain values, lists and tables of them
    ");
    assert_snapshot!(run("return cb.import().archh"), @r"
    x.lua:3: a value of kind `import` has no field `archh`
      3 | return cb.import().archh
    hint: did you mean `arch`?
    ");
    assert_snapshot!(run("return require \"later\""), @r#"
    x.lua:3: `require`: cannot read `later.lua`: No such file or directory (os error 2)
      3 | return require "later"
    hint: a recipe reads only `.lua` files of its own folder, and of the one given with `--library`
    "#);
}

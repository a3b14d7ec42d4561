use serde_json::json;

use super::*;
use crate::primitives::hooks::{Decide, Hook};

/// A recipe with these hooks.
fn recipe(hooks: &str) -> Recipe {
    let text = format!(
        "local cb = require 'cloudbuild'\nreturn cb.recipe {{ run = function() end, hooks = {{\n{hooks}\n}} }}"
    );
    load_text(&text).unwrap_or_else(|error| panic!("{error}"))
}

fn hooks(text: &str) -> Arc<dyn Decide> {
    recipe(text).hooks(RunOptions::default()).unwrap()
}

fn source() -> Json {
    json!({ "source": {
        "name": "zlib", "version": "1:1.3-1", "section": "libs", "suite": null,
        "build_depends": ["debhelper", "ghc", "gcc"],
    }, "cell": { "name": "O2" } })
}

/// What one hook answers to a subject.
fn answer(hook: Hook, body: &str, subject: &Json) -> Result<Option<Json>, String> {
    let parameters = hook.parameters().join(", ");
    let hooks = hooks(&format!("{hook} = function({parameters})\n{body}\nend"));
    hooks.decide(hook, subject).map_err(|error| error.to_string())
}

#[test]
fn a_hook_reads_its_arguments_and_answers() {
    let flags = |body: &str| answer(Hook::ChooseFlags, body, &source()).unwrap();
    assert_eq!(
        flags("if source.section == 'libs' and cell.name == 'O2' then return { cflags = { append = '-O3' } } end"),
        Some(json!({ "cflags": { "append": "-O3" } }))
    );
    assert_eq!(flags("return cb.skip 'not here'"), Some(json!({ "kind": "skip", "why": "not here" })));
    assert_eq!(flags("if source.suite then return {} end"), None);
    let how = |body: &str| answer(Hook::ChooseHow, body, &source()).unwrap();
    assert_eq!(how("if source.build_depends:has 'ghc' then return 'emulated' end"), Some(json!("emulated")));
    assert_eq!(how("if source.build_depends:has(cb.re '^gh') then return 'cross' end"), Some(json!("cross")));
    assert_eq!(how("if source.build_depends:has 'gh' then return 'emulated' end"), None);
    let failure = json!({ "job": { "attempt": 1 }, "failure": { "class": "test-failure" } });
    let text = "if failure.class == 'test-failure' and job.attempt == 1 then return cb.retry { alone = true } end";
    let retry = json!({ "kind": "retry", "larger": false, "parallel": null, "alone": true, "how": null });
    assert_eq!(answer(Hook::OnFailure, text, &failure), Ok(Some(retry)));
    assert_eq!(answer(Hook::OnFailure, "return cb.give_up()", &failure), Ok(Some(json!({ "kind": "give-up" }))));
}

#[test]
fn a_log_is_searched_and_its_end_is_read() {
    let subject = json!({ "log": "one\ntwo\nExec format error\n", "job": { "source": "zlib" } });
    let classify = |body: &str| answer(Hook::Classify, body, &subject);
    let found = "if log:has(cb.re [[Exec format error|cannot run]]) then return { class = 'needs-native', note = log:tail(1) } end";
    assert_eq!(classify(found), Ok(Some(json!({ "class": "needs-native", "note": "Exec format error" }))));
    assert_eq!(
        classify("return { class = log:has 'two' and 'yes' or 'no', note = log:tail(2) }"),
        Ok(Some(json!({ "class": "yes", "note": "two\nExec format error" })))
    );
    assert!(classify("return log.tali(2)").unwrap_err().contains("did you mean `log.tail`?"));
}

#[test]
fn a_wrong_hook_or_a_wrong_answer_is_an_error_with_file_and_line() {
    let told = |hook: Hook, body: &str| {
        let subject = json!({ "source": source()["source"], "cell": {}, "job": {}, "failure": {}, "stage": {} });
        answer(hook, body, &subject).unwrap_err()
    };
    let text = told(Hook::ChooseFlags, "return source.nmae");
    assert!(text.starts_with("x.lua:4: `source` has no field `nmae`\n"), "{text}");
    assert!(text.contains("hint: did you mean `source.name`?"), "{text}");
    let text = told(Hook::ChooseFlags, "source.name = 'x'");
    assert!(text.starts_with("x.lua:4: ") && text.contains("readonly") && text.contains("hint: "), "{text}");
    let text = told(Hook::OnFailure, "return 3");
    let expected = "x.lua:3: `on_failure`: expected `cb.retry { ... }` or `cb.give_up()`, or nothing, got number 3\n";
    assert!(text.starts_with(expected), "{text}");
    let text = told(Hook::OnStageDone, "return cb.retry {}");
    assert!(text.contains("expected `cb.pause \"why\"`, or nothing, got a value of kind `retry`"), "{text}");
    let text = told(Hook::ChooseFlags, "return { cflags = { append = 0/0 } }");
    assert!(text.contains("`choose_flags.cflags.append`: expected a number that can be written, got "), "{text}");
    let text = told(Hook::ChooseHow, "return 'fast'");
    assert!(text.contains("expected `native`, `cross`, `emulated`, or `cb.skip \"why\"`, or nothing"), "{text}");
    let text = told(Hook::ChooseHow, "while true do end");
    assert!(text.starts_with("x.lua:4: stopped after 20000 calls and turns of loops: the hook does not end"), "{text}");
    let text = told(Hook::ChooseHow, "return cb.import {}");
    assert!(text.starts_with("x.lua:4: `cb.import` acts, so it can only be called while `run` runs"), "{text}");
}

#[test]
fn each_call_has_a_budget_of_its_own_and_keeps_no_values() {
    let hooks =
        hooks("on_failure = function(job, failure) for i = 1, 5000 do end return cb.retry { parallel = 2 } end");
    let subjects = vec![json!({ "job": { "attempt": 1 }, "failure": {} }); 12_000];
    let answers = hooks.decide_all(Hook::OnFailure, &subjects[..100]).unwrap();
    assert!(answers.iter().all(|answer| answer.as_ref().is_some_and(|answer| answer["parallel"] == 2)));
    let cheap = self::hooks("on_failure = function() return cb.retry { parallel = 2 } end");
    assert_eq!(cheap.decide_all(Hook::OnFailure, &subjects).unwrap().len(), subjects.len());
}

#[test]
fn randomness_in_a_hook_does_not_depend_on_what_was_asked_before() {
    let hooks = hooks("choose_flags = function(source) return { n = math.random(1000000) } end");
    let first = hooks.decide(Hook::ChooseFlags, &source()).unwrap();
    assert_eq!(first, hooks.decide(Hook::ChooseFlags, &source()).unwrap());
}

#[test]
fn the_place_of_a_hook_is_where_it_is_written() {
    let hooks = hooks("choose_how = function() end,\nclassify = function()\nend");
    assert_eq!(hooks.place(Hook::ChooseHow).as_deref(), Some("x.lua:3"));
    assert_eq!(hooks.place(Hook::Classify).as_deref(), Some("x.lua:4"));
    assert!(!hooks.has(Hook::OnFailure) && hooks.place(Hook::OnFailure).is_none());
    assert_eq!(hooks.decide(Hook::OnFailure, &json!({})).unwrap(), None);
}

#[test]
fn an_unknown_hook_and_one_that_is_no_function_are_refused() {
    let told = |hooks: &str| {
        let text = format!("local cb = require 'cloudbuild'\nreturn cb.recipe {{ run = function() end,\n{hooks} }}");
        load_text(&text).unwrap_err().to_string()
    };
    let text = told("hooks = { on_failed = function() end }");
    assert!(text.contains("x.lua:3: `hooks`: expected names of hooks as keys, got string `on_failed`"), "{text}");
    assert!(text.contains("hint: did you mean `on_failure`?"), "{text}");
    let text = told("hooks = { on_failure = 3 }");
    assert!(text.contains("`hooks.on_failure`: expected a function, got number 3"), "{text}");
}

#[test]
fn a_hook_changes_nothing_that_run_sees() {
    let text = "local cb = require 'cloudbuild'\nlocal asked = 0\nreturn cb.recipe {
        run = function() return { asked = asked } end,
        hooks = { choose_how = function() asked = asked + 1 end },
    }";
    let recipe = load_text(text).unwrap();
    let hooks = recipe.hooks(RunOptions::default()).unwrap();
    for _ in 0..3 {
        hooks.decide(Hook::ChooseHow, &source()).unwrap();
    }
    assert_eq!(run_with(&recipe, &Arc::default()).unwrap(), json!({ "asked": 0 }));
}

#[test]
fn patterns_are_used_like_those_of_strings() {
    let text = "local re = cb.re [[(?<name>[a-z]+)-([0-9]+)]]
        local from, to = re:find('x zlib-13')
        local name, number = re:match('zlib-13')
        local all = re:captures('zlib-13')
        return { from, to, name, number, all[0], all.name, all[2], tostring(re:matches('-')), cb.re('b+'):match('abbc') }";
    let expected = json!([3, 9, "zlib", "13", "zlib-13", "zlib", "13", "false", "bb"]);
    assert_eq!(value(text), expected);
    let told = |body: &str| run_text(&format!("local cb = require 'cloudbuild'\n{body}")).unwrap_err().to_string();
    assert!(told("cb.re '(a'").contains("`cb.re`: unclosed group"));
    assert!(told("cb.re('a').matches('a')").contains("write `pattern:matches(text)` with a colon"));
}

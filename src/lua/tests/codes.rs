use super::*;

use crate::core::codes::{Code, Example};

/// The code that a recipe's text ends with, if it ends with an error.
fn code(text: &str) -> Option<Code> {
    // Long enough for what a person writes, short enough for what never ends.
    let limits = Limits { memory: 8 << 20, interrupts: 100_000, ..Limits::default() };
    let options = LoadOptions { path: "x.lua".into(), text: Some(text.as_bytes().to_vec()), limits };
    let result = load(options).and_then(|recipe| run_with(&recipe, &Arc::default()));
    result.err().map(|error| error.code.unwrap_or_else(|| panic!("{text}\nhas no code: {error}")))
}

/// Codes whose examples are about another file, the command line, or an act of a real run.
const ELSEWHERE: &[Code] = &[
    Code::Unreadable,
    Code::RequireLoop,
    Code::RequireNothing,
    Code::WallTime,
    Code::UnknownArgument,
    Code::MissingArgument,
    Code::ArgumentValue,
    Code::ReservedArgument,
    Code::Selection,
    Code::Refused,
    Code::Publish,
    Code::Edited,
    Code::Diverged,
    Code::PlanMoved,
    Code::Stdlib,
];

#[test]
fn the_wrong_example_of_each_code_raises_it_and_the_right_one_runs() {
    for known in Code::ALL.iter().filter(|known| !ELSEWHERE.contains(known)) {
        let explained = known.explained();
        let Example::Recipe(wrong) = explained.wrong else { panic!("{known}: {:?}", explained.wrong) };
        assert_eq!(code(wrong), Some(*known), "{wrong}");
        if let Example::Recipe(right) = explained.right {
            assert_eq!(code(right), None, "{right}");
        }
    }
}

#[test]
fn codes_of_other_files_are_raised_by_them() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let of_file = |name: &str| load_file(&folder.path().join(name)).unwrap_err().code;
    assert_eq!(of_file("none.lua"), Some(Code::Unreadable));
    write("nothing.lua", "local names = {}");
    write("main.lua", "return require 'nothing'");
    assert_eq!(of_file("main.lua"), Some(Code::RequireNothing));
    write("main.lua", "return require 'main'");
    assert_eq!(of_file("main.lua"), Some(Code::RequireLoop));
    let text = "local list = {}\nfor at = 1, 100000 do list[at] = at end\n\
                while true do\ntable.insert(list, 1, 0)\ntable.remove(list, 1)\nend";
    let limits = Limits { wall: std::time::Duration::from_millis(20), ..Limits::default() };
    let error = load(LoadOptions { path: "x.lua".into(), text: Some(text.into()), limits }).unwrap_err();
    assert_eq!(error.code, Some(Code::WallTime));
}

#[test]
fn codes_of_arguments_are_raised_by_a_run() {
    let text = "return require('cloudbuild').recipe { args = { most = 'integer' }, run = print }";
    let recipe = load_text(text).unwrap();
    let run = |args: Json| {
        let args = serde_json::from_value(args).unwrap();
        recipe.run(Arc::<Fake>::default(), args, RunOptions::default()).unwrap_err().code
    };
    assert_eq!(run(serde_json::json!({})), Some(Code::MissingArgument));
    assert_eq!(run(serde_json::json!({ "most": "many" })), Some(Code::ArgumentValue));
    assert_eq!(run(serde_json::json!({ "most": 1, "least": 1 })), Some(Code::UnknownArgument));
}

#[test]
fn a_primitive_that_fails_is_told_by_its_cause() {
    let fake = Arc::new(Fake { import_fails: true, ..Fake::default() });
    let recipe = load_text("return require('cloudbuild').recipe { run = function(cb) cb.import() end }").unwrap();
    let error = run_with(&recipe, &fake).unwrap_err();
    assert!(error.code.is_none() && error.cause.is_some());
}

#[test]
fn a_module_that_stdlib_does_not_have_is_not_the_recipes_mistake() {
    let session = crate::lua::recipe::bare_session();
    let lua = crate::lua::sandbox::open(&session, 0).unwrap();
    let fault = crate::lua::door::require::composed(&lua, &session, "none").unwrap_err();
    assert_eq!(fault.code, Code::Stdlib);
}

#[test]
fn every_hostile_recipe_has_a_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/recipes");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let result = load_file(&path).and_then(|recipe| run_with(&recipe, &Arc::default()));
        let error = result.unwrap_err();
        assert!(error.code.is_some(), "{error}");
    }
}

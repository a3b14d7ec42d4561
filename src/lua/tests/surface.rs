use super::*;

use crate::lua::api::declarations;
use crate::lua::api::results::fields;
use crate::lua::door::narrow::METHODS;
use crate::lua::sandbox::ALLOWED;
use crate::lua::values::Tag;

#[test]
fn a_recipe_sees_the_allowed_globals_and_nothing_else() {
    // What can be reached by name, from the VM itself.
    let session = crate::lua::recipe::bare_session();
    let lua = crate::lua::sandbox::open(&session, 0).unwrap();
    let globals = crate::lua::sandbox::real_globals(&lua).unwrap();
    let mut names = Vec::new();
    for pair in globals.pairs::<String, mlua::Value>() {
        match pair.unwrap() {
            (name, mlua::Value::Table(library)) => {
                names.extend(
                    library.pairs::<String, mlua::Value>().map(|member| format!("{name}.{}", member.unwrap().0)),
                );
            }
            (name, _) => names.push(name),
        }
    }
    names.sort();
    assert_eq!(names, ALLOWED);
}

#[test]
fn base_functions_that_are_gone_have_no_shortcut_left_in_the_compiler() {
    for call in [
        "bit32.band(1, 3)",
        "typeof(1)",
        "vector.create(1, 2, 3)",
        "math.sin(1)",
        "math.clamp(1, 2, 3)",
        "buffer.create(8)",
        "unpack({ 1 })",
        "table.create(8)",
        "string.split('a b', ' ')",
        "utf8.nfcnormalize('a')",
    ] {
        let error = load_text(&format!("local x = {call}\nreturn x")).unwrap_err();
        assert!(error.line() == Some(1), "{call}: {error}");
        let said = error.message.contains("is not defined") || error.message.contains("is not there for recipes");
        assert!(said, "{call}: {error}");
    }
}

#[test]
fn slow_base_functions_are_stopped_by_wall_time() {
    let text = "local list = {}\nfor i = 1, 100000 do list[i] = i end\n\
                while true do\ntable.insert(list, 1, 0)\ntable.remove(list, 1)\nend";
    let limits = Limits { wall: std::time::Duration::from_millis(20), ..Limits::default() };
    let error = load(LoadOptions { path: "x.lua".into(), text: Some(text.into()), limits, ..LoadOptions::default() })
        .unwrap_err();
    assert!(error.message.starts_with("stopped after") && error.line() >= Some(1), "{error}");
}

#[test]
fn the_stub_is_what_the_declarations_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("stdlib/meta/cloudbuild.d.lua");
    if option_env!("UPDATE_STUB").is_some() {
        std::fs::write(&path, crate::lua::stub()).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    assert!(kept == crate::lua::stub(), "the stub is stale; run this test with UPDATE_STUB=1");
}

#[test]
fn everything_is_described_in_a_sentence() {
    let sentence = |text: &str| text.ends_with('.') && text.starts_with(|c: char| c.is_uppercase() || c == '`');
    for declaration in declarations::all() {
        assert!(sentence(declaration.sentence), "{}", declaration.name);
        for parameter in declaration.parameters() {
            assert!(sentence(parameter.sentence), "{}.{}", declaration.name, parameter.name);
        }
    }
    for tag in Tag::ALL {
        for field in fields(*tag) {
            assert!(sentence(field.sentence), "{}.{}", tag.text(), field.name);
        }
    }
    for method in METHODS {
        assert!(sentence(method.sentence) && sentence(method.parameter.sentence), "{}", method.name);
    }
    let help = crate::lua::api_help();
    for declaration in declarations::all() {
        assert!(help.contains(&format!("\ncb.{}", declaration.name)), "{help}");
    }
}

#[test]
fn help_of_a_constructor_says_what_it_takes() {
    let help = crate::lua::api_help();
    let from = help.find("\ncb.dir").unwrap();
    let to = help[from + 1..].find("\n\n").unwrap() + from + 1;
    let help = &help[from + 1..to];
    let begins = "cb.dir \"PATH\" [{ ... }]\n  A directory to publish an archive to.\n  \
         path         a string: The archive's root; relative to the state directory.\n  \
         suite        a name of letters, digits and `.+_~-`: `Suite:` of the archive. Default: the campaign's name.\n  \
         origin       a string: `Origin:` of the archive. Default: cloudbuild.\n  \
         label        a string: `Label:` of the archive. Default: the campaign's name.\n  \
         valid_for    a string: `Valid-Until:`, so long after `Date`: `14 days`. Default: for ever.\n";
    assert!(help.starts_with(begins) && help.ends_with("\n  gives: a value of kind `directory`"), "{help}");
}

#[test]
fn help_of_one_name_has_the_fields_of_its_result_and_programs_get_the_same() {
    let help = crate::lua::api_help_of("cb.here").unwrap();
    assert!(help.starts_with("cb.here() or cb.here { ... }\n  Builders on this machine.\n"), "{help}");
    assert!(help.contains("\n    .slots      integer?: Builds at the same time"), "{help}");
    let document = crate::lua::api_document(Some("order")).unwrap();
    assert_eq!((&document["name"], &document["acts"]), (&"cb.order".into(), &true.into()));
    assert_eq!(document["options"][0]["name"], "sources");
    assert_eq!(document["options"][0]["default"], Json::Null);
    let all = crate::lua::api_document(None).unwrap();
    assert_eq!(all["calls"].as_array().unwrap().len(), declarations::all().count());
    assert_eq!(crate::lua::api_help_of("ordr").unwrap_err(), ["order"]);
    assert_eq!(crate::lua::api_help_of("system").unwrap_err(), ["apt.system"]);
}

#[test]
fn the_fields_of_results_are_those_that_are_declared() {
    let body = r#"
        local imported = cb.import()
        local order = cb.order { sources = imported, packages = { "hello" } }
        local fleet = cb.launch { cb.here() }
        local built = cb.build { order = order, on = fleet }
        local published = cb.publish { built, to = cb.dir "out" }
        return { imported, order, fleet, built, published, cb.compare { built } }"#;
    let results = value(body);
    for result in results.as_array().unwrap() {
        let result = result.as_object().unwrap();
        let tag = Tag::ALL.iter().find(|tag| result["kind"] == tag.text()).unwrap();
        let mut declared: Vec<&str> = fields(*tag).iter().map(|field| field.name).chain(["kind"]).collect();
        declared.sort_unstable();
        let real: Vec<&str> = result.keys().map(String::as_str).collect();
        assert_eq!(real, declared);
    }
}

#[test]
fn base_functions_are_bounded_and_show_no_address() {
    let body = r##"
        local named = setmetatable({}, { __tostring = function() return "named" end })
        local yes, why = pcall(error, { 1 })
        return { tostring({}), tostring(print), string.format("%s %d %q", {}, 1, "q"), ("%s"):format(named),
                 `{named}{ {1} }`,
                 ("ab"):rep(2, "-"), ("x"):rep(0), select("#", tostring(nil)), type(why), ("a.b"):find(".", 1, true),
                 table.concat({ pcall(string.rep, "x", 1e9) }, " ", 2, 2), rawlen({ 1 }) }"##;
    assert_eq!(
        value(body),
        serde_json::json!([
            "table",
            "function",
            "table 1 \"q\"",
            "named",
            "namedtable",
            "ab-ab",
            "",
            1,
            "table",
            2,
            "string.rep: expected a result of at most 1048576 bytes, got 1 times 1000000000",
            1
        ])
    );
}

#[test]
fn values_of_cb_are_read_only() {
    let error = |body: &str| {
        let text = format!(
            "local cb = require 'cloudbuild'\nlocal v = cb.dir 'x'\n{body}\nreturn cb.recipe {{ run = print }}"
        );
        load_text(&text).unwrap_err().to_string()
    };
    for body in [
        "v.path = 'y'",
        "rawset(v, 'path', 'y')",
        "cb.dir = 1",
        "cb.apt.x = 1",
        "table.insert(v, 1)",
        "string.rep = 1",
        "rawset(string, 'rep', 1)",
        "rawset(math, 'random', 1)",
    ] {
        assert!(error(body).starts_with("x.lua:3: attempt to modify a readonly table"), "{}", error(body));
    }
    for body in ["setmetatable(v, {})", "setmetatable(cb, {})", "setmetatable(string, {})"] {
        assert!(error(body).contains("protected metatable"), "{}", error(body));
    }
    assert_eq!(
        value("return { getmetatable(cb.dir 'x'), getmetatable(cb) }"),
        serde_json::json!(["a value of cloudbuild", "closed"])
    );
}

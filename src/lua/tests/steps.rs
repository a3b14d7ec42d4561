use super::*;

/// What comes of a recipe whose `run` is this.
fn told(body: &str) -> String {
    let text = format!("local cb = require 'cloudbuild'\nreturn cb.recipe {{ run = function(cb)\n{body}\nend }}");
    match run_text(&text) {
        Ok(value) => value.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_primitive_is_refused_where_lua_itself_calls() {
    let inside = [
        ("table.sort", "table.sort({ 1, 2 }, function() cb.import {} return false end)"),
        ("string.gsub", "string.gsub('a', 'a', function() cb.import {} end)"),
        ("__index", "local t = setmetatable({}, { __index = function() return cb.import {} end }) return t.x"),
        ("__newindex", "local t = setmetatable({}, { __newindex = function() cb.import {} end }) t.x = 1"),
        (
            "gsub with a table",
            "return ('x'):gsub('x', setmetatable({}, { __index = function() return cb.import {} end }))",
        ),
        (
            "__eq",
            "local m = { __eq = function() cb.import {} return true end }
                  return setmetatable({}, m) == setmetatable({}, m)",
        ),
        ("__tostring", "return tostring(setmetatable({}, { __tostring = function() cb.import {} return 'x' end }))"),
        ("__concat", "return setmetatable({}, { __concat = function() return cb.import {} end }) .. 'x'"),
        ("__iter", "for _ in setmetatable({}, { __iter = function() return cb.import {} end }) do end"),
        (
            "in a pcall in a sort",
            "table.sort({ 1, 2 }, function() local ok, why = pcall(cb.import, {}) error(why, 0) end)",
        ),
    ];
    for (name, body) in inside {
        let told = told(body);
        assert!(told.contains("`cb.import` is called in a function that Lua itself calls"), "{name}: {told}");
        assert!(told.starts_with("x.lua:3: ") || told.starts_with("x.lua:4: "), "{name}: {told}");
        let hinted = told.contains("\nhint: call it in `run` itself") || name == "in a pcall in a sort";
        assert!(hinted, "{name}: {told}");
    }
}

#[test]
fn a_primitive_is_called_in_functions_pcalls_and_loops_of_run() {
    for body in [
        "local function deep(n) if n == 0 then return cb.import {} end local x = deep(n - 1) return x end
         return deep(20).sources",
        "local ok, imported = pcall(cb.import, {}) return imported.sources",
        "local ok, imported = pcall(function() return cb.import {} end) return imported.sources",
        "local ok, imported = xpcall(function() return cb.import {} end, tostring) return imported.sources",
        "for imported in function() return cb.import {} end do return imported.sources end",
        "for at, arch in ipairs { 'amd64' } do return cb.import { arch = arch }.sources end",
        "local call = setmetatable({}, { __call = function() return cb.import {} end }) return call().sources",
    ] {
        assert_eq!(told(body), "2", "{body}");
    }
}

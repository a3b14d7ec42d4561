//! A VM that can only compute: globals by allow-list, bounded memory and time, errors that know their lines.

mod faults;

use std::sync::Arc;

use mlua::chunk::{ChunkMode, Compiler};
use mlua::{Function, IntoLuaMulti, Lua, LuaOptions, MultiValue, StdLib, Table, Value, VmState};

use crate::core::codes::Code;
use crate::core::events::Event;
use crate::core::suggest::nearest;
use crate::lua::check::shortened;
use crate::lua::door;
use crate::lua::session::{Fault, RECIPE_CHUNK, Session, lock};

pub use self::faults::fault;
use self::faults::{describe, from_text, handle};

/// Every global that a recipe sees, libraries with their members; a golden test holds the real ones against this.
pub const ALLOWED: &[&str] = &[
    "assert",
    "error",
    "getmetatable",
    "ipairs",
    "math.abs",
    "math.ceil",
    "math.floor",
    "math.fmod",
    "math.huge",
    "math.max",
    "math.min",
    "math.modf",
    "math.pi",
    "math.random",
    "next",
    "pairs",
    "pcall",
    "print",
    "rawequal",
    "rawget",
    "rawlen",
    "rawset",
    "require",
    "select",
    "setmetatable",
    "string.byte",
    "string.char",
    "string.find",
    "string.format",
    "string.gmatch",
    "string.gsub",
    "string.len",
    "string.lower",
    "string.match",
    "string.rep",
    "string.reverse",
    "string.sub",
    "string.upper",
    "table.concat",
    "table.insert",
    "table.pack",
    "table.remove",
    "table.sort",
    "table.unpack",
    "tonumber",
    "tostring",
    "type",
    "utf8.char",
    "utf8.charpattern",
    "utf8.codepoint",
    "utf8.codes",
    "utf8.len",
    "utf8.offset",
    "xpcall",
];

/// What Lua programs use elsewhere and recipes never have, with the reason.
const ABSENT: &[(&str, &str)] = &[
    ("_G", "globals are closed; use `local`"),
    ("collectgarbage", "memory is not a recipe's business"),
    ("coroutine", "a recipe is one sequence of steps, so that it can be repeated"),
    ("debug", "a recipe cannot look into its VM"),
    ("dofile", "use `require` for a `.lua` file beside the recipe"),
    ("getfenv", "globals are closed; use `local`"),
    ("io", "a recipe has no files; what it does goes through `cb`"),
    ("load", "a recipe is the text of its files, nothing else"),
    ("loadfile", "use `require` for a `.lua` file beside the recipe"),
    ("loadstring", "a recipe is the text of its files, nothing else"),
    ("os", "a recipe has no clock, environment or commands, so that it can be repeated"),
    ("package", "use `require` for a `.lua` file beside the recipe"),
    ("setfenv", "globals are closed; use `local`"),
    ("unpack", "write `table.unpack`"),
];

/// What every call into Lua goes through; lent to `require`, which calls in again.
struct Protect {
    xpcall: Function,
    handler: Function,
    randomseed: Function,
    is_yieldable: Function,
}

/// A new VM with `cb` in it.
pub fn open(session: &Arc<Session>, seed: u64) -> mlua::Result<Lua> {
    // Lua's own `pcall`, not the one of mlua that lets no panic by: through that one, nobody can tell whether a function
    // could wait. A panic that is caught goes on when Rust sees it.
    let lua = Lua::new_with(StdLib::ALL_SAFE, LuaOptions::new())?;
    lua.set_memory_limit(session.limits.memory)?;
    let shared = Arc::clone(session);
    let caught = lua.create_function(move |lua, problem| handle(lua, &shared, problem, Fault::as_seen_by_recipe))?;
    let shared = Arc::clone(session);
    let handler = lua.create_function(move |lua, problem| {
        handle(lua, &shared, problem, |fault| Value::Error(Box::new(mlua::Error::external(fault.clone()))))
    })?;
    let globals = lua.globals();
    #[cfg(test)]
    lua.set_named_registry_value("globals", &globals)?;
    let randomseed = globals.raw_get::<Table>("math")?.raw_get("randomseed")?;
    let is_yieldable = globals.raw_get::<Table>("coroutine")?.raw_get("isyieldable")?;
    lua.set_app_data(Protect { xpcall: globals.raw_get("xpcall")?, handler, randomseed, is_yieldable });
    self::seed(&lua, seed)?;
    prepare(&lua, session, &globals, caught)?;
    let removed = close_libraries(&lua, &globals)?;
    // The compiler has shortcuts for base functions that would go on working after they are gone.
    lua.set_compiler(Compiler::new().set_optimization_level(1).set_debug_level(1).set_disabled_builtins(removed));
    door::install(&lua, session)?;
    lua.sandbox(true)?;
    close_globals(&lua, &globals)?;
    let shared = Arc::clone(session);
    lua.set_interrupt(move |lua| match shared.watch.spend() {
        // Once the last byte is used, an error has no room for its line.
        None if shared.watch.looks_at_memory() && lua.used_memory() > shared.limits.enough_memory() => {
            Err(faults::too_much_memory(&shared).raise(lua))
        }
        None => Ok(VmState::Continue),
        Some(stop) => Err(shared.stop(lua, stop).raise(lua)),
    });
    Ok(lua)
}

/// Says what `math.random` gives from now on.
pub fn seed(lua: &Lua, seed: u64) -> mlua::Result<()> {
    // Luau takes 32 bits; mixed first, so that seeds that differ anywhere differ there.
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let folded = (mixed >> 32) as u32 as i32;
    let randomseed = lua.app_data_ref::<Protect>().expect("set when the VM was made").randomseed.clone();
    randomseed.call(folded)
}

/// Runs `stdlib/sandbox.lua` and puts its replacements in place.
fn prepare(lua: &Lua, session: &Arc<Session>, globals: &Table, caught: Function) -> mlua::Result<()> {
    let native = lua.create_table()?;
    native.raw_set("caught", caught)?;
    let table: Table = globals.raw_get("table")?;
    native.raw_set("unpack", table.raw_get::<Function>("unpack")?)?;
    native.raw_set("concat", table.raw_get::<Function>("concat")?)?;
    let shared = Arc::clone(session);
    let print = move |lua: &Lua, text: mlua::LuaString| {
        if !shared.may_print(text.as_bytes().len()) {
            let most = shared.limits.printed;
            return Err(Fault::new(format!("`print`: expected at most {most} bytes in all, got more"))
                .code(Code::Printed)
                .raise(lua));
        }
        if let Some(listener) = &shared.listener {
            listener.hear(&Event::Note { text: text.to_string_lossy() });
        }
        Ok(())
    };
    native.raw_set("print", lua.create_function(print)?)?;
    let text = include_str!("../../stdlib/sandbox.lua");
    let replaced: Table = lua.load(text).set_name("=stdlib/sandbox.lua").call(native)?;
    for pair in replaced.pairs::<String, Value>() {
        match pair? {
            (library, Value::Table(members)) => {
                let library: Table = globals.raw_get(library)?;
                for member in members.pairs::<String, Function>() {
                    let (name, function) = member?;
                    library.raw_set(name, function)?;
                }
            }
            (name, function) => globals.raw_set(name, function)?,
        }
    }
    Ok(())
}

/// Takes away every global that is not allowed; gives back their names, and those that were replaced.
fn close_libraries(lua: &Lua, globals: &Table) -> mlua::Result<Vec<String>> {
    let mut removed = vec!["tostring".to_owned(), "pcall".to_owned(), "xpcall".to_owned()];
    for pair in globals.pairs::<String, Value>().collect::<Vec<_>>() {
        let (name, value) = pair?;
        if let Value::Table(library) = &value
            && name != "_G"
        {
            for member in library.pairs::<String, Value>().collect::<Vec<_>>() {
                let full = format!("{name}.{}", member?.0);
                if !ALLOWED.contains(&full.as_str()) {
                    library.raw_set(&full[name.len() + 1..], Value::Nil)?;
                    removed.push(full);
                }
            }
            let prefix = format!("{name}.");
            if ALLOWED.iter().any(|allowed| allowed.starts_with(&prefix)) {
                library.set_metatable(Some(strict(lua, name, library)?))?;
                continue;
            }
        }
        if !ALLOWED.contains(&name.as_str()) {
            globals.raw_set(name.as_str(), Value::Nil)?;
            removed.push(name);
        }
    }
    Ok(removed)
}

/// A metatable that makes reading an unknown member of a library an error.
fn strict(lua: &Lua, library: String, table: &Table) -> mlua::Result<Table> {
    let names = table.pairs::<String, Value>().map(|pair| Ok(pair?.0)).collect::<mlua::Result<Vec<_>>>()?;
    let metatable = lua.create_table()?;
    let index = move |lua: &Lua, (_, key): (Value, Value)| -> mlua::Result<Value> {
        let key = key.as_string().map(|key| key.to_string_lossy()).unwrap_or_default();
        let fault = Fault::new(format!("`{library}.{}` is not there for recipes", shortened(&key))).code(Code::Absent);
        Err(match nearest(&key, names.iter().map(String::as_str)) {
            Some(near) => fault.hint(format!("did you mean `{library}.{near}`?")),
            None => fault,
        }
        .raise(lua))
    };
    metatable.raw_set("__index", lua.create_function(index)?)?;
    metatable.raw_set("__metatable", "closed")?;
    metatable.set_readonly(true);
    Ok(metatable)
}

/// After the sandbox has put its proxy before the globals: reading an unknown global and writing any is an error.
fn close_globals(lua: &Lua, globals: &Table) -> mlua::Result<()> {
    let real = globals.clone();
    let read = move |lua: &Lua, (_, key): (Value, Value)| -> mlua::Result<Value> {
        let found: Value = real.raw_get(&key)?;
        match found.is_nil() {
            false => Ok(found),
            true => Err(undefined(&key.as_string().map(|key| key.to_string_lossy()).unwrap_or_default()).raise(lua)),
        }
    };
    let write = |lua: &Lua, (_, key, _): (Value, Value, Value)| -> mlua::Result<()> {
        let name = shortened(&key.as_string().map(|key| key.to_string_lossy()).unwrap_or_default());
        Err(Fault::new(format!("`{name}` is assigned, but it is not a local variable"))
            .code(Code::Assigned)
            .hint(format!("write `local {name} = ...`"))
            .raise(lua))
    };
    let metatable = lua.create_table()?;
    metatable.raw_set("__index", lua.create_function(read)?)?;
    metatable.raw_set("__newindex", lua.create_function(write)?)?;
    metatable.raw_set("__metatable", "closed")?;
    metatable.set_readonly(true);
    lua.globals().set_metatable(Some(metatable))
}

/// The table behind the closed globals.
#[cfg(test)]
pub fn real_globals(lua: &Lua) -> mlua::Result<Table> {
    lua.named_registry_value("globals")
}

fn undefined(name: &str) -> Fault {
    if let Some((_, why)) = ABSENT.iter().find(|(absent, _)| *absent == name) {
        return Fault::new(format!("`{name}` is not there for recipes")).code(Code::Absent).hint(*why);
    }
    let fault = Fault::new(format!("`{}` is not defined", shortened(name))).code(Code::Undefined);
    let tops = ALLOWED.iter().filter_map(|allowed| allowed.split('.').next());
    match nearest(name, tops) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None if name == "cb" => fault.hint("begin with `local cb = require \"cloudbuild\"`"),
        None => fault.hint("declare it with `local`, or quote it if it is a name"),
    }
}

/// Tells a function of Lua whether it could wait where it is: not inside of what Lua itself calls, such as a comparison
/// of `table.sort` or a metamethod. Only what [`run`] calls could ever.
pub fn is_yieldable(lua: &Lua) -> Function {
    lua.app_data_ref::<Protect>().expect("set when the VM was made").is_yieldable.clone()
}

/// Calls a function; what goes wrong comes back as a fault with the recipe's lines.
pub fn call(lua: &Lua, session: &Session, function: &Function, args: impl IntoLuaMulti) -> Result<Value, Fault> {
    called(lua, session, function, args, |xpcall, all| xpcall.call(all))
}

/// Calls a recipe's `run`, in which primitives may be called.
pub fn run(lua: &Lua, session: &Session, function: &Function, args: impl IntoLuaMulti) -> Result<Value, Fault> {
    called(lua, session, function, args, |xpcall, all| lua.create_thread(xpcall)?.resume(all))
}

fn called(
    lua: &Lua,
    session: &Session,
    function: &Function,
    args: impl IntoLuaMulti,
    call: impl FnOnce(Function, MultiValue) -> mlua::Result<MultiValue>,
) -> Result<Value, Fault> {
    let (xpcall, handler) = {
        let protect = lua.app_data_ref::<Protect>().expect("set when the VM was made");
        (protect.xpcall.clone(), protect.handler.clone())
    };
    let internal = |error| fault(session, error);
    let mut all = args.into_lua_multi(lua).map_err(internal)?;
    all.push_front(Value::Function(handler));
    all.push_front(Value::Function(function.clone()));
    let result = call(xpcall, all).map_err(internal);
    if let Some(stopped) = lock(&session.stopped).clone() {
        return Err(stopped);
    }
    let mut values = result?.into_iter();
    match values.next() {
        Some(Value::Boolean(true)) => Ok(values.next().unwrap_or(Value::Nil)),
        Some(_) | None => Err(describe(session, &values.next().unwrap_or(Value::Nil))),
    }
}

/// Compiles a file of a recipe, or of `stdlib` when its name begins with `=`.
pub fn compile(lua: &Lua, session: &Session, chunk: &str, text: &str) -> Result<Function, Fault> {
    let loaded = lua.load(text).set_name(chunk).set_mode(ChunkMode::Text).into_function();
    loaded.map_err(|error| {
        let text = match &error {
            mlua::Error::SyntaxError { message, .. } => message.clone(),
            other => other.to_string(),
        };
        let mut fault = from_text(session, &text, Vec::new());
        if fault.frames.is_empty()
            && let Some(file) = chunk.strip_prefix(RECIPE_CHUNK)
        {
            fault.frames.push(crate::lua::error::Frame { file: file.to_owned(), line: 0 });
        }
        fault.message = format!("syntax error: {}", fault.message);
        fault.code = Code::Syntax;
        fault.or_hint(|| {
            "look at this line and the one before it: options are `name = value`, separated by commas, and every `{`, \
             `(` and `function` needs its end"
                .to_owned()
        })
    })
}

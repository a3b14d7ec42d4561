//! Puts `cb` into a VM: every declaration as a function that checks its arguments and does its body.
//!
//! **Invariant:** a body never sees an argument that was not checked against its declaration.

mod complete;
pub mod flags;
pub mod narrow;
pub mod request;
pub mod require;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mlua::{Function, Lua, MultiValue, Table, Value};

use crate::core::codes::Code;
use crate::core::recipe::Request;
use crate::core::suggest::nearest;
use crate::lua::api::declarations;
use crate::lua::api::{Asking, Body, Context, Declaration, Options};
use crate::lua::check::call::Call;
use crate::lua::check::{self, described, shortened};
use crate::lua::error::RecipeError;
use crate::lua::methods;
use crate::lua::sandbox;
use crate::lua::session::{Fault, Session, frames};
use crate::lua::values::{self, Handle};

/// What the functions of `cb` need of the VM.
struct Door {
    cb: Table,
    metatable: Table,
}

/// Makes `cb` and `require`.
pub fn install(lua: &Lua, session: &Arc<Session>) -> mlua::Result<()> {
    let metatable = values::metatable(lua, session)?;
    let shared = Arc::clone(session);
    let again = lua.create_function(move |lua, args: MultiValue| {
        complete::complete(lua, &shared, args).map_err(|fault| fault.raise(lua))
    })?;
    metatable.raw_set("__call", again)?;
    metatable.set_readonly(true);
    let cb = lua.create_table()?;
    let mut namespaces: BTreeMap<&str, Table> = BTreeMap::new();
    for declaration in declarations::all() {
        let shared = Arc::clone(session);
        let function = lua.create_function(move |lua, args: MultiValue| {
            enter(lua, &shared, declaration, args).map_err(|fault| fault.raise(lua))
        })?;
        let function = match declaration.body {
            Body::Performs(_) => step(lua, session, declaration, function)?,
            Body::Makes(_) | Body::Composed(_) => function,
        };
        match declaration.name.split_once('.') {
            None => cb.raw_set(declaration.name, function)?,
            Some((namespace, name)) => {
                if !namespaces.contains_key(namespace) {
                    namespaces.insert(namespace, lua.create_table()?);
                }
                namespaces[namespace].raw_set(name, function)?;
            }
        }
    }
    for (name, table) in namespaces {
        close(lua, &table, format!("cb.{name}"))?;
        cb.raw_set(name, table)?;
    }
    close(lua, &cb, "cb".to_owned())?;
    lua.set_app_data(Door { cb, metatable });
    methods::install(lua, session)?;
    let shared = Arc::clone(session);
    let require = move |lua: &Lua, name: Value| require::require(lua, &shared, &name).map_err(|fault| fault.raise(lua));
    lua.globals().raw_set("require", lua.create_function(require)?)
}

/// `cb`, for `require "cloudbuild"` and for `run`.
pub fn cb(lua: &Lua) -> Table {
    lua.app_data_ref::<Door>().expect("set when the VM was made").cb.clone()
}

/// A primitive that is refused where it could not be repeated in the same order.
fn step(
    lua: &Lua,
    session: &Arc<Session>,
    declaration: &'static Declaration,
    perform: Function,
) -> mlua::Result<Function> {
    let shared = Arc::clone(session);
    let refuse = lua.create_function(move |lua, ()| {
        if !shared.acting.load(Ordering::Relaxed) {
            // What is wrong then is that it is called at all, which is said by who performs it.
            return Ok(());
        }
        let shown = declaration.shown();
        Err(Fault::new(format!(
            "`{shown}` is called in a function that Lua itself calls: a comparison of `table.sort`, a replacement of \
             `string.gsub` or a metamethod"
        ))
        .code(Code::NotActing)
        .hint("call it in `run` itself, in the order of the steps, and use its result there")
        .raise(lua))
    })?;
    let wrap = lua.load(include_str!("../../../stdlib/step.lua")).set_name("=stdlib/step.lua");
    wrap.call((sandbox::is_yieldable(lua), perform, refuse))
}

/// Freezes a namespace; reading what it does not have is an error with the nearest name.
fn close(lua: &Lua, table: &Table, shown: String) -> mlua::Result<()> {
    let mut names = table.pairs::<String, Value>().map(|pair| Ok(pair?.0)).collect::<mlua::Result<Vec<_>>>()?;
    names.sort_unstable();
    let index = move |lua: &Lua, (_, key): (Value, Value)| -> mlua::Result<Value> {
        let key = key.as_string().map(|key| key.to_string_lossy()).unwrap_or_default();
        let hint = match nearest(&key, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{shown}.{near}`?"),
            None => format!("it has: {}", names.join(", ")),
        };
        Err(Fault::new(format!("`{shown}` has no `{}`", shortened(&key))).code(Code::UnknownName).hint(hint).raise(lua))
    };
    let metatable = lua.create_table()?;
    metatable.raw_set("__index", lua.create_function(index)?)?;
    metatable.raw_set("__metatable", "closed")?;
    metatable.set_readonly(true);
    table.set_metatable(Some(metatable))?;
    table.set_readonly(true);
    Ok(())
}

/// A call as it comes from Lua: a name, a table, or a name and then a table.
fn enter(
    lua: &Lua,
    session: &Arc<Session>,
    declaration: &'static Declaration,
    args: MultiValue,
) -> Result<Value, Fault> {
    if args.len() > 1 {
        let (shown, count) = (declaration.shown(), args.len());
        return Err(Fault::new(format!("`{shown}`: expected one argument, got {count}"))
            .code(Code::WrongCall)
            .hint(format!("write `{shown}{}` with a dot and one table", example(declaration))));
    }
    let first = args.into_iter().next().unwrap_or(Value::Nil);
    if declaration.named.is_none() {
        let options = options(session, declaration, &first)?;
        return finish(lua, session, declaration, None, options.as_ref());
    }
    let name = check::name(session, declaration, &first)?;
    match declaration.options {
        Options::None | Options::Optional => finish(lua, session, declaration, Some(name), None),
        Options::Required => {
            let shared = Arc::clone(session);
            let function = lua.create_function(move |lua, value: Value| {
                options(&shared, declaration, &value)
                    .and_then(|table| finish(lua, &shared, declaration, Some(name.clone()), table.as_ref()))
                    .map_err(|fault| fault.raise(lua))
            });
            function.map(Value::Function).map_err(|error| sandbox::fault(session, error))
        }
    }
}

fn example(declaration: &Declaration) -> &'static str {
    match (&declaration.named, declaration.options) {
        (Some(_), Options::Required) => " \"name\" { ... }",
        (Some(_), Options::None | Options::Optional) => " \"...\"",
        (None, _) => " { ... }",
    }
}

/// The table of options, where one is given.
fn options(session: &Session, declaration: &Declaration, value: &Value) -> Result<Option<Table>, Fault> {
    match (value, declaration.options) {
        (Value::Table(table), _) => Ok(Some(table.clone())),
        (Value::Nil, Options::Optional | Options::None) => Ok(None),
        (other, _) => {
            let (shown, got) = (declaration.shown(), described(session, other));
            Err(Fault::new(format!("`{shown}`: expected a table of options, got {got}"))
                .code(Code::WrongCall)
                .hint(format!("write `{shown}{}`", example(declaration))))
        }
    }
}

/// Checks a call and does it.
fn finish(
    lua: &Lua,
    session: &Arc<Session>,
    declaration: &Declaration,
    name: Option<String>,
    options: Option<&Table>,
) -> Result<Value, Fault> {
    let mut call = check::call(session, declaration, name.clone(), options)?;
    flags::mark(lua, session, declaration, &mut call);
    match declaration.body {
        Body::Makes(make) => {
            let lines = frames(lua);
            let made = make(Context { at: lines.first(), folder: &session.folder }, call)?;
            hand_out(lua, session, made)
        }
        Body::Performs(request) => perform(lua, session, declaration, request, call),
        Body::Composed(module) => {
            let function = require::composed(lua, session, module)?;
            let copy = copied(lua, session, declaration, options).map_err(|error| sandbox::fault(session, error))?;
            let value = sandbox::call(lua, session, &function, (name, copy)).map_err(refused)?;
            composed(lua, session, declaration, value)
        }
    }
}

/// What a module of `stdlib/` raises says what is wrong with the options, as Rust would.
fn refused(fault: Fault) -> Fault {
    if fault.code == Code::Runtime { fault.code(Code::Value) } else { fault }
}

/// What a module of `stdlib/` gave: a value of `cb` already, or a plain table that becomes one.
fn composed(lua: &Lua, session: &Session, declaration: &Declaration, value: Value) -> Result<Value, Fault> {
    let known = value.as_table().and_then(|table| session.handle(table));
    match (known, &value) {
        (Some(handle), _) if handle.tag() == declaration.result => Ok(value),
        (None, Value::Table(table)) => {
            let metatable = lua.app_data_ref::<Door>().expect("set when the VM was made").metatable.clone();
            values::adopt(lua, session, metatable, declaration.result, table.clone()).map(Value::Table)
        }
        (Some(_) | None, _) => {
            let (shown, expected) = (declaration.shown(), declaration.result.expected());
            let got = described(session, &value);
            Err(Fault::new(format!("`{shown}`: its module in stdlib has to return {expected}, got {got}"))
                .code(Code::Stdlib))
        }
    }
}

/// The options as `stdlib` gets them: a copy that has only what was checked, so that nothing changes it afterwards.
fn copied(lua: &Lua, session: &Session, declaration: &Declaration, options: Option<&Table>) -> mlua::Result<Table> {
    let copy = match options {
        Some(options) => copy_of(lua, options, MOST_DEPTH)?,
        None => lua.create_table()?,
    };
    flags::mark_copy(lua, session, declaration, &copy)?;
    copy.set_readonly(true);
    Ok(copy)
}

/// Tables that were checked are less deep.
const MOST_DEPTH: usize = 16;

/// A copy of a table and of those in it; values of `cb` are read-only, and stay themselves.
fn copy_of(lua: &Lua, table: &Table, depth: usize) -> mlua::Result<Table> {
    let copy = lua.create_table()?;
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let value = match value {
            Value::Table(inner) if !inner.is_readonly() && depth > 0 => Value::Table(copy_of(lua, &inner, depth - 1)?),
            other => other,
        };
        copy.raw_set(key, value)?;
    }
    Ok(copy)
}

/// The table that stands for a value.
pub fn hand_out(lua: &Lua, session: &Session, made: Handle) -> Result<Value, Fault> {
    let metatable = lua.app_data_ref::<Door>().expect("set when the VM was made").metatable.clone();
    values::table(lua, session, metatable, made).map(Value::Table).map_err(|error| sandbox::fault(session, error))
}

/// Makes the request of a primitive and asks the performer.
fn perform(
    lua: &Lua,
    session: &Session,
    declaration: &Declaration,
    request: fn(Call, &Asking<'_>) -> Result<Request, Fault>,
    call: Call,
) -> Result<Value, Fault> {
    let shown = declaration.shown();
    let performer = match &session.performer {
        Some(performer) if session.acting.load(Ordering::Relaxed) => performer,
        Some(_) | None => {
            return Err(Fault::new(format!("`{shown}` acts, so it can only be called while `run` runs"))
                .code(Code::NotActing)
                .hint("write `return cb.recipe { run = function(cb, args) ... end }` and call it in there"));
        }
    };
    // Outside of every budget of the VM.
    let ask = |request: Request| {
        session.watch.leave();
        let answer = performer.perform(request);
        session.watch.enter();
        answer.map_err(|error| failed(lua, session, &shown, error))
    };
    let request = request(call, &Asking { ask: &ask, stages: &session.stages })?;
    let answer = Handle::from(ask(request)?);
    if answer.tag() != declaration.result {
        let got = answer.tag().text();
        let error = anyhow::anyhow!("expected an answer to `{shown}`, got one of kind `{got}`");
        return Err(failed(lua, session, &shown, error));
    }
    hand_out(lua, session, answer)
}

/// A primitive's failure: its text for the recipe, the error itself for the caller.
fn failed(lua: &Lua, session: &Session, shown: &str, error: anyhow::Error) -> Fault {
    if let Some(RecipeError { code, message, place: Some(_), hint, traceback, .. }) = error.downcast_ref() {
        // A hook of the recipe went wrong in there, and knows better where.
        let fault = Fault { hint: hint.clone(), ..Fault::new(message.clone()) }
            .code(code.unwrap_or_default())
            .with_frames(traceback.clone());
        let failure = session.keep_failure(fault.message.clone(), error);
        return Fault { failure: Some(failure), ..fault };
    }
    let mut message = String::new();
    let mut hints: Vec<String> = Vec::new();
    for part in error.chain() {
        for (at, line) in part.to_string().lines().enumerate() {
            match line.strip_prefix("hint: ") {
                Some(hint) if !hints.iter().any(|known| known == hint) => hints.push(hint.to_owned()),
                Some(_) => {}
                None => {
                    message.push_str(if at == 0 { ": " } else { "\n" });
                    message.push_str(line);
                }
            }
        }
    }
    let fault = Fault::new(format!("`{shown}`{message}")).with_frames(frames(lua));
    let hint = (!hints.is_empty()).then(|| hints.join("\nhint: "));
    let failure = session.keep_failure(fault.message.clone(), error);
    Fault { hint, failure: Some(failure), ..fault }
}

//! Puts `cb` into a VM: every declaration as a function that checks its arguments and does its body.
//!
//! **Invariant:** a body never sees an argument that was not checked against its declaration.

pub mod request;
pub mod require;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use mlua::{Lua, MultiValue, Table, Value};

use crate::core::recipe::Request;
use crate::core::suggest::nearest;
use crate::lua::api::declarations;
use crate::lua::api::{Body, Context, Declaration, Options};
use crate::lua::check::call::Call;
use crate::lua::check::{self, described, shortened};
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
    let again = lua
        .create_function(move |lua, args: MultiValue| complete(lua, &shared, args).map_err(|fault| fault.raise(lua)))?;
    metatable.raw_set("__call", again)?;
    metatable.set_readonly(true);
    let cb = lua.create_table()?;
    let mut namespaces: BTreeMap<&str, Table> = BTreeMap::new();
    for declaration in declarations::all() {
        let shared = Arc::clone(session);
        let function = lua.create_function(move |lua, args: MultiValue| {
            enter(lua, &shared, declaration, args).map_err(|fault| fault.raise(lua))
        })?;
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
    let shared = Arc::clone(session);
    let require = move |lua: &Lua, name: Value| require::require(lua, &shared, &name).map_err(|fault| fault.raise(lua));
    lua.globals().raw_set("require", lua.create_function(require)?)
}

/// `cb`, for `require "cloudbuild"` and for `run`.
pub fn cb(lua: &Lua) -> Table {
    lua.app_data_ref::<Door>().expect("set when the VM was made").cb.clone()
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
        Err(Fault::new(format!("`{shown}` has no `{}`", shortened(&key))).hint(hint).raise(lua))
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
    let call = check::call(session, declaration, name.clone(), options)?;
    match declaration.body {
        Body::Makes(make) => {
            let lines = frames(lua);
            let made = make(Context { at: lines.first(), folder: &session.folder }, call)?;
            hand_out(lua, session, made)
        }
        Body::Performs(request) => perform(lua, session, declaration, request, call),
        Body::Composed(module) => {
            let function = require::composed(lua, session, module)?;
            let copy = copied(lua, options).map_err(|error| sandbox::fault(session, error))?;
            let value = sandbox::call(lua, session, &function, (name, copy))?;
            composed(lua, session, declaration, value)
        }
    }
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
            Err(Fault::new(format!("`{shown}`: its module in stdlib has to return {expected}, got {got}")))
        }
    }
}

/// The options as `stdlib` gets them: a copy that has only what was checked, so that nothing changes it afterwards.
fn copied(lua: &Lua, options: Option<&Table>) -> mlua::Result<Table> {
    let copy = lua.create_table()?;
    let Some(options) = options else { return Ok(copy) };
    for pair in options.pairs::<Value, Value>() {
        let (key, value) = pair?;
        let value = match value {
            // Lists and tables of plain values are one level deep; values of `cb` are read-only anyway.
            Value::Table(inner) if !inner.is_readonly() => {
                let flat = lua.create_table()?;
                for pair in inner.pairs::<Value, Value>() {
                    let (key, value) = pair?;
                    flat.raw_set(key, value)?;
                }
                Value::Table(flat)
            }
            other => other,
        };
        copy.raw_set(key, value)?;
    }
    copy.set_readonly(true);
    Ok(copy)
}

fn hand_out(lua: &Lua, session: &Session, made: Handle) -> Result<Value, Fault> {
    let metatable = lua.app_data_ref::<Door>().expect("set when the VM was made").metatable.clone();
    values::table(lua, session, metatable, made).map(Value::Table).map_err(|error| sandbox::fault(session, error))
}

/// Asks the performer, outside of every budget of the VM.
fn perform(
    lua: &Lua,
    session: &Session,
    declaration: &Declaration,
    request: fn(Call) -> Result<Request, Fault>,
    call: Call,
) -> Result<Value, Fault> {
    let shown = declaration.shown();
    let performer = match &session.performer {
        Some(performer) if session.acting.load(Ordering::Relaxed) => performer,
        Some(_) | None => {
            return Err(Fault::new(format!("`{shown}` acts, so it can only be called while `run` runs"))
                .hint("write `return cb.recipe { run = function(cb, args) ... end }` and call it in there"));
        }
    };
    let request = request(call)?;
    session.watch.leave();
    let answer = performer.perform(request);
    session.watch.enter();
    match answer.map(Handle::from) {
        Ok(answer) if answer.tag() == declaration.result => hand_out(lua, session, answer),
        Ok(answer) => {
            let got = answer.tag().text();
            let error = anyhow::anyhow!("expected an answer to `{shown}`, got one of kind `{got}`");
            Err(failed(lua, session, &shown, error))
        }
        Err(error) => Err(failed(lua, session, &shown, error)),
    }
}

/// A primitive's failure: its text for the recipe, the error itself for the caller.
fn failed(lua: &Lua, session: &Session, shown: &str, error: anyhow::Error) -> Fault {
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

/// `cb.dir "out" { ... }`: the second call of a value that was made by its name, which gives its options.
fn complete(lua: &Lua, session: &Arc<Session>, args: MultiValue) -> Result<Value, Fault> {
    let mut args = args.into_iter();
    let first = args.next().unwrap_or(Value::Nil);
    let handle = first.as_table().and_then(|table| session.handle(table));
    let Some((name, given)) = handle.as_deref().and_then(Handle::completed_by) else {
        let got = described(session, &first);
        return Err(Fault::new(format!("expected a function to call, got {got}")));
    };
    let declaration = declarations::all().find(|declaration| declaration.name == name);
    let declaration = declaration.expect("what made the value is declared");
    let table = options(session, declaration, &args.next().unwrap_or(Value::Nil))?;
    finish(lua, session, declaration, Some(given), table.as_ref())
}

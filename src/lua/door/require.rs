//! `require`: `cloudbuild`, and the `.lua` files beside the recipe. What ships in the binary has a loader of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use mlua::{Function, Lua, Value};

use crate::core::codes::Code;
use crate::lua::check::{described, shortened};
use crate::lua::session::{Fault, RECIPE_CHUNK, Session, lock};
use crate::lua::{door, files, sandbox};

/// What `cb` is made of beyond Rust: a module of `stdlib/` for each composed declaration, and what those share.
pub const STDLIB: &[(&str, &str)] =
    &[("campaign", include_str!("../../../stdlib/campaign.lua")), ("stage", include_str!("../../../stdlib/stage.lua"))];

/// What `require` gives for a name.
pub fn require(lua: &Lua, session: &Arc<Session>, name: &Value) -> Result<Value, Fault> {
    let Some(name) = name.as_string().map(|name| name.to_string_lossy()) else {
        let got = described(session, name);
        return Err(Fault::new(format!("`require`: expected a name, got {got}")).hint("write `require \"cloudbuild\"`"));
    };
    if name == "cloudbuild" {
        return Ok(Value::Table(door::cb(lua)));
    }
    if let Some(module) = name.strip_prefix("cloudbuild.")
        && from_stdlib(lua)
    {
        return stdlib(lua, session, module);
    }
    once(session, &name, || beside(lua, session, &name))
}

/// The function of a composed declaration.
pub fn composed(lua: &Lua, session: &Arc<Session>, module: &str) -> Result<Function, Fault> {
    match stdlib(lua, session, module)? {
        Value::Function(function) => Ok(function),
        other => Err(Fault::new(format!("`stdlib/{module}.lua`: expected a function, got a {}", other.type_name()))
            .code(Code::Stdlib)),
    }
}

/// Whether `require` was called by what ships in the binary.
fn from_stdlib(lua: &Lua) -> bool {
    // Level 0 is `require` itself.
    lua.inspect_stack(1, |debug| debug.source().source.is_some_and(|source| source.starts_with("=stdlib/")))
        .unwrap_or(false)
}

fn stdlib(lua: &Lua, session: &Arc<Session>, module: &str) -> Result<Value, Fault> {
    once(session, &format!("cloudbuild.{module}"), || {
        let text = STDLIB.iter().find(|(name, _)| *name == module).map(|(_, text)| *text);
        let text =
            text.ok_or_else(|| Fault::new(format!("`require`: there is no `stdlib/{module}.lua`")).code(Code::Stdlib))?;
        let function = sandbox::compile(lua, session, &format!("=stdlib/{module}.lua"), text)?;
        sandbox::call(lua, session, &function, ())
    })
}

/// Evaluates a module once in a VM; one that needs itself would never end.
fn once(session: &Session, name: &str, evaluate: impl FnOnce() -> Result<Value, Fault>) -> Result<Value, Fault> {
    let known = lock(&session.modules).get(name).cloned();
    match known {
        Some(Some(value)) => return Ok(value),
        Some(None) => {
            return Err(Fault::new(format!("`require`: `{name}` needs itself"))
                .code(Code::RequireLoop)
                .hint("move what both need into a file of its own"));
        }
        None => {}
    }
    lock(&session.modules).insert(name.to_owned(), None);
    let value = evaluate();
    let mut modules = lock(&session.modules);
    match &value {
        Ok(value) => modules.insert(name.to_owned(), Some(value.clone())),
        Err(_) => modules.remove(name),
    };
    value
}

/// A file beside the recipe.
fn beside(lua: &Lua, session: &Arc<Session>, name: &str) -> Result<Value, Fault> {
    let path = files::module(&session.folder, name);
    let refused = |message: String| {
        Fault::new(format!("`require`: {}", shortened_path(&message)))
            .code(Code::Require)
            .hint("a recipe reads only `.lua` files of its own folder")
    };
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let shown = shown(&session.file, name);
    let known = lock(&session.files).get(&shown).cloned();
    let text = match known {
        Some(text) if plain => text,
        Some(_) | None => {
            let path = path.map_err(refused)?;
            if session.acting.load(Ordering::Relaxed) || !session.may_read {
                return Err(Fault::new(format!("`require`: `{name}` was not read when the recipe was loaded"))
                    .code(Code::Require)
                    .hint("call `require` at the top of the file, so that the recipe's hash covers all of it"));
            }
            let text: Arc<str> = files::read(&path, &shown)
                .map_err(|error| Fault::new(error.to_string()).code(error.code.unwrap_or(Code::Require)))?
                .into();
            lock(&session.files).insert(shown.clone(), Arc::clone(&text));
            text
        }
    };
    let function = sandbox::compile(lua, session, &format!("{RECIPE_CHUNK}{shown}"), &text)?;
    match sandbox::call(lua, session, &function, ())? {
        Value::Nil => Err(Fault::new(format!("`require`: `{name}.lua` returned nothing"))
            .code(Code::RequireNothing)
            .hint("end it with `return` and what it offers, usually a table")),
        value => Ok(value),
    }
}

/// How errors name a file beside the recipe: as the recipe's own path with another last part.
fn shown(recipe: &str, name: &str) -> String {
    match recipe.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{name}.lua"),
        None => format!("{name}.lua"),
    }
}

/// Names in errors are short, whatever a recipe made up.
fn shortened_path(message: &str) -> String {
    match message.chars().nth(300) {
        Some(_) => shortened(message),
        None => message.to_owned(),
    }
}

//! What a hook is asked about, as Lua sees it: read-only tables that know their fields, lists with `has`, and logs.

use std::collections::BTreeMap;
use std::sync::Arc;

use mlua::{Function, Lua, Table, Value};
use serde_json::Value as Json;

use crate::core::suggest::nearest;
use crate::lua::check::{described, shortened, whole};
use crate::lua::methods;
use crate::lua::session::{Fault, Session};

/// Makes the arguments of hooks.
pub struct Subjects {
    session: Arc<Session>,
    /// For lists of texts.
    list: Table,
    /// The metatables of tables, by where they are in an argument; those of one place differ by their fields.
    shapes: BTreeMap<String, Vec<Shape>>,
    /// The last value of each parameter: a cell is asked about with one source after another.
    last: BTreeMap<&'static str, (Json, Value)>,
}

/// The metatable of all tables with the same fields.
struct Shape {
    fields: Arc<[String]>,
    metatable: Table,
}

impl Subjects {
    /// For one VM.
    pub fn new(lua: &Lua, session: &Arc<Session>) -> mlua::Result<Subjects> {
        let list = closed(lua, list_index(lua, session)?)?;
        Ok(Subjects { session: Arc::clone(session), list, shapes: BTreeMap::new(), last: BTreeMap::new() })
    }

    /// The value of one parameter.
    pub fn argument(&mut self, lua: &Lua, name: &'static str, json: &Json) -> mlua::Result<Value> {
        if let Json::String(text) = json
            && name == "log"
        {
            return log(lua, &self.session, text).map(Value::Table);
        }
        if let Some((known, value)) = self.last.get(name)
            && known == json
        {
            return Ok(value.clone());
        }
        let value = self.value(lua, &mut name.to_owned(), json)?;
        self.last.insert(name, (json.clone(), value.clone()));
        Ok(value)
    }

    fn value(&mut self, lua: &Lua, path: &mut String, json: &Json) -> mlua::Result<Value> {
        Ok(match json {
            Json::Null => Value::Nil,
            Json::Bool(flag) => Value::Boolean(*flag),
            Json::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
            Json::String(text) => Value::String(lua.create_string(text)?),
            Json::Array(items) => {
                let table = lua.create_table_with_capacity(items.len(), 0)?;
                let length = path.len();
                path.push_str("[]");
                for item in items {
                    table.raw_push(self.value(lua, path, item)?)?;
                }
                path.truncate(length);
                table.set_metatable(Some(self.list.clone()))?;
                table.set_readonly(true);
                Value::Table(table)
            }
            Json::Object(fields) => {
                let table = lua.create_table_with_capacity(0, fields.len())?;
                let length = path.len();
                for (name, value) in fields {
                    if matches!(value, Json::Null) {
                        continue;
                    }
                    path.push('.');
                    path.push_str(name);
                    table.raw_set(name.as_str(), self.value(lua, path, value)?)?;
                    path.truncate(length);
                }
                table.set_metatable(Some(self.shape(lua, path, fields)?))?;
                table.set_readonly(true);
                Value::Table(table)
            }
        })
    }

    fn shape(&mut self, lua: &Lua, path: &str, fields: &serde_json::Map<String, Json>) -> mlua::Result<Table> {
        if !self.shapes.contains_key(path) {
            self.shapes.insert(path.to_owned(), Vec::new());
        }
        let shapes = self.shapes.get_mut(path).expect("it was put there if it was missing");
        let same = |shape: &&Shape| shape.fields.len() == fields.len() && shape.fields.iter().eq(fields.keys());
        if let Some(shape) = shapes.iter().find(same) {
            return Ok(shape.metatable.clone());
        }
        let names: Arc<[String]> = fields.keys().cloned().collect();
        let (known, shown) = (Arc::clone(&names), path.to_owned());
        let index = lua.create_function(move |lua, (_, key): (Value, Value)| read(lua, &shown, &known, &key))?;
        let metatable = closed(lua, index)?;
        shapes.push(Shape { fields: names, metatable: metatable.clone() });
        // Fields that vary without an end are names that somebody made up; each is a shape of its own.
        if shapes.len() > 100 {
            shapes.remove(0);
        }
        Ok(metatable)
    }
}

fn closed(lua: &Lua, index: Function) -> mlua::Result<Table> {
    let metatable = lua.create_table()?;
    metatable.raw_set("__index", index)?;
    metatable.raw_set("__metatable", "read-only")?;
    metatable.set_readonly(true);
    Ok(metatable)
}

/// A field that a table does not have a value for: one that it may have, or an error with the nearest name.
fn read(lua: &Lua, path: &str, known: &[String], key: &Value) -> mlua::Result<Value> {
    let name = key.as_string().map(|name| name.to_string_lossy()).unwrap_or_default();
    if known.contains(&name) {
        return Ok(Value::Nil);
    }
    let shown = if name.is_empty() { key.type_name().to_owned() } else { shortened(&name) };
    let fault = Fault::new(format!("`{path}` has no field `{shown}`"));
    Err(match nearest(&name, known.iter().map(String::as_str)) {
        Some(near) => fault.hint(format!("did you mean `{path}.{near}`?")),
        None => fault.hint(format!("it has: {}", known.join(", "))),
    }
    .raise(lua))
}

/// What a list has beside its items: `has`.
fn list_index(lua: &Lua, session: &Arc<Session>) -> mlua::Result<Function> {
    let shared = Arc::clone(session);
    let has = lua.create_function(move |lua, (list, wanted): (Value, Value)| {
        let Value::Table(list) = &list else {
            return Err(Fault::new("`has`: expected a list before it").hint("write `list:has \"name\"`").raise(lua));
        };
        let pattern = methods::pattern(&shared, &wanted);
        if pattern.is_none() && !wanted.is_string() {
            let got = described(&shared, &wanted);
            return Err(Fault::new(format!("`has`: expected a name or `cb.re [[...]]`, got {got}")).raise(lua));
        }
        let wanted = wanted.as_string();
        for at in 1..=list.raw_len() {
            let Value::String(item) = list.raw_get(at)? else { continue };
            let found = match (&pattern, wanted) {
                (Some(pattern), _) => {
                    shared.charge(lua, pattern.cost(item.as_bytes().len()))?;
                    pattern.matches(&item.as_bytes())
                }
                (None, Some(wanted)) => item == *wanted,
                (None, None) => false,
            };
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    })?;
    lua.create_function(move |lua, (_, key): (Value, Value)| match &key {
        Value::String(name) if *name == "has" => Ok(Value::Function(has.clone())),
        Value::Integer(_) | Value::Number(_) => Ok(Value::Nil),
        other => {
            let name = other.as_string().map(|name| name.to_string_lossy()).unwrap_or_default();
            Err(Fault::new(format!("a list has no field `{}`", shortened(&name)))
                .hint("a list has its items, `#list` and `list:has \"name\"`")
                .raise(lua))
        }
    })
}

/// A log: `log:has "text"`, `log:has(cb.re [[...]])`, `log:tail(lines)`.
fn log(lua: &Lua, session: &Arc<Session>, text: &str) -> mlua::Result<Table> {
    let text: Arc<str> = text.into();
    let (searched, shared) = (Arc::clone(&text), Arc::clone(session));
    let has = lua.create_function(move |lua, (_, wanted): (Value, Value)| {
        if let Some(pattern) = methods::pattern(&shared, &wanted) {
            shared.charge(lua, pattern.cost(searched.len()))?;
            return Ok(pattern.matches(searched.as_bytes()));
        }
        let Some(plain) = wanted.as_string() else {
            let got = described(&shared, &wanted);
            return Err(Fault::new(format!("`log:has`: expected a text or `cb.re [[...]]`, got {got}"))
                .hint("write `log:has \"text\"` with a colon")
                .raise(lua));
        };
        shared.charge(lua, u32::try_from(1 + searched.len() / 64).unwrap_or(u32::MAX))?;
        Ok(plain.to_str().is_ok_and(|plain| searched.contains(&*plain)))
    })?;
    let shared = Arc::clone(session);
    let tail = lua.create_function(move |lua, (_, count): (Value, Value)| {
        let Some(count) = whole(&count).and_then(|count| usize::try_from(count).ok()) else {
            let got = described(&shared, &count);
            return Err(Fault::new(format!("`log:tail`: expected how many lines, got {got}"))
                .hint("write `log:tail(20)` with a colon")
                .raise(lua));
        };
        shared.charge(lua, u32::try_from(1 + text.len() / 64).unwrap_or(u32::MAX))?;
        let body = text.strip_suffix('\n').unwrap_or(&text);
        let from = match count {
            0 => body.len(),
            count => body.rmatch_indices('\n').nth(count - 1).map_or(0, |(at, _)| at + 1),
        };
        lua.create_string(&body[from..])
    })?;
    let table = lua.create_table_with_capacity(0, 2)?;
    table.raw_set("has", has)?;
    table.raw_set("tail", tail)?;
    let known = ["has", "tail"].map(str::to_owned);
    let index = lua.create_function(move |lua, (_, key): (Value, Value)| read(lua, "log", &known, &key))?;
    table.set_metatable(Some(closed(lua, index)?))?;
    table.set_readonly(true);
    Ok(table)
}

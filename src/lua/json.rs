//! Plain values between Lua and JSON: read-only tables one way, bounded and without loops the other.

use mlua::{Lua, Table, Value};
use serde_json::Value as Json;

use crate::core::codes::Code;
use crate::lua::session::{Fault, Session};

const MOST_DEPTH: usize = 32;
const MOST_VALUES: usize = 200_000;
/// Each may be as long as an archive has packages.
const MOST_HANDLES: usize = 64;
const MOST_BYTES: usize = 4 << 20;

/// A document with the length of a list in it.
pub fn counted(mut json: Json, count: usize) -> Json {
    json["count"] = Json::from(count);
    json
}

/// A JSON value as Lua sees it: lists and read-only tables, filled in sorted order.
pub fn to_lua(lua: &Lua, json: &Json) -> mlua::Result<Value> {
    Ok(match json {
        Json::Null => Value::Nil,
        Json::Bool(flag) => Value::Boolean(*flag),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Value::String(lua.create_string(text)?),
        Json::Array(items) if items.is_empty() => Value::Table(nothing(lua)?),
        Json::Array(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            for item in items {
                table.raw_push(to_lua(lua, item)?)?;
            }
            table.set_readonly(true);
            Value::Table(table)
        }
        Json::Object(fields) => {
            let table = lua.create_table_with_capacity(0, fields.len())?;
            for (name, value) in fields {
                table.raw_set(name.as_str(), to_lua(lua, value)?)?;
            }
            table.set_readonly(true);
            Value::Table(table)
        }
    })
}

/// The one empty list of a VM: the jobs of a whole archive have tens of thousands of them.
fn nothing(lua: &Lua) -> mlua::Result<Table> {
    struct Nothing(Table);
    if let Some(known) = lua.app_data_ref::<Nothing>() {
        return Ok(known.0.clone());
    }
    let table = lua.create_table()?;
    table.set_readonly(true);
    lua.set_app_data(Nothing(table.clone()));
    Ok(table)
}

/// What a recipe hands back, as JSON; `what` is how errors name it.
pub fn from_lua(session: &Session, value: &Value, what: &str) -> Result<Json, Fault> {
    let mut reader = Reader { session, values: 0, handles: 0, bytes: 0, exact: false };
    reader.read(value, what, 0).map_err(|fault| fault.code(Code::NotPlain))
}

/// The same, where a number that JSON cannot say is an error.
pub fn exact(session: &Session, value: &Value, what: &str) -> Result<Json, Fault> {
    let mut reader = Reader { session, values: 0, handles: 0, bytes: 0, exact: true };
    reader.read(value, what, 0).map_err(|fault| fault.code(Code::NotPlain))
}

struct Reader<'a> {
    session: &'a Session,
    values: usize,
    handles: usize,
    bytes: usize,
    exact: bool,
}

impl Reader<'_> {
    fn read(&mut self, value: &Value, path: &str, depth: usize) -> Result<Json, Fault> {
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(Fault::new(format!("`{path}`: expected at most {MOST_VALUES} values, got more")));
        }
        if depth > MOST_DEPTH {
            return Err(Fault::new(format!(
                "`{}`: expected plain values, got a table that is nested more than {MOST_DEPTH} deep, \
                 or contains itself",
                path.split(['.', '[']).next().unwrap_or(path)
            ))
            .hint("return plain values, lists and tables of them"));
        }
        match value {
            Value::Nil => Ok(Json::Null),
            Value::Boolean(flag) => Ok(Json::Bool(*flag)),
            Value::Integer(number) => Ok(Json::from(*number)),
            Value::Number(number) if self.exact && !number.is_finite() => {
                Err(Fault::new(format!("`{path}`: expected a number that can be written, got {number}")))
            }
            Value::Number(number) => Ok(number_to_json(*number)),
            Value::String(text) => {
                let text =
                    text.to_str().map_err(|_| Fault::new(format!("`{path}`: expected UTF-8 text, got other bytes")))?;
                self.count(text.len(), path)?;
                Ok(Json::String(text.to_owned()))
            }
            Value::Table(table) => match self.session.handle(table) {
                Some(handle) => {
                    self.handles += 1;
                    match self.handles > MOST_HANDLES {
                        true => Err(Fault::new(format!(
                            "`{path}`: expected at most {MOST_HANDLES} values of `cb`, got more"
                        ))),
                        false => Ok(handle.json()),
                    }
                }
                None => self.table(table, path, depth),
            },
            other => Err(Fault::new(format!("`{path}`: expected a plain value, got {}", other.type_name()))
                .hint("plain values are strings, numbers, booleans, values of `cb`, and tables of them")),
        }
    }

    fn count(&mut self, bytes: usize, path: &str) -> Result<(), Fault> {
        self.bytes += bytes;
        match self.bytes > MOST_BYTES {
            true => Err(Fault::new(format!("`{path}`: expected at most {MOST_BYTES} bytes of text, got more"))),
            false => Ok(()),
        }
    }

    fn table(&mut self, table: &Table, path: &str, depth: usize) -> Result<Json, Fault> {
        let length = table.raw_len();
        let mut fields = serde_json::Map::new();
        let mut items = 0;
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair.map_err(|error| Fault::new(format!("`{path}`: {error}")))?;
            match key {
                Value::String(name) => {
                    let name = name.to_string_lossy();
                    self.count(name.len(), path)?;
                    let read =
                        self.read(&value, &format!("{path}.{}", name.chars().take(40).collect::<String>()), depth + 1)?;
                    fields.insert(name, read);
                }
                _ if length > 0 => items += 1,
                other => {
                    let got = other.type_name();
                    return Err(Fault::new(format!("`{path}`: expected names as keys, got a {got}")));
                }
            }
        }
        if items == 0 {
            return Ok(Json::Object(fields));
        }
        if items != length || !fields.is_empty() {
            return Err(Fault::new(format!("`{path}`: expected a list or a table with names, got a mixture")));
        }
        let mut list = Vec::with_capacity(length);
        for at in 1..=length {
            let value: Value = table.raw_get(at).map_err(|error| Fault::new(format!("`{path}`: {error}")))?;
            list.push(self.read(&value, &format!("{path}[{at}]"), depth + 1)?);
        }
        Ok(Json::Array(list))
    }
}

/// Luau's numbers are doubles; whole ones are whole numbers in JSON, and what JSON cannot say is null.
fn number_to_json(number: f64) -> Json {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Json::from(number as i64);
    }
    serde_json::Number::from_f64(number).map_or(Json::Null, Json::Number)
}

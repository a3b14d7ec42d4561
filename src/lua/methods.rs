//! Methods of values: `pattern:match(text)`. Their names and sentences stand with the fields, in `api/results`.

use std::collections::BTreeMap;
use std::sync::Arc;

use mlua::{Function, Lua, LuaString, MultiValue, Table, Value};

use crate::lua::check::described;
use crate::lua::pattern::Pattern;
use crate::lua::session::{Fault, Session};
use crate::lua::values::{Handle, Tag};

/// The functions of one VM, by kind and name.
struct Methods(BTreeMap<(Tag, &'static str), Function>);

/// Makes the methods.
pub fn install(lua: &Lua, session: &Arc<Session>) -> mlua::Result<()> {
    let mut methods = BTreeMap::new();
    for (name, search) in PATTERN {
        let shared = Arc::clone(session);
        let function = lua.create_function(move |lua, (own, text): (Value, Value)| {
            let (pattern, text) = searched(lua, &shared, name, &own, &text)?;
            search(lua, &pattern, &text)
        })?;
        methods.insert((Tag::Pattern, *name), function);
    }
    lua.set_app_data(Methods(methods));
    Ok(())
}

/// The method of that name, if a kind of value has it.
pub fn get(lua: &Lua, tag: Tag, name: &'static str) -> Option<Function> {
    lua.app_data_ref::<Methods>()?.0.get(&(tag, name)).cloned()
}

/// Searches a text, and gives what the method gives.
type Search = fn(&Lua, &Pattern, &LuaString) -> mlua::Result<MultiValue>;

const PATTERN: &[(&str, Search)] =
    &[("captures", captures), ("find", find), ("match", first_match), ("matches", matches)];

/// The pattern and the text of a method's call, paid for.
fn searched(lua: &Lua, session: &Session, name: &str, own: &Value, text: &Value) -> mlua::Result<(Pattern, LuaString)> {
    let pattern = pattern(session, own).ok_or_else(|| {
        let got = described(session, own);
        Fault::new(format!("`{name}`: expected a pattern before it, got {got}"))
            .hint(format!("write `pattern:{name}(text)` with a colon"))
            .raise(lua)
    })?;
    let Value::String(text) = text else {
        let got = described(session, text);
        return Err(Fault::new(format!("`{name}`: expected a string to search, got {got}")).raise(lua));
    };
    session.charge(lua, pattern.cost(text.as_bytes().len()))?;
    Ok((pattern, text.clone()))
}

/// The pattern that a value stands for.
pub fn pattern(session: &Session, value: &Value) -> Option<Pattern> {
    let handle = session.handle(value.as_table()?)?;
    if let Handle::Pattern(pattern) = handle.as_ref() { Some(pattern.clone()) } else { None }
}

fn matches(_: &Lua, pattern: &Pattern, text: &LuaString) -> mlua::Result<MultiValue> {
    Ok(MultiValue::from_iter([Value::Boolean(pattern.matches(&text.as_bytes()))]))
}

/// As `string.find` does: from and to, counted from 1.
fn find(_: &Lua, pattern: &Pattern, text: &LuaString) -> mlua::Result<MultiValue> {
    let found = pattern.find(&text.as_bytes());
    Ok(match found {
        Some((from, to)) => MultiValue::from_iter([Value::Number((from + 1) as f64), Value::Number(to as f64)]),
        None => MultiValue::from_iter([Value::Nil]),
    })
}

/// As `string.match` does: the groups, or the whole where there are none.
fn first_match(lua: &Lua, pattern: &Pattern, text: &LuaString) -> mlua::Result<MultiValue> {
    let bytes = text.as_bytes();
    let Some(found) = pattern.captures(&bytes) else { return Ok(MultiValue::from_iter([Value::Nil])) };
    let skipped = usize::from(found.len() > 1);
    // A call gives back a bounded number of values.
    let groups = found.iter().skip(skipped).take(200);
    groups
        .map(|group| match group {
            Some(group) => lua.create_string(group.as_bytes()).map(Value::String),
            None => Ok(Value::Nil),
        })
        .collect()
}

/// Everything: the whole at 0, groups by number and by name.
fn captures(lua: &Lua, pattern: &Pattern, text: &LuaString) -> mlua::Result<MultiValue> {
    let bytes = text.as_bytes();
    let Some(found) = pattern.captures(&bytes) else { return Ok(MultiValue::from_iter([Value::Nil])) };
    let table: Table = lua.create_table()?;
    for (number, (name, group)) in pattern.names().zip(found.iter()).enumerate() {
        let Some(group) = group else { continue };
        let text = lua.create_string(group.as_bytes())?;
        if let Some(name) = name {
            table.raw_set(name, &text)?;
        }
        table.raw_set(number, text)?;
    }
    table.set_readonly(true);
    Ok(MultiValue::from_iter([Value::Table(table)]))
}

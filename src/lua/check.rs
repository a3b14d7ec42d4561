//! Reads the tables of calls strictly: unknown keys, wrong types and missing fields are errors that name what is right.

pub mod call;
mod nested;
mod word;

use std::collections::BTreeMap;
use std::sync::Arc;

use mlua::{Table, Value};

use crate::core::build::steers_the_host;
use crate::core::codes::Code;
use crate::core::suggest::nearest;
use crate::lua::api::{Declaration, Default, Kind, Parameter};
use crate::lua::check::call::{Call, Checked};
use crate::lua::recipe::argument::arguments;
use crate::lua::session::{Fault, Session};
use crate::lua::values::{Handle, Tag};
use crate::primitives::hooks::Hook;

/// Checks the string of a call such as `cb.dir "out"`.
pub fn name(session: &Session, declaration: &Declaration, value: &Value) -> Result<String, Fault> {
    let parameter = declaration.named.as_ref().expect("only called for declarations with a name");
    match check(session, parameter.kind, value, &declaration.shown()) {
        Ok(Checked::Text(text)) => Ok(text),
        Ok(other) => unreachable!("a name was checked to be {other:?}"),
        Err(fault) => Err(fault.hint(format!("write `{} \"{}\"`", declaration.shown(), parameter.name))),
    }
}

/// Checks a call's table; `None` where it was left out.
pub fn call(
    session: &Session,
    declaration: &Declaration,
    name: Option<String>,
    options: Option<&Table>,
) -> Result<Call, Fault> {
    let mut call = Call::new(name.unwrap_or_default());
    let given = match options {
        Some(table) => fields_of(session, declaration, table)?,
        None => Given::default(),
    };
    if let Some(parameter) = &declaration.items {
        let checked = items(session, declaration, parameter, given.items)?;
        call.insert(parameter.name, checked);
    }
    for parameter in declaration.fields {
        match (given.fields.get(parameter.name), parameter.default) {
            (Some(value), _) => {
                let checked = check(session, parameter.kind, value, parameter.name)
                    .map_err(|fault| fault.field(parameter.name).or_hint(|| lower_first(parameter.sentence)))?;
                call.insert(parameter.name, checked);
            }
            (None, Default::Is(_)) => {}
            (None, Default::Required) => {
                let (shown, name, expected) = (declaration.shown(), parameter.name, parameter.kind.expected());
                return Err(Fault::new(format!("`{shown}`: `{name}` is missing: expected {expected}"))
                    .code(Code::MissingOption)
                    .hint(lower_first(parameter.sentence)));
            }
        }
    }
    Ok(call)
}

#[derive(std::default::Default)]
struct Given {
    fields: BTreeMap<String, Value>,
    items: Vec<Value>,
}

/// A call's table, split into its list and its named fields; every key must be known.
fn fields_of(session: &Session, declaration: &Declaration, table: &Table) -> Result<Given, Fault> {
    let shown = declaration.shown();
    if let Some(handle) = session.handle(table)
        && declaration.items.is_none()
    {
        let kind = handle.tag().text();
        return Err(Fault::new(format!("`{shown}`: expected a table of options, got a value of kind `{kind}`")));
    }
    let mut given = Given::default();
    let length = table.raw_len();
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair.map_err(|error| Fault::new(format!("`{shown}`: {error}")))?;
        match &key {
            Value::String(name) => {
                given.fields.insert(name.to_string_lossy(), value);
            }
            Value::Integer(_) | Value::Number(_) if declaration.items.is_some() => {}
            other => {
                let got = described(session, other);
                return Err(Fault::new(format!("`{shown}`: expected named fields, got the key {got}"))
                    .code(Code::UnknownOption)
                    .hint(format!("it takes: {}", known(declaration))));
            }
        }
    }
    for at in 1..=length {
        given.items.push(table.raw_get(at).map_err(|error| Fault::new(format!("`{shown}`: {error}")))?);
    }
    match given.fields.keys().find(|name| declaration.field(name).is_none()) {
        None => Ok(given),
        Some(unknown) => {
            let hint = match nearest(unknown, declaration.fields.iter().map(|parameter| parameter.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it takes: {}", known(declaration)),
            };
            let unknown = shortened(unknown);
            Err(Fault::new(format!("`{shown}` has no option `{unknown}`"))
                .code(Code::UnknownOption)
                .hint(hint)
                .field(unknown))
        }
    }
}

fn known(declaration: &Declaration) -> String {
    let names: Vec<&str> = declaration.fields.iter().map(|parameter| parameter.name).collect();
    if names.is_empty() { "no options".to_owned() } else { names.join(", ") }
}

fn items(
    session: &Session,
    declaration: &Declaration,
    parameter: &Parameter,
    items: Vec<Value>,
) -> Result<Checked, Fault> {
    let shown = declaration.shown();
    let Kind::Some(tags) = parameter.kind else {
        unreachable!("the list part of `{shown}` is declared to be values of `cb`")
    };
    if items.is_empty() {
        let expected = Kind::One(tags).expected();
        return Err(Fault::new(format!("`{shown}`: expected {expected}, got an empty list"))
            .hint(format!("write `{shown} {{ {} }}`", parameter.name)));
    }
    let handles = items.iter().enumerate();
    let handles = handles.map(|(at, value)| one(session, tags, value, &format!("{}[{}]", parameter.name, at + 1)));
    Ok(Checked::Handles(handles.collect::<Result<_, _>>()?))
}

/// Checks one value; `path` is how errors name it.
pub fn check(session: &Session, kind: Kind, value: &Value, path: &str) -> Result<Checked, Fault> {
    let wrong = || {
        let (expected, got) = (kind.expected(), described(session, value));
        Fault::new(format!("`{path}`: expected {expected}, got {got}"))
    };
    match (kind, value) {
        (Kind::Text, Value::String(_)) => text(session, value, path).map(Checked::Text),
        (Kind::Name | Kind::File | Kind::Suffix | Kind::Maintainer, Value::String(_)) => {
            word::word(session, kind, value, path)?.map(Checked::Text).ok_or_else(wrong)
        }
        (Kind::Integer(low, high), value) => match whole(value) {
            Some(number) if (low..=high).contains(&number) => Ok(Checked::Integer(number)),
            Some(_) | None => Err(wrong()),
        },
        (Kind::OneOf(words), Value::String(_)) => {
            let word = text(session, value, path)?;
            if words.contains(&word.as_str()) { Ok(Checked::Text(word)) } else { Err(wrong()) }
        }
        (Kind::Boolean, Value::Boolean(flag)) => Ok(Checked::Boolean(*flag)),
        (Kind::Texts, Value::Table(table)) if session.handle(table).is_none() => texts(session, table, path, kind),
        (Kind::TextOrTexts, Value::String(_)) => Ok(Checked::Texts(vec![text(session, value, path)?])),
        (Kind::TextOrTexts, Value::Table(table)) if session.handle(table).is_none() => {
            texts(session, table, path, kind)
        }
        (Kind::Packages, Value::Table(table)) => match session.handle(table).as_deref() {
            None => texts(session, table, path, kind),
            Some(Handle::Selection(_)) => Ok(Checked::Handles(session.handle(table).into_iter().collect())),
            Some(_) => Err(wrong()),
        },
        (Kind::Variables, Value::Table(table)) if session.handle(table).is_none() => variables(session, table, path),
        (Kind::Arguments, Value::Table(table)) if session.handle(table).is_none() => {
            arguments(session, table).map(Checked::Arguments)
        }
        (Kind::Flags, value) => nested::flags(session, kind, value, path).map(Checked::Flags),
        (Kind::Files, value) => nested::files(session, value, path),
        (Kind::Share, value) => nested::share(session, value, path),
        (Kind::Replacements, Value::Table(table)) if session.handle(table).is_none() => {
            nested::replacements(session, table, path)
        }
        (Kind::Words(word), value) => nested::words(session, word, value, path).map(Checked::Texts),
        (Kind::FlagsOr(_), Value::String(_)) => nested::flags(session, kind, value, path).map(Checked::Flags),
        (Kind::Record(record) | Kind::FlagsOr(record), value) => {
            nested::record(session, record, value, path).map(|call| Checked::Record(Box::new(call)))
        }
        (Kind::Records(record), value) => nested::records(session, record, value, path).map(Checked::Records),
        (Kind::Hook(_), Value::Function(_)) => Ok(Checked::Composed),
        (Kind::NameOr(_), Value::String(_)) => check(session, Kind::Name, value, path).map_err(|_| wrong()),
        (Kind::NameOr(tags), Value::Table(_)) => Ok(Checked::Handles(vec![one(session, tags, value, path)?])),
        (Kind::Hooks, Value::Table(table)) if session.handle(table).is_none() => hooks(session, table, path),
        (Kind::Function, Value::Function(function)) => Ok(Checked::Function(function.clone())),
        (Kind::Layers(tags), value) => layers(session, tags, value, path, kind),
        (Kind::One(tags), value) => Ok(Checked::Handles(vec![one(session, tags, value, path)?])),
        (Kind::Some(tags), Value::Table(table)) if session.handle(table).is_none() => {
            let values = list(session, table, path, kind)?;
            let handles = values.iter().enumerate();
            let handles = handles.map(|(at, value)| one(session, tags, value, &format!("{path}[{}]", at + 1)));
            Ok(Checked::Handles(handles.collect::<Result<_, _>>()?))
        }
        (Kind::Some(tags), value) => Ok(Checked::Handles(vec![one(session, tags, value, path)?])),
        (
            Kind::Text
            | Kind::Name
            | Kind::File
            | Kind::Suffix
            | Kind::Maintainer
            | Kind::Boolean
            | Kind::OneOf(_)
            | Kind::Texts
            | Kind::TextOrTexts
            | Kind::Packages
            | Kind::Variables
            | Kind::Replacements
            | Kind::Arguments
            | Kind::Hooks
            | Kind::Hook(_)
            | Kind::NameOr(_)
            | Kind::Function,
            _,
        ) => Err(wrong()),
    }
}

/// A number without a fraction, in the range where doubles are exact.
pub fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Number(number) if number.fract() == 0.0 && number.abs() <= 9e15 => Some(*number as i64),
        _ => None,
    }
}

/// A string that can stand in a file or on a line: UTF-8, not empty, no control characters.
pub fn text(session: &Session, value: &Value, path: &str) -> Result<String, Fault> {
    let expected = |what: &str| {
        let got = described(session, value);
        Fault::new(format!("`{path}`: expected {what}, got {got}"))
    };
    let string = value.as_string().ok_or_else(|| expected("a string"))?;
    let text = string.to_str().map_err(|_| expected("UTF-8 text"))?.to_owned();
    if text.is_empty() || text.chars().any(char::is_control) || text.len() > 4096 {
        return Err(expected("one line of text"));
    }
    Ok(text)
}

/// One value of one of these kinds.
pub fn one(session: &Session, tags: &'static [Tag], value: &Value, path: &str) -> Result<Arc<Handle>, Fault> {
    let handle = value.as_table().and_then(|table| session.handle(table));
    handle.filter(|handle| tags.contains(&handle.tag())).ok_or_else(|| {
        let (expected, got) = (Kind::One(tags).expected(), described(session, value));
        Fault::new(format!("`{path}`: expected {expected}, got {got}"))
    })
}

/// Stages by name, and values that can be built against; `stdlib/` reads which.
fn layers(session: &Session, tags: &'static [Tag], value: &Value, path: &str, kind: Kind) -> Result<Checked, Fault> {
    let layer = |value: &Value, path: &str| match value {
        Value::String(_) => text(session, value, path).map(drop),
        value => one(session, tags, value, path).map(drop),
    };
    match value {
        Value::Table(table) if session.handle(table).is_none() => {
            let values = list(session, table, path, kind)?;
            if values.is_empty() {
                return Err(Fault::new(format!("`{path}`: expected {}, got an empty list", kind.expected())));
            }
            values.iter().enumerate().try_for_each(|(at, value)| layer(value, &format!("{path}[{}]", at + 1)))?;
        }
        value => layer(value, path)?,
    }
    Ok(Checked::Composed)
}

/// The values of a list; anything but a list is an error.
pub fn list(session: &Session, table: &Table, path: &str, kind: Kind) -> Result<Vec<Value>, Fault> {
    let length = table.raw_len();
    let mut values = Vec::with_capacity(length.min(1 << 16));
    for pair in table.pairs::<Value, Value>() {
        let (key, _) = pair.map_err(|error| Fault::new(format!("`{path}`: {error}")))?;
        if !whole(&key).is_some_and(|at| at >= 1 && at as usize <= length) {
            let (expected, got) = (kind.expected(), described(session, &key));
            return Err(Fault::new(format!("`{path}`: expected {expected}, got the key {got}")));
        }
    }
    for at in 1..=length {
        values.push(table.raw_get(at).map_err(|error| Fault::new(format!("`{path}`: {error}")))?);
    }
    Ok(values)
}

fn texts(session: &Session, table: &Table, path: &str, kind: Kind) -> Result<Checked, Fault> {
    let mut texts = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (at, value) in list(session, table, path, kind)?.iter().enumerate() {
        let path = format!("{path}[{}]", at + 1);
        let text = text(session, value, &path)?;
        if !seen.insert(text.clone()) {
            return Err(Fault::new(format!("`{path}`: expected each name once, got `{}` again", shortened(&text)))
                .code(Code::Twice));
        }
        texts.push(text);
        few(texts.len(), 200_000, &path)?;
    }
    if texts.is_empty() && kind == Kind::Packages {
        return Err(Fault::new(format!("`{path}`: expected at least one name, got an empty list"))
            .hint("write `cb.everything {}` for all of them"));
    }
    Ok(Checked::Texts(texts))
}

fn variables(session: &Session, table: &Table, path: &str) -> Result<Checked, Fault> {
    let mut variables = BTreeMap::new();
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair.map_err(|error| Fault::new(format!("`{path}`: {error}")))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = key.as_string().map(|name| name.to_string_lossy()).unwrap_or_default();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || !name.chars().all(plain) {
            let got = described(session, &key);
            return Err(Fault::new(format!("`{path}`: expected names of variables as keys, got {got}")));
        }
        if steers_the_host(&name) {
            let message =
                format!("`{path}`: expected variables of the build, got `{name}`, which steers the host's programs");
            return Err(Fault::new(message).hint("set it in debian/rules of the package, inside the chroot"));
        }
        let value = text(session, &value, &format!("{path}.{}", shortened(&name)))?;
        variables.insert(name, value);
        few(variables.len(), 1000, path)?;
    }
    Ok(Checked::Variables(variables))
}

/// Reads `hooks = { choose_flags = function(source, cell) ... end }`.
fn hooks(session: &Session, table: &Table, path: &str) -> Result<Checked, Fault> {
    let mut hooks = BTreeMap::new();
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair.map_err(|error| Fault::new(format!("`{path}`: {error}")))?;
        let name = key.as_string().map(|name| name.to_string_lossy()).unwrap_or_default();
        let Ok(hook) = name.parse::<Hook>() else {
            let names = || Hook::ALL.iter().map(|hook| hook.text());
            let got = described(session, &key);
            let fault = Fault::new(format!("`{path}`: expected names of hooks as keys, got {got}"));
            return Err(match nearest(&name, names()) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault.hint(format!("it takes: {}", names().collect::<Vec<_>>().join(", "))),
            });
        };
        let Value::Function(function) = value else {
            let (got, parameters) = (described(session, &value), hook.parameters().join(", "));
            return Err(Fault::new(format!("`{path}.{hook}`: expected a function, got {got}"))
                .hint(format!("write `{hook} = function({parameters}) ... end`")));
        };
        hooks.insert(hook, function);
    }
    Ok(Checked::Hooks(hooks))
}

/// Texts are shared inside of the VM and copied outside of it, so their number is bounded here.
fn few(count: usize, most: usize, path: &str) -> Result<(), Fault> {
    match count > most {
        true => Err(Fault::new(format!("`{path}`: expected at most {most} entries, got more")).code(Code::TooMany)),
        false => Ok(()),
    }
}

/// What came, in a few words.
pub fn described(session: &Session, value: &Value) -> String {
    match value {
        Value::Nil => "nothing".to_owned(),
        Value::String(text) => format!("string `{}`", shortened(&text.to_string_lossy())),
        Value::Integer(number) => format!("number {number}"),
        Value::Number(number) => format!("number {number}"),
        Value::Boolean(flag) => format!("boolean `{flag}`"),
        Value::Table(table) => match session.handle(table) {
            Some(handle) => format!("a value of kind `{}`", handle.tag().text()),
            None => "a table".to_owned(),
        },
        Value::Function(_) => "a function".to_owned(),
        other => format!("a {}", other.type_name()),
    }
}

/// The beginning of a text on one line, for an error.
pub fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        short.push_str("...");
    }
    short
}

fn lower_first(sentence: &str) -> String {
    let sentence = sentence.strip_suffix('.').unwrap_or(sentence);
    let mut chars = sentence.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

//! Tables in the tables of calls, checked as strictly as these; errors name the whole path of a field.

use std::collections::BTreeMap;

use mlua::{Table, Value};

use crate::core::flags::Words;
use crate::core::suggest::nearest;
use crate::lua::api::{Default, Kind, Parameter, Record, Word};
use crate::lua::check::call::{Call, Checked};
use crate::lua::check::{check, described, few, list, lower_first, one, shortened, text};
use crate::lua::session::{Fault, Session};

/// No list of tables in a call is longer.
const MOST_RECORDS: usize = 10_000;

/// A table with the fields of a record.
pub fn record(session: &Session, record: &'static Record, value: &Value, path: &str) -> Result<Call, Fault> {
    let table = match value {
        Value::Table(table) if session.handle(table).is_none() => table,
        other => return Err(expected(session, Kind::Record(record), other, path)),
    };
    let mut fields: BTreeMap<String, Value> = BTreeMap::new();
    let mut call = Call::new(String::new());
    if let Some(items) = &record.items {
        call.insert(items.name, list_part(session, items, table, path)?);
    }
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair.map_err(|error| Fault::new(format!("`{path}`: {error}")))?;
        let name = key.as_string().map(|name| name.to_string_lossy());
        if name.is_none() && record.items.is_some() {
            continue;
        }
        let Some(name) = name else {
            let got = described(session, &key);
            return Err(Fault::new(format!("`{path}`: expected named fields, got the key {got}")).hint(known(record)));
        };
        if record.field(&name).is_none() {
            let hint = match nearest(&name, record.fields.iter().map(|parameter| parameter.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => known(record),
            };
            return Err(Fault::new(format!("`{path}` has no field `{}`", shortened(&name))).hint(hint));
        }
        fields.insert(name, value);
    }
    for parameter in record.fields {
        let path = format!("{path}.{}", parameter.name);
        match (fields.get(parameter.name), parameter.default) {
            (Some(value), _) => {
                let checked = check(session, parameter.kind, value, &path)
                    .map_err(|fault| fault.or_hint(|| lower_first(parameter.sentence)))?;
                call.insert(parameter.name, checked);
            }
            (None, Default::Is(_)) => {}
            (None, Default::Required) => {
                let expected = parameter.kind.expected();
                return Err(Fault::new(format!("`{path}` is missing: expected {expected}"))
                    .hint(lower_first(parameter.sentence)));
            }
        }
    }
    Ok(call)
}

/// A list of tables with the fields of a record.
pub fn records(session: &Session, of: &'static Record, value: &Value, path: &str) -> Result<Vec<Call>, Fault> {
    let kind = Kind::Records(of);
    let values = match value {
        Value::Table(table) if session.handle(table).is_none() => list(session, table, path, kind)?,
        other => return Err(expected(session, kind, other, path)),
    };
    few(values.len(), MOST_RECORDS, path)?;
    let values = values.iter().enumerate();
    values.map(|(at, value)| record(session, of, value, &format!("{path}[{}]", at + 1))).collect()
}

/// The list part of a table, each a value of `cb`, or one of some words.
fn list_part(session: &Session, items: &Parameter, table: &Table, path: &str) -> Result<Checked, Fault> {
    let tags = match items.kind {
        Kind::Some(tags) => tags,
        Kind::OneOf(_) => return words_part(session, items, table, path),
        other => unreachable!("the list part `{}` is declared to be {other:?}", items.name),
    };
    let mut handles = Vec::new();
    for at in 1..=table.raw_len() {
        let value: Value = table.raw_get(at).map_err(|error| Fault::new(format!("`{path}`: {error}")))?;
        handles.push(one(session, tags, &value, &format!("{path}[{at}]"))?);
    }
    if handles.is_empty() {
        let expected = Kind::One(tags).expected();
        return Err(Fault::new(format!("`{path}`: expected {expected}, got an empty list")));
    }
    Ok(Checked::Handles(handles))
}

/// The list part of a table, each one of some words; each comes once, and there may be none.
fn words_part(session: &Session, items: &Parameter, table: &Table, path: &str) -> Result<Checked, Fault> {
    let mut words: Vec<String> = Vec::new();
    for at in 1..=table.raw_len() {
        let path = format!("{path}[{at}]");
        let value: Value = table.raw_get(at).map_err(|error| Fault::new(format!("`{path}`: {error}")))?;
        let Checked::Text(word) = check(session, items.kind, &value, &path)? else {
            unreachable!("one of some words is a text")
        };
        if words.contains(&word) {
            return Err(Fault::new(format!("`{path}`: expected each word once, got `{word}` again")));
        }
        words.push(word);
    }
    Ok(Checked::Texts(words))
}

/// A table from names to files.
pub fn files(session: &Session, value: &Value, path: &str) -> Result<Checked, Fault> {
    let table = match value {
        Value::Table(table) if session.handle(table).is_none() => table,
        other => return Err(expected(session, Kind::Files, other, path)),
    };
    let mut files = BTreeMap::new();
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair.map_err(|error| Fault::new(format!("`{path}`: {error}")))?;
        let Checked::Text(name) = check(session, Kind::Name, &key, &format!("{path}, a key"))? else {
            unreachable!("a name is a text")
        };
        let path = format!("{path}[\"{}\"]", shortened(&name));
        let Checked::Text(file) = check(session, Kind::File, &value, &path)? else {
            unreachable!("a file's path is a text")
        };
        files.insert(name, file);
        few(files.len(), 1000, &path)?;
    }
    Ok(Checked::Variables(files))
}

/// A part of one, in hundredths of a percent.
pub fn share(session: &Session, value: &Value, path: &str) -> Result<Checked, Fault> {
    let share = match value {
        Value::Number(share) => *share,
        Value::Integer(share) => *share as f64,
        other => return Err(expected(session, Kind::Share, other, path)),
    };
    let parts = (share * 10_000.0).round();
    if (1.0..=9_999.0).contains(&parts) {
        Ok(Checked::Integer(parts as i64))
    } else {
        Err(expected(session, Kind::Share, value, path))
    }
}

/// A string of flags, or a list of strings.
pub fn flags(session: &Session, kind: Kind, value: &Value, path: &str) -> Result<Words, Fault> {
    let texts = strings(session, kind, value, path)?;
    Words::read(texts.iter().map(String::as_str)).map_err(|error| Fault::new(format!("`{path}`: {error}")))
}

/// A table from one flag to the flags that come in its place.
pub fn replacements(session: &Session, table: &Table, path: &str) -> Result<Checked, Fault> {
    let mut replacements = BTreeMap::new();
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair.map_err(|error| Fault::new(format!("`{path}`: {error}")))?;
        let from = key.as_string().map(|name| name.to_string_lossy()).unwrap_or_default();
        let one = Words::read([from.as_str()]).is_ok_and(|words| words.iter().count() == 1);
        if !one {
            let got = described(session, &key);
            return Err(Fault::new(format!("`{path}`: expected one flag such as `-O2` as a key, got {got}"))
                .hint("write `replace = { [\"-O2\"] = \"-O3\" }`"));
        }
        let path = format!("{path}[\"{}\"]", shortened(&from));
        replacements.insert(from.trim().to_owned(), flags(session, Kind::Flags, &value, &path)?);
        few(replacements.len(), 1000, &path)?;
    }
    Ok(Checked::Replacements(replacements))
}

/// A string with words, or a list of words, each of them good.
pub fn words(session: &Session, word: &'static Word, value: &Value, path: &str) -> Result<Vec<String>, Fault> {
    let mut words = Vec::new();
    for text in strings(session, Kind::Words(word), value, path)? {
        words.extend(text.split_whitespace().map(str::to_owned));
    }
    few(words.len(), MOST_RECORDS, path)?;
    match words.iter().find(|text| !(word.good)(text)) {
        Some(bad) => Err(Fault::new(format!("`{path}`: expected {}, got `{}`", word.expected, shortened(bad)))),
        None => Ok(words),
    }
}

/// The texts of a string, or of a list of strings.
fn strings(session: &Session, kind: Kind, value: &Value, path: &str) -> Result<Vec<String>, Fault> {
    match value {
        Value::String(_) => Ok(vec![text(session, value, path)?]),
        Value::Table(table) if session.handle(table).is_none() => {
            let values = list(session, table, path, kind)?;
            few(values.len(), MOST_RECORDS, path)?;
            let texts = values.iter().enumerate();
            texts.map(|(at, value)| text(session, value, &format!("{path}[{}]", at + 1))).collect()
        }
        other => Err(expected(session, kind, other, path)),
    }
}

/// The fault of a value that is of another kind.
pub fn expected(session: &Session, kind: Kind, value: &Value, path: &str) -> Fault {
    let (expected, got) = (kind.expected(), described(session, value));
    Fault::new(format!("`{path}`: expected {expected}, got {got}"))
}

fn known(record: &Record) -> String {
    let names: Vec<&str> = record.fields.iter().map(|parameter| parameter.name).collect();
    format!("it takes: {}", names.join(", "))
}

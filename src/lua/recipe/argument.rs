//! The arguments that a recipe declares: read from its table, from the command line, and completed for a run.

use std::collections::BTreeMap;

use mlua::{Table, Value};
use serde_json::Value as Json;

use crate::core::codes::Code;
use crate::core::suggest::nearest;
use crate::lua::check::{described, list, shortened, text};
use crate::lua::json;
use crate::lua::session::{Fault, Session};

/// One argument of a recipe, as `cb.recipe { args = ... }` declares it.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// `--NAME` on the command line.
    pub name: String,
    /// What it has to be.
    pub kind: ArgumentType,
    /// What it is when it is not given; required when there is none.
    pub default: Option<Json>,
    /// What it says; may be empty.
    pub help: String,
}

/// What an argument has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentType {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// The path of a file; the command line makes it absolute.
    File,
    /// Texts; given once for each, or with commas between.
    List,
}

const TYPES: &[ArgumentType] = &[
    ArgumentType::String,
    ArgumentType::Integer,
    ArgumentType::Number,
    ArgumentType::Boolean,
    ArgumentType::File,
    ArgumentType::List,
];

impl ArgumentType {
    /// Its one text form.
    pub fn text(self) -> &'static str {
        match self {
            ArgumentType::String => "string",
            ArgumentType::Integer => "integer",
            ArgumentType::Number => "number",
            ArgumentType::Boolean => "boolean",
            ArgumentType::File => "file",
            ArgumentType::List => "list",
        }
    }

    /// Fits after "expected".
    fn expected(self) -> &'static str {
        match self {
            ArgumentType::String => "a string",
            ArgumentType::Integer => "a whole number",
            ArgumentType::Number => "a number",
            ArgumentType::Boolean => "a boolean",
            ArgumentType::File => "a file's path",
            ArgumentType::List => "a list of strings",
        }
    }

    fn fits(self, value: &Json) -> bool {
        match self {
            ArgumentType::String | ArgumentType::File => value.is_string(),
            ArgumentType::Integer => value.is_i64(),
            ArgumentType::Number => value.is_number(),
            ArgumentType::Boolean => value.is_boolean(),
            ArgumentType::List => value.as_array().is_some_and(|items| items.iter().all(Json::is_string)),
        }
    }
}

impl Argument {
    /// The value of what was given on the command line: a text each time the argument was named.
    pub fn parse(&self, given: &[String]) -> Result<Json, String> {
        let expected = |what: &str, got: &str| format!("`--{}`: expected {what}, got `{}`", self.name, shortened(got));
        if self.kind == ArgumentType::List {
            let items = given.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|item| !item.is_empty());
            return Ok(items.map(Json::from).collect());
        }
        let [text] = given else {
            return Err(format!("`--{}`: expected it once, got it {} times", self.name, given.len()));
        };
        match self.kind {
            ArgumentType::String | ArgumentType::File | ArgumentType::List => Ok(Json::from(text.as_str())),
            ArgumentType::Integer => text.parse::<i64>().map(Json::from).map_err(|_| expected("a whole number", text)),
            ArgumentType::Number => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Json::from(number)),
                Ok(_) | Err(_) => Err(expected("a number", text)),
            },
            ArgumentType::Boolean => match text.as_str() {
                "true" | "yes" => Ok(Json::from(true)),
                "false" | "no" => Ok(Json::from(false)),
                _ => Err(expected("`true` or `false`", text)),
            },
        }
    }
}

/// The arguments of a run: every declared one, defaults filled in, nothing else.
pub fn complete(declared: &[Argument], mut given: BTreeMap<String, Json>) -> Result<BTreeMap<String, Json>, Fault> {
    let names = || declared.iter().map(|argument| argument.name.as_str());
    if let Some(unknown) = given.keys().find(|name| !names().any(|known| known == name.as_str())) {
        let hint = match nearest(unknown, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if declared.is_empty() => "it takes no arguments".to_owned(),
            None => format!("it takes: {}", names().collect::<Vec<_>>().join(", ")),
        };
        return Err(Fault::new(format!("the recipe has no argument `{}`", shortened(unknown)))
            .code(Code::UnknownArgument)
            .hint(hint));
    }
    let mut complete = BTreeMap::new();
    for Argument { name, kind, default, help } in declared {
        let value = match given.remove(name).or_else(|| default.clone()) {
            Some(value) => value,
            None => {
                let fault = Fault::new(format!("the argument `{name}` is missing: expected {}", kind.expected()))
                    .code(Code::MissingArgument);
                return Err(match help.is_empty() {
                    true => fault.hint(format!("give it with `--{name}`")),
                    false => fault.hint(format!("give it with `--{name}`: {help}")),
                });
            }
        };
        if !kind.fits(&value) {
            let (expected, got) = (kind.expected(), shortened(&value.to_string()));
            return Err(Fault::new(format!("the argument `{name}`: expected {expected}, got `{got}`"))
                .code(Code::ArgumentValue));
        }
        complete.insert(name.clone(), value);
    }
    Ok(complete)
}

/// Reads `args = { package = "string", most = { "integer", default = 20, help = "..." } }`.
pub fn arguments(session: &Session, table: &Table) -> Result<Vec<Argument>, Fault> {
    let mut arguments = Vec::new();
    for pair in table.pairs::<Value, Value>() {
        let (key, value) = pair.map_err(|error| Fault::new(format!("`args`: {error}")))?;
        let name = key.as_string().map(|name| name.to_string_lossy()).unwrap_or_default();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) || name.len() > 40 {
            let got = described(session, &key);
            return Err(Fault::new(format!(
                "`args`: expected names of lower-case letters, digits, `-` and `_`, got {got}"
            )));
        }
        arguments.push(argument(session, name, &value)?);
        if arguments.len() > 100 {
            return Err(Fault::new("`args`: expected at most 100 arguments, got more").code(Code::TooMany));
        }
    }
    arguments.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(arguments)
}

fn argument(session: &Session, name: String, value: &Value) -> Result<Argument, Fault> {
    let path = format!("args.{name}");
    let table = match value {
        Value::Table(table) if session.handle(table).is_none() => table,
        other => {
            let kind = argument_type(session, other, &path)?;
            return Ok(Argument { name, kind, default: None, help: String::new() });
        }
    };
    let raw = |key: Value| table.raw_get::<Value>(key).map_err(|error| Fault::new(format!("`{path}`: {error}")));
    for pair in table.pairs::<Value, Value>() {
        let (key, _) = pair.map_err(|error| Fault::new(format!("`{path}`: {error}")))?;
        let known = match &key {
            Value::String(key) => ["default", "help"].contains(&key.to_string_lossy().as_str()),
            other => crate::lua::check::whole(other) == Some(1),
        };
        if !known {
            let got = described(session, &key);
            return Err(Fault::new(format!("`{path}`: expected a type, `default` and `help`, got the key {got}"))
                .code(Code::UnknownOption)
                .hint("write `{ \"integer\", default = 20, help = \"how many\" }`"));
        }
    }
    let kind = argument_type(session, &raw(Value::Integer(1))?, &path)?;
    let help = match table.raw_get::<Value>("help") {
        Ok(Value::Nil) | Err(_) => String::new(),
        Ok(value) => text(session, &value, &format!("{path}.help"))?,
    };
    let default = match table.raw_get::<Value>("default") {
        Ok(Value::Nil) | Err(_) => None,
        Ok(value) => Some(default(session, kind, &value, &format!("{path}.default"))?),
    };
    Ok(Argument { name, kind, default, help })
}

fn default(session: &Session, kind: ArgumentType, value: &Value, path: &str) -> Result<Json, Fault> {
    let read = match value {
        // An empty table is an empty list here, which plain data cannot tell.
        Value::Table(table) if kind == ArgumentType::List => {
            let items = list(session, table, path, crate::lua::api::Kind::Texts)?;
            let texts = items.iter().map(|item| text(session, item, path).map(Json::from));
            Json::Array(texts.collect::<Result<_, _>>()?)
        }
        other => json::from_lua(session, other, path)?,
    };
    match kind.fits(&read) {
        true => Ok(read),
        false => {
            let (expected, got) = (kind.expected(), described(session, value));
            Err(Fault::new(format!("`{path}`: expected {expected}, got {got}")))
        }
    }
}

fn argument_type(session: &Session, value: &Value, path: &str) -> Result<ArgumentType, Fault> {
    let given = value.as_string().map(|given| given.to_string_lossy());
    let found = TYPES.iter().find(|kind| given.as_deref() == Some(kind.text()));
    found.copied().ok_or_else(|| {
        let names = TYPES.iter().map(|kind| format!("`{}`", kind.text())).collect::<Vec<_>>().join(", ");
        let got = described(session, value);
        let fault = Fault::new(format!("`{path}`: expected one of {names}, got {got}"));
        match nearest(given.as_deref().unwrap_or_default(), TYPES.iter().map(|kind| kind.text())) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None => fault,
        }
    })
}

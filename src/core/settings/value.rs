//! Values of settings: what each kind takes, and the one text form of each.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Key, Origin, Person, SettingsError};

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text that is not empty.
    Text,
    /// A path; relative ones start at the folder of the file that says so, or at the working directory.
    Path,
    /// A program: a name to look up, or a path.
    Program,
    /// A whole number within bounds.
    Count {
        /// The least that is taken.
        least: u32,
        /// The most that is taken.
        most: u32,
    },
    /// A time with its units.
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
}

impl Kind {
    /// What is taken, in words; fits after "expected ".
    pub fn expected(&self) -> String {
        match self {
            Kind::Text => "a text".to_owned(),
            Kind::Path => "a path".to_owned(),
            Kind::Program => "a program's name or path".to_owned(),
            Kind::Count { least, most } => format!("a whole number from {least} to {most}"),
            Kind::Duration => "a duration with units such as \"30 s\" or \"2 h 30 min\"".to_owned(),
            Kind::Choice(words) => words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or "),
        }
    }
}

/// A value that was checked against its setting's [`Kind`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text, or one of a choice's words.
    Text(String),
    /// A path, absolute, or a program's name.
    Path(PathBuf),
    /// A number.
    Count(u32),
    /// A time.
    Duration(Duration),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Path(path) => write!(f, "{}", path.display()),
            Value::Count(count) => write!(f, "{count}"),
            Value::Duration(duration) => f.write_str(&duration_text(*duration)),
        }
    }
}

/// Whether redirects of a mirror may leave its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirects {
    /// Only to the same host.
    SameHost,
    /// To wherever the mirror says.
    Any,
}

impl Redirects {
    /// The text forms, in the order of the variants.
    pub const WORDS: &'static [&'static str] = &["same-host", "any"];
}

/// Reads the text of a value, as a flag, a variable or a string of a file has it.
pub fn read(key: &Key, text: &str, at: &Origin, folder: &Path, person: &Person) -> Result<Value, SettingsError> {
    let wrong = || SettingsError::Wrong {
        name: key.name.to_owned(),
        expected: key.kind.expected(),
        got: format!("`{text}`"),
        at: at.clone(),
    };
    if text.is_empty() {
        return Err(wrong());
    }
    match key.kind {
        Kind::Text => Ok(Value::Text(text.to_owned())),
        Kind::Path => path(key, text, at, folder, person).map(Value::Path),
        Kind::Program if text.contains('/') => path(key, text, at, folder, person).map(Value::Path),
        Kind::Program => Ok(Value::Path(PathBuf::from(text))),
        Kind::Count { least, most } => match text.parse() {
            Ok(count) if (least..=most).contains(&count) => Ok(Value::Count(count)),
            Ok(_) | Err(_) => Err(wrong()),
        },
        Kind::Duration => read_duration(text).map(Value::Duration).ok_or_else(wrong),
        Kind::Choice(words) => match words.iter().find(|word| **word == text) {
            Some(word) => Ok(Value::Text((*word).to_owned())),
            None => Err(wrong()),
        },
    }
}

/// Resolves `~/`, the cache folder of a default, and relative paths.
fn path(key: &Key, text: &str, at: &Origin, folder: &Path, person: &Person) -> Result<PathBuf, SettingsError> {
    let no_home = || SettingsError::NoHome { name: key.name, path: text.to_owned(), at: at.clone() };
    if let Some(rest) = text.strip_prefix("~/") {
        return Ok(person.home.as_ref().ok_or_else(no_home)?.join(rest));
    }
    if let Some(rest) = text.strip_prefix("$XDG_CACHE_HOME/") {
        return Ok(person.cache_home.as_ref().ok_or_else(no_home)?.join(rest));
    }
    let relative = text.strip_prefix("./").unwrap_or(text);
    Ok(folder.join(relative))
}

/// Reads a time with units; none that is zero or negative, and none without a unit.
pub fn read_duration(text: &str) -> Option<Duration> {
    let span: jiff::Span = text.trim().parse().ok()?;
    let days_have_24_hours = jiff::SpanRelativeTo::days_are_24_hours();
    let duration = Duration::try_from(span.to_duration(days_have_24_hours).ok()?).ok()?;
    (!duration.is_zero()).then_some(duration)
}

/// The text form of a time: its parts that are not zero, from days to milliseconds.
pub fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
        (u64::from(duration.subsec_millis()), "ms"),
    ];
    let texts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    if texts.is_empty() { "0 s".to_owned() } else { texts.join(" ") }
}

/// From a checked value to the type of its field in `Settings`.
pub trait FromValue {
    /// The typed value. Panics on a value of another kind: the table in `settings` gives a field its kind, and a
    /// test reads every field.
    fn from_value(value: Option<&Value>) -> Self;
}

impl FromValue for Option<String> {
    fn from_value(value: Option<&Value>) -> Self {
        value.map(Value::to_string)
    }
}

impl FromValue for PathBuf {
    fn from_value(value: Option<&Value>) -> Self {
        match value {
            Some(Value::Path(path)) => path.clone(),
            other => unreachable!("a path is declared, {other:?} is there"),
        }
    }
}

impl FromValue for Option<PathBuf> {
    fn from_value(value: Option<&Value>) -> Self {
        value.map(|value| PathBuf::from_value(Some(value)))
    }
}

impl FromValue for u32 {
    fn from_value(value: Option<&Value>) -> Self {
        match value {
            Some(Value::Count(count)) => *count,
            other => unreachable!("a count is declared, {other:?} is there"),
        }
    }
}

impl FromValue for Duration {
    fn from_value(value: Option<&Value>) -> Self {
        match value {
            Some(Value::Duration(duration)) => *duration,
            other => unreachable!("a duration is declared, {other:?} is there"),
        }
    }
}

impl FromValue for Redirects {
    fn from_value(value: Option<&Value>) -> Self {
        match value {
            Some(Value::Text(word)) if word == "any" => Redirects::Any,
            Some(Value::Text(_)) => Redirects::SameHost,
            other => unreachable!("a word is declared, {other:?} is there"),
        }
    }
}

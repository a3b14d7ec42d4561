//! Settings files: TOML, with the line of every value.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::value::{self, Kind, Value};
use super::{KEYS, Key, Layer, Origin, Person, SettingsError};
use crate::core::suggest::nearest;

/// Reads the text of a settings file; relative paths in it are relative to its folder.
pub fn read(path: &Path, text: &str, person: &Person) -> Result<Layer, SettingsError> {
    let reader = Reader { path, text, person };
    let table = DeTable::parse(text).map_err(|error| SettingsError::Syntax {
        message: error.message().trim_end_matches('.').to_owned(),
        at: reader.at(error.span().map_or(0, |span| span.start)),
    })?;
    let mut layer = Layer::default();
    reader.table(table.get_ref(), "", &mut layer)?;
    Ok(layer)
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    person: &'a Person,
}

impl Reader<'_> {
    fn at(&self, offset: usize) -> Origin {
        let line = self.text[..offset.min(self.text.len())].bytes().filter(|byte| *byte == b'\n').count() + 1;
        Origin::File { path: self.path.to_owned(), line }
    }

    fn table(&self, table: &DeTable<'_>, prefix: &str, layer: &mut Layer) -> Result<(), SettingsError> {
        // In the order of the file, so that the first mistake of a file is the one that is told.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let name = format!("{prefix}{}", key.get_ref());
            let at = self.at(key.span().start);
            let below = format!("{name}.");
            if let Some(key) = Key::named(&name) {
                layer.given.push((key.name, self.value(key, value, &at)?, at));
            } else if KEYS.iter().any(|key| key.name.starts_with(&below)) {
                match value.get_ref() {
                    DeValue::Table(inner) => self.table(inner, &below, layer)?,
                    other => {
                        let expected = format!("a table: `[{name}]`");
                        return Err(SettingsError::Wrong { name, expected, got: in_words(other), at });
                    }
                }
            } else {
                let nearest = nearest(&name, KEYS.iter().map(|key| key.name)).map(str::to_owned);
                return Err(SettingsError::Unknown { name, at, nearest });
            }
        }
        Ok(())
    }

    fn value(&self, key: &Key, value: &Spanned<DeValue<'_>>, at: &Origin) -> Result<Value, SettingsError> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let read = |text: &str| value::read(key, text, at, folder, self.person);
        let takes_number = match key.kind {
            Kind::Count { .. } => true,
            Kind::Text | Kind::Path | Kind::Program | Kind::Duration | Kind::Choice(_) => false,
        };
        match value.get_ref() {
            DeValue::String(text) if !takes_number => read(text),
            DeValue::Integer(number) if takes_number && number.radix() == 10 => read(number.as_str()),
            other => Err(SettingsError::Wrong {
                name: key.name.to_owned(),
                expected: key.kind.expected(),
                got: in_words(other),
                at: at.clone(),
            }),
        }
    }
}

/// What a value is, for "got ...".
fn in_words(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text \"{text}\""),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(truth) => format!("{truth}"),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

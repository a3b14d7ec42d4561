//! Words of flags: written as one string or as a list, kept as a list.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Flags, split at blanks as a shell and make do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Words(Vec<String>);

/// No variable of a sane build is longer, in bytes.
const LONGEST: usize = 16 << 10;

impl Words {
    /// Reads flags, each text with one or more of them; the first has to look like one.
    ///
    /// # Errors
    /// In words: control characters, too much text, or a first word that is no flag.
    pub fn read<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Words, String> {
        let mut words = Vec::new();
        let mut length = 0;
        for text in texts {
            if let Some(bad) = text.chars().find(|c| c.is_control()) {
                return Err(format!("expected flags on one line, got the character `{}`", bad.escape_default()));
            }
            length += text.len();
            words.extend(text.split_whitespace().map(str::to_owned));
        }
        if length > LONGEST {
            return Err(format!("expected at most {LONGEST} bytes of flags, got {length}"));
        }
        match words.first() {
            Some(first) if !first.starts_with(['-', '@']) => {
                Err(format!("expected flags such as `-O3`, got `{first}`, which does not begin with `-`"))
            }
            Some(_) => Ok(Words(words)),
            None => Err("expected flags such as `-O3`, got none".to_owned()),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each word.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Those that `wanted` says.
    pub fn only(&self, wanted: impl Fn(&str) -> bool) -> Words {
        Words(self.iter().filter(|word| wanted(word)).map(str::to_owned).collect())
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Words;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string of flags, or a list of them")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Words, E> {
                Words::read([text]).map_err(E::custom)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Words, A::Error> {
                let mut texts: Vec<String> = Vec::new();
                while let Some(text) = list.next_element()? {
                    texts.push(text);
                }
                Words::read(texts.iter().map(String::as_str)).map_err(A::Error::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

//! A stanza of an index that cannot be read, named so that somebody can find it.

use std::fmt;

use crate::core::debian::control::{self, Paragraph};

/// Where, which package, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Line in the index, from 1.
    pub line: usize,
    /// The stanza's `Package:`, lossy; `?` when it has none.
    pub package: String,
    /// What was expected and what came.
    pub reason: String,
}

impl Malformed {
    /// For a paragraph that lies inside `index`.
    pub fn new(index: &[u8], paragraph: Paragraph<'_>, reason: String) -> Malformed {
        let offset = (paragraph.bytes.as_ptr() as usize).saturating_sub(index.as_ptr() as usize);
        let package = paragraph.field("Package").map_or_else(|| "?".into(), String::from_utf8_lossy);
        Malformed { line: control::line_of(index, offset), package: package.into_owned(), reason }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, package `{}`: {}", self.line, self.package, self.reason)
    }
}

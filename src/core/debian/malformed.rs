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

/// The same before its line is known.
#[derive(Debug)]
pub struct Misread {
    offset: usize,
    package: String,
    reason: String,
}

impl Misread {
    /// For a paragraph that lies inside `index`.
    pub fn new(index: &[u8], paragraph: Paragraph<'_>, reason: String) -> Misread {
        let offset = (paragraph.bytes.as_ptr() as usize).saturating_sub(index.as_ptr() as usize);
        let package = paragraph.field("Package").map_or_else(|| "?".to_owned(), control::shown);
        Misread { offset, package, reason }
    }
}

impl Malformed {
    /// Gives each its line, in one pass over the index: a whole archive may be malformed. In the order of the index.
    pub fn numbered(index: &[u8], misread: Vec<Misread>) -> Vec<Malformed> {
        let (mut line, mut counted) = (1, 0);
        let mut numbered = Vec::with_capacity(misread.len());
        for Misread { offset, package, reason } in misread {
            line += control::line_of(&index[counted..], offset - counted) - 1;
            counted = offset;
            numbered.push(Malformed { line, package, reason });
        }
        numbered
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, package `{}`: {}", self.line, self.package, self.reason)
    }
}

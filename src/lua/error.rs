//! What is wrong with a recipe, and where.

use std::fmt;

use crate::core::codes::Code;

/// An error of a recipe, or of a primitive that it called; shown with the recipe's file, line and source text.
#[derive(Debug, Default)]
pub struct RecipeError {
    /// What kind of error it is; absent where a primitive failed, whose cause says more.
    pub code: Option<Code>,
    /// What was expected and what came.
    pub message: String,
    /// Where, when that is known.
    pub place: Option<Box<Place>>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The recipe's own lines that led there, innermost first.
    pub traceback: Vec<Frame>,
    /// What a primitive failed with, as it was; the cli chooses the exit code by it.
    pub cause: Option<anyhow::Error>,
}

/// A place in a file of the recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// As the user named it.
    pub file: String,
    /// Counted from 1; 0 when the error is about the whole file.
    pub line: usize,
    /// The text of that line and what to point at, when it is known.
    pub excerpt: Option<Excerpt>,
}

/// A line of source, and the part of it that an error is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The line, without its line feed.
    pub text: String,
    /// Characters before the part.
    pub column: usize,
    /// Characters of the part.
    pub width: usize,
}

/// One line of a traceback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// As the user named it.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
}

impl RecipeError {
    /// An error about a whole file.
    pub fn of_file(file: impl Into<String>, message: impl Into<String>, hint: Option<&str>) -> RecipeError {
        RecipeError {
            message: message.into(),
            place: Some(Box::new(Place { file: file.into(), line: 0, excerpt: None })),
            hint: hint.map(str::to_owned),
            ..RecipeError::default()
        }
    }

    /// The same of another kind.
    pub fn code(self, code: Code) -> RecipeError {
        RecipeError { code: Some(code), ..self }
    }

    /// The file it is about, as the user named it.
    pub fn file(&self) -> Option<&str> {
        self.place.as_deref().map(|place| place.file.as_str())
    }

    /// The line it is about, counted from 1.
    pub fn line(&self) -> Option<usize> {
        self.place.as_deref().map(|place| place.line).filter(|line| *line > 0)
    }
}

impl fmt::Display for RecipeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place.as_deref() {
            match place.line {
                0 => write!(f, "{}: ", place.file)?,
                line => write!(f, "{}:{line}: ", place.file)?,
            }
        }
        f.write_str(&self.message)?;
        if let Some(place) = self.place.as_deref()
            && let Some(excerpt) = &place.excerpt
        {
            let number = place.line.to_string();
            write!(f, "\n  {number} | {}", excerpt.text)?;
            if excerpt.width > 0 {
                let margin = " ".repeat(number.len());
                let before = " ".repeat(excerpt.column);
                write!(f, "\n  {margin} | {before}{}", "^".repeat(excerpt.width))?;
            }
        }
        for frame in self.traceback.iter().skip(1) {
            write!(f, "\n  called from {}:{}", frame.file, frame.line)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for RecipeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().and_then(|cause| cause.source())
    }
}

//! Where text for people and documents for programs go.

use std::io::{IsTerminal, Write};

use serde::Serialize;

/// What standard output is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text for people.
    Text,
    /// JSON; text for people goes to standard error.
    Json,
}

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volume {
    /// Only what failed, and what was asked for.
    Quiet,
    /// What happens.
    Normal,
    /// What happens, and log lines between.
    Verbose,
}

/// Where text and documents go; knows nothing of what they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// What standard output is for.
    pub format: Format,
    /// How much is said.
    pub volume: Volume,
}

impl Output {
    /// From the flags.
    pub fn new(json: bool, quiet: bool, verbose: u8) -> Output {
        let format = if json { Format::Json } else { Format::Text };
        let volume = match (quiet, verbose) {
            (true, _) => Volume::Quiet,
            (false, 0) => Volume::Normal,
            (false, _) => Volume::Verbose,
        };
        Output { format, volume }
    }

    /// The stream for people; colours are dropped where nobody sees them (NO_COLOR, no terminal).
    pub fn people(&self) -> Box<dyn Write + Send> {
        match self.format {
            Format::Text => Box::new(anstream::stdout()),
            Format::Json => Box::new(anstream::stderr()),
        }
    }

    /// Whether the stream for people is a terminal.
    pub fn on_terminal(&self) -> bool {
        match self.format {
            Format::Text => std::io::stdout().is_terminal(),
            Format::Json => std::io::stderr().is_terminal(),
        }
    }

    /// What a command tells beside its result, where somebody may read or pipe the result: on standard error.
    pub fn aside(self) -> Output {
        Output { format: Format::Json, ..self }
    }

    /// Prints what a command was asked for, as text.
    pub fn print(&self, text: &str) -> anyhow::Result<()> {
        write_line(&mut *self.people(), text)
    }

    /// Tells people something beside the result. A reader who closed the pipe has read enough, so that is no error.
    pub fn say(&self, text: &str) {
        let _ = writeln!(self.people(), "{text}");
    }

    /// Prints one of the JSON documents of a command that goes on, in a line of its own.
    pub fn line(&self, document: &impl Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string(document)?;
        write_line(&mut std::io::stdout().lock(), &text)
    }

    /// Prints the one JSON document of a command.
    pub fn document(&self, document: &impl Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(document)?;
        write_line(&mut std::io::stdout().lock(), &text)
    }
}

/// Writes a line; that nobody reads is no error, a full disk is.
fn write_line(to: &mut dyn Write, text: &str) -> anyhow::Result<()> {
    match writeln!(to, "{text}").and_then(|()| to.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(error).context("cannot write the result"))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Text from outside without control characters: a log or an archive must not drive somebody's terminal.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() && character != '\t' { '\u{fffd}' } else { character })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_cannot_drive_the_terminal() {
        assert_eq!(clean("a\x1b[2Jb\tc\r\u{9b}é"), "a\u{fffd}[2Jb\tc\u{fffd}\u{fffd}é");
    }
}

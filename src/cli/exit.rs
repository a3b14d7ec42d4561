//! How the program ends: exit codes, and how an error is told.

use std::error::Error as StdError;
use std::fmt;
use std::process::ExitCode;

use serde_json::json;

use crate::core::codes::Code;

pub mod known;

/// How the program ended. This is the one list of exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Done,
    /// An error that has no other place here: most likely our own.
    Internal,
    /// The command line or a setting is wrong.
    Usage,
    /// The recipe is wrong.
    Recipe,
    /// The run came to its end, and some packages failed.
    SomeFailed,
    /// Mirror, disk, sbuild, chroot, network: the world did not play along.
    Infrastructure,
    /// Stopped because somebody asked for it.
    Interrupted,
}

impl Exit {
    /// The exit status of the process.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Internal => 1,
            Exit::Usage => 2,
            Exit::Recipe => 3,
            Exit::SomeFailed => 4,
            Exit::Infrastructure => 5,
            Exit::Interrupted => 130,
        }
    }

    /// The text form, as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Exit::Done => "done",
            Exit::Internal => "internal",
            Exit::Usage => "usage",
            Exit::Recipe => "recipe",
            Exit::SomeFailed => "some-failed",
            Exit::Infrastructure => "infrastructure",
            Exit::Interrupted => "interrupted",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// An error that knows its exit code; as an error of its own, or around another one.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What kind of error of a recipe it is, if it is one.
    pub code: Option<Code>,
    /// What was expected, what came, where.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// What caused it.
    pub cause: Option<anyhow::Error>,
}

impl Failure {
    /// An error with its exit code.
    pub fn new(exit: Exit, message: impl Into<String>) -> Failure {
        Failure { exit, code: None, message: message.into(), hint: None, cause: None }
    }

    /// The same as a kind of error of a recipe.
    pub fn code(self, code: Code) -> Failure {
        Failure { code: Some(code), ..self }
    }

    /// The same with advice.
    pub fn hint(self, hint: impl Into<String>) -> Failure {
        Failure { hint: Some(hint.into()), ..self }
    }

    /// The same with what caused it.
    pub fn because(self, cause: impl Into<anyhow::Error>) -> Failure {
        Failure { cause: Some(cause.into()), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_ref().map(|cause| cause.as_ref())
    }
}

/// The exit code of an error.
pub fn exit_of(error: &anyhow::Error) -> Exit {
    // A `Failure` that was put on as context is not part of the chain as anyhow walks it.
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.exit;
    }
    error.chain().find_map(known::exit_of_cause).unwrap_or(Exit::Internal)
}

/// The kind of error of a recipe that an error is, if it is one.
pub fn code_of(error: &anyhow::Error) -> Option<Code> {
    if let Some(failure) = error.downcast_ref::<Failure>()
        && failure.code.is_some()
    {
        return failure.code;
    }
    let code = error.chain().find_map(known::code_of_cause);
    // Whatever else makes a recipe wrong was refused by what it asked.
    code.or_else(|| (exit_of(error) == Exit::Recipe).then_some(Code::Refused))
}

/// An error taken apart for showing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What kind of error of a recipe it is, if it is one.
    pub code: Option<Code>,
    /// The error and its causes, the outermost first; causes that the line before already tells are left out.
    pub chain: Vec<String>,
    /// All advice, without `hint: `.
    pub hints: Vec<String>,
}

/// Takes an error apart: lines that begin with `hint: ` (and what follows them) are advice.
pub fn told(error: &anyhow::Error) -> Told {
    let mut told = Told { code: code_of(error), chain: Vec::new(), hints: Vec::new() };
    for cause in error.chain() {
        let text = cause.to_string();
        let mut parts = text.split("\nhint: ");
        let message = parts.next().unwrap_or_default().to_owned();
        if !message.is_empty() && !told.chain.iter().any(|before| before.contains(&message)) {
            told.chain.push(message);
        }
        for hint in parts {
            if !told.hints.iter().any(|before| before == hint) {
                told.hints.push(hint.to_owned());
            }
        }
    }
    told
}

/// The text of an error for people: the error, its causes, and the advice set apart.
pub fn error_text(told: &Told) -> String {
    let bold_red = anstyle::AnsiColor::Red.on_default().bold();
    let bold_cyan = anstyle::AnsiColor::Cyan.on_default().bold();
    let mut text = String::new();
    for (at, message) in told.chain.iter().enumerate() {
        match at {
            0 => {
                let code = told.code.map(|code| format!("[{code}]")).unwrap_or_default();
                text.push_str(&format!("{bold_red}error{code}:{bold_red:#} {message}\n"));
            }
            _ => text.push_str(&format!("  because: {message}\n")),
        }
    }
    for hint in &told.hints {
        text.push_str(&format!("{bold_cyan}hint:{bold_cyan:#} {hint}\n"));
    }
    if let Some(code) = told.code {
        text.push_str(&format!("`cloudbuild help {code}` says more\n"));
    }
    text
}

/// The document of an error.
pub fn error_document(told: &Told, exit: Exit) -> serde_json::Value {
    let hint = (!told.hints.is_empty()).then(|| told.hints.join("\n"));
    let help = told.code.map(Code::text);
    let message = told.chain.join(": ");
    json!({"error": {"code": exit.word(), "exit": exit.code(), "message": message, "hint": hint, "help": help}})
}

/// Tells an error on standard error, with `json` also as a document on standard output; answers its exit code.
pub fn report(error: &anyhow::Error, json: bool) -> Exit {
    use std::io::Write;
    let exit = exit_of(error);
    let mut told = told(error);
    if told.hints.is_empty() {
        told.hints.push(known::advice(error, exit).to_owned());
    }
    // When nobody reads any more, the exit code is all that is left to say.
    let _ = anstream::stderr().write_all(error_text(&told).as_bytes());
    if json {
        let _ = writeln!(std::io::stdout(), "{:#}", error_document(&told, exit));
    }
    exit
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;
    use crate::io::settings::ReadError;

    #[test]
    fn an_error_is_mapped_to_its_exit_code_wherever_it_is_in_the_chain() {
        let failure = || Failure::new(Exit::Recipe, "`packages`: expected a list");
        assert_eq!(exit_of(&anyhow!("what is this")), Exit::Internal);
        assert_eq!(exit_of(&failure().into()), Exit::Recipe);
        assert_eq!(exit_of(&anyhow::Error::from(failure()).context("reading the recipe")), Exit::Recipe);
        assert_eq!(exit_of(&anyhow!("mirror").context(failure())), Exit::Recipe);
        let settings = crate::core::settings::merge(&Default::default(), []).expect_err("no home");
        assert_eq!(exit_of(&settings.clone().into()), Exit::Usage);
        assert_eq!(exit_of(&ReadError::from(settings).into()), Exit::Usage);
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert_eq!(exit_of(&anyhow::Error::from(full).context("writing the log")), Exit::Infrastructure);
        // The outer word counts: who wrapped the error knew more about it.
        let wrapped = Failure::new(Exit::Infrastructure, "no builder is left").because(failure());
        assert_eq!(exit_of(&wrapped.into()), Exit::Infrastructure);
    }

    #[test]
    fn every_exit_has_its_own_code_and_word() {
        let all = [
            Exit::Done,
            Exit::Internal,
            Exit::Usage,
            Exit::Recipe,
            Exit::SomeFailed,
            Exit::Infrastructure,
            Exit::Interrupted,
        ];
        let codes: Vec<u8> = all.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 130]);
        let words: std::collections::BTreeSet<_> = all.iter().map(|exit| exit.word()).collect();
        assert_eq!(words.len(), all.len());
    }

    #[test]
    fn the_chain_is_told_once_and_the_advice_is_set_apart() {
        let cause = Failure::new(Exit::Infrastructure, "connection refused").hint("is the mirror up?");
        let error: Result<(), anyhow::Error> = Err(anyhow::Error::from(cause));
        let error = error.context("cannot fetch InRelease: connection refused").context("import suite `sid`");
        let error = error.expect_err("it is one");
        let told = told(&error);
        let text = anstream::adapter::strip_str(&error_text(&told)).to_string();
        let expected = "error: import suite `sid`\n  because: cannot fetch InRelease: connection refused\n\
                        hint: is the mirror up?\n";
        assert_eq!(text, expected);
        let document = error_document(&told, exit_of(&error));
        let expected = json!({"error": {
            "code": "infrastructure",
            "exit": 5,
            "message": "import suite `sid`: cannot fetch InRelease: connection refused",
            "hint": "is the mirror up?",
            "help": null,
        }});
        assert_eq!(document, expected);
    }
}

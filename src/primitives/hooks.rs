//! Hooks: the functions in a recipe's fields that decide while a run goes on.
//!
//! Who decides is behind [`Decide`]; `lua` implements it, `cli` hands it to those who ask.

pub mod remembered;
pub mod subjects;

use std::fmt;
use std::str::FromStr;

use serde_json::Value as Json;

use crate::core::hooks;
use crate::core::ids::IdError;

/// A function that a recipe may have, to decide something later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// Which flags a source is built with in a cell.
    ChooseFlags,
    /// How a source is built: native, cross or emulated.
    ChooseHow,
    /// What kind of failure it was, where the built-in rules are unsure.
    Classify,
    /// What to do about a failed job.
    OnFailure,
    /// What to do once a stage has ended.
    OnStageDone,
}

impl Hook {
    /// Every one, in the order in which a run comes to them.
    pub const ALL: [Hook; 5] = [Hook::ChooseFlags, Hook::ChooseHow, Hook::Classify, Hook::OnFailure, Hook::OnStageDone];

    /// The one text form: its name in a recipe.
    pub fn text(self) -> &'static str {
        match self {
            Hook::ChooseFlags => "choose_flags",
            Hook::ChooseHow => "choose_how",
            Hook::Classify => "classify",
            Hook::OnFailure => "on_failure",
            Hook::OnStageDone => "on_stage_done",
        }
    }

    /// Its parameters, in order: the fields of the object that is its subject.
    pub fn parameters(self) -> &'static [&'static str] {
        match self {
            Hook::ChooseFlags => &["source", "cell"],
            Hook::ChooseHow => &["source"],
            Hook::Classify => &["log", "job"],
            Hook::OnFailure => &["job", "failure"],
            Hook::OnStageDone => &["stage"],
        }
    }

    /// Checks that an answer is one that this hook may give.
    ///
    /// # Errors
    /// In words, what was expected.
    pub fn check(self, answer: &Json) -> Result<(), String> {
        match self {
            Hook::ChooseFlags => hooks::check_flags(answer),
            Hook::ChooseHow => hooks::check_how(answer),
            Hook::Classify => hooks::classified(answer).map(drop),
            Hook::OnFailure => hooks::on_failure(answer).map(drop),
            Hook::OnStageDone => hooks::on_stage_done(answer).map(drop),
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

impl FromStr for Hook {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        Hook::ALL
            .into_iter()
            .find(|hook| hook.text() == text)
            .ok_or_else(|| IdError { expected: "a hook such as `on_failure`", got: text.to_owned() })
    }
}

/// Answers for a recipe's hooks.
pub trait Decide: Send + Sync {
    /// Whether the recipe has that hook; who asks for one that it has not is answered `None`.
    fn has(&self, hook: Hook) -> bool;

    /// Asks a hook about a subject, an object with the hook's parameters as fields. `None`: it has no opinion.
    fn decide(&self, hook: Hook, subject: &Json) -> anyhow::Result<Option<Json>>;

    /// Asks about many subjects at once, which is faster than one after another; the answers are in the same order.
    fn decide_all(&self, hook: Hook, subjects: &[Json]) -> anyhow::Result<Vec<Option<Json>>> {
        subjects.iter().map(|subject| self.decide(hook, subject)).collect()
    }

    /// Where the hook is written, for people: `oem.lua:22`.
    fn place(&self, hook: Hook) -> Option<String> {
        let _ = hook;
        None
    }
}

/// For a recipe without hooks.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHooks;

impl Decide for NoHooks {
    fn has(&self, _: Hook) -> bool {
        false
    }

    fn decide(&self, _: Hook, _: &Json) -> anyhow::Result<Option<Json>> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hook_has_one_text_form() {
        for hook in Hook::ALL {
            assert_eq!(hook.text().parse::<Hook>().ok(), Some(hook));
        }
        assert!("on_failures".parse::<Hook>().is_err());
    }
}

//! What the hooks of a recipe may answer, as plain data.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// How a source is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// On a machine of its architecture.
    Native,
    /// With a compiler that makes code for another architecture.
    Cross,
    /// On a machine that emulates its architecture.
    Emulated,
}

impl How {
    /// Every one.
    pub const ALL: [How; 3] = [How::Native, How::Cross, How::Emulated];

    /// The one text form.
    pub fn text(self) -> &'static str {
        match self {
            How::Native => "native",
            How::Cross => "cross",
            How::Emulated => "emulated",
        }
    }
}

/// `cb.retry { ... }`: one more try, and how it differs from the last one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// On a larger machine, where there is one.
    #[serde(default)]
    pub larger: bool,
    /// With so many processes at once (`DEB_BUILD_OPTIONS=parallel=N`).
    #[serde(default)]
    pub parallel: Option<u32>,
    /// With nothing beside it on its machine.
    #[serde(default)]
    pub alone: bool,
    /// Another way of building it.
    #[serde(default)]
    pub how: Option<How>,
}

impl Retry {
    /// In words, for who follows the run: `alone, with parallel=1`.
    pub fn words(&self) -> String {
        let words = [
            self.alone.then(|| "alone".to_owned()),
            self.larger.then(|| "on a larger machine".to_owned()),
            self.parallel.map(|count| format!("with parallel={count}")),
            self.how.map(|how| how.text().to_owned()),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        if words.is_empty() { "as it was".to_owned() } else { words.join(", ") }
    }
}

/// What `on_failure` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OnFailure {
    /// Try once more.
    Retry(Retry),
    /// Leave it failed.
    GiveUp,
}

/// What `classify` answers: `{ class = "needs-native", note = "..." }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classified {
    /// The kind of failure, in a word.
    pub class: String,
    /// More about it, for a person.
    #[serde(default)]
    pub note: Option<String>,
}

/// What `on_stage_done` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum OnStageDone {
    /// `cb.pause "why"`: end the run here, to be gone on with by its next start.
    Pause {
        /// In words.
        why: String,
    },
}

/// `cb.skip "why"`, by `choose_flags` and `choose_how`: this source is not built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Skip {
    /// It is left out.
    Skip {
        /// In words.
        why: String,
    },
}

/// What an answer has in `kind`, where it is a value of `cb`.
fn kind(answer: &Json) -> Option<&str> {
    answer.get("kind")?.as_str()
}

/// The reason of an answer that is `cb.skip "why"`.
pub fn skipped(answer: &Json) -> Option<String> {
    if kind(answer) != Some("skip") {
        return None;
    }
    serde_json::from_value(answer.clone()).ok().map(|Skip::Skip { why }| why)
}

/// The answer of `choose_flags`: a table of flags, as a rule's `set` has it, or a reason to leave the source out.
///
/// # Errors
/// In words, what was expected.
pub fn check_flags(answer: &Json) -> Result<(), String> {
    let expected = || "a table of flags such as `{ cflags = { append = \"-O3\" } }`, or `cb.skip \"why\"`".to_owned();
    match (answer, kind(answer)) {
        (Json::Object(_), None | Some("skip")) => Ok(()),
        _ => Err(expected()),
    }
}

/// The answer of `choose_how`.
///
/// # Errors
/// In words, what was expected.
pub fn check_how(answer: &Json) -> Result<(), String> {
    let known = |word: &str| How::ALL.iter().any(|how| how.text() == word);
    match (answer.as_str(), kind(answer)) {
        (Some(word), _) if known(word) => Ok(()),
        (None, Some("skip")) => Ok(()),
        _ => Err("`native`, `cross`, `emulated`, or `cb.skip \"why\"`".to_owned()),
    }
}

/// The answer of `classify`.
///
/// # Errors
/// In words, what was expected.
pub fn classified(answer: &Json) -> Result<Classified, String> {
    let expected = || "a table such as `{ class = \"needs-native\", note = \"...\" }`".to_owned();
    let classified: Classified = serde_json::from_value(answer.clone()).map_err(|_| expected())?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let class = &classified.class;
    if !class.starts_with(|c: char| c.is_ascii_lowercase()) || !class.chars().all(plain) || class.len() > 60 {
        return Err(format!("{}, its class of lower-case letters, digits and `-`", expected()));
    }
    let noted = classified.note.as_deref().is_none_or(|note| note.len() <= 1000 && !note.contains('\u{1b}'));
    if noted { Ok(classified) } else { Err(format!("{}, its note of at most 1000 bytes", expected())) }
}

/// The answer of `on_failure`.
///
/// # Errors
/// In words, what was expected.
pub fn on_failure(answer: &Json) -> Result<OnFailure, String> {
    serde_json::from_value(answer.clone()).map_err(|_| "`cb.retry { ... }` or `cb.give_up()`".to_owned())
}

/// The answer of `on_stage_done`.
///
/// # Errors
/// In words, what was expected.
pub fn on_stage_done(answer: &Json) -> Result<OnStageDone, String> {
    serde_json::from_value(answer.clone()).map_err(|_| "`cb.pause \"why\"`".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_hook_takes_its_own_answers_and_no_others() {
        let (retry, skip) = (json!({"kind": "retry", "parallel": 1}), json!({"kind": "skip", "why": "no"}));
        assert_eq!(on_failure(&retry), Ok(OnFailure::Retry(Retry { parallel: Some(1), ..Retry::default() })));
        assert_eq!(on_failure(&json!({"kind": "give-up"})), Ok(OnFailure::GiveUp));
        assert!(on_failure(&json!({"kind": "retry", "fast": true})).is_err() && on_failure(&skip).is_err());
        assert!(check_flags(&skip).is_ok() && check_flags(&json!({"cflags": {"append": "-O3"}})).is_ok());
        assert!(check_flags(&retry).is_err() && check_flags(&json!(["-O3"])).is_err());
        assert!(check_how(&json!("cross")).is_ok() && check_how(&json!("fast")).is_err() && check_how(&skip).is_ok());
        assert!(classified(&json!({"class": "needs-native"})).is_ok());
        assert!(classified(&json!({"class": "Needs native"})).is_err() && classified(&json!({"note": "x"})).is_err());
        assert!(on_stage_done(&json!({"kind": "pause", "why": "w"})).is_ok() && on_stage_done(&retry).is_err());
        assert_eq!((skipped(&skip).as_deref(), skipped(&retry)), (Some("no"), None));
    }

    #[test]
    fn a_retry_is_told_in_words() {
        let retry = Retry { larger: true, parallel: Some(1), alone: true, how: Some(How::Emulated) };
        assert_eq!(retry.words(), "alone, on a larger machine, with parallel=1, emulated");
        assert_eq!(Retry::default().words(), "as it was");
    }
}

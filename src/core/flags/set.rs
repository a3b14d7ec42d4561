//! What a set of flags says of each variable.

use serde_json::Value as Json;

use super::{Change, FlagSet, Language, Words};
use crate::core::build::steers_the_host;

impl Change {
    /// All of `words` at the end.
    pub fn appending(words: Words) -> Change {
        Change { append: words, ..Change::default() }
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.replace.is_empty() && self.strip.is_empty() && self.append.is_empty() && self.prepend.is_empty()
    }

    /// The part of it that the assembler takes, on an architecture.
    fn for_assembler(&self, architecture: &str) -> Change {
        let takes = |word: &str| assembler_takes(word, architecture);
        let replace = self.replace.iter().filter(|(from, to)| takes(from) && to.iter().all(takes));
        Change {
            replace: replace.map(|(from, to)| (from.clone(), to.clone())).collect(),
            strip: self.strip.only(takes),
            append: self.append.only(takes),
            prepend: self.prepend.only(takes),
        }
    }
}

/// Whether a compiler's flag is one that the assembler takes, too. On x86 it takes every instruction without being told,
/// and stops at `-march=x86-64-v3`, which is gcc's own word; nowhere does it know how to tune or optimise.
fn assembler_takes(word: &str, architecture: &str) -> bool {
    const BEGINNINGS: [&str; 8] = ["-march=", "-mcpu=", "-mfpu=", "-mfloat-abi=", "-mabi=", "-mthumb", "-marm", "-Wa,"];
    !matches!(architecture, "amd64" | "i386" | "x32") && BEGINNINGS.iter().any(|beginning| word.starts_with(beginning))
}

impl FlagSet {
    /// These flags for all compilers.
    pub fn for_all(words: Words) -> FlagSet {
        FlagSet { cflags: Change::appending(words), ..FlagSet::default() }
    }

    /// Reads what a hook answered.
    ///
    /// # Errors
    /// In words: what is not as a table of flags in a recipe has to be.
    pub fn read(json: Json) -> Result<FlagSet, String> {
        let set: FlagSet = serde_json::from_value(json).map_err(|error| error.to_string())?;
        let wrong = |what: &str, word: &str| Err(format!("expected {what}, got `{}`", word.escape_debug()));
        if let Some(word) = set.options.iter().find(|word| !is_option(word)) {
            return wrong("a build option such as `nocheck`", word);
        }
        if let Some(word) = set.profiles.iter().find(|word| !is_profile(word)) {
            return wrong("a build profile such as `nocheck`", word);
        }
        let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let bad = |(name, value): &(&String, &String)| {
            !plain(name) || steers_the_host(name) || value.is_empty() || value.chars().any(char::is_control)
        };
        match set.environment.iter().find(bad) {
            Some((name, _)) => wrong("a variable of the build on one line", name),
            None => Ok(set),
        }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == FlagSet::default()
    }

    /// What changes, variable after variable as dpkg-buildflags names them; one that comes twice is changed twice.
    pub fn changes(&self, architecture: &str) -> Vec<(&'static str, Change)> {
        let mut changes = Vec::new();
        if !self.cflags.is_empty() {
            let languages = if self.languages.is_empty() { Language::ALL } else { &self.languages };
            for language in languages {
                let change = match language {
                    Language::Assembler => self.cflags.for_assembler(architecture),
                    Language::C
                    | Language::Cxx
                    | Language::ObjectiveC
                    | Language::ObjectiveCxx
                    | Language::Fortran
                    | Language::Java => self.cflags.clone(),
                };
                changes.extend(language.variables().iter().map(|variable| (*variable, change.clone())));
            }
        }
        for (variables, change) in [
            (&["CXXFLAGS"][..], &self.cxxflags),
            (&["OBJCFLAGS"], &self.objcflags),
            (&["OBJCXXFLAGS"], &self.objcxxflags),
            (&["FFLAGS", "FCFLAGS"], &self.fflags),
            (&["GCJFLAGS"], &self.gcjflags),
            (&["DFLAGS"], &self.dflags),
            (&["ASFLAGS"], &self.asflags),
            (&["CPPFLAGS"], &self.cppflags),
            (&["LDFLAGS"], &self.ldflags),
        ] {
            changes.extend(variables.iter().map(|variable| (*variable, change.clone())));
        }
        changes.retain(|(_, change)| !change.is_empty());
        changes
    }
}

/// Whether a word can be one of DEB_BUILD_OPTIONS, as dpkg reads them: a name, or `name=value`.
pub fn is_option(word: &str) -> bool {
    let (name, value) = word.split_once('=').unwrap_or((word, ""));
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(plain)
        && !value.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// Whether a word can name a build profile: lower-case letters, digits, dots, dashes and plus signs.
pub fn is_profile(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".+-".contains(c);
    word.starts_with(|c: char| c.is_ascii_lowercase()) && word.chars().all(plain)
}

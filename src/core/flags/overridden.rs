//! What a package's own debian/rules made of the flags that were asked for, read from the build's log.
//!
//! Two things in a log tell: what dpkg-buildflags says of itself, and what the compiler was called with. The compiler is
//! believed more. A flag that most of its calls have is not overridden, whatever dpkg-buildflags was told (make before 4.4
//! does not hand exported variables to `$(shell ...)`); one that none of them has is, whoever took it away.
//!
//! Before a build with flags of its own, `dpkg-buildflags --status` is run as a target of debian/rules, so what it says
//! has the variables in it that debian/rules exports (`DEB_CFLAGS_MAINT_STRIP` and the like). A package that prints the
//! same itself, deeper in its build, is believed more: the last word of a variable counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::compiled::Calls;
use super::effective::{Environment, flag_variable, is_feature};
use crate::core::order::text::counted;

/// How each line of the status begins.
const MARK: &[u8] = b"dpkg-buildflags: status: ";

/// No line of a status that is looked at is longer, in bytes.
const LONGEST_LINE: usize = 64 << 10;

/// The script that says what debian/rules makes of the flags: run in the source tree by dpkg-buildpackage before it
/// builds. A package whose rules cannot be asked is built all the same.
pub const PROBE: &str = "printf \"include debian/rules\\n.PHONY: cloudbuild-status\\n\
                         cloudbuild-status: ; @dpkg-buildflags --status\\n\" | \
                         timeout 60 make --no-print-directory --silent -f - cloudbuild-status 2>&1 || true";

/// A flag or feature that was asked for, and that the package has otherwise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overridden {
    /// The variable of dpkg-buildflags, or the area of features.
    pub variable: String,
    /// What was asked for: `-O3`, `without -O2`, `+lto`.
    pub asked: String,
    /// What the package does: `DEB_CFLAGS_MAINT_STRIP=-O3`.
    pub by: String,
}

impl std::fmt::Display for Overridden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({})", self.variable, self.asked, self.by)
    }
}

/// What a log says about the flags of one build, gathered line by line.
#[derive(Debug)]
pub struct Said<'e> {
    environment: &'e Environment,
    status: Status,
    calls: Calls<'e>,
}

impl<'e> Said<'e> {
    /// Nothing so far, about a build in this environment.
    pub fn of(environment: &'e Environment) -> Said<'e> {
        let appended = |variable: &str| environment.get(&format!("DEB_{variable}_APPEND")).map_or("", String::as_str);
        let calls = Calls::of(effective(appended("CFLAGS")), effective(appended("CXXFLAGS")));
        Said { environment, status: Status::default(), calls }
    }

    /// Takes a line of the log into account.
    pub fn take(&mut self, line: &[u8]) {
        self.status.take(line);
        self.calls.take(line);
    }

    /// What of the flags and features the package has otherwise; nothing where the log says nothing.
    pub fn overridden(&self) -> Vec<Overridden> {
        let mut found = self.status.overridden(self.environment);
        found.retain(|found| !self.calls.mostly(&found.variable, &found.asked));
        for (variable, word, calls) in self.calls.never() {
            if !found.iter().any(|found| found.variable == variable && found.asked == word) {
                let by = format!("none of {} has it", counted(calls as usize, "compiler call"));
                found.push(Overridden { variable: variable.to_owned(), asked: word.to_owned(), by });
            }
        }
        found.sort();
        found
    }
}

/// What dpkg-buildflags said in a log.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Status {
    /// Values of the variables, with whether the maintainer's own settings had a part in them.
    values: BTreeMap<String, (bool, String)>,
    /// `area` -> `feature=yes feature=no`.
    features: BTreeMap<String, String>,
    /// The package's own variables, `DEB_*_MAINT_*`.
    maintainers: BTreeMap<String, String>,
}

impl Status {
    fn take(&mut self, line: &[u8]) {
        let Some(said) = line.strip_prefix(MARK).filter(|said| said.len() <= LONGEST_LINE) else { return };
        let said = String::from_utf8_lossy(said);
        if let Some(variable) = said.strip_prefix("environment variable ") {
            if let Some((name, value)) = variable.split_once('=').filter(|(name, _)| name.contains("_MAINT_")) {
                self.maintainers.insert(name.to_owned(), value.to_owned());
            }
            return;
        }
        let Some((head, value)) = said.split_once(':') else { return };
        match head.split_once(' ') {
            Some((area, "features")) => {
                self.features.insert(area.to_owned(), value.trim().to_owned());
            }
            Some((variable, origin)) if origin.starts_with('[') => {
                let by_maintainer = origin.contains("maintainer");
                self.values.insert(variable.to_owned(), (by_maintainer, value.trim().to_owned()));
            }
            Some(_) | None => {}
        }
    }

    fn overridden(&self, environment: &Environment) -> Vec<Overridden> {
        let mut found = Vec::new();
        for (name, value) in environment {
            let Some((variable, operation)) = flag_variable(name) else { continue };
            let Some((true, now)) = self.values.get(variable) else { continue };
            let now: Vec<&str> = now.split_whitespace().collect();
            match operation {
                "STRIP" => {
                    let appended = words_of(environment, variable, "APPEND");
                    let back = value.split_whitespace().filter(|word| now.contains(word) && !appended.contains(word));
                    found.extend(back.map(|word| self.told(variable, &format!("without {word}"), word)));
                }
                "APPEND" | "PREPEND" | "SET" => {
                    let asked = effective(value);
                    let lost = asked.iter().filter_map(|word| against(word, &now).map(|winner| (word, winner)));
                    found.extend(lost.map(|(word, winner)| self.told(variable, word, winner)));
                }
                _ => {}
            }
        }
        let options = environment.get("DEB_BUILD_OPTIONS").map_or("", String::as_str);
        for (area, wanted) in options.split_whitespace().filter(|word| is_feature(word)).filter_map(pair) {
            found.extend(self.features_lost(area, wanted));
        }
        found.sort();
        found.dedup();
        found
    }

    /// The features of an area that are not as they were asked for.
    fn features_lost(&self, area: &str, wanted: &str) -> Vec<Overridden> {
        let Some(now) = self.features.get(area) else { return Vec::new() };
        let by = self.maintainers.get("DEB_BUILD_MAINT_OPTIONS");
        // Without a word of the package it is dpkg itself that knows better, on this architecture.
        let Some(by) = by.filter(|by| by.contains(area)) else { return Vec::new() };
        let mut last: BTreeMap<&str, &str> = BTreeMap::new();
        last.extend(wanted.split(',').filter(|word| word.starts_with(['+', '-'])).map(|word| (&word[1..], word)));
        let lost = last.into_iter().filter(|(feature, word)| {
            let is = if word.starts_with('+') { "no" } else { "yes" };
            now.split_whitespace().filter_map(pair).any(|(known, state)| known == *feature && state == is)
        });
        let by = format!("DEB_BUILD_MAINT_OPTIONS={by}");
        let told =
            lost.map(|(_, word)| Overridden { variable: area.to_owned(), asked: word.to_owned(), by: by.clone() });
        told.collect()
    }

    /// What the package says about a variable: the setting of its own that has `word` in it, or all of them.
    fn told(&self, variable: &str, asked: &str, word: &str) -> Overridden {
        let prefix = format!("DEB_{variable}_MAINT_");
        let own: Vec<(&String, &String)> =
            self.maintainers.iter().filter(|(name, _)| name.starts_with(&prefix)).collect();
        let naming = own.iter().filter(|(_, value)| value.split_whitespace().any(|known| known == word));
        let mut by: Vec<String> = naming.map(|(name, value)| format!("{name}={value}")).collect();
        if by.is_empty() {
            by = own.iter().map(|(name, value)| format!("{name}={value}")).collect();
        }
        let by = if by.is_empty() { "its debian/rules".to_owned() } else { by.join(", ") };
        Overridden { variable: variable.to_owned(), asked: asked.to_owned(), by }
    }
}

fn pair(word: &str) -> Option<(&str, &str)> {
    word.split_once('=')
}

fn words_of<'e>(environment: &'e Environment, variable: &str, operation: &str) -> Vec<&'e str> {
    let value = environment.get(&format!("DEB_{variable}_{operation}"));
    value.map(|value| value.split_whitespace().collect()).unwrap_or_default()
}

/// The words of a value that count: of those that contradict each other only the last.
pub(super) fn effective(value: &str) -> Vec<&str> {
    let words: Vec<&str> = value.split_whitespace().collect();
    let counts = |(at, word): &(usize, &&str)| !words[at + 1..].iter().any(|later| contradicts(word, later));
    words.iter().enumerate().filter(counts).map(|(_, word)| *word).collect()
}

/// Why a word has no effect in `now`: itself where it is not there, or the later word that contradicts it.
pub(super) fn against<'w>(word: &'w str, now: &[&'w str]) -> Option<&'w str> {
    let Some(at) = now.iter().rposition(|known| *known == word) else { return Some(word) };
    now[at + 1..].iter().find(|later| contradicts(word, later)).copied()
}

/// Whether a later word of the command line undoes an earlier one.
fn contradicts(earlier: &str, later: &str) -> bool {
    earlier != later && matches!((family(earlier), family(later)), (Some(one), Some(other)) if one == other)
}

/// What of all words of one family only the last one counts of: `-O`, `-march`, `-flto` for `-fno-lto`. `None`: each
/// such word stands for itself.
fn family(word: &str) -> Option<String> {
    if word.starts_with("-O") {
        return Some("-O".to_owned());
    }
    if word.strip_prefix("-g").is_some_and(|level| level.chars().all(|c| c.is_ascii_digit())) {
        return Some("-g".to_owned());
    }
    let kind = ["-f", "-m", "-W", "-std"].into_iter().find(|kind| word.starts_with(kind))?;
    let rest = &word[kind.len()..];
    let rest = rest.strip_prefix("no-").unwrap_or(rest);
    // `-Wl,...` and maps of paths add up, and so do sanitizers; a warning's `=` is part of its name.
    let name = if kind == "-W" { rest } else { rest.split_once('=').map_or(rest, |(name, _)| name) };
    (!rest.contains(',') && !name.ends_with("-map") && name != "sanitize").then(|| format!("{kind}{name}"))
}

#[cfg(test)]
mod tests;

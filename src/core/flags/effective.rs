//! Sets of flags, one after the other, as the environment of a build.

use std::collections::BTreeMap;

use super::{BuildFlags, Change, FlagSet};
use crate::core::rules::{Facts, Rule};

/// Variables of a build.
pub type Environment = BTreeMap<String, String>;

/// The variable with build options.
const OPTIONS: &str = "DEB_BUILD_OPTIONS";

/// The variable that switches build profiles on.
const PROFILES: &str = "DEB_BUILD_PROFILES";

/// Profiles that the build options of the same name must go with, and that do nothing without them in many packages.
const ALSO_OPTIONS: [&str; 2] = ["nocheck", "nodoc"];

/// A set of flags, and who asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<'f> {
    /// As a person reads it: `cell O3`, `rule 3 (oem.lua:22)`.
    pub by: String,
    /// What is asked for.
    pub set: &'f FlagSet,
}

/// The sets that hold for one source, in the order in which they are applied.
pub fn asked<'f>(flags: &'f BuildFlags, facts: &Facts<'_>, chosen: Option<&'f FlagSet>) -> Vec<Asked<'f>> {
    let mut asked = Vec::new();
    if let Some(variant) = &flags.variant {
        asked.push(Asked { by: format!("variant {}", variant.name), set: &variant.flags });
    }
    asked.push(Asked { by: "flags".to_owned(), set: &flags.set });
    if let Some(cell) = &flags.cell {
        asked.push(Asked { by: format!("cell {}", cell.name), set: &cell.flags });
    }
    let rules = (1..).zip(&flags.rules).filter(|(_, rule)| rule.when.holds(facts));
    asked.extend(rules.map(|(number, rule)| Asked { by: Rule::shown(number, rule.at.as_deref()), set: &rule.set }));
    if let Some(chosen) = chosen {
        asked.push(Asked { by: "choose_flags".to_owned(), set: chosen });
    }
    asked.retain(|asked| !asked.set.is_empty());
    asked
}

/// The variables of one job: those of its stage, changed by each set in turn, and with the build profiles that the order
/// gave the job.
pub fn environment<'f>(
    of_stage: &Environment,
    sets: impl IntoIterator<Item = &'f FlagSet>,
    profiles: &[String],
    architecture: &str,
) -> Environment {
    let mut environment = of_stage.clone();
    for set in sets {
        environment.extend(set.environment.iter().map(|(name, value)| (name.clone(), value.clone())));
        for (variable, change) in set.changes(architecture) {
            Effect::of(&environment, variable).then(&change).put(&mut environment, variable);
        }
        set.options.iter().for_each(|option| add_option(&mut environment, option));
        set.profiles.iter().for_each(|profile| add_profile(&mut environment, profile));
    }
    profiles.iter().for_each(|profile| add_profile(&mut environment, profile));
    environment
}

/// Asks for so many processes at once, whatever was asked for before.
pub fn set_parallel(environment: &mut Environment, count: u32) {
    let options = environment.entry("DEB_BUILD_OPTIONS".to_owned()).or_default();
    let others = options.split_whitespace().filter(|word| !word.starts_with("parallel="));
    *options = others.chain([format!("parallel={count}").as_str()]).collect::<Vec<_>>().join(" ");
}

/// The build profiles that an environment switches on.
pub fn profiles(environment: &Environment) -> Vec<&str> {
    environment.get(PROFILES).map(|text| text.split_whitespace().collect()).unwrap_or_default()
}

/// Whether an environment asks for other flags than dpkg's own.
pub fn asks_for_flags(environment: &Environment) -> bool {
    let features = environment.get(OPTIONS).is_some_and(|options| options.split_whitespace().any(is_feature));
    features || environment.keys().any(|name| flag_variable(name).is_some())
}

/// The variable of dpkg-buildflags and the operation of a name such as `DEB_CFLAGS_APPEND`.
pub fn flag_variable(name: &str) -> Option<(&str, &str)> {
    let (variable, operation) = name.strip_prefix("DEB_")?.rsplit_once('_')?;
    let known = variable.ends_with("FLAGS") && matches!(operation, "SET" | "STRIP" | "APPEND" | "PREPEND");
    known.then_some((variable, operation))
}

/// Whether a word of DEB_BUILD_OPTIONS switches features of an area: `hardening=+pie,-fortify`.
pub fn is_feature(option: &str) -> bool {
    option.split_once('=').is_some_and(|(_, value)| value.starts_with(['+', '-']))
}

/// What becomes of dpkg's own value of a variable: words are taken away, then others are put around the rest.
#[derive(Debug, Default, Clone)]
struct Effect {
    strip: Vec<String>,
    append: Vec<String>,
    prepend: Vec<String>,
}

impl Effect {
    /// What the environment says already.
    fn of(environment: &Environment, variable: &str) -> Effect {
        let words = |operation: &str| {
            let value = environment.get(&format!("DEB_{variable}_{operation}"));
            value.map(|text| text.split_whitespace().map(str::to_owned).collect()).unwrap_or_default()
        };
        Effect { strip: words("STRIP"), append: words("APPEND"), prepend: words("PREPEND") }
    }

    /// The same after a further change.
    fn then(mut self, change: &Change) -> Effect {
        for word in change.strip.iter().chain(change.replace.keys().map(String::as_str)) {
            self.append.retain(|known| known != word);
            self.prepend.retain(|known| known != word);
            if !self.strip.iter().any(|known| known == word) {
                self.strip.push(word.to_owned());
            }
        }
        let instead = change.replace.values().flat_map(|words| words.iter());
        self.append.extend(instead.chain(change.append.iter()).map(str::to_owned));
        self.prepend.splice(0..0, change.prepend.iter().map(str::to_owned));
        self
    }

    fn put(self, environment: &mut Environment, variable: &str) {
        for (operation, words) in [("STRIP", self.strip), ("APPEND", self.append), ("PREPEND", self.prepend)] {
            let name = format!("DEB_{variable}_{operation}");
            match words.is_empty() {
                true => environment.remove(&name),
                false => environment.insert(name, words.join(" ")),
            };
        }
    }
}

/// Adds a word to DEB_BUILD_OPTIONS: dpkg takes the last value of an option, so an earlier one is taken out; features
/// of one area are joined.
fn add_option(environment: &mut Environment, option: &str) {
    let text = environment.entry(OPTIONS.to_owned()).or_default();
    let name = |word: &str| word.split_once('=').map_or(word, |(name, _)| name).to_owned();
    let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let place = words.iter().position(|word| name(word) == name(option));
    match place {
        Some(at) if words[at] == option => {}
        Some(at) if is_feature(option) && is_feature(&words[at]) => {
            let more = option.split_once('=').map_or("", |(_, value)| value);
            words[at] = format!("{},{more}", words[at]);
        }
        Some(at) => words[at] = option.to_owned(),
        None => words.push(option.to_owned()),
    }
    *text = words.join(" ");
}

fn add_profile(environment: &mut Environment, profile: &str) {
    let text = environment.entry(PROFILES.to_owned()).or_default();
    if !text.split_whitespace().any(|known| known == profile) {
        *text = format!("{text} {profile}").trim_start().to_owned();
    }
    if ALSO_OPTIONS.contains(&profile) {
        add_option(environment, profile);
    }
}

#[cfg(test)]
mod tests;

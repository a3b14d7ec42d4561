//! What the jobs of a build would be built with, grouped for a person to look over before it is done.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::effective::{Environment, flag_variable};
use crate::core::order::text::counted;

/// So many packages of a group are named.
const NAMED: usize = 5;

/// So many packages that are left out are shown to people.
const SHOWN: usize = 20;

/// The environments of a build's jobs, and what is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFlags {
    /// Jobs that are built alike, the largest group first.
    pub groups: Vec<FlagGroup>,
    /// Jobs that the recipe leaves out.
    pub skipped: Vec<Skipped>,
    /// Rules that hold for none of the jobs.
    pub unused_rules: Vec<String>,
}

/// Jobs that are built in the same environment, for the same reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagGroup {
    /// The variables.
    pub environment: Environment,
    /// Who asked for flags, in the order in which they are applied.
    pub asked_by: Vec<String>,
    /// How many jobs.
    pub jobs: u64,
    /// The first of their source packages.
    pub first: Vec<String>,
}

/// A job that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skipped {
    /// Source package name.
    pub source: String,
    /// A Debian architecture, or `all`.
    pub arch: String,
    /// Who leaves it out, and why.
    pub reason: String,
}

impl PlannedFlags {
    /// Puts a job to those that are built alike.
    pub fn add(&mut self, source: &str, environment: Environment, asked_by: Vec<String>) {
        let alike = |group: &FlagGroup| group.environment == environment && group.asked_by == asked_by;
        let at = self.groups.iter().position(alike).unwrap_or_else(|| {
            self.groups.push(FlagGroup { environment, asked_by, jobs: 0, first: Vec::new() });
            self.groups.len() - 1
        });
        let group = &mut self.groups[at];
        group.jobs += 1;
        if group.first.len() < NAMED && !group.first.iter().any(|known| known == source) {
            group.first.push(source.to_owned());
        }
    }
}

/// What a group's environment says, a line each: flags by what happens to them, other variables as they are.
fn lines(environment: &Environment) -> Vec<String> {
    let mut flags: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut lines = Vec::new();
    for (name, value) in environment {
        match flag_variable(name) {
            Some((variable, operation)) => {
                flags.entry(variable).or_default().push(format!("{} {value}", operation.to_ascii_lowercase()));
            }
            None => lines.push(format!("{name}={value}")),
        }
    }
    let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (variable, mut changes) in flags {
        // What is taken away comes before what is put there, as it happens.
        changes.sort_by_key(|change| !change.starts_with("strip "));
        alike.entry(changes.join(", ")).or_default().push(variable);
    }
    lines.extend(alike.into_iter().map(|(changes, variables)| format!("{}: {changes}", variables.join(" "))));
    lines
}

impl fmt::Display for PlannedFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: Vec<&FlagGroup> = self.groups.iter().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.jobs));
        for group in groups {
            let lines = lines(&group.environment);
            if lines.is_empty() {
                continue;
            }
            let by =
                if group.asked_by.is_empty() { String::new() } else { format!(" by {}", group.asked_by.join(", ")) };
            let (count, first) = (counted(group.jobs as usize, "job"), group.first.join(", "));
            let more = if group.first.len() == NAMED { ", ..." } else { "" };
            writeln!(f, "         flags{by} for {count}: {first}{more}")?;
            lines.iter().try_for_each(|line| writeln!(f, "           {line}"))?;
        }
        for Skipped { source, arch, reason } in self.skipped.iter().take(SHOWN) {
            writeln!(f, "         not built: {source} ({arch}): {reason}")?;
        }
        if let Some(more) = self.skipped.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            writeln!(f, "         not built: {more} more; --json lists them")?;
        }
        self.unused_rules
            .iter()
            .try_for_each(|rule| writeln!(f, "         warning: {rule} holds for none of these jobs"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn jobs_that_are_built_alike_are_told_together() {
        let o3 = environment(&[
            ("DEB_CFLAGS_APPEND", "-O3"),
            ("DEB_CFLAGS_STRIP", "-O2"),
            ("DEB_CXXFLAGS_APPEND", "-O3"),
            ("DEB_CXXFLAGS_STRIP", "-O2"),
            ("DEB_BUILD_OPTIONS", "optimize=+lto"),
        ]);
        let nocheck = environment(&[("DEB_BUILD_OPTIONS", "nocheck")]);
        let mut planned =
            PlannedFlags { unused_rules: vec!["rule 2 (oem.lua:7)".to_owned()], ..PlannedFlags::default() };
        planned.add("x264", nocheck, vec!["rule 1 (oem.lua:6)".to_owned()]);
        for source in ["zlib", "zlib", "curl", "a", "b", "c", "d"] {
            planned.add(source, o3.clone(), vec!["cell O3".to_owned()]);
        }
        let reason = "choose_flags left it out: no LTO".to_owned();
        planned.skipped.push(Skipped { source: "glibc".to_owned(), arch: "amd64".to_owned(), reason });
        let expected = "         flags by cell O3 for 7 jobs: zlib, curl, a, b, c, ...
           DEB_BUILD_OPTIONS=optimize=+lto
           CFLAGS CXXFLAGS: strip -O2, append -O3
         flags by rule 1 (oem.lua:6) for 1 job: x264
           DEB_BUILD_OPTIONS=nocheck
         not built: glibc (amd64): choose_flags left it out: no LTO
         warning: rule 2 (oem.lua:7) holds for none of these jobs
";
        assert_eq!(planned.to_string(), expected);
    }

    #[test]
    fn builds_as_the_distribution_makes_them_need_no_words() {
        let mut planned = PlannedFlags::default();
        planned.add("zlib", Environment::new(), Vec::new());
        assert_eq!(planned.to_string(), "");
    }
}

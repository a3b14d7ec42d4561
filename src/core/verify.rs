//! What is verified of built files: that they are what was asked for, read from the files themselves and not from a log.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::core::ids::IdError;

/// `verify = { flags = true, isa = { arch = "armv7-a", fpu = "neon" }, installable = true, run_under = "arm1176" }`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Verify {
    /// The compilers had the flags that were asked for.
    pub flags: bool,
    /// Files stay within an instruction set.
    pub isa: Option<Level>,
    /// Every package can be installed over the view that it was built against, with all that was built.
    pub installable: bool,
    /// Programs and libraries start on this processor, as qemu names it.
    pub run_under: Option<String>,
}

/// An instruction set, by the names that `core::isa` knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// `armv6`.
    pub arch: String,
    /// `vfp`.
    pub fpu: String,
}

impl Verify {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Verify::default()
    }
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// See [`Verify::flags`].
    Flags,
    /// See [`Verify::isa`].
    Isa,
    /// See [`Verify::installable`].
    Installable,
    /// See [`Verify::run_under`].
    RunUnder,
}

impl Check {
    /// Every one.
    pub const ALL: [Check; 4] = [Check::Flags, Check::Isa, Check::Installable, Check::RunUnder];

    /// The one text form, as recipes have it.
    pub fn text(self) -> &'static str {
        match self {
            Check::Flags => "flags",
            Check::Isa => "isa",
            Check::Installable => "installable",
            Check::RunUnder => "run_under",
        }
    }

    /// Whether what fails it would break machines that it is published for.
    pub fn holds_back(self) -> bool {
        match self {
            Check::Isa | Check::RunUnder => true,
            Check::Flags | Check::Installable => false,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

impl FromStr for Check {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let found = Check::ALL.into_iter().find(|check| check.text() == text);
        found.ok_or_else(|| IdError { expected: "a verification such as `isa`", got: text.to_owned() })
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

impl<'de> Deserialize<'de> for Check {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// What came of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is so.
    Held,
    /// It is not.
    Failed,
    /// It cannot be read from these files.
    Unknown,
}

/// What was verified of one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verified {
    /// What.
    pub check: Check,
    /// What came of it.
    pub outcome: Outcome,
    /// In words: which files, and what is wrong with them, or why nobody knows.
    pub what: String,
}

impl Verified {
    /// One.
    pub fn new(check: Check, outcome: Outcome, what: impl Into<String>) -> Verified {
        Verified { check, outcome, what: what.into() }
    }

    /// Of faults, each in words: none is good, and of many the first few are told.
    pub fn of_faults(check: Check, faults: &[String], good: impl Into<String>) -> Verified {
        const TOLD: usize = 5;
        if faults.is_empty() {
            return Verified::new(check, Outcome::Held, good);
        }
        let mut what = faults[..faults.len().min(TOLD)].join("; ");
        if faults.len() > TOLD {
            what.push_str(&format!("; and {} more", faults.len() - TOLD));
        }
        Verified::new(check, Outcome::Failed, what)
    }

    /// Whether the packages must not be published.
    pub fn holds_back(&self) -> bool {
        self.outcome == Outcome::Failed && self.check.holds_back()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_machines_is_held_back_and_what_cannot_be_read_is_not() {
        for check in Check::ALL {
            assert_eq!(check.text().parse::<Check>().unwrap(), check);
            assert_eq!(serde_json::to_string(&check).unwrap(), format!("\"{check}\""));
        }
        let held = |check, outcome| Verified::new(check, outcome, "").holds_back();
        assert!(held(Check::Isa, Outcome::Failed) && held(Check::RunUnder, Outcome::Failed));
        assert!(!held(Check::Isa, Outcome::Unknown) && !held(Check::Flags, Outcome::Failed));
    }

    #[test]
    fn of_many_faults_the_first_few_are_told() {
        let faults: Vec<String> = (1..=7).map(|number| format!("f{number}")).collect();
        assert_eq!(Verified::of_faults(Check::Isa, &faults, "").what, "f1; f2; f3; f4; f5; and 2 more");
        assert_eq!(Verified::of_faults(Check::Isa, &[], "3 files").outcome, Outcome::Held);
    }
}

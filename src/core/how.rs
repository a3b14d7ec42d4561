//! How a job is built: by the processor of its own architecture, across from another one, or emulated.
//!
//! A recipe lists what may be tried; each job goes down that list, from its beginning or from where a hook said, until
//! its build-dependencies can be installed.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::core::flags::effective::{Environment, add_profile};
use crate::core::ids::IdError;
use crate::core::order::ALL;

/// How much longer a build takes under an emulator, where nobody says.
pub const EMULATED_FACTOR: u32 = 10;

/// The one word for how a job is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum HowWord {
    /// In a chroot of the job's architecture, on a machine that runs its programs itself.
    #[default]
    Native,
    /// In a chroot of another architecture, with a compiler for the job's.
    Cross,
    /// In a chroot of the job's architecture, whose programs an emulator runs.
    Emulated,
}

impl HowWord {
    /// Every one, the one to be preferred first.
    pub const ALL: [HowWord; 3] = [HowWord::Native, HowWord::Cross, HowWord::Emulated];

    /// The one text form.
    pub fn text(self) -> &'static str {
        match self {
            HowWord::Native => "native",
            HowWord::Cross => "cross",
            HowWord::Emulated => "emulated",
        }
    }
}

impl fmt::Display for HowWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

impl FromStr for HowWord {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        HowWord::ALL
            .into_iter()
            .find(|word| word.text() == text)
            .ok_or_else(|| IdError { expected: "`native`, `cross` or `emulated`", got: text.to_owned() })
    }
}

impl Serialize for HowWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

impl<'de> Deserialize<'de> for HowWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// How a job may be built, with what that takes: the values of `cb.native`, `cb.cross` and `cb.emulated`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case", deny_unknown_fields)]
pub enum How {
    /// See [`HowWord::Native`].
    Native,
    /// See [`HowWord::Cross`].
    Cross {
        /// The Debian architecture that the build runs on.
        build: String,
        /// Build profiles of every cross build.
        profiles: Vec<String>,
    },
    /// See [`HowWord::Emulated`].
    Emulated {
        /// The processor that the emulator is, by qemu's name of it; its own choice where none is said.
        cpu: Option<String>,
        /// How many times longer a build takes.
        time_factor: u32,
    },
}

impl How {
    /// What is tried where a recipe does not say.
    pub fn usual() -> Vec<How> {
        vec![How::Native, How::Emulated { cpu: None, time_factor: EMULATED_FACTOR }]
    }

    /// Its word.
    pub fn word(&self) -> HowWord {
        match self {
            How::Native => HowWord::Native,
            How::Cross { .. } => HowWord::Cross,
            How::Emulated { .. } => HowWord::Emulated,
        }
    }

    /// How many times longer a build takes than one by the processor itself.
    pub fn time_factor(&self) -> u32 {
        match self {
            How::Native | How::Cross { .. } => 1,
            How::Emulated { time_factor, .. } => *time_factor,
        }
    }

    /// Build profiles that it brings.
    pub fn profiles(&self) -> &[String] {
        match self {
            How::Cross { profiles, .. } => profiles,
            How::Native | How::Emulated { .. } => &[],
        }
    }

    /// The environment of a build with what only this way of building brings: its profiles, and the emulator's processor.
    pub fn environment(&self, of_job: &Environment) -> Environment {
        let mut environment = of_job.clone();
        self.profiles().iter().for_each(|profile| add_profile(&mut environment, profile));
        if let How::Emulated { cpu: Some(cpu), .. } = self {
            environment.insert("QEMU_CPU".to_owned(), cpu.clone());
        }
        environment
    }

    /// The architecture of the chroot for a job of `host`.
    pub fn chroot<'h>(&'h self, host: &'h str) -> &'h str {
        match self {
            How::Cross { build, .. } => build,
            How::Native | How::Emulated { .. } => host,
        }
    }

    /// Why no builder builds for `host` in this way, if none does.
    pub fn lack(&self, host: &str, builders: &Abilities) -> Option<String> {
        let chroot = self.chroot(host);
        let able = match self {
            How::Native | How::Cross { .. } => &builders.itself,
            How::Emulated { .. } => &builders.emulated,
        };
        let can = able.iter().any(|arch| arch == chroot);
        let lacking = match self {
            How::Native | How::Cross { .. } => "no processor here runs programs of",
            How::Emulated { .. } => "no emulator here runs programs of",
        };
        (!can).then(|| format!("{}: {lacking} {chroot}", self.word()))
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            How::Native => write!(f, "native"),
            How::Cross { build, .. } => write!(f, "cross on {build}"),
            How::Emulated { cpu: Some(cpu), .. } => write!(f, "emulated as {cpu}"),
            How::Emulated { cpu: None, .. } => write!(f, "emulated"),
        }
    }
}

/// Whose programs builders run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Debian architectures whose programs the processor runs, the machine's own first.
    pub itself: Vec<String>,
    /// Those that an emulator runs.
    pub emulated: Vec<String>,
}

/// One try at a job.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Try {
    /// Which of the list it is; none for a half that is built once for all architectures.
    pub listed: Option<usize>,
    /// The architecture of the chroot.
    pub chroot: String,
    /// The architecture that is built for.
    pub host: String,
}

/// What is tried for a job, in turn. `host` is the architecture of the stage, `build` the other one whose packages are
/// there; `first` is where to begin in the list, and what stands before that is never tried.
///
/// The architecture-independent half runs on the build architecture where there is one: it is the same everywhere, and
/// faster there.
///
/// # Errors
/// `first` is not in the list.
pub fn tries(
    arch: &str,
    (host, build): (&str, Option<&str>),
    list: &[How],
    first: Option<HowWord>,
) -> Result<Vec<Try>, String> {
    let begin = match first.filter(|_| arch != ALL) {
        None => 0,
        Some(word) => list.iter().position(|how| how.word() == word).ok_or_else(|| {
            let words: Vec<String> = list.iter().map(|how| format!("`{}`", how.word())).collect();
            format!("expected {}, which `how` lists, got `{word}`", words.join(" or "))
        })?,
    };
    let independent = build.filter(|_| arch == ALL && first.is_none_or(|word| word == HowWord::Native));
    let independent = independent.map(|build| Try { listed: None, chroot: build.to_owned(), host: build.to_owned() });
    let listed = list.iter().enumerate().skip(begin);
    // What is the same for all architectures needs no compiler for one of them.
    let listed = listed.filter(|(_, how)| arch != ALL || how.word() != HowWord::Cross);
    let listed = listed.map(|(number, how)| Try {
        listed: Some(number),
        chroot: how.chroot(host).to_owned(),
        host: host.to_owned(),
    });
    Ok(independent.into_iter().chain(listed).collect())
}

/// The factor on the estimate of a job that begins in the list at `first`.
pub fn time_factor(list: &[How], first: Option<HowWord>) -> u32 {
    let begins = |how: &&How| first.is_none_or(|word| how.word() == word);
    list.iter().find(begins).map_or(1, How::time_factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Vec<How> {
        vec![
            How::Cross { build: "amd64".into(), profiles: vec!["cross".into(), "nocheck".into()] },
            How::Emulated { cpu: Some("arm1176".into()), time_factor: 12 },
        ]
    }

    fn check(arch: &str, build: Option<&str>, first: Option<HowWord>) -> Result<Vec<String>, String> {
        let tries = tries(arch, ("armhf", build), &list(), first)?;
        let text = |one: &Try| {
            let how = one.listed.map_or("native".to_owned(), |number| list()[number].to_string());
            format!("{how} in {} for {}", one.chroot, one.host)
        };
        Ok(tries.iter().map(text).collect())
    }

    #[test]
    fn a_job_goes_down_the_list_from_where_it_begins() {
        let [cross, emulated] = ["cross on amd64 in amd64 for armhf", "emulated as arm1176 in armhf for armhf"];
        assert_eq!(check("armhf", Some("amd64"), None).unwrap(), [cross, emulated]);
        assert_eq!(check("armhf", Some("amd64"), Some(HowWord::Emulated)).unwrap(), [emulated]);
        assert_eq!(
            check("armhf", None, Some(HowWord::Native)).unwrap_err(),
            "expected `cross` or `emulated`, which `how` lists, got `native`"
        );
    }

    #[test]
    fn the_independent_half_runs_where_the_build_does_and_is_never_cross() {
        let [native, emulated] = ["native in amd64 for amd64", "emulated as arm1176 in armhf for armhf"];
        assert_eq!(check("all", Some("amd64"), None).unwrap(), [native, emulated]);
        assert_eq!(check("all", None, None).unwrap(), [emulated]);
        assert_eq!(check("all", Some("amd64"), Some(HowWord::Emulated)).unwrap(), [emulated]);
    }

    #[test]
    fn what_no_builder_can_do_is_said() {
        let builders = Abilities { itself: vec!["amd64".into(), "i386".into()], emulated: vec!["armhf".into()] };
        assert_eq!(How::Native.lack("i386", &builders), None);
        assert_eq!(How::Native.lack("armhf", &builders).unwrap(), "native: no processor here runs programs of armhf");
        assert_eq!(list()[0].lack("armhf", &builders), None);
        assert_eq!(list()[1].lack("arm64", &builders).unwrap(), "emulated: no emulator here runs programs of arm64");
    }

    #[test]
    fn an_emulated_build_is_expected_to_take_its_factor_longer() {
        assert_eq!(time_factor(&list(), None), 1);
        assert_eq!(time_factor(&list(), Some(HowWord::Emulated)), 12);
        assert_eq!(time_factor(&How::usual(), None), 1);
    }

    #[test]
    fn every_way_has_one_text_form_and_the_processor_is_a_variable_of_the_build() {
        for word in HowWord::ALL {
            assert_eq!(word.text().parse::<HowWord>().unwrap(), word);
            assert_eq!(serde_json::to_string(&word).unwrap(), format!("\"{}\"", word.text()));
        }
        let environment = |how: &How| {
            let environment = how.environment(&Environment::new());
            environment.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(environment(&list()[0]), ["DEB_BUILD_OPTIONS=nocheck", "DEB_BUILD_PROFILES=cross nocheck"]);
        assert_eq!(environment(&list()[1]), ["QEMU_CPU=arm1176"]);
    }
}

//! Builders that are launched when there is work: what they are, what becomes of them, what they cost.
//!
//! **Invariant:** [`step`] is the only place that knows which moves of a builder are legal; nothing here speaks to a cloud.

pub mod bootstrap;
pub mod money;
pub mod place;
pub mod size;
pub mod trouble;

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::core::ids::IdError;

/// What a builder of a cloud is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BuilderState {
    /// It was decided that it shall be; whether the cloud was asked already is not known.
    Intended,
    /// The cloud says that there is an instance.
    Launched,
    /// Its daemon asked for work.
    Joined,
    /// It shall end; the cloud was asked, or will be.
    Ending,
    /// There is no instance any more, or there never was one.
    Gone,
}

impl BuilderState {
    /// Every one, in the order of a life.
    pub const ALL: [BuilderState; 5] = [
        BuilderState::Intended,
        BuilderState::Launched,
        BuilderState::Joined,
        BuilderState::Ending,
        BuilderState::Gone,
    ];

    /// The one text form.
    pub fn text(self) -> &'static str {
        match self {
            BuilderState::Intended => "intended",
            BuilderState::Launched => "launched",
            BuilderState::Joined => "joined",
            BuilderState::Ending => "ending",
            BuilderState::Gone => "gone",
        }
    }

    /// Whether it builds, or will.
    pub fn is_wanted(self) -> bool {
        match self {
            BuilderState::Intended | BuilderState::Launched | BuilderState::Joined => true,
            BuilderState::Ending | BuilderState::Gone => false,
        }
    }
}

impl fmt::Display for BuilderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

impl FromStr for BuilderState {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        BuilderState::ALL
            .into_iter()
            .find(|state| state.text() == text)
            .ok_or_else(|| IdError { expected: "the state of a builder, such as `joined`", got: text.to_owned() })
    }
}

impl Serialize for BuilderState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

impl<'de> Deserialize<'de> for BuilderState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// What happens to a builder; each is a row of its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum BuilderEvent {
    /// The cloud launched an instance for it.
    Launched {
        /// The cloud's name of it.
        instance: String,
    },
    /// The cloud did not, and never will for this intent.
    Refused {
        /// Why.
        why: String,
    },
    /// Its daemon asked for work.
    Joined,
    /// It shall end.
    Ends {
        /// Why.
        why: String,
    },
    /// The instance is not there any more.
    Gone {
        /// Why, in the cloud's words where it said so.
        why: String,
    },
}

/// A move that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a builder that is `{from}` cannot take `{event:?}`")]
pub struct IllegalMove {
    /// What it was at.
    pub from: BuilderState,
    /// What came.
    pub event: BuilderEvent,
}

/// What a builder is at after an event. Hearing the same again changes nothing, since every act may be repeated.
pub fn step(state: BuilderState, event: &BuilderEvent) -> Result<BuilderState, IllegalMove> {
    use BuilderState::{Ending, Gone, Intended, Joined, Launched};
    match (state, event) {
        (Intended | Launched, BuilderEvent::Launched { .. }) => Ok(Launched),
        // Found again after it was to end: an instance that a lost reply hid.
        (Ending, BuilderEvent::Launched { .. } | BuilderEvent::Joined | BuilderEvent::Ends { .. }) => Ok(Ending),
        (Intended, BuilderEvent::Refused { .. }) => Ok(Gone),
        // The daemon may be faster than the reply to the call that launched it.
        (Intended | Launched | Joined, BuilderEvent::Joined) => Ok(Joined),
        (Joined, BuilderEvent::Launched { .. }) => Ok(Joined),
        (Intended | Launched | Joined, BuilderEvent::Ends { .. }) => Ok(Ending),
        (Intended | Launched | Joined | Ending | Gone, BuilderEvent::Gone { .. }) => Ok(Gone),
        (Ending, BuilderEvent::Refused { .. }) => Ok(Gone),
        (Launched | Joined, BuilderEvent::Refused { .. })
        | (
            Gone,
            BuilderEvent::Launched { .. }
            | BuilderEvent::Refused { .. }
            | BuilderEvent::Joined
            | BuilderEvent::Ends { .. },
        ) => Err(IllegalMove { from: state, event: event.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events() -> [BuilderEvent; 5] {
        let why = String::from("so");
        [
            BuilderEvent::Launched { instance: "i-1".into() },
            BuilderEvent::Refused { why: why.clone() },
            BuilderEvent::Joined,
            BuilderEvent::Ends { why: why.clone() },
            BuilderEvent::Gone { why },
        ]
    }

    #[test]
    fn what_is_gone_stays_gone_and_what_ends_never_builds_again() {
        for event in events() {
            let after = step(BuilderState::Gone, &event);
            assert!(matches!(after, Err(_) | Ok(BuilderState::Gone)), "{event:?}: {after:?}");
            let after = step(BuilderState::Ending, &event).unwrap();
            assert!(!after.is_wanted(), "{event:?}: {after}");
        }
    }

    #[test]
    fn a_daemon_may_join_before_the_reply_that_launched_it() {
        let [launched, _, joined, ..] = events();
        let state = step(BuilderState::Intended, &joined).unwrap();
        assert_eq!(step(state, &launched).unwrap(), BuilderState::Joined);
    }

    #[test]
    fn an_instance_is_never_forgotten_by_a_refusal_that_comes_late() {
        let [_, refused, ..] = events();
        assert!(step(BuilderState::Launched, &refused).is_err());
        assert!(step(BuilderState::Joined, &refused).is_err());
    }

    #[test]
    fn every_state_has_one_text_form() {
        for state in BuilderState::ALL {
            assert_eq!(state.text().parse::<BuilderState>().unwrap(), state);
        }
    }
}

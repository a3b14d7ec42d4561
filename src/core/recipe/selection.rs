//! Which source packages: what `cb.base_system {}`, `cb.pick { ... }` and their like say.

use serde::{Deserialize, Serialize};

/// Which source packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// These, by name; `name=version` asks for one version.
    Names(Vec<String>),
    /// All of them.
    Everything,
    /// Those of the base system.
    BaseSystem(BaseClosure),
    /// The sources of these binary packages and of all that gets installed with them.
    RuntimeClosure {
        /// Binary package names.
        of: Vec<String>,
    },
    /// Those that have what is asked for.
    Pick(Pick),
    /// Those of a stage whose inputs are no longer what they were built with.
    ChangedInputs {
        /// The stage.
        stage: String,
    },
}

impl Selection {
    /// The stages that have to be looked at, to know what changed since they were built.
    pub fn stages(&self) -> Vec<&str> {
        match self {
            Selection::ChangedInputs { stage } => vec![stage],
            Selection::Pick(pick) => pick.of.as_deref().map(Selection::stages).unwrap_or_default(),
            Selection::Names(_)
            | Selection::Everything
            | Selection::BaseSystem(_)
            | Selection::RuntimeClosure { .. } => Vec::new(),
        }
    }
}

/// `cb.pick { ... }`: what a source must have; each condition that is given has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pick {
    /// Only of these; of all where it is absent.
    pub of: Option<Box<Selection>>,
    /// It has one of these names; any where there are none.
    #[serde(default)]
    pub names: Vec<String>,
    /// It is in one of these sections (`libs`, also for `contrib/libs`); any where there are none.
    pub sections: Vec<String>,
    /// It is in one of these components; any where there are none.
    pub components: Vec<String>,
    /// It build-depends on one of these binary packages, in an alternative or not; anything where there are none.
    pub build_depends_on: Vec<String>,
    /// At most so many.
    pub at_most: Option<u32>,
    /// Decides by chance which of them, the same in every run; the first by name where it is absent.
    pub seed: Option<u64>,
}

/// How far the base system goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaseClosure {
    /// The required and important packages and build-essential, with what they need to run.
    Runtime,
    /// These, and all that is needed to build them, closed: nothing else has to be there.
    Build,
}

impl BaseClosure {
    /// Every one, in the order of their size.
    pub const ALL: [BaseClosure; 2] = [BaseClosure::Runtime, BaseClosure::Build];

    /// The one text form.
    pub fn text(self) -> &'static str {
        match self {
            BaseClosure::Runtime => "runtime",
            BaseClosure::Build => "build",
        }
    }
}

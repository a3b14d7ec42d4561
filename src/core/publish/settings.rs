//! What a recipe says of an archive besides its names, and what must hold before it is published.

use serde::{Deserialize, Serialize};

use crate::core::flags::Variant;
use crate::core::publish::gate::Gate;

/// What a recipe says of an archive besides its names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `Valid-Until`, so many seconds after `Date`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_for: Option<i64>,
    /// `NotAutomatic: yes`.
    #[serde(skip_serializing_if = "is_false")]
    pub not_automatic: bool,
    /// `ButAutomaticUpgrades: yes`.
    #[serde(skip_serializing_if = "is_false")]
    pub but_automatic_upgrades: bool,
    /// Indexes compressed with zstd, too.
    #[serde(skip_serializing_if = "is_false")]
    pub zst: bool,
    /// Patches from the indexes of earlier generations.
    #[serde(skip_serializing_if = "is_false")]
    pub pdiffs: bool,
    /// The variant that the stages were built for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<Box<Variant>>,
    /// What could not be built is there as the base archive has it.
    #[serde(skip_serializing_if = "is_false")]
    pub fallback: bool,
    /// What must hold, or the generation before it stays.
    #[serde(skip_serializing_if = "Gate::is_empty")]
    pub gate: Gate,
}

impl Settings {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Settings::default()
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

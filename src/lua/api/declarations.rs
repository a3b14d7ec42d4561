//! The declarations, in the order in which a person would read about them: a file for each kind of thing.

mod acts;
mod how;
mod places;
mod recipe;
mod selectors;
mod sources;

use crate::lua::api::{Declaration, Default, Kind, Parameter};

/// The groups, in reading order.
const GROUPS: &[&[Declaration]] = &[
    recipe::DECLARATIONS,
    sources::DECLARATIONS,
    selectors::DECLARATIONS,
    places::DECLARATIONS,
    how::DECLARATIONS,
    acts::DECLARATIONS,
];

/// Everything below `cb`.
pub fn all() -> impl Iterator<Item = &'static Declaration> + Clone {
    GROUPS.iter().copied().flatten()
}

/// One parameter, on one line.
const fn parameter(name: &'static str, kind: Kind, default: Default, sentence: &'static str) -> Parameter {
    Parameter { name, kind, sentence, default }
}

//! The declarations, in the order in which a person would read about them: a file for each kind of thing.

mod acts;
pub mod clouds;
mod flags;
mod hooks;
mod how;
mod measure;
mod places;
mod recipe;
mod selectors;
mod sources;

use crate::lua::api::{Declaration, Default, Kind, Parameter, Record};

/// The groups, in reading order.
const GROUPS: &[&[Declaration]] = &[
    recipe::DECLARATIONS,
    sources::DECLARATIONS,
    selectors::DECLARATIONS,
    flags::DECLARATIONS,
    places::DECLARATIONS,
    clouds::DECLARATIONS,
    how::DECLARATIONS,
    measure::DECLARATIONS,
    acts::DECLARATIONS,
    hooks::DECLARATIONS,
];

/// The tables in tables, in reading order.
pub const RECORDS: &[&Record] = &[
    &recipe::MATRIX,
    &flags::RULE,
    &flags::MATCH,
    &flags::FLAGS,
    &flags::CHANGE,
    &measure::MEASURE,
    &measure::VERIFY,
    &measure::LEVEL,
    &clouds::BUDGET,
];

/// Everything below `cb`.
pub fn all() -> impl Iterator<Item = &'static Declaration> + Clone {
    GROUPS.iter().copied().flatten()
}

/// One parameter, on one line.
const fn parameter(name: &'static str, kind: Kind, default: Default, sentence: &'static str) -> Parameter {
    Parameter { name, kind, sentence, default }
}

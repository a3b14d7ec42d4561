//! Debian's own words: control paragraphs, versions, relations, indexes, `.dsc` and `.changes`, Release files.
//!
//! **Invariant:** readers take bytes and borrow from them; nothing here knows where the bytes came from.

pub mod architecture;
pub mod control;
pub mod malformed;
pub mod packages;
pub mod relation;
pub mod sources;
pub mod version;
pub mod apt_source;
pub mod control;
pub mod release;

pub mod changes;

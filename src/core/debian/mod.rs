//! Debian's own words: control paragraphs, versions, relations, indexes, `.dsc` and `.changes`, Release files.
//!
//! **Invariant:** readers take bytes and borrow from them; nothing here knows where the bytes came from.

pub mod control;
pub mod malformed;
pub mod index;
pub mod version;
pub mod architecture;
pub mod relation;
pub mod sources;
pub mod packages;
pub mod parsed;
pub mod changes;
pub mod release;
pub mod apt_source;

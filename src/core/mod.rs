//! What cloudbuild decides: pure functions on plain values.
//!
//! **Invariant:** no async, files, network, SQL, Lua, clock, environment or randomness.

pub mod debian;
pub mod events;
pub mod ids;
pub mod pinned;
pub mod recipe;
pub mod suggest;

//! What cloudbuild decides: pure functions on plain values.
//!
//! **Invariant:** no async, files, network, SQL, Lua, clock, environment or randomness.

pub mod archive;
pub mod debian;
pub mod events;
pub mod ids;
pub mod inputs;
pub mod order;
pub mod job;
pub mod pinned;
pub mod plan;
pub mod recipe;
pub mod suggest;
pub mod view;

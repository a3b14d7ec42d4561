//! What cloudbuild decides: pure functions on plain values.
//!
//! **Invariant:** no async, files, network, SQL, Lua, clock, environment or randomness.

pub mod debian;
pub mod ids;
pub mod suggest;
pub mod edits;
pub mod codes;
pub mod settings;
pub mod flags;
pub mod rules;
pub mod recipe;
pub mod hooks;
pub mod plan;
pub mod forecast;
pub mod import;
pub mod pinned;
pub mod overlay;
pub mod sample;
pub mod archive;
pub mod outdated;
pub mod view;
pub mod install;
pub mod order;
pub mod how;
pub mod static_library;
pub mod isa;
pub mod produced;
pub mod verify;
pub mod measure;
pub mod compare;
pub mod suffix;
pub mod inputs;
pub mod job;
pub mod fleet;
pub mod dispatch;
pub mod wb;
pub mod build;
pub mod publish;
pub mod bucket;
pub mod objects;
pub mod explain;
pub mod events;

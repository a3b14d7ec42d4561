//! `cloudbuild` rebuilds a Debian-style archive, or part of it, the way a Lua recipe says.
//!
//! The map, in reading order. A file uses its own room and rooms above it in this list, nothing else.

pub mod control;
pub mod core;
pub mod io;
pub mod primitives;
pub mod wire;

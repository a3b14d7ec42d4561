//! `cloudbuild` rebuilds a Debian-style archive, or part of it, the way a Lua recipe says.
//!
//! The map, in reading order. A file uses its own room and rooms above it in this list, nothing else.

pub mod core;
pub mod wire;
pub mod io;
pub mod primitives;
pub mod lua;
pub mod daemon;
pub mod cli;

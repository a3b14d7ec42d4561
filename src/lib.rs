//! `cloudbuild` rebuilds a Debian-style archive, or part of it, the way a Lua recipe says.
//!
//! The map, in reading order. A file uses its own room and rooms above it in this list, nothing else; `lua`, `control`
//! and `daemon` do not use each other.
//!
//! - `core`: what is decided. Pure functions on plain values, Debian's own words among them.
//! - `wire`: what control point and build daemon say to each other.
//! - `io`: the outside, one folder per outside thing:
//!   `io/clock` reads the time, `io/files` writes files whole or not at all, `io/store` keeps files by content,
//!   `io/openpgp` verifies and signs, `io/settings` reads settings, `io/host` knows what the machine has,
//!   `io/mirror` reads APT archives, `io/parsed` keeps what their indexes list, `io/kept` keeps
//!   answers that took long, `io/sbuild` makes chroots and builds in
//!   them, `io/machines` starts builders, `io/s3` reads and writes objects, `io/copies` keeps what is built with near the builders,
//!   `io/archive` looks into packages and writes archives,
//!   `io/overlay` reads local packages, `io/state` is the database, `io/verify` looks at uploads,
//!   `io/control` is the client of a control point.
//! - `primitives`: what recipes can do: import, order, launch, build, publish, compare.
//! - `lua`: the door for recipes.
//! - `control`: the control point.
//! - `daemon`: the build daemon.
//! - `cli`: the commands.

pub mod core;
pub mod wire;
pub mod io;
pub mod primitives;
pub mod lua;
pub mod control;
pub mod daemon;
pub mod cli;

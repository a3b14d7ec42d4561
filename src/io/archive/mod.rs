//! Archives that are written: package files are looked into, a publish plan becomes a directory that apt reads.
//!
//! **Invariant:** nothing is decided about what an archive holds; a plan from `core::publish` says it to the byte.

pub mod deb;

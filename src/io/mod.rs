//! The outside, one folder per outside thing: `mod.rs` is the interface, siblings are implementations.
//!
//! **Invariant:** no policy; what is done here was decided by the caller.

pub mod host;
pub mod machines;
pub mod sbuild;

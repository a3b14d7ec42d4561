//! The outside, one folder per outside thing: `mod.rs` is the interface, siblings are implementations.
//!
//! **Invariant:** no policy; what is done here was decided by the caller.

pub mod archive;
pub mod clock;
pub mod control;
pub mod openpgp;
pub mod state;
pub mod store;

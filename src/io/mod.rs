//! The outside, one folder per outside thing: `mod.rs` is the interface, siblings are implementations.
//!
//! **Invariant:** no policy; what is done here was decided by the caller.

pub mod clock;
pub mod files;
pub mod store;
pub mod openpgp;
pub mod settings;
pub mod host;
pub mod mirror;
pub mod parsed;
pub mod kept;
pub mod sbuild;
pub mod machines;
pub mod s3;
pub mod archive;
pub mod overlay;
pub mod state;
pub mod control;
pub mod copies;
pub mod verify;

//! Machines that build: started, stopped, adopted.
//!
//! **Invariant:** how many there should be is decided elsewhere.

pub mod ec2;
pub mod here;
pub mod notice;

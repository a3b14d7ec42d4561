//! Machines that build: started, stopped, adopted.
//!
//! **Invariant:** how many there should be is decided elsewhere.

pub mod here;

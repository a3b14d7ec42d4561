//! What the machine has: the build user, the programs, user namespaces, disk space; and how it gets what it lacks.
//!
//! **Invariant:** checks change nothing on the machine; only `setup` does.

pub mod user;

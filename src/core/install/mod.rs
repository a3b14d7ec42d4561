//! Install: whether build-dependencies can be installed together with the base system, with what, and why not.
//!
//! A [`universe::Universe`] is made of the packages that are visible; a [`base::Base`] is what every build has. An
//! [`installer::Installer`] answers one [`request::Request`] after another: it takes, from what is asked for, the first
//! alternative that nothing forbids, and only what that leaves open is searched (`search`).
//!
//! **Invariant:** an answer depends on the universe, the base and the request alone, never on earlier requests.

pub mod layers;
pub mod universe;
pub mod request;
pub mod base;
pub mod installer;
pub mod refusal;
mod lists;
mod offers;
mod choices;
mod dead;
mod exclusions;
mod local;
mod search;
mod explain;

#[cfg(test)]
mod tests;

//! What benches say of archives that they make themselves.

use cloudbuild::core::ids::Sha256;
use cloudbuild::core::pinned::{PinnedSuite, Role};

/// What all records are from.
pub fn suite() -> PinnedSuite {
    PinnedSuite {
        uri: "http://deb.example.org/debian".to_owned(),
        suite: "measured".to_owned(),
        codename: String::new(),
        origin: String::new(),
        label: String::new(),
        role: Role::Distribution,
        release_sha256: Sha256([0; 32]),
        date: None,
        not_automatic: false,
        but_automatic_upgrades: false,
        entry: "measured:1".to_owned(),
        indexes: Vec::new(),
    }
}

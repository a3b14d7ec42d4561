//! A directory that an archive is published to, as a recipe names it.

use std::path::PathBuf;

use serde_json::json;

use crate::core::publish::settings::Settings;

/// `cb.dir "out" { suite = ... }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The archive's root.
    pub path: PathBuf,
    /// `Suite:`, if given.
    pub suite: Option<String>,
    /// `Origin:`, if given.
    pub origin: Option<String>,
    /// `Label:`, if given.
    pub label: Option<String>,
    /// What else is said of the archive.
    pub settings: Settings,
}

impl Directory {
    /// Its fields.
    pub fn json(&self) -> serde_json::Value {
        let settings = serde_json::to_value(&self.settings).expect("plain data always becomes JSON");
        json!({
            "path": self.path, "suite": self.suite, "origin": self.origin, "label": self.label, "settings": settings,
        })
    }
}

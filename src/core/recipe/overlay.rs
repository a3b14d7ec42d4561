//! Local packages that supersede every other version of themselves, as a recipe names them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One local package: `cb.source_package "x.dsc" { first = true }` and the like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// What the file is.
    pub kind: OverlayKind,
    /// The file, or the tree's folder; already resolved against the recipe's folder.
    pub path: PathBuf,
    /// Every other job of a stage comes after it.
    pub first: bool,
    /// What is appended to the version of what it builds.
    pub suffix: Option<String>,
}

/// What a local package is given as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverlayKind {
    /// A `.dsc`, with the files that it names beside it.
    SourcePackage,
    /// A folder with `debian/`, which is packed as it is.
    SourceTree,
    /// A `.deb`.
    BinaryPackage,
}

impl OverlayKind {
    /// The one text form.
    pub fn text(self) -> &'static str {
        match self {
            OverlayKind::SourcePackage => "source-package",
            OverlayKind::SourceTree => "source-tree",
            OverlayKind::BinaryPackage => "binary-package",
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            OverlayKind::SourcePackage => "source package",
            OverlayKind::SourceTree => "source tree",
            OverlayKind::BinaryPackage => "binary package",
        }
    }

    /// Whether it is built, rather than taken as it is.
    pub fn is_source(self) -> bool {
        match self {
            OverlayKind::SourcePackage | OverlayKind::SourceTree => true,
            OverlayKind::BinaryPackage => false,
        }
    }
}

//! What can be wrong with local packages.

use std::io;
use std::path::{Path, PathBuf};

use crate::core::debian::changes::ChangesError;
use crate::core::overlay::{Conflict, Unfit};
use crate::io::archive::deb::DebError;
use crate::io::store::StoreError;

/// Why local packages cannot be an overlay.
#[derive(Debug, thiserror::Error)]
pub enum OverlayError {
    /// It is not there, or cannot be read.
    #[error("cannot read `{}`: {source}\nhint: a path is relative to the recipe's folder", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// It is something else than it was said to be.
    #[error("`{}`: expected {expected}, got {got}\nhint: {hint}", path.display())]
    Other {
        /// The file or folder.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        got: String,
        /// What to do.
        hint: &'static str,
    },
    /// A `.dsc` that cannot be read strictly.
    #[error("`{}` is no sound .dsc: {source}", path.display())]
    Dsc {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ChangesError,
    },
    /// A file beside a `.dsc` that is not what the `.dsc` says.
    #[error(
        "`{}` is not what `{}` says of it: {source}\nhint: fetch or make the source package again, all of its files together",
        path.display(), dsc.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// The `.dsc`.
        dsc: PathBuf,
        /// How it differs.
        source: Box<StoreError>,
    },
    /// A `.deb` that cannot be read.
    #[error(transparent)]
    Deb(#[from] DebError),
    /// It is sound, and cannot supersede anything here.
    #[error("`{}`: {source}", path.display())]
    Unfit {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: Unfit,
    },
    /// Two of them are one package.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// A tree that dpkg-source does not pack.
    #[error("dpkg-source does not pack `{}`: {said}\nhint: `dpkg-source -b` in a copy of it says more", path.display())]
    Packing {
        /// The folder.
        path: PathBuf,
        /// Its last words.
        said: String,
    },
    /// dpkg-source takes too long.
    #[error("dpkg-source was still packing `{}` after {seconds} s\nhint: give the packed `.dsc` as `cb.source_package`", path.display())]
    Slow {
        /// The folder.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// dpkg-source is not there.
    #[error("cannot run `dpkg-source`: {source}\nhint: install the package dpkg-dev")]
    Missing {
        /// The system's words.
        source: io::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OverlayError {
    /// Whether it is this machine that does not play along, rather than the package or who named it.
    pub fn is_of_machine(&self) -> bool {
        match self {
            OverlayError::Missing { .. } | OverlayError::Store(_) | OverlayError::Slow { .. } => true,
            OverlayError::Read { .. }
            | OverlayError::Other { .. }
            | OverlayError::Dsc { .. }
            | OverlayError::File { .. }
            | OverlayError::Deb(_)
            | OverlayError::Unfit { .. }
            | OverlayError::Conflict(_)
            | OverlayError::Packing { .. } => false,
        }
    }
}

/// Turns what the system said into an error that names the path.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> OverlayError + '_ {
    move |source| OverlayError::Read { path: path.to_owned(), source }
}

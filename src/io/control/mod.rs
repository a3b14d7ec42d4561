//! The client of a control point's HTTP API, used by the build daemon and the command line.
//!
//! **Invariant:** every wait has a deadline; what a control point refuses is never tried again, what did not reach it is.

mod builder_key;
mod client;
mod file;

use std::path::PathBuf;

pub use self::builder_key::BuilderKey;
pub use self::client::{Client, FROM_HERE, Patience};
pub use self::file::{ControlFile, FILE, Token};

use crate::core::ids::Sha256;
use crate::wire::Refusal;

/// Why a control point did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It was not there for so long that waiting was given up.
    #[error(
        "no control point answered at `{url}` for {seconds} s: {last}\nhint: is the run that started this builder still there?"
    )]
    Away {
        /// Where it was looked for last.
        url: String,
        /// For how long.
        seconds: u64,
        /// The last thing that went wrong.
        last: String,
    },
    /// It said no; trying again will not help.
    #[error("the control point refused: {} (`{}`)", refusal.message, refusal.code)]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its words.
        refusal: Refusal,
    },
    /// It answered with something that is no answer.
    #[error("expected {expected} from the control point, got {got}")]
    Answer {
        /// What would have been an answer.
        expected: &'static str,
        /// What came.
        got: String,
    },
    /// A file came that is not the one that was asked for.
    #[error("expected {size} bytes with SHA-256 `{expected}`, got {got_size} bytes with SHA-256 `{got}`")]
    Mismatch {
        /// The hash that was asked for.
        expected: Sha256,
        /// The size that was expected.
        size: u64,
        /// The hash that came.
        got: Sha256,
        /// The size that came.
        got_size: u64,
    },
    /// `control.json` is not what it should be.
    #[error("`{path}` is no control file: {source}")]
    ControlFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// A file here could not be used.
    #[error("cannot use `{path}`: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl ClientError {
    /// Whether the lease that was spoken of is void: somebody else has the job, or it ended.
    pub fn is_stale(&self) -> bool {
        matches!(self, ClientError::Refused { refusal, .. } if refusal.code == "stale-epoch")
    }
}

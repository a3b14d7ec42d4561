//! `cloudbuild verify-upload`: the process with limits that looks at what a builder sent; the control point starts it.

use anyhow::Context as _;

use super::exit::Exit;
use crate::io::verify;

/// Reads what is to be looked at on standard input, and prints what was found.
pub fn verify_upload() -> anyhow::Result<Exit> {
    verify::serve().context("look at an upload")?;
    Ok(Exit::Done)
}

//! `cloudbuild import`.

use super::Context;
use super::args::ImportArgs;
use super::exit::{Exit, Failure};

/// JOIN: imports the sources and prints suites, components and counts.
pub fn import(_ctx: &Context, _args: &ImportArgs) -> anyhow::Result<Exit> {
    Err(Failure::new(Exit::Internal, "this build of cloudbuild has no `import`").into())
}

//! `cloudbuild run`.

use super::Context;
use super::args::RecipeArgs;
use super::exit::{Exit, Failure};

/// JOIN: runs a recipe: reads it, takes the state directory's lock, starts control point and daemon, performs, ends
/// with a document when `ctx.output.format` is JSON.
pub fn run(_ctx: &Context, _args: &RecipeArgs) -> anyhow::Result<Exit> {
    Err(Failure::new(Exit::Internal, "this build of cloudbuild has no `run`").into())
}

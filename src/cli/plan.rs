//! `cloudbuild plan`.

use super::Context;
use super::args::RecipeArgs;
use super::exit::{Exit, Failure};

/// JOIN: reads a recipe with a `Perform` that records, and prints what a run would do.
pub fn plan(_ctx: &Context, _args: &RecipeArgs) -> anyhow::Result<Exit> {
    Err(Failure::new(Exit::Internal, "this build of cloudbuild has no `plan`").into())
}

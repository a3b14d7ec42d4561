//! `cloudbuild plan`: what a run of a recipe would do. Reads archives; builds and publishes nothing.

use std::sync::Arc;

use super::args::RecipeArgs;
use super::exit::Exit;
use super::output::Format;
use super::{Context, progress, recipe, site};
use crate::lua::recipe::RunOptions;
use crate::primitives::Perform;
use crate::primitives::planned::Planned;

/// Runs the recipe against a performer that records, and prints what it recorded.
pub fn plan(ctx: &Context, args: &RecipeArgs) -> anyhow::Result<Exit> {
    let recipe = recipe::load(args)?;
    let arguments = recipe::arguments(&recipe, args)?;
    let runtime = site::runtime()?;
    let guard = runtime.enter();
    let cache = site::cache(ctx)?;
    let mirror = site::mirror(ctx, &cache)?;
    drop(guard);
    let listener = progress::listener(&ctx.output.aside());
    let machine = site::machine(&runtime)?;
    let planned = Arc::new(Planned::new(mirror, cache, Arc::clone(&listener), machine, runtime.handle().clone()));
    let options = RunOptions { listener: Some(listener), ..RunOptions::default() };
    recipe.run(Arc::clone(&planned) as Arc<dyn Perform>, arguments, options)?;
    let plan = planned.plan();
    match ctx.output.format {
        Format::Json => ctx.output.document(&plan)?,
        Format::Text => ctx.output.print(plan.to_string().trim_end())?,
    }
    Ok(Exit::Done)
}

//! `cloudbuild plan`: what a run of a recipe would do. Reads archives; builds and publishes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::args::RecipeArgs;
use super::exit::Exit;
use super::output::Format;
use super::{Context, progress, recipe, site};
use crate::io::state::Reader;
use crate::io::state::durations::{self, Durations};
use crate::lua::recipe::RunOptions;
use crate::primitives::Perform;
use crate::primitives::planned::Planned;

/// A recipe's arguments, by name.
type Arguments = BTreeMap<String, serde_json::Value>;

/// Runs the recipe against a performer that records, and prints what it recorded.
pub fn plan(ctx: &Context, args: &RecipeArgs) -> anyhow::Result<Exit> {
    let plan = planned(ctx, args)?.plan();
    match ctx.output.format {
        Format::Json => ctx.output.document(&plan)?,
        Format::Text => ctx.output.print(plan.to_string().trim_end())?,
    }
    Ok(Exit::Done)
}

/// Runs the recipe against a performer that records.
pub fn planned(ctx: &Context, args: &RecipeArgs) -> anyhow::Result<Arc<Planned>> {
    planned_with(ctx, args, None)
}

/// The same, with `arguments` instead of those of the command line.
pub fn planned_with(ctx: &Context, args: &RecipeArgs, arguments: Option<&Arguments>) -> anyhow::Result<Arc<Planned>> {
    let recipe = recipe::load(args)?;
    let arguments = match arguments {
        Some(arguments) => arguments.clone(),
        None => recipe::arguments(&recipe, args)?,
    };
    let runtime = site::runtime()?;
    let guard = runtime.enter();
    let cache = site::cache(ctx)?;
    let mirror = site::mirror(ctx, &cache)?;
    drop(guard);
    let listener = progress::listener(&ctx.output.aside());
    let machine = site::machine(&runtime)?;
    let options = RunOptions { listener: Some(Arc::clone(&listener)), ..RunOptions::default() };
    let hooks = recipe.hooks(options.clone())?;
    let (history, handle) = (history(ctx, args), runtime.handle().clone());
    let planned = Arc::new(Planned::new(mirror, cache, Arc::clone(&listener), machine, history, hooks, handle));
    recipe.run(Arc::clone(&planned) as Arc<dyn Perform>, arguments, options)?;
    Ok(planned)
}

/// How long builds took in earlier runs of the recipe; where none is known, none is told.
fn history(ctx: &Context, args: &RecipeArgs) -> Durations {
    let read = |reader: Reader| reader.read(durations::latest);
    Reader::open(&ctx.state_of(&args.recipe)).and_then(read).unwrap_or_default()
}

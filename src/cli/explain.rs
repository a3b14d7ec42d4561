//! `cloudbuild explain`: how a package stands, why, and what to do; `cloudbuild blocks`: what it holds up.

use serde::Serialize;

use super::args::{AskArgs, RecipeArgs};
use super::exit::Exit;
use super::output::{Format, clean};
use super::plan::planned_with;
use super::{Context, import, site};
use crate::io::settings::state_directories;
use crate::io::state::Reader;
use crate::io::store::Store;
use crate::primitives::explain::{self, Ordered};

/// Tells how each job of a package stands.
pub fn explain(ctx: &Context, args: &AskArgs) -> anyhow::Result<Exit> {
    let (cache, ordered) = ordered(ctx, args)?;
    let found = explain::explain(&cache, &ordered, &args.package)?;
    show(ctx, "jobs", &found)
}

/// Tells what each job of a package holds up.
pub fn blocks(ctx: &Context, args: &AskArgs) -> anyhow::Result<Exit> {
    let (cache, ordered) = ordered(ctx, args)?;
    let found = explain::blocks(&cache, &ordered, &args.package)?;
    show(ctx, "blocks", &found)
}

fn show<T: Serialize + std::fmt::Display>(ctx: &Context, word: &str, found: &[T]) -> anyhow::Result<Exit> {
    match ctx.output.format {
        Format::Json => ctx.output.document(&serde_json::json!({ word: found }))?,
        Format::Text => {
            let text = found.iter().map(T::to_string).collect::<Vec<_>>().join("\n");
            // What is in an index is somebody else's text.
            ctx.output.print(&text.lines().map(clean).collect::<Vec<_>>().join("\n"))?;
        }
    }
    Ok(Exit::Done)
}

/// What the question is about: what a recipe would do, else what the last run in the state directory does, else the
/// machine's own suites where there is no state directory.
fn ordered(ctx: &Context, args: &AskArgs) -> anyhow::Result<(Store, Vec<Ordered>)> {
    if let Some(recipe) = &args.recipe {
        let recipe = RecipeArgs { recipe: recipe.clone(), arguments: args.arguments.clone() };
        let planned = planned_with(ctx, &recipe, None)?;
        let mut ordered = Vec::new();
        for staged in planned.take_orders() {
            let imported = planned.import_of(&staged.order)?;
            ordered.push(Ordered { imported, order: Some(staged.order), stages: Vec::new() });
        }
        return Ok((site::cache(ctx)?, ordered));
    }
    if ctx.state.is_none() && state_directories(&ctx.folder)?.is_empty() {
        let (cache, imported) = import::own(ctx, None)?;
        return Ok((cache, vec![Ordered { imported, order: None, stages: Vec::new() }]));
    }
    let dir = ctx.state_here()?;
    let ordered = explain::of_run(&Reader::open(&dir)?, &dir)?;
    Ok((site::cache(ctx)?, ordered))
}

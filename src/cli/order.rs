//! `cloudbuild order`: the order that a run of a recipe would build in, and why. Builds nothing.

use super::Context;
use super::args::{GraphFormat, OrderArgs};
use super::exit::Exit;
use super::output::Format;
use super::plan::planned;
use crate::core::order::text;

/// Evaluates the recipe as `plan` does, and prints its orders.
pub fn order(ctx: &Context, args: &OrderArgs) -> anyhow::Result<Exit> {
    let orders = planned(ctx, &args.recipe)?.take_orders();
    let drawn = |draw: fn(&_) -> String| orders.iter().map(|staged| draw(&staged.order)).collect::<String>();
    match (args.format, ctx.output.format) {
        (Some(GraphFormat::Dot), _) => ctx.output.print(drawn(text::dot).trim_end())?,
        (Some(GraphFormat::Graphml), _) => ctx.output.print(drawn(text::graphml).trim_end())?,
        (None, Format::Json) => ctx.output.document(&serde_json::json!({ "orders": orders }))?,
        (None, Format::Text) => {
            let listed =
                orders.iter().map(|staged| text::listed(&staged.order, staged.stage.as_deref().unwrap_or("-")));
            ctx.output.print(listed.collect::<String>().trim_end())?;
        }
    }
    Ok(Exit::Done)
}

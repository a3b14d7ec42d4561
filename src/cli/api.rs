//! `cloudbuild api`: what a recipe can call, from the declarations.

use super::Context;
use super::args::ApiArgs;
use super::exit::{Exit, Failure};
use super::output::Format;
use crate::lua;

/// Shows everything that a recipe can call, or one of it.
pub fn api(ctx: &Context, args: &ApiArgs) -> anyhow::Result<Exit> {
    let name = args.name.as_deref();
    let unknown = |near: Vec<String>| {
        let hint = match near.as_slice() {
            [] => "`cloudbuild api` lists everything".to_owned(),
            near => format!("did you mean `cloudbuild api {}`?", near.join("`, `cloudbuild api ")),
        };
        Failure::new(Exit::Usage, format!("a recipe cannot call `{}`", name.unwrap_or_default())).hint(hint)
    };
    match (ctx.output.format, name) {
        (Format::Json, name) => ctx.output.document(&lua::api_document(name).map_err(unknown)?)?,
        (Format::Text, None) => ctx.output.print(lua::api_help().trim_end())?,
        (Format::Text, Some(name)) => ctx.output.print(lua::api_help_of(name).map_err(unknown)?.trim_end())?,
    }
    Ok(Exit::Done)
}

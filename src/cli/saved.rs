//! Plans in files: written by `plan -o`, done by `run --plan`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value as Json;

use super::args::{RecipeArgs, RunArgs};
use super::exit::{Exit, Failure};
use super::{Context, recipe};
use crate::core::codes::Code;
use crate::core::edits;
use crate::core::plan::saved::{FORMAT, SavedPlan, SavedRecipe};
use crate::lua::recipe::Recipe;
use crate::primitives::planned::Planned;

/// What a run is of: a recipe with its arguments, and the plan that it does if it does one.
pub struct Subject {
    /// The recipe's file as the user named it, or as the plan does.
    pub path: PathBuf,
    /// The recipe as it is now.
    pub recipe: Recipe,
    /// Its arguments.
    pub arguments: BTreeMap<String, Json>,
    /// The plan.
    pub plan: Option<SavedPlan>,
}

/// A plan with all that it was made of.
pub fn made(recipe: &Recipe, arguments: BTreeMap<String, Json>, planned: &Planned) -> anyhow::Result<SavedPlan> {
    let path = std::path::absolute(recipe.file()).context("find the recipe's folder")?;
    Ok(SavedPlan {
        format: FORMAT,
        cloudbuild: env!("CARGO_PKG_VERSION").to_owned(),
        recipe: SavedRecipe { path: path.display().to_string(), hash: recipe.hash, files: recipe.files() },
        arguments,
        steps: planned.plan().steps,
        decided: planned.decided(),
    })
}

/// Writes a plan to a file, which is there whole or not at all.
pub fn write(plan: &SavedPlan, file: &Path) -> anyhow::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let place = || format!("write the plan `{}`", file.display());
    let mut new = tempfile::NamedTempFile::new_in(folder).with_context(place)?;
    serde_json::to_writer_pretty(&mut new, plan).with_context(place)?;
    new.write_all(b"\n").with_context(place)?;
    new.persist(file).map_err(|error| error.error).with_context(place)?;
    Ok(())
}

/// Reads a plan.
fn read(file: &Path) -> anyhow::Result<SavedPlan> {
    let refused = |why: String| {
        let hint = "`cloudbuild plan RECIPE -o FILE` writes plans";
        Failure::new(Exit::Usage, format!("`{}`: expected a saved plan, {why}", file.display())).hint(hint)
    };
    let bytes = std::fs::read(file).map_err(|error| refused(format!("but it cannot be read: {error}")))?;
    let plan: SavedPlan =
        serde_json::from_slice(&bytes).map_err(|error| refused(format!("got other text: {error}")))?;
    match plan.format {
        FORMAT => Ok(plan),
        other => Err(refused(format!("got one of format {other}, not {FORMAT}")).into()),
    }
}

/// What `run` is to run: a recipe, or the recipe of a plan, which must be what it was.
pub fn subject(ctx: &Context, args: &RunArgs) -> anyhow::Result<Subject> {
    let plan = args.plan.as_deref().map(read).transpose()?;
    let of_plan = || plan.as_ref().map(|plan| PathBuf::from(&plan.recipe.path));
    let path = args.recipe.clone().or_else(of_plan).context("clap asks for a recipe or a plan")?;
    let words = RecipeArgs { recipe: path.clone(), arguments: args.arguments.clone() };
    let recipe = recipe::load(&ctx.settings, &words)?;
    let arguments = match &plan {
        None => recipe::arguments(&recipe, &words)?,
        Some(_) if !args.arguments.is_empty() => {
            let message = "a plan has its arguments, so a run of it takes none";
            return Err(Failure::new(Exit::Usage, message).hint("plan again with other arguments").into());
        }
        Some(plan) => plan.arguments.clone(),
    };
    if let Some(plan) = &plan
        && plan.recipe.hash != recipe.hash
    {
        let diff = edits::of_files(&plan.recipe.files, &recipe.files());
        let message = format!("`{}` was edited since the plan was made\n{diff}", recipe.file());
        let hint = "plan again with `cloudbuild plan -o`, look at the new plan, and run that";
        return Err(Failure::new(Exit::Recipe, message.trim_end()).code(Code::PlanMoved).hint(hint).into());
    }
    Ok(Subject { path, recipe, arguments, plan })
}

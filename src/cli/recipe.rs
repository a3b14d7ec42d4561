//! Recipes as commands take them: the file, and its arguments from the command line.

pub mod check;
pub mod new;
pub mod test;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;

use super::Context;
use super::args::recipe::RecipeCommand;
use super::args::{RecipeArgs, parse};
use super::exit::{Exit, Failure};
use crate::core::codes::Code;
use crate::core::events::{Event, Listener};
use crate::core::settings::Settings;
use crate::core::suggest;
use crate::io::store::Store;
use crate::lua::recipe::Recipe;
use crate::lua::tester::World;
use crate::lua::{self, LoadOptions};
use crate::primitives::offline::Offline;

/// What is done with a recipe besides running it.
pub fn recipe(ctx: &Context, command: &RecipeCommand) -> anyhow::Result<Exit> {
    match command {
        RecipeCommand::Check(args) => check::check(ctx, args),
        RecipeCommand::Test { file } => test::test(ctx, file),
        RecipeCommand::New { file, template } => new::new(ctx, file, *template),
    }
}

/// Hears nothing: what happens on a sample archive is no news.
struct Silent;

impl Listener for Silent {
    fn hear(&self, _: &Event) {}
}

/// Performs on a sample archive, whose indexes are kept in `store`.
fn performer(store: &Path, world: &World) -> anyhow::Result<Offline> {
    let World { sample, arch, failures } = world;
    Offline::new(sample, arch, failures.clone(), Store::open(store)?, Arc::new(Silent))
}

/// Reads a recipe and evaluates it.
pub fn load(settings: &Settings, args: &RecipeArgs) -> anyhow::Result<Recipe> {
    let (library, stdlib) = (settings.library.clone(), settings.stdlib.clone());
    let recipe = lua::load(LoadOptions { path: args.recipe.clone(), library, stdlib, ..LoadOptions::default() })?;
    let reserved = parse::reserved_names();
    if let Some(taken) = recipe.arguments.iter().find(|argument| reserved.contains(&argument.name)) {
        let message =
            format!("`{}`: the argument `{}` has the name of a flag of cloudbuild's", recipe.file(), taken.name);
        return Err(Failure::new(Exit::Recipe, message)
            .code(Code::ReservedArgument)
            .hint("give the argument another name")
            .into());
    }
    Ok(recipe)
}

/// The recipe's arguments as the command line gives them; a recipe checks once more when it runs.
pub fn arguments(recipe: &Recipe, args: &RecipeArgs) -> anyhow::Result<BTreeMap<String, Json>> {
    let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in args.pairs()? {
        let value = pair.value.unwrap_or_else(|| "true".to_owned());
        given.entry(pair.name).or_default().push(value);
    }
    let mut arguments = BTreeMap::new();
    for (name, texts) in given {
        let Some(declared) = recipe.arguments.iter().find(|argument| argument.name == name) else {
            let names = recipe.arguments.iter().map(|argument| argument.name.as_str());
            let hint = match suggest::nearest(&name, names.clone()) {
                Some(near) => format!("did you mean `--{near}`?"),
                None if recipe.arguments.is_empty() => "it takes no arguments".to_owned(),
                None => format!("it takes --{}", names.collect::<Vec<_>>().join(", --")),
            };
            let message = format!("`{}` has no argument `--{name}`", recipe.file());
            return Err(Failure::new(Exit::Usage, message).code(Code::UnknownArgument).hint(hint).into());
        };
        let value =
            declared.parse(&texts).map_err(|message| Failure::new(Exit::Usage, message).code(Code::ArgumentValue))?;
        arguments.insert(name, value);
    }
    Ok(arguments)
}

//! Recipes as commands take them: the file, and its arguments from the command line.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::args::{self, RecipeArgs};
use super::exit::{Exit, Failure};
use crate::core::codes::Code;
use crate::core::suggest;
use crate::lua::recipe::Recipe;
use crate::lua::{self, LoadOptions};

/// Reads a recipe and evaluates it.
pub fn load(args: &RecipeArgs) -> anyhow::Result<Recipe> {
    let recipe = lua::load(LoadOptions { path: args.recipe.clone(), ..LoadOptions::default() })?;
    let reserved = args::reserved_names();
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

//! The door for recipes: Lua in a sandbox, one declaration for everything a recipe may call, errors with file and line.
//!
//! **Invariant:** no network, clock, environment or child process; the only files read are the recipe and the `.lua`
//! files of its own folder. What a recipe does to the world goes through `primitives::Perform`.

#![expect(clippy::disallowed_types, reason = "recipes are evaluated here, inside the sandbox")]

pub mod error;
pub mod recipe;
pub mod watch;

mod api;
mod check;
mod door;
mod files;
mod json;
mod locate;
mod methods;
mod pattern;
mod sandbox;
mod session;
mod values;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use error::RecipeError;
use recipe::Recipe;
use watch::Limits;

/// Which recipe to load.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// The recipe's file as the user named it; errors name it the same way, and its folder is the recipe's folder.
    pub path: PathBuf,
    /// The recipe's bytes, for who has them already; read from `path` when absent.
    pub text: Option<Vec<u8>>,
    /// How much a recipe may use.
    pub limits: Limits,
}

/// Reads a recipe and evaluates it in a sandbox; that has no effects.
pub fn load(options: LoadOptions) -> Result<Recipe, RecipeError> {
    recipe::load(options)
}

/// Everything a recipe can call, as text for a person: `cloudbuild help api`.
pub fn api_help() -> String {
    api::help::text()
}

/// One thing that a recipe can call, as text for a person; `Err`: the nearest names.
pub fn api_help_of(name: &str) -> Result<String, Vec<String>> {
    api::help::text_of(name)
}

/// What a recipe can call, for programs: all of it, or what has this name; `Err`: the nearest names.
pub fn api_document(name: Option<&str>) -> Result<serde_json::Value, Vec<String>> {
    api::help::document(name)
}

/// The stub for editors (`stdlib/meta/cloudbuild.d.lua`), generated from the same declarations.
pub fn stub() -> String {
    api::stub::text()
}

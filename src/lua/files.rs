//! The only files that a recipe brings along: itself, and `.lua` files of its own folder.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::core::codes::Code;
use crate::lua::error::RecipeError;

/// Recipes are written by people; nobody writes more than this.
const MOST_BYTES: u64 = 1 << 20;

/// Reads a recipe's file, or one of its modules. `shown` is how errors name it.
pub fn read(path: &Path, shown: &str) -> Result<String, RecipeError> {
    let io = |error: std::io::Error| {
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => Some("check the path; recipes end in `.lua`"),
            _ => None,
        };
        RecipeError::of_file(shown, format!("cannot read the recipe: {error}"), hint).code(Code::Unreadable)
    };
    let metadata = std::fs::metadata(path).map_err(io)?;
    if metadata.is_dir() {
        let hint = "name the recipe's file, such as `recipes/hello.lua`";
        return Err(
            RecipeError::of_file(shown, "expected a recipe's file, got a directory", Some(hint)).code(Code::Unreadable)
        );
    }
    if !metadata.is_file() {
        return Err(RecipeError::of_file(shown, "expected a recipe's file, got a device, a pipe or a socket", None)
            .code(Code::Unreadable));
    }
    let mut bytes = Vec::new();
    // One byte more than is allowed, so that a file that grows meanwhile cannot be endless either.
    File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes)).map_err(io)?;
    text(bytes, shown)
}

/// A recipe's bytes as text, if they can be a recipe.
pub fn text(bytes: Vec<u8>, shown: &str) -> Result<String, RecipeError> {
    if bytes.len() as u64 > MOST_BYTES {
        let message = format!("expected a recipe of at most {MOST_BYTES} bytes, got more");
        return Err(
            RecipeError::of_file(shown, message, Some("recipes are text that a person writes")).code(Code::NotText)
        );
    }
    if bytes.first().is_some_and(|first| *first < 8) {
        let hint = "recipes are Lua source; compiled ones are never run";
        return Err(RecipeError::of_file(shown, "expected Lua source, got bytecode", Some(hint)).code(Code::NotText));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        let hint = "save the file as UTF-8";
        let mut error =
            RecipeError::of_file(shown, "expected UTF-8 text, got other bytes", Some(hint)).code(Code::NotText);
        if let Some(place) = error.place.as_deref_mut() {
            place.line = line;
        }
        error
    })
}

/// The file of `require "NAME"`: in the recipe's folder itself, and still there when links have been followed.
pub fn module(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(format!(
            "expected `cloudbuild` or the name of a file beside the recipe without `.lua`, got `{name}`"
        ));
    }
    let file = folder.join(format!("{name}.lua"));
    let real = std::fs::canonicalize(&file).map_err(|error| format!("cannot read `{name}.lua`: {error}"))?;
    let real_folder =
        std::fs::canonicalize(folder).map_err(|error| format!("cannot read the recipe's folder: {error}"))?;
    if real.parent() != Some(&real_folder) {
        return Err(format!("expected `{name}.lua` to be in the recipe's folder, but it is a link out of it"));
    }
    Ok(file)
}

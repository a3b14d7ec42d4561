//! `cloudbuild recipe new`: writes a recipe to start from.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::Context as _;
use serde_json::json;

use crate::cli::Context;
use crate::cli::args::recipe::Template;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Format;

/// What stands for the recipe's name in a template.
const NAME: &str = "NAME";

/// Writes a template to a file that is not there yet.
pub fn new(ctx: &Context, file: &Path, template: Template) -> anyhow::Result<Exit> {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "+_~-.".contains(c);
    if file.extension().is_none_or(|ending| ending != "lua") || !stem.chars().all(plain) {
        let message = format!("expected a name such as `mine.lua`, got `{}`", file.display());
        let hint = "the recipe is named like its file: letters, digits and `.+_~-`";
        return Err(Failure::new(Exit::Usage, message).hint(hint).into());
    }
    let mut made = match File::create_new(file) {
        Ok(made) => made,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let message = format!("`{}` is there already, and is left alone", file.display());
            return Err(Failure::new(Exit::Usage, message).hint("choose another name").into());
        }
        Err(error) => return Err(error).with_context(|| format!("write `{}`", file.display())),
    };
    made.write_all(text(template, &stem).as_bytes()).with_context(|| format!("write `{}`", file.display()))?;
    match ctx.output.format {
        Format::Json => ctx.output.document(&json!({ "recipe": file, "template": template.text() }))?,
        Format::Text => {
            let file = file.display();
            ctx.output.print(&format!("{file}: written; `cloudbuild plan {file}` shows what it would do"))?;
        }
    }
    Ok(Exit::Done)
}

/// A recipe of that name.
fn text(template: Template, name: &str) -> String {
    template.source().replace(NAME, name)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::core::sample;
    use crate::lua::{self, LoadOptions};

    #[test]
    fn every_template_is_a_recipe_that_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        for template in Template::value_variants() {
            let text = text(*template, "mine");
            let path = folder.path().join("mine.lua");
            let options = LoadOptions { path, text: Some(text.clone().into()), ..LoadOptions::default() };
            let recipe = lua::load(options).unwrap_or_else(|error| panic!("{template:?}: {error}"));
            assert_eq!(recipe.name, "mine", "{template:?}");
            assert!(!text.contains(NAME) && text.starts_with("--"), "{text}");
            let world = lua::tester::World {
                sample: sample::built_in(),
                arch: "amd64".to_owned(),
                failures: Default::default(),
            };
            let offline = std::sync::Arc::new(super::super::performer(folder.path(), &world).expect("a sample"));
            let ran = recipe.run(offline, Default::default(), Default::default());
            ran.unwrap_or_else(|error| panic!("{template:?}: {error}"));
        }
    }
}

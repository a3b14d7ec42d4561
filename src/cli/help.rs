//! `cloudbuild help`: of the program, a command, an error code, or a recipe.

use std::path::Path;

use clap::CommandFactory;
use serde_json::{Value, json};

use super::Context;
use super::args::{Cli, HelpArgs, RecipeArgs};
use super::exit::{Exit, Failure};
use super::output::{Format, Output, clean};
use super::recipe;
use crate::core::codes::Code;
use crate::core::settings::Settings;
use crate::core::suggest;
use crate::lua::recipe::Recipe;
use crate::lua::recipe::argument::Argument;

/// Shows the help of what was named.
pub fn help(ctx: &Context, args: &HelpArgs) -> anyhow::Result<Exit> {
    let output = &ctx.output;
    let Some(topic) = args.topic.first() else {
        return command(output, &[]);
    };
    if let Some(code) = Code::find(topic) {
        return explained(output, code);
    }
    let path = Path::new(topic);
    match path.extension().is_some_and(|extension| extension == "lua") || path.is_file() {
        true => of_recipe(output, &ctx.settings, path),
        false => command(output, &args.topic),
    }
}

/// What an error code means.
fn explained(output: &Output, code: Code) -> anyhow::Result<Exit> {
    match output.format {
        Format::Text => output.print(code.help().trim_end())?,
        Format::Json => {
            let explained = code.explained();
            let (means, wrong, right) = (explained.means, explained.wrong.text(), explained.right.text());
            let title = code.title();
            output.document(
                &json!({ "code": code.text(), "title": title, "means": means, "wrong": wrong, "right": right }),
            )?;
        }
    }
    Ok(Exit::Done)
}

/// The help of the program, or of a command of a command.
fn command(output: &Output, path: &[String]) -> anyhow::Result<Exit> {
    let mut root = Cli::command();
    root.build();
    let mut command = &mut root;
    for word in path {
        let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        if !names.contains(word) {
            let codes = Code::ALL.iter().map(|code| code.text());
            let hint = match suggest::nearest(word, names.iter().map(String::as_str).chain(codes)) {
                Some(near) => format!("did you mean `cloudbuild help {near}`?"),
                None => "`cloudbuild help` lists the commands; error codes are like `E0201`".to_owned(),
            };
            let message = format!("expected a command, a recipe or an error code, got `{word}`");
            return Err(Failure::new(Exit::Usage, message).hint(hint).into());
        }
        command = command.find_subcommand_mut(word).expect("its name is among the names");
    }
    let text = command.render_long_help();
    match output.format {
        Format::Text => output.print(text.ansi().to_string().trim_end())?,
        Format::Json => output.document(&json!({ "help": text.to_string() }))?,
    }
    Ok(Exit::Done)
}

/// What a recipe is for, and the arguments that it takes.
pub fn of_recipe(output: &Output, settings: &Settings, path: &Path) -> anyhow::Result<Exit> {
    let recipe = recipe::load(settings, &RecipeArgs { recipe: path.to_owned(), arguments: Vec::new() })?;
    match output.format {
        Format::Text => output.print(&text(&recipe))?,
        Format::Json => {
            let arguments: Vec<_> = recipe.arguments.iter().map(document).collect();
            output.document(&json!({
                "recipe": recipe.file(),
                "name": recipe.name,
                "about": recipe.about,
                "arguments": arguments,
            }))?;
        }
    }
    Ok(Exit::Done)
}

fn document(argument: &Argument) -> Value {
    let Argument { name, kind, default, help } = argument;
    let required = default.is_none();
    json!({ "name": name, "type": kind.text(), "required": required, "default": default, "help": help })
}

/// The help of a recipe for people.
fn text(recipe: &Recipe) -> String {
    let mut lines = Vec::new();
    if !recipe.about.is_empty() {
        lines.extend([clean(&recipe.about), String::new()]);
    }
    let takes = if recipe.arguments.is_empty() { "" } else { " [--NAME VALUE]..." };
    lines.extend([format!("Usage: cloudbuild [OPTIONS] {}{takes}", recipe.file()), String::new()]);
    if recipe.arguments.is_empty() {
        lines.push("The recipe takes no arguments.".to_owned());
    } else {
        lines.push("Arguments of the recipe:".to_owned());
        let usage = |argument: &Argument| format!("--{} {}", argument.name, argument.kind.text().to_uppercase());
        let width = recipe.arguments.iter().map(|argument| usage(argument).len()).max().unwrap_or_default();
        lines.extend(recipe.arguments.iter().map(|argument| {
            let default = match &argument.default {
                None => "[required]".to_owned(),
                // A default that is nothing would only show its brackets.
                Some(Value::String(text)) if text.is_empty() => "[optional]".to_owned(),
                Some(Value::Array(items)) if items.is_empty() => "[optional]".to_owned(),
                Some(Value::String(text)) => format!("[default: {text}]"),
                Some(default) => format!("[default: {default}]"),
            };
            let space = if argument.help.is_empty() { "" } else { " " };
            clean(&format!("  {:<width$}  {}{space}{default}", usage(argument), argument.help))
        }));
    }
    lines.extend([String::new(), "`cloudbuild run --help` lists the options, which are cloudbuild's own.".to_owned()]);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lua::{self, LoadOptions};

    #[test]
    fn the_help_of_a_recipe_lists_what_it_takes() {
        let source = r#"return require("cloudbuild").recipe {
            about = "rebuild what uses a changed package",
            args = { package = "string", most = { "integer", default = 20, help = "how many users" },
                     also = { "list", default = {} } },
            run = print,
        }"#;
        let load = |source: &str| {
            let options = LoadOptions { path: "x.lua".into(), text: Some(source.into()), ..LoadOptions::default() };
            lua::load(options).expect("it is right")
        };
        let expected = "rebuild what uses a changed package\n\n\
            Usage: cloudbuild [OPTIONS] x.lua [--NAME VALUE]...\n\n\
            Arguments of the recipe:\n  \
            --also LIST       [optional]\n  \
            --most INTEGER    how many users [default: 20]\n  \
            --package STRING  [required]\n\n\
            `cloudbuild run --help` lists the options, which are cloudbuild's own.";
        assert_eq!(text(&load(source)), expected);
        let none = text(&load("return require('cloudbuild').recipe { run = print }"));
        assert!(none.contains("takes no arguments") && none.starts_with("Usage: "), "{none}");
    }
}

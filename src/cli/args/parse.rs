//! Reads a command line: in clap's words first, then in ours where it is wrong.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ErrorKind};
use clap::{CommandFactory, Parser};

use super::Cli;
use crate::cli::arrange::{self, Arranged};
use crate::cli::exit::{Exit, Failure};
use crate::core::suggest;

/// What a command line asks for.
#[derive(Debug)]
pub enum Parsed {
    /// Help or the version; it knows whether it was asked for.
    Help(clap::Error),
    /// The help of a recipe.
    RecipeHelp(PathBuf),
    /// A command.
    Cli(Box<Cli>),
}

/// Whether errors are to be told as JSON too; asked before anything is parsed.
pub fn asks_for_json(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|word| *word != "--").any(|word| word == "--json")
}

/// Names that a recipe's own arguments may not have: those of our flags.
pub fn reserved_names() -> Vec<String> {
    let mut command = Cli::command();
    command.build();
    let mut names: Vec<String> = arrange::Flags::of(&command).names().chain(["version".to_owned()]).collect();
    let takes_recipe = |command: &&clap::Command| command.get_positionals().any(clap::Arg::is_trailing_var_arg_set);
    let commands = command.get_subcommands().filter(takes_recipe);
    names.extend(commands.flat_map(|command| arrange::Flags::of(command).names().collect::<Vec<_>>()));
    names.sort_unstable();
    names.dedup();
    names
}

/// Parses a command line, the program's name first; `is_file` says whether a word names a file.
pub fn parse(arguments: Vec<OsString>, is_file: &dyn Fn(&Path) -> bool) -> anyhow::Result<Parsed> {
    let mut command = Cli::command();
    command.build();
    let Arranged { line, recipe } = arrange::arrange(&command, arguments, is_file);
    match (Cli::try_parse_from(line), recipe) {
        (Ok(cli), _) => Ok(Parsed::Cli(Box::new(cli))),
        (Err(error), Some(recipe)) if error.kind() == ErrorKind::DisplayHelp => Ok(Parsed::RecipeHelp(recipe)),
        (Err(error), _) if is_help(error.kind()) => Ok(Parsed::Help(error)),
        (Err(error), _) => Err(failure(&error).into()),
    }
}

/// What clap calls an error, and is help: asked for, or because nothing was asked for.
fn is_help(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// An error of clap's in our words.
fn failure(error: &clap::Error) -> Failure {
    if let (ErrorKind::InvalidSubcommand, Some(word)) = (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        let word = word.to_string();
        let mut command = Cli::command();
        command.build();
        let names: Vec<&str> =
            command.get_subcommands().filter(|command| !command.is_hide_set()).map(|c| c.get_name()).collect();
        let hint = match suggest::nearest(&word, names) {
            Some(near) => format!("did you mean `cloudbuild {near}`?"),
            None => "a recipe's name ends in `.lua` or is a file that exists; `cloudbuild --help` lists the commands"
                .to_owned(),
        };
        return Failure::new(Exit::Usage, format!("expected a recipe or a command, got `{word}`")).hint(hint);
    }
    let text = error.render().to_string().replace('\'', "`");
    let mut message = Vec::new();
    let mut tips = Vec::new();
    for line in text.lines() {
        if let Some(tip) = line.trim_start().strip_prefix("tip: ") {
            tips.push(tip.to_owned());
        } else if line.starts_with("Usage:") || line.starts_with("For more information") {
            break;
        } else if !line.trim().is_empty() {
            message.push(line.trim().trim_start_matches("error: "));
        }
    }
    let hint =
        if tips.is_empty() { "`--help` after a command shows what it takes".to_owned() } else { tips.join("; ") };
    Failure::new(Exit::Usage, message.join(" ")).hint(hint)
}

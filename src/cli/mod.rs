//! The command line: one file per subcommand, same word.
//!
//! **Invariant:** no decision about packages, builds or archives; a subcommand reads its arguments, calls a primitive
//! or reads the state, and shows what came.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::core::settings::{Merged, Settings};
use crate::io::settings as io_settings;
use crate::io::settings::Surroundings;

pub mod act;
pub mod api;
pub mod archive;
mod bucket;
pub mod args;
pub mod arrange;
pub mod backup;
pub mod begin;
pub mod builders;
pub mod compare;
pub mod config;
pub mod cost;
pub mod daemon;
pub mod doctor;
pub mod exit;
pub mod explain;
pub mod follow;
pub mod help;
pub mod import;
pub mod interrupt;
pub mod jobs;
pub mod logging;
pub mod logs;
pub mod order;
pub mod outdated;
pub mod output;
pub mod plan;
pub mod progress;
pub mod recipe;
pub mod run;
pub mod saved;
pub mod setup;
pub mod signing;
pub mod site;
pub mod status;
pub mod summary;
pub mod terminate;
pub mod verify_upload;
pub mod wb;

use args::parse::{self, Parsed};
use args::{Cli, Command, ConfigCommand};
use exit::{Exit, Failure};
use output::Output;

/// What every subcommand may need besides its own arguments.
#[derive(Debug, Clone)]
pub struct Context {
    /// What is set.
    pub settings: Settings,
    /// The same with the origin of each value.
    pub merged: Merged,
    /// Where text and documents go.
    pub output: Output,
    /// `--state DIR`, absolute.
    pub state: Option<PathBuf>,
    /// The working directory.
    pub folder: PathBuf,
    /// `--setup`: install what is missing without asking.
    pub setup: bool,
}

impl Context {
    /// The state directory of a recipe: `--state`, or `RECIPE's STEM.cloudbuild` in the working directory.
    pub fn state_of(&self, recipe: &Path) -> PathBuf {
        self.state.clone().unwrap_or_else(|| {
            let mut name = recipe.file_stem().unwrap_or(recipe.as_os_str()).to_owned();
            name.push(".cloudbuild");
            self.folder.join(name)
        })
    }

    /// The state directory to tell about: `--state`, or the only one in the working directory.
    pub fn state_here(&self) -> anyhow::Result<PathBuf> {
        if let Some(state) = &self.state {
            if state.is_dir() {
                return Ok(state.clone());
            }
            let message = format!("expected a state directory, but `{}` is not there", state.display());
            let hint = "a recipe's state is in `NAME.cloudbuild`, beside where it was started";
            return Err(Failure::new(Exit::Usage, message).hint(hint).into());
        }
        let mut found = io_settings::state_directories(&self.folder)?;
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => {
                let message = format!("no state directory (`NAME.cloudbuild`) in `{}`", self.folder.display());
                let hint = "run a recipe first, or name its state with `--state DIR`";
                Err(Failure::new(Exit::Usage, message).hint(hint).into())
            }
            count => {
                let names: Vec<String> = found
                    .iter()
                    .filter_map(|path| path.file_name())
                    .map(|name| format!("`--state {}`", name.to_string_lossy()))
                    .collect();
                let message = format!("{count} state directories in `{}`", self.folder.display());
                Err(Failure::new(Exit::Usage, message).hint(format!("say which: {}", names.join(", "))).into())
            }
        }
    }
}

/// Everything that the binary does.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let json = parse::asks_for_json(&arguments);
    let result = parse::parse(arguments, &Path::is_file).and_then(|parsed| match parsed {
        Parsed::Help(help) => {
            // Somebody who closed the pipe has read enough of it.
            let _ = help.print();
            Ok(if help.use_stderr() { Exit::Usage } else { Exit::Done })
        }
        Parsed::RecipeHelp(recipe) => {
            let merged = io_settings::read(&Surroundings::of_process()?, Vec::new())?;
            help::of_recipe(&Output::new(json, false, 0), &Settings::of(&merged), &recipe)
        }
        // In an environment without anything, where there are no settings to be read.
        Parsed::Cli(cli) if matches!(cli.command, Command::VerifyUpload) => verify_upload::verify_upload(),
        Parsed::Cli(cli) => perform(*cli),
    });
    match result {
        Ok(exit) => exit.into(),
        Err(error) => exit::report(&error, json).into(),
    }
}

/// Performs one parsed command line.
fn perform(cli: Cli) -> anyhow::Result<Exit> {
    let surroundings = Surroundings::of_process()?;
    let merged = io_settings::read(&surroundings, cli.flags())?;
    logging::start(cli.global.verbose, surroundings.log_filter())?;
    let global = &cli.global;
    let folder = surroundings.folder;
    let ctx = Context {
        settings: Settings::of(&merged),
        merged,
        output: Output::new(global.json, global.quiet, global.verbose),
        state: global.state.as_ref().map(|state| folder.join(state)),
        folder,
        setup: global.setup,
    };
    match &cli.command {
        Command::Run(args) => run::run(&ctx, args),
        Command::Plan(args) => plan::plan(&ctx, args),
        Command::Order(args) => order::order(&ctx, args),
        Command::Status => status::status(&ctx),
        Command::Logs(args) => logs::logs(&ctx, args),
        Command::Builders(args) => builders::builders(&ctx, args),
        Command::Terminate(args) => terminate::terminate(&ctx, args),
        Command::Cost => cost::cost(&ctx),
        Command::Act(command) => act::act(&ctx, command),
        Command::Wb(args) => wb::wb(&ctx, args),
        Command::Backup(args) => backup::backup(&ctx, args),
        Command::Restore(args) => backup::restore(&ctx, args),
        Command::Compare(args) => compare::compare(&ctx, args),
        Command::Explain(args) => explain::explain(&ctx, args),
        Command::Blocks(args) => explain::blocks(&ctx, args),
        Command::Doctor(args) => doctor::doctor(&ctx, args.arch.as_deref()),
        Command::Setup(args) => setup::setup(&ctx, args.arch.as_deref()),
        Command::Import(args) => import::import(&ctx, args),
        Command::Outdated(args) => outdated::outdated(&ctx, args),
        Command::Config(ConfigCommand::Show { origin }) => config::show(&ctx, *origin),
        Command::Recipe(command) => recipe::recipe(&ctx, command),
        Command::Api(args) => api::api(&ctx, args),
        Command::Help(args) => help::help(&ctx, args),
        Command::Archive(command) => archive::archive(&ctx, command),
        Command::Daemon(args) => daemon::daemon(&ctx, args),
        Command::VerifyUpload => verify_upload::verify_upload(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::settings::{Person, merge};

    fn context(folder: &Path, state: Option<&str>) -> Context {
        let merged = merge(&Person { root: true, home: None, cache_home: None }, []).expect("defaults are right");
        Context {
            settings: Settings::of(&merged),
            merged,
            output: Output::new(false, false, 0),
            state: state.map(|state| folder.join(state)),
            folder: folder.to_owned(),
            setup: false,
        }
    }

    #[test]
    fn a_recipes_state_is_beside_where_one_works_and_named_like_it() {
        let ctx = context(Path::new("/w"), None);
        assert_eq!(ctx.state_of(Path::new("recipes/hello.lua")), Path::new("/w/hello.cloudbuild"));
        assert_eq!(context(Path::new("/w"), Some("s")).state_of(Path::new("x.lua")), Path::new("/w/s"));
    }

    #[test]
    fn the_only_state_directory_is_meant_and_of_several_one_must_be_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = || context(folder.path(), None).state_here();
        let refusal = || format!("{:#}", here().expect_err("nothing to take"));
        assert!(refusal().starts_with("no state directory (`NAME.cloudbuild`) in `"), "{}", refusal());
        std::fs::create_dir(folder.path().join("a.cloudbuild")).expect("made");
        assert_eq!(here().expect("there is one"), folder.path().join("a.cloudbuild"));
        std::fs::create_dir(folder.path().join("b.cloudbuild")).expect("made");
        assert!(
            refusal().ends_with("hint: say which: `--state a.cloudbuild`, `--state b.cloudbuild`"),
            "{}",
            refusal()
        );
        let other = context(folder.path(), Some("gone")).state_here().expect_err("it is gone");
        assert!(other.to_string().starts_with("expected a state directory, but `"), "{other}");
    }
}

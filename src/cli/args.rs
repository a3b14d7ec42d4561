//! The words of the command line: commands, flags, and what clap says when they are wrong.

pub mod act;
pub mod archive;
pub mod builders;
pub mod parse;
pub mod recipe;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use self::act::{ActCommand, BackupArgs, RestoreArgs, WbArgs};
use self::archive::ArchiveCommand;
use self::builders::{BuildersArgs, TerminateArgs};
use self::recipe::RecipeCommand;
use super::exit::{Exit, Failure};
use crate::core::settings;
use crate::core::settings::value::read_duration;

/// Rebuild a Debian-style archive, or part of it, the way a Lua recipe says.
#[derive(Debug, Parser)]
#[command(
    name = "cloudbuild",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    infer_long_args = false,
    override_usage = "cloudbuild [OPTIONS] RECIPE [--NAME VALUE]...\n       cloudbuild [OPTIONS] COMMAND",
    after_help = "A first word that ends in `.lua` or names a file is a recipe to run.\n\
                  Exit codes: 0 done, 1 internal error, 2 usage, 3 recipe error, 4 some packages failed, \
                  5 infrastructure, 130 interrupted."
)]
pub struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command takes, before or after its name, and after a recipe.
#[derive(Debug, Args)]
pub struct Global {
    /// State directory [default: ./RECIPE.cloudbuild]
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Print one JSON document on standard output; text for people goes to standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// Install what this machine lacks, without asking
    #[arg(long, global = true)]
    pub setup: bool,
    /// Log more on standard error; twice for debugging
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say only what failed
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Folder for indexes, sources, chroots and builds (setting `cache_dir`)
    #[arg(long, global = true, value_name = "DIR", alias = "cache")]
    pub cache_dir: Option<String>,
    /// Builds at once (setting `slots`)
    #[arg(long, global = true, value_name = "NUMBER")]
    pub slots: Option<String>,
    /// Folder of Lua modules that recipes share (setting `library`)
    #[arg(long, global = true, value_name = "DIR")]
    pub library: Option<String>,
    /// Folder with the library that `cb` is made of, for who develops it (setting `stdlib`)
    #[arg(long, global = true, value_name = "DIR", hide_short_help = true)]
    pub stdlib: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a recipe: import, build, publish; goes on where an unfinished run stopped
    Run(RunArgs),
    /// Show what a run of a recipe would do, or save it
    Plan(PlanArgs),
    /// Show the order that a recipe's jobs are built in, what they need, and how loops are broken
    Order(OrderArgs),
    /// Show the jobs of a run and their states
    Status,
    /// Show the build log of a package
    Logs(LogsArgs),
    /// Show the builders in clouds, or the instances that belong to none
    Builders(BuildersArgs),
    /// End instances of clouds that are ours
    Terminate(TerminateArgs),
    /// Show what builders in clouds cost, by run and stage
    Cost,
    /// What a person wants of jobs and builders.
    #[command(flatten)]
    Act(ActCommand),
    /// List jobs as wanna-build prints them
    Wb(WbArgs),
    /// Copy the state and the signing key, also while a run goes on
    Backup(BackupArgs),
    /// Put a backup back; what was built since is found again in the store
    Restore(RestoreArgs),
    /// Show the cells of the last run beside each other: what changed, how sure that is, and whether it is worth it
    Compare(CompareArgs),
    /// Say how a package stands, why, and what to do: in the last run, by a recipe, or in the machine's APT sources
    Explain(AskArgs),
    /// Say what a package holds up, those first that hold up most themselves
    Blocks(AskArgs),
    /// Check what this machine needs to build packages, and say how to fix what is missing
    Doctor(MachineArgs),
    /// Install what this machine lacks to build packages
    Setup(MachineArgs),
    /// Show what the APT sources offer: suites, components, counts
    Import(ImportArgs),
    /// Show which sources have no binaries, or older ones: in what a recipe published, or in the machine's APT sources
    Outdated(OutdatedArgs),
    /// What to do with an archive that was published.
    #[command(flatten)]
    Archive(ArchiveCommand),
    /// Show the settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Check a recipe, test it, or begin a new one
    #[command(subcommand)]
    Recipe(RecipeCommand),
    /// Show what a recipe can call: everything, or one of it
    Api(ApiArgs),
    /// Show the help of a command, a recipe, or an error code such as `E0201`
    Help(HelpArgs),
    /// Build for a control point (started by `run`)
    #[command(hide = true)]
    Daemon(DaemonArgs),
    /// Look at what a builder sent (started by the control point)
    #[command(hide = true)]
    VerifyUpload,
}

/// How a comparison is shown.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Show every package in every cell, too
    #[arg(long)]
    pub packages: bool,
}

/// What a machine is to build.
#[derive(Debug, Args)]
pub struct MachineArgs {
    /// A Debian architecture to build for, natively or emulated, besides the machine's own
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<String>,
}

/// What to run, once or again and again.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Track upstream: import again at this interval, build what is outdated and publish, until Ctrl-C
    #[arg(long, value_name = "INTERVAL", value_parser = interval)]
    pub follow: Option<Duration>,
    /// Start anew, whatever an unfinished run was at
    #[arg(long)]
    pub restart: bool,
    /// Go on with an unfinished run as far as the edited recipe asks for the same
    #[arg(long, conflicts_with = "restart")]
    pub adopt: bool,
    /// Agree to what it may cost, where that is more than the recipe's `confirm_above`
    #[arg(long)]
    pub yes: bool,
    /// Do exactly what `plan -o FILE` saved, or say what moved since
    #[arg(long, value_name = "FILE", conflicts_with = "follow")]
    pub plan: Option<PathBuf>,
    /// The recipe, a Lua file [default: the plan's]
    #[arg(value_name = "RECIPE", required_unless_present = "plan")]
    pub recipe: Option<PathBuf>,
    /// Arguments of the recipe, as it declares them
    #[arg(value_name = "--NAME VALUE", trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<String>,
}

/// What to plan.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Save the plan, for `run --plan FILE`
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The recipe.
    #[command(flatten)]
    pub recipe: RecipeArgs,
}

/// Reads an interval: a time with its units, together or apart.
fn interval(text: &str) -> Result<Duration, String> {
    read_duration(text).ok_or_else(|| "expected an interval such as `30s`, `10min`, `6h` or `1d`".to_owned())
}

/// A recipe and its own arguments.
#[derive(Debug, Args)]
pub struct RecipeArgs {
    /// The recipe, a Lua file
    #[arg(value_name = "RECIPE")]
    pub recipe: PathBuf,
    /// Arguments of the recipe, as it declares them
    #[arg(value_name = "--NAME VALUE", trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<String>,
}

/// A recipe, and how its orders are shown.
#[derive(Debug, Args)]
pub struct OrderArgs {
    /// The recipe.
    #[command(flatten)]
    pub recipe: RecipeArgs,
    /// Print the graph for a program that draws it
    #[arg(long, value_name = "FORMAT", conflicts_with = "json")]
    pub format: Option<GraphFormat>,
}

/// Languages that graphs are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum GraphFormat {
    /// Graphviz's
    Dot,
    /// GraphML
    Graphml,
}

/// One argument of a recipe, as it was written; whether the recipe has it is checked by the recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeArgument {
    /// Without the dashes.
    pub name: String,
    /// `None`: a switch.
    pub value: Option<String>,
}

/// What a recipe can call.
#[derive(Debug, Args)]
pub struct ApiArgs {
    /// With or without `cb.`, such as `order` or `apt.system` [default: everything]
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

/// What help is wanted of.
#[derive(Debug, Args)]
pub struct HelpArgs {
    /// A command, a recipe, or an error code [default: the program]
    #[arg(value_name = "TOPIC")]
    pub topic: Vec<String>,
}

/// Which log.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// A source package, `PACKAGE:ARCH`, or a job such as `j3`
    #[arg(value_name = "PACKAGE")]
    pub package: String,
    /// Go on as the log grows, until the build ends
    #[arg(short, long)]
    pub follow: bool,
}

/// Which package, and where.
#[derive(Debug, Args)]
pub struct AskArgs {
    /// A source package, a binary package, or either as `PACKAGE:ARCH`
    #[arg(value_name = "PACKAGE")]
    pub package: String,
    /// Say how it would be by this recipe [default: as it is in the last run]
    #[arg(value_name = "RECIPE")]
    pub recipe: Option<PathBuf>,
    /// Arguments of the recipe, as it declares them
    #[arg(value_name = "--NAME VALUE", trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<String>,
}

/// What to import.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// An APT sources file (`.list` or `.sources`) [default: the machine's own APT sources]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Debian architecture [default: the machine's own]
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<String>,
}

/// What to compare.
#[derive(Debug, Args)]
pub struct OutdatedArgs {
    /// The recipe whose archive is looked at [default: the machine's own APT sources and what they offer]
    #[arg(value_name = "RECIPE")]
    pub recipe: Option<PathBuf>,
    /// Debian architecture, or `all` [default: the machine's own, or the recipe's, and `all`]
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<String>,
    /// Packages that are not built everywhere, in the form of Debian's Packages-arch-specific
    #[arg(long, value_name = "FILE")]
    pub exclusions: Option<PathBuf>,
    /// Sources that nobody here wants: a line `NAME` or `NAME: ARCHITECTURES` each
    #[arg(long, value_name = "FILE")]
    pub not_for_us: Option<PathBuf>,
    /// Arguments of the recipe, as it declares them
    #[arg(value_name = "--NAME VALUE", trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<String>,
}

/// What about the settings.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print each setting and its value
    #[command(after_long_help = settings::reference())]
    Show {
        /// Say where each value comes from: file and line, variable, flag, default
        #[arg(long)]
        origin: bool,
    },
}

/// How a control point starts the build daemon of its machine; slots and cache come by the flags for all.
#[derive(Debug, Args)]
pub struct DaemonArgs {
    /// The file with the control point's address and token
    #[arg(long, value_name = "FILE")]
    pub control_file: PathBuf,
    /// The builder's name
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// End when the cloud announces the end of this machine
    #[arg(long)]
    pub notices: bool,
    /// The user that builds (setting `build_user`)
    #[arg(long, value_name = "USER")]
    pub build_user: Option<String>,
}

impl Cli {
    /// The settings that flags say: key, flag, text.
    pub fn flags(&self) -> Vec<(&'static str, &'static str, &str)> {
        let build_user = match &self.command {
            Command::Daemon(args) => args.build_user.as_deref(),
            Command::Run(_)
            | Command::Plan(_)
            | Command::Order(_)
            | Command::Status
            | Command::Logs(_)
            | Command::Builders(_)
            | Command::Terminate(_)
            | Command::Cost
            | Command::Act(_)
            | Command::VerifyUpload
            | Command::Wb(_)
            | Command::Backup(_)
            | Command::Restore(_)
            | Command::Compare(_)
            | Command::Explain(_)
            | Command::Blocks(_)
            | Command::Doctor(_)
            | Command::Setup(_)
            | Command::Import(_)
            | Command::Outdated(_)
            | Command::Archive(_)
            | Command::Config(_)
            | Command::Recipe(_)
            | Command::Api(_)
            | Command::Help(_) => None,
        };
        let all = [
            ("cache_dir", "--cache-dir", self.global.cache_dir.as_deref()),
            ("slots", "--slots", self.global.slots.as_deref()),
            ("library", "--library", self.global.library.as_deref()),
            ("stdlib", "--stdlib", self.global.stdlib.as_deref()),
            ("build_user", "--build-user", build_user),
        ];
        all.into_iter().filter_map(|(key, flag, text)| Some((key, flag, text?))).collect()
    }
}

impl RecipeArgs {
    /// The recipe's arguments in pairs; a name may come more than once.
    pub fn pairs(&self) -> Result<Vec<RecipeArgument>, Failure> {
        let mut pairs = Vec::new();
        let mut words = self.arguments.iter().peekable();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--").filter(|name| !name.is_empty() && !name.starts_with('=')) else {
                let message = format!("expected `--NAME VALUE` after the recipe, got `{word}`");
                return Err(Failure::new(Exit::Usage, message));
            };
            let (name, value) = match name.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (name, words.next_if(|next| !next.starts_with("--")).cloned()),
            };
            pairs.push(RecipeArgument { name: name.to_owned(), value });
        }
        Ok(pairs)
    }
}

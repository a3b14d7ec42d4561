//! The words of commands that change what jobs and builders are at.

use clap::{Args, Subcommand};

/// What a person wants.
#[derive(Debug, Subcommand)]
pub enum ActCommand {
    /// Try jobs again that ended without packages
    Retry(ChosenArgs),
    /// Try jobs again, and take them from builders that work on them
    GiveBack(ChosenArgs),
    /// Say that jobs do not build
    Fail {
        /// Which jobs.
        #[command(flatten)]
        jobs: ChosenArgs,
        /// Why not
        #[arg(short, long, value_name = "TEXT")]
        message: String,
    },
    /// Say that jobs are not to be built here
    NotForUs {
        /// Which jobs.
        #[command(flatten)]
        jobs: ChosenArgs,
        /// Why not
        #[arg(short, long, value_name = "TEXT")]
        message: String,
    },
    /// Say how urgent jobs are: the highest goes first, 0 is where nobody says
    Priority {
        /// The priority
        #[arg(value_name = "NUMBER", allow_negative_numbers = true)]
        priority: i64,
        /// Which jobs.
        #[command(flatten)]
        jobs: ChosenArgs,
    },
    /// Stop builds and leave their jobs alone; without a package, stop the run
    Cancel(ChosenArgs),
    /// Give out no more work; what runs goes on
    Pause {
        /// Why
        #[arg(short, long, value_name = "TEXT", default_value = "a person said so")]
        message: String,
    },
    /// Give work out again: to all, or to a builder that got none
    Resume {
        /// A builder [default: all, after `pause`]
        #[arg(value_name = "BUILDER")]
        builder: Option<String>,
    },
    /// Give a builder no more work
    Drain {
        /// Its name
        #[arg(value_name = "BUILDER")]
        builder: String,
        /// Why
        #[arg(short, long, value_name = "TEXT", default_value = "a person said so")]
        message: String,
    },
}

/// Which jobs of the last run.
#[derive(Debug, Args)]
pub struct ChosenArgs {
    /// `PACKAGE`, `PACKAGE_VERSION`, `PACKAGE:ARCH`, or a job such as `j3`
    #[arg(value_name = "PACKAGE")]
    pub packages: Vec<String>,
    /// Only those for this architecture
    #[arg(short = 'A', long, value_name = "ARCH")]
    pub arch: Option<String>,
    /// Only those of this stage
    #[arg(short, long, value_name = "STAGE")]
    pub dist: Option<String>,
    /// Only those in this state, such as `build-attempted`; without a package, all of them
    #[arg(short, long, value_name = "STATE")]
    pub list: Option<String>,
}

/// What wanna-build would be asked.
#[derive(Debug, Args)]
pub struct WbArgs {
    /// List the jobs in this state, such as `needs-build`, or in any: `all`
    #[arg(short, long, value_name = "STATE", required_unless_present = "info")]
    pub list: Option<String>,
    /// Only those of this stage
    #[arg(short, long, value_name = "STAGE")]
    pub dist: Option<String>,
    /// Only those for this architecture
    #[arg(short = 'A', long, value_name = "ARCH")]
    pub arch: Option<String>,
    /// Print each in this format: `%p` package, `%v` version, `%a` architecture, `%S` state, `%u` builder, ...
    #[arg(long, value_name = "FORMAT", conflicts_with = "info")]
    pub format: Option<String>,
    /// Print all that is known of these packages
    #[arg(short, long, value_name = "PACKAGE", num_args = 1.., conflicts_with = "list")]
    pub info: Vec<String>,
}

/// Where a backup goes.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// A folder that is not there yet
    #[arg(value_name = "FOLDER")]
    pub folder: std::path::PathBuf,
}

/// Which backup.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// What `backup` made
    #[arg(value_name = "FOLDER")]
    pub folder: std::path::PathBuf,
}

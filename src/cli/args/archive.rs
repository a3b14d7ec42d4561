//! The words about archives that were published.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::core::settings::value::read_duration;

/// What to do with an archive that was published.
#[derive(Debug, Subcommand)]
pub enum ArchiveCommand {
    /// Sign what an archive has now again, with a new date; or list its generations
    Publish(PublishArgs),
    /// Publish an older generation of an archive again
    Rollback(RollbackArgs),
    /// Remove old generations of an archive, and files that only they list
    Prune(PruneArgs),
    /// Keep what an archive has now under a name, as an APT source that never changes
    Snapshot(SnapshotArgs),
    /// Show what is different between two generations of an archive
    Diff(DiffArgs),
    /// Look whether an archive is as it was written
    Fsck(Which),
    /// Serve an archive over HTTP, until Ctrl-C
    Serve(ServeArgs),
}

impl ArchiveCommand {
    /// The archive that is meant.
    pub fn which(&self) -> &Which {
        match self {
            ArchiveCommand::Publish(args) => &args.which,
            ArchiveCommand::Rollback(args) => &args.which,
            ArchiveCommand::Prune(args) => &args.which,
            ArchiveCommand::Snapshot(args) => &args.which,
            ArchiveCommand::Diff(args) => &args.which,
            ArchiveCommand::Fsck(which) => which,
            ArchiveCommand::Serve(args) => &args.which,
        }
    }
}

/// Which archive.
#[derive(Debug, Args)]
pub struct Which {
    /// The archive's directory or `s3://BUCKET/PREFIX` [default: where the last run published]
    #[arg(long, value_name = "PLACE")]
    pub archive: Option<PathBuf>,
    /// URL of the S3 server, for a place in a bucket
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Region of the S3 server
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Its suite [default: the only one]
    #[arg(long, value_name = "SUITE")]
    pub suite: Option<String>,
}

/// What to publish.
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// Only list the generations that there are
    #[arg(long)]
    pub list: bool,
    /// Which archive.
    #[command(flatten)]
    pub which: Which,
}

/// Which generation comes back.
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// Its number, as `publish --list` shows it
    #[arg(value_name = "NUMBER")]
    pub number: u64,
    /// Which archive.
    #[command(flatten)]
    pub which: Which,
}

/// What goes.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Generations of each suite that stay
    #[arg(long, value_name = "NUMBER", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: u32,
    /// Generations that were replaced less than this ago stay, too
    #[arg(long, value_name = "TIME", default_value = "24 h", value_parser = time)]
    pub grace: Duration,
    /// Which archive.
    #[command(flatten)]
    pub which: Which,
}

/// What stays.
#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// The snapshot's name; its suite is `snapshots/NAME`
    #[arg(value_name = "NAME")]
    pub name: String,
    /// A generation [default: the one that stands]
    #[arg(long, value_name = "NUMBER")]
    pub generation: Option<u64>,
    /// Which archive.
    #[command(flatten)]
    pub which: Which,
}

/// What is compared.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The number of a generation
    #[arg(value_name = "FROM")]
    pub from: u64,
    /// The number of another one [default: the one that stands]
    #[arg(value_name = "TO")]
    pub to: Option<u64>,
    /// Which archive.
    #[command(flatten)]
    pub which: Which,
}

/// What is served.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8000")]
    pub listen: std::net::SocketAddr,
    /// Which archive.
    #[command(flatten)]
    pub which: Which,
}

/// Reads a time; none at all is a time, too.
fn time(text: &str) -> Result<Duration, String> {
    let none = text.trim() == "0";
    let read = if none { Some(Duration::ZERO) } else { read_duration(text) };
    read.ok_or_else(|| "expected a time such as `0`, `12 h` or `7 d`".to_owned())
}

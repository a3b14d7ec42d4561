//! The words of commands about builders in clouds.

use clap::Args;

/// Which builders are shown.
#[derive(Debug, Args)]
pub struct BuildersArgs {
    /// Ask the clouds which instances are ours and belong to no builder
    #[arg(long, conflicts_with = "all")]
    pub orphans: bool,
    /// Those that are gone, too
    #[arg(long)]
    pub all: bool,
}

/// Which instances end.
#[derive(Debug, Args)]
pub struct TerminateArgs {
    /// Builders or instances, by name
    #[arg(value_name = "BUILDER", required_unless_present_any = ["all", "orphans"])]
    pub builders: Vec<String>,
    /// All that are ours
    #[arg(long)]
    pub all: bool,
    /// Those that belong to no builder
    #[arg(long)]
    pub orphans: bool,
}

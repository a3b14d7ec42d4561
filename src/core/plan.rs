//! What a run will do, step by step; prints itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::core::pinned::{Imported, Role};
use crate::core::recipe::{Builders, OrderedJob, PublishTarget};

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// Suites were pinned (an import only reads, so a plan does it).
    Import {
        /// What is pinned.
        imported: Imported,
        /// Source packages that can be chosen.
        sources: u64,
        /// Binary packages that chroots may see.
        packages: u64,
    },
    /// Sources were put in order (a decision, so a plan makes it).
    Order {
        /// Jobs in order.
        jobs: Vec<OrderedJob>,
        /// Sources that need each other.
        loops: Vec<Vec<String>>,
        /// What could not be built, and why, as far as is known now.
        unbuildable: Vec<(String, String)>,
    },
    /// Builders would be launched when there is work.
    Launch {
        /// The groups.
        builders: Vec<Builders>,
    },
    /// A stage would be built.
    Build {
        /// Its name.
        stage: String,
        /// How many jobs at most: results with the same inputs are taken from earlier runs.
        jobs: u64,
    },
    /// An archive would be published.
    Publish {
        /// Where to.
        to: PublishTarget,
        /// Its suite.
        suite: String,
        /// The stages in it.
        stages: Vec<String>,
        /// Whether real apt would install from it.
        prove: bool,
    },
    /// Results would be compared.
    Compare {
        /// The stages.
        stages: Vec<String>,
    },
}

/// The steps of a run, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// In the order of the recipe.
    pub steps: Vec<Step>,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| write!(f, "{step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Import { imported, sources, packages } => {
                writeln!(f, "import   {sources} source and {packages} binary packages for {}", imported.architecture)?;
                for suite in &imported.suites {
                    let role = match suite.role {
                        Role::Distribution | Role::Named => "",
                        Role::ThirdParty => "  (third party: never fed to a chroot)",
                    };
                    let hash = suite.release_sha256.to_string();
                    writeln!(f, "         {} {}  pinned at {}{role}", suite.uri, suite.suite, &hash[..12])?;
                }
                imported.notes.iter().try_for_each(|note| writeln!(f, "         note: {note}"))
            }
            Step::Order { jobs, loops, unbuildable } => {
                writeln!(f, "order    {} jobs", jobs.len())?;
                for job in jobs {
                    let after = match job.after.as_slice() {
                        [] => String::new(),
                        after => format!("  after {}", after.join(", ")),
                    };
                    writeln!(f, "         {} {} ({}){after}", job.source, job.version, job.arch)?;
                }
                for names in loops {
                    writeln!(f, "         loop: {} need each other to be built", names.join(", "))?;
                }
                unbuildable.iter().try_for_each(|(source, reason)| writeln!(f, "         {source}: {reason}"))
            }
            Step::Launch { builders } => builders.iter().try_for_each(|group| match group {
                Builders::Here { slots } => writeln!(f, "launch   this machine, {slots} at a time"),
            }),
            Step::Build { stage, jobs } => writeln!(f, "build    stage `{stage}`: up to {jobs} jobs"),
            Step::Publish { to, suite, stages, prove } => {
                let PublishTarget::Dir { path } = to;
                let prove = if *prove { ", then installed from with apt" } else { "" };
                let stages = stages.join(", ");
                writeln!(f, "publish  suite `{suite}` of {stages} to {}{prove}", path.display())
            }
            Step::Compare { stages } => writeln!(f, "compare  {} with what was imported", stages.join(", ")),
        }
    }
}

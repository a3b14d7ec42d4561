//! What a run will do, step by step; prints itself.

pub mod saved;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::core::flags::planned::PlannedFlags;
use crate::core::forecast::{Forecast, bytes, time};
use crate::core::order::text::{counted, loop_sentence};
use crate::core::pinned::{Imported, PinnedOverlay, Role};
use crate::core::recipe::loops::OrderLoop;
use crate::core::recipe::shared::Shared;
use crate::core::recipe::{Builders, OrderedJob, PublishTarget, Skipped};

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
        jobs: Shared<Vec<OrderedJob>>,
        /// Jobs that need each other.
        loops: Shared<Vec<OrderLoop>>,
        /// What could not be built, and why, as far as is known now.
        unbuildable: Vec<(String, String)>,
        /// What was asked for and has no job here.
        skipped: Vec<Skipped>,
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
        /// What it is expected to take.
        forecast: Forecast,
        /// What a person should look at before.
        warnings: Vec<String>,
        /// Which of the same builds it is, from 1.
        #[serde(default = "once")]
        repeat: u32,
        /// What they would be built with, and what is left out.
        #[serde(default)]
        flags: PlannedFlags,
        /// How its jobs are built, where the recipe says.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ways: Vec<Way>,
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

fn once() -> u32 {
    1
}

/// The steps of a run, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// In the order of the recipe.
    pub steps: Vec<Step>,
}

impl Plan {
    /// The rules that hold for no job of any stage, as a person is told of them; a stage of few packages may leave rules
    /// unused that are there for others.
    pub fn unused_rules(&self) -> Vec<String> {
        let mut of_stages = self.steps.iter().filter_map(|step| match step {
            Step::Build { flags, .. } => Some(&flags.unused_rules),
            Step::Import { .. }
            | Step::Order { .. }
            | Step::Launch { .. }
            | Step::Publish { .. }
            | Step::Compare { .. } => None,
        });
        let mut unused = of_stages.next().cloned().unwrap_or_default();
        of_stages.for_each(|of_stage| unused.retain(|rule| of_stage.contains(rule)));
        unused
    }
}

/// A way in which jobs of a stage begin to be tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// `native`, `cross on amd64`, `emulated as arm1176`.
    pub how: String,
    /// How many jobs.
    pub jobs: u64,
    /// Who says so, where it is not the first of the list.
    pub by: Option<String>,
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
                        // Told below, package by package.
                        Role::Overlay => continue,
                    };
                    let hash = suite.release_sha256.to_string();
                    writeln!(f, "         {} {}  pinned at {}{role}", suite.uri, suite.suite, &hash[..12])?;
                }
                for local in &imported.overlay {
                    let first = if local.first { ", built first" } else { "" };
                    let PinnedOverlay { kind, path, name, version, .. } = local;
                    let kind = kind.words();
                    writeln!(f, "         overlay: {name} {version}  ({kind} `{}`{first})", path.display())?;
                }
                imported.notes.iter().try_for_each(|note| writeln!(f, "         note: {note}"))
            }
            Step::Order { jobs, loops, unbuildable, skipped } => {
                writeln!(f, "order    {}", counted(jobs.len(), "job"))?;
                for job in jobs {
                    let after = match job.after.as_slice() {
                        [] => String::new(),
                        after => format!("  after {}", names(jobs, after)),
                    };
                    writeln!(f, "         {} {} ({}){after}", job.source, job.version, job.arch)?;
                }
                for found in loops {
                    writeln!(f, "         loop: {}", loop_sentence(found))?;
                }
                skipped.iter().try_for_each(|it| writeln!(f, "         {} is skipped: {}", it.source, it.reason))?;
                unbuildable.iter().try_for_each(|(source, reason)| writeln!(f, "         {source}: {reason}"))
            }
            Step::Launch { builders } => builders.iter().try_for_each(|group| match group {
                Builders::Here { slots: Some(slots) } => writeln!(f, "launch   this machine, {slots} at a time"),
                Builders::Here { slots: None } => writeln!(f, "launch   this machine"),
                Builders::Ec2(place) => writeln!(f, "launch   {place}"),
            }),
            Step::Build { stage, jobs, forecast, warnings, repeat, flags, ways } => {
                let repeat = if *repeat > 1 { format!(", repeat {repeat}") } else { String::new() };
                writeln!(f, "build    stage `{stage}`{repeat}: up to {}", counted(*jobs as usize, "job"))?;
                for Way { how, jobs, by } in ways {
                    let by = by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
                    writeln!(f, "         {how}: {}{by}", counted(*jobs as usize, "job"))?;
                }
                write!(f, "{flags}")?;
                expected(f, *jobs, forecast)?;
                warnings.iter().try_for_each(|warning| writeln!(f, "         warning: {warning}"))
            }
            Step::Publish { to, suite, stages, prove } => {
                let prove = if *prove { ", then installed from with apt" } else { "" };
                let stages = stages.join(", ");
                writeln!(f, "publish  suite `{suite}` of {stages} to {to}{prove}")
            }
            Step::Compare { stages } => writeln!(f, "compare  {} with what was imported", stages.join(", ")),
        }
    }
}

/// What a stage is expected to take, in words.
fn expected(f: &mut fmt::Formatter<'_>, jobs: u64, forecast: &Forecast) -> fmt::Result {
    if jobs == 0 {
        return Ok(());
    }
    let Forecast { slots, known, .. } = forecast;
    writeln!(
        f,
        "         expected: {} of builds, {} with {slots} at a time (the longest chain takes {}); {known} of {} known \
         from earlier builds",
        time(forecast.work_seconds),
        time(forecast.elapsed_seconds),
        time(forecast.chain_seconds),
        counted(jobs as usize, "estimate")
    )?;
    let (sources, disk) = (bytes(forecast.source_bytes), bytes(forecast.disk_bytes));
    writeln!(f, "         disk: {sources} of sources, about {disk} while they are built")
}

/// The sources of some jobs, each once.
fn names(jobs: &[OrderedJob], numbers: &[u32]) -> String {
    let mut names: Vec<&str> = numbers.iter().map(|&number| jobs[number as usize - 1].source.as_str()).collect();
    names.dedup();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::recipe::loops::{BrokenBy, LoopEdge};

    #[test]
    fn a_plan_prints_what_will_be_done_and_what_cannot_be() {
        let job = |source: &str, after: &[u32]| OrderedJob {
            source: source.to_owned(),
            version: "1.0-1".to_owned(),
            arch: "amd64".to_owned(),
            component: "main".to_owned(),
            after: after.to_vec(),
            estimate: 20,
            priority: 20,
            frees: 0,
            profiles: Vec::new(),
        };
        let plan = Plan {
            steps: vec![
                Step::Order {
                    jobs: vec![job("zlib", &[]), job("app", &[1])].into(),
                    loops: vec![OrderLoop {
                        sources: vec!["zlib".to_owned(), "app".to_owned()],
                        edges: vec![LoopEdge {
                            job: 1,
                            needs: 2,
                            through: vec!["app".to_owned()],
                            chroot: false,
                            broken_by: BrokenBy::OlderBinaries,
                        }],
                    }]
                    .into(),
                    unbuildable: vec![("zlib".to_owned(), "needs debhelper, which is not there".to_owned())],
                    skipped: vec![Skipped { source: "sed".to_owned(), reason: "not for us".to_owned() }],
                },
                Step::Launch { builders: vec![Builders::Here { slots: Some(2) }] },
                Step::Build {
                    stage: "first".to_owned(),
                    jobs: 2,
                    repeat: 1,
                    flags: PlannedFlags::default(),
                    ways: vec![Way { how: "cross on amd64".to_owned(), jobs: 2, by: None }],
                    forecast: Forecast {
                        slots: 2,
                        work_seconds: 600,
                        elapsed_seconds: 400,
                        chain_seconds: 300,
                        known: 1,
                        source_bytes: 2_000_000,
                        disk_bytes: 30_000_000,
                    },
                    warnings: vec!["look at this".to_owned()],
                },
                Step::Publish {
                    to: PublishTarget::Dir { path: "out".into() },
                    suite: "acme".to_owned(),
                    stages: vec!["first".to_owned()],
                    prove: false,
                },
            ],
        };
        let expected = "\
order    2 jobs
         zlib 1.0-1 (amd64)
         app 1.0-1 (amd64)  after zlib
         loop: zlib, app need each other to be built: 1 edge met by older binaries
         sed is skipped: not for us
         zlib: needs debhelper, which is not there
launch   this machine, 2 at a time
build    stage `first`: up to 2 jobs
         cross on amd64: 2 jobs
         expected: 10 min of builds, 6 min with 2 at a time (the longest chain takes 5 min); 1 of 2 estimates known \
from earlier builds
         disk: 2 MB of sources, about 30 MB while they are built
         warning: look at this
publish  suite `acme` of first to out
";
        assert_eq!(plan.to_string(), expected);
    }
}

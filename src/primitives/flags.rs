//! What each job is built with: the stage's variables, the flags of its variant, cell and rules, and what the recipe's
//! `choose_flags` says. A run and a plan ask here alike.

use anyhow::Context;
use rustc_hash::FxHashMap;
use serde_json::{Value as Json, json};

use crate::core::archive::{PackageRecord, SourceRecord};
use crate::core::flags::effective::{self, Asked, Environment};
use crate::core::flags::planned::{PlannedFlags, Skipped};
use crate::core::flags::{FlagSet, below};
use crate::core::hooks::skipped;
use crate::core::pinned::Imported;
use crate::core::recipe::BuildRequest;
use crate::core::rules::{self, Facts, Origins};
use crate::io::store::Store;
use crate::primitives::hooks::{Decide, Hook};
use crate::primitives::import::with_archive;
use crate::primitives::{Refusal, layers};

/// Refuses to build a variant below its base with anything of the base.
pub fn check_below(request: &BuildRequest, sources: &Imported, against: &Imported) -> anyhow::Result<()> {
    let Some(variant) = &request.flags.variant else { return Ok(()) };
    let compilers = layers::overlays(sources, against).iter().any(|local| local.first && local.kind.is_source());
    below::check(variant, &request.stage, &request.against, compilers).map_err(|text| Refusal::of_recipe(text).into())
}

/// What the jobs of a build would be built with, and what would be left out.
///
/// # Errors
/// What the indexes or the hook say.
pub fn planned(
    cache: &Store,
    imported: &Imported,
    request: &BuildRequest,
    hooks: &dyn Decide,
) -> anyhow::Result<PlannedFlags> {
    let mut planned = PlannedFlags::default();
    if request.flags.is_empty() && !hooks.has(Hook::ChooseFlags) {
        for job in &request.order.jobs {
            let environment = effective::environment(&request.environment, [], &job.profiles, &request.order.arch);
            planned.add(&job.source, environment, Vec::new());
        }
        return Ok(planned);
    }
    with_archive(cache, imported, |archive| {
        let feeds = archive.sources.iter().filter(|record| record.suite.role.feeds());
        let mut records: FxHashMap<(&str, &str), &SourceRecord<'_>> = FxHashMap::default();
        feeds.for_each(|record| {
            records.entry((record.source.name, record.source.version)).or_insert(record);
        });
        let jobs = &request.order.jobs;
        let wanted = jobs.iter().map(|job| {
            let record = records.get(&(job.source.as_str(), job.version.as_str()));
            let record = *record.with_context(|| format!("no source `{} {}`", job.source, job.version))?;
            Ok(Wanted { record, component: &job.component, arch: &job.arch, profiles: &job.profiles })
        });
        let wanted = wanted.collect::<anyhow::Result<Vec<_>>>()?;
        let chooser = Chooser::new(request, hooks, &archive.candidates());
        let facts: Vec<Facts<'_>> = wanted.iter().map(|job| chooser.facts(job)).collect();
        planned.unused_rules = rules::unused(&request.flags.rules, &facts);
        for (job, chosen) in jobs.iter().zip(chooser.choose(&wanted)?) {
            match chosen {
                Chosen::Build { environment, by } => planned.add(&job.source, environment, by),
                Chosen::Skip { reason } => {
                    let (source, arch) = (job.source.clone(), job.arch.clone());
                    planned.skipped.push(Skipped { source, arch, reason });
                }
            }
        }
        Ok(())
    })?;
    Ok(planned)
}

/// What is to be done with a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// It is built in this environment.
    Build {
        /// The variables.
        environment: Environment,
        /// Who asked for flags, in the order in which they were applied: `cell O3`, `rule 3 (oem.lua:22)`.
        by: Vec<String>,
    },
    /// The recipe leaves it out.
    Skip {
        /// In words, with who says so.
        reason: String,
    },
}

/// A job to choose for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'j> {
    /// Its source.
    pub record: &'j SourceRecord<'j>,
    /// The component that it is in.
    pub component: &'j str,
    /// A Debian architecture, or `all`.
    pub arch: &'j str,
    /// Build profiles that its order gave it.
    pub profiles: &'j [String],
}

/// Chooses for the jobs of one build.
pub struct Chooser<'c> {
    request: &'c BuildRequest,
    hooks: &'c dyn Decide,
    origins: Origins<'c>,
}

impl<'c> Chooser<'c> {
    /// Over the packages that the build sees below its stages.
    pub fn new(request: &'c BuildRequest, hooks: &'c dyn Decide, candidates: &[PackageRecord<'c>]) -> Chooser<'c> {
        let asks = request.flags.rules.iter().any(|rule| rule.when.asks_for_origins());
        let origins = match asks {
            true => Origins::of(candidates.iter().map(|record| record.package)),
            false => Origins::default(),
        };
        Chooser { request, hooks, origins }
    }

    /// What is to be done with each job, in their order.
    ///
    /// # Errors
    /// What the hook says.
    pub fn choose(&self, jobs: &[Wanted<'_>]) -> anyhow::Result<Vec<Chosen>> {
        let facts: Vec<Facts<'_>> = jobs.iter().map(|job| self.facts(job)).collect();
        let answers = self.answers(&facts)?;
        let chosen = jobs.iter().zip(&facts).zip(answers);
        chosen.map(|((job, facts), answer)| self.one(job, facts, answer)).collect()
    }

    /// What rules and hooks know of a job.
    pub fn facts<'f>(&'f self, job: &Wanted<'f>) -> Facts<'f> {
        Facts::new(job.record.source, job.component, job.arch, &self.request.order.arch, &self.origins)
    }

    fn answers(&self, facts: &[Facts<'_>]) -> anyhow::Result<Vec<Option<Json>>> {
        if !self.hooks.has(Hook::ChooseFlags) {
            return Ok(vec![None; facts.len()]);
        }
        let cell = match &self.request.flags.cell {
            Some(cell) => json!({ "name": cell.name }),
            None => json!({ "name": "" }),
        };
        let subjects: Vec<Json> =
            facts.iter().map(|facts| json!({ "source": facts.subject(), "cell": cell })).collect();
        self.hooks.decide_all(Hook::ChooseFlags, &subjects)
    }

    fn one(&self, job: &Wanted<'_>, facts: &Facts<'_>, answer: Option<Json>) -> anyhow::Result<Chosen> {
        let set = match answer {
            None => None,
            Some(answer) => {
                if let Some(why) = skipped(&answer) {
                    return Ok(Chosen::Skip { reason: format!("{} left it out: {why}", self.shown()) });
                }
                let set = FlagSet::read(answer).map_err(|problem| {
                    let (hook, source) = (self.shown(), job.record.source.name);
                    let expected = "expected a table of flags, or `cb.skip \"why\"`";
                    Refusal::of_recipe(format!("{hook} for `{source}`: {expected}: {problem}"))
                })?;
                Some(set)
            }
        };
        let mut asked = effective::asked(&self.request.flags, facts, set.as_ref());
        // Its place is the hook's own, so that a person finds it.
        if let Some(last) = asked.last_mut().filter(|last| set.as_ref().is_some_and(|set| std::ptr::eq(last.set, set)))
        {
            last.by = self.shown();
        }
        let sets = asked.iter().map(|asked: &Asked<'_>| asked.set);
        let of_stage = &self.request.environment;
        let environment = effective::environment(of_stage, sets, job.profiles, &self.request.order.arch);
        Ok(Chosen::Build { environment, by: asked.into_iter().map(|asked| asked.by).collect() })
    }

    /// The hook, as a person is told of it.
    fn shown(&self) -> String {
        match self.hooks.place(Hook::ChooseFlags) {
            Some(place) => format!("choose_flags ({place})"),
            None => "choose_flags".to_owned(),
        }
    }
}

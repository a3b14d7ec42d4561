//! How the jobs of a build would be built, as a plan tells it: by the recipe's list, and by what its `choose_how` says.

use anyhow::Context;
use rustc_hash::FxHashMap;
use serde_json::json;

use crate::core::archive::SourceRecord;
use crate::core::flags::planned::Skipped;
use crate::core::hooks::skipped;
use crate::core::how::{How, HowWord, time_factor};
use crate::core::order::ALL;
use crate::core::pinned::Imported;
use crate::core::plan::Way;
use crate::core::recipe::shared::Shared;
use crate::core::recipe::{BuildRequest, OrderedJob};
use crate::io::store::Store;
use crate::primitives::flags::{Chooser, Wanted};
use crate::primitives::hooks::{Decide, Hook};
use crate::primitives::import::with_archive;

/// What a plan knows of it.
#[derive(Debug)]
pub struct Planned {
    /// How many jobs begin in which way; nothing where the recipe does not say.
    pub ways: Vec<Way>,
    /// What `choose_how` leaves out.
    pub skipped: Vec<Skipped>,
    /// The jobs with what they are expected to take in that way.
    pub jobs: Shared<Vec<OrderedJob>>,
}

/// How the jobs of a build would be built.
///
/// # Errors
/// What the indexes or the hook say.
pub fn planned(
    cache: &Store,
    imported: &Imported,
    request: &BuildRequest,
    hooks: &dyn Decide,
) -> anyhow::Result<Planned> {
    let jobs = request.order.jobs.clone();
    let mut planned = Planned { ways: Vec::new(), skipped: Vec::new(), jobs };
    if request.how.is_empty() && !hooks.has(Hook::ChooseHow) {
        return Ok(planned);
    }
    let firsts = firsts(cache, imported, request, hooks, &mut planned.skipped)?;
    let list = if request.how.is_empty() { How::usual() } else { request.how.clone() };
    let mut jobs = request.order.jobs.to_vec();
    for (job, first) in jobs.iter_mut().zip(&firsts) {
        let Some((first, by)) = first else { continue };
        if job.arch != ALL {
            job.estimate = job.estimate.saturating_mul(u64::from(time_factor(&list, *first)));
        }
        let begins = |how: &&How| first.is_none_or(|word| how.word() == word);
        // The architecture-independent half runs on the build architecture, where there is one.
        let how = list.iter().find(begins).map_or_else(|| "native".to_owned(), ToString::to_string);
        if job.arch != ALL {
            match planned.ways.iter_mut().find(|way| (&way.how, &way.by) == (&how, by)) {
                Some(way) => way.jobs += 1,
                None => planned.ways.push(Way { how, jobs: 1, by: by.clone() }),
            }
        }
    }
    chains(&mut jobs);
    planned.jobs = jobs.into();
    Ok(planned)
}

/// Where a job begins in the list, and who said so.
type First = Option<(Option<HowWord>, Option<String>)>;

/// Where each job begins; `None` for one that is left out.
fn firsts(
    cache: &Store,
    imported: &Imported,
    request: &BuildRequest,
    hooks: &dyn Decide,
    left_out: &mut Vec<Skipped>,
) -> anyhow::Result<Vec<First>> {
    let jobs = &request.order.jobs;
    let mut firsts: Vec<First> = vec![Some((None, None)); jobs.len()];
    if !hooks.has(Hook::ChooseHow) {
        return Ok(firsts);
    }
    let by = format!("`choose_how` ({})", hooks.place(Hook::ChooseHow).unwrap_or_default());
    with_archive(cache, imported, |archive| {
        let mut records: FxHashMap<(&str, &str), &SourceRecord<'_>> = FxHashMap::default();
        archive.sources.iter().filter(|record| record.suite.role.feeds()).for_each(|record| {
            records.entry((record.source.name, record.source.version)).or_insert(record);
        });
        let chooser = Chooser::new(request, hooks, &archive.candidates());
        let open: Vec<usize> = (0..jobs.len()).filter(|&at| jobs[at].arch != ALL).collect();
        let subject = |&at: &usize| {
            let job = &jobs[at];
            let record = records.get(&(job.source.as_str(), job.version.as_str()));
            let record = *record.with_context(|| format!("no source `{} {}`", job.source, job.version))?;
            let wanted = Wanted { record, component: &job.component, arch: &job.arch, profiles: &job.profiles };
            Ok(json!({ "source": chooser.facts(&wanted).subject() }))
        };
        let subjects = open.iter().map(subject).collect::<anyhow::Result<Vec<_>>>()?;
        for (at, answer) in open.into_iter().zip(hooks.decide_all(Hook::ChooseHow, &subjects)?) {
            let Some(answer) = answer else { continue };
            firsts[at] = match skipped(&answer) {
                Some(why) => {
                    let (source, arch) = (jobs[at].source.clone(), jobs[at].arch.clone());
                    left_out.push(Skipped { source, arch, reason: format!("{by} left it out: {why}") });
                    None
                }
                None => {
                    let word: HowWord = serde_json::from_value(answer).context("the answer of `choose_how`")?;
                    Some((Some(word), Some(by.clone())))
                }
            };
        }
        Ok(())
    })?;
    Ok(firsts)
}

/// Says anew how long the chain of builds is that begins with each job.
fn chains(jobs: &mut [OrderedJob]) {
    let mut longest = vec![0u64; jobs.len()];
    for at in (0..jobs.len()).rev() {
        jobs[at].priority = jobs[at].estimate.saturating_add(longest[at]);
        for need in &jobs[at].after {
            let need = *need as usize - 1;
            longest[need] = longest[need].max(jobs[at].priority);
        }
    }
}

//! Explain: how a package stands, why, and what to do about it; and what it holds up.
//!
//! **Invariant:** what is said follows from what is handed in; nothing is looked up.

use std::fmt;

use serde::Serialize;

use crate::core::flags::overridden::Overridden;
use crate::core::how::HowWord;
use crate::core::install::refusal::Refusal;
use crate::core::order::csr::Csr;
use crate::core::order::text::{counted, edge_sentence, seconds};
use crate::core::overlay::confirm::Superseding;
use crate::core::recipe::{OrderResult, OrderedJob};

/// Other jobs that a person is shown; the rest is in the JSON.
const SHOWN: usize = 10;

/// How a job stands in a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The stage.
    pub stage: String,
    /// A job state in its text form.
    pub state: String,
    /// Whether that is an end.
    pub ended: bool,
    /// In words, for a job that ended without packages.
    pub reason: Option<String>,
    /// Its log, if there is one.
    pub log: Option<String>,
    /// Who asked for flags of its own: `cell O3`, `rule 3 (oem.lua:22)`.
    pub flags_by: Vec<String>,
    /// How it is built, once that was chosen.
    pub how: Option<HowWord>,
    /// Flags that were asked for and that the package has otherwise.
    pub overridden: Vec<Overridden>,
    /// The packages of the overlay that it was built with.
    pub superseded: Vec<Superseding>,
    /// What the recipe's hooks decided of it, in words, with the place of each.
    pub decided: Vec<String>,
}

/// Whether build-dependencies can be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Packages beside those of the chroot, or why not, with the first alternatives only, as builds take them.
    pub first: Result<usize, Refusal>,
    /// Whether they could with any alternative.
    pub any: bool,
}

/// How a job stands, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Its packages are there.
    Installed,
    /// A builder is at it.
    Building,
    /// It ended without packages.
    Failed,
    /// It waits for other jobs.
    Waiting,
    /// Its build-dependencies cannot be installed.
    Uninstallable,
    /// Nothing is in its way.
    Ready,
}

/// Another job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Other {
    /// Source package name.
    pub source: String,
    /// A Debian architecture, or `all`.
    pub arch: String,
    /// Its state in the run, if there is one.
    pub state: Option<String>,
    /// How many jobs it holds up itself.
    pub frees: u32,
    /// Whether there is no other job between.
    pub direct: bool,
}

/// How one job stands, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The stage, if a run has it.
    pub stage: Option<String>,
    /// Source package name.
    pub source: String,
    /// Its version.
    pub version: String,
    /// A Debian architecture, or `all`.
    pub arch: String,
    /// How it stands.
    pub verdict: Verdict,
    /// Why, in words.
    pub reason: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// Packages that its build installs beside those of the chroot, where that can be done now.
    pub installs: Option<u64>,
    /// Its place in the order, from 1, if it is in one.
    pub number: Option<u32>,
    /// Seconds that it is thought to take.
    pub estimate: Option<u64>,
    /// Jobs that wait for it, directly or not.
    pub frees: u32,
    /// What it waits for directly and that has not ended.
    pub waits_for: Vec<Other>,
    /// What it does not wait for though it needs it, since the order broke a loop there.
    pub cut: Vec<String>,
    /// The log of its last attempt.
    pub log: Option<String>,
    /// Who asked for flags of its own, in the order in which they are applied.
    pub flags_by: Vec<String>,
    /// How it is built, once that was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub how: Option<HowWord>,
    /// Flags that were asked for and that the package has otherwise.
    pub overridden: Vec<Overridden>,
    /// The packages of the overlay that it was built with, as was confirmed.
    pub superseded: Vec<Superseding>,
    /// What the recipe's hooks decided of it, in words, with the place of each.
    pub decided: Vec<String>,
}

/// What a package holds up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blocks {
    /// Source package name.
    pub source: String,
    /// A Debian architecture, or `all`.
    pub arch: String,
    /// Those that hold up most first.
    pub jobs: Vec<Other>,
    /// Sources among them.
    pub sources: u64,
}

/// How jobs of an order stand in a run, by their number from 1; `None`: it has no row yet.
pub type States<'s> = &'s dyn Fn(u32) -> Option<Standing>;

/// Explains the job of that number, from 1.
pub fn explain(order: &OrderResult, number: u32, states: States<'_>, answer: &Answer) -> Explanation {
    let job = &order.jobs[number as usize - 1];
    let standing = states(number);
    let open = |need: &&u32| states(**need).is_none_or(|need| !need.ended);
    let waits_for: Vec<Other> = job.after.iter().filter(open).map(|&need| other(order, need, states, true)).collect();
    let state = standing.as_ref().map_or("needs-build", |standing| standing.state.as_str());
    let ended = standing.as_ref().is_some_and(|standing| standing.ended);
    let (verdict, reason, hint) = match state {
        "installed" => (Verdict::Installed, None, None),
        "building" => (Verdict::Building, None, Some(format!("`cloudbuild logs -f {}` follows it", job.source))),
        _ if ended => {
            let reason = standing.as_ref().and_then(|standing| standing.reason.clone());
            let hint = match (&answer.first, state) {
                (Err(refusal), "bd-uninstallable") => refusal.hint(),
                _ => Some(format!("`cloudbuild logs {}` shows the build; a new run tries it again", job.source)),
            };
            (Verdict::Failed, reason, hint)
        }
        _ if !waits_for.is_empty() => {
            let hint = waits_for
                .iter()
                .max_by_key(|other| other.frees)
                .map(|other| format!("`cloudbuild explain {}` tells what that waits for", other.source));
            (Verdict::Waiting, None, hint)
        }
        _ => unfinished(answer),
    };
    let cut = order.loops.iter().flat_map(|found| &found.edges).filter(|edge| edge.job == number);
    Explanation {
        stage: standing.as_ref().map(|standing| standing.stage.clone()),
        source: job.source.clone(),
        version: job.version.clone(),
        arch: job.arch.clone(),
        verdict,
        reason,
        hint,
        installs: answer.first.as_ref().ok().map(|&count| count as u64),
        number: Some(number),
        estimate: Some(job.estimate),
        frees: job.frees,
        waits_for,
        cut: cut.map(|edge| edge_sentence(edge, &order.jobs)).collect(),
        log: standing.as_ref().and_then(|standing| standing.log.clone()),
        flags_by: standing.as_ref().map(|standing| standing.flags_by.clone()).unwrap_or_default(),
        how: standing.as_ref().and_then(|standing| standing.how),
        superseded: standing.as_ref().map(|standing| standing.superseded.clone()).unwrap_or_default(),
        overridden: standing.as_ref().map(|standing| standing.overridden.clone()).unwrap_or_default(),
        decided: standing.map(|standing| standing.decided).unwrap_or_default(),
    }
}

/// Explains a source that is in no order.
pub fn explain_alone(source: &str, version: &str, arch: &str, answer: &Answer) -> Explanation {
    let (verdict, reason, hint) = unfinished(answer);
    Explanation {
        stage: None,
        source: source.to_owned(),
        version: version.to_owned(),
        arch: arch.to_owned(),
        verdict,
        reason,
        hint,
        installs: answer.first.as_ref().ok().map(|&count| count as u64),
        number: None,
        estimate: None,
        frees: 0,
        waits_for: Vec::new(),
        cut: Vec::new(),
        log: None,
        flags_by: Vec::new(),
        how: None,
        overridden: Vec::new(),
        superseded: Vec::new(),
        decided: Vec::new(),
    }
}

/// What is to be said of a job that nothing else keeps from being built.
fn unfinished(answer: &Answer) -> (Verdict, Option<String>, Option<String>) {
    match &answer.first {
        Ok(_) => (Verdict::Ready, None, None),
        Err(refusal) => {
            let other = "another alternative would do, but builds take the first one only: \
                         name the other one first in Build-Depends";
            let hint = if answer.any { Some(other.to_owned()) } else { refusal.hint() };
            (Verdict::Uninstallable, Some(refusal.to_string()), hint)
        }
    }
}

fn other(order: &OrderResult, number: u32, states: States<'_>, direct: bool) -> Other {
    let job = &order.jobs[number as usize - 1];
    Other {
        source: job.source.clone(),
        arch: job.arch.clone(),
        state: states(number).map(|standing| standing.state),
        frees: job.frees,
        direct,
    }
}

/// What the job of that number, from 1, holds up: those first that hold up most themselves.
pub fn blocks(order: &OrderResult, number: u32, states: States<'_>) -> Blocks {
    let rows: Vec<Vec<u32>> = order.jobs.iter().map(|job| job.after.iter().map(|need| need - 1).collect()).collect();
    let users = Csr::of_rows(&rows).reversed();
    let (mut seen, mut waiting) = (vec![false; order.jobs.len()], vec![number - 1]);
    let mut jobs: Vec<(u32, Other)> = Vec::new();
    while let Some(job) = waiting.pop() {
        for &user in users.of(job) {
            if !std::mem::replace(&mut seen[user as usize], true) {
                let direct = order.jobs[user as usize].after.contains(&number);
                jobs.push((user, other(order, user + 1, states, direct)));
                waiting.push(user);
            }
        }
    }
    jobs.sort_by_key(|(place, other)| (std::cmp::Reverse(other.frees), *place));
    let jobs: Vec<Other> = jobs.into_iter().map(|(_, other)| other).collect();
    let mut sources: Vec<&str> = jobs.iter().map(|other| other.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    let OrderedJob { source, arch, .. } = &order.jobs[number as usize - 1];
    Blocks { source: source.clone(), arch: arch.clone(), sources: sources.len() as u64, jobs }
}

impl Verdict {
    /// In words, after the job's name.
    fn sentence(self) -> &'static str {
        match self {
            Verdict::Installed => "is built",
            Verdict::Building => "is being built",
            Verdict::Failed => "was not built",
            Verdict::Waiting => "waits for other jobs",
            Verdict::Uninstallable => "cannot be built",
            Verdict::Ready => "can be built",
        }
    }
}

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.source, self.arch)?;
        match &self.state {
            Some(state) => write!(f, " ({state})"),
            None => Ok(()),
        }
    }
}

/// Names, as many as a person wants to read.
fn shown<T: fmt::Display>(all: &[T]) -> String {
    let some: Vec<String> = all.iter().take(SHOWN).map(T::to_string).collect();
    let more = all.len().saturating_sub(SHOWN);
    if more == 0 { some.join(", ") } else { format!("{} and {more} more", some.join(", ")) }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.source, self.version, self.arch)?;
        if let Some(stage) = &self.stage {
            write!(f, ", stage {stage},")?;
        }
        write!(f, " {}", self.verdict.sentence())?;
        if let Some(reason) = &self.reason {
            // A refusal is the second half of a sentence, what a build ended with is one by itself.
            let it = if self.verdict == Verdict::Uninstallable { "it " } else { "" };
            write!(f, "\n  {it}{reason}")?;
        }
        if !self.waits_for.is_empty() {
            write!(f, "\n  waits for {}", shown(&self.waits_for))?;
        }
        if let Some(count) = self.installs {
            write!(f, "\n  its build installs {} beside the chroot's", counted(count as usize, "package"))?;
        }
        if let (Some(number), Some(estimate)) = (self.number, self.estimate) {
            let frees = counted(self.frees as usize, "job");
            write!(f, "\n  number {number} of its order; takes about {}, holds up {frees}", seconds(estimate))?;
        }
        for sentence in self.cut.iter().take(SHOWN) {
            write!(f, "\n  in a loop: {sentence}")?;
        }
        if !self.superseded.is_empty() {
            write!(f, "\n  built with {} of the overlay", shown(&self.superseded))?;
        }
        if let Some(how) = self.how.filter(|how| *how != HowWord::Native) {
            write!(f, "\n  it is built {how}")?;
        }
        if !self.flags_by.is_empty() {
            write!(f, "\n  its flags are asked for by {}", self.flags_by.join(", "))?;
        }
        for overridden in &self.overridden {
            write!(f, "\n  overridden by package: {overridden}")?;
        }
        for decision in &self.decided {
            write!(f, "\n  decided by {decision}")?;
        }
        if let Some(log) = &self.log {
            write!(f, "\n  log: {log}")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (jobs, sources) = (counted(self.jobs.len(), "job"), counted(self.sources as usize, "source package"));
        write!(f, "{}:{} holds up {jobs} of {sources}", self.source, self.arch)?;
        for other in self.jobs.iter().take(2 * SHOWN) {
            let how = if other.direct { "directly" } else { "by way of others" };
            write!(f, "\n  {other}, {how}, which holds up {}", counted(other.frees as usize, "job"))?;
        }
        match self.jobs.len().saturating_sub(2 * SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more; --json lists them"),
        }
    }
}

/// How people name a job that they ask about: the number, from 1, of each job of an order that `word` means.
pub fn meant<'o>(order: &'o OrderResult, source: &'o str, arch: Option<&'o str>) -> impl Iterator<Item = u32> + 'o {
    let fits = move |job: &OrderedJob| job.source == source && arch.is_none_or(|arch| arch == job.arch);
    (1..).zip(&order.jobs).filter(move |(_, job)| fits(job)).map(|(number, _)| number)
}

#[cfg(test)]
mod tests;

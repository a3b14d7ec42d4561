//! Which run a start of a recipe is: the unfinished one, one that adopts what it did, or a new one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::Value as Json;

use super::exit::{Exit, Failure};
use crate::core::codes::Code;
use crate::core::edits;
use crate::core::events::{Event, Listener};
use crate::core::ids::RunId;
use crate::io::clock;
use crate::io::state::runs::{self, NewRun, Run, RunStatus};
use crate::io::state::{State, jobs};
use crate::lua::recipe::{Recipe, RunOptions};
use crate::primitives::Perform;
use crate::primitives::journal::{Kept, Replay};
use crate::primitives::view;

/// What is done about an unfinished run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// It is gone on with, if nothing was edited.
    GoOn,
    /// It is gone on with as far as the edited recipe asks for the same.
    Adopt,
    /// It is left behind.
    Restart,
}

/// What is started.
pub struct Start<'s> {
    /// The recipe as it is now.
    pub recipe: &'s Recipe,
    /// Its arguments.
    pub arguments: &'s BTreeMap<String, Json>,
    /// The saved plan that is to be done, if one is.
    pub plan: Option<Json>,
    /// What is done about an unfinished run.
    pub unfinished: Unfinished,
    /// Hears what was adopted.
    pub listener: &'s Arc<dyn Listener>,
}

/// The run that is gone on with, or a new one.
pub fn begin(state: &State, dir: &Path, start: &Start<'_>) -> anyhow::Result<Run> {
    let arguments = serde_json::to_value(start.arguments).context("write the arguments as JSON")?;
    let new =
        NewRun { recipe_hash: start.recipe.hash, files: start.recipe.files(), arguments, plan: start.plan.clone() };
    let unfinished = match start.unfinished {
        Unfinished::Restart => None,
        Unfinished::GoOn | Unfinished::Adopt => state.read(runs::unfinished)?,
    };
    let Some(run) = unfinished else { return anew(state, dir, new) };
    // Who starts a run of a plan again need not name the plan again.
    let same_plan = new.plan.is_none() || run.plan == new.plan;
    let same = run.recipe_hash == new.recipe_hash && run.arguments == new.arguments && same_plan;
    // A run that has no jobs yet has nothing to lose, so a corrected recipe simply starts anew.
    let begun = !state.read(|db| jobs::by_run(db, run.id))?.is_empty();
    match start.unfinished {
        Unfinished::Adopt if begun => adopt(state, start, &run, new),
        Unfinished::GoOn | Unfinished::Adopt | Unfinished::Restart if same => resume(state, run.id),
        Unfinished::GoOn if begun => Err(edited(state, start.recipe, &run, &new)?.into()),
        Unfinished::GoOn | Unfinished::Adopt | Unfinished::Restart => anew(state, dir, new),
    }
}

fn resume(state: &State, run: RunId) -> anyhow::Result<Run> {
    state.write(move |tx| runs::resume(tx, run))?;
    there(state, run)
}

fn there(state: &State, run: RunId) -> anyhow::Result<Run> {
    state.read(|db| runs::get(db, run))?.with_context(|| format!("run {run} is not there any more"))
}

fn anew(state: &State, dir: &Path, new: NewRun) -> anyhow::Result<Run> {
    view::remove_all(dir)?;
    let now = clock::now().as_millisecond();
    let run = state.write(move |tx| {
        // Builders are offered the jobs of active runs only, so what a run that was left behind offered is void.
        if let Some(left) = runs::unfinished(tx)? {
            runs::end(tx, left.id, RunStatus::Interrupted, now)?;
        }
        runs::start(tx, &new, now)
    })?;
    there(state, run)
}

/// The refusal of a run whose recipe or arguments are not what they were, with what was edited.
fn edited(state: &State, recipe: &Recipe, run: &Run, new: &NewRun) -> anyhow::Result<Failure> {
    let before = state.read(|db| runs::files(db, run.id))?;
    let (what, diff) = if run.recipe_hash != new.recipe_hash {
        ("the recipe was edited", edits::of_files(&before, &new.files))
    } else if run.arguments != new.arguments {
        ("its arguments are others", edits::of_arguments(&run.arguments, &new.arguments))
    } else {
        ("another plan is asked for", String::new())
    };
    let message = format!("run {} of `{}` is unfinished, and {what} since\n{diff}", run.id, recipe.file());
    let hint = "take the change back to go on with it; or go on as far as the edited recipe asks for the same with \
                --adopt; or start anew with --restart: results with the same inputs are taken over either way";
    Ok(Failure::new(Exit::Recipe, message.trim_end()).code(Code::Edited).hint(hint))
}

/// Runs the edited recipe against the journal alone, and starts a run with what is the same.
fn adopt(state: &State, start: &Start<'_>, run: &Run, new: NewRun) -> anyhow::Result<Run> {
    let replay = Arc::new(Replay::new(state.clone(), run.id));
    let options = RunOptions { seed: run.seed.unsigned_abs(), ..RunOptions::default() };
    let replayed = start.recipe.run(Arc::clone(&replay) as Arc<dyn Perform>, start.arguments.clone(), options);
    // It ends with an error where the journal ends; one of the recipe's own comes again when it is run for real.
    if let Err(error) = replayed {
        tracing::debug!(%error, "how far the journal answers the edited recipe");
    }
    let kept = replay.kept();
    let same = run.recipe_hash == new.recipe_hash && run.arguments == new.arguments;
    if same && kept.differs.is_none() {
        return resume(state, run.id);
    }
    let (from, calls, now) = (run.id, u32::try_from(kept.calls.len())?, clock::now().as_millisecond());
    let stages = kept.stages.clone();
    let adopted = state.write(move |tx| runs::adopt(tx, from, &new, calls, &stages, now))?;
    start.listener.hear(&Event::Note { text: told(run.id, &kept) });
    there(state, adopted)
}

/// What was adopted, in words.
fn told(run: RunId, kept: &Kept) -> String {
    let calls = match kept.calls.as_slice() {
        [] => "no call".to_owned(),
        [one] => format!("one call ({one})"),
        calls => format!("{} calls ({})", calls.len(), calls.join(", ")),
    };
    let stages: Vec<String> = kept.stages.iter().map(|stage| format!("`{stage}`")).collect();
    let jobs = match stages.as_slice() {
        [] => String::new(),
        [one] => format!(" and the jobs of stage {one}"),
        several => format!(" and the jobs of stages {}", several.join(", ")),
    };
    let rest = match &kept.differs {
        None => "; what comes after is done as the recipe says now".to_owned(),
        Some((before, now)) => {
            let call = kept.calls.len() + 1;
            let how = match before == now {
                true => format!("`{now}` with other arguments"),
                false => format!("`{now}` instead of `{before}`"),
            };
            format!("; call {call} is {how}, so the rest of the journal is dropped and done anew")
        }
    };
    format!("adopted from run {run}: {calls}{jobs}{rest}")
}

#[cfg(test)]
mod tests;

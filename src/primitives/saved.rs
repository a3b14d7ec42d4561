//! Performs a saved plan: what was decided when it was made is done now, or the run stops and says what moved.

use std::collections::HashMap;
use std::sync::Arc;

use crate::core::ids::ImportId;
use crate::core::plan::saved::{SavedPlan, moved};
use crate::core::recipe::{ImportResult, Request, Response};
use crate::io::state::State;
use crate::io::store::Store;
use crate::primitives::{Perform, Refusal, import};

/// Performs for real, as a plan says.
pub struct Saved {
    plan: SavedPlan,
    inner: Arc<dyn Perform>,
    state: State,
    cache: Store,
}

impl Saved {
    /// Over who performs; `state` has what is imported now, `cache` the indexes.
    pub fn new(plan: SavedPlan, inner: Arc<dyn Perform>, state: State, cache: Store) -> Saved {
        Saved { plan, inner, state, cache }
    }

    /// Whether an import pinned the same indexes as the plan.
    fn check(&self, planned: &ImportResult, now: ImportId) -> anyhow::Result<()> {
        if planned.import == now {
            return Ok(());
        }
        let imported = import::pinned(&self.state, now)?;
        let versions = self.plan.versions(planned.import);
        let lines = import::with_archive(&self.cache, &imported, |archive| {
            let chosen = archive.chosen_sources();
            let there: HashMap<&str, &str> =
                chosen.iter().map(|(name, record)| (*name, record.source.version)).collect();
            let before = self.plan.imported(planned.import);
            Ok(before.map(|before| moved(before, &imported, &versions, &there)).unwrap_or_default())
        })?;
        let lines: String = lines.iter().map(|line| format!("\n  {line}")).collect();
        let text = format!(
            "the archives are not what they were when the plan was made:{lines}\nhint: plan again with `cloudbuild plan \
             -o`, look at the new plan, and run that"
        );
        Err(Refusal::of_world(text).into())
    }
}

impl Perform for Saved {
    fn perform(&self, request: Request) -> anyhow::Result<Response> {
        let decided = self.plan.decided(&request).cloned();
        match (&request, decided) {
            (Request::Import(_), Some(Response::Import(planned))) => {
                let response = self.inner.perform(request)?;
                if let Response::Import(now) = &response {
                    self.check(&planned, now.import)?;
                }
                Ok(response)
            }
            (Request::Import(_), _) => {
                let text = "the recipe imports what the plan does not\nhint: plan again with `cloudbuild plan -o`";
                Err(Refusal::of_recipe(text).into())
            }
            (Request::Order(_), Some(response)) => Ok(response),
            (
                Request::Order(_) | Request::Launch(_) | Request::Build(_) | Request::Publish(_) | Request::Compare(_),
                _,
            ) => self.inner.perform(request),
        }
    }
}

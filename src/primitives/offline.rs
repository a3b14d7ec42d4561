//! Performs on a sample archive, without network or builders: what `recipe check` and `recipe test` run recipes on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::core::events::Listener;
use crate::core::job::JobState;
use crate::core::plan::Plan;
use crate::core::recipe::{Request, Response};
use crate::core::sample::{self, Sample};
use crate::io::store::Store;
use crate::primitives::Perform;
use crate::primitives::planned::{Planned, World};

/// Answers as a run would whose builds end as one says, and remembers what it was asked.
pub struct Offline {
    planned: Planned,
    failures: BTreeMap<String, String>,
    asked: Mutex<Vec<(Request, Option<Response>)>>,
}

impl Offline {
    /// Over a sample archive, whose indexes are kept in `store`. `failures` are sources that do not build, each with the
    /// class of its failure.
    pub fn new(
        sample: &Sample,
        architecture: &str,
        failures: BTreeMap<String, String>,
        store: Store,
        listener: Arc<dyn Listener>,
    ) -> anyhow::Result<Offline> {
        let sample = sample.clone();
        let kept = store.clone();
        let world = World::Sample(Box::new(move |architecture: &str| {
            let (imported, texts) = sample::written(&sample, architecture);
            for text in texts {
                kept.insert(text.as_bytes())?;
            }
            Ok(imported)
        }));
        let planned = Planned::over(world, store, listener, architecture.to_owned());
        Ok(Offline { planned, failures, asked: Mutex::default() })
    }

    /// What was asked so far, with the answers; `None`: it was refused.
    pub fn asked(&self) -> Vec<(Request, Option<Response>)> {
        self.seen().clone()
    }

    /// The steps so far.
    pub fn plan(&self) -> Plan {
        self.planned.plan()
    }

    fn seen(&self) -> MutexGuard<'_, Vec<(Request, Option<Response>)>> {
        self.asked.lock().expect("nobody panics while holding this lock")
    }

    /// The answer, with the failures that were asked for.
    fn failing(&self, mut response: Response) -> Response {
        if let Response::Build(built) = &mut response {
            for job in &mut built.jobs {
                if let Some(class) = self.failures.get(&job.source) {
                    job.state = JobState::BuildAttempted.text().to_owned();
                    job.reason = Some(class.clone());
                }
            }
        }
        response
    }
}

impl Perform for Offline {
    fn perform(&self, request: Request) -> anyhow::Result<Response> {
        let answer = self.planned.perform(request.clone()).map(|response| self.failing(response));
        self.seen().push((request, answer.as_ref().ok().cloned()));
        answer
    }
}

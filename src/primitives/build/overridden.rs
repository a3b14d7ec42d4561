//! What packages made of the flags that were asked for, found in the logs of their builds.

use std::collections::BTreeMap;

use super::Stage;
use crate::core::flags::effective::asks_for_flags;
use crate::core::flags::overridden::{Overridden, Said};
use crate::core::ids::JobId;
use crate::io::files;
use crate::io::state::{flags, jobs};

/// No more of a log is read, in bytes: what is looked for stands before the build, or where a package says it itself.
const MOST_READ: u64 = 256 << 20;

/// Looks at the logs of jobs that have ended and that nobody looked at, and keeps what was found with the jobs.
pub fn look(stage: &Stage<'_>, ended: &[jobs::Job]) -> anyhow::Result<BTreeMap<JobId, Vec<Overridden>>> {
    let known = stage.state.read(|db| flags::by_run(db, stage.run))?;
    let mut found = BTreeMap::new();
    for job in ended {
        let Some(flags) = known.get(&job.id) else { continue };
        let overridden = match &flags.overridden {
            Some(overridden) => overridden.clone(),
            None => {
                let overridden = of_job(stage, job)?;
                let (id, kept) = (job.id, overridden.clone());
                stage.state.write(move |tx| flags::set_overridden(tx, id, &kept))?;
                overridden
            }
        };
        found.insert(job.id, overridden);
    }
    Ok(found)
}

fn of_job(stage: &Stage<'_>, job: &jobs::Job) -> anyhow::Result<Vec<Overridden>> {
    let Some(offer) = stage.state.read(|db| jobs::offer(db, job.id))? else { return Ok(Vec::new()) };
    let log = stage.state.read(|db| jobs::log(db, job))?;
    match log.filter(|_| asks_for_flags(&offer.environment)) {
        Some(log) => {
            let mut said = Said::of(&offer.environment);
            files::each_line(&stage.dir.join(log), MOST_READ, |line| said.take(line))?;
            Ok(said.overridden())
        }
        None => Ok(Vec::new()),
    }
}

//! What packages made of the flags that were asked for, found in the logs of their builds.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context;

use super::Stage;
use crate::core::flags::effective::asks_for_flags;
use crate::core::flags::overridden::{Overridden, Status};
use crate::core::ids::JobId;
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
        Some(log) => Ok(status(&stage.dir.join(log))?.overridden(&offer.environment)),
        None => Ok(Vec::new()),
    }
}

/// What dpkg-buildflags said in a log; nothing where there is no log any more.
fn status(log: &Path) -> anyhow::Result<Status> {
    let mut status = Status::default();
    let file = match File::open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(status),
        Err(error) => return Err(error).with_context(|| format!("open `{}`", log.display())),
    };
    let mut reader = BufReader::new(file.take(MOST_READ));
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).with_context(|| format!("read `{}`", log.display()))? == 0 {
            return Ok(status);
        }
        status.take(line.trim_ascii_end());
    }
}

//! What builds would give, as a plan goes on with it.

use std::collections::HashSet;

use rustc_hash::FxHashMap;

use super::Planned;
use crate::core::flags::planned::PlannedFlags;
use crate::core::ids::JobId;
use crate::core::job::JobState;
use crate::core::recipe::{BuildRequest, BuildResult, BuiltJob, OrderResult, OrderedJob};
use crate::primitives::{import, layers};

impl Planned {
    /// A plan goes on as if all went well: what comes after a build is planned, too.
    pub(super) fn as_if_built(&self, request: &BuildRequest, flags: &PlannedFlags) -> anyhow::Result<BuildResult> {
        let skipped: FxHashMap<(&str, &str), &str> = flags
            .skipped
            .iter()
            .map(|skipped| ((skipped.source.as_str(), skipped.arch.as_str()), skipped.reason.as_str()))
            .collect();
        let reason = |job: &OrderedJob| skipped.get(&(job.source.as_str(), job.arch.as_str())).map(ToString::to_string);
        let state = |job: &OrderedJob| match reason(job) {
            Some(_) => JobState::AutoNotForUs,
            None => JobState::Installed,
        };
        let jobs = (1..).zip(&request.order.jobs).map(|(number, job)| BuiltJob {
            job: JobId(number),
            source: job.source.clone(),
            version: job.version.clone(),
            arch: job.arch.clone(),
            state: state(job).text().to_owned(),
            reused: false,
            inputs: None,
            reason: reason(job),
            seconds: 0,
            overridden: Vec::new(),
            verified: Vec::new(),
        });
        Ok(BuildResult {
            stage: request.stage.clone(),
            import: layers::import_of(&request.against, request.order.import)?,
            arch: request.order.arch.clone(),
            jobs: jobs.collect(),
            optional: request.optional,
            binaries: self.binaries(&request.order)?,
            cell: request.flags.cell.as_ref().map(|cell| cell.name.clone()),
            repeat: request.repeat,
            mirrored: None,
        })
    }

    /// The binary packages that the sources of an order say they build.
    fn binaries(&self, order: &OrderResult) -> anyhow::Result<Vec<String>> {
        let imported = self.imported(order.import)?;
        let built: HashSet<(&str, &str)> =
            order.jobs.iter().map(|job| (job.source.as_str(), job.version.as_str())).collect();
        import::with_archive(&self.cache, &imported, |archive| {
            let sources = archive.sources.iter().map(|record| &record.source);
            let sources = sources.filter(|source| built.contains(&(source.name, source.version)));
            let names = sources.flat_map(|source| source.binaries());
            let mut names: Vec<String> = names.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
            names.sort();
            names.dedup();
            Ok(names)
        })
    }
}

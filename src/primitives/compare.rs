//! `compare`: what was built, beside what was there before.

use rustc_hash::FxHashMap;

use crate::core::archive::{self, PackageRecord};
use crate::core::ids::RunId;
use crate::core::pinned::Imported;
use crate::core::recipe::{CompareRequest, CompareResult, CompareRow};
use crate::io::state::State;
use crate::io::state::artifacts;
use crate::io::store::Store;
use crate::primitives::import::with_archive;

/// One row for each binary package of the stages, with the candidate of that name that the import has.
pub fn compare(
    state: &State,
    run: RunId,
    cache: &Store,
    imported: &Imported,
    request: &CompareRequest,
) -> anyhow::Result<CompareResult> {
    let mut built = Vec::new();
    for stage in &request.stages {
        let artifacts = state.read(|db| artifacts::by_stage(db, run, stage))?;
        built.extend(artifacts.into_iter().map(|(_, artifact)| (stage.clone(), artifact)));
    }
    with_archive(cache, imported, |archive| {
        let candidates = archive::of_architecture(&archive.candidates(), &imported.architecture);
        let before: FxHashMap<&str, &PackageRecord<'_>> =
            candidates.iter().map(|record| (record.package.name, record)).collect();
        let mut rows: Vec<CompareRow> = built
            .into_iter()
            .filter(|(_, artifact)| artifact.kind.is_package())
            .filter_map(|(stage, artifact)| {
                let package = artifact.package?;
                let old = before.get(package.as_str());
                Some(CompareRow {
                    stage,
                    arch: artifact.architecture?,
                    before: old.map(|record| (record.package.version.to_owned(), record.package.size)),
                    after: (artifact.version?, artifact.size),
                    identical: old.is_some_and(|record| record.package.sha256 == artifact.sha256),
                    package,
                })
            })
            .collect();
        rows.sort_by(|a, b| (&a.package, &a.arch, &a.stage).cmp(&(&b.package, &b.arch, &b.stage)));
        Ok(CompareResult { rows })
    })
}

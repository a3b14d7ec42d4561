//! What is kept beside the packages: what was installed when they were built, what was printed, what is for a person.

use super::{Made, Publishing};
use crate::core::debian::changes::Changes;
use crate::core::publish::{BesideFile, BesideKind};
use crate::io::files;
use crate::io::state::artifacts::ArtifactKind;
use crate::io::state::jobs;

/// That of the jobs.
pub(super) fn of(publishing: &Publishing<'_>, made: &[Made]) -> anyhow::Result<Vec<BesideFile>> {
    let mut beside = Vec::new();
    for Made { job, artifacts } in made {
        let byhand = byhand(publishing, artifacts)?;
        for artifact in artifacts {
            let kind = match artifact.kind {
                ArtifactKind::Buildinfo => BesideKind::Buildinfo,
                ArtifactKind::Other if byhand.contains(&artifact.name) => BesideKind::Byhand,
                _ => continue,
            };
            let (name, sha256, size) = (artifact.name.clone(), artifact.sha256, artifact.size);
            beside.push(BesideFile { kind, source: job.source.clone(), name, sha256, size });
        }
        let log = publishing.state.read(|db| jobs::log(db, job))?.map(|path| publishing.dir.join(path));
        if let Some(bytes) = log.and_then(|path| files::read(&path).ok()) {
            let name = format!("{}_{}_{}.build", job.source, without_epoch(&job.version), job.arch);
            let sha256 = publishing.files.built.insert(&bytes)?;
            let (kind, source, size) = (BesideKind::Log, job.source.clone(), bytes.len() as u64);
            beside.push(BesideFile { kind, source, name, sha256, size });
        }
    }
    Ok(beside)
}

/// The files that the `.changes` says are for the archive's keeper: `byhand`, and those that only a person's tools know
/// (`raw-uefi`).
fn byhand(
    publishing: &Publishing<'_>,
    artifacts: &[crate::io::state::artifacts::Artifact],
) -> anyhow::Result<Vec<String>> {
    let Some(changes) = artifacts.iter().find(|artifact| artifact.kind == ArtifactKind::Changes) else {
        return Ok(Vec::new());
    };
    let changes = Changes::parse(&files::read(&publishing.files.built.path(&changes.sha256))?)?;
    let by_hand = |section: &str| {
        let last = section.rsplit('/').next().unwrap_or(section);
        last == "byhand" || last.starts_with("raw-")
    };
    Ok(changes.files.into_iter().filter(|file| by_hand(&file.section)).map(|file| file.name).collect())
}

fn without_epoch(version: &str) -> &str {
    version.split_once(':').map_or(version, |(_, rest)| rest)
}

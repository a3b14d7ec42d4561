//! What could not be built is there as the base archive has it, so that nobody loses a package.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;

use super::{Made, Publishing, binaries, sources};
use crate::core::events::Event;
use crate::core::flags::VariantIndex;
use crate::core::ids::Sha256;
use crate::core::job::JobState;
use crate::core::publish::settings::Settings;
use crate::core::publish::{BinaryFile, BinaryKind, SourceSet};
use crate::core::recipe::PublishRequest;
use crate::io::state::jobs;
use crate::primitives::{Provide, import};

/// Whether the archive is to have what was not built: it was asked for, or the index of a variant is a complete one, and
/// nothing of the base is too new for its hardware.
pub(super) fn is_wanted(settings: &Settings) -> bool {
    let variant = settings.variant.as_deref().filter(|variant| variant.tag.is_some());
    match variant {
        Some(variant) if variant.below => false,
        Some(variant) => settings.fallback || variant.index == VariantIndex::Complete,
        None => settings.fallback,
    }
}

/// A package of the base archive.
struct Lost {
    source: String,
    source_version: String,
    component: String,
    name: String,
    sha256: Sha256,
    udeb: bool,
}

/// Adds the base archive's packages of jobs that did not end well, with their sources.
pub(super) async fn add(
    publishing: &Publishing<'_>,
    request: &PublishRequest,
    made: &[Made],
    binaries: &mut Vec<BinaryFile>,
    all_sources: &mut BTreeMap<(String, String), SourceSet>,
) -> anyhow::Result<()> {
    let mut failed: BTreeSet<(String, String)> = BTreeSet::new();
    for stage in &request.stages {
        let jobs = publishing.state.read(|db| jobs::by_stage(db, publishing.run, stage))?;
        failed
            .extend(jobs.into_iter().filter(|job| job.state != JobState::Installed).map(|job| (job.source, job.arch)));
    }
    for Made { job, .. } in made {
        failed.remove(&(job.source.clone(), job.arch.clone()));
    }
    let Some(id) = request.imports.last().filter(|_| !failed.is_empty()) else { return Ok(()) };
    let there: BTreeSet<String> = binaries.iter().map(|file| file.package.clone()).collect();
    for lost in lost(publishing, *id, &failed, &there)? {
        let path = publishing.files.provide(lost.sha256).await?;
        let path = path.with_context(|| format!("`{}` is not in the base archive any more", lost.name))?;
        let mut file = binary(&lost, &path)?;
        binaries::complete(publishing.state, &mut file, &path)?;
        let text = format!("`{}` is there as the base archive has it", file.package);
        publishing.listener.hear(&Event::Note { text });
        binaries.push(file);
        let key = (lost.source.clone(), lost.source_version.clone());
        if !all_sources.contains_key(&key)
            && let Some(set) = sources::of_import(publishing, *id, &key.0, &key.1).await?
        {
            all_sources.insert(key, set);
        }
    }
    Ok(())
}

/// The packages of the base archive that the jobs would have built.
fn lost(
    publishing: &Publishing<'_>,
    id: crate::core::ids::ImportId,
    failed: &BTreeSet<(String, String)>,
    there: &BTreeSet<String>,
) -> anyhow::Result<Vec<Lost>> {
    let imported = import::pinned(publishing.state, id)?;
    import::with_archive(&publishing.files.cache, &imported, |archive| {
        let mut lost = Vec::new();
        for record in archive.candidates() {
            let package = record.package;
            let key = (package.source().to_owned(), package.architecture.to_owned());
            if !failed.contains(&key) || there.contains(package.name) {
                continue;
            }
            publishing.files.know(&record.suite.uri, [(package.sha256, package.size, package.filename.to_owned())]);
            lost.push(Lost {
                source: key.0,
                source_version: package.source_version().to_owned(),
                component: record.component.to_owned(),
                name: package.basename().to_owned(),
                sha256: package.sha256,
                udeb: package.filename.ends_with(".udeb"),
            });
        }
        Ok(lost)
    })
}

fn binary(lost: &Lost, path: &std::path::Path) -> anyhow::Result<BinaryFile> {
    let control = binaries::control_of(path)?;
    let paragraph = crate::core::debian::control::paragraphs(control.as_bytes()).next();
    let field = |name: &str| {
        let value = paragraph.and_then(|paragraph| paragraph.text(name));
        value.map(str::to_owned).with_context(|| format!("`{}` has no field `{name}`", lost.name))
    };
    Ok(BinaryFile {
        package: field("Package")?,
        version: field("Version")?,
        architecture: field("Architecture")?,
        source: lost.source.clone(),
        component: lost.component.clone(),
        name: lost.name.clone(),
        size: 0,
        sha256: lost.sha256,
        md5: String::new(),
        sha1: None,
        control: control.clone(),
        kind: if lost.udeb { BinaryKind::Udeb } else { BinaryKind::Deb },
        files: "".into(),
    })
}

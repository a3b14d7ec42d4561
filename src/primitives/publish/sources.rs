//! Source packages of an archive: those that were built, and those that others have parts of (`Built-Using`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;

use super::Publishing;
use crate::core::archive::SourceRecord;
use crate::core::debian::changes::{Dsc, DscFile};
use crate::core::debian::control;
use crate::core::ids::{ImportId, Sha256};
use crate::core::publish::{BinaryFile, SourceSet};
use crate::core::recipe::PublishRequest;
use crate::io::archive::deb;
use crate::io::files;
use crate::io::state::jobs::{self, Job};
use crate::primitives::{Provide, import};

/// The source package that a job built, by the files that its builder was given.
pub(super) async fn of_job(publishing: &Publishing<'_>, job: &Job) -> anyhow::Result<SourceSet> {
    let offer = publishing.state.read(|db| jobs::offer(db, job.id))?;
    let offer = offer.with_context(|| format!("job {} was never offered", job.id))?;
    let file = offer.files.first().with_context(|| format!("job {} has no source files", job.id))?;
    of_dsc(publishing, &file.name, file.sha256, &job.component).await
}

/// A source package by its `.dsc`.
async fn of_dsc(publishing: &Publishing<'_>, name: &str, sha256: Sha256, component: &str) -> anyhow::Result<SourceSet> {
    let found = publishing.files.provide(sha256).await?;
    let path = found.with_context(|| format!("`{name}` is not here any more"))?;
    read(&path, name, component)
}

fn read(path: &Path, name: &str, component: &str) -> anyhow::Result<SourceSet> {
    let hashes = deb::hashes(path)?;
    let dsc = Dsc::parse(&files::read(path)?).with_context(|| format!("read `{name}`"))?;
    let listed = dsc.package_list.first();
    let section = listed.map(|package| package.section.clone()).unwrap_or_default();
    let priority = listed.map(|package| package.priority.clone()).unwrap_or_default();
    let (size, sha256) = (hashes.size, hashes.sha256);
    let file = DscFile { name: name.to_owned(), size, md5: hashes.md5, sha1: Some(hashes.sha1), sha256 };
    Ok(SourceSet { dsc, file, component: component.to_owned(), section, priority, extra: false })
}

/// Makes the files of a source of an import known, and reads it.
pub(super) async fn of_import(
    publishing: &Publishing<'_>,
    id: ImportId,
    name: &str,
    version: &str,
) -> anyhow::Result<Option<SourceSet>> {
    let imported = import::pinned(publishing.state, id)?;
    let found = import::with_archive(&publishing.files.cache, &imported, |archive| {
        let records = archive.sources.iter().filter(|record| record.source.name == name);
        let Some(record) = records.into_iter().find(|record| record.source.version == version) else {
            return Ok(None);
        };
        know(publishing, record).map(|dsc| Some((dsc, record.component.to_owned())))
    })?;
    let Some(((name, sha256), component)) = found else { return Ok(None) };
    of_dsc(publishing, &name, sha256, &component).await.map(Some)
}

/// Makes the files of a source package known; its `.dsc`.
fn know(publishing: &Publishing<'_>, record: &SourceRecord<'_>) -> anyhow::Result<(String, Sha256)> {
    let files = record.source.files().map_err(anyhow::Error::msg)?;
    let directory = record.source.directory;
    let listed = files.iter().map(|file| (file.sha256, file.size, format!("{directory}/{}", file.name)));
    publishing.files.know(&record.suite.uri, listed);
    let dsc = files.first().context("a source package has a .dsc")?;
    Ok((dsc.name.to_owned(), dsc.sha256))
}

/// Adds the sources that binary packages have parts of, as their `Built-Using` says: who hands out the one has to hand
/// out the other.
pub(super) async fn add_built_using(
    publishing: &Publishing<'_>,
    request: &PublishRequest,
    binaries: &[BinaryFile],
    sources: &mut BTreeMap<(String, String), SourceSet>,
) -> anyhow::Result<()> {
    let wanted: BTreeSet<(String, String)> = binaries.iter().flat_map(built_using).collect();
    for (name, version) in wanted {
        let key = (name.clone(), version.clone());
        if sources.contains_key(&key) {
            continue;
        }
        for id in &request.imports {
            if let Some(set) = of_import(publishing, *id, &name, &version).await? {
                sources.insert(key.clone(), SourceSet { extra: true, ..set });
                break;
            }
        }
        if !sources.contains_key(&key) {
            let text = format!("`{name}` {version}, which `Built-Using` names, is in no archive any more");
            publishing.listener.hear(&crate::core::events::Event::Note { text });
        }
    }
    Ok(())
}

/// The sources and versions that a package has parts of.
fn built_using(file: &BinaryFile) -> Vec<(String, String)> {
    let Some(paragraph) = control::paragraphs(file.control.as_bytes()).next() else { return Vec::new() };
    let fields = ["Built-Using", "Static-Built-Using"].map(|field| paragraph.text(field).unwrap_or_default());
    let one = |text: &str| {
        let (name, rest) = text.trim().split_once('(')?;
        let version = rest.trim().trim_start_matches('=').trim_end_matches(')').trim();
        Some((name.trim().to_owned(), version.to_owned()))
    };
    fields.iter().flat_map(|field| field.split(',')).filter_map(one).collect()
}

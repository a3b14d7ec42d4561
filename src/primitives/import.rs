//! `import`: pins suites and their indexes, and reads them again for whoever needs them.

use anyhow::Context;
use rustc_hash::FxHashSet;

use crate::core::archive::{self, Archive};
use crate::core::events::{Event, Listener};
use crate::core::ids::{ImportId, RunId};
use crate::core::pinned::{Imported, PinnedSuite, Role};
use crate::core::recipe::{AptSources, ImportRequest, ImportResult, Response};
use crate::io::clock;
use crate::io::mirror::Mirror;
use crate::io::overlay::{self, Keep};
use crate::io::parsed;
use crate::io::state::{State, imports, jobs, journal};
use crate::io::store::{Mapped, Store};
use crate::primitives::files::Files;

/// So many malformed stanzas are said one by one when a run begins.
const SHOWN: usize = 20;

/// Fetches, verifies and pins what the request names. `machine` is the machine's own architecture; local packages go
/// to `keep`.
pub async fn fetch(
    mirror: &Mirror,
    keep: &Keep,
    request: &ImportRequest,
    machine: &str,
    listener: &dyn Listener,
) -> anyhow::Result<Imported> {
    let arch = request.arch.as_deref().unwrap_or(machine);
    let build_arch = request.build_arch.as_deref().filter(|build| *build != arch);
    let mut imported = match &request.sources {
        AptSources::SourcePackage { path } => overlay::source_package(keep, path, arch)?,
        sources @ (AptSources::System { .. } | AptSources::File { .. }) => {
            let entries = mirror.read_entries(sources)?;
            mirror.import(sources, entries, arch, build_arch, clock::now(), listener).await?
        }
    };
    overlay::add(keep, &mut imported, &request.overlay).await.context("read the overlay")?;
    for note in &imported.notes {
        listener.hear(&Event::Note { text: note.clone() });
    }
    Ok(imported)
}

/// Records what was pinned, so that the run goes on using it whatever the mirrors do.
pub fn pin(state: &State, cache: &Store, imported: Imported, listener: &dyn Listener) -> anyhow::Result<ImportResult> {
    let result = count(cache, &imported, listener)?;
    state.write(move |tx| imports::insert(tx, &imported))?;
    Ok(result)
}

/// Counts what an import offers; stanzas that cannot be read are said once here.
pub fn count(cache: &Store, imported: &Imported, listener: &dyn Listener) -> anyhow::Result<ImportResult> {
    with_archive(cache, imported, |archive| {
        for (index, malformed) in archive.malformed.iter().take(SHOWN) {
            listener.hear(&Event::Note { text: format!("{index}: {malformed}; left out") });
        }
        if let Some(more) = archive.malformed.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            let text = format!("{more} more stanzas cannot be read; `cloudbuild import` lists them all");
            listener.hear(&Event::Note { text });
        }
        Ok(ImportResult {
            import: imported.id(),
            arch: imported.architecture.clone(),
            sources: archive.chosen_sources().len() as u64,
            packages: archive.candidates().len() as u64,
        })
    })
}

/// What a run pinned under this id.
pub fn pinned(state: &State, id: ImportId) -> anyhow::Result<Imported> {
    let found = state.read(move |db| imports::get(db, id))?;
    found.with_context(|| format!("no import {id} in this state directory"))
}

/// Reads the indexes of an import and hands them to `look`; they stay mapped as long as it runs.
pub fn with_archive<T>(
    cache: &Store,
    imported: &Imported,
    look: impl FnOnce(&Archive<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut mapped: Vec<Mapped> = Vec::new();
    for suite in &imported.suites {
        for index in &suite.indexes {
            let place = || format!("read the pinned index of `{} {} {}`", suite.uri, suite.suite, index.component);
            mapped.push(cache.map(&index.sha256).with_context(place)?);
        }
    }
    let mut bytes = mapped.iter();
    let indexes = archive::with_bytes(imported, |_| {
        bytes.next().map(|mapped| &**mapped).context("as many indexes are mapped as there are")
    })?;
    let listed = parsed::list(cache, &indexes);
    look(&archive::compose(indexes.into_iter().zip(listed)))
}

/// The same with two imports, which may be one: that of sources and that of what is built against.
pub fn with_archives<T>(
    cache: &Store,
    sources: &Imported,
    against: &Imported,
    look: impl FnOnce(&Archive<'_>, &Archive<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    with_archive(cache, against, |beneath| match sources.id() == against.id() {
        true => look(beneath, beneath),
        false => with_archive(cache, sources, |archive| look(archive, beneath)),
    })
}

/// Makes an import's files known: what chroots may install, and the files of the sources that are `wanted`, by name and
/// version.
pub fn make_known(files: &Files, imported: &Imported, archive: &Archive<'_>, wanted: &FxHashSet<(&str, &str)>) {
    let candidates = archive.candidates();
    // Those of an overlay are in the store since it was read, and nowhere else.
    let is_remote = |suite: &PinnedSuite| suite.role != Role::Overlay;
    for suite in imported.suites.iter().filter(|suite| is_remote(suite)) {
        let packages = candidates.iter().filter(|record| std::ptr::eq(record.suite, suite));
        let debs = packages.map(|record| {
            let package = &record.package;
            (package.sha256, package.size, package.filename.to_owned())
        });
        files.know(&suite.uri, debs);
    }
    let remote = archive.sources.iter().filter(|record| record.suite.role.feeds() && is_remote(record.suite));
    for record in remote {
        if wanted.contains(&(record.source.name, record.source.version)) {
            let directory = record.source.directory;
            let listed = record.source.files().unwrap_or_default();
            let listed = listed.into_iter().map(|file| (file.sha256, file.size, format!("{directory}/{}", file.name)));
            files.know(&record.suite.uri, listed);
        }
    }
}

/// Makes known again what a run that is gone on with had imported: builders that outlived the last start ask for files
/// before the recipe gets to where it was.
pub fn make_known_again(state: &State, run: RunId, files: &Files) -> anyhow::Result<()> {
    let jobs = state.read(|db| jobs::by_run(db, run))?;
    let wanted: FxHashSet<(&str, &str)> = jobs.iter().map(|job| (job.source.as_str(), job.version.as_str())).collect();
    for call in 1.. {
        let Some(entry) = state.read(|db| journal::lookup(db, run, call))? else { break };
        if let Ok(Response::Import(result)) = serde_json::from_value(entry.response) {
            let imported = pinned(state, result.import)?;
            with_archive(&files.cache, &imported, |archive| {
                make_known(files, &imported, archive, &wanted);
                Ok(())
            })?;
        }
    }
    Ok(())
}

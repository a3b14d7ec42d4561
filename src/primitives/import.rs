//! `import`: pins suites and their indexes, and reads them again for whoever needs them.

use anyhow::Context;

use crate::core::archive::{self, Archive};
use crate::core::events::{Event, Listener};
use crate::core::ids::ImportId;
use crate::core::pinned::Imported;
use crate::core::recipe::{ImportRequest, ImportResult};
use crate::io::clock;
use crate::io::mirror::Mirror;
use crate::io::state::{State, imports};
use crate::io::store::{Mapped, Store};

/// Fetches, verifies and pins what the request names. `machine` is the machine's own architecture.
pub async fn fetch(
    mirror: &Mirror,
    request: &ImportRequest,
    machine: &str,
    listener: &dyn Listener,
) -> anyhow::Result<Imported> {
    let arch = request.arch.as_deref().unwrap_or(machine);
    let entries = mirror.read_entries(&request.sources)?;
    let imported = mirror.import(&request.sources, entries, arch, clock::now(), listener).await?;
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
        for (index, malformed) in &archive.malformed {
            listener.hear(&Event::Note { text: format!("{index}: {malformed}; left out") });
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
    look(&archive::read(&indexes))
}

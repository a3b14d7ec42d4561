//! What is built against: what stages of this run built, newest first, over an import.

use rustc_hash::FxHashSet;

use crate::core::ids::{ImportId, JobId, RunId};
use crate::core::job::JobState;
use crate::core::pinned::{Imported, PinnedOverlay};
use crate::core::recipe::Against;
use crate::core::view::{BuiltBinary, Upstream};
use crate::io::state::State;
use crate::io::state::artifacts::{self, Artifact, ArtifactKind};
use crate::io::state::jobs;
use crate::primitives::Refusal;

/// The one import among layers; that of the sources where there is none.
///
/// # Errors
/// There are several.
pub fn import_of(against: &[Against], sources: ImportId) -> anyhow::Result<ImportId> {
    let mut imports = against.iter().filter_map(|layer| match layer {
        Against::Import(import) | Against::CrossOnly(import) => Some(*import),
        Against::Stage(_) => None,
    });
    let first = imports.next();
    match imports.find(|import| Some(*import) != first) {
        Some(other) => Err(Refusal::of_recipe(format!(
            "`against`: expected one import, got {} and {other}\nhint: list the sources of both in one file, and import \
             that",
            first.expect("there is one before it")
        ))
        .into()),
        None => Ok(first.unwrap_or(sources)),
    }
}

/// How much of the import is seen below the stages: nothing where it is no layer. `build` is the architecture that cross
/// builds run on.
pub fn upstream(against: &[Against], build: Option<&str>) -> Upstream {
    let has = |wanted: fn(&Against) -> bool| against.iter().any(wanted);
    if has(|layer| matches!(layer, Against::Import(_))) {
        Upstream::All
    } else if has(|layer| matches!(layer, Against::CrossOnly(_))) {
        build.map_or(Upstream::Nothing, |build| Upstream::Only(build.to_owned()))
    } else {
        Upstream::Nothing
    }
}

/// The stages among layers, newest first.
pub fn stages_of(against: &[Against]) -> Vec<&str> {
    let stages = against.iter().filter_map(|layer| match layer {
        Against::Stage(name) => Some(name.as_str()),
        Against::Import(_) | Against::CrossOnly(_) => None,
    });
    stages.collect()
}

/// The sources of the overlays of the import that sources are in, and of the one that they are built against.
pub fn overlays<'i>(sources: &'i Imported, against: &'i Imported) -> Vec<&'i PinnedOverlay> {
    let mut overlays: Vec<&PinnedOverlay> = sources.overlay_sources().collect();
    overlays.extend(against.overlay_sources().filter(|local| sources.overlay_source(&local.name).is_none()));
    overlays
}

/// Whether a job built a source of the overlay. `None`: it built another version of such a source, which is hidden.
pub fn of_overlay(state: &State, overlay: &[&PinnedOverlay], job: JobId, source: &str) -> anyhow::Result<Option<bool>> {
    let Some(local) = overlay.iter().find(|local| local.name == source) else { return Ok(Some(false)) };
    let offer = state.read(|db| jobs::offer(db, job))?;
    let dsc = offer.and_then(|offer| offer.files.first().map(|file| file.sha256));
    Ok((dsc == Some(local.sha256)).then_some(true))
}

/// What stages built so far; a source that a newer stage provides is not taken from an older one, its
/// architecture-independent half and the other one each for itself. What any stage of the run built of the overlay is
/// there, too.
pub fn built(
    state: &State,
    run: RunId,
    stages: &[&str],
    overlay: &[&PinnedOverlay],
) -> anyhow::Result<Vec<BuiltBinary>> {
    let mut built: Vec<BuiltBinary> = Vec::new();
    let mut taken: FxHashSet<(String, bool)> = FxHashSet::default();
    for stage in stages {
        let artifacts = state.read(|db| artifacts::by_stage(db, run, stage))?;
        let mut of_stage: Vec<BuiltBinary> = Vec::new();
        for (job, artifact) in artifacts {
            let source = artifact.source.clone().unwrap_or_default();
            if let Some(is_local) = of_overlay(state, overlay, job, &source)? {
                of_stage.extend(built_binary(artifact, is_local));
            }
        }
        let half = |binary: &BuiltBinary| (binary.source.clone(), binary.name.ends_with("_all.deb"));
        let fresh: Vec<BuiltBinary> = of_stage.into_iter().filter(|binary| !taken.contains(&half(binary))).collect();
        taken.extend(fresh.iter().map(half));
        built.extend(fresh);
    }
    for local in overlay {
        for job in state.read(|db| jobs::of_source(db, run, &local.name))? {
            let half = (local.name.clone(), job.arch == "all");
            let is_there = job.state == JobState::Installed && !taken.contains(&half);
            if is_there && of_overlay(state, overlay, job.id, &local.name)? == Some(true) {
                let made = state.read(|db| artifacts::by_job(db, job.id))?;
                built.extend(made.into_iter().filter_map(|artifact| built_binary(artifact, true)));
                taken.insert(half);
            }
        }
    }
    Ok(built)
}

/// An artifact as a view has it, if it is a package that chroots install; `overlay`: whether it is an overlay's.
pub fn built_binary(artifact: Artifact, overlay: bool) -> Option<BuiltBinary> {
    let control = artifact.control?;
    (artifact.kind == ArtifactKind::Deb).then_some(BuiltBinary {
        source: artifact.source?,
        overlay,
        name: artifact.name,
        size: artifact.size,
        sha256: artifact.sha256,
        control,
    })
}

//! What is built against: what stages of this run built, newest first, over an import.

use rustc_hash::FxHashSet;

use crate::core::ids::{ImportId, RunId};
use crate::core::recipe::Against;
use crate::core::view::BuiltBinary;
use crate::io::state::State;
use crate::io::state::artifacts::{self, Artifact, ArtifactKind};
use crate::primitives::Refusal;

/// The one import among layers; that of the sources where there is none.
///
/// # Errors
/// There are several.
pub fn import_of(against: &[Against], sources: ImportId) -> anyhow::Result<ImportId> {
    let mut imports = against.iter().filter_map(|layer| match layer {
        Against::Import(import) => Some(*import),
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

/// The stages among layers, newest first.
pub fn stages_of(against: &[Against]) -> Vec<&str> {
    let stages = against.iter().filter_map(|layer| match layer {
        Against::Stage(name) => Some(name.as_str()),
        Against::Import(_) => None,
    });
    stages.collect()
}

/// What stages built so far; a source that a newer stage provides is not taken from an older one, its
/// architecture-independent half and the other one each for itself.
pub fn built(state: &State, run: RunId, stages: &[&str]) -> anyhow::Result<Vec<BuiltBinary>> {
    let mut built: Vec<BuiltBinary> = Vec::new();
    let mut taken: FxHashSet<(String, bool)> = FxHashSet::default();
    for stage in stages {
        let artifacts = state.read(|db| artifacts::by_stage(db, run, stage))?;
        let of_stage: Vec<BuiltBinary> =
            artifacts.into_iter().filter_map(|(_, artifact)| built_binary(artifact)).collect();
        let half = |binary: &BuiltBinary| (binary.source.clone(), binary.name.ends_with("_all.deb"));
        let fresh: Vec<BuiltBinary> = of_stage.into_iter().filter(|binary| !taken.contains(&half(binary))).collect();
        taken.extend(fresh.iter().map(half));
        built.extend(fresh);
    }
    Ok(built)
}

/// An artifact as a view has it, if it is a package that chroots install.
pub fn built_binary(artifact: Artifact) -> Option<BuiltBinary> {
    let control = artifact.control?;
    (artifact.kind == ArtifactKind::Deb).then_some(BuiltBinary {
        source: artifact.source?,
        name: artifact.name,
        size: artifact.size,
        sha256: artifact.sha256,
        control,
    })
}

//! What inputs gave, kept as `made/INPUTS.json` beside the store: enough to know built packages again without a database.

use std::path::Path;

use super::Store;
use crate::core::ids::InputsHash;
use crate::io::files::{self, FileError};
use crate::io::state::artifacts::Artifact;

/// The folder in a state directory.
const FOLDER: &str = "made";

/// Keeps what inputs gave.
pub fn write(state_dir: &Path, inputs: InputsHash, made: &[Artifact]) -> Result<(), FileError> {
    let folder = state_dir.join(FOLDER);
    if !folder.is_dir()
        && let Err(source) = std::fs::create_dir_all(&folder)
    {
        tracing::debug!(%source, "the folder of what was made");
    }
    let json = serde_json::to_vec(made).expect("plain data always becomes JSON");
    files::write(&folder.join(format!("{inputs}.json")), &json)
}

/// Everything that was kept and of which each file is in the store, with the bytes that it should have.
pub fn all(state_dir: &Path, store: &Store) -> Result<Vec<(InputsHash, Vec<Artifact>)>, FileError> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(state_dir.join(FOLDER)) else { return Ok(found) };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let inputs = name.strip_suffix(".json").and_then(|name| name.parse::<InputsHash>().ok());
        let Some(inputs) = inputs else { continue };
        let made = serde_json::from_slice::<Vec<Artifact>>(&files::read(&entry.path())?);
        // What cannot be read is no result; it will be built again.
        let Ok(made) = made else { continue };
        if made.iter().all(|artifact| is_whole(store, artifact)) {
            found.push((inputs, made));
        }
    }
    found.sort_by_key(|(inputs, _)| *inputs);
    Ok(found)
}

fn is_whole(store: &Store, artifact: &Artifact) -> bool {
    let path = store.path(&artifact.sha256);
    crate::io::archive::deb::hashes(&path)
        .is_ok_and(|hashes| (hashes.sha256, hashes.size) == (artifact.sha256, artifact.size))
}

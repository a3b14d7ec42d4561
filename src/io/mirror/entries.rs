//! Source lists: which files apt would read, and what is in them.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::MirrorError;
use crate::core::debian::apt_source::{self, AptEntry};
use crate::core::recipe::AptSources;

/// The entries, merged.
pub(super) fn read(apt_root: &Path, sources: &AptSources) -> Result<Vec<AptEntry>, MirrorError> {
    let (files, places) = match sources {
        AptSources::File { path } => (vec![path.clone()], format!("`{}`", path.display())),
        AptSources::System { .. } => {
            let root = apt_root.display();
            (source_lists(apt_root)?, format!("`{root}/sources.list` and `{root}/sources.list.d`"))
        }
    };
    let mut entries = Vec::new();
    for path in files {
        let bytes = fs::read(&path).map_err(|source| MirrorError::Read { path: path.clone(), source })?;
        entries.extend(apt_source::parse(&path.display().to_string(), &bytes)?);
    }
    if entries.is_empty() {
        return Err(MirrorError::NoEntries { places });
    }
    Ok(apt_source::merge(entries)?)
}

/// The files in the order in which apt reads them.
fn source_lists(apt_root: &Path) -> Result<Vec<PathBuf>, MirrorError> {
    let mut files = Vec::new();
    let main = apt_root.join("sources.list");
    if main.is_file() {
        files.push(main);
    }
    let folder = apt_root.join("sources.list.d");
    let parts = match fs::read_dir(&folder) {
        Ok(parts) => parts,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(files),
        Err(source) => return Err(MirrorError::Read { path: folder, source }),
    };
    let mut parts: Vec<PathBuf> = parts
        .flatten()
        .filter(|part| part.file_name().to_str().is_some_and(apt_source::is_source_list))
        .map(|part| part.path())
        .filter(|path| path.is_file())
        .collect();
    parts.sort();
    files.extend(parts);
    Ok(files)
}

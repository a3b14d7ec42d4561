//! Source lists: which files apt would read, and what is in them.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::MirrorError;
use crate::core::debian::apt_source::{self, AptEntry};
use crate::core::recipe::AptSources;

/// The entries, merged.
pub(super) fn read(apt_root: &Path, sources: &AptSources) -> Result<Vec<AptEntry>, MirrorError> {
    match sources {
        AptSources::File { path } => named(path).map_err(|error| MirrorError::Named(Box::new(error))),
        // No archive, so no list of archives.
        AptSources::SourcePackage { .. } => Ok(Vec::new()),
        AptSources::System { .. } => {
            let root = apt_root.display();
            let places = format!("`{root}/sources.list` and `{root}/sources.list.d`");
            let unreadable = |path: PathBuf| move |source| MirrorError::Read { path, source };
            let lists = source_lists(apt_root)?.into_iter();
            let lists = lists.map(|path| Ok((fs::read(&path).map_err(unreadable(path.clone()))?, path)));
            merged(lists.collect::<Result<_, MirrorError>>()?, places)
        }
    }
}

/// The entries of a file that a recipe or a command line names.
fn named(path: &Path) -> Result<Vec<AptEntry>, MirrorError> {
    let bytes = fs::read(path).map_err(|source| MirrorError::NoFile { path: path.to_owned(), source })?;
    merged(vec![(bytes, path.to_owned())], format!("`{}`", path.display()))
}

/// The entries of source lists; `places` is where they are from, in words.
fn merged(lists: Vec<(Vec<u8>, PathBuf)>, places: String) -> Result<Vec<AptEntry>, MirrorError> {
    let mut entries = Vec::new();
    for (bytes, path) in lists {
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

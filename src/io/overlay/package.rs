//! Source packages by their `.dsc`, and binary packages: verified, and kept.

use std::fs::File;
use std::io;
use std::path::Path;

use super::error::{OverlayError, at};
use super::metadata;
use crate::core::debian::changes::{Dsc, DscFile};
use crate::core::debian::version::without_epoch;
use crate::core::ids::Sha256;
use crate::core::overlay::{self, Local};
use crate::core::recipe::overlay::Overlay;
use crate::io::archive::deb;
use crate::io::store::{Store, StoreError};

/// No `.dsc` is larger, in bytes; it is held in memory.
const LONGEST_DSC: u64 = 16 << 20;

/// Reads a `.dsc`, and keeps it and each file that it names, which must be beside it and as it says. `overlay` is what
/// the recipe named, which is a folder where `dsc` was packed from it.
pub(super) fn source(store: &Store, overlay: &Overlay, dsc: &Path, architecture: &str) -> Result<Local, OverlayError> {
    let found = metadata(dsc)?;
    if !found.is_file() || found.len() > LONGEST_DSC {
        let got = if found.is_file() { format!("{} bytes", found.len()) } else { "a folder".to_owned() };
        let hint = "`cb.source_tree \"FOLDER\"` takes a folder with debian/";
        return Err(OverlayError::Other { path: dsc.to_owned(), expected: "a .dsc file", got, hint });
    }
    let bytes = std::fs::read(dsc).map_err(at(dsc))?;
    let parsed = Dsc::parse(&bytes).map_err(|source| OverlayError::Dsc { path: dsc.to_owned(), source })?;
    let folder = dsc.parent().unwrap_or(Path::new("."));
    for file in &parsed.files {
        keep(store, &folder.join(&file.name), dsc, (file.sha256, file.size))?;
    }
    let sha256 = store.insert(&bytes)?;
    let hashes = deb::hashes(&store.path(&sha256))?;
    let file = DscFile {
        // However the file is called here: sbuild takes the name apart.
        name: format!("{}_{}.dsc", parsed.source, without_epoch(&parsed.version)),
        size: hashes.size,
        md5: hashes.md5,
        sha1: Some(hashes.sha1),
        sha256,
    };
    overlay::source(overlay, &parsed, &file, architecture)
        .map_err(|source| OverlayError::Unfit { path: overlay.path.clone(), source })
}

/// Keeps a file that must have this hash and size.
fn keep(store: &Store, path: &Path, dsc: &Path, expected: (Sha256, u64)) -> Result<(), OverlayError> {
    let mut file = File::open(path).map_err(at(path))?;
    let mut writer = store.writer()?;
    let wrong = |source: StoreError| OverlayError::File {
        path: path.to_owned(),
        dsc: dsc.to_owned(),
        source: Box::new(source),
    };
    io::copy(&mut file, &mut writer).map_err(|error| StoreError::of(store.root(), "keep", path, error))?;
    match writer.finish(Some(expected)) {
        Ok(_) => Ok(()),
        Err(mismatch @ StoreError::Mismatch { .. }) => Err(wrong(mismatch)),
        Err(other) => Err(other.into()),
    }
}

/// Reads a `.deb`, and keeps it.
pub(super) fn binary(store: &Store, overlay: &Overlay, architecture: &str) -> Result<Local, OverlayError> {
    let path = &overlay.path;
    if !metadata(path)?.is_file() {
        let (got, hint) = ("a folder".to_owned(), "name the .deb itself");
        return Err(OverlayError::Other { path: path.clone(), expected: "a .deb file", got, hint });
    }
    // What is looked at is what is kept, even when somebody writes to the file meanwhile.
    let stored = store.adopt(path)?;
    let control = deb::read_control(&store.path(&stored.sha256)).map_err(|error| of_path(error, path))?;
    let control = String::from_utf8_lossy(&control);
    overlay::binary(overlay, &control, stored.sha256, stored.size, architecture)
        .map_err(|source| OverlayError::Unfit { path: path.clone(), source })
}

/// The same error about the file that the recipe names.
fn of_path(error: deb::DebError, path: &Path) -> deb::DebError {
    let path = path.to_owned();
    match error {
        deb::DebError::Io { source, .. } => deb::DebError::Io { path, source },
        deb::DebError::Broken { what, .. } => deb::DebError::Broken { path, what },
        deb::DebError::Bomb { what, .. } => deb::DebError::Bomb { path, what },
    }
}

//! Local packages: source packages, source trees and binary packages of this machine, read strictly and kept.
//!
//! **Invariant:** nothing of a package is executed; what was read is in the store before anybody hears of it, so that
//! files which change afterwards change nothing.

mod error;
mod package;
mod tree;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use self::error::OverlayError;
use self::error::at;
use crate::core::overlay::{self, Local};
use crate::core::pinned::{Imported, PinnedIndex, Role};
use crate::core::recipe::overlay::{Overlay, OverlayKind};
use crate::io::store::Store;

/// Where local packages are kept.
#[derive(Debug, Clone)]
pub struct Keep {
    /// Their files.
    pub files: Store,
    /// Their indexes, beside those of mirrors.
    pub indexes: Store,
}

/// Adds local packages to what was imported, so that they supersede it.
pub async fn add(keep: &Keep, imported: &mut Imported, overlays: &[Overlay]) -> Result<(), OverlayError> {
    if overlays.is_empty() {
        return Ok(());
    }
    let mut locals: Vec<Local> = Vec::new();
    for overlay in overlays {
        locals.push(read(keep, overlay, &imported.architecture).await?);
    }
    overlay::check(&locals)?;
    let indexes = indexes(keep, &locals, &imported.architecture)?;
    imported.suites.push(overlay::suite(indexes, Role::Overlay, "overlay"));
    imported.overlay = locals.into_iter().map(|local| local.pinned).collect();
    Ok(())
}

/// One local source package as an import of its own.
pub fn source_package(keep: &Keep, dsc: &Path, architecture: &str) -> Result<Imported, OverlayError> {
    let overlay = Overlay { kind: OverlayKind::SourcePackage, path: dsc.to_owned(), first: false, suffix: None };
    let local = package::source(&keep.files, &overlay, dsc, architecture)?;
    let indexes = indexes(keep, &[local], architecture)?;
    Ok(Imported {
        architecture: architecture.to_owned(),
        build_architecture: None,
        suites: vec![overlay::suite(indexes, Role::Named, &dsc.display().to_string())],
        overlay: Vec::new(),
        notes: Vec::new(),
    })
}

async fn read(keep: &Keep, overlay: &Overlay, architecture: &str) -> Result<Local, OverlayError> {
    let path = &overlay.path;
    match overlay.kind {
        OverlayKind::SourcePackage => package::source(&keep.files, overlay, path, architecture),
        OverlayKind::BinaryPackage => package::binary(&keep.files, overlay, architecture),
        OverlayKind::SourceTree => {
            let packed = tree::pack(&keep.files, path).await?;
            package::source(&keep.files, overlay, &packed.dsc, architecture)
        }
    }
}

/// Writes the indexes of local packages.
fn indexes(keep: &Keep, locals: &[Local], architecture: &str) -> Result<Vec<PinnedIndex>, OverlayError> {
    overlay::indexes(locals, architecture)
        .into_iter()
        .map(|(component, kind, text)| {
            let sha256 = keep.indexes.insert(text.as_bytes())?;
            Ok(PinnedIndex { component, kind, sha256, size: text.len() as u64 })
        })
        .collect()
}

/// A file's metadata; what is not there is said with a hint.
fn metadata(path: &Path) -> Result<std::fs::Metadata, OverlayError> {
    std::fs::metadata(path).map_err(at(path))
}

//! Writes a view's index, signed, where the control point serves it.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::core::debian::packages::Package;
use crate::core::ids::ViewId;
use crate::core::view::{self, Shown};
use crate::io::clock;
use crate::io::files;
use crate::io::openpgp::signing::SigningKey;

/// Where a state directory has the view's `dists`.
pub fn folder(state_dir: &Path, id: ViewId) -> PathBuf {
    state_dir.join("views").join(id.to_string())
}

/// Removes the views of runs that are over: they are as large as a suite's index, and nothing refers to them any more.
pub fn remove_all(state_dir: &Path) -> anyhow::Result<()> {
    files::remove_folder(&state_dir.join("views")).context("remove the views of earlier runs")
}

/// Writes the view unless it is there: views never change, and appear whole or not at all.
pub fn write(
    state_dir: &Path,
    id: ViewId,
    visible: &[Package<'_>],
    overlay: &[Shown],
    architectures: &[&str],
    key: &SigningKey,
) -> anyhow::Result<()> {
    let folder = folder(state_dir, id);
    if files::is_folder(&folder) {
        return Ok(());
    }
    let indexes: Vec<(&str, Vec<u8>)> =
        architectures.iter().map(|architecture| (*architecture, view::packages_index(visible, architecture))).collect();
    let now = clock::now();
    let release = view::release(&clock::release_date(now), &indexes);
    let signed = key.sign_inline(release.as_bytes(), now).context("sign the view")?;
    let suite = format!("dists/{}", view::SUITE);
    let mut written: Vec<(String, &[u8])> = indexes
        .iter()
        .map(|(architecture, index)| (format!("{suite}/{}", view::packages_path(architecture)), index.as_slice()))
        .collect();
    written.push((format!("{suite}/Release"), release.as_bytes()));
    written.push((format!("{suite}/InRelease"), signed.as_slice()));
    let listed = serde_json::to_vec(overlay).context("write what is an overlay's as JSON")?;
    if !overlay.is_empty() {
        written.push((view::OVERLAY.to_owned(), listed.as_slice()));
    }
    files::write_folder(&folder, &written).context("write the view")
}

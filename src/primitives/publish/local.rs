//! Overlays in what is published: their packages are in it, and hide what else has packages of their names.

use std::collections::BTreeSet;

use anyhow::Context;

use super::{Made, Publishing, binaries};
use crate::core::debian::control;
use crate::core::debian::packages;
use crate::core::ids::ImportId;
use crate::core::overlay::file_name;
use crate::core::pinned::PinnedOverlay;
use crate::core::publish::{BinaryFile, BinaryKind};
use crate::io::archive::deb;
use crate::io::state::jobs;
use crate::primitives::import;

/// The overlays of what the stages were built against.
pub(super) struct Local {
    overlays: Vec<PinnedOverlay>,
}

impl Local {
    /// Of these imports.
    pub(super) fn of(publishing: &Publishing<'_>, imports: &[ImportId]) -> anyhow::Result<Local> {
        let mut overlays: Vec<PinnedOverlay> = Vec::new();
        for id in imports {
            for local in import::pinned(publishing.state, *id)?.overlay {
                if !overlays.iter().any(|known| known.sha256 == local.sha256) {
                    overlays.push(local);
                }
            }
        }
        Ok(Local { overlays })
    }

    /// Leaves out what an overlay supersedes: a package of a name that it has, or that a source of it built.
    pub(super) fn supersede(&self, publishing: &Publishing<'_>, made: &mut Vec<Made>) -> anyhow::Result<()> {
        if self.overlays.is_empty() {
            return Ok(());
        }
        let given = self.overlays.iter().filter(|local| !local.kind.is_source()).map(|local| local.name.clone());
        let given: BTreeSet<String> = given.collect();
        let (mut built, mut is_local) = (BTreeSet::new(), Vec::new());
        for Made { job, artifacts } in made.iter() {
            let offer = publishing.state.read(|db| jobs::offer(db, job.id))?;
            let dsc = offer.and_then(|offer| offer.files.first().map(|file| file.sha256));
            let local = self.overlays.iter().any(|local| local.name == job.source && Some(local.sha256) == dsc);
            if local {
                built.extend(artifacts.iter().filter_map(|artifact| artifact.package.clone()));
            }
            is_local.push(local);
        }
        for (Made { artifacts, .. }, is_local) in made.iter_mut().zip(is_local) {
            artifacts.retain(|artifact| {
                let name = artifact.package.as_deref().unwrap_or_default();
                !given.contains(name) && (is_local || !built.contains(name))
            });
        }
        // A job of which nothing is left is not published, and its source neither.
        made.retain(|made| made.artifacts.iter().any(|artifact| artifact.kind.is_package()));
        Ok(())
    }

    /// The binary packages that are given.
    pub(super) fn binaries(&self, publishing: &Publishing<'_>) -> anyhow::Result<Vec<BinaryFile>> {
        let given = self.overlays.iter().filter(|local| !local.kind.is_source());
        given.map(|local| binary(publishing, local)).collect()
    }
}

fn binary(publishing: &Publishing<'_>, local: &PinnedOverlay) -> anyhow::Result<BinaryFile> {
    let path = publishing.files.built.path(&local.sha256);
    let context = || format!("read `{}` as it was imported", local.path.display());
    let hashes = deb::hashes(&path).with_context(context)?;
    let control = binaries::control_of(&path).with_context(context)?;
    // The same stanza was read when it was imported.
    let listed = format!("{}\nFilename: x\nSize: {}\nSHA256: {}\n", control.trim_end(), hashes.size, hashes.sha256);
    let paragraph = control::paragraphs(listed.as_bytes()).next().with_context(context)?;
    let package = packages::package(paragraph).map_err(anyhow::Error::msg).with_context(context)?;
    let mut file = BinaryFile {
        package: package.name.to_owned(),
        version: package.version.to_owned(),
        architecture: package.architecture.to_owned(),
        source: package.source().to_owned(),
        component: local.component.clone(),
        name: file_name(package.name, package.version, package.architecture),
        size: hashes.size,
        sha256: hashes.sha256,
        md5: hashes.md5,
        sha1: Some(hashes.sha1),
        control: control.clone(),
        kind: BinaryKind::Deb,
        files: "".into(),
    };
    binaries::complete(publishing.state, &mut file, &path).with_context(context)?;
    Ok(file)
}

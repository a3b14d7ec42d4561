//! Binary packages as indexes need them: every hash, and what they install; read once a file.

use std::path::Path;

use anyhow::Context;
use rayon::prelude::*;

use super::{Made, Publishing};
use crate::core::debian::control;
use crate::core::flags::Variant;
use crate::core::ids::Sha256;
use crate::core::overlay::file_name;
use crate::core::publish::{BinaryFile, BinaryKind};
use crate::io::archive::deb;
use crate::io::state::State;
use crate::io::state::artifacts::{Artifact, ArtifactKind};
use crate::io::state::facts::{self, Facts};
use crate::io::state::jobs::Job;

/// The packages that jobs built; those of the variant say so.
pub(super) fn built(
    publishing: &Publishing<'_>,
    made: &[Made],
    variant: Option<&Variant>,
) -> anyhow::Result<Vec<BinaryFile>> {
    let packages = made.iter().flat_map(|made| made.artifacts.iter().map(move |artifact| (&made.job, artifact)));
    let packages: Vec<(&Job, &Artifact)> = packages.filter(|(_, artifact)| artifact.kind.is_package()).collect();
    packages.into_par_iter().map(|(job, artifact)| one(publishing, job, artifact, variant)).collect()
}

fn one(
    publishing: &Publishing<'_>,
    job: &Job,
    artifact: &Artifact,
    variant: Option<&Variant>,
) -> anyhow::Result<BinaryFile> {
    let missing = |what: &str| format!("`{}` has no {what} in the state", artifact.name);
    let package = artifact.package.clone().with_context(|| missing("package name"))?;
    let architecture = artifact.architecture.clone().with_context(|| missing("architecture"))?;
    let kind = match artifact.kind {
        ArtifactKind::Udeb => BinaryKind::Udeb,
        _ if package.ends_with("-dbgsym") => BinaryKind::Dbgsym,
        _ => BinaryKind::Deb,
    };
    let mut file = BinaryFile {
        package,
        version: artifact.version.clone().with_context(|| missing("version"))?,
        architecture,
        source: job.source.clone(),
        component: job.component.clone(),
        name: artifact.name.clone(),
        size: artifact.size,
        sha256: artifact.sha256,
        md5: String::new(),
        sha1: None,
        control: artifact.control.clone().with_context(|| missing("control paragraph"))?,
        kind,
        files: "".into(),
    };
    let tag = variant.filter(|variant| variant.base == file.architecture).and_then(|variant| variant.tag.as_deref());
    if let Some(tag) = tag {
        let path = publishing.files.built.path(&file.sha256);
        file.sha256 = stamped(publishing, &path, file.sha256, tag)?;
        file.control = control_of(&publishing.files.built.path(&file.sha256))?;
        file.name = named(&file, tag);
    }
    let path = publishing.files.built.path(&file.sha256);
    complete(publishing.state, &mut file, &path)?;
    Ok(file)
}

/// Adds the hashes of a file and what it installs.
pub(super) fn complete(state: &State, file: &mut BinaryFile, path: &Path) -> anyhow::Result<()> {
    let Facts { size, md5, sha1, files } = known(state, file.sha256, path)?;
    *file = BinaryFile { size, md5, sha1: Some(sha1), files: files.into(), ..file.clone() };
    Ok(())
}

/// What is known of a package file; read where nobody did yet.
fn known(state: &State, sha256: Sha256, path: &Path) -> anyhow::Result<Facts> {
    if let Some(facts) = state.read(|db| facts::get(db, sha256))? {
        return Ok(facts);
    }
    let deb::Hashes { md5, sha1, size, .. } = deb::hashes(path)?;
    let facts = Facts { size, md5, sha1, files: deb::contents::files(path)? };
    let kept = facts.clone();
    state.write(move |tx| facts::insert(tx, sha256, &kept))?;
    Ok(facts)
}

/// The file name of a variant's package, as dpkg gives it.
fn named(file: &BinaryFile, tag: &str) -> String {
    let extension = file.name.rsplit_once('.').map_or("deb", |(_, extension)| extension);
    let name = file_name(&file.package, &file.version, tag);
    let bare = name.rsplit_once('.').map_or(name.as_str(), |(bare, _)| bare);
    format!("{bare}.{extension}")
}

/// The control paragraph of a file.
pub(super) fn control_of(path: &Path) -> anyhow::Result<String> {
    let bytes = deb::read_control(path)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    control::paragraphs(text.as_bytes()).next().with_context(|| format!("`{}` has no control", path.display()))?;
    Ok(text)
}

/// The package with its variant in it; made once, and then kept as any other file.
fn stamped(publishing: &Publishing<'_>, path: &Path, built: Sha256, tag: &str) -> anyhow::Result<Sha256> {
    let store = &publishing.files.built;
    if let Some(done) = publishing.state.read(|db| facts::stamped(db, built, tag))?.filter(|done| store.contains(done))
    {
        return Ok(done);
    }
    let mut writer = store.writer()?;
    let has_it = !deb::stamp::stamp(path, tag, &mut writer)?;
    // A builder whose dpkg knows variants has written it.
    let stamped = if has_it { built } else { writer.finish(None)?.sha256 };
    let tag = tag.to_owned();
    publishing.state.write(move |tx| facts::set_stamped(tx, built, &tag, stamped))?;
    Ok(stamped)
}

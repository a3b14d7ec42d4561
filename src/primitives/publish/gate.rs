//! Asks whether what is to be published may be.

use super::Publishing;
use super::place::Place;
use crate::core::debian::packages;
use crate::core::publish::gate::{self, Finding, Refused, Sets};
use crate::core::publish::{BinaryFile, BinaryKind};
use crate::core::recipe::PublishRequest;
use crate::primitives::import;

/// Refuses what the recipe's conditions forbid; what was published before stands then.
pub(super) async fn check(
    publishing: &Publishing<'_>,
    request: &PublishRequest,
    binaries: &[BinaryFile],
    place: &Place,
) -> anyhow::Result<()> {
    let gate = &request.settings.gate;
    if gate.is_empty() {
        return Ok(());
    }
    let mut findings = gate::check(gate, binaries);
    if gate.installable {
        findings.extend(uninstallable(publishing, request, binaries, place).await?);
    }
    if findings.is_empty() { Ok(()) } else { Err(Refused(findings).into()) }
}

async fn uninstallable(
    publishing: &Publishing<'_>,
    request: &PublishRequest,
    binaries: &[BinaryFile],
    place: &Place,
) -> anyhow::Result<Vec<Finding>> {
    let stanza = |file: &BinaryFile| {
        format!(
            "{}\nFilename: {}\nSize: {}\nSHA256: {}\n\n",
            file.control.trim_end(),
            file.name,
            file.size,
            file.sha256
        )
    };
    let ordinary = binaries.iter().filter(|file| file.kind == BinaryKind::Deb);
    let text: String = ordinary.map(stanza).collect();
    let (now, _) = packages::read(text.as_bytes());
    let mut listed = place.packages(&request.suite, &request.arch).await?;
    if let Some(tag) = request.settings.variant.as_deref().and_then(|variant| variant.tag.as_deref()) {
        listed.extend(place.packages(&request.suite, tag).await?);
    }
    let before: Vec<_> = listed.iter().flat_map(|index| packages::read(index).0).collect();
    let Some(id) = request.imports.last() else { return Ok(Vec::new()) };
    let imported = import::pinned(publishing.state, *id)?;
    import::with_archive(&publishing.files.cache, &imported, |archive| {
        let base = archive.visible();
        let sets = Sets { now: &now, before: &before, base: &base, architecture: &request.arch };
        Ok(gate::uninstallable(&sets))
    })
}

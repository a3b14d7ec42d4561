//! `cloudbuild import`: what APT sources offer.

use std::collections::BTreeMap;

use serde::Serialize;

use super::args::ImportArgs;
use super::exit::Exit;
use super::output::{Format, clean};
use super::{Context, progress, site};
use crate::core::pinned::{Imported, PinnedSuite, Role};
use crate::core::recipe::{AptSources, ImportRequest};
use crate::io::overlay::Keep;
use crate::io::store::Store;
use crate::primitives::import::{fetch, with_archive};

/// What is there.
#[derive(Debug, Serialize)]
struct Offer {
    architecture: String,
    suites: Vec<Suite>,
    /// Source packages that can be chosen, each name once.
    sources: usize,
    /// Binary packages that chroots may see, each name once.
    packages: usize,
    notes: Vec<String>,
    /// Stanzas that cannot be read, with their place.
    malformed: Vec<String>,
}

/// One suite.
#[derive(Debug, Serialize)]
struct Suite {
    uri: String,
    suite: String,
    codename: String,
    origin: String,
    role: Role,
    entry: String,
    release_sha256: String,
    components: BTreeMap<String, Counts>,
}

/// How much a component lists.
#[derive(Debug, Default, Serialize)]
struct Counts {
    sources: usize,
    packages: usize,
}

/// Imports the machine's own APT sources, for one architecture where that is said; notes go to the side.
pub fn own(ctx: &Context, arch: Option<&str>) -> anyhow::Result<(Store, Imported)> {
    let sources = AptSources::System { also: Vec::new() };
    let request = ImportRequest { sources, arch: arch.map(str::to_owned), build_arch: None, overlay: Vec::new() };
    let (cache, imported) = imported(ctx, request)?;
    for note in &imported.notes {
        ctx.output.aside().say(&format!("note: {}", clean(note)));
    }
    Ok((cache, imported))
}

/// What a request pins, and the cache that has its indexes.
fn imported(ctx: &Context, request: ImportRequest) -> anyhow::Result<(Store, Imported)> {
    let runtime = site::runtime()?;
    let guard = runtime.enter();
    let cache = site::cache(ctx)?;
    let mirror = site::mirror(ctx, &cache)?;
    drop(guard);
    let machine = site::machine(&runtime)?;
    let keep = Keep { files: cache.clone(), indexes: cache.clone() };
    let listener = progress::listener(&ctx.output.aside());
    let imported = runtime.block_on(fetch(&mirror, &keep, &request, &machine, listener.as_ref()))?;
    Ok((cache, imported))
}

/// Imports and shows what came.
pub fn import(ctx: &Context, args: &ImportArgs) -> anyhow::Result<Exit> {
    let sources = match &args.file {
        Some(file) => AptSources::File { path: ctx.folder.join(file) },
        None => AptSources::System { also: Vec::new() },
    };
    let request = ImportRequest { sources, arch: args.arch.clone(), build_arch: None, overlay: Vec::new() };
    let (cache, imported) = imported(ctx, request)?;
    let offer = with_archive(&cache, &imported, |archive| {
        let mut suites: Vec<Suite> = imported.suites.iter().map(suite).collect();
        for (pinned, suite) in imported.suites.iter().zip(&mut suites) {
            for record in archive.sources.iter().filter(|record| std::ptr::eq(record.suite, pinned)) {
                suite.components.entry(record.component.to_owned()).or_default().sources += 1;
            }
            for record in archive.packages.iter().filter(|record| std::ptr::eq(record.suite, pinned)) {
                suite.components.entry(record.component.to_owned()).or_default().packages += 1;
            }
        }
        Ok(Offer {
            architecture: imported.architecture.clone(),
            suites,
            sources: archive.chosen_sources().len(),
            packages: archive.candidates().len(),
            notes: imported.notes.clone(),
            malformed: archive.malformed.iter().map(|(index, stanza)| format!("{index}: {stanza}")).collect(),
        })
    })?;
    match ctx.output.format {
        Format::Json => ctx.output.document(&offer)?,
        Format::Text => ctx.output.print(&text(&offer, &imported))?,
    }
    Ok(Exit::Done)
}

fn suite(pinned: &PinnedSuite) -> Suite {
    let listed = pinned.indexes.iter().map(|index| (index.component.clone(), Counts::default()));
    Suite {
        uri: pinned.uri.clone(),
        suite: pinned.suite.clone(),
        codename: pinned.codename.clone(),
        origin: pinned.origin.clone(),
        role: pinned.role,
        entry: pinned.entry.clone(),
        release_sha256: pinned.release_sha256.to_string(),
        components: listed.collect(),
    }
}

/// The offer for people.
fn text(offer: &Offer, imported: &Imported) -> String {
    let mut lines = Vec::new();
    for (suite, pinned) in offer.suites.iter().zip(&imported.suites) {
        let role = match suite.role {
            Role::Distribution => "",
            Role::Named => "  named by the recipe",
            Role::ThirdParty => "  third party: never fed to a chroot",
            Role::Overlay => "  overlay: supersedes all others",
        };
        let automatic = if pinned.not_automatic { "  not automatic" } else { "" };
        lines.push(format!("{} {}  {}{role}{automatic}", suite.uri, suite.suite, suite.origin));
        for (component, Counts { sources, packages }) in &suite.components {
            let component = if component.is_empty() { "(flat)" } else { component };
            lines.push(format!("  {component:<24} {sources:>7} sources  {packages:>7} binary packages"));
        }
    }
    let (architecture, sources, packages) = (&offer.architecture, offer.sources, offer.packages);
    lines.push(format!("{sources} sources to build for {architecture}, {packages} binary packages to build against"));
    if !offer.malformed.is_empty() {
        lines.push(format!("{} stanzas cannot be read:", offer.malformed.len()));
        lines.extend(offer.malformed.iter().map(|stanza| format!("  {stanza}")));
    }
    lines.join("\n")
}

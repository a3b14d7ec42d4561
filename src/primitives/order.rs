//! `order`: chooses source packages and puts them in build order.

use rustc_hash::FxHashSet;

use crate::core::archive::{Archive, SourceRecord};
use crate::core::debian::packages::Package;
use crate::core::events::{Event, Listener};
use crate::core::order::text::{counted, loop_sentence};
use crate::core::order::{self, Options, Order, select};
use crate::core::pinned::Imported;
use crate::core::recipe::{BaseClosure, OrderRequest, OrderResult, Selection};
use crate::io::state::durations::Durations;
use crate::io::store::Store;
use crate::primitives::import::with_archive;

/// An order, and what cannot be built with what is known now: sources with the reason.
pub type Decided = (OrderResult, Vec<(String, String)>);

/// Decides the order over what an import pinned, built against what another one has (most often the same), and says what
/// it leaves out. `history` is how long builds took before.
pub fn order(
    cache: &Store,
    imported: &Imported,
    against: &Imported,
    request: &OrderRequest,
    history: &Durations,
    listener: &dyn Listener,
) -> anyhow::Result<Decided> {
    with_archive(cache, imported, |archive| {
        let candidates = |archive: &Archive<'_>, decide: &dyn Fn(&[Package<'_>]) -> anyhow::Result<Order>| {
            let visible: Vec<Package<'_>> = archive.candidates().iter().map(|record| record.package).collect();
            decide(&visible)
        };
        let decide = |visible: &[Package<'_>]| decide(archive, visible, imported, request, history, listener);
        let order = if imported.id() == against.id() {
            candidates(archive, &decide)?
        } else {
            with_archive(cache, against, |against| candidates(against, &decide))?
        };
        for name in &order.not_for_here {
            let arch = &imported.architecture;
            listener.hear(&Event::Note { text: format!("source `{name}` builds nothing for {arch}; left out") });
        }
        for found in &order.loops {
            listener.hear(&Event::Note { text: loop_sentence(found) });
        }
        let Order { jobs, loops, unbuildable, .. } = order;
        Ok((OrderResult { import: request.import, arch: imported.architecture.clone(), jobs, loops }, unbuildable))
    })
}

fn decide(
    archive: &Archive<'_>,
    visible: &[Package<'_>],
    imported: &Imported,
    request: &OrderRequest,
    history: &Durations,
    listener: &dyn Listener,
) -> anyhow::Result<Order> {
    let architecture = imported.architecture.as_str();
    let mut sources: Vec<SourceRecord<'_>> = select::select(archive, visible, &request.packages, architecture)?;
    if request.overlay {
        sources = select::with_overlay(archive, sources);
    }
    let first = imported.overlay_sources().filter(|local| local.first);
    let first: FxHashSet<&str> = first.map(|local| local.name.as_str()).collect();
    if let Selection::BaseSystem(closure) = &request.packages {
        let what = match closure {
            BaseClosure::Runtime => "",
            BaseClosure::Build => ", closed under build-dependencies,",
        };
        let count = counted(sources.len(), "source package");
        listener.hear(&Event::Note { text: format!("the base system{what} has {count}") });
    }
    let profiles: Vec<&str> = request.profiles.iter().map(String::as_str).collect();
    let options = Options {
        architecture,
        profiles: &profiles,
        older_binaries: request.older_binaries,
        first: &first,
        history: &|source, arch| history.get(source)?.get(arch).copied(),
    };
    Ok(order::order(&sources, visible, &options))
}

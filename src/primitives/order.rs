//! `order`: chooses source packages and puts them in build order.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use crate::core::archive::{self, SourceRecord};
use crate::core::events::{Event, Listener};
use crate::core::order::select::Ground;
use crate::core::order::text::{counted, loop_sentence};
use crate::core::order::{self, Options, Order, select};
use crate::core::pinned::Imported;
use crate::core::recipe::selection::{BaseClosure, Selection};
use crate::core::recipe::{OrderRequest, OrderResult, Skipped};
use crate::core::view::{self, BuiltBinary};
use crate::io::state::durations::Durations;
use crate::io::store::Store;
use crate::primitives::import::with_archives;

/// An order, and what cannot be built with what is known now: sources with the reason.
pub type Decided = (OrderResult, Vec<(String, String)>);

/// What an order is decided over.
pub struct Over<'o> {
    /// The indexes.
    pub cache: &'o Store,
    /// Where the sources are.
    pub sources: &'o Imported,
    /// What they are built against, below the stages.
    pub against: &'o Imported,
    /// What the stages built that they are built against.
    pub built: &'o [BuiltBinary],
    /// By stage: the sources whose inputs changed since it built them.
    pub changed: &'o BTreeMap<String, Vec<String>>,
    /// How long builds took before.
    pub history: &'o Durations,
    /// Who hears what the order leaves out.
    pub listener: &'o dyn Listener,
}

/// Decides an order, and says what it leaves out.
pub fn order(over: &Over<'_>, request: &OrderRequest) -> anyhow::Result<Decided> {
    let stanzas: Vec<String> = over.built.iter().map(BuiltBinary::stanza).collect();
    with_archives(over.cache, over.sources, over.against, |archive, beneath| {
        let arch = &over.against.architecture;
        let visible = match (over.built, &over.against.build_architecture) {
            ([], None) => beneath.visible(),
            (built, _) => {
                let candidates = archive::of_architecture(&beneath.candidates(), arch);
                view::visible(&candidates, built, &stanzas).map_err(anyhow::Error::msg)?
            }
        };
        let ground = Ground { archive, visible: &visible, architecture: arch, changed: over.changed };
        let first = over.sources.overlay_sources().filter(|local| local.first);
        let first: FxHashSet<&str> = first.map(|local| local.name.as_str()).collect();
        let (order, mut skipped) = decide(&ground, request, &first, over.history, over.listener)?;
        for name in order.not_for_here {
            over.listener.hear(&Event::Note { text: format!("source `{name}` builds nothing for {arch}; left out") });
            skipped.push(Skipped { source: name, reason: format!("builds nothing for {arch}") });
        }
        for found in &order.loops {
            over.listener.hear(&Event::Note { text: loop_sentence(found) });
        }
        let (import, arch) = (request.import, arch.clone());
        let (jobs, loops) = (order.jobs.into(), order.loops.into());
        Ok((OrderResult { import, arch, jobs, loops, skipped }, order.unbuildable))
    })
}

/// The same over archives that were read; `first` are the sources of the overlay that all others come after.
pub fn decide(
    ground: &Ground<'_, '_>,
    request: &OrderRequest,
    first: &FxHashSet<&str>,
    history: &Durations,
    listener: &dyn Listener,
) -> anyhow::Result<(Order, Vec<Skipped>)> {
    let mut sources: Vec<SourceRecord<'_>> = select::select(ground, &request.packages)?;
    if let Selection::BaseSystem(closure) = &request.packages {
        let what = match closure {
            BaseClosure::Runtime => "",
            BaseClosure::Build => ", closed under build-dependencies,",
        };
        let count = counted(sources.len(), "source package");
        listener.hear(&Event::Note { text: format!("the base system{what} has {count}") });
    }
    if request.overlay {
        sources = select::with_overlay(ground.archive, sources);
    }
    let mut skipped = Vec::new();
    sources.retain(|record| {
        let name = record.source.name;
        let unwanted = request.not_for_us.iter().any(|unwanted| unwanted == name);
        if unwanted {
            skipped.push(Skipped { source: name.to_owned(), reason: "not for us, as the recipe says".to_owned() });
        }
        !unwanted
    });
    let profiles: Vec<&str> = request.profiles.iter().map(String::as_str).collect();
    let options = Options {
        architecture: ground.architecture,
        profiles: &profiles,
        older_binaries: request.older_binaries,
        first,
        history: &|source, arch| history.get(source)?.get(arch).copied(),
    };
    Ok((order::order(&sources, ground.visible, &options), skipped))
}

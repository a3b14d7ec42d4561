//! `order`: chooses source packages and puts them in build order.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use crate::core::archive::{self, SourceRecord};
use crate::core::events::{Event, Listener};
use crate::core::order::select::Ground;
use crate::core::order::text::{counted, loop_sentence};
use crate::core::order::{self, Options, Order, select};
use crate::core::pinned::Imported;
use crate::core::recipe::selection::{BaseClosure, Selection};
use crate::core::recipe::{OrderRequest, OrderResult, Skipped};
use crate::core::view::{self, BuiltBinary};
use crate::io::kept::Kept;
use crate::io::state::durations::Durations;
use crate::io::store::Store;
use crate::primitives::import::with_archives;

/// An order, and what cannot be built with what is known now: sources with the reason.
pub type Decided = (OrderResult, Vec<(String, String)>);

/// What an order is decided over.
#[derive(Clone, Copy)]
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

/// An order as it is kept, with what was said while it was decided.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptOrder {
    order: OrderResult,
    unbuildable: Vec<(String, String)>,
    notes: Vec<String>,
}

/// With fewer jobs an order is decided sooner than a file of it is read.
const WORTH_KEEPING: usize = 2000;

/// Decides an order, and says what it leaves out. One that was decided before, from the same, is not decided again.
pub fn order(over: &Over<'_>, request: &OrderRequest) -> anyhow::Result<Decided> {
    let kept = Kept::of(over.cache, "orders");
    let key = kept.key(&inputs(over, request))?;
    if let Some(KeptOrder { order, unbuildable, notes }) = kept.get(&key) {
        notes.into_iter().for_each(|text| over.listener.hear(&Event::Note { text }));
        return Ok((order, unbuildable));
    }
    let noting = Noting { listener: over.listener, notes: Mutex::default() };
    let (order, unbuildable) = decide_anew(&Over { listener: &noting, ..*over }, request)?;
    let notes = noting.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
    let found = KeptOrder { order, unbuildable, notes };
    if found.order.jobs.len() >= WORTH_KEEPING {
        kept.keep(&key, &found);
    }
    Ok((found.order, found.unbuildable))
}

/// All that an order follows from, so that it can be told whether one is of these.
fn inputs<'i>(over: &'i Over<'_>, request: &'i OrderRequest) -> impl Serialize + 'i {
    let history: BTreeMap<_, BTreeMap<_, _>> =
        over.history.iter().map(|(source, seconds)| (source, seconds.iter().collect())).collect();
    (over.sources.id(), over.against.id(), request, over.built, over.changed, history)
}

/// Passes on what is heard, and remembers the notes.
struct Noting<'n> {
    listener: &'n dyn Listener,
    notes: Mutex<Vec<String>>,
}

impl Listener for Noting<'_> {
    fn hear(&self, event: &Event) {
        if let Event::Note { text } = event {
            self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(text.clone());
        }
        self.listener.hear(event);
    }
}

fn decide_anew(over: &Over<'_>, request: &OrderRequest) -> anyhow::Result<Decided> {
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

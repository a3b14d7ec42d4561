//! `order`: chooses source packages and puts them in build order.

use crate::core::archive::{Archive, SourceRecord};
use crate::core::debian::packages::Package;
use crate::core::events::{Event, Listener};
use crate::core::order::{self, Order};
use crate::core::pinned::Imported;
use crate::core::recipe::{OrderRequest, OrderResult};
use crate::io::store::Store;
use crate::primitives::import::with_archive;

/// Decides the order over what an import pinned, and says what it leaves out.
pub fn order(
    cache: &Store,
    imported: &Imported,
    request: &OrderRequest,
    listener: &dyn Listener,
) -> anyhow::Result<OrderResult> {
    with_archive(cache, imported, |archive| {
        let order = decide(archive, imported, request)?;
        for name in &order.not_for_here {
            let arch = &imported.architecture;
            listener.hear(&Event::Note { text: format!("source `{name}` builds nothing for {arch}; left out") });
        }
        for names in &order.loops {
            let text = format!("{} need each other to be built; the first goes first", names.join(", "));
            listener.hear(&Event::Note { text });
        }
        Ok(OrderResult {
            import: request.import,
            arch: imported.architecture.clone(),
            jobs: order.jobs,
            loops: order.loops,
        })
    })
}

fn decide(archive: &Archive<'_>, imported: &Imported, request: &OrderRequest) -> anyhow::Result<Order> {
    let sources: Vec<SourceRecord<'_>> = order::select(archive, &request.packages)?;
    let visible: Vec<Package<'_>> = archive.candidates().iter().map(|record| record.package).collect();
    Ok(order::order(&sources, &visible, &imported.architecture))
}

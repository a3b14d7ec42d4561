//! Shows a run to people: bars on a terminal, else one plain line per event.
//!
//! **Invariant:** shows what it hears; decides nothing about the run.

use std::sync::Arc;

use super::output::{Output, Volume};
use crate::core::events::Listener;

pub mod bars;
pub mod board;
pub mod lines;
pub mod plain;

/// The listener that suits where people read. Log lines and bars would overwrite each other, so `-v` has no bars.
pub fn listener(output: &Output) -> Arc<dyn Listener> {
    let bars = (output.volume == Volume::Normal && output.on_terminal()).then(|| bars::Bars::new(output.format));
    match bars {
        Some(bars) if !bars.is_hidden() => Arc::new(bars),
        Some(_) | None => Arc::new(plain::Plain::new(output.people(), output.volume)),
    }
}

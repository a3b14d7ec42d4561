//! The mirror of a recipe: copies of what is built with are kept near the builders, and counted.

use std::sync::Arc;

use crate::core::events::Event;
use crate::core::recipe::{Mirrored, PublishTarget};
use crate::io::copies::Copies;
use crate::primitives::Refusal;
use crate::primitives::live::Live;

impl Live {
    /// From now on copies are kept there, or nowhere; what was counted there so far.
    pub(super) fn keep_copies(&self, mirror: Option<&PublishTarget>) -> anyhow::Result<Mirrored> {
        let Some(target) = mirror else {
            self.files.keep_copies(None);
            return Ok(Mirrored::default());
        };
        if let Some(copies) = self.files.copies().filter(|copies| copies.target() == target) {
            return Ok(copies.mirrored());
        }
        let opened = self.runtime.block_on(Copies::open(target, &self.dir));
        let copies = opened.map_err(|error| Refusal::of_world(format!("`mirror`: {error}")))?;
        self.files.keep_copies(Some(Arc::new(copies)));
        Ok(Mirrored::default())
    }

    /// What was brought to the mirror since, and found there; told, too.
    pub(super) fn mirrored(&self, before: &Mirrored) -> Option<Mirrored> {
        let copies = self.files.copies()?;
        let since = copies.mirrored().since(before);
        self.listener.hear(&Event::Note { text: format!("mirror: {since}") });
        Some(since)
    }
}

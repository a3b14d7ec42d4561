//! stub
use crate::core::{debian::apt_source::AptEntry, events::Listener, ids::Sha256, pinned::Imported, recipe::AptSources};
use std::path::PathBuf;
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct MirrorError;
pub struct Mirror;
impl Mirror {
    pub fn read_entries(&self, _: &AptSources) -> Result<Vec<AptEntry>, MirrorError> {
        Err(MirrorError)
    }
    pub async fn import(
        &self,
        _: &AptSources,
        _: &[AptEntry],
        _: &str,
        _: jiff::Timestamp,
        _: &dyn Listener,
    ) -> Result<Imported, MirrorError> {
        Err(MirrorError)
    }
    pub async fn fetch(&self, _: &str, _: &str, _: &Sha256, _: u64) -> Result<PathBuf, MirrorError> {
        Err(MirrorError)
    }
}

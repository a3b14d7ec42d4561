//! Archives in a directory: `file:` and `copy:` URIs.

use std::io::ErrorKind;
use std::path::PathBuf;

use tokio::fs::File;

use super::error::{MirrorError, Place};

/// The path of a `file:` or `copy:` URL, with one slash or three.
pub(super) fn path(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("file:").or_else(|| url.strip_prefix("copy:"))?;
    let path = rest.strip_prefix("//").unwrap_or(rest);
    path.starts_with('/').then(|| PathBuf::from(path))
}

/// Opens a file.
pub(super) async fn open(place: &Place) -> Result<File, MirrorError> {
    let Some(path) = path(&place.url) else {
        let what = "a `file:` URI that is no absolute path".to_owned();
        return Err(MirrorError::BadRedirect { place: place.clone(), what });
    };
    match File::open(&path).await {
        Ok(file) => Ok(file),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(MirrorError::NotFound { place: place.clone() }),
        Err(source) => Err(MirrorError::Read { path, source }),
    }
}

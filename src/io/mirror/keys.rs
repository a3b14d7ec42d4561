//! The keys that may sign an entry's archive: exactly those that apt would take.

use std::path::PathBuf;

use super::Mirror;
use super::error::{MirrorError, Place};
use crate::core::debian::apt_source::{AptEntry, SignedBy};
use crate::io::openpgp::{Keyring, OpenPgpError};

/// The keyring for an entry.
pub(super) fn for_entry(mirror: &Mirror, entry: &AptEntry, place: &Place) -> Result<Keyring, MirrorError> {
    let failed = |source: OpenPgpError| MirrorError::Signature { place: place.clone(), source };
    match &entry.signed_by {
        None => trusted(mirror).map_err(failed),
        Some(SignedBy::Inline(key)) => Keyring::from_armored(key.as_bytes()).map_err(failed),
        Some(SignedBy::Keys { files, fingerprints }) if files.is_empty() => {
            Ok(trusted(mirror).map_err(failed)?.restrict_to(fingerprints))
        }
        Some(SignedBy::Keys { files, fingerprints }) => {
            Ok(Keyring::from_files(files).map_err(failed)?.restrict_to(fingerprints))
        }
    }
}

/// The keys that are trusted for every archive: `trusted.gpg` and `trusted.gpg.d`.
fn trusted(mirror: &Mirror) -> Result<Keyring, OpenPgpError> {
    let mut files: Vec<PathBuf> = vec![mirror.apt_file("trusted.gpg"), mirror.apt_file("trusted.gpg.asc")];
    if let Ok(folder) = std::fs::read_dir(mirror.apt_file("trusted.gpg.d")) {
        let mut parts: Vec<PathBuf> = folder.flatten().map(|part| part.path()).collect();
        parts.retain(|path| path.extension().is_some_and(|extension| extension == "gpg" || extension == "asc"));
        parts.sort();
        files.extend(parts);
    }
    let mut keyring = Keyring::empty();
    for file in files.into_iter().filter(|file| file.metadata().is_ok_and(|metadata| metadata.len() > 0)) {
        match Keyring::from_files(&[&file]) {
            Ok(keys) => keyring.join(keys),
            // apt passes over a file that it cannot use, with a warning; one bad file must not take the others along.
            Err(error) => tracing::warn!(file = %file.display(), %error, "keyring left out"),
        }
    }
    Ok(keyring)
}

//! OpenPGP: verifies what apt would verify, and signs what we publish.
//!
//! **Invariant:** no network and no keyring of the user; which keys count is always the caller's word.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::{Cert, KeyHandle};

pub mod signing;
#[cfg(test)]
mod tests;
mod verify;

/// Why a signature does not count, or a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenPgpError {
    /// A keyring cannot be read.
    #[error("failed to read keys from `{path}`: {reason}\nhint: {hint}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// In words.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
    /// A key that is no key.
    #[error(
        "expected an OpenPGP public key, got something else: {reason}\n\
         hint: check the entry's `Signed-By`: a file of keys, or the armoured key itself"
    )]
    Key {
        /// In words.
        reason: String,
    },
    /// There is no signature.
    #[error(
        "expected a signed text, got one without a signature\n\
         hint: the archive is not signed, or something on the way (a proxy, a login page) answers in its place"
    )]
    NotSigned,
    /// Bytes that are no OpenPGP message.
    #[error(
        "expected an OpenPGP signature, got something that cannot be read as one: {reason}\n\
         hint: the file was damaged on its way, or is none; try again, or another mirror"
    )]
    Malformed {
        /// In words.
        reason: String,
    },
    /// Signed, but by none of the keys that count.
    #[error(
        "expected a signature by {expected}, got signatures by {signers}\n\
         hint: if the archive changed its key, install the new one from a source that you trust"
    )]
    UnknownKey {
        /// The keys that count.
        expected: String,
        /// The key ids in the signatures.
        signers: String,
    },
    /// Signed by a key that counts, which has expired.
    #[error(
        "expected a signature by a valid key, got one by `{key}`, which has expired\n\
         hint: install the key's newer version, archives prolong theirs in time"
    )]
    KeyExpired {
        /// Its fingerprint.
        key: String,
    },
    /// Signed by a key that counts, which was revoked.
    #[error(
        "expected a signature by a valid key, got one by `{key}`, which was revoked by its owner\n\
         hint: install the archive's new key from a source that you trust"
    )]
    KeyRevoked {
        /// Its fingerprint.
        key: String,
    },
    /// Signed by a key that counts but must not sign, or that has a flaw.
    #[error(
        "expected a signature by a valid key, got one by `{key}`, which cannot be used: {reason}\n\
         hint: install the archive's new key from a source that you trust"
    )]
    KeyUnusable {
        /// Its fingerprint.
        key: String,
        /// In words.
        reason: String,
    },
    /// Signed by a key that counts, over other bytes.
    #[error(
        "expected what `{key}` signed, got other bytes: the signature does not match\n\
         hint: the file was changed or damaged on its way; try another mirror"
    )]
    BadSignature {
        /// Its fingerprint.
        key: String,
    },
    /// The signature uses a hash that is broken.
    #[error(
        "expected a signature with a strong hash such as SHA512, got one by `{key}` with {hash}\n\
         hint: ask the archive's owner to sign with a newer hash, or leave the archive out"
    )]
    WeakHash {
        /// The fingerprint or id of the key.
        key: String,
        /// The hash.
        hash: String,
    },
    /// Our own key cannot be made, read or used.
    #[error("failed to {action} the signing key `{path}`: {reason}")]
    SigningKey {
        /// `make`, `read`, `use`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// In words.
        reason: String,
    },
}

/// The keys that count.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    certs: Vec<Cert>,
    /// Fingerprints that the signing key or its certificate must have, when there are any.
    only: Vec<String>,
}

impl Keyring {
    /// No keys: nothing verifies.
    pub fn empty() -> Keyring {
        Keyring::default()
    }

    /// The keys of some files, binary or ASCII armoured.
    pub fn from_files<P: AsRef<Path>>(paths: &[P]) -> Result<Keyring, OpenPgpError> {
        let mut keyring = Keyring::empty();
        for path in paths {
            keyring.add_file(path.as_ref())?;
        }
        Ok(keyring)
    }

    /// The keys of an ASCII armoured (or binary) text.
    pub fn from_armored(armored: &[u8]) -> Result<Keyring, OpenPgpError> {
        let certs = certs(armored).map_err(|reason| OpenPgpError::Key { reason })?;
        Ok(Keyring { certs, only: Vec::new() })
    }

    /// Adds the keys of a file.
    fn add_file(&mut self, path: &Path) -> Result<(), OpenPgpError> {
        let failed = |reason: String, hint| OpenPgpError::KeyFile { path: path.to_owned(), reason, hint };
        let bytes = std::fs::read(path).map_err(|error| {
            failed(error.to_string(), "install the package that brings the keyring, or correct `Signed-By`")
        })?;
        // GnuPG's own database is no keyring in OpenPGP's sense, and apt does not take it either.
        if bytes.get(8..12) == Some(b"KBXf") {
            return Err(failed(
                "it is a GnuPG keybox, no keyring".to_owned(),
                "convert it: `gpg --no-default-keyring --keyring FILE --export > NEW`",
            ));
        }
        self.certs.extend(certs(&bytes).map_err(|reason| failed(reason, "get the file again from where it came"))?);
        Ok(())
    }

    /// Lets only some keys count, by fingerprint of the certificate; `!` at the end: by that of the very key.
    pub fn restrict_to(mut self, fingerprints: &[String]) -> Keyring {
        self.only.extend(fingerprints.iter().map(|one| one.to_ascii_uppercase()));
        self
    }

    /// Adds another keyring's keys, without its restriction.
    pub fn join(&mut self, other: Keyring) {
        self.certs.extend(other.certs);
    }

    /// Whether there is no key in it.
    pub fn is_empty(&self) -> bool {
        self.certs.is_empty()
    }

    /// Whether a signature by this key, of this certificate, counts.
    fn allows(&self, cert: &Cert, key: &sequoia_openpgp::Fingerprint) -> bool {
        let (cert, key) = (cert.fingerprint().to_hex(), key.to_hex());
        self.only.is_empty()
            || self.only.iter().any(|one| match one.strip_suffix('!') {
                Some(exact) => exact == key,
                None => *one == cert || *one == key,
            })
    }

    /// The keys in words.
    fn names(&self) -> String {
        if !self.only.is_empty() {
            return format!("`{}`", self.only.join("`, `"));
        }
        match self.certs.len() {
            0 => "a trusted key (there is none)".to_owned(),
            1..=3 => {
                let names: Vec<String> = self.certs.iter().map(|cert| format!("`{}`", cert.fingerprint())).collect();
                names.join(", ")
            }
            count => format!("one of {count} trusted keys"),
        }
    }

    /// The certificates that have one of these keys.
    fn certs_for(&self, ids: &[KeyHandle]) -> Vec<Cert> {
        let has = |cert: &&Cert| cert.keys().any(|key| ids.iter().any(|id| id.aliases(key.key().key_handle())));
        self.certs.iter().filter(has).cloned().collect()
    }
}

/// Reads certificates; those that cannot be read are left out, as long as there is one that can.
fn certs(bytes: &[u8]) -> Result<Vec<Cert>, String> {
    let parser = CertParser::from_bytes(bytes).map_err(|error| error.to_string())?;
    let (mut certs, mut failure) = (Vec::new(), None);
    for cert in parser {
        match cert {
            Ok(cert) => certs.push(cert),
            Err(error) => failure = Some(error.to_string()),
        }
    }
    match failure {
        Some(failure) if certs.is_empty() => Err(failure),
        Some(_) | None => Ok(certs),
    }
}

/// Verifies a text with its signature in it (InRelease), and returns only the bytes that were signed. One good
/// signature by a key of the keyring is enough, as it is for apt.
pub fn verify_inline(signed: &[u8], keyring: &Keyring, now: Timestamp) -> Result<Vec<u8>, OpenPgpError> {
    verify::inline(signed, keyring, now)
}

/// Verifies bytes whose signature is apart (Release with Release.gpg).
pub fn verify_detached(data: &[u8], signature: &[u8], keyring: &Keyring, now: Timestamp) -> Result<(), OpenPgpError> {
    verify::detached(data, signature, keyring, now)
}

/// The text of a signed message, its signature not looked at: for archives that the user said to trust anyway.
pub fn text_unverified(signed: &[u8]) -> Vec<u8> {
    verify::text_unverified(signed)
}

//! The key that signs what we publish and what jobs build against.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use sequoia_openpgp::Cert;
use sequoia_openpgp::armor;
use sequoia_openpgp::cert::{CertBuilder, CipherSuite};
use sequoia_openpgp::crypto::KeyPair;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::serialize::stream::{Armorer, Message, Signer};
use sequoia_openpgp::types::{HashAlgorithm, KeyFlags};

use super::OpenPgpError;
use crate::io::clock;

/// A new key is dated back a little, so that a machine whose clock is behind does not take it for one of the future.
const BACKDATED: Duration = Duration::from_secs(60);

/// What kind of key is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyKind {
    /// Small and quick; every apt of today takes it.
    #[default]
    Ed25519,
    /// For clients whose gpgv knows no elliptic curves.
    Rsa4096,
}

/// A key that never expires.
#[derive(Debug, Clone)]
pub struct SigningKey {
    cert: Cert,
    path: PathBuf,
}

impl SigningKey {
    /// Makes a key for a time; it is nowhere but in memory.
    pub fn generate(user_id: &str, at: Timestamp) -> Result<SigningKey, OpenPgpError> {
        SigningKey::generate_for(user_id, KeyKind::Ed25519, at, None, Path::new("(in memory)"))
    }

    /// As [`SigningKey::generate`], with an end.
    fn generate_for(
        user_id: &str,
        kind: KeyKind,
        at: Timestamp,
        validity: Option<Duration>,
        path: &Path,
    ) -> Result<SigningKey, OpenPgpError> {
        let suite = match kind {
            KeyKind::Ed25519 => CipherSuite::Cv25519,
            KeyKind::Rsa4096 => CipherSuite::RSA4k,
        };
        let (cert, _revocation) = CertBuilder::new()
            .add_userid(user_id)
            .set_cipher_suite(suite)
            .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
            .set_creation_time(SystemTime::from(at) - BACKDATED)
            .set_validity_period(validity)
            .generate()
            .map_err(|error| failed("make", path, error))?;
        Ok(SigningKey { cert, path: path.to_owned() })
    }

    /// A key that ends, for tests of what happens then.
    #[cfg(test)]
    pub fn generate_expiring(user_id: &str, at: Timestamp, validity: Duration) -> SigningKey {
        SigningKey::generate_for(user_id, KeyKind::Ed25519, at, Some(validity), Path::new("(in memory)")).unwrap()
    }

    /// Reads the key of a file, or makes one there, which nobody else can read.
    pub fn load_or_create(path: &Path, user_id: &str, kind: KeyKind) -> Result<SigningKey, OpenPgpError> {
        if !path.exists() {
            let key = SigningKey::generate_for(user_id, kind, clock::now(), None, path)?;
            key.save()?;
        }
        SigningKey::load(path)
    }

    /// Reads the key of a file, which nobody else may read.
    pub fn load(path: &Path) -> Result<SigningKey, OpenPgpError> {
        let mode = fs::metadata(path).map_err(|error| failed("read", path, error))?.permissions().mode();
        if mode & 0o077 != 0 {
            let reason = format!("others may read it (mode {:o})\nhint: chmod 600 {}", mode & 0o777, path.display());
            return Err(failed("use", path, reason));
        }
        let bytes = fs::read(path).map_err(|error| failed("read", path, error))?;
        let cert = Cert::from_bytes(&bytes).map_err(|error| failed("read", path, error))?;
        let key = SigningKey { cert, path: path.to_owned() };
        // Better now than when the first archive is to be signed.
        key.keypair(clock::now())?;
        Ok(key)
    }

    /// Writes the key to its file; when another process was faster, its key stands.
    fn save(&self) -> Result<(), OpenPgpError> {
        let armored = self.cert.as_tsk().armored().to_vec().map_err(|error| failed("make", &self.path, error))?;
        let write = || -> std::io::Result<()> {
            let folder = self.path.parent().unwrap_or(Path::new("."));
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
            let mut partial = tempfile::Builder::new()
                .make_in(folder, |path| fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path))?;
            partial.write_all(&armored)?;
            partial.as_file().sync_all()?;
            match partial.persist_noclobber(&self.path) {
                Ok(_) => Ok(()),
                Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
                Err(error) => Err(error.error),
            }
        };
        write().map_err(|error| failed("make", &self.path, error))
    }

    /// The secret half, for a signature at a time.
    fn keypair(&self, at: Timestamp) -> Result<KeyPair, OpenPgpError> {
        let policy = StandardPolicy::at(SystemTime::from(at));
        self.cert
            .keys()
            .unencrypted_secret()
            .with_policy(&policy, SystemTime::from(at))
            .supported()
            .for_signing()
            .next()
            .ok_or_else(|| failed("use", &self.path, "there is no unencrypted secret key for signing in it"))?
            .key()
            .clone()
            .into_keypair()
            .map_err(|error| failed("use", &self.path, error))
    }

    /// The text with its signature around it, as InRelease has it.
    pub fn sign_inline(&self, text: &[u8], at: Timestamp) -> Result<Vec<u8>, OpenPgpError> {
        self.sign(text, at, true)
    }

    /// The signature alone, ASCII armoured, as Release.gpg has it.
    pub fn sign_detached(&self, bytes: &[u8], at: Timestamp) -> Result<Vec<u8>, OpenPgpError> {
        self.sign(bytes, at, false)
    }

    /// Signs in one of the two forms.
    fn sign(&self, bytes: &[u8], at: Timestamp, inline: bool) -> Result<Vec<u8>, OpenPgpError> {
        let keypair = self.keypair(at)?;
        let mut signed = Vec::new();
        let write = || -> sequoia_openpgp::Result<()> {
            let message = Message::new(&mut signed);
            let message = if inline { message } else { Armorer::new(message).kind(armor::Kind::Signature).build()? };
            let signer =
                Signer::new(message, keypair)?.hash_algo(HashAlgorithm::SHA512)?.creation_time(SystemTime::from(at));
            let mut message = if inline { signer.cleartext() } else { signer.detached() }.build()?;
            message.write_all(bytes)?;
            message.finalize()
        };
        write().map_err(|error| failed("use", &self.path, error))?;
        Ok(signed)
    }

    /// The public half, ASCII armoured.
    pub fn public_armored(&self) -> String {
        let armored = self.cert.clone().strip_secret_key_material().armored().to_vec();
        String::from_utf8(armored.expect("writing to memory does not fail")).expect("ASCII armour is ASCII")
    }

    /// The fingerprint, 40 hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        self.cert.fingerprint().to_hex()
    }
}

/// The error about a key file.
fn failed(action: &'static str, path: &Path, reason: impl std::fmt::Display) -> OpenPgpError {
    OpenPgpError::SigningKey { action, path: path.to_owned(), reason: reason.to_string() }
}

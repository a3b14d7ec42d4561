//! Verification: which signatures there are, which of them count, and what is wrong with the others.

use std::io::Read;
use std::time::SystemTime;

use jiff::Timestamp;
use sequoia_openpgp::cert::amalgamation::{ValidAmalgamation, ValidateAmalgamation};
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::{
    DetachedVerifierBuilder, GoodChecksum, MessageLayer, MessageStructure, VerificationError, VerificationHelper,
    VerifierBuilder,
};
use sequoia_openpgp::policy::{HashAlgoSecurity, StandardPolicy};
use sequoia_openpgp::types::{HashAlgorithm, RevocationStatus};
use sequoia_openpgp::{Cert, KeyHandle};

use super::{Keyring, OpenPgpError};

/// What a cleartext signed message begins with.
const SIGNED: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";

/// What a signature block begins with.
const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";

/// The policy at a time. SHA-1 stays good enough for the self-signatures of old keys, where only a second preimage
/// would help a forger: gpgv, and so apt, takes them, and archives of older ports depend on that. Over data it is
/// refused.
fn policy(now: Timestamp) -> StandardPolicy<'static> {
    let mut policy = StandardPolicy::at(SystemTime::from(now));
    policy.accept_hash_property(HashAlgorithm::SHA1, HashAlgoSecurity::SecondPreImageResistance);
    policy
}

pub(super) fn inline(signed: &[u8], keyring: &Keyring, now: Timestamp) -> Result<Vec<u8>, OpenPgpError> {
    if !is_cleartext_signed(signed) {
        return Err(OpenPgpError::NotSigned);
    }
    let policy = policy(now);
    let mut findings = Vec::new();
    let helper = Helper { keyring, policy: &policy, now: SystemTime::from(now), findings: &mut findings };
    let mut text = Vec::new();
    let read = VerifierBuilder::from_bytes(signed)
        .and_then(|builder| builder.with_policy(&policy, SystemTime::from(now), helper))
        .and_then(|mut verifier| {
            verifier.read_to_end(&mut text)?;
            Ok(verifier.message_processed())
        });
    judge(read, findings, keyring)?;
    Ok(text)
}

pub(super) fn detached(data: &[u8], signature: &[u8], keyring: &Keyring, now: Timestamp) -> Result<(), OpenPgpError> {
    let policy = policy(now);
    let mut findings = Vec::new();
    let helper = Helper { keyring, policy: &policy, now: SystemTime::from(now), findings: &mut findings };
    let read = DetachedVerifierBuilder::from_bytes(signature)
        .and_then(|builder| builder.with_policy(&policy, SystemTime::from(now), helper))
        .and_then(|mut verifier| {
            verifier.verify_bytes(data)?;
            Ok(true)
        });
    judge(read, findings, keyring)
}

/// Whether the first line that is not blank begins a cleartext signed message, and a signature block follows.
fn is_cleartext_signed(signed: &[u8]) -> bool {
    signed.trim_ascii_start().starts_with(SIGNED) && memchr::memmem::find(signed, SIGNATURE).is_some()
}

pub(super) fn text_unverified(signed: &[u8]) -> Vec<u8> {
    if !is_cleartext_signed(signed) {
        return signed.to_vec();
    }
    let mut text = Vec::with_capacity(signed.len());
    // The armour's own headers (`Hash: SHA512`) end at the first empty line.
    let lines = signed
        .trim_ascii_start()
        .split_inclusive(|&byte| byte == b'\n')
        .skip_while(|line| !line.trim_ascii().is_empty())
        .skip(1);
    for line in lines {
        if line.starts_with(SIGNATURE) {
            break;
        }
        text.extend_from_slice(line.strip_prefix(b"- ").unwrap_or(line));
    }
    text
}

/// What was found about one signature, from best to worst in the order in which they are told.
enum Finding {
    Good,
    Wrong(OpenPgpError),
    Unknown(String),
}

/// The answer for a message: one good signature is enough, else the most telling of what is wrong.
fn judge(read: sequoia_openpgp::Result<bool>, findings: Vec<Finding>, keyring: &Keyring) -> Result<(), OpenPgpError> {
    let mut unknown = Vec::new();
    let mut wrong = None;
    let mut good = false;
    for finding in findings {
        match finding {
            Finding::Good => good = true,
            Finding::Wrong(error) => wrong = wrong.or(Some(error)),
            Finding::Unknown(signer) => unknown.push(format!("`{signer}`")),
        }
    }
    match read {
        Ok(true) if good => return Ok(()),
        Ok(true) | Ok(false) => {}
        // The helper never refuses, so this is about the bytes themselves.
        Err(error) if wrong.is_none() && unknown.is_empty() => {
            return Err(OpenPgpError::Malformed { reason: error.to_string() });
        }
        Err(_) => {}
    }
    if let Some(error) = wrong {
        return Err(error);
    }
    if unknown.is_empty() {
        return Err(OpenPgpError::NotSigned);
    }
    Err(OpenPgpError::UnknownKey { expected: keyring.names(), signers: unknown.join(", ") })
}

/// Hands the keys to the verifier, and writes down what it found.
struct Helper<'a> {
    keyring: &'a Keyring,
    policy: &'a StandardPolicy<'static>,
    now: SystemTime,
    findings: &'a mut Vec<Finding>,
}

impl VerificationHelper for Helper<'_> {
    fn get_certs(&mut self, ids: &[KeyHandle]) -> sequoia_openpgp::Result<Vec<Cert>> {
        Ok(self.keyring.certs_for(ids))
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> sequoia_openpgp::Result<()> {
        for layer in structure {
            if let MessageLayer::SignatureGroup { results } = layer {
                for result in results {
                    let finding = match result {
                        Ok(good) => self.accept(&good),
                        Err(error) => refuse(&error, self.keyring),
                    };
                    self.findings.push(finding);
                }
            }
        }
        Ok(())
    }
}

impl Helper<'_> {
    /// A signature that was good when it was made. gpgv also wants the key to be good now, so we do.
    fn accept(&self, good: &GoodChecksum<'_>) -> Finding {
        let (cert, key) = (good.ka.cert(), good.ka.key().fingerprint());
        if !self.keyring.allows(cert, &key) {
            return Finding::Unknown(key.to_hex());
        }
        let key = key.to_hex();
        let today = match good.ka.clone().with_policy(self.policy, self.now) {
            Ok(today) => today,
            Err(error) => return Finding::Wrong(OpenPgpError::KeyUnusable { key, reason: error.to_string() }),
        };
        let revoked = |status: RevocationStatus<'_>| matches!(status, RevocationStatus::Revoked(_));
        if revoked(today.revocation_status()) || revoked(today.valid_cert().revocation_status()) {
            return Finding::Wrong(OpenPgpError::KeyRevoked { key });
        }
        if today.alive().is_err() || today.valid_cert().alive().is_err() {
            return Finding::Wrong(OpenPgpError::KeyExpired { key });
        }
        Finding::Good
    }
}

/// What is wrong with a signature that the verifier refused.
fn refuse(error: &VerificationError<'_>, keyring: &Keyring) -> Finding {
    let named = |sig: &Signature| {
        sig.get_issuers().first().map_or_else(|| "a key that it does not name".to_owned(), |id| id.to_hex())
    };
    let weak = |sig: &Signature, key: String| {
        let weak = matches!(sig.hash_algo(), HashAlgorithm::MD5 | HashAlgorithm::SHA1 | HashAlgorithm::RipeMD);
        weak.then(|| Finding::Wrong(OpenPgpError::WeakHash { key, hash: sig.hash_algo().to_string() }))
    };
    match error {
        VerificationError::MissingKey { sig } => Finding::Unknown(named(sig)),
        VerificationError::UnboundKey { sig, cert, error } => {
            let key = cert.fingerprint().to_hex();
            weak(sig, key.clone())
                .unwrap_or_else(|| Finding::Wrong(OpenPgpError::KeyUnusable { key, reason: error.to_string() }))
        }
        VerificationError::BadKey { sig: _, ka, error } => {
            let (cert, key) = (ka.cert(), ka.key().fingerprint());
            if !keyring.allows(cert, &key) {
                return Finding::Unknown(key.to_hex());
            }
            let key = key.to_hex();
            let revoked = |status: RevocationStatus<'_>| matches!(status, RevocationStatus::Revoked(_));
            Finding::Wrong(if revoked(ka.revocation_status()) || revoked(ka.valid_cert().revocation_status()) {
                OpenPgpError::KeyRevoked { key }
            } else if ka.alive().is_err() || ka.valid_cert().alive().is_err() {
                OpenPgpError::KeyExpired { key }
            } else {
                OpenPgpError::KeyUnusable { key, reason: error.to_string() }
            })
        }
        VerificationError::BadSignature { sig, ka, error: _ } => {
            let key = ka.key().fingerprint().to_hex();
            weak(sig, key.clone()).unwrap_or(Finding::Wrong(OpenPgpError::BadSignature { key }))
        }
        VerificationError::MalformedSignature { sig: _, error } => {
            Finding::Wrong(OpenPgpError::Malformed { reason: error.to_string() })
        }
        VerificationError::UnknownSignature { sig } => {
            Finding::Wrong(OpenPgpError::Malformed { reason: sig.error().to_string() })
        }
        // The enum may grow; whatever comes then is not good.
        other => Finding::Wrong(OpenPgpError::Malformed { reason: other.to_string() }),
    }
}

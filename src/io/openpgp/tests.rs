//! Signatures that count and that do not; real gpg and gpgv are the other side.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use super::signing::{KeyKind, SigningKey};
use super::*;

const TEXT: &[u8] = b"Origin: Example\n- dashed line\nSHA256:\n";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn key() -> SigningKey {
    SigningKey::generate("tests <tests@example.org>", at("2026-01-01T00:00:00Z")).unwrap()
}

fn keyring(keys: &[&SigningKey]) -> Keyring {
    let mut keyring = Keyring::empty();
    for key in keys {
        keyring.join(Keyring::from_armored(key.public_armored().as_bytes()).unwrap());
    }
    keyring
}

const NOW: &str = "2026-02-01T00:00:00Z";

#[test]
fn only_the_signed_bytes_come_back() {
    let key = key();
    let mut signed = b"\n".to_vec();
    signed.extend(key.sign_inline(TEXT, at(NOW)).unwrap());
    signed.extend(b"Origin: Evil\n");
    assert_eq!(verify_inline(&signed, &keyring(&[&key]), at(NOW)).unwrap(), TEXT);
    assert_eq!(text_unverified(&signed).trim_ascii_end(), TEXT.trim_ascii_end());
}

#[test]
fn one_of_several_keys_is_enough_and_others_are_named() {
    let (ours, other) = (key(), key());
    let signed = ours.sign_inline(TEXT, at(NOW)).unwrap();
    assert!(verify_inline(&signed, &keyring(&[&other, &ours]), at(NOW)).is_ok());
    let error = verify_inline(&signed, &keyring(&[&other]), at(NOW)).unwrap_err();
    assert!(matches!(error, OpenPgpError::UnknownKey { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&other.fingerprint()) && text.contains(&ours.fingerprint()), "{text}");
    let error = verify_inline(&signed, &Keyring::empty(), at(NOW)).unwrap_err().to_string();
    assert!(error.contains("there is none"), "{error}");
}

#[test]
fn a_restricted_keyring_takes_only_the_named_keys() {
    let (ours, other) = (key(), key());
    let signed = ours.sign_inline(TEXT, at(NOW)).unwrap();
    let both = keyring(&[&ours, &other]);
    let check = |only: String| verify_inline(&signed, &both.clone().restrict_to(&[only]), at(NOW)).is_ok();
    assert!(check(ours.fingerprint()) && check(format!("{}!", ours.fingerprint().to_lowercase())));
    assert!(!check(other.fingerprint()));
}

#[test]
fn a_text_without_a_signature_is_told_apart() {
    for text in [TEXT, b"", b"-----BEGIN PGP SIGNED MESSAGE-----\n\nOrigin: x\n"] {
        let error = verify_inline(text, &keyring(&[&key()]), at(NOW)).unwrap_err();
        assert!(matches!(error, OpenPgpError::NotSigned), "{error}");
    }
}

#[test]
fn changed_bytes_are_a_bad_signature() {
    let key = key();
    let signed = String::from_utf8(key.sign_inline(TEXT, at(NOW)).unwrap()).unwrap();
    let error = verify_inline(signed.replace("Example", "Evil").as_bytes(), &keyring(&[&key]), at(NOW)).unwrap_err();
    assert!(matches!(error, OpenPgpError::BadSignature { .. }), "{error}");
    let detached = key.sign_detached(TEXT, at(NOW)).unwrap();
    assert!(verify_detached(TEXT, &detached, &keyring(&[&key]), at(NOW)).is_ok());
    let error = verify_detached(b"other", &detached, &keyring(&[&key]), at(NOW)).unwrap_err();
    assert!(matches!(error, OpenPgpError::BadSignature { .. }), "{error}");
}

#[test]
fn a_key_that_expired_since_it_signed_does_not_count() {
    let start = at("2026-01-01T00:00:00Z");
    let key = SigningKey::generate_expiring("short <short@example.org>", start, Duration::from_secs(86_400));
    let signed = key.sign_inline(TEXT, start).unwrap();
    assert!(verify_inline(&signed, &keyring(&[&key]), start).is_ok());
    let error = verify_inline(&signed, &keyring(&[&key]), at(NOW)).unwrap_err();
    assert!(matches!(error, OpenPgpError::KeyExpired { .. }), "{error}");
}

#[test]
fn a_signing_key_is_made_once_and_is_private() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key/secret.asc");
    let made = SigningKey::load_or_create(&path, "archive <archive@example.org>", KeyKind::Ed25519).unwrap();
    let loaded = SigningKey::load_or_create(&path, "archive <archive@example.org>", KeyKind::Ed25519).unwrap();
    assert_eq!(made.fingerprint(), loaded.fingerprint());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert!(!made.public_armored().contains("PRIVATE"));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn a_damaged_key_file_is_said_with_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret.asc");
    fs::write(&path, "no key\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let error = SigningKey::load_or_create(&path, "x <x@example.org>", KeyKind::Ed25519).unwrap_err().to_string();
    assert!(error.starts_with("failed to read the signing key `") && error.contains("secret.asc"), "{error}");
    let error = Keyring::from_files(&[directory.path().join("none.gpg")]).unwrap_err().to_string();
    assert!(error.contains("none.gpg") && error.contains("\nhint: "), "{error}");
}

/// Runs a program of GnuPG with a home of its own.
fn gnupg(program: &str, home: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).arg("--homedir").arg(home).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn gpgv_accepts_both_kinds_of_our_signatures() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let key = SigningKey::load_or_create(Path::new(&file("key/secret.asc")), "us <us@example.org>", KeyKind::Ed25519)
        .unwrap();
    let now = crate::io::clock::now();
    fs::write(file("key.asc"), key.public_armored()).unwrap();
    fs::write(file("Release"), TEXT).unwrap();
    fs::write(file("Release.gpg"), key.sign_detached(TEXT, now).unwrap()).unwrap();
    fs::write(file("InRelease"), key.sign_inline(TEXT, now).unwrap()).unwrap();
    // gpgv reads binary keyrings only.
    gnupg("gpg", directory.path(), &["--batch", "--dearmor", "-o", &file("key.gpg"), &file("key.asc")]);
    gnupg("gpgv", directory.path(), &["--keyring", &file("key.gpg"), &file("InRelease")]);
    gnupg("gpgv", directory.path(), &["--keyring", &file("key.gpg"), &file("Release.gpg"), &file("Release")]);
}

#[test]
fn signatures_of_real_gpg_verify_and_weak_ones_do_not() {
    let home = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap();
    let file = |name: &str| home.path().join(name).display().to_string();
    let gpg = |arguments: &[&str]| {
        let mut all = vec!["--batch", "--passphrase", "", "--pinentry-mode", "loopback"];
        all.extend(arguments);
        gnupg("gpg", home.path(), &all)
    };
    gpg(&["--quick-generate-key", "them <them@example.org>", "rsa2048", "sign", "never"]);
    fs::write(file("Release"), TEXT).unwrap();
    let inline = gpg(&["--clearsign", "-o", "-", &file("Release")]);
    let detached = gpg(&["--detach-sign", "-o", "-", &file("Release")]);
    let weak = gpg(&["--allow-weak-digest-algos", "--digest-algo", "SHA1", "--clearsign", "-o", "-", &file("Release")]);
    fs::write(file("binary.gpg"), gpg(&["--export"])).unwrap();
    fs::write(file("armored.asc"), gpg(&["--armor", "--export"])).unwrap();
    let _ = Command::new("gpgconf").arg("--homedir").arg(home.path()).args(["--kill", "all"]).status();
    let now = crate::io::clock::now();
    for name in ["binary.gpg", "armored.asc"] {
        let keyring = Keyring::from_files(&[file(name)]).unwrap();
        assert_eq!(verify_inline(&inline, &keyring, now).unwrap().trim_ascii(), TEXT.trim_ascii());
        verify_detached(TEXT, &detached, &keyring, now).unwrap();
        let error = verify_inline(&weak, &keyring, now).unwrap_err();
        assert!(matches!(error, OpenPgpError::WeakHash { .. }), "{error}");
    }
    let error = Keyring::from_files(&[file("pubring.kbx")]).unwrap_err().to_string();
    assert!(error.contains("keybox"), "{error}");
}

#[test]
fn an_rsa_key_of_gpg_signs_from_its_file_and_only_when_nobody_else_can_read_it() {
    let home = tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap();
    let file = |name: &str| home.path().join(name);
    let gpg = |arguments: &[&str]| {
        let mut all = vec!["--batch", "--passphrase", "", "--pinentry-mode", "loopback"];
        all.extend(arguments);
        gnupg("gpg", home.path(), &all)
    };
    gpg(&["--quick-generate-key", "rsa <rsa@example.org>", "rsa4096", "sign", "never"]);
    fs::write(file("secret.asc"), gpg(&["--armor", "--export-secret-keys"])).unwrap();
    fs::write(file("key.gpg"), gpg(&["--export"])).unwrap();
    let _ = Command::new("gpgconf").arg("--homedir").arg(home.path()).args(["--kill", "all"]).status();
    fs::set_permissions(file("secret.asc"), fs::Permissions::from_mode(0o644)).unwrap();
    let error = SigningKey::load(&file("secret.asc")).unwrap_err().to_string();
    assert!(error.contains("others may read it (mode 644)\nhint: chmod 600"), "{error}");
    fs::set_permissions(file("secret.asc"), fs::Permissions::from_mode(0o600)).unwrap();
    let key = SigningKey::load(&file("secret.asc")).unwrap();
    fs::write(file("InRelease"), key.sign_inline(TEXT, crate::io::clock::now()).unwrap()).unwrap();
    let path = |name: &str| file(name).display().to_string();
    gnupg("gpgv", home.path(), &["--keyring", &path("key.gpg"), &path("InRelease")]);
}

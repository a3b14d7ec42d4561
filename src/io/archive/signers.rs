//! Who signs an archive: keys of our own, keys that gpg has, or both while one takes over from the other.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use sequoia_openpgp::armor;

use crate::io::archive::{BoxError, Signer};
use crate::io::openpgp::signing::SigningKey;

/// One key.
#[derive(Debug, Clone)]
pub enum ArchiveKey {
    /// One that we have.
    Own(Box<SigningKey>),
    /// One that gpg has, by what gpg calls it: a fingerprint, or part of a user's name.
    Gpg(String),
}

/// All keys that sign; each of them makes a signature of its own, and any of them is enough for apt.
#[derive(Debug, Clone)]
pub struct Signers {
    keys: Vec<ArchiveKey>,
}

impl Signers {
    /// These keys, the one that stays first.
    pub fn new(keys: Vec<ArchiveKey>) -> Signers {
        Signers { keys }
    }

    /// One signature by each key, merged into one block.
    fn merged(&self, sign: impl Fn(&ArchiveKey) -> Result<Vec<u8>, BoxError>) -> Result<Vec<Vec<u8>>, BoxError> {
        if self.keys.is_empty() {
            return Err("there is no key to sign with".into());
        }
        self.keys.iter().map(sign).collect()
    }
}

impl Signer for Signers {
    fn sign_inline(&self, text: &[u8], at: i64) -> Result<Vec<u8>, BoxError> {
        let signed = self.merged(|key| key.sign(text, at, true))?;
        // Every key signed the same text, with the same hash; what differs is the block at the end.
        let mut blocks = Vec::new();
        for one in &signed {
            blocks.push(&one[block_of(one)?..]);
        }
        let mut all = signed[0][..block_of(&signed[0])?].to_vec();
        all.extend(joined(&blocks, armor::Kind::Signature)?);
        Ok(all)
    }

    fn sign_detached(&self, text: &[u8], at: i64) -> Result<Vec<u8>, BoxError> {
        let signed = self.merged(|key| key.sign(text, at, false))?;
        joined(&signed.iter().map(Vec::as_slice).collect::<Vec<_>>(), armor::Kind::Signature)
    }

    fn public_armored(&self) -> Result<String, BoxError> {
        let public: Vec<Vec<u8>> = self.keys.iter().map(ArchiveKey::public).collect::<Result<_, _>>()?;
        let joined = joined(&public.iter().map(Vec::as_slice).collect::<Vec<_>>(), armor::Kind::PublicKey)?;
        Ok(String::from_utf8(joined)?)
    }
}

impl ArchiveKey {
    fn sign(&self, text: &[u8], at: i64, inline: bool) -> Result<Vec<u8>, BoxError> {
        match self {
            ArchiveKey::Own(key) => {
                let at = jiff::Timestamp::from_second(at)?;
                Ok(if inline { key.sign_inline(text, at)? } else { key.sign_detached(text, at)? })
            }
            ArchiveKey::Gpg(id) => {
                let form = if inline { "--clearsign" } else { "--detach-sign" };
                gpg(&["--armor", "--digest-algo", "SHA512", "--local-user", id, form], text)
            }
        }
    }

    fn public(&self) -> Result<Vec<u8>, BoxError> {
        match self {
            ArchiveKey::Own(key) => Ok(key.public_armored().into_bytes()),
            ArchiveKey::Gpg(id) => {
                let key = gpg(&["--armor", "--export", id], b"")?;
                let none = || format!("gpg has no key `{id}`\nhint: `gpg --list-secret-keys` shows those that it has");
                if key.is_empty() { Err(none().into()) } else { Ok(key) }
            }
        }
    }
}

/// Asks gpg, and by it its agent; that one may ask a person for a passphrase.
fn gpg(words: &[&str], input: &[u8]) -> Result<Vec<u8>, BoxError> {
    let mut command = Command::new("gpg");
    command.args(["--batch", "--quiet", "--no-tty", "--output", "-"]).args(words);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().ok_or("gpg takes no input")?;
    let written = stdin.write_all(input);
    drop(stdin);
    let done = child.wait_with_output()?;
    if !done.status.success() {
        let text = String::from_utf8_lossy(&done.stderr);
        return Err(format!("gpg says: {}", text.trim()).into());
    }
    written?;
    Ok(done.stdout)
}

/// Where the signature block of a clearsigned message begins.
fn block_of(signed: &[u8]) -> Result<usize, BoxError> {
    memchr::memmem::rfind(signed, b"-----BEGIN PGP SIGNATURE-----").ok_or_else(|| "a signature without a block".into())
}

/// Armoured blocks as one.
fn joined(blocks: &[&[u8]], kind: armor::Kind) -> Result<Vec<u8>, BoxError> {
    let mut packets = Vec::new();
    for block in blocks {
        armor::Reader::from_bytes(block, None).read_to_end(&mut packets)?;
    }
    let mut writer = armor::Writer::new(Vec::new(), kind)?;
    writer.write_all(&packets)?;
    Ok(writer.finalize()?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::io::archive::testing::run;
    use crate::io::clock;
    use crate::io::openpgp::signing::KeyKind;

    /// gpgv with the keys of one signer alone; how many signatures it found good.
    fn good(folder: &Path, signer: &Signers, files: &[&str]) -> usize {
        let keyring = folder.join("one.gpg");
        let armored = folder.join("one.asc");
        std::fs::write(&armored, signer.public_armored().unwrap()).unwrap();
        let _absent = std::fs::remove_file(&keyring);
        run(Command::new("gpg").args(["--batch", "--dearmor", "-o"]).arg(&keyring).arg(&armored));
        let mut gpgv = Command::new("gpgv");
        gpgv.args(["--status-fd", "1", "--keyring"]).arg(&keyring).args(files.iter().map(|file| folder.join(file)));
        let done = gpgv.output().unwrap();
        String::from_utf8_lossy(&done.stdout).matches("GOODSIG").count()
    }

    #[test]
    fn two_keys_sign_while_one_takes_over_and_each_of_them_is_enough() {
        let folder = tempfile::tempdir().unwrap();
        let at = clock::now();
        let own = |name: &str| {
            let path = folder.path().join(name).join("secret.asc");
            let key = SigningKey::load_or_create(&path, name, KeyKind::Ed25519).unwrap();
            ArchiveKey::Own(Box::new(key))
        };
        let (old, new) = (own("old"), own("new"));
        let both = Signers::new(vec![new.clone(), old.clone()]);
        let text = b"Origin: x\n- dashed \nSuite: y\n";
        std::fs::write(folder.path().join("InRelease"), both.sign_inline(text, at.as_second()).unwrap()).unwrap();
        std::fs::write(folder.path().join("Release"), text).unwrap();
        std::fs::write(folder.path().join("Release.gpg"), both.sign_detached(text, at.as_second()).unwrap()).unwrap();
        for (signer, expected) in [(&both, 2), (&Signers::new(vec![old]), 1), (&Signers::new(vec![new]), 1)] {
            assert_eq!(good(folder.path(), signer, &["InRelease"]), expected);
            assert_eq!(good(folder.path(), signer, &["Release.gpg", "Release"]), expected);
        }
        assert!(Signers::new(Vec::new()).sign_inline(text, 0).is_err());
    }

    #[test]
    fn a_key_that_gpg_does_not_have_is_said() {
        let nobody = Signers::new(vec![ArchiveKey::Gpg("nobody-at-all@example.org".to_owned())]);
        let error = nobody.public_armored().unwrap_err().to_string();
        assert!(error.contains("nobody-at-all@example.org"), "{error}");
    }
}

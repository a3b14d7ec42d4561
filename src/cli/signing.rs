//! Who signs what a state directory publishes, as the settings say.

use std::path::Path;

use super::Context;
use crate::io::archive::signers::{ArchiveKey, Signers};
use crate::io::openpgp::signing::{KeyKind, SigningKey};

/// What the key that is made is called.
const USER_ID: &str = "cloudbuild archive key";

/// The keys that sign archives.
pub fn signer(ctx: &Context, state: &Path) -> anyhow::Result<Signers> {
    let main = ctx.settings.signing_key.as_deref().unwrap_or("ed25519");
    let mut keys = vec![one(ctx, state, main)?];
    if let Some(also) = &ctx.settings.signing_also {
        keys.push(one(ctx, state, also)?);
    }
    Ok(Signers::new(keys))
}

/// The key of a state directory, which signs what its builders build against.
pub fn own_key(state: &Path) -> anyhow::Result<SigningKey> {
    Ok(SigningKey::load_or_create(&state.join("key/secret.asc"), USER_ID, KeyKind::Ed25519)?)
}

fn one(ctx: &Context, state: &Path, text: &str) -> anyhow::Result<ArchiveKey> {
    let key = match text.strip_prefix("gpg:") {
        Some(id) => return Ok(ArchiveKey::Gpg(id.to_owned())),
        None if text == "ed25519" => own_key(state)?,
        None if text == "rsa4096" => {
            SigningKey::load_or_create(&state.join("key/rsa4096.asc"), USER_ID, KeyKind::Rsa4096)?
        }
        None => SigningKey::load(&ctx.folder.join(text))?,
    };
    Ok(ArchiveKey::Own(Box::new(key)))
}

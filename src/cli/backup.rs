//! `cloudbuild backup` and `cloudbuild restore`: the state and its keys, copied while a run goes on and put back.

use std::path::Path;

use anyhow::Context as _;

use super::Context;
use super::args::act::{BackupArgs, RestoreArgs};
use super::exit::{Exit, Failure};
use super::output::Format;
use crate::io::state::lock::StateLock;
use crate::io::state::{FILE, State, adopted, backup};
use crate::io::store::{Store, made};

/// The keys below a state directory and below a backup: those that sign, and the one that builders' tokens are made of.
const KEYS: &str = "key";

/// Copies the state directory's database and key to a new folder.
pub fn backup(ctx: &Context, args: &BackupArgs) -> anyhow::Result<Exit> {
    let (dir, to) = (ctx.state_here()?, ctx.folder.join(&args.folder));
    if to.exists() {
        let message = format!("expected a folder that is not there yet, but `{}` is", to.display());
        return Err(Failure::new(Exit::Usage, message).into());
    }
    let make = || -> std::io::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        // Keys are in it, which are nobody else's.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&to)?;
        copy_keys(&dir, &to)
    };
    make().with_context(|| format!("make the backup `{}`", to.display()))?;
    backup::backup(&dir, &to.join(FILE))?;
    match ctx.output.format {
        Format::Json => ctx.output.document(&serde_json::json!({ "backup": to, "of": dir }))?,
        Format::Text => ctx.output.say(&format!(
            "`{}` has the state and the keys of `{}`; built packages stay in its `store/`",
            to.display(),
            dir.display()
        )),
    }
    Ok(Exit::Done)
}

/// Puts a backup back, and looks in the store for what was built since.
pub fn restore(ctx: &Context, args: &RestoreArgs) -> anyhow::Result<Exit> {
    let from = ctx.folder.join(&args.folder);
    let dir = match &ctx.state {
        Some(state) => state.clone(),
        None => ctx.state_here()?,
    };
    if !from.join(FILE).is_file() {
        let message = format!("expected a backup, but there is no `{}` in `{}`", FILE, from.display());
        return Err(Failure::new(Exit::Usage, message).hint("`cloudbuild backup FOLDER` makes one").into());
    }
    let lock = StateLock::take(&dir)?;
    let before = backup::restore(&from.join(FILE), &dir, &lock)?;
    copy_keys(&from, &dir).with_context(|| format!("put the keys into `{}`", dir.display()))?;
    let (state, store) = (State::open(&dir)?, Store::open(dir.join("store"))?);
    let found = made::all(&dir, &store)?;
    let adopted = state.write(move |tx| {
        let mut count = 0_u64;
        for (inputs, made) in &found {
            count += u64::from(adopted::insert(tx, *inputs, made)?);
        }
        Ok(count)
    })?;
    match ctx.output.format {
        Format::Json => ctx.output.document(&serde_json::json!({
            "restored": dir, "adopted": adopted, "before": before,
        }))?,
        Format::Text => {
            let text = format!("`{}` is as it was; results in its store that the backup does not know", dir.display());
            ctx.output.say(&format!("{text}: {adopted}; they are taken where the inputs are the same"));
            if let Some(before) = before {
                ctx.output.say(&format!("the database that was there is `{}`", before.display()));
            }
        }
    }
    Ok(Exit::Done)
}

/// Copies each key that is not there yet, with its mode.
fn copy_keys(from: &Path, to: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let keys = match std::fs::read_dir(from.join(KEYS)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        keys => keys?,
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(to.join(KEYS))?;
    for key in keys {
        let (key, copy) = (key?, to.join(KEYS));
        let copy = copy.join(key.file_name());
        if key.file_type()?.is_file() && !copy.exists() {
            std::fs::copy(key.path(), copy)?;
        }
    }
    Ok(())
}

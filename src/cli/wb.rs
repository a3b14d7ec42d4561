//! `cloudbuild wb`: the jobs of the last run as wanna-build lists them.

use super::args::act::WbArgs;
use super::exit::{Exit, Failure};
use super::output::{Format, clean};
use super::{Context, act};
use crate::core::wb::{self, Entry};
use crate::io::clock;
use crate::io::state::jobs::listing;
use crate::io::state::{Reader, runs};

/// Lists jobs, or tells all of some.
pub fn wb(ctx: &Context, args: &WbArgs) -> anyhow::Result<Exit> {
    let state = match args.list.as_deref() {
        None => None,
        Some(word) if word.eq_ignore_ascii_case("all") => None,
        Some(word) => Some(act::state(word)?),
    };
    let dir = ctx.state_here()?;
    let db = Reader::open(&dir)?;
    let run = db.read(runs::latest)?.ok_or_else(|| {
        let message = format!("no run was begun in `{}`", dir.display());
        Failure::new(Exit::Usage, message).hint("`cloudbuild RECIPE` begins one")
    })?;
    let fits = |entry: &Entry| {
        args.dist.as_ref().is_none_or(|dist| *dist == entry.distribution)
            && args.arch.as_ref().is_none_or(|arch| *arch == entry.arch)
    };
    let mut entries = db.read(|db| listing::entries(db, run.id))?;
    entries.retain(fits);
    let now = clock::now().as_millisecond();
    if ctx.output.format == Format::Json {
        let wanted = |entry: &&Entry| {
            let name = |package: &String| package.split('_').next() == Some(entry.package.as_str());
            state.is_none_or(|state| state == entry.state) && (args.info.is_empty() || args.info.iter().any(name))
        };
        ctx.output.document(&entries.iter().filter(wanted).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let text = if args.info.is_empty() {
        wb::list(&entries, state, args.format.as_deref(), now)
    } else {
        let name = |package: &String| package.split('_').next().unwrap_or_default().to_owned();
        args.info.iter().map(|package| wb::info(&entries, &name(package), now)).collect()
    };
    if !text.is_empty() {
        ctx.output.print(&text.trim_end_matches('\n').lines().map(clean).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(Exit::Done)
}

//! `cloudbuild publish`, `rollback`, `prune`, `snapshot`, `diff`, `fsck`, `serve`: archives that were published.

use std::path::{Path, PathBuf};

use super::args::archive::{
    ArchiveCommand, DiffArgs, PruneArgs, PublishArgs, RollbackArgs, ServeArgs, SnapshotArgs, Which,
};
use super::exit::{Exit, Failure};
use super::output::{Format, clean};
use super::progress::lines::counted;
use super::{Context, bucket, interrupt, signing};
use crate::core::publish::PublishPlan;
use crate::core::publish::diff::{Change, diff};
use crate::core::publish::release::date_text;
use crate::io::archive::dir::generations::{Record, Retention};
use crate::io::archive::dir::{self, Publication, fsck, history};
use crate::io::archive::{BoxError, Published, serve};
use crate::io::clock;
use crate::io::state::generations::NewGeneration;
use crate::io::state::{Reader, generations};

/// Does one of them.
pub fn archive(ctx: &Context, command: &ArchiveCommand) -> anyhow::Result<Exit> {
    if let Some(place) = bucket::meant(ctx, command.which())? {
        return bucket::archive(ctx, command, &place);
    }
    match command {
        ArchiveCommand::Publish(args) => publish(ctx, args),
        ArchiveCommand::Rollback(args) => rollback(ctx, args),
        ArchiveCommand::Prune(args) => prune(ctx, args),
        ArchiveCommand::Snapshot(args) => snapshot(ctx, args),
        ArchiveCommand::Diff(args) => compare(ctx, args),
        ArchiveCommand::Fsck(which) => look(ctx, which),
        ArchiveCommand::Serve(args) => serve_it(ctx, args),
    }
}

/// The directory of the archive that is meant.
fn root(ctx: &Context, which: &Which) -> anyhow::Result<PathBuf> {
    let root = match &which.archive {
        Some(path) => ctx.folder.join(path),
        None => published_last(&ctx.state_here()?)?,
    };
    history::ours(&root)?;
    Ok(root)
}

/// Where the last run of a state directory published.
fn published_last(state: &Path) -> anyhow::Result<PathBuf> {
    Ok(PathBuf::from(last(state)?.path))
}

/// What the last run of a state directory published.
pub(super) fn last(state: &Path) -> anyhow::Result<NewGeneration> {
    let newest = Reader::open(state)?.read(generations::newest)?;
    let last = newest.into_iter().max_by_key(|generation| generation.id.0);
    last.map(|generation| generation.published).ok_or_else(|| {
        let message = format!("nothing was published yet by the runs in `{}`", state.display());
        Failure::new(Exit::Usage, message).hint("name the archive with `--archive PLACE`").into()
    })
}

/// The suite that is meant; of an archive without snapshots mostly the only one.
fn suite(root: &Path, which: &Which) -> anyhow::Result<String> {
    if let Some(suite) = &which.suite {
        return Ok(suite.clone());
    }
    only_one(history::suites(root)?, root)
}

/// The only suite that is no snapshot.
pub(super) fn only_one(mut suites: Vec<String>, root: &Path) -> anyhow::Result<String> {
    suites.retain(|suite| !suite.starts_with(history::SNAPSHOTS));
    match suites.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failure::new(Exit::Usage, format!("`{}` has no suite yet", root.display()))
            .hint("publish something there first")
            .into()),
        many => Err(Failure::new(Exit::Usage, format!("`{}` has {} suites", root.display(), many.len()))
            .hint(format!("say which: `--suite {}`", many.join("`, `--suite ")))
            .into()),
    }
}

fn publish(ctx: &Context, args: &PublishArgs) -> anyhow::Result<Exit> {
    let root = root(ctx, &args.which)?;
    if args.list {
        return list(ctx, &root, &args.which);
    }
    let record = history::record(&root, &suite(&root, &args.which)?, None)?;
    let number = record.again.unwrap_or(record.number);
    write_again(ctx, &root, &record, number)
}

fn list(ctx: &Context, root: &Path, which: &Which) -> anyhow::Result<Exit> {
    show(ctx, root, history::list(root)?, which)
}

/// Prints generations, those of one suite if one is asked for.
pub(super) fn show(ctx: &Context, root: &Path, mut told: Vec<history::Told>, which: &Which) -> anyhow::Result<Exit> {
    told.retain(|told| which.suite.as_ref().is_none_or(|suite| *suite == told.suite));
    let line = |told: &history::Told| {
        let (of, mark) = (told.again.map(|number| format!(", {number} again")), if told.stands { "*" } else { " " });
        let ends = told.valid_until.map(|until| format!(", until {}", date_text(until)));
        format!(
            "{mark} {:>4}  {}  {}  {}, {}{}{}",
            told.number,
            date_text(told.date),
            clean(&told.suite),
            counted(told.sources, "source package"),
            counted(told.packages, "package"),
            of.unwrap_or_default(),
            ends.unwrap_or_default()
        )
    };
    match ctx.output.format {
        Format::Json => ctx.output.document(&serde_json::json!({ "archive": root, "generations": told }))?,
        Format::Text => ctx.output.print(&told.iter().map(line).collect::<Vec<_>>().join("\n"))?,
    }
    Ok(Exit::Done)
}

fn rollback(ctx: &Context, args: &RollbackArgs) -> anyhow::Result<Exit> {
    let root = root(ctx, &args.which)?;
    let record = history::record(&root, &suite(&root, &args.which)?, Some(args.number))?;
    write_again(ctx, &root, &record, args.number)
}

/// Publishes the indexes of a generation at a new date.
fn write_again(ctx: &Context, root: &Path, record: &Record, number: u64) -> anyhow::Result<Exit> {
    let plan = history::again(root, record, clock::now().as_second())?;
    let published = write(ctx, root, &plan, number)?;
    told(ctx, root, &plan.suite, &published, &again_text(&plan.suite, &published, number))
}

/// Says that a generation is there once more.
pub(super) fn again_text(suite: &str, published: &Published, number: u64) -> String {
    let (suite, date) = (clean(suite), date_text(published.date));
    format!("generation {} of {suite} is published: what {number} was, dated {date}", published.number)
}

fn snapshot(ctx: &Context, args: &SnapshotArgs) -> anyhow::Result<Exit> {
    let root = root(ctx, &args.which)?;
    let record = history::record(&root, &suite(&root, &args.which)?, args.generation)?;
    let plan = history::snapshot(&root, &record, &args.name, clock::now().as_second())?;
    let published = write(ctx, &root, &plan, record.number)?;
    let text = format!("{} is there, and stays as it is", clean(&plan.suite));
    told(ctx, &root, &plan.suite, &published, &text)
}

/// Writes what needs no file that is not there.
fn write(ctx: &Context, root: &Path, plan: &PublishPlan, again: u64) -> anyhow::Result<Published> {
    let signer = signing::signer(ctx, &ctx.state_here()?)?;
    let now = clock::now().as_second();
    let publication = Publication { again: Some(again), ..Publication::of(plan, now) };
    let lost = |_: &_| Err(BoxError::from("it is not in the pool any more; `cloudbuild fsck` says what else is gone"));
    Ok(dir::publish(root, &publication, &lost, &signer)?)
}

/// Says what was published.
pub(super) fn told(ctx: &Context, root: &Path, suite: &str, published: &Published, text: &str) -> anyhow::Result<Exit> {
    match ctx.output.format {
        Format::Json => ctx.output.document(&serde_json::json!({
            "archive": root, "suite": suite, "generation": published.number, "date": published.date,
            "notes": published.notes,
        }))?,
        Format::Text => ctx.output.print(&[&[text.to_owned()], published.notes.as_slice()].concat().join("\n"))?,
    }
    Ok(Exit::Done)
}

fn prune(ctx: &Context, args: &PruneArgs) -> anyhow::Result<Exit> {
    let root = root(ctx, &args.which)?;
    let grace = i64::try_from(args.grace.as_secs()).unwrap_or(i64::MAX);
    let retention = Retention { keep: args.keep as usize, grace };
    let removed = history::prune(&root, retention, clock::now().as_second())?;
    pruned(ctx, &root, removed)
}

/// Says how many files went.
pub(super) fn pruned(ctx: &Context, root: &Path, removed: u64) -> anyhow::Result<Exit> {
    match ctx.output.format {
        Format::Json => ctx.output.document(&serde_json::json!({ "archive": root, "removed": removed }))?,
        Format::Text => ctx.output.print(&format!("{} removed", counted(removed, "file")))?,
    }
    Ok(Exit::Done)
}

fn compare(ctx: &Context, args: &DiffArgs) -> anyhow::Result<Exit> {
    let root = root(ctx, &args.which)?;
    let suite = suite(&root, &args.which)?;
    let lists = |number| -> anyhow::Result<_> { Ok(history::lists(&root, &history::record(&root, &suite, number)?)?) };
    let (first, second) = (lists(Some(args.from))?, lists(args.to)?);
    changes(ctx, &root, &first, &second)
}

/// Prints what is different between the lists of two generations.
pub(super) fn changes(ctx: &Context, root: &Path, first: &[Vec<u8>], second: &[Vec<u8>]) -> anyhow::Result<Exit> {
    let changes = diff(first.iter().map(Vec::as_slice), second.iter().map(Vec::as_slice));
    let line = |change: &Change| match change {
        Change::Added { package, version } => format!("+ {package} {version}"),
        Change::Removed { package, version } => format!("- {package} {version}"),
        Change::Changed { package, from, to } if from == to => format!("~ {package} {to}, built again"),
        Change::Changed { package, from, to } => format!("~ {package} {from} -> {to}"),
    };
    let text = match changes.as_slice() {
        [] => "they list the same packages".to_owned(),
        changes => changes.iter().map(|change| clean(&line(change)).to_string()).collect::<Vec<_>>().join("\n"),
    };
    match ctx.output.format {
        Format::Json => ctx.output.document(&serde_json::json!({ "archive": root, "changes": changes }))?,
        Format::Text => ctx.output.print(&text)?,
    }
    Ok(Exit::Done)
}

fn look(ctx: &Context, which: &Which) -> anyhow::Result<Exit> {
    let root = root(ctx, which)?;
    let found = fsck::fsck(&root, clock::now())?;
    let mut lines = vec![format!("{} read in `{}`", counted(found.files, "file"), root.display())];
    lines.extend(found.faults.iter().map(|fault| clean(&fault.to_string()).to_string()));
    if !found.faults.is_empty() {
        lines.push("hint: publishing again writes what is missing; remove what was changed first".to_owned());
    }
    match ctx.output.format {
        Format::Json => ctx.output.document(&found)?,
        Format::Text => ctx.output.print(&lines.join("\n"))?,
    }
    Ok(if found.faults.is_empty() { Exit::Done } else { Exit::Infrastructure })
}

fn serve_it(ctx: &Context, args: &ServeArgs) -> anyhow::Result<Exit> {
    let root = root(ctx, &args.which)?;
    serving(ctx, &root, &serve::serve_at(root.clone(), args.listen)?)
}

/// Says where an archive is served, until that is interrupted.
pub(super) fn serving(ctx: &Context, root: &Path, serving: &serve::Serving) -> anyhow::Result<Exit> {
    match ctx.output.format {
        Format::Json => ctx.output.document(&serde_json::json!({ "archive": root, "url": serving.url }))?,
        Format::Text => ctx.output.print(&format!("serving `{}` at {}", root.display(), serving.url))?,
    }
    interrupt::wait()?;
    Ok(Exit::Done)
}

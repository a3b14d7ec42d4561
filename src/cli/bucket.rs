//! The commands about archives, for those in a bucket.

use std::path::{Path, PathBuf};

use super::args::archive::{ArchiveCommand, Which};
use super::exit::{Exit, Failure};
use super::output::clean;
use super::{Context, archive, signing, site};
use crate::core::bucket::{Bucket, wrong_url};
use crate::core::objects::{Generation, Keep};
use crate::core::publish::release;
use crate::core::recipe::PublishTarget;
use crate::io::archive::dir::history::{SNAPSHOTS, Told};
use crate::io::archive::s3::{self, S3Archive};
use crate::io::clock;
use crate::io::s3::Patience;

/// The place in a bucket that is meant, if it is one: what was named, or where the last run published.
pub fn meant(ctx: &Context, which: &Which) -> anyhow::Result<Option<Bucket>> {
    let named = which.archive.as_deref().and_then(Path::to_str).filter(|text| text.starts_with("s3://"));
    let place = match (named, &which.archive) {
        (Some(url), _) => Some(Bucket::parse(url)?),
        (None, Some(_)) => None,
        (None, None) => published_last(&ctx.state_here()?)?,
    };
    let Some(place) = place else {
        if which.endpoint.is_some() || which.region.is_some() {
            return Err(Failure::new(Exit::Usage, "`--endpoint` and `--region` are for a place in a bucket")
                .hint("name it: `--archive s3://BUCKET/PREFIX`")
                .into());
        }
        return Ok(None);
    };
    if let Some((url, expected)) = which.endpoint.as_ref().and_then(|url| Some((url, wrong_url(url)?))) {
        let message = format!("`--endpoint`: expected {expected}, got `{url}`");
        return Err(Failure::new(Exit::Usage, message).hint("write `--endpoint https://s3.example.org`").into());
    }
    let endpoint = which.endpoint.clone().or(place.endpoint);
    let region = which.region.clone().or(place.region);
    Ok(Some(Bucket { endpoint, region, ..place }))
}

/// Where the last run published, if that was a bucket.
fn published_last(state: &Path) -> anyhow::Result<Option<Bucket>> {
    let mut last = archive::last(state)?;
    match serde_json::from_value(last.json["to"].take()) {
        Ok(PublishTarget::S3 { bucket, .. }) => Ok(Some(*bucket)),
        // Before, nothing was written down of where it was but its name.
        Ok(PublishTarget::Dir { .. }) | Err(_) => Ok(Bucket::parse(&last.path).ok()),
    }
}

/// Does one of them.
pub fn archive(ctx: &Context, command: &ArchiveCommand, place: &Bucket) -> anyhow::Result<Exit> {
    let looking = site::runtime()?;
    let state = ctx.state_here().unwrap_or_else(|_| ctx.folder.clone());
    let holder = s3::holder(&state);
    let open = S3Archive::open(place, &holder, Patience::default());
    let at = At { ctx, which: command.which(), root: place.to_string().into(), archive: looking.block_on(open)? };
    looking.block_on(at.command(command))
}

/// An archive that something is done with.
struct At<'a> {
    ctx: &'a Context,
    which: &'a Which,
    root: PathBuf,
    archive: S3Archive,
}

impl At<'_> {
    async fn command(&self, command: &ArchiveCommand) -> anyhow::Result<Exit> {
        let now = clock::now().as_second();
        match command {
            ArchiveCommand::Publish(args) if args.list => self.list().await,
            ArchiveCommand::Publish(_) => self.again(None, now).await,
            ArchiveCommand::Rollback(args) => self.again(Some(args.number), now).await,
            ArchiveCommand::Snapshot(args) => {
                let (suite, signer) = (self.suite().await?, signing::signer(self.ctx, &self.ctx.state_here()?)?);
                let published = self.archive.snapshot(&suite, args.generation, &args.name, &signer, now).await?;
                let suite = format!("{SNAPSHOTS}{}", args.name);
                let text = format!("{} is there, and stays as it is", clean(&suite));
                archive::told(self.ctx, &self.root, &suite, &published, &text)
            }
            ArchiveCommand::Prune(args) => {
                let grace = i64::try_from(args.grace.as_secs()).unwrap_or(i64::MAX);
                let keep = Keep { generations: args.keep as usize, grace };
                let removed = self.archive.clone().keeping(keep).prune(now).await?;
                archive::pruned(self.ctx, &self.root, removed)
            }
            ArchiveCommand::Diff(args) => {
                let suite = self.suite().await?;
                let first = self.archive.lists(&suite, Some(args.from)).await?;
                let second = self.archive.lists(&suite, args.to).await?;
                archive::changes(self.ctx, &self.root, &first, &second)
            }
            ArchiveCommand::Fsck(_) => {
                Err(Failure::new(Exit::Usage, format!("`fsck` reads directories, got `{}`", self.root.display()))
                    .hint("a server checks what it stores; publishing there again writes what is missing")
                    .into())
            }
            ArchiveCommand::Serve(args) => archive::serving(self.ctx, &self.root, &self.archive.serve_at(args.listen)?),
        }
    }

    async fn suite(&self) -> anyhow::Result<String> {
        match &self.which.suite {
            Some(suite) => Ok(suite.clone()),
            None => archive::only_one(self.archive.suites().await?, &self.root),
        }
    }

    async fn list(&self) -> anyhow::Result<Exit> {
        let mut all = Vec::new();
        for suite in self.archive.suites().await? {
            let generations = self.archive.generations(&suite).await?;
            let newest = generations.last().map(|generation| generation.number);
            let told = |generation: Generation| Told {
                suite: suite.clone(),
                number: generation.number,
                date: generation.date,
                valid_until: release::valid_until(&generation.release),
                sources: generation.sources,
                packages: generation.packages,
                again: generation.again,
                stands: newest == Some(generation.number),
            };
            all.extend(generations.into_iter().map(told));
        }
        archive::show(self.ctx, &self.root, all, self.which)
    }

    /// Publishes a generation, or the one that stands, at a new date.
    async fn again(&self, number: Option<u64>, now: i64) -> anyhow::Result<Exit> {
        let suite = self.suite().await?;
        let standing = self.archive.generations(&suite).await?.last().map_or(0, |it| it.again.unwrap_or(it.number));
        let number = number.unwrap_or(standing);
        let signer = signing::signer(self.ctx, &self.ctx.state_here()?)?;
        let published = self.archive.rollback(&suite, number, &signer, now).await?;
        let text = archive::again_text(&suite, &published, number);
        archive::told(self.ctx, &self.root, &suite, &published, &text)
    }
}

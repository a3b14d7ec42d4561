//! `publish`: writes a signed archive of what stages built, sources included.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustc_hash::FxHashMap;

use crate::core::events::{Event, Listener};
use crate::core::ids::{GenerationId, RunId, Sha256};
use crate::core::job::JobState;
use crate::core::publish::{self, BinaryKind, Contents, Options, SourceSet, VariantOf};
use crate::core::recipe::{PublishRequest, PublishResult};
use crate::io::archive::signers::Signers;
use crate::io::archive::{BoxError, Published, Signer, dir};
use crate::io::clock;
use crate::io::state::State;
use crate::io::state::artifacts::{self, Artifact};
use crate::io::state::generations::{self, NewGeneration};
use crate::io::state::jobs::{self, Job};
use crate::io::state::verified;
use crate::primitives::files::Files;
use crate::primitives::proof::{self, Proof, Proving, Subject};
use crate::primitives::{Provide, Refusal};

mod beside;
mod binaries;
mod fallback;
mod gate;
mod local;
mod place;
mod sources;

use local::Local;
use place::Place;

/// The handles that publishing works with.
pub struct Publishing<'p> {
    /// The state directory.
    pub dir: &'p Path,
    /// Its state.
    pub state: &'p State,
    /// The run.
    pub run: RunId,
    /// Files by hash.
    pub files: &'p Files,
    /// Signs the archive.
    pub signers: &'p Signers,
    /// Who hears of what happens.
    pub listener: &'p dyn Listener,
    /// The round, where upstream is followed: what fails in it stays published as an earlier round built it.
    pub round: Option<u64>,
    /// Where real apt installs from what was published.
    pub proving: &'p Proving,
}

/// A job whose packages are published.
struct Made {
    job: Job,
    artifacts: Vec<Artifact>,
}

/// Publishes; an archive that is as it should be already is left alone.
///
/// # Errors
/// Nothing was built, the plan cannot be made, or the directory says no; the generation that stands stays as it is.
pub async fn publish(publishing: &Publishing<'_>, request: &PublishRequest) -> anyhow::Result<PublishResult> {
    let what = format!("write and sign suite `{}`", request.suite);
    publishing.listener.hear(&Event::Working { step: "publish".to_owned(), what });
    let place = Place::open(&request.to, publishing.dir).await?;
    let root = place.root();
    let local = Local::of(publishing, &request.imports)?;
    let mut made = made(publishing, request)?;
    local.supersede(publishing, &mut made)?;
    if made.is_empty() {
        let text = format!(
            "expected packages of stage {} to publish, got none\n\
             hint: publish only where `installed` of what `cb.build` returned is more than 0",
            request.stages.join(", ")
        );
        return Err(Refusal::of_recipe(text).into());
    }
    let contents = contents(publishing, request, &made, &local, &place).await?;
    gate::check(publishing, request, &contents.binaries, &place).await?;
    let options = options(&contents, request, &place).await?;
    let mut pieces = dir::pieces(&place.near(publishing.dir), &request.suite);
    let plan = publish::plan_again(&contents, &options, &mut pieces)?;
    let present = present(publishing, plan.pool.iter().map(|file| file.sha256)).await?;
    let source = |sha256: &Sha256| {
        present.get(sha256).cloned().ok_or_else(|| BoxError::from(format!("no file with SHA-256 {sha256}")))
    };
    let published = place.publish(&plan, &source, publishing.signers, options.now).await?;
    if !published.unchanged {
        dir::keep_pieces(&place.near(publishing.dir), &request.suite, &pieces);
        if request.settings.pdiffs {
            place.keep_indexes(publishing.dir, &plan, published.number)?;
        }
    }
    for note in &published.notes {
        publishing.listener.hear(&Event::Note { text: note.clone() });
    }
    publishing.listener.hear(&Event::Published {
        path: root.display().to_string(),
        suite: request.suite.clone(),
        sources: plan.counts.sources,
        packages: plan.counts.packages,
        unchanged: published.unchanged,
    });
    let generation = record(publishing, &root, request, &published, &plan)?;
    let proof = match (request.prove, known_proof(publishing, generation)?) {
        (false, _) => Proof::default(),
        // The same archive was proved before, and apt took all of it.
        (true, Some(proof)) if published.unchanged && proof.refused.is_empty() => proof,
        (true, _) => {
            let proof = prove(publishing, request, &place, &options, &made, &contents).await?;
            let json = serde_json::json!({
                "sources": plan.counts.sources, "packages": plan.counts.packages, "to": request.to, "proof": proof,
            });
            publishing.state.write(move |tx| generations::set_json(tx, generation, &json))?;
            proof
        }
    };
    Ok(PublishResult {
        generation,
        key: place.key(&published),
        path: root.clone(),
        suite: request.suite.clone(),
        components: options.components.clone(),
        sources: plan.counts.sources,
        packages: plan.counts.packages,
        proof: proof.proved,
        refused: proof.refused,
    })
}

/// What apt said of a generation, if it was asked.
fn known_proof(publishing: &Publishing<'_>, generation: GenerationId) -> anyhow::Result<Option<Proof>> {
    let found = publishing.state.read(|db| generations::get(db, generation))?;
    Ok(found.and_then(|found| serde_json::from_value(found.published.json.get("proof")?.clone()).ok()))
}

/// Installs what was published with real apt.
async fn prove(
    publishing: &Publishing<'_>,
    request: &PublishRequest,
    place: &Place,
    options: &Options,
    made: &[Made],
    contents: &Contents,
) -> anyhow::Result<Proof> {
    // Of those, the last one in the order was offered over a view that has what came before it.
    // What an earlier round built was offered over a view that is gone.
    let of_run = made.iter().filter(|made| made.job.run == publishing.run);
    let Some(last) = of_run.max_by_key(|made| made.job.position) else { return Ok(Proof::default()) };
    let offer = publishing.state.read(|db| jobs::offer(db, last.job.id))?;
    let offer = offer.with_context(|| format!("job {} was never offered", last.job.id))?;
    if offer.chroot_arch != request.arch {
        // In a chroot of the builder's architecture, apt would take that one's packages of the same names.
        let (arch, on) = (&request.arch, &offer.chroot_arch);
        let text = format!("not proved: what was built for {arch} on {on} has no chroot that it can be installed in");
        publishing.listener.hear(&Event::Note { text });
        return Ok(Proof::default());
    }
    let ordinary = contents.binaries.iter().filter(|file| file.kind == BinaryKind::Deb);
    let mut packages: Vec<String> = ordinary.map(|file| file.package.clone()).collect();
    packages.sort();
    let serving = place.serve().context("serve the archive to apt")?;
    let subject = Subject {
        serving: &serving,
        suite: &request.suite,
        components: &options.components,
        architectures: options.variants.iter().flat_map(VariantOf::folders).collect(),
        key: publishing.signers.public_armored().map_err(|error| anyhow::anyhow!("{error}"))?,
        offer: &offer,
        packages: &packages,
    };
    proof::prove(publishing.proving, &subject, publishing.listener).await
}

/// The installed jobs of the stages; of a source and half that two stages built, the later stage's.
fn made(publishing: &Publishing<'_>, request: &PublishRequest) -> anyhow::Result<Vec<Made>> {
    let run = publishing.run;
    let mut newest: BTreeMap<(String, String), Made> = BTreeMap::new();
    for stage in &request.stages {
        for job in publishing.state.read(|db| jobs::by_stage(db, run, stage))? {
            if let Some(job) = installed(publishing, job)? {
                let verified = publishing.state.read(|db| verified::by_job(db, job.id))?;
                if let Some(why) = verified.iter().find(|one| one.holds_back()) {
                    let (source, arch) = (&job.source, &job.arch);
                    let text = format!("{source} ({arch}) is not published: `{}`: {}", why.check, why.what);
                    publishing.listener.hear(&Event::Note { text });
                    continue;
                }
                let artifacts = publishing.state.read(|db| artifacts::by_job(db, job.id))?;
                newest.insert((job.source.clone(), job.arch.clone()), Made { job, artifacts });
            }
        }
    }
    Ok(newest.into_values().collect())
}

/// A job that is installed, or, where upstream is followed, the last one before it that was: an archive that tracks
/// another one does not lose a package because its next version cannot be built yet.
fn installed(publishing: &Publishing<'_>, job: Job) -> anyhow::Result<Option<Job>> {
    if job.state == JobState::Installed {
        return Ok(Some(job));
    }
    if publishing.round.is_none() {
        return Ok(None);
    }
    let before = publishing.state.read(|db| jobs::installed_before(db, job.run, &job.stage, &job.source, &job.arch))?;
    Ok(before.into_iter().next())
}

async fn contents(
    publishing: &Publishing<'_>,
    request: &PublishRequest,
    made: &[Made],
    local: &Local,
    place: &Place,
) -> anyhow::Result<Contents> {
    let mut contents = Contents { pool: place.pool().await?, ..Contents::default() };
    if request.settings.pdiffs {
        contents.earlier = place.earlier(&request.suite, publishing.dir)?;
    }
    let mut sources: BTreeMap<(String, String), SourceSet> = BTreeMap::new();
    contents.binaries = binaries::built(publishing, made, request.settings.variant.as_deref())?;
    for Made { job, .. } in made {
        let key = (job.source.clone(), job.version.clone());
        if let std::collections::btree_map::Entry::Vacant(place) = sources.entry(key) {
            place.insert(sources::of_job(publishing, job).await?);
        }
    }
    contents.binaries.extend(local.binaries(publishing)?);
    if fallback::is_wanted(&request.settings) {
        fallback::add(publishing, request, made, &mut contents.binaries, &mut sources).await?;
    }
    sources::add_built_using(publishing, request, &contents.binaries, &mut sources).await?;
    contents.sources = sources.into_values().collect();
    contents.beside = beside::of(publishing, made)?;
    place.keep_private(publishing.dir, &mut contents.beside, |sha256| publishing.files.built.path(sha256))?;
    Ok(contents)
}

async fn options(contents: &Contents, request: &PublishRequest, place: &Place) -> anyhow::Result<Options> {
    let of_binaries = contents.binaries.iter().map(|file| &file.component);
    let all = contents.sources.iter().map(|set| &set.component).chain(of_binaries);
    let mut components: Vec<String> = all.cloned().collect();
    components.sort();
    components.dedup();
    let settings = &request.settings;
    let variant = settings.variant.as_deref();
    let variants = variant.and_then(|variant| {
        let tag = variant.tag.clone()?;
        Some(VariantOf { tag, base: variant.base.clone(), index: variant.index })
    });
    Ok(Options {
        suite: request.suite.clone(),
        codename: request.suite.clone(),
        origin: request.origin.clone(),
        label: request.label.clone(),
        components,
        architectures: vec![request.arch.clone()],
        variants: variants.into_iter().collect(),
        valid_for: settings.valid_for,
        not_automatic: settings.not_automatic,
        but_automatic_upgrades: settings.but_automatic_upgrades,
        translations: true,
        contents: true,
        zst: settings.zst,
        now: clock::now().as_second(),
        previous: place.present(&request.suite).await?.and_then(|present| present.date),
    })
}

/// Where each file is; what is still on a mirror only is fetched first.
async fn present(
    publishing: &Publishing<'_>,
    hashes: impl Iterator<Item = Sha256>,
) -> anyhow::Result<FxHashMap<Sha256, PathBuf>> {
    let mut present = FxHashMap::default();
    for sha256 in hashes {
        if let Some(path) = publishing.files.provide(sha256).await? {
            present.insert(sha256, path);
        }
    }
    Ok(present)
}

fn record(
    publishing: &Publishing<'_>,
    root: &Path,
    request: &PublishRequest,
    published: &Published,
    plan: &publish::PublishPlan,
) -> anyhow::Result<GenerationId> {
    let path = root.display().to_string();
    if published.unchanged {
        let latest = publishing.state.read(|db| generations::latest(db, &path, &request.suite))?;
        if let Some(latest) = latest {
            return Ok(latest.id);
        }
    }
    let pool: Vec<String> = plan.pool.iter().map(|file| format!("{} {}", file.sha256, file.path)).collect();
    let new = NewGeneration {
        run: publishing.run,
        path,
        suite: request.suite.clone(),
        release_sha256: published.release_sha256,
        contents_sha256: Sha256::of(pool.join("\n").as_bytes()),
        published_at: clock::now().as_millisecond(),
        json: serde_json::json!({
            "sources": plan.counts.sources, "packages": plan.counts.packages, "to": request.to,
        }),
    };
    Ok(publishing.state.write(move |tx| generations::insert(tx, &new))?)
}

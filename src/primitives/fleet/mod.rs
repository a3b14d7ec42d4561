//! Keeps a run's fleet: again and again it observes builders and queue, decides in `core::dispatch`, and does what was
//! decided.
//!
//! **Invariant:** the intent is written before a cloud is asked, and every act can be repeated; a pass that fails is
//! told of and never fatal.

mod acts;
mod larger;
mod launch;
mod observe;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::core::events::{Event, Listener};
use crate::core::fleet::money::{Budget, Money};
use crate::core::fleet::place::Ec2;
use crate::core::how::Abilities;
use crate::core::ids::{RunId, Sha256};
use crate::io::clock;
use crate::io::control::BuilderKey;
use crate::io::machines::ec2::{Cloud, Image, Instance};
use crate::io::state::State;
use crate::io::state::builders;
use crate::primitives::{Refusal, Signals, Whose};

/// The pause between two looks at a fleet in which something is on its way.
const SOON: Duration = Duration::from_millis(500);

/// The pause between two looks at a fleet that is as it should be.
const LATER: Duration = Duration::from_secs(5);

/// How long the end of a run waits for its instances to be gone.
const LEAVE: Duration = Duration::from_secs(180);

/// What a fleet works with.
pub struct FleetOptions {
    /// The state directory.
    pub dir: PathBuf,
    /// Its state.
    pub state: State,
    /// The run.
    pub run: RunId,
    /// The control point's URL.
    pub url: String,
    /// This program, which builders fetch.
    pub program: PathBuf,
    /// Changes and pace.
    pub signals: Arc<Signals>,
    /// Who hears of what happens.
    pub listener: Arc<dyn Listener>,
    /// A person has agreed to what it may cost.
    pub agreed: bool,
    /// Where waiting happens.
    pub runtime: tokio::runtime::Handle,
}

/// The builders that a run has in clouds.
#[derive(Clone)]
pub struct Fleet {
    shared: Arc<Shared>,
}

struct Shared {
    options: FleetOptions,
    began: Instant,
    inner: Mutex<Inner>,
}

/// What is known besides the rows.
#[derive(Default)]
struct Inner {
    places: Vec<Place>,
    identity: Option<Identity>,
    /// When a builder had a job last.
    busy: BTreeMap<String, Instant>,
    /// What the clouds said last, and when.
    listed: Option<Vec<Instance>>,
    listed_at: Option<Instant>,
    trouble: Option<String>,
    tender: Option<tokio::task::JoinHandle<()>>,
    /// Builds that this machine does at the same time.
    elsewhere: u32,
}

/// Who we are towards clouds and builders.
#[derive(Clone)]
struct Identity {
    key: BuilderKey,
    owner: String,
    program: Sha256,
}

/// A place with what was learnt of it.
#[derive(Clone)]
struct Place {
    ec2: Ec2,
    cloud: Cloud,
    image: Image,
    /// The pool that is asked next.
    pool: usize,
    /// Pools in a row that had no capacity.
    without: usize,
    /// No more is asked for until then.
    capped_until: Option<Instant>,
    /// Rests in a row.
    rests: u32,
    /// Instances in a row that ended before their daemons asked for work.
    stillborn: u32,
    /// A person has to change something first.
    is_broken: bool,
}

impl Place {
    fn new(ec2: Ec2, cloud: Cloud, image: Image) -> Place {
        Place { ec2, cloud, image, pool: 0, without: 0, capped_until: None, rests: 0, stillborn: 0, is_broken: false }
    }
}

impl Fleet {
    /// A fleet of nothing; no cloud is asked.
    pub fn new(options: FleetOptions) -> Fleet {
        Fleet { shared: Arc::new(Shared { options, began: clock::instant(), inner: Mutex::default() }) }
    }

    /// Takes these places in and begins to tend builders there; finds out what their images are. `elsewhere` are the
    /// builds that this machine does at the same time, `seconds` all the work that is to be done.
    pub fn serve(&self, places: &[Ec2], elsewhere: u32, seconds: u64) -> anyhow::Result<()> {
        let shared = &self.shared;
        if places.is_empty() {
            return Ok(());
        }
        shared.may_cost(places, seconds)?;
        shared.reachable()?;
        shared.identify()?;
        for ec2 in places {
            if shared.inner().places.iter().any(|place| place.ec2 == *ec2) {
                continue;
            }
            let opened = async {
                let cloud = Cloud::of(ec2).await;
                let image = launch::image_of(&cloud).await?;
                Ok::<_, anyhow::Error>((cloud, image))
            };
            let (cloud, image) = shared.options.runtime.block_on(opened)?;
            let place = Place::new(ec2.clone(), cloud, image);
            shared.inner().places.push(place);
        }
        let mut inner = shared.inner();
        inner.elsewhere = elsewhere;
        if inner.tender.is_none() {
            inner.tender = Some(shared.options.runtime.spawn(Arc::clone(shared).tend()));
        }
        Ok(())
    }

    /// Whose programs the places' machines run; what an emulator runs there is known once they are there, and then only
    /// those get a job that can do it.
    pub fn abilities(&self, arch: &str) -> Abilities {
        let mut abilities = Abilities::default();
        for place in &self.shared.inner().places {
            let also: &[&str] = match place.image.arch.as_str() {
                "amd64" => &["i386"],
                "arm64" => &["armhf", "armel"],
                _ => &[],
            };
            abilities.itself.push(place.image.arch.clone());
            abilities.itself.extend(also.iter().map(|&arch| arch.to_owned()));
            abilities.emulated.push(arch.to_owned());
        }
        abilities
    }

    /// Whether there are builders, or will be; an error once none is left and none can be had.
    pub fn keep(&self) -> anyhow::Result<bool> {
        let (places, trouble) = {
            let inner = self.shared.inner();
            (inner.places.len(), inner.trouble.clone())
        };
        let Some(trouble) = trouble else { return Ok(places > 0) };
        let alive = self.shared.options.state.read(builders::not_gone)?;
        if alive.iter().any(|builder| builder.state.is_wanted()) {
            return Ok(true);
        }
        Err(Refusal { whose: Whose::World, text: format!("no builder is left: {trouble}") }.into())
    }

    /// Ends all builders of this state directory, and waits until they are gone.
    pub async fn leave(&self) -> anyhow::Result<()> {
        let tender = self.shared.inner().tender.take();
        if let Some(tender) = tender {
            // What is being launched just now is a row, and so it is ended with the others below.
            tender.abort();
            // Its end says so; it was told to.
            drop(tender.await);
        }
        // A run that went on after a crash may have had nothing left to build, and builders all the same.
        let rows = self.shared.options.state.read(builders::not_gone)?;
        if rows.is_empty() {
            return Ok(());
        }
        self.shared.identify()?;
        self.shared.adopt(&rows).await;
        self.shared.end_all("the run has ended").await
    }
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn note(&self, text: String) {
        tracing::info!(run = %self.options.run, text, "fleet");
        self.options.listener.hear(&Event::Note { text });
    }

    /// Refuses what may cost more than a person has to agree to.
    fn may_cost(&self, places: &[Ec2], seconds: u64) -> anyhow::Result<()> {
        let above = places.iter().filter_map(|place| place.budget.and_then(|budget| budget.confirm_above)).min();
        let Some(above) = above.filter(|_| !self.options.agreed) else { return Ok(()) };
        let most = places.iter().filter_map(|place| cost_of(place, seconds)).max().unwrap_or_default();
        if most <= above {
            return Ok(());
        }
        let text =
            format!("this may cost up to {most}, more than `confirm_above` of {above}\nhint: `--yes` agrees to it");
        Err(Refusal::of_asker(text).into())
    }

    /// Builders must be able to reach the control point.
    fn reachable(&self) -> anyhow::Result<()> {
        let url = &self.options.url;
        let host = url.trim_start_matches("http://").trim_start_matches("https://");
        if host.starts_with("127.")
            || host.starts_with("[::1]")
            || host.starts_with("0.0.0.0")
            || host.starts_with("[::]")
        {
            let text = format!(
                "builders in a cloud cannot reach the control point at `{url}`\nhint: set `listen = \"ADDRESS:PORT\"` \
                 to an address of this machine that they reach, or CLOUDBUILD_LISTEN"
            );
            return Err(Refusal::of_asker(text).into());
        }
        Ok(())
    }

    /// Key, name, and the program where builders fetch it.
    fn identify(&self) -> anyhow::Result<()> {
        if self.inner().identity.is_some() {
            return Ok(());
        }
        let options = &self.options;
        let key = BuilderKey::read_or_make(&options.dir)?;
        let dist = options.dir.join("dist");
        let program =
            crate::io::files::keep_by_hash(&options.program, &dist).context("keep the program for builders")?;
        let owner = key.owner();
        self.inner().identity = Some(Identity { key, owner, program });
        Ok(())
    }

    fn identity(&self) -> anyhow::Result<Identity> {
        self.inner().identity.clone().context("the fleet was not told who it is")
    }

    /// What may still be spent.
    fn left(&self, now: i64) -> anyhow::Result<Option<Money>> {
        let budget = self.inner().places.iter().find_map(|place| place.ec2.budget);
        let Some(Budget { limit: Some(limit), .. }) = budget else { return Ok(None) };
        let run = self.options.run;
        let spent = self.options.state.read(|db| builders::cost(db, run, now))?;
        Ok(Some(Money(limit.0.saturating_sub(spent.0))))
    }

    /// Tends builders until it is aborted.
    async fn tend(self: Arc<Self>) {
        let mut changes = self.options.signals.changes();
        let mut told = None;
        loop {
            changes.mark_unchanged();
            let pause = match self.pass().await {
                Ok(pause) => {
                    told = None;
                    pause
                }
                Err(error) => {
                    let text = format!("the fleet was not looked after: {error:#}");
                    if told.as_ref() != Some(&text) {
                        self.note(text.clone());
                    }
                    told = Some(text);
                    LATER
                }
            };
            tokio::time::sleep(SOON).await;
            // The sender lives as long as the run.
            let _ = tokio::time::timeout(pause.saturating_sub(SOON), changes.changed()).await;
        }
    }
}

/// The most that so much work costs in a place, where the recipe says prices: each second of it on its dearest type.
pub fn cost_of(place: &Ec2, seconds: u64) -> Option<Money> {
    let price = place.types.iter().filter_map(|kind| place.price(kind)).max()?;
    // Each machine may wait for work as long as it may be idle.
    let idle = u64::from(place.max) * place.idle;
    Some(price.of_seconds(seconds / u64::from(place.slots.max(1)) + idle))
}

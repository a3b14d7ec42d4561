//! What builders, clouds and queue are like now, as `core::dispatch` wants to know it.

use std::time::{Duration, Instant};

use super::{LATER, SOON, Shared};
use crate::core::dispatch::{self, Limits, PoolSize, Queue, Seen};
use crate::core::fleet::BuilderState;
use crate::core::fleet::money::Money;
use crate::core::fleet::place::{Ec2, Pool};
use crate::core::job::JobState;
use crate::io::clock;
use crate::io::machines::ec2::{Instance, TAG_BUILDER};
use crate::io::state::builders::{self, Builder};
use crate::io::state::jobs::{self, leasing};
use crate::primitives::Pace;

/// How often clouds are asked while nothing is on its way.
const LIST_EVERY: Duration = Duration::from_secs(10);

/// How often clouds are asked while something is.
const LIST_SOON: Duration = Duration::from_secs(2);

/// A place that gave no builder after so many rests in a row will not give any.
const RESTS: u32 = 10;

impl Shared {
    /// Asks the clouds what there is, now.
    pub(super) async fn list_now(&self) -> anyhow::Result<()> {
        self.list(true, true).await
    }

    /// One look at everything, and what follows from it; how long the next one can wait.
    pub(super) async fn pass(&self) -> anyhow::Result<Duration> {
        let now = clock::now().as_millisecond();
        let rows = self.options.state.read(builders::not_gone)?;
        let moving = rows.iter().any(|row| row.state != BuilderState::Joined);
        self.list(!rows.is_empty(), moving).await?;
        let rows = self.repair(rows, now).await?;
        let queue = self.queue()?;
        let limits = self.limits(now)?;
        let fleet: Vec<dispatch::Builder> = self.fleet(&rows, now)?;
        let actions = dispatch::decide(&fleet, queue, &limits);
        self.is_in_trouble(&fleet, &limits);
        for action in &actions {
            tracing::debug!(run = %self.options.run, %action, "decided");
        }
        let acted = !actions.is_empty();
        self.act(actions, &rows, now).await?;
        Ok(if moving || acted { SOON * 2 } else { LATER })
    }

    /// Remembers why there will be no builder any more, where that is so: the run must not wait for ever.
    fn is_in_trouble(&self, fleet: &[dispatch::Builder], limits: &Limits) {
        if fleet.iter().any(|builder| builder.state.is_wanted()) {
            return;
        }
        let mut inner = self.inner();
        let poor = limits.left.filter(|left| limits.places.iter().all(|place| place.price > *left || left.0 == 0));
        if let Some(left) = poor {
            let text = "is left of the budget, less than a builder costs in an hour\nhint: raise `budget.limit`";
            inner.trouble = Some(format!("{left} {text}"));
        } else if inner.places.iter().all(|place| place.is_broken || place.rests >= RESTS) && inner.trouble.is_none() {
            let text =
                "no place gives any builders, though they were asked again and again\nhint: the notes above say why";
            inner.trouble = Some(text.to_owned());
        }
    }

    /// Asks the clouds what there is, where that is due.
    async fn list(&self, any: bool, moving: bool) -> anyhow::Result<()> {
        let (due, places) = {
            let inner = self.inner();
            let every = if moving { LIST_SOON } else { LIST_EVERY };
            let due = inner.listed_at.is_none_or(|at| at.elapsed() >= every);
            (due && (any || inner.listed.is_none()), inner.places.clone())
        };
        if !due {
            return Ok(());
        }
        let owner = self.identity()?.owner;
        let mut listed: Vec<Instance> = Vec::new();
        let mut seen = Vec::new();
        for place in places {
            // Two places of one cloud list the same instances.
            let cloud = (place.ec2.endpoint.clone(), place.ec2.region.clone());
            if !seen.contains(&cloud) {
                listed.extend(place.cloud.ours(&owner).await?);
                seen.push(cloud);
            }
        }
        let mut inner = self.inner();
        (inner.listed, inner.listed_at) = (Some(listed), Some(clock::instant()));
        Ok(())
    }

    fn queue(&self) -> anyhow::Result<Queue> {
        let run = self.options.run;
        let (counts, offered, larger) = self
            .options
            .state
            .read(|db| Ok((jobs::counts(db, run)?, jobs::offered(db, run)?, leasing::wanting_larger(db, run)?)))?;
        let larger: Vec<u64> = larger.into_iter().map(|(_, than)| than).collect();
        let of = |wanted: JobState| counts.iter().filter(|(_, state, _)| *state == wanted).map(|(.., jobs)| jobs).sum();
        let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let all: u64 = of(JobState::NeedsBuild);
        Ok(Queue {
            ready: count(offered.saturating_sub(larger.len() as u64)),
            larger,
            building: count(of(JobState::Building)),
            waiting: count(all.saturating_sub(offered)),
        })
    }

    fn limits(&self, now: i64) -> anyhow::Result<Limits> {
        let left = self.left(now)?;
        let sizes = self.options.state.read(builders::sizes)?;
        let inner = self.inner();
        let instant = clock::instant();
        let place = |place: &super::Place| {
            let pools = place.ec2.pools();
            let pool = pools.get(place.pool % pools.len().max(1));
            dispatch::Place {
                max: place.ec2.max,
                slots: place.ec2.slots,
                idle: place.ec2.idle,
                max_lifetime: place.ec2.max_lifetime,
                is_capped: place.is_broken || place.capped_until.is_some_and(|until| until > instant),
                price: pool.and_then(|pool| place.ec2.price(&pool.instance_type)).unwrap_or_default(),
                pools: pools.iter().map(|pool| size(&place.ec2, pool)).collect(),
            }
        };
        Ok(Limits {
            places: inner.places.iter().map(place).collect(),
            left,
            is_open: self.options.signals.pace() == Pace::Go,
            elsewhere: inner.elsewhere,
            sizes,
        })
    }

    fn fleet(&self, rows: &[Builder], now: i64) -> anyhow::Result<Vec<dispatch::Builder>> {
        let leased = self.options.state.read(jobs::leased)?;
        let instant = clock::instant();
        let mut inner = self.inner();
        let mut fleet = Vec::new();
        for row in rows {
            let busy = leased.iter().filter(|job| job.builder.as_deref() == Some(row.name.as_str())).count();
            let joined = row.joined_at.map_or(0, |at| now.saturating_sub(at));
            let begun = instant.checked_sub(Duration::from_millis(u64::try_from(joined).unwrap_or(0)));
            if busy > 0 {
                inner.busy.insert(row.name.clone(), instant);
            }
            let since = |at: Option<Instant>| at.map_or(0, |at| instant.saturating_duration_since(at).as_secs());
            let last = inner.busy.get(&row.name).copied().max(begun).max(Some(self.began));
            // While it had a job, its heartbeats kept the lease, which is as good as a word.
            let heard = self.options.signals.heard_at(&row.name).max(last);
            let (seen, cloud_says) = seen(row, inner.listed.as_deref());
            fleet.push(dispatch::Builder {
                name: row.name.clone(),
                place: inner.places.iter().position(|place| place.ec2 == row.place).unwrap_or(usize::MAX),
                state: row.state,
                seen,
                cloud_says,
                age: row.seconds(now),
                jobs: u32::try_from(busy).unwrap_or(u32::MAX),
                idle: since(last),
                silent: since(heard),
                price: Money(row.price.0),
                instance_type: row.pool.instance_type.clone(),
            });
        }
        Ok(fleet)
    }
}

fn size(place: &Ec2, pool: &Pool) -> PoolSize {
    let price = place.price(&pool.instance_type).unwrap_or_default();
    PoolSize { instance_type: pool.instance_type.clone(), price }
}

/// The instance of a builder: by its name, by its tag, or by the token that it was launched with.
pub(super) fn instance_of<'l>(row: &Builder, listed: &'l [Instance]) -> Option<&'l Instance> {
    listed.iter().find(|instance| {
        row.instance.as_deref() == Some(instance.id.as_str())
            || instance.tag(TAG_BUILDER) == Some(row.name.as_str())
            || instance.token.as_deref() == Some(row.name.as_str())
    })
}

fn seen(row: &Builder, listed: Option<&[Instance]>) -> (Seen, Option<String>) {
    match listed.map(|listed| instance_of(row, listed)) {
        None => (Seen::Unknown, None),
        Some(None) => (Seen::Absent, None),
        Some(Some(instance)) => (instance.seen, instance.why.clone()),
    }
}

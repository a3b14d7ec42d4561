//! Asks a cloud for the instance of an intent, as often as `core::fleet::trouble` says.

use std::time::Duration;

use super::{Place, Shared};
use crate::core::dispatch::INVISIBLE;
use crate::core::fleet::bootstrap::{Bootstrap, user_data};
use crate::core::fleet::place::Market;
use crate::core::fleet::trouble::{Next, Trouble, next};
use crate::core::fleet::{BuilderEvent, BuilderState};
use crate::io::clock;
use crate::io::machines::ec2::{Ask, Cloud, Ec2Error, Image, Instance, TAG_BUILDER, TAG_OWNER, TAG_RUN};
use crate::io::state::builders::Builder;

/// How long a place is left alone after a quota, or once none of its pools had capacity.
const REST: Duration = Duration::from_secs(30);

/// Throttled calls in a row after which the next pass goes on.
const THROTTLED: u32 = 6;

/// What a place's image is; trouble that passes is waited out, as with a launch.
pub(super) async fn image_of(cloud: &Cloud) -> Result<Image, Ec2Error> {
    let mut repeats = 0;
    loop {
        let error = match cloud.image().await {
            Ok(image) => return Ok(image),
            Err(error) => error,
        };
        match next(error.trouble(), repeats) {
            Next::Again { pause_ms } if repeats < THROTTLED => {
                repeats += 1;
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            }
            Next::Again { .. } | Next::LookUp | Next::OtherPool | Next::Cap | Next::Fail => return Err(error),
        }
    }
}

impl Shared {
    /// Launches the instance of an intent, or finds the one that it has. Asked with the same token, a cloud launches once.
    pub(super) async fn launch(&self, row: &Builder) -> anyhow::Result<()> {
        let mut place = self.place_of(row).await;
        if place.image.arch.is_empty() {
            place.image = image_of(&place.cloud).await?;
        }
        let identity = self.identity()?;
        let tags = self.tags(row)?;
        let token = identity.key.token(&row.name);
        let program = user_data(&Bootstrap {
            url: &row.url,
            name: &row.name,
            token: &token,
            program: row.program,
            slots: row.place.slots,
            max_lifetime: row.place.max_lifetime,
            notices: row.place.market == Market::Spot,
        })?;
        let root = place.image.root.clone();
        let ask = Ask { token: &row.name, pool: &row.pool, user_data: &program, tags: &tags, root: root.as_ref() };
        let (mut unknown, mut throttled) = (0, 0);
        loop {
            let error = match place.cloud.launch(&ask).await {
                Ok(instance) => return self.launched(&place, row, &instance, &tags).await,
                Err(error) => error,
            };
            let trouble = error.trouble();
            tracing::info!(builder = row.name, pool = %row.pool, %error, ?trouble, "a launch was not done");
            let repeats = if trouble == Trouble::Throttled { throttled } else { unknown };
            match next(trouble, repeats) {
                Next::Again { pause_ms } if throttled < THROTTLED => {
                    if trouble == Trouble::Throttled {
                        throttled += 1
                    } else {
                        unknown += 1
                    }
                    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                }
                Next::Again { .. } => return Ok(()),
                Next::LookUp => return self.look_up(&place, row, &tags, &error).await,
                Next::OtherPool => return self.no_capacity(row, &error),
                Next::Cap => return self.capped(row, &error),
                Next::Fail => return self.broken(row, &error),
            }
        }
    }

    /// The tags of a builder's instance.
    pub(super) fn tags(&self, row: &Builder) -> anyhow::Result<Vec<(String, String)>> {
        let owner = self.identity()?.owner;
        let tags = [(TAG_BUILDER, row.name.clone()), (TAG_OWNER, owner), (TAG_RUN, row.run.to_string())];
        Ok(tags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    async fn launched(
        &self,
        place: &Place,
        row: &Builder,
        instance: &Instance,
        tags: &[(String, String)],
    ) -> anyhow::Result<()> {
        let event = BuilderEvent::Launched { instance: instance.id.clone() };
        let after = self.happened(&row.name, event, clock::now().as_millisecond())?;
        if after.state == BuilderState::Launched {
            self.note(format!("builder {} is launched: {} ({})", row.name, instance.id, row.pool));
        }
        if let Some(place) = self.inner().places.iter_mut().find(|place| place.ec2 == row.place) {
            (place.without, place.rests) = (0, 0);
        }
        // Found again by its token where this is not done: the tag is for people, and for the reaper.
        place.cloud.tag(&instance.id, tags).await?;
        Ok(())
    }

    /// Nobody knows whether it was launched: it is, if the cloud lists an instance with its token. If it is not listed for
    /// as long as a new instance may stay unseen, there is none.
    async fn look_up(
        &self,
        place: &Place,
        row: &Builder,
        tags: &[(String, String)],
        error: &Ec2Error,
    ) -> anyhow::Result<()> {
        let owner = self.identity()?.owner;
        let listed = place.cloud.ours(&owner).await?;
        if let Some(instance) = super::observe::instance_of(row, &listed) {
            return self.launched(place, row, instance, tags).await;
        }
        let now = clock::now().as_millisecond();
        if row.seconds(now) > INVISIBLE {
            self.happened(&row.name, BuilderEvent::Refused { why: error.to_string() }, now)?;
        }
        Ok(())
    }

    fn refused(&self, row: &Builder, error: &Ec2Error) -> anyhow::Result<()> {
        let why = error.to_string();
        self.happened(&row.name, BuilderEvent::Refused { why }, clock::now().as_millisecond()).map(drop)
    }

    /// The next intent asks the next pool, with a token of its own; where no pool has any, after a rest.
    fn no_capacity(&self, row: &Builder, error: &Ec2Error) -> anyhow::Result<()> {
        self.refused(row, error)?;
        let mut rests = None;
        if let Some(place) = self.inner().places.iter_mut().find(|place| place.ec2 == row.place) {
            let pools = place.ec2.pools().len();
            if place.ec2.pools().get(place.pool % pools) == Some(&row.pool) {
                place.pool = (place.pool + 1) % pools;
                place.without += 1;
            }
            if place.without >= pools {
                place.without = 0;
                place.rests += 1;
                place.capped_until = Some(clock::instant() + REST);
                rests = Some(pools);
            }
        }
        self.note(format!("no capacity for {}; the next pool is tried", row.pool));
        if let Some(pools) = rests {
            self.note(format!("none of {pools} pools has capacity; they are asked again in {} s", REST.as_secs()));
        }
        Ok(())
    }

    /// The account may not have more: the run goes on with what there is.
    fn capped(&self, row: &Builder, error: &Ec2Error) -> anyhow::Result<()> {
        self.refused(row, error)?;
        if let Some(place) = self.inner().places.iter_mut().find(|place| place.ec2 == row.place) {
            place.rests += 1;
            place.capped_until = Some(clock::instant() + REST);
        }
        self.note(format!("no more builders for now: {error}"));
        Ok(())
    }

    /// Nothing that would pass: the place is not asked again, and the run stops once no builder is left.
    fn broken(&self, row: &Builder, error: &Ec2Error) -> anyhow::Result<()> {
        self.refused(row, error)?;
        let mut inner = self.inner();
        if let Some(place) = inner.places.iter_mut().find(|place| place.ec2 == row.place) {
            place.is_broken = true;
        }
        if inner.places.iter().all(|place| place.is_broken) {
            inner.trouble = Some(error.to_string());
        }
        drop(inner);
        self.note(format!("a builder was refused: {error}"));
        self.options.signals.state_changed();
        Ok(())
    }
}

//! Does what was decided, and repairs what a crash left half done.

use std::time::Duration;

use anyhow::Context;
use futures_util::future::join_all;

use super::observe::instance_of;
use super::{LEAVE, Place, Shared};
use crate::core::dispatch::{Action, Seen};
use crate::core::fleet::{BuilderEvent, BuilderState};
use crate::core::job::{Fault, JobEvent};
use crate::io::clock;
use crate::io::machines::ec2::{Cloud, Image, Instance, TAG_BUILDER};
use crate::io::state::builders::{self, Builder, Intent};
use crate::io::state::jobs;

/// So many instances in a row that end before they ask for work say that none ever will.
const STILLBORN: u32 = 4;

/// Launches that are asked for at the same time.
const AT_ONCE: usize = 4;

impl Shared {
    /// Brings rows and clouds together: instances that a lost reply hid are found again, intents that nobody followed up
    /// are asked for again with their token, and what is ours without a row that is alive is ended.
    pub(super) async fn repair(&self, rows: Vec<Builder>, now: i64) -> anyhow::Result<Vec<Builder>> {
        let listed = self.inner().listed.clone().unwrap_or_default();
        for row in &rows {
            if let Some(instance) = instance_of(row, &listed) {
                if row.instance.is_none() {
                    self.happened(&row.name, BuilderEvent::Launched { instance: instance.id.clone() }, now)?;
                }
                self.tag_again(row, instance).await?;
            } else if row.state == BuilderState::Intended && row.instance.is_none() {
                self.launch(row).await?;
            }
        }
        for instance in listed.iter().filter(|instance| matches!(instance.seen, Seen::Alive | Seen::Stopped)) {
            if !rows.iter().any(|row| instance_of(row, std::slice::from_ref(instance)).is_some()) {
                self.reap(instance).await?;
            }
        }
        Ok(self.options.state.read(builders::not_gone)?)
    }

    /// Tags an instance whose launch nobody followed up, where tags come after the launch.
    async fn tag_again(&self, row: &Builder, instance: &Instance) -> anyhow::Result<()> {
        if instance.seen != Seen::Alive || instance.tag(TAG_BUILDER).is_some() {
            return Ok(());
        }
        let tags = self.tags(row)?;
        self.place_of(row).await.cloud.tag(&instance.id, &tags).await?;
        // The cloud is not asked before it is time again, so that one that never shows tags is not asked all the time.
        let mut inner = self.inner();
        let listed = inner.listed.iter_mut().flatten().find(|listed| listed.id == instance.id);
        if let Some(listed) = listed {
            listed.tags.extend(tags);
        }
        Ok(())
    }

    /// Ends an instance that has our tag and no row that is alive, unless it was launched since it was listed.
    async fn reap(&self, instance: &Instance) -> anyhow::Result<()> {
        let name = instance.tag(TAG_BUILDER).or(instance.token.as_deref()).unwrap_or_default().to_owned();
        let row = self.options.state.read(|db| builders::by_name(db, &name))?;
        if row.is_some_and(|row| row.state != BuilderState::Gone) {
            return Ok(());
        }
        self.note(format!("instance {} ({name}) is ours and belongs to no builder: it is ended", instance.id));
        let places = self.inner().places.clone();
        for place in places {
            place.cloud.terminate(&instance.id).await?;
        }
        Ok(())
    }

    /// Does what was decided.
    pub(super) async fn act(&self, actions: Vec<Action>, rows: &[Builder], now: i64) -> anyhow::Result<()> {
        let mut launches = Vec::new();
        for action in actions {
            match action {
                Action::Launch { place, pool } => launches.push(self.intend(place, pool, now)?),
                Action::End { builder, why } => self.end(&builder, why, now).await?,
                Action::Terminate { builder } => {
                    if let Some(row) = rows.iter().find(|row| row.name == builder) {
                        self.terminate(row).await?;
                    }
                }
                Action::Forget { builder, why } => {
                    if let Some(row) = rows.iter().find(|row| row.name == builder) {
                        self.was_born(row).await;
                    }
                    self.forget(&builder, &why, now)?;
                }
            }
        }
        for group in launches.chunks(AT_ONCE) {
            let mut asked = Vec::new();
            for row in group {
                asked.push(self.launch(row));
            }
            for ended in join_all(asked).await {
                ended?;
            }
        }
        Ok(())
    }

    fn intend(&self, number: usize, pool: Option<usize>, now: i64) -> anyhow::Result<Builder> {
        let identity = self.identity()?;
        let place = self.inner().places.get(number).cloned().context("a place that was decided on is gone")?;
        let pools = place.ec2.pools();
        let pool =
            pools.get(pool.unwrap_or(place.pool) % pools.len().max(1)).cloned().context("a place has no pool")?;
        let intent = Intent {
            run: self.options.run,
            owner: identity.owner,
            price: place.ec2.price(&pool.instance_type).unwrap_or_default(),
            place: place.ec2,
            pool,
            url: self.options.url.clone(),
            program: identity.program,
        };
        Ok(self.options.state.write(move |tx| builders::intend(tx, &intent, now))?)
    }

    pub(super) fn happened(&self, name: &str, event: BuilderEvent, now: i64) -> anyhow::Result<Builder> {
        let name = name.to_owned();
        let after = self.options.state.write(move |tx| builders::apply(tx, &name, &event, now))?;
        self.options.signals.state_changed();
        Ok(after)
    }

    /// Ends a builder: its row first, so that no job is leased to it any more.
    async fn end(&self, name: &str, why: String, now: i64) -> anyhow::Result<()> {
        self.note(format!("builder {name} ends: {why}"));
        let row = self.happened(name, BuilderEvent::Ends { why: why.clone() }, now)?;
        self.free(name, &why, now)?;
        self.terminate(&row).await
    }

    /// Asks the cloud to end the instance of a builder.
    async fn terminate(&self, row: &Builder) -> anyhow::Result<()> {
        let place = self.place_of(row).await;
        let Some(instance) = &row.instance else {
            // Its launch may have been done all the same: asking for it again with its token tells which instance it is.
            return self.launch(row).await;
        };
        place.cloud.terminate(instance).await?;
        self.inner().listed_at = None;
        Ok(())
    }

    /// The cloud of a builder, though the recipe may name that place no more.
    pub(super) async fn place_of(&self, row: &Builder) -> Place {
        let known = self.inner().places.iter().find(|place| place.ec2 == row.place).cloned();
        match known {
            Some(place) => place,
            None => {
                let image = Image { arch: String::new(), root: None };
                Place::new(row.place.clone(), Cloud::of(&row.place).await, image)
            }
        }
    }

    /// Counts instances that ended before they asked for work: what an image lacks, the next one lacks, too, and each costs.
    async fn was_born(&self, row: &Builder) {
        let known = |place: &&mut Place| place.ec2 == row.place;
        let stillborn = {
            let mut inner = self.inner();
            let Some(place) = inner.places.iter_mut().find(known) else { return };
            place.stillborn = if row.joined_at.is_some() { 0 } else { place.stillborn + 1 };
            place.stillborn
        };
        if stillborn < STILLBORN {
            return;
        }
        let place = self.place_of(row).await;
        let console = match &row.instance {
            Some(instance) => place.cloud.console(instance).await.unwrap_or_else(|error| error.to_string()),
            None => String::new(),
        };
        let lines: Vec<&str> = console.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(10)..].join("\n");
        let text = format!(
            "{stillborn} instances in a row ended before they asked for work; the last one's console says:\n{last}\n\
             hint: the image must be Debian with sbuild, mmdebstrap and uidmap, or be able to install them"
        );
        let mut inner = self.inner();
        if let Some(place) = inner.places.iter_mut().find(known) {
            place.is_broken = true;
        }
        if inner.places.iter().all(|place| place.is_broken) {
            inner.trouble = Some(text);
        }
    }

    /// Takes the places of builders in that the recipe names no more, or has no work for.
    pub(super) async fn adopt(&self, rows: &[Builder]) {
        for row in rows {
            let place = self.place_of(row).await;
            let mut inner = self.inner();
            if !inner.places.iter().any(|known| known.ec2 == place.ec2) {
                inner.places.push(place);
            }
        }
    }

    fn forget(&self, name: &str, why: &str, now: i64) -> anyhow::Result<()> {
        let before = self.happened(name, BuilderEvent::Gone { why: why.to_owned() }, now)?;
        self.inner().busy.remove(name);
        // One that we ended is no news.
        if before.why.as_deref() == Some(why) {
            self.note(format!("builder {name} is gone: {why}"));
        }
        self.free(name, why, now)
    }

    /// Gives back the jobs of a builder that does not build any more: that is never the package's fault.
    fn free(&self, name: &str, why: &str, now: i64) -> anyhow::Result<()> {
        let (name, why) = (name.to_owned(), why.to_owned());
        // What a cloud does to its own machines says nothing about the job; where a machine just vanished, the job may
        // have been what ended it, and so that counts.
        let innocent = !why.contains("shutdown");
        self.options.state.write(move |tx| {
            for job in jobs::leased(tx)?.into_iter().filter(|job| job.builder.as_deref() == Some(name.as_str())) {
                let reason = format!("infrastructure: builder {name}: {why}");
                let event = if innocent {
                    JobEvent::GaveBack { reason }
                } else {
                    let (fault, stage, attempt) = (Fault::Infrastructure, "builder".to_owned(), job.attempts);
                    JobEvent::Failed { fault, stage, reason, attempt, seconds: 0 }
                };
                jobs::apply(tx, job.id, &event, now)?;
            }
            Ok(())
        })?;
        self.options.signals.state_changed();
        Ok(())
    }

    /// Ends all that is ours, and waits until it is gone.
    pub(super) async fn end_all(&self, why: &str) -> anyhow::Result<()> {
        let until = clock::instant() + LEAVE;
        loop {
            let now = clock::now().as_millisecond();
            let rows = self.options.state.read(builders::not_gone)?;
            for row in rows.iter().filter(|row| row.state.is_wanted()) {
                self.happened(&row.name, BuilderEvent::Ends { why: why.to_owned() }, now)?;
                self.free(&row.name, why, now)?;
            }
            match self.wind_up(now).await {
                Ok(0) => return Ok(()),
                Ok(left) => tracing::debug!(left, "builders end"),
                Err(error) => tracing::warn!(%error, "builders were not ended; they are asked again"),
            }
            if clock::instant() > until {
                self.note("some instances may still be there: `cloudbuild builders --orphans` lists them".to_owned());
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// One try to end what is to end; how many are left.
    async fn wind_up(&self, now: i64) -> anyhow::Result<usize> {
        self.inner().listed_at = None;
        self.list_now().await?;
        let rows = self.repair(self.options.state.read(builders::not_gone)?, now).await?;
        let listed = self.inner().listed.clone().unwrap_or_default();
        for row in &rows {
            match instance_of(row, &listed).map(|instance| instance.seen) {
                Some(Seen::Ended) => self.forget(&row.name, "the run has ended", now)?,
                Some(_) | None => self.terminate(row).await?,
            }
        }
        Ok(self.options.state.read(builders::not_gone)?.len())
    }
}

//! `cloudbuild builders`: the builders in clouds, and the instances that belong to none.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::args::builders::BuildersArgs;
use super::exit::Exit;
use super::output::{Format, clean};
use super::{Context, site};
use crate::core::dispatch::Seen;
use crate::core::fleet::BuilderState;
use crate::core::fleet::money::Money;
use crate::core::fleet::place::Ec2;
use crate::core::ids::RunId;
use crate::core::settings::value::duration_text;
use crate::io::clock;
use crate::io::control::BuilderKey;
use crate::io::machines::ec2::{Cloud, Instance, TAG_BUILDER};
use crate::io::state::Reader;
use crate::io::state::builders::{self, Builder};

/// One builder, as it is shown.
#[derive(Debug, Serialize)]
struct Line {
    name: String,
    run: RunId,
    state: BuilderState,
    instance: Option<String>,
    instance_type: String,
    seconds: u64,
    cost: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl Line {
    fn of(row: &Builder, now: i64) -> Line {
        Line {
            name: row.name.clone(),
            run: row.run,
            state: row.state,
            instance: row.instance.clone(),
            instance_type: row.pool.instance_type.clone(),
            seconds: row.seconds(now),
            cost: row.cost(now),
            why: row.why.clone(),
        }
    }

    fn text(&self) -> String {
        let instance = self.instance.as_deref().unwrap_or("no instance yet");
        let time = duration_text(Duration::from_secs(self.seconds));
        let why = self.why.as_deref().map(|why| format!("  ({})", clean(why))).unwrap_or_default();
        let Line { name, state, instance_type, cost, .. } = self;
        format!("{name}  {state:8}  {}  {}  {time}  {cost}{why}", clean(instance), clean(instance_type))
    }
}

/// All builders that there ever were.
pub fn rows(state: &Path) -> anyhow::Result<Vec<Builder>> {
    Ok(Reader::open(state)?.read(builders::all)?)
}

/// Shows the builders of a state directory; with `--orphans` the instances that are ours and belong to none.
pub fn builders(ctx: &Context, args: &BuildersArgs) -> anyhow::Result<Exit> {
    let state = ctx.state_here()?;
    let (rows, now) = (rows(&state)?, clock::now().as_millisecond());
    if args.orphans {
        let orphans = orphans(&state, &rows)?;
        match ctx.output.format {
            Format::Json => {
                let of = |(_, instance): &(Ec2, Instance)| {
                    serde_json::json!({"instance": instance.id, "builder": instance.tag(TAG_BUILDER),
                                       "instance_type": instance.instance_type, "launched": instance.launched})
                };
                ctx.output.document(&orphans.iter().map(of).collect::<Vec<_>>())?;
            }
            Format::Text if orphans.is_empty() => ctx.output.print("no instance is left over")?,
            Format::Text => {
                let line = |(place, instance): &(Ec2, Instance)| {
                    let name = instance.tag(TAG_BUILDER).unwrap_or("without a tag");
                    format!("{}  {}  {}  on {place}", instance.id, clean(name), clean(&instance.instance_type))
                };
                let lines: Vec<String> = orphans.iter().map(line).collect();
                ctx.output.print(&format!("{}\nhint: `cloudbuild terminate --orphans` ends them", lines.join("\n")))?;
            }
        }
        return Ok(Exit::Done);
    }
    let shown = rows.iter().filter(|row| args.all || row.state != BuilderState::Gone);
    let lines: Vec<Line> = shown.map(|row| Line::of(row, now)).collect();
    match ctx.output.format {
        Format::Json => ctx.output.document(&lines)?,
        Format::Text if lines.is_empty() => ctx.output.print("no builders in clouds; `--all` shows those that were")?,
        Format::Text => ctx.output.print(&lines.iter().map(Line::text).collect::<Vec<_>>().join("\n"))?,
    }
    Ok(Exit::Done)
}

/// The clouds that a state directory's builders were in, each once.
fn places(rows: &[Builder]) -> Vec<Ec2> {
    let mut places: Vec<Ec2> = Vec::new();
    for row in rows {
        let known = |place: &Ec2| place.endpoint == row.place.endpoint && place.region == row.place.region;
        if !places.iter().any(known) {
            places.push(row.place.clone());
        }
    }
    places
}

/// What clouds list of ours.
pub fn listed(state: &Path, rows: &[Builder]) -> anyhow::Result<Vec<(Ec2, Instance)>> {
    let Some(key) = BuilderKey::read(state)? else { return Ok(Vec::new()) };
    let asking = async {
        let mut found = Vec::new();
        for place in places(rows) {
            let ours = Cloud::of(&place).await.ours(&key.owner()).await?;
            let there = ours.into_iter().filter(|instance| matches!(instance.seen, Seen::Alive | Seen::Stopped));
            found.extend(there.map(|instance| (place.clone(), instance)));
        }
        Ok::<_, anyhow::Error>(found)
    };
    site::runtime()?.block_on(asking)
}

/// Whether a row that is not gone has this instance.
pub fn has(rows: &[Builder], instance: &Instance) -> bool {
    rows.iter().any(|row| {
        let named = [instance.tag(TAG_BUILDER), instance.token.as_deref()].contains(&Some(row.name.as_str()));
        row.state != BuilderState::Gone && (named || row.instance.as_deref() == Some(instance.id.as_str()))
    })
}

fn orphans(state: &Path, rows: &[Builder]) -> anyhow::Result<Vec<(Ec2, Instance)>> {
    Ok(listed(state, rows)?.into_iter().filter(|(_, instance)| !has(rows, instance)).collect())
}

//! `cloudbuild cost`: what builders in clouds cost, by run and stage.

use std::time::Duration;

use serde::Serialize;

use super::Context;
use super::exit::Exit;
use super::output::{Format, clean};
use crate::core::fleet::money::Money;
use crate::core::ids::RunId;
use crate::core::settings::value::duration_text;
use crate::io::clock;
use crate::io::state::builders::{self, Builder};
use crate::io::state::{Reader, attempts, jobs};

/// What a run cost, by stage.
#[derive(Debug, Serialize)]
struct Cost {
    run: RunId,
    builders: usize,
    seconds: u64,
    cost: Money,
    stages: Vec<StageCost>,
}

/// What the jobs of a stage cost: each attempt's time at the price of its builder.
#[derive(Debug, Serialize)]
struct StageCost {
    stage: String,
    cost: Money,
    jobs: Vec<JobCost>,
}

/// One job.
#[derive(Debug, Serialize)]
struct JobCost {
    source: String,
    arch: String,
    cost: Money,
}

/// Shows what runs cost.
pub fn cost(ctx: &Context) -> anyhow::Result<Exit> {
    let reader = Reader::open(&ctx.state_here()?)?;
    let (rows, now) = (reader.read(builders::all)?, clock::now().as_millisecond());
    let mut runs: Vec<RunId> = rows.iter().map(|row| row.run).collect();
    runs.dedup();
    let costs: Vec<Cost> =
        runs.into_iter().map(|run| of_run(&reader, run, &rows, now)).collect::<anyhow::Result<_>>()?;
    match ctx.output.format {
        Format::Json => ctx.output.document(&costs)?,
        Format::Text if costs.is_empty() => ctx.output.print("no run had builders in clouds")?,
        Format::Text => {
            let lines: Vec<String> = costs.iter().flat_map(text).collect();
            ctx.output.print(&lines.join("\n"))?;
        }
    }
    Ok(Exit::Done)
}

fn of_run(reader: &Reader, run: RunId, rows: &[Builder], now: i64) -> anyhow::Result<Cost> {
    let its: Vec<&Builder> = rows.iter().filter(|row| row.run == run && row.instance.is_some()).collect();
    let mut stages: Vec<StageCost> = Vec::new();
    reader.read(|db| {
        for job in jobs::by_run(db, run)? {
            let mut cost = Money(0);
            for attempt in attempts::by_job(db, job.id)? {
                let price = its.iter().find(|row| row.name == attempt.builder).map_or(Money(0), |row| row.price);
                let milliseconds = attempt.ended.unwrap_or(attempt.started).saturating_sub(attempt.started);
                cost = cost.plus(price.of_seconds(u64::try_from(milliseconds / 1000).unwrap_or(0)));
            }
            let at = stages.iter().position(|stage| stage.stage == job.stage).unwrap_or_else(|| {
                stages.push(StageCost { stage: job.stage.clone(), cost: Money(0), jobs: Vec::new() });
                stages.len() - 1
            });
            stages[at].cost = stages[at].cost.plus(cost);
            stages[at].jobs.push(JobCost { source: job.source, arch: job.arch, cost });
        }
        Ok(())
    })?;
    Ok(Cost {
        run,
        builders: its.len(),
        seconds: its.iter().map(|row| row.seconds(now)).sum(),
        cost: its.iter().fold(Money(0), |all, row| all.plus(row.cost(now))),
        stages,
    })
}

fn text(of: &Cost) -> Vec<String> {
    let time = duration_text(Duration::from_secs(of.seconds));
    let mut lines = vec![format!("run {}: {} on {} instances, {time} of them", of.run, of.cost, of.builders)];
    lines.extend(of.stages.iter().map(|stage| format!("  stage `{}`: {} for builds", clean(&stage.stage), stage.cost)));
    lines
}

//! `cloudbuild compare`: the cells of the last run beside each other.

use super::args::CompareArgs;
use super::exit::{Exit, Failure};
use super::output::{Format, clean};
use super::{Context, jobs};
use crate::core::compare::{Table, text};
use crate::core::recipe::{CompareResult, Response};
use crate::io::state::{Reader, journal};

/// Shows what the last run compared.
pub fn compare(ctx: &Context, args: &CompareArgs) -> anyhow::Result<Exit> {
    let dir = ctx.state_here()?;
    let run = jobs::read(&dir)?.run;
    let db = Reader::open(&dir)?;
    let mut compared: Vec<CompareResult> = Vec::new();
    for call in 1.. {
        let Some(entry) = db.read(|db| journal::lookup(db, run, call))? else { break };
        if let Ok(Response::Compare(result)) = serde_json::from_value(entry.response) {
            compared.push(result);
        }
    }
    let Some(last) = compared.pop() else {
        let message = format!("run {run} in `{}` has compared nothing so far", dir.display());
        return Err(Failure::new(Exit::Usage, message).hint("a run compares when all of its stages are built").into());
    };
    match ctx.output.format {
        Format::Json => ctx.output.document(&last)?,
        Format::Text => ctx.output.say(&shown(&last, args.packages)),
    }
    Ok(Exit::Done)
}

fn shown(result: &CompareResult, packages: bool) -> String {
    match &result.table {
        Some(table) => cells(table, packages),
        None if result.rows.is_empty() => "no packages were built, so there is nothing to compare".to_owned(),
        None => {
            let rows: Vec<String> = result.rows.iter().map(super::summary::comparison).collect();
            rows.join("\n")
        }
    }
}

/// A table for a terminal, without what would steer it.
pub fn cells(table: &Table, packages: bool) -> String {
    text(table, packages).lines().map(clean).collect::<Vec<_>>().join("\n")
}

//! `cloudbuild recipe test`: runs the cases of a test file, offline.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::performer;
use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::cli::output::Format;
use crate::lua::tester;
use crate::lua::watch::Limits;

/// Runs the cases, a line each.
pub fn test(ctx: &Context, file: &Path) -> anyhow::Result<Exit> {
    let folder = tempfile::tempdir()?;
    let store: PathBuf = folder.path().to_owned();
    let make = Arc::new(move |world: &tester::World| performer(&store, world));
    let cases = tester::test(file.to_owned(), Limits::default(), make)?;
    let failed = cases.iter().filter(|case| case.error.is_some()).count();
    let passed = cases.len() - failed;
    match ctx.output.format {
        Format::Json => {
            let told = cases.iter().map(|case| {
                let error = case.error.as_ref().map(ToString::to_string);
                json!({ "case": case.sentence, "ok": case.error.is_none(), "error": error })
            });
            let told: Vec<_> = told.collect();
            ctx.output.document(&json!({ "cases": told, "passed": passed, "failed": failed }))?;
        }
        Format::Text => {
            let mut lines = Vec::new();
            for case in &cases {
                match &case.error {
                    None => lines.push(format!("ok      {}", case.sentence)),
                    Some(error) => {
                        lines.push(format!("failed  {}", case.sentence));
                        lines.extend(error.to_string().lines().map(|line| format!("        {line}")));
                    }
                }
            }
            lines.push(format!("{passed} passed, {failed} failed"));
            ctx.output.print(&lines.join("\n"))?;
        }
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::SomeFailed })
}

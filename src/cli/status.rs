//! `cloudbuild status`: the jobs of a run and their states.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Context;
use super::exit::Exit;
use super::jobs::{self, Jobs, Mark};
use super::output::{Format, clean};
use crate::core::settings::value::duration_text;

/// Shows the jobs of the last run.
pub fn status(ctx: &Context) -> anyhow::Result<Exit> {
    let jobs = jobs::read(&ctx.state_here()?)?;
    match ctx.output.format {
        Format::Json => ctx.output.document(&document(&jobs))?,
        Format::Text => ctx.output.print(&text(&jobs))?,
    }
    Ok(Exit::Done)
}

/// How many jobs are in each state.
fn counts(jobs: &Jobs) -> BTreeMap<&str, u64> {
    let mut counts = BTreeMap::new();
    for job in &jobs.jobs {
        *counts.entry(job.state.as_str()).or_insert(0) += 1;
    }
    counts
}

/// What `--json` prints.
pub fn document(jobs: &Jobs) -> serde_json::Value {
    serde_json::json!({"run": jobs.run, "recipe": jobs.recipe, "counts": counts(jobs), "jobs": jobs.jobs})
}

/// What people see: the counts, then a line a job, reason and log below those that failed.
pub fn text(jobs: &Jobs) -> String {
    let counted: Vec<String> =
        counts(jobs).iter().map(|(state, count)| format!("{count} {}", jobs::state_word(state))).collect();
    let counted = if counted.is_empty() { "no jobs yet".to_owned() } else { counted.join(", ") };
    let mut lines = vec![format!("run {} of {}: {counted}", jobs.run, clean(&jobs.recipe))];
    let word_width = jobs.jobs.iter().map(|job| jobs::state_word(&job.state).len()).max().unwrap_or(0);
    let title_width = jobs.jobs.iter().map(|job| job.title().chars().count()).max().unwrap_or(0);
    let several_stages = jobs.jobs.iter().any(|job| job.stage != jobs.jobs[0].stage);
    for job in &jobs.jobs {
        let time = if job.seconds > 0 { duration_text(Duration::from_secs(job.seconds)) } else { String::new() };
        let stage = if several_stages { format!("{}  ", clean(&job.stage)) } else { String::new() };
        let word = jobs::state_word(&job.state);
        let line = format!("{word:word_width$}  {stage}{:title_width$}  {time}", job.title());
        lines.push(line.trim_end().to_owned());
        if let Some(reason) = &job.reason {
            lines.push(format!("    {}", clean(reason)));
        }
        lines.extend(
            job.overridden.iter().map(|what| format!("    overridden by package: {}", clean(&what.to_string()))),
        );
        if let (Mark::Bad, Some(log)) = (jobs::mark(&job.state), &job.log) {
            lines.push(format!("    log: {}", log.display()));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::cli::jobs::JobLine;
    use crate::core::flags::overridden::Overridden;
    use crate::core::ids::{JobId, RunId};

    /// Three jobs: one done, one failed, one building.
    pub fn jobs() -> Jobs {
        let job = |number, source: &str, state: &str, seconds| JobLine {
            job: JobId(number),
            stage: "base".into(),
            source: source.into(),
            version: "1.2-3".into(),
            arch: "amd64".into(),
            state: state.into(),
            reason: (state == "build-attempted").then(|| "build: dh_auto_test exit 2".into()),
            seconds,
            leases: u32::from(state != "needs-build"),
            reused: false,
            flags_by: Vec::new(),
            overridden: match state {
                "installed" => vec![Overridden {
                    variable: "CFLAGS".into(),
                    asked: "-O3".into(),
                    by: "DEB_CFLAGS_MAINT_STRIP=-O3".into(),
                }],
                _ => Vec::new(),
            },
            log: (state != "needs-build").then(|| format!("/s/logs/j{number}-1.log").into()),
        };
        let jobs = vec![
            job(1, "hello", "installed", 65),
            job(2, "libfoo", "build-attempted", 12),
            job(3, "bar", "needs-build", 0),
        ];
        Jobs { run: RunId(1), recipe: "recipes/x.lua".into(), jobs }
    }

    #[test]
    fn a_line_a_job_with_reason_and_log_below_what_failed() {
        let expected = "\
run r1 of recipes/x.lua: 1 failed, 1 installed, 1 needs-build
installed    hello 1.2-3 (amd64)   1 min 5 s
    overridden by package: CFLAGS -O3 (DEB_CFLAGS_MAINT_STRIP=-O3)
failed       libfoo 1.2-3 (amd64)  12 s
    build: dh_auto_test exit 2
    log: /s/logs/j2-1.log
needs-build  bar 1.2-3 (amd64)";
        assert_eq!(text(&jobs()), expected);
        let none = Jobs { jobs: Vec::new(), ..jobs() };
        assert_eq!(text(&none), "run r1 of recipes/x.lua: no jobs yet");
    }

    #[test]
    fn the_document_has_counts_by_state_and_all_jobs() {
        let document = document(&jobs());
        assert_eq!(document["counts"], serde_json::json!({"installed": 1, "build-attempted": 1, "needs-build": 1}));
        assert_eq!(document["jobs"][1]["reason"], "build: dh_auto_test exit 2");
        assert_eq!(document["jobs"][1]["job"], "j2");
    }
}

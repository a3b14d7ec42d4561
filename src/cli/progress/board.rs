//! What is on show while a run goes on: a pure picture of the stages, made from events.

use std::collections::BTreeMap;
use std::time::Duration;

use super::lines::counted;
use crate::cli::jobs::{Mark, mark, state_word, title};
use crate::cli::output::clean;
use crate::core::events::Event;
use crate::core::ids::JobId;
use crate::core::settings::value::duration_text;

/// How many running jobs a stage's line names.
const NAMED: usize = 3;

/// All stages, in the order in which they began. Times count from the start of the program.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// The stages.
    pub stages: Vec<Stage>,
    /// One line a failed job.
    pub failed: Vec<String>,
}

/// One stage.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Its jobs.
    pub jobs: u64,
    /// Those that ended.
    pub done: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Whether it ended.
    pub over: bool,
    running: BTreeMap<JobId, (String, Duration)>,
    began: Duration,
    built: u64,
}

impl Board {
    /// Takes in one event that came at `now`.
    pub fn hear(&mut self, event: &Event, now: Duration) {
        match event {
            Event::StageStarted { stage, jobs, done } => {
                self.stages.retain(|known| known.name != *stage);
                self.stages.push(Stage {
                    name: stage.clone(),
                    jobs: *jobs,
                    done: *done,
                    failed: 0,
                    over: false,
                    running: BTreeMap::new(),
                    began: now,
                    built: 0,
                });
            }
            Event::JobStarted { stage, job, source, version, arch, .. } => {
                if let Some(stage) = self.stage(stage) {
                    stage.running.insert(*job, (title(source, version, arch), now));
                }
            }
            Event::JobFinished { stage, job, source, version, arch, state, reused, reason, .. } => {
                let mark = mark(state);
                if mark == Mark::Bad {
                    let reason = reason.as_deref().map_or(String::new(), |reason| format!(": {reason}"));
                    let line = format!("{}  {}{reason}", state_word(state), title(source, version, arch));
                    self.failed.push(clean(&line));
                }
                let Some(stage) = self.stage(stage) else { return };
                stage.running.remove(job);
                stage.done += u64::from(mark != Mark::Open);
                stage.failed += u64::from(mark == Mark::Bad);
                stage.built += u64::from(mark != Mark::Open && !reused);
            }
            Event::StageFinished { stage, .. } => {
                if let Some(stage) = self.stage(stage) {
                    stage.over = true;
                    stage.running.clear();
                }
            }
            Event::Working { .. }
            | Event::Progress { .. }
            | Event::Note { .. }
            | Event::Outdated { .. }
            | Event::Published { .. }
            | Event::Proved { .. } => {}
        }
    }

    fn stage(&mut self, name: &str) -> Option<&mut Stage> {
        self.stages.iter_mut().find(|stage| stage.name == name)
    }
}

impl Stage {
    /// What stands beside the bar: failures, the time that is left, what runs and for how long.
    pub fn detail(&self, now: Duration) -> String {
        let mut parts = Vec::new();
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        if !self.over {
            parts.extend(self.time_left(now).map(|left| format!("{} left", rough_text(left))));
            // The oldest first: that is the one which people wonder about.
            let mut running: Vec<_> = self.running.values().collect();
            running.sort_by_key(|(_, since)| *since);
            let named = running.iter().take(NAMED);
            parts.extend(named.map(|(title, since)| format!("{title} {}", rough_text(now.saturating_sub(*since)))));
            if running.len() > NAMED {
                parts.push(format!("and {} more", running.len() - NAMED));
            }
        } else if self.failed == 0 {
            parts.push(format!("{} done", counted(self.done, "job")));
        }
        parts.join(", ")
    }

    /// How long the rest takes if it goes on as it went; unknown until something was built.
    pub fn time_left(&self, now: Duration) -> Option<Duration> {
        let left = self.jobs.checked_sub(self.done).filter(|left| *left > 0)?;
        let each = now.saturating_sub(self.began).checked_div(u32::try_from(self.built).ok()?)?;
        each.checked_mul(u32::try_from(left).ok()?)
    }
}

/// A time as one glances at it: seconds below an hour, minutes below a day, else hours.
pub fn rough_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let unit = match seconds {
        0..3_600 => 1,
        3_600..86_400 => 60,
        _ => 3_600,
    };
    duration_text(Duration::from_secs(seconds / unit * unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn started(number: i64) -> Event {
        Event::JobStarted {
            stage: "base".into(),
            job: JobId(number),
            source: format!("p{number}"),
            version: "1".into(),
            arch: "amd64".into(),
            builder: "here".into(),
        }
    }

    fn finished(number: i64, state: &str) -> Event {
        Event::JobFinished {
            stage: "base".into(),
            job: JobId(number),
            source: format!("p{number}"),
            version: "1".into(),
            arch: "amd64".into(),
            state: state.into(),
            reused: false,
            seconds: 10,
            reason: (state != "installed").then(|| "build: exit 2".into()),
            log: None,
            tail: Vec::new(),
        }
    }

    fn board(events: &[(u64, Event)]) -> Board {
        let mut board = Board::default();
        board.hear(&Event::StageStarted { stage: "base".into(), jobs: 8, done: 2 }, at(0));
        events.iter().for_each(|(seconds, event)| board.hear(event, at(*seconds)));
        board
    }

    #[test]
    fn a_stage_names_what_runs_longest_and_for_how_long() {
        let events: Vec<_> = (1..=5).map(|number: i64| (6 - number.unsigned_abs(), started(number))).collect();
        let stage = board(&events).stages.remove(0);
        let expected = "p5 1 (amd64) 1 min 4 s, p4 1 (amd64) 1 min 3 s, p3 1 (amd64) 1 min 2 s, and 2 more";
        assert_eq!(stage.detail(at(65)), expected);
    }

    #[test]
    fn the_time_left_follows_from_what_was_built_in_this_run() {
        let events =
            [(0, started(1)), (100, finished(1, "installed")), (100, started(2)), (200, finished(2, "failed"))];
        let board = board(&events);
        let stage = &board.stages[0];
        assert_eq!((stage.done, stage.failed, stage.time_left(at(200))), (4, 1, Some(at(400))));
        assert_eq!(stage.detail(at(200)), "1 failed, 6 min 40 s left");
        assert_eq!(board.failed, ["failed  p2 1 (amd64): build: exit 2"]);
    }

    #[test]
    fn a_job_that_was_stopped_is_neither_done_nor_failed() {
        let stage = board(&[(0, started(1)), (9, finished(1, "needs-build"))]).stages.remove(0);
        assert_eq!((stage.done, stage.failed), (2, 0));
        assert_eq!(stage.time_left(at(9)), None);
        assert_eq!(stage.detail(at(9)), "");
    }

    #[test]
    fn times_lose_what_nobody_looks_at() {
        assert_eq!(rough_text(at(59)), "59 s");
        assert_eq!(rough_text(at(7_384)), "2 h 3 min");
        assert_eq!(rough_text(at(90_061)), "1 d 1 h");
    }
}

//! Which jobs of a stage are ready: told by what happened since the last look, never by looking at all of them again.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use crate::core::ids::{JobId, RunId};
use crate::core::job::JobState;
use crate::core::order::tracker::{AfterFailure, Progress, Tracker};
use crate::core::recipe::OrderResult;
use crate::io::state::{Db, StateError, events, jobs};

/// How many events are read at once.
const AT_ONCE: u32 = 10_000;

/// The jobs of one order, as they stand in the state.
pub struct Board {
    tracker: Tracker,
    /// The jobs in the order's order.
    pub jobs: Vec<JobId>,
    number: FxHashMap<JobId, u32>,
    /// Jobs to look at: they wait for nothing, and are neither offered nor ended.
    ready: BTreeSet<u32>,
    unfinished: usize,
    /// Jobs that failed, whose hooks were not asked yet.
    failed: BTreeSet<JobId>,
    /// Jobs that lack something of what they are built with, and whether they wait for it.
    lacking: BTreeMap<JobId, bool>,
    /// Jobs that were installed since somebody asked.
    arrived: Vec<JobId>,
    /// The newest event that was taken into account.
    seen: i64,
}

impl Board {
    /// Reads how far the jobs of an order are; each must have its row.
    pub fn read(db: &Db, run: RunId, stage: &str, order: &OrderResult) -> Result<Board, StateError> {
        let rows = jobs::by_stage(db, run, stage)?;
        let row_of: FxHashMap<(&str, &str), &jobs::Job> =
            rows.iter().map(|row| ((row.source.as_str(), row.arch.as_str()), row)).collect();
        let of_order = order.jobs.iter().map(|job| {
            let row = row_of.get(&(job.source.as_str(), job.arch.as_str())).copied();
            row.ok_or_else(|| StateError::NoRow { what: "job", id: format!("{} {}", job.source, job.arch) })
        });
        let of_order: Vec<&jobs::Job> = of_order.collect::<Result<_, _>>()?;
        let ids: Vec<JobId> = of_order.iter().map(|row| row.id).collect();
        let mut board = Board {
            // A stage goes on with what it is built against where a rebuild failed.
            tracker: Tracker::of(&order.jobs, AfterFailure::GoOn),
            number: ids.iter().copied().zip(0..).collect(),
            unfinished: ids.len(),
            jobs: ids,
            ready: BTreeSet::new(),
            failed: BTreeSet::new(),
            lacking: BTreeMap::new(),
            arrived: Vec::new(),
            seen: events::newest(db)?,
        };
        board.ready.extend(board.tracker.ready());
        for row in of_order {
            board.take(row);
        }
        Ok(board)
    }

    /// Takes into account what happened since the last time.
    pub fn catch_up(&mut self, db: &Db) -> Result<(), StateError> {
        loop {
            let rows = events::since(db, self.seen, AT_ONCE)?;
            let Some(last) = rows.last() else { return Ok(()) };
            self.seen = last.seq;
            let changed: BTreeSet<JobId> =
                rows.iter().map(|row| row.job).filter(|job| self.number.contains_key(job)).collect();
            for job in changed {
                self.take(&jobs::expect(db, job)?);
            }
        }
    }

    /// Takes a job's row into account.
    fn take(&mut self, row: &jobs::Job) {
        let Some(&number) = self.number.get(&row.id) else { return };
        match row.state {
            JobState::BuildAttempted => self.failed.insert(row.id),
            _ => self.failed.remove(&row.id),
        };
        match row.state {
            JobState::DepWait | JobState::BdUninstallable => {
                self.lacking.insert(row.id, row.state == JobState::DepWait)
            }
            _ => self.lacking.remove(&row.id),
        };
        let before = self.tracker.progress(number);
        let now = match row.state {
            JobState::Installed => Progress::Succeeded,
            state if state.is_terminal() => Progress::Failed,
            _ => Progress::Unfinished,
        };
        if now == Progress::Succeeded && before != now {
            self.arrived.push(row.id);
        }
        let change = self.tracker.set(number, now);
        self.ready.extend(change.ready);
        for waiting in change.waiting {
            self.ready.remove(&waiting);
        }
        self.unfinished =
            self.unfinished + usize::from(now == Progress::Unfinished) - usize::from(before == Progress::Unfinished);
        if wants_a_look(row) && self.tracker.is_ready(number) {
            self.ready.insert(number);
        } else {
            self.ready.remove(&number);
        }
    }

    /// The jobs that failed since the last time.
    pub fn take_failed(&mut self) -> Vec<JobId> {
        std::mem::take(&mut self.failed).into_iter().collect()
    }

    /// The jobs that were installed since the last time.
    pub fn take_arrived(&mut self) -> Vec<JobId> {
        std::mem::take(&mut self.arrived)
    }

    /// Whether a job waits for what it lacks.
    pub fn has_waiting(&self) -> bool {
        self.lacking.values().any(|waits| *waits)
    }

    /// The jobs that lack something of what they are built with.
    pub fn lacking(&self, db: &Db) -> Result<Vec<jobs::Job>, StateError> {
        self.lacking.keys().map(|job| jobs::expect(db, *job)).collect()
    }

    /// Whether anything goes on by itself: a job that is to be looked at, offered, or being built.
    pub fn moves(&self, db: &Db) -> Result<bool, StateError> {
        if !self.ready.is_empty() {
            return Ok(true);
        }
        for (number, job) in self.jobs.iter().enumerate() {
            let number = u32::try_from(number).expect("an order has fewer jobs");
            if self.tracker.progress(number) != Progress::Unfinished || self.lacking.contains_key(job) {
                continue;
            }
            let row = jobs::expect(db, *job)?;
            if row.offered || row.state != JobState::NeedsBuild {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether each job has ended.
    pub fn is_done(&self) -> bool {
        self.unfinished == 0
    }

    /// The jobs to look at, in the order's order; they are handed out once.
    pub fn take_ready(&mut self, db: &Db) -> Result<Vec<jobs::Job>, StateError> {
        let ready = std::mem::take(&mut self.ready);
        let rows = ready.into_iter().map(|number| jobs::expect(db, self.jobs[number as usize]));
        // A job may have been offered before what it needs was tried once more.
        let wanted = |row: &Result<jobs::Job, StateError>| row.as_ref().map_or(true, wants_a_look);
        rows.filter(wanted).collect()
    }
}

/// Whether a job has neither ended nor been offered.
fn wants_a_look(row: &jobs::Job) -> bool {
    row.state == JobState::NeedsBuild && !row.offered
}

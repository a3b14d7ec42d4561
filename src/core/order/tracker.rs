//! What is ready and what is blocked, kept up to date job by job: a change costs what it touches.
//!
//! Jobs are numbered by their place in the order, from 0.

use super::csr::Csr;
use crate::core::recipe::OrderedJob;

/// What the users of a failed job do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// They wait until it succeeds after all.
    Block,
    /// They go on with the older packages that are there.
    GoOn,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Not ended.
    Unfinished,
    /// Its packages are there.
    Succeeded,
    /// It ended without packages.
    Failed,
}

/// What one change of a job did to its users, and to itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Jobs that wait for nothing any more.
    pub ready: Vec<u32>,
    /// Jobs that were not blocked before, and wait for a failed one now.
    pub blocked: Vec<u32>,
    /// Jobs that no failed job holds up any more, or that had been ready and wait again.
    pub waiting: Vec<u32>,
}

/// Follows the jobs of an order.
#[derive(Debug, Clone)]
pub struct Tracker {
    needs: Csr,
    users: Csr,
    after_failure: AfterFailure,
    progress: Vec<Progress>,
    /// Needs that keep a job from being ready.
    open: Vec<u32>,
    /// Those of them that failed.
    failed: Vec<u32>,
}

impl Tracker {
    /// Follows the jobs of an order, none of which has ended.
    pub fn of(jobs: &[OrderedJob], after_failure: AfterFailure) -> Tracker {
        let rows: Vec<Vec<u32>> =
            jobs.iter().map(|job| job.after.iter().map(|number| number.saturating_sub(1)).collect()).collect();
        Tracker::new(Csr::of_rows(&rows), after_failure)
    }

    /// Follows the jobs of a graph without loops.
    pub fn new(needs: Csr, after_failure: AfterFailure) -> Tracker {
        let open = needs.nodes().map(|job| needs.of(job).len() as u32).collect();
        Tracker {
            users: needs.reversed(),
            after_failure,
            progress: vec![Progress::Unfinished; needs.len()],
            open,
            failed: vec![0; needs.len()],
            needs,
        }
    }

    /// How far a job is.
    pub fn progress(&self, job: u32) -> Progress {
        self.progress[job as usize]
    }

    /// Whether a job that has not ended waits for nothing.
    pub fn is_ready(&self, job: u32) -> bool {
        self.open[job as usize] == 0 && self.progress(job) == Progress::Unfinished
    }

    /// All jobs that are ready, in the order's order.
    pub fn ready(&self) -> Vec<u32> {
        self.needs.nodes().filter(|&job| self.is_ready(job)).collect()
    }

    /// Says how far a job is now; what it was before does not matter.
    pub fn set(&mut self, job: u32, progress: Progress) -> Change {
        let before = std::mem::replace(&mut self.progress[job as usize], progress);
        let mut change = Change::default();
        if before == progress {
            return change;
        }
        let (opened, closed) = (self.holds_up(before), self.holds_up(progress));
        for &user in self.users.of(job) {
            let at = user as usize;
            let was_blocked = self.failed[at] > 0;
            let was_ready = self.open[at] == 0;
            self.open[at] = self.open[at] + u32::from(closed) - u32::from(opened);
            self.failed[at] = self.failed[at] + u32::from(closed && progress == Progress::Failed)
                - u32::from(opened && before == Progress::Failed);
            if self.progress[at] != Progress::Unfinished {
                continue;
            }
            match (self.open[at] == 0, self.failed[at] > 0) {
                (true, _) if !was_ready => change.ready.push(user),
                (false, true) if !was_blocked => change.blocked.push(user),
                (false, false) if was_blocked || was_ready => change.waiting.push(user),
                (true | false, _) => {}
            }
        }
        if progress == Progress::Unfinished && self.open[job as usize] == 0 {
            change.ready.push(job);
        }
        change
    }

    /// Whether a job at this keeps its users from being ready.
    fn holds_up(&self, progress: Progress) -> bool {
        match (progress, self.after_failure) {
            (Progress::Unfinished, _) | (Progress::Failed, AfterFailure::Block) => true,
            (Progress::Succeeded, _) | (Progress::Failed, AfterFailure::GoOn) => false,
        }
    }

    /// The failed jobs that a job waits for, directly or by way of others, in the order's order.
    pub fn blockers(&self, job: u32) -> Vec<u32> {
        if self.after_failure == AfterFailure::GoOn {
            return Vec::new();
        }
        let (mut seen, mut waiting, mut found) = (vec![false; self.needs.len()], vec![job], Vec::new());
        while let Some(job) = waiting.pop() {
            for &need in self.needs.of(job) {
                if std::mem::replace(&mut seen[need as usize], true) {
                    continue;
                }
                match self.progress(need) {
                    Progress::Failed => found.push(need),
                    Progress::Unfinished => waiting.push(need),
                    Progress::Succeeded => {}
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// What a job waits for directly and has not succeeded, in the order's order.
    pub fn waits_for(&self, job: u32) -> Vec<u32> {
        let mut open: Vec<u32> =
            self.needs.of(job).iter().copied().filter(|&need| self.holds_up(self.progress(need))).collect();
        open.sort_unstable();
        open
    }
}

#[cfg(test)]
mod tests;

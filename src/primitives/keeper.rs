//! Keeps this machine's build daemon at work as long as a stage is.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::core::events::Event;
use crate::core::job::{Fault, JobEvent};
use crate::io::clock;
use crate::io::machines::here;
use crate::io::state::{builder_health, jobs};
use crate::primitives::live::Live;
use crate::primitives::{Pace, Refusal};

/// How this machine's build daemon is started when there is work for it.
pub struct LocalDaemon {
    /// The program: this one.
    pub program: PathBuf,
    /// The cache directory.
    pub cache: PathBuf,
    /// Builds at the same time, where the recipe does not say.
    pub slots: u32,
    /// The user that builds; none where this process is not root.
    pub build_user: Option<String>,
}

/// So often the daemon may end within [`DEATHS_WITHIN`] before the run gives up on this machine.
const DEATHS: usize = 5;

/// See [`DEATHS`].
const DEATHS_WITHIN: Duration = Duration::from_secs(600);

/// Starts the daemon, and starts it again where it ended though it should not have.
pub struct Keeper<'l> {
    live: &'l Live,
    slots: u32,
    starts: RefCell<Vec<Instant>>,
}

impl<'l> Keeper<'l> {
    /// For one stage, with so many builds at the same time.
    pub fn new(live: &'l Live, slots: u32) -> Keeper<'l> {
        Keeper { live, slots, starts: RefCell::default() }
    }

    /// Sees to it that a daemon is at work: a new one, or the one that an earlier start of this run left. Answers whether
    /// there is one; none is started when the run slows down.
    pub fn keep(&self, pace: Pace) -> anyhow::Result<bool> {
        let alive = here::alive(&self.live.dir, here::NAME).is_some();
        let mut starts = self.starts.borrow_mut();
        self.check_drained(starts.is_empty())?;
        if pace != Pace::Go || (alive && !starts.is_empty()) {
            return Ok(alive);
        }
        let again = !starts.is_empty();
        if !alive {
            self.free_leases(again)?;
        }
        let now = clock::instant();
        starts.retain(|start| now.duration_since(*start) < DEATHS_WITHIN);
        if starts.len() >= DEATHS {
            return Err(self.too_many());
        }
        if again {
            let text = "the build daemon on this machine ended; starting another one".to_owned();
            self.live.listener.hear(&Event::Note { text });
        }
        let daemon = &self.live.daemon;
        let started = here::launch(&here::Launch {
            program: &daemon.program,
            state: &self.live.dir,
            slots: self.slots as usize,
            cache: &daemon.cache,
            build_user: daemon.build_user.as_deref(),
        })?;
        tracing::info!(pid = started.pid, adopted = started.adopted, "the build daemon is at work");
        if started.adopted {
            let text = format!("the build daemon of the last start is still at work (process {})", started.pid);
            self.live.listener.hear(&Event::Note { text });
        }
        starts.push(now);
        Ok(true)
    }

    /// A machine that fails one package after the other gets no more, and then there is nobody to wait for. Who starts a
    /// run (again) has looked after the machine.
    fn check_drained(&self, first: bool) -> anyhow::Result<()> {
        let known = self.live.state.read(|db| builder_health::get(db, here::NAME))?;
        let Some(reason) = known.and_then(|known| known.drained) else { return Ok(()) };
        if first {
            let now = clock::now().as_millisecond();
            return Ok(self.live.state.write(move |tx| builder_health::set_drained(tx, here::NAME, None, now))?);
        }
        let text = format!("this machine gets no more work: {reason}");
        let hint = "`cloudbuild doctor` checks it; start again, and the run goes on from here";
        Err(Refusal::of_world(format!("{text}\nhint: {hint}")).into())
    }

    /// Frees what a daemon that is not there any more had begun. In the middle of a stage that counts as an attempt, so
    /// that a package which ends every daemon comes to an end, too; after a restart of the run it does not.
    fn free_leases(&self, counts: bool) -> anyhow::Result<()> {
        let (run, now) = (self.live.run, clock::now().as_millisecond());
        self.live.state.write(move |tx| {
            let leased = jobs::leased(tx)?.into_iter();
            for job in leased.filter(|job| job.run == run && job.builder.as_deref() == Some(here::NAME)) {
                let reason = "the build daemon on this machine ended in the middle of it".to_owned();
                let event = if counts {
                    let (fault, stage, attempt) = (Fault::Infrastructure, "daemon".to_owned(), job.attempts);
                    JobEvent::Failed { fault, stage, reason, attempt, seconds: 0 }
                } else {
                    JobEvent::GaveBack { reason }
                };
                jobs::apply(tx, job.id, &event, now)?;
            }
            Ok(())
        })?;
        self.live.signals.state_changed();
        Ok(())
    }

    fn too_many(&self) -> anyhow::Error {
        let log = self.live.dir.join("logs").join(format!("daemon-{}.log", here::NAME));
        let minutes = DEATHS_WITHIN.as_secs() / 60;
        let text = format!("the build daemon of this machine ended {DEATHS} times within {minutes} minutes");
        Refusal::of_world(format!("{text}\nhint: `{}` says why", log.display())).into()
    }
}

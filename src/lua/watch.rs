//! What stops a recipe that would not end: a budget of interrupts, a cancel flag, and wall time as the backstop.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Interrupts between two looks at memory: what is allocated in so few turns of a loop is small, or fails by itself.
const LOOKS_EVERY: i64 = 16;

/// How much a recipe may use while it is read, and again while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls and turns of loops. The same in every run of the same recipe, so this is the budget that decides.
    pub interrupts: u32,
    /// The same for one call of a hook.
    pub hook_interrupts: u32,
    /// Bytes that the VM may allocate.
    pub memory: usize,
    /// Bytes that `print` may write.
    pub printed: usize,
    /// Time in Lua between two primitives; only a backstop for what one interrupt can make slow.
    pub wall: Duration,
}

impl Limits {
    /// Bytes at which a recipe is stopped that allocates little by little: the rest is room to say so in.
    pub fn enough_memory(&self) -> usize {
        self.memory - self.memory / 16
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            interrupts: 50_000_000,
            hook_interrupts: 2_000_000,
            memory: 64 << 20,
            printed: 64 << 10,
            wall: Duration::from_secs(60),
        }
    }
}

/// Why a recipe was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Its budget of interrupts is used up.
    Budget,
    /// The backstop ran out.
    Wall,
    /// Somebody asked for it.
    Cancelled,
}

/// What the interrupt callback looks at: atomics only, since it runs at every call and every turn of a loop.
#[derive(Debug)]
pub struct Watch {
    left: AtomicI64,
    cancel: Arc<AtomicBool>,
    overtime: AtomicBool,
    segment: Mutex<Segment>,
    moved: Condvar,
}

/// A stretch of time that is spent in Lua, or outside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    number: u64,
    in_lua: bool,
    ended: bool,
}

impl Watch {
    /// Starts to watch with full budgets; `cancel` stops the recipe from outside.
    pub fn new(limits: &Limits, cancel: Arc<AtomicBool>) -> Watch {
        Watch {
            left: AtomicI64::new(i64::from(limits.interrupts)),
            cancel,
            overtime: AtomicBool::new(false),
            segment: Mutex::new(Segment { number: 0, in_lua: true, ended: false }),
            moved: Condvar::new(),
        }
    }

    /// One interrupt; `Some` once the recipe has to stop, and then for ever.
    pub fn spend(&self) -> Option<Stop> {
        if self.left.fetch_sub(1, Ordering::Relaxed) <= 0 {
            return Some(Stop::Budget);
        }
        if self.cancel.load(Ordering::Relaxed) {
            return Some(Stop::Cancelled);
        }
        self.overtime.load(Ordering::Relaxed).then_some(Stop::Wall)
    }

    /// Whether this is one of the interrupts at which memory is looked at.
    pub fn looks_at_memory(&self) -> bool {
        self.left.load(Ordering::Relaxed) % LOOKS_EVERY == 0
    }

    /// Many interrupts at once; none is taken where the budget does not have them.
    pub fn charge(&self, interrupts: u32) -> Option<Stop> {
        if self.left.load(Ordering::Relaxed) < i64::from(interrupts) {
            self.left.store(0, Ordering::Relaxed);
            return Some(Stop::Budget);
        }
        self.left.fetch_sub(i64::from(interrupts), Ordering::Relaxed);
        None
    }

    /// A new budget, for the next call of a hook.
    pub fn refill(&self, interrupts: u32) {
        self.left.store(i64::from(interrupts), Ordering::Relaxed);
    }

    /// Lua hands over to a primitive, which may take hours.
    pub fn leave(&self) {
        self.turn(|segment| segment.in_lua = false);
    }

    /// A primitive hands back to Lua.
    pub fn enter(&self) {
        self.turn(|segment| segment.in_lua = true);
    }

    fn turn(&self, change: impl FnOnce(&mut Segment)) {
        let mut segment = self.segment();
        segment.number += 1;
        change(&mut segment);
        self.moved.notify_all();
    }

    fn segment(&self) -> MutexGuard<'_, Segment> {
        self.segment.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that looks at wall time; it ends when this is dropped.
pub struct Backstop {
    watch: Arc<Watch>,
    thread: Option<JoinHandle<()>>,
}

impl Backstop {
    /// Starts the thread.
    pub fn start(watch: Arc<Watch>, wall: Duration) -> std::io::Result<Backstop> {
        let watched = Arc::clone(&watch);
        let thread = std::thread::Builder::new().name("recipe-backstop".into()).spawn(move || {
            let mut segment = watched.segment();
            while !segment.ended {
                let seen = *segment;
                let (now, timeout) = watched
                    .moved
                    .wait_timeout_while(segment, wall, |now| *now == seen)
                    .unwrap_or_else(PoisonError::into_inner);
                segment = now;
                if timeout.timed_out() && segment.in_lua {
                    watched.overtime.store(true, Ordering::Relaxed);
                    return;
                }
            }
        })?;
        Ok(Backstop { watch, thread: Some(thread) })
    }
}

impl Drop for Backstop {
    fn drop(&mut self) {
        self.watch.turn(|segment| segment.ended = true);
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed already, and takes nothing away from the recipe.
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_up_budget_stops_for_ever() {
        let limits = Limits { interrupts: 2, ..Limits::default() };
        let watch = Watch::new(&limits, Arc::default());
        assert_eq!(
            [watch.spend(), watch.spend(), watch.spend(), watch.spend()].map(|stop| stop.is_some()),
            [false, false, true, true]
        );
    }

    #[test]
    fn cancelling_stops_at_the_next_interrupt() {
        let cancel = Arc::new(AtomicBool::new(false));
        let watch = Watch::new(&Limits::default(), Arc::clone(&cancel));
        assert_eq!(watch.spend(), None);
        cancel.store(true, Ordering::Relaxed);
        assert_eq!(watch.spend(), Some(Stop::Cancelled));
    }

    #[test]
    fn the_backstop_counts_only_time_in_lua() {
        let watch = Arc::new(Watch::new(&Limits::default(), Arc::default()));
        watch.leave();
        let backstop = Backstop::start(Arc::clone(&watch), Duration::from_millis(1)).unwrap();
        assert_eq!(watch.spend(), None);
        watch.enter();
        while watch.spend().is_none() {
            std::thread::yield_now();
        }
        assert_eq!(watch.spend(), Some(Stop::Wall));
        drop(backstop);
    }
}

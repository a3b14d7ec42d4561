//! The control point, the builders, and all that goes wrong between them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use cloudbuild::control::desk::{Pulses, Request};
use cloudbuild::core::ids::{Epoch, JobId};
use cloudbuild::core::job::{Fault, JobState};
use cloudbuild::daemon::step::{Act as Does, Heard, Slot};
use cloudbuild::io::state::jobs;
use cloudbuild::io::state::memory::Memory;
use cloudbuild::wire::Outcome;
use cloudbuild::wire::acts::Act;

use super::builder::{Asks, Builder, Due, Says};
use super::chance::Chance;
use super::scene::{Counts, fill};
use super::truth::Truth;

/// Short enough that leases expire in a story.
pub const TTL: Duration = Duration::from_secs(180);

/// Faults stop after so many milliseconds, and all has to end within the second time.
const FAULTY: u64 = 1_800_000;
const ALL_ENDS: u64 = FAULTY + 12 * 3_600_000;

/// Something that is to happen.
pub enum Happens {
    /// A request arrives at the control point.
    Arrives(usize, u64, Asks),
    /// An answer arrives at a builder.
    Answers(usize, u64, Says),
    /// Something of a builder's own, of its so manieth life.
    Builder(usize, u64, Due),
    /// A builder looks whether its request was answered.
    Patience(usize, u64, Asks),
    /// The control point looks at its leases.
    Sweep,
    /// Something is killed, cut off, or stopped.
    Fault,
}

/// All of it.
pub struct World {
    pub chance: Chance,
    pub state: Memory,
    pub pulses: Pulses,
    pub start: Instant,
    pub now: u64,
    /// The control point is not there before this time.
    pub away_until: u64,
    pub builders: Vec<Builder>,
    lives: Vec<u64>,
    jobs: Vec<JobId>,
    /// Jobs whose packages do not build.
    broken: BTreeSet<JobId>,
    /// Files that arrived, by lease.
    pub spool: BTreeSet<(JobId, Epoch)>,
    pub truth: Truth,
    queue: BTreeMap<(u64, u64), Happens>,
    queued: u64,
    pub counts: Counts,
    tell: bool,
}

impl World {
    /// The beginning of a story.
    pub fn new(seed: u64, tell: bool) -> World {
        let mut chance = Chance::of(seed);
        let state = Memory::new().unwrap();
        let count = chance.between(3, 8);
        let jobs = state.write(|tx| Ok(fill(tx, count))).unwrap();
        let broken = jobs.iter().copied().filter(|_| chance.happens(150)).collect();
        let builders: Vec<Builder> = (0..chance.between(1, 5) as usize).map(Builder::new).collect();
        let start = Instant::now();
        let mut world = World {
            pulses: Pulses::new(TTL, start),
            lives: vec![0; builders.len()],
            queue: BTreeMap::new(),
            queued: 0,
            now: 0,
            away_until: 0,
            spool: BTreeSet::new(),
            truth: Truth::default(),
            counts: Counts::default(),
            chance,
            state,
            start,
            builders,
            jobs,
            broken,
            tell,
        };
        for builder in 0..world.builders.len() {
            world.ask(builder);
        }
        world.later(45_000, Happens::Sweep);
        world.later(10_000, Happens::Fault);
        world
    }

    /// Lets everything happen until all jobs have ended; what did.
    pub fn run(mut self) -> Counts {
        while let Some(((at, _), happens)) = self.queue.pop_first() {
            self.now = at;
            self.counts.steps += 1;
            self.happen(happens);
            let everything = self.counts.steps.is_multiple_of(64);
            self.truth.check(&self.state, if everything { &self.jobs } else { &[] });
            if everything && self.all_ended() && self.builders.iter().all(|builder| builder.holding.is_none()) {
                break;
            }
            assert!(self.now < ALL_ENDS, "all ends once faults stop: {:?}", self.states());
        }
        self.truth.check(&self.state, &self.jobs);
        assert!(self.all_ended(), "nothing is left to happen, and not all has ended: {:?}", self.states());
        self.counts.installed = self.states().iter().filter(|(_, state)| *state == JobState::Installed).count() as u64;
        self.counts.clone()
    }

    fn states(&self) -> Vec<(JobId, JobState)> {
        self.jobs.iter().map(|id| (*id, self.state.read(|db| jobs::expect(db, *id)).unwrap().state)).collect()
    }

    fn all_ended(&self) -> bool {
        self.states().iter().all(|(_, state)| state.is_terminal())
    }

    pub fn say(&self, text: impl FnOnce() -> String) {
        if self.tell {
            eprintln!("{:>9.3} {}", self.now as f64 / 1000.0, text());
        }
    }

    fn later(&mut self, after: u64, happens: Happens) {
        self.queued += 1;
        self.queue.insert((self.now + after, self.queued), happens);
    }

    pub fn faulty(&self) -> bool {
        self.now < FAULTY
    }

    /// Puts a message on its way: it may be lost, doubled, or slow, so that a later one overtakes it.
    pub fn send(&mut self, message: impl Fn() -> Happens) {
        if self.faulty() && self.chance.happens(60) {
            self.counts.lost += 1;
            return;
        }
        let times = if self.faulty() && self.chance.happens(60) { 2 } else { 1 };
        self.counts.doubled += times - 1;
        for _ in 0..times {
            let slow = self.faulty() && self.chance.happens(40);
            let delay = if slow { self.chance.between(1_000, 400_000) } else { self.chance.between(1, 200) };
            self.later(delay, message());
        }
    }

    fn happen(&mut self, happens: Happens) {
        match happens {
            Happens::Arrives(builder, request, asks) => self.arrives(builder, request, asks),
            Happens::Answers(builder, request, says) if self.builders[builder].stopped_until > self.now => {
                // What arrives while a process is stopped waits in its socket.
                let wait = self.builders[builder].stopped_until - self.now;
                self.later(wait, Happens::Answers(builder, request, says));
            }
            Happens::Answers(builder, request, says) => self.answered(builder, request, &says),
            Happens::Builder(builder, life, due) if life == self.lives[builder] => self.due(builder, due),
            Happens::Patience(builder, request, asks) => self.patience(builder, request, asks),
            Happens::Builder(..) => {}
            Happens::Sweep => {
                if self.away_until <= self.now {
                    self.desk(Request::Sweep);
                }
                self.later(45_000, Happens::Sweep);
            }
            Happens::Fault => {
                if self.faulty() {
                    self.fault();
                    let next = self.chance.between(10_000, 400_000);
                    self.later(next, Happens::Fault);
                } else {
                    // Faults are over, and somebody looked after what was drained because of them.
                    for number in 0..self.builders.len() {
                        let builder = self.builders[number].name.clone();
                        self.desk(Request::Act(Act::ResumeBuilder { builder }));
                    }
                }
            }
        }
    }

    fn fault(&mut self) {
        let builder = self.chance.between(0, self.builders.len() as u64) as usize;
        match self.chance.between(0, 10) {
            0..=2 => {
                let away = if self.chance.happens(200) { 1_800_000 } else { self.chance.between(100, 60_000) };
                self.say(|| format!("the control point is killed, back in {away} ms"));
                self.counts.crashes += 1;
                self.away_until = self.now + away;
            }
            3..=5 => {
                self.say(|| format!("b{builder} is killed"));
                self.counts.crashes += 1;
                self.builders[builder].crash();
                self.lives[builder] += 1;
                let back = self.chance.between(1_000, 300_000);
                self.builders[builder].stopped_until = self.now + back;
                self.ask(builder);
            }
            // Stopped with SIGSTOP, or cut off: it comes back as it was, a zombie by then.
            _ => {
                let until = self.now + self.chance.between(1_000, 900_000);
                self.say(|| format!("b{builder} is stopped until {until}"));
                self.builders[builder].stopped_until = until;
            }
        }
    }

    /// A builder begins a request.
    fn request(&mut self, builder: usize, asks: Asks) {
        let due = self.builders[builder].request(asks, self.now);
        let life = self.lives[builder];
        self.later(0, Happens::Builder(builder, life, due));
    }

    fn ask(&mut self, builder: usize) {
        let holding = self.builders[builder].holding.into_iter().collect();
        self.request(builder, Asks::Work(holding));
    }

    fn due(&mut self, builder: usize, due: Due) {
        let stopped = self.builders[builder].stopped_until;
        let life = self.lives[builder];
        if stopped > self.now {
            return self.later(stopped - self.now, Happens::Builder(builder, life, due));
        }
        match due {
            Due::Send(request, asks) => {
                self.send(|| Happens::Arrives(builder, request, asks.clone()));
                self.later(10_000, Happens::Patience(builder, request, asks));
            }
            // A build that was stopped does not end once more.
            Due::Ended(job, epoch) if self.builders[builder].holding != Some((job, epoch)) => {}
            Due::Ended(job, epoch) => {
                let outcome = if self.broken.contains(&job) {
                    Outcome::Failed { fault: Fault::Package, stage: "build".to_owned(), reason: "broken".to_owned() }
                } else if self.faulty() && self.chance.happens(50) {
                    let (stage, reason) = ("download".to_owned(), "HTTP 503".to_owned());
                    Outcome::Failed { fault: Fault::Infrastructure, stage, reason }
                } else {
                    self.truth.built(job, epoch);
                    Outcome::Built
                };
                let acts = self.builders[builder].hear(Heard::Ended(outcome));
                self.act(builder, acts);
            }
            Due::Beat(job, epoch) => {
                if self.builders[builder].holding == Some((job, epoch)) {
                    self.send(|| Happens::Arrives(builder, 0, Asks::Beat(job, epoch)));
                    self.later(20_000, Happens::Builder(builder, life, Due::Beat(job, epoch)));
                }
            }
        }
    }

    /// A request that nobody answered in time is said again, as long as the step says so.
    fn patience(&mut self, builder: usize, request: u64, asks: Asks) {
        if self.builders[builder].waiting.map(|(waiting, _)| waiting) != Some(request) {
            return;
        }
        let since = self.builders[builder].waiting.map(|(_, since)| since);
        let acts = self.builders[builder].away(self.now);
        match self.builders[builder].slot {
            // Somebody starts a daemon again that gave up.
            Slot::Over => {
                self.builders[builder].crash();
                self.lives[builder] += 1;
                self.ask(builder);
            }
            Slot::Idle | Slot::Building { .. } | Slot::Delivering { .. } | Slot::Reporting { .. } => {
                assert!(!acts.is_empty(), "who waits for an answer says it again");
                self.request(builder, asks);
                // It has been away since the first time.
                if let (Some(waiting), Some(since)) = (&mut self.builders[builder].waiting, since) {
                    waiting.1 = since;
                }
            }
        }
    }

    fn answered(&mut self, builder: usize, request: u64, says: &Says) {
        let held = self.builders[builder].holding;
        let Some(heard) = self.builders[builder].meaning(request, says) else { return };
        self.say(|| format!("b{builder} hears {says:?}"));
        if let (Says::Reported { taken: true }, Some((job, epoch)), Slot::Reporting { outcome: Outcome::Built }) =
            (says, held, &self.builders[builder].slot)
        {
            self.truth.acknowledged(job, epoch);
        }
        let acts = self.builders[builder].hear(heard);
        self.act(builder, acts);
    }

    fn act(&mut self, builder: usize, acts: Vec<Does>) {
        let life = self.lives[builder];
        for act in acts {
            let held = self.builders[builder].holding;
            match (act, held) {
                (Does::Ask, _) => self.ask(builder),
                (Does::AskLater, _) => {
                    let pause = self.chance.between(20_000, 120_000);
                    let holding = held.into_iter().collect();
                    let due = self.builders[builder].request(Asks::Work(holding), self.now);
                    self.later(pause, Happens::Builder(builder, life, due));
                }
                (Does::Build, Some((job, epoch))) => {
                    let time = self.chance.between(1_000, 600_000);
                    self.later(time, Happens::Builder(builder, life, Due::Ended(job, epoch)));
                    self.later(20_000, Happens::Builder(builder, life, Due::Beat(job, epoch)));
                }
                (Does::Stop, Some(_)) => {
                    let acts = self.builders[builder].hear(Heard::Ended(Outcome::Cancelled));
                    self.act(builder, acts);
                }
                (Does::Deliver { files }, Some((job, epoch))) => {
                    self.request(builder, Asks::Deliver(job, epoch, files));
                }
                (Does::Report(outcome), Some((job, epoch))) => {
                    self.request(builder, Asks::Report(job, epoch, outcome));
                }
                (Does::CleanUp, _) => self.builders[builder].holding = None,
                (Does::End { .. }, _) => {}
                (act, None) => panic!("b{builder} is to {act:?}, and holds nothing"),
            }
        }
    }
}

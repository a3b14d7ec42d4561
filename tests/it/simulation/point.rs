//! The control point's side: requests reach the desk, or nobody.

use std::time::Duration;

use cloudbuild::control::desk::{self, Now, Pulses, Reply, Request, Verdict};
use cloudbuild::core::ids::{Epoch, JobId};
use cloudbuild::core::job::Fault;
use cloudbuild::wire::{Finish, Heartbeat, LeaseReply, LeaseRequest, Outcome, PROTOCOL};

use super::builder::{Asks, Says};
use super::truth::made;
use super::world::{Happens, TTL, World};

impl World {
    pub fn desk(&mut self, request: Request) -> Reply {
        let unix_ms = i64::try_from(self.now).unwrap();
        let now = Now { unix_ms, instant: self.start + Duration::from_millis(self.now) };
        if let Request::Heartbeat { job, heartbeat } = &request
            && let Some(reply) = desk::beat(&mut self.pulses, *job, heartbeat, now)
        {
            return reply;
        }
        let (state, pulses) = (&self.state, &mut self.pulses);
        state.write(|tx| desk::handle(tx, pulses, request, now)).unwrap().0
    }

    /// A request reaches the control point, which may be away, and may be killed between doing and answering.
    pub fn arrives(&mut self, builder: usize, request: u64, asks: Asks) {
        if self.away_until > self.now {
            self.counts.lost += 1;
            return;
        }
        if self.away_until > 0 {
            // It was started again: what it remembered is gone, and every lease lives its whole time again.
            self.away_until = 0;
            self.pulses = Pulses::new(TTL, self.start + Duration::from_millis(self.now));
        }
        let says = self.says(builder, &asks);
        if self.faulty() && self.chance.happens(10) {
            self.say(|| format!("the control point is killed before it answers {asks:?}"));
            self.counts.crashes += 1;
            self.away_until = self.now + self.chance.between(100, 60_000);
            return;
        }
        self.send(|| Happens::Answers(builder, request, says.clone()));
    }

    fn says(&mut self, builder: usize, asks: &Asks) -> Says {
        match asks {
            Asks::Work(holding) => {
                let request = LeaseRequest {
                    protocol: PROTOCOL,
                    builder: self.builders[builder].name.clone(),
                    runs: vec!["amd64".to_owned()],
                    emulates: Vec::new(),
                    memory: 0,
                    wait_seconds: 0,
                    holding: holding.clone(),
                };
                match self.desk(Request::Lease { request, open: true }) {
                    Reply::Lease(LeaseReply::Work { lease }) => Says::Work(lease.job, lease.epoch),
                    Reply::Lease(LeaseReply::Nothing) => Says::NoWork,
                    other => panic!("{other:?}"),
                }
            }
            Asks::Beat(job, epoch) => {
                let heartbeat = Heartbeat { epoch: *epoch, phase: "build".to_owned() };
                match self.desk(Request::Heartbeat { job: *job, heartbeat }) {
                    Reply::Heartbeat(reply) => Says::Wanted(!reply.cancel),
                    other => panic!("{other:?}"),
                }
            }
            Asks::Deliver(job, epoch, files) => match self.desk(Request::Sends { job: *job, epoch: *epoch }) {
                Reply::Welcome => {
                    if *files {
                        self.spool.insert((*job, *epoch));
                    }
                    Says::Delivered(true)
                }
                Reply::Refused(_) => {
                    self.counts.late += 1;
                    Says::Delivered(false)
                }
                other => panic!("{other:?}"),
            },
            Asks::Report(job, epoch, outcome) => self.report(*job, *epoch, outcome),
        }
    }

    fn report(&mut self, job: JobId, epoch: Epoch, outcome: &Outcome) -> Says {
        let verdict = match outcome {
            Outcome::Built if self.spool.contains(&(job, epoch)) => {
                Verdict::Accepted { made: vec![made(job, epoch)], superseded: Vec::new() }
            }
            Outcome::Built => {
                let reason = "a file was never sent".to_owned();
                Verdict::Refused { fault: Fault::Infrastructure, reason }
            }
            Outcome::Failed { .. } | Outcome::Cancelled => Verdict::NotBuilt,
        };
        let finish = Finish { epoch, outcome: outcome.clone(), files: Vec::new(), seconds: 1 };
        match self.desk(Request::Finish { job, finish, verdict }) {
            Reply::Finished => Says::Reported { taken: true },
            Reply::Refused(_) => {
                self.counts.late += 1;
                Says::Reported { taken: false }
            }
            other => panic!("{other:?}"),
        }
    }
}

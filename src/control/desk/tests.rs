//! The desk without HTTP and without waiting: time is an argument.

use std::time::Duration;

use super::*;
use crate::core::how::HowWord;
use crate::core::ids::{ChrootKey, InputsHash, RunId, Sha256, ViewId};
use crate::core::job::Fault;
use crate::io::clock;
use crate::io::state::jobs::NewJob;
use crate::io::state::{State, runs};
use crate::wire::{Finish, Heartbeat, Lease, Outcome};

const TTL: Duration = Duration::from_secs(180);

/// A desk in front of a state with the jobs j1 and j2, both ready.
pub(in crate::control::desk) struct Story {
    _dir: tempfile::TempDir,
    pub state: State,
    pulses: std::sync::Arc<std::sync::Mutex<Pulses>>,
    start: Instant,
    pub seconds: u64,
    pub memory: u64,
}

pub(in crate::control::desk) fn accepted() -> Verdict {
    Verdict::Accepted { made: vec![], superseded: vec![] }
}

fn hash(text: &str) -> Sha256 {
    Sha256::of(text.as_bytes())
}

pub(in crate::control) fn offer(run: RunId, job: JobId, source: &str, dsc: &[u8]) -> Lease {
    Lease {
        run,
        job,
        epoch: Epoch(0),
        source: source.to_owned(),
        version: "1".to_owned(),
        arch: "amd64".to_owned(),
        how: HowWord::Native,
        cross_depends: Vec::new(),
        chroot_packages: Vec::new(),
        chroot_arch: "amd64".to_owned(),
        component: "main".to_owned(),
        distribution: "trixie".to_owned(),
        files: vec![wire::File { name: format!("{source}_1.dsc"), size: dsc.len() as u64, sha256: Sha256::of(dsc) }],
        view: ViewId(hash("view")),
        view_key: String::new(),
        chroot: ChrootKey(hash("chroot")),
        environment: Default::default(),
        suffixed: None,
        stall_seconds: 60,
    }
}

/// Makes a run whose jobs are all ready.
pub(in crate::control) fn fill(state: &State, sources: &[String], dsc: fn(&str) -> Vec<u8>) -> RunId {
    let sources = sources.to_vec();
    state
        .write(move |tx| {
            let new = runs::NewRun {
                recipe_hash: hash("recipe"),
                files: Default::default(),
                arguments: serde_json::Value::Null,
                plan: None,
            };
            let run = runs::start(tx, &new, 0)?;
            let new = |(position, source): (usize, &String)| NewJob {
                source: source.clone(),
                version: "1".to_owned(),
                arch: "amd64".to_owned(),
                component: "main".to_owned(),
                after: Vec::new(),
                position: i64::try_from(position).unwrap(),
                priority: 0,
                frees: 0,
                profiles: Vec::new(),
            };
            let new: Vec<_> = sources.iter().enumerate().map(new).collect();
            jobs::insert_missing(tx, run, "base", &new, 0)?;
            for job in jobs::by_stage(tx, run, "base")? {
                let offer = offer(run, job.id, &job.source, &dsc(&job.source));
                jobs::set_offer(tx, job.id, &offer, InputsHash(hash(&job.source)))?;
            }
            Ok(run)
        })
        .unwrap()
}

impl Story {
    pub fn new() -> Story {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path()).unwrap();
        fill(&state, &["one".to_owned(), "two".to_owned()], |_| Vec::new());
        let start = clock::instant();
        let pulses = std::sync::Arc::new(std::sync::Mutex::new(Pulses::new(TTL, start)));
        Story { _dir: dir, state, pulses, start, seconds: 0, memory: 0 }
    }

    /// The control point is started again: what was in memory is gone.
    pub fn restart(&mut self) {
        let now = self.start + Duration::from_secs(self.seconds);
        self.pulses = std::sync::Arc::new(std::sync::Mutex::new(Pulses::new(TTL, now)));
    }

    pub fn ask(&self, request: Request) -> (Reply, Vec<Action>) {
        let now = Now {
            unix_ms: i64::try_from(self.seconds).unwrap() * 1000,
            instant: self.start + Duration::from_secs(self.seconds),
        };
        let pulses = std::sync::Arc::clone(&self.pulses);
        self.state.write(move |tx| handle(tx, &mut pulses.lock().unwrap(), request, now)).unwrap()
    }

    pub fn lease_as(&self, builder: &str, holding: Vec<(JobId, Epoch)>) -> Option<(JobId, Epoch)> {
        let request = LeaseRequest {
            protocol: PROTOCOL,
            builder: builder.to_owned(),
            runs: vec!["amd64".to_owned()],
            emulates: Vec::new(),
            memory: self.memory,
            wait_seconds: 0,
            holding,
        };
        match self.ask(Request::Lease { request, open: true }).0 {
            Reply::Lease(LeaseReply::Work { lease }) => Some((lease.job, lease.epoch)),
            Reply::Lease(LeaseReply::Nothing) => None,
            other => panic!("{other:?}"),
        }
    }

    pub fn finish(&self, (job, epoch): (JobId, Epoch), outcome: Outcome, verdict: Verdict) -> (Reply, Vec<Action>) {
        let finish = Finish { epoch, outcome, files: Vec::new(), seconds: 5 };
        self.ask(Request::Finish { job, finish, verdict })
    }

    pub fn cancels(&self, (job, epoch): (JobId, Epoch)) -> bool {
        let heartbeat = Heartbeat { epoch, phase: "build".to_owned() };
        match self.ask(Request::Heartbeat { job, heartbeat }).0 {
            Reply::Heartbeat(reply) => reply.cancel,
            other => panic!("{other:?}"),
        }
    }

    pub fn job(&self, id: JobId) -> Job {
        self.state.read(|db| jobs::expect(db, id)).unwrap()
    }
}

pub(in crate::control::desk) fn failed(fault: Fault) -> Outcome {
    Outcome::Failed { fault, stage: "build".to_owned(), reason: "it broke".to_owned() }
}

#[track_caller]
fn assert_refused(reply: &Reply, kind: Refusal) {
    assert!(matches!(reply, Reply::Refused(refused) if refused.kind == kind), "{reply:?}");
}

#[test]
fn a_silent_builder_loses_its_lease_and_a_late_result_of_it_is_refused_once_somebody_else_has_the_job() {
    let mut story = Story::new();
    let first = story.lease_as("a", vec![]).unwrap();
    story.seconds = 181;
    let second = story.lease_as("b", vec![]).unwrap();
    assert_eq!(second, (first.0, Epoch(2)));
    assert!(story.cancels(first));
    assert!(!story.cancels(second));
    let (reply, actions) = story.finish(first, Outcome::Built, accepted());
    assert_refused(&reply, Refusal::StaleEpoch);
    assert_eq!(actions, []);
    assert_eq!(story.finish(second, Outcome::Built, accepted()).0, Reply::Finished);
    assert_eq!(story.job(first.0).state, JobState::Installed);
}

#[test]
fn a_builder_that_is_heard_of_keeps_its_lease() {
    let mut story = Story::new();
    let lease = story.lease_as("a", vec![]).unwrap();
    for _ in 0..5 {
        story.seconds += 170;
        assert!(!story.cancels(lease));
        story.ask(Request::Sweep);
    }
    assert_eq!(story.job(lease.0).state, JobState::Building);
}

#[test]
fn a_result_of_the_newest_lease_is_taken_however_late_it_comes() {
    let mut story = Story::new();
    let lease = story.lease_as("a", vec![]).unwrap();
    story.seconds = 100_000;
    story.ask(Request::Sweep);
    assert_eq!(story.job(lease.0).state, JobState::NeedsBuild);
    assert_eq!(story.finish(lease, Outcome::Built, accepted()).0, Reply::Finished);
    assert_eq!(story.job(lease.0).state, JobState::Installed);
}

#[test]
fn a_builder_that_comes_back_before_anybody_took_its_job_goes_on() {
    let mut story = Story::new();
    let lease = story.lease_as("a", vec![]).unwrap();
    story.seconds = 200;
    story.ask(Request::Sweep);
    assert_eq!(story.job(lease.0).state, JobState::NeedsBuild);
    assert!(!story.cancels(lease));
    assert_eq!(story.job(lease.0).state, JobState::Building);
    let other = story.lease_as("b", vec![]).unwrap();
    assert_ne!(other.0, lease.0);
}

#[test]
fn after_a_restart_every_lease_lives_its_full_time_again_and_what_is_lost_with_it_does_not_count() {
    let mut story = Story::new();
    let lease = story.lease_as("a", vec![]).unwrap();
    story.seconds = 170;
    story.restart();
    story.seconds = 340;
    story.ask(Request::Sweep);
    assert_eq!(story.job(lease.0).state, JobState::Building);
    story.seconds = 351;
    story.ask(Request::Sweep);
    let job = story.job(lease.0);
    assert_eq!((job.state, job.attempts), (JobState::NeedsBuild, 0));
}

#[test]
fn a_request_from_before_a_restart_frees_no_job_and_a_builder_that_was_started_anew_does_after_a_while() {
    let mut story = Story::new();
    let lease = story.lease_as("here", vec![]).unwrap();
    story.restart();
    assert_ne!(story.lease_as("here", vec![]).unwrap().0, lease.0);
    story.seconds = 61;
    assert_eq!(story.lease_as("here", vec![]), Some((lease.0, Epoch(2))));
}

#[test]
fn a_builder_that_outlived_the_control_point_keeps_its_jobs() {
    let mut story = Story::new();
    let lease = story.lease_as("here", vec![]).unwrap();
    story.restart();
    let next = story.lease_as("here", vec![lease]).unwrap();
    assert_ne!(next.0, lease.0);
    assert!(!story.cancels(lease));
}

#[test]
fn a_lease_whose_answer_was_lost_is_free_again_after_a_while_and_not_at_once() {
    let mut story = Story::new();
    let lost = story.lease_as("a", vec![]).unwrap();
    assert_ne!(story.lease_as("a", vec![]).unwrap().0, lost.0);
    story.seconds = 61;
    assert_eq!(story.lease_as("a", vec![]), Some((lost.0, Epoch(2))));
}

#[test]
fn the_same_result_again_is_answered_as_before_and_another_one_is_refused() {
    let story = Story::new();
    let lease = story.lease_as("a", vec![]).unwrap();
    assert_eq!(story.finish(lease, failed(Fault::Package), Verdict::NotBuilt).0, Reply::Finished);
    let (again, actions) = story.finish(lease, failed(Fault::Package), Verdict::NotBuilt);
    assert_eq!((again, actions), (Reply::Finished, vec![]));
    assert_refused(&story.finish(lease, Outcome::Built, Verdict::NotBuilt).0, Refusal::StaleEpoch);
    let job = story.job(lease.0);
    assert_eq!((job.state, job.reason.as_deref()), (JobState::BuildAttempted, Some("it broke")));
}

#[test]
fn a_refused_upload_is_put_aside_reported_and_refused_again_when_it_is_repeated() {
    let story = Story::new();
    let lease = story.lease_as("a", vec![]).unwrap();
    let verdict = Verdict::Refused { fault: Fault::Unknown, reason: "bad file".to_owned() };
    let (reply, actions) = story.finish(lease, Outcome::Built, verdict.clone());
    assert_refused(&reply, Refusal::RefusedUpload);
    let aside = Action::PutAside { job: lease.0, epoch: lease.1, reason: "bad file".to_owned() };
    assert!(actions.contains(&aside), "{actions:?}");
    assert!(actions.iter().any(|action| matches!(action, Action::Ended { .. })), "{actions:?}");
    assert_eq!(story.job(lease.0).state, JobState::BuildAttempted);
    let (again, actions) = story.finish(lease, Outcome::Built, verdict);
    assert_refused(&again, Refusal::RefusedUpload);
    assert_eq!(actions, []);
}

#[test]
fn infrastructures_faults_are_tried_again_three_times_after_longer_and_longer_pauses() {
    let mut story = Story::new();
    let mut pauses = Vec::new();
    for epoch in 1..=4 {
        let lease = story.lease_as("a", vec![]).unwrap();
        assert_eq!(lease, (JobId(1), Epoch(epoch)));
        let (_, actions) = story.finish(lease, failed(Fault::Infrastructure), Verdict::NotBuilt);
        let note = actions.iter().any(|action| matches!(action, Action::Hear(Event::Note { .. })));
        let ended = actions.iter().any(|action| matches!(action, Action::Ended { .. }));
        assert_eq!((note, ended), (epoch < 4, epoch == 4));
        for action in actions {
            if let Action::WakeAfter(pause) = action {
                pauses.push(pause.as_secs());
                story.seconds += pause.as_secs();
            }
        }
    }
    assert_eq!(pauses, [10, 40, 160]);
    assert_ne!(story.lease_as("a", vec![]).unwrap().0, JobId(1));
}

#[test]
fn a_job_that_waits_after_a_fault_is_passed_over_until_its_time() {
    let mut story = Story::new();
    let lease = story.lease_as("a", vec![]).unwrap();
    story.finish(lease, failed(Fault::Infrastructure), Verdict::NotBuilt);
    assert_eq!(story.lease_as("b", vec![]).unwrap().0, JobId(2));
    story.seconds = 9;
    assert_eq!(story.lease_as("c", vec![]), None);
    story.seconds = 10;
    assert_eq!(story.lease_as("c", vec![]).unwrap().0, lease.0);
}

#[test]
fn a_job_that_three_builders_were_lost_with_is_given_to_no_other_one_until_somebody_asks() {
    let mut story = Story::new();
    for builder in ["a", "b", "c"] {
        assert_eq!(story.lease_as(builder, vec![]).unwrap().0, JobId(1));
        story.seconds += 181;
        story.ask(Request::Sweep);
    }
    let job = story.job(JobId(1));
    assert_eq!(job.state, JobState::BuildAttempted);
    assert!(job.reason.unwrap().starts_with("3 builders were lost while they built it"));
    assert_eq!(story.lease_as("d", vec![]).unwrap().0, JobId(2));
}

#[test]
fn a_builder_that_fails_one_package_after_the_other_gets_no_more_until_somebody_looked() {
    let mut story = Story::new();
    fill(&story.state, &["three".to_owned(), "four".to_owned(), "five".to_owned()], |_| Vec::new());
    let mut told = 0;
    for _ in 0..5 {
        let lease = story.lease_as("bad", vec![]).unwrap();
        let (_, actions) = story.finish(lease, failed(Fault::Infrastructure), Verdict::NotBuilt);
        let drained =
            |action: &&Action| matches!(action, Action::Hear(Event::Note { text }) if text.contains("no more"));
        told += actions.iter().filter(drained).count();
    }
    story.seconds = 10;
    assert_eq!((told, story.lease_as("bad", vec![])), (1, None));
    assert!(story.lease_as("good", vec![]).is_some());
}

#[test]
fn a_build_that_was_stopped_can_be_leased_again_and_does_not_count() {
    let story = Story::new();
    let lease = story.lease_as("a", vec![]).unwrap();
    assert_eq!(story.finish(lease, Outcome::Cancelled, Verdict::NotBuilt).0, Reply::Finished);
    let job = story.job(lease.0);
    assert_eq!((job.state, job.attempts), (JobState::NeedsBuild, 0));
    assert!(story.cancels(lease));
    let (reply, _) = story.ask(Request::Sends { job: lease.0, epoch: lease.1 });
    assert_refused(&reply, Refusal::StaleEpoch);
}

#[test]
fn words_about_no_job_or_a_lease_that_never_was_are_refused() {
    let story = Story::new();
    assert_refused(&story.ask(Request::Sends { job: JobId(99), epoch: Epoch(1) }).0, Refusal::NoSuchJob);
    for epoch in [-1, 0, 1] {
        let reply = story.ask(Request::Sends { job: JobId(1), epoch: Epoch(epoch) }).0;
        assert_refused(&reply, Refusal::StaleEpoch);
        let reply = story.finish((JobId(1), Epoch(epoch)), Outcome::Built, accepted()).0;
        assert_refused(&reply, Refusal::StaleEpoch);
    }
    assert_eq!(story.job(JobId(1)).state, JobState::NeedsBuild);
}

#[test]
fn a_builder_of_another_version_or_without_a_name_gets_nothing() {
    let story = Story::new();
    let good = LeaseRequest {
        protocol: PROTOCOL,
        builder: "a".to_owned(),
        runs: vec!["amd64".to_owned()],
        emulates: Vec::new(),
        memory: 0,
        wait_seconds: 0,
        holding: vec![],
    };
    let bad = [
        LeaseRequest { protocol: PROTOCOL + 1, ..good.clone() },
        LeaseRequest { builder: String::new(), ..good.clone() },
        LeaseRequest { builder: "a\x1b[31m".to_owned(), ..good.clone() },
        LeaseRequest { runs: vec!["x".repeat(1000)], ..good.clone() },
    ];
    for request in bad {
        assert_refused(&story.ask(Request::Lease { request, open: true }).0, Refusal::BadRequest);
    }
    let (reply, _) = story.ask(Request::Lease { request: good, open: false });
    assert_eq!(reply, Reply::Lease(LeaseReply::Nothing));
}

//! What people do at the desk.

use super::*;
use crate::control::desk::tests::{Story, accepted, failed};
use crate::control::desk::{Request, Verdict};
use crate::core::ids::JobId;
use crate::core::job::Fault;

fn one() -> Chosen {
    Chosen { packages: vec!["one".to_owned()], ..Chosen::default() }
}

/// What came of an act.
fn acted(story: &Story, act: Act) -> Acted {
    match story.ask(Request::Act(act)).0 {
        Reply::Acted(acted) => acted,
        other => panic!("{other:?}"),
    }
}

/// From what to what the jobs went.
fn moves(acted: &Acted) -> Vec<(JobState, JobState)> {
    acted.changed.iter().map(|changed| (changed.from, changed.to)).collect()
}

#[test]
fn a_failed_job_is_tried_again_and_against_what_there_is_by_then() {
    let story = Story::new();
    let lease = story.lease_as("a", vec![]).unwrap();
    story.finish(lease, failed(Fault::Package), Verdict::NotBuilt);
    let retried = acted(&story, Act::Retry { jobs: one() });
    assert_eq!(moves(&retried), [(JobState::BuildAttempted, JobState::NeedsBuild)]);
    let job = story.job(lease.0);
    assert_eq!((job.attempts, job.offered), (0, false));
    let again = acted(&story, Act::Retry { jobs: one() });
    assert_eq!((again.changed.len(), again.skipped[0].why.as_deref().is_some()), (0, true));
}

#[test]
fn a_job_that_is_given_back_is_taken_from_its_builder_whose_result_comes_too_late() {
    let story = Story::new();
    let lease = story.lease_as("a", vec![]).unwrap();
    let back = acted(&story, Act::GiveBack { jobs: one() });
    assert_eq!(moves(&back), [(JobState::Building, JobState::NeedsBuild)]);
    assert!(story.cancels(lease));
    let (reply, _) = story.finish(lease, Outcome::Built, accepted());
    assert!(matches!(reply, Reply::Refused(Refused { kind: Refusal::StaleEpoch, .. })), "{reply:?}");
    assert_eq!(story.lease_as("b", vec![]).unwrap().0, lease.0);
}

#[test]
fn a_build_that_is_failed_or_cancelled_by_a_person_stops_and_stays_failed() {
    for act in [Act::Fail { jobs: one(), reason: "broken".to_owned() }, Act::Cancel { jobs: one() }] {
        let story = Story::new();
        let lease = story.lease_as("a", vec![]).unwrap();
        assert_eq!(moves(&acted(&story, act)), [(JobState::Building, JobState::Failed)]);
        assert!(story.cancels(lease));
        assert_ne!(story.lease_as("b", vec![]).unwrap().0, lease.0);
    }
}

#[test]
fn the_most_urgent_job_goes_first() {
    let story = Story::new();
    let jobs = Chosen { packages: vec!["two_1".to_owned()], ..Chosen::default() };
    acted(&story, Act::Priority { jobs, priority: 5 });
    assert_eq!(story.lease_as("a", vec![]).unwrap().0, JobId(2));
}

#[test]
fn while_work_is_paused_or_a_builder_drained_what_runs_goes_on_and_nothing_begins() {
    let story = Story::new();
    let lease = story.lease_as("a", vec![]).unwrap();
    acted(&story, Act::Pause { reason: "lunch".to_owned() });
    assert_eq!(story.lease_as("b", vec![]), None);
    assert!(!story.cancels(lease));
    acted(&story, Act::Resume);
    acted(&story, Act::Drain { builder: "b".to_owned(), reason: "old".to_owned() });
    assert_eq!(story.lease_as("b", vec![]), None);
    acted(&story, Act::ResumeBuilder { builder: "b".to_owned() });
    assert!(story.lease_as("b", vec![]).is_some());
}

#[test]
fn jobs_are_meant_by_name_version_architecture_number_and_state() {
    let story = Story::new();
    let chosen = |words: &[&str]| Chosen { packages: words.iter().map(|word| (*word).to_owned()).collect(), ..one() };
    for words in [&["one"][..], &["one_1"], &["one:amd64"], &["j1"], &["one", "j1"]] {
        let acted = acted(&story, Act::Priority { jobs: chosen(words), priority: 1 });
        assert_eq!(acted.changed.len(), 1, "{words:?}");
    }
    let all = Chosen { packages: vec![], state: Some(JobState::NeedsBuild), ..Chosen::default() };
    assert_eq!(acted(&story, Act::Priority { jobs: all, priority: 1 }).changed.len(), 2);
    for words in [&["on"][..], &["one_2"], &["one:i386"], &["j9"], &["one", "three"], &[]] {
        let reply = story.ask(Request::Act(Act::Retry { jobs: chosen(words) })).0;
        assert!(matches!(reply, Reply::Refused(_)), "{words:?}: {reply:?}");
    }
}

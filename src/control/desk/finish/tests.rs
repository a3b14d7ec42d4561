use crate::control::desk::Verdict;
use crate::control::desk::tests::Story;
use crate::core::hooks::Retry;
use crate::core::job::{Fault, JobEvent, JobState};
use crate::io::state::jobs;
use crate::wire::Outcome;

const GB: u64 = 1 << 30;

fn out_of_memory() -> Outcome {
    let reason = "there was not enough memory: cc1plus: Cannot allocate memory".to_owned();
    Outcome::Failed { fault: Fault::Infrastructure, stage: "build".to_owned(), reason }
}

fn failed_otherwise() -> Outcome {
    Outcome::Failed { fault: Fault::Infrastructure, stage: "chroot".to_owned(), reason: "it broke".to_owned() }
}

#[test]
fn a_job_that_ran_out_of_memory_goes_to_a_larger_machine_at_once() {
    let mut story = Story::new();
    story.memory = 8 * GB;
    let lease = story.lease_as("small", vec![]).unwrap();
    story.lease_as("elsewhere", vec![]).unwrap();
    story.finish(lease, out_of_memory(), Verdict::NotBuilt);
    assert_eq!(story.job(lease.0).state, JobState::NeedsBuild);
    assert_eq!((story.lease_as("small", vec![]), story.lease_as("another", vec![])), (None, None));
    story.memory = 16 * GB;
    assert_eq!(story.lease_as("large", vec![]).unwrap().0, lease.0);
}

#[test]
fn the_second_time_a_job_runs_out_of_memory_it_is_for_the_recipe_to_say_what_changes() {
    let mut story = Story::new();
    let first = story.lease_as("a", vec![]).unwrap();
    story.lease_as("elsewhere", vec![]).unwrap();
    story.finish(first, failed_otherwise(), Verdict::NotBuilt);
    for (memory, state) in [(8 * GB, JobState::NeedsBuild), (16 * GB, JobState::BuildAttempted)] {
        story.memory = memory;
        story.seconds += 60;
        let lease = story.lease_as("a", vec![]).unwrap();
        story.finish(lease, out_of_memory(), Verdict::NotBuilt);
        assert_eq!(story.job(lease.0).state, state);
    }
    let job = story.job(first.0);
    let retry = Retry { larger: false, parallel: Some(1), alone: false, how: None };
    let sent = JobEvent::SentBack { retry, place: "a.lua:1".to_owned() };
    story.state.write(move |tx| jobs::apply(tx, job.id, &sent, 0)).unwrap();
    assert_eq!(story.job(job.id).state, JobState::NeedsBuild, "it counts anew");
}

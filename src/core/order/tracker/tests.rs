//! Step by step, and what a look at everything would say.

use proptest::prelude::*;

use super::*;

/// Graphs without loops: each node needs some of those before it.
fn graphs(most: usize) -> impl Strategy<Value = Vec<Vec<u32>>> {
    (1..most).prop_flat_map(|count| {
        let earlier = |(node, mut needs): (usize, Vec<u32>)| {
            needs.retain(|&need| (need as usize) < node);
            needs.sort_unstable();
            needs.dedup();
            needs
        };
        prop::collection::vec(prop::collection::vec(0..count as u32, 0..4), count)
            .prop_map(move |rows| rows.into_iter().enumerate().map(earlier).collect())
    })
}

#[test]
fn users_of_a_failed_job_are_blocked_by_it_until_it_succeeds_after_a_retry() {
    // 1 and 2 need 0; 3 needs 2.
    let mut tracker = Tracker::new(Csr::of_rows(&[vec![], vec![0], vec![0], vec![2]]), AfterFailure::Block);
    assert_eq!(tracker.set(0, Progress::Failed).blocked, [1, 2]);
    assert_eq!((tracker.blockers(3), tracker.blockers(0), tracker.ready()), (vec![0], vec![], vec![]));
    let retried = tracker.set(0, Progress::Unfinished);
    assert_eq!((retried.waiting, retried.ready), (vec![1, 2], vec![0]));
    assert_eq!((tracker.blockers(3), tracker.waits_for(3)), (vec![], vec![2]));
    assert_eq!(tracker.set(0, Progress::Succeeded).ready, [1, 2]);
    assert_eq!(tracker.set(2, Progress::Succeeded).ready, [3]);
}

#[test]
fn where_older_packages_do_users_of_a_failed_job_go_on() {
    let mut tracker = Tracker::new(Csr::of_rows(&[vec![], vec![0]]), AfterFailure::GoOn);
    assert_eq!(tracker.set(0, Progress::Failed).ready, [1]);
    assert_eq!(tracker.set(0, Progress::Unfinished).waiting, [1]);
    assert_eq!(tracker.set(0, Progress::Succeeded).ready, [1]);
    assert_eq!(tracker.set(0, Progress::Succeeded), Default::default());
}

proptest! {
    #[test]
    fn every_job_of_an_acyclic_graph_becomes_ready_once(rows in graphs(12), seed in any::<u64>()) {
        let mut tracker = Tracker::new(Csr::of_rows(&rows), AfterFailure::Block);
        let mut ready = tracker.ready();
        let (mut times, mut seed) = (vec![0; rows.len()], seed);
        ready.iter().for_each(|&job| times[job as usize] += 1);
        while !ready.is_empty() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let job = ready.swap_remove((seed >> 33) as usize % ready.len());
            let change = tracker.set(job, Progress::Succeeded);
            prop_assert!(change.blocked.is_empty() && change.waiting.is_empty());
            change.ready.iter().for_each(|&job| times[job as usize] += 1);
            ready.extend(change.ready);
        }
        prop_assert!(times.iter().all(|&times| times == 1));
    }

    #[test]
    fn what_is_told_step_by_step_is_what_a_look_at_all_jobs_would_say(
        rows in graphs(10), steps in prop::collection::vec((0usize..10, 0usize..3), 0..40), block in any::<bool>()
    ) {
        let after_failure = if block { AfterFailure::Block } else { AfterFailure::GoOn };
        let mut tracker = Tracker::new(Csr::of_rows(&rows), after_failure);
        let mut ready: std::collections::BTreeSet<u32> = tracker.ready().into_iter().collect();
        for (job, progress) in steps {
            let job = (job % rows.len()) as u32;
            let change = tracker.set(job, [Progress::Unfinished, Progress::Succeeded, Progress::Failed][progress]);
            ready.extend(change.ready);
            change.waiting.iter().chain(&change.blocked).chain([&job]).for_each(|job| {
                if !tracker.is_ready(*job) { ready.remove(job); }
            });
            let holds = |need: &u32| match tracker.progress(*need) {
                Progress::Succeeded => false,
                Progress::Failed => block,
                Progress::Unfinished => true,
            };
            let expected: std::collections::BTreeSet<u32> = (0..rows.len() as u32)
                .filter(|&job| tracker.progress(job) == Progress::Unfinished && !rows[job as usize].iter().any(holds))
                .collect();
            prop_assert_eq!(&ready, &expected);
        }
    }
}

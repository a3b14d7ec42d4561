//! Who goes first: the job that the longest chain of builds waits for, and of equals the one that frees most others.

use std::collections::BinaryHeap;
use std::hash::BuildHasher;

use rayon::prelude::*;
use rustc_hash::FxBuildHasher;

use super::csr::Csr;
use super::reduce::Reduced;

/// What decides, by place in the order.
pub struct Priorities {
    /// Seconds of the longest chain of builds that begins with the job.
    pub path: Vec<u64>,
    /// How many other jobs wait for it, directly or not.
    pub frees: Vec<u32>,
}

/// Works the priorities out, for jobs that are numbered so that each comes after what it needs.
pub fn priorities(reduced: &Reduced, estimates: &[u64]) -> Priorities {
    let mut path = estimates.to_vec();
    for job in reduced.needs.nodes().rev() {
        for &need in reduced.needs.of(job) {
            let need = need as usize;
            path[need] = path[need].max(estimates[need].saturating_add(path[job as usize]));
        }
    }
    Priorities { path, frees: reduced.frees.clone() }
}

/// The jobs, each after what it needs, and of those that are ready the one of the highest priority first. What is still
/// equal goes by the hash of its name: the same in every run, and no letter goes before another.
pub fn sort<'n>(needs: &Csr, priorities: &Priorities, name: impl Fn(u32) -> &'n str + Sync) -> Vec<u32> {
    let users = needs.reversed();
    let hashes: Vec<u64> = needs.nodes().into_par_iter().map(|job| FxBuildHasher.hash_one(name(job))).collect();
    let mut open: Vec<usize> = needs.nodes().map(|job| needs.of(job).len()).collect();
    let key = |job: u32| {
        let at = job as usize;
        (priorities.path[at], priorities.frees[at], hashes[at], job)
    };
    let mut ready: BinaryHeap<_> = needs.nodes().filter(|&job| open[job as usize] == 0).map(key).collect();
    let mut sorted = Vec::with_capacity(needs.len());
    while let Some((.., job)) = ready.pop() {
        sorted.push(job);
        for &user in users.of(job) {
            open[user as usize] -= 1;
            if open[user as usize] == 0 {
                ready.push(key(user));
            }
        }
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(needs: &[Vec<u32>], frees: &[u32], estimates: &[u64]) -> (Vec<u64>, Vec<u32>) {
        let reduced = Reduced { needs: Csr::of_rows(needs), frees: frees.to_vec() };
        let priorities = priorities(&reduced, estimates);
        let sorted = sort(&reduced.needs, &priorities, |_| "same");
        (priorities.path, sorted)
    }

    #[test]
    fn the_longest_remaining_chain_goes_first() {
        // 0 and 1 are free; 2 takes long and needs 1; 3 needs 0.
        let (path, sorted) = check(&[vec![], vec![], vec![1], vec![0]], &[1, 1, 0, 0], &[5, 1, 100, 5]);
        assert_eq!((path, sorted), (vec![10, 101, 100, 5], vec![1, 2, 0, 3]));
    }

    #[test]
    fn of_equals_the_one_that_frees_more_goes_first() {
        let (path, sorted) = check(&[vec![], vec![], vec![1], vec![1], vec![0]], &[1, 2, 0, 0, 0], &[1; 5]);
        assert_eq!(path, [2, 2, 1, 1, 1]);
        assert_eq!(sorted[..2], [1, 0]);
    }
}

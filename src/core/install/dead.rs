//! Packages that can never be installed, since something they need is nowhere to be had: found once, for all requests.

use crate::core::install::lists::Lists;

/// Why each package can never be installed: the choice that nothing (else) is left for; `None` for those that can.
///
/// Found in rounds, so that what the cause hangs on was always found earlier, and chains are short.
pub fn causes(candidates: &Lists, needs: &Lists) -> Vec<Option<u32>> {
    let mut causes = vec![None; needs.len()];
    let hopeless = (0..candidates.len() as u32).filter(|&choice| candidates.get(choice).is_empty());
    let mut lost: Vec<u32> = hopeless.collect();
    if lost.is_empty() {
        return causes;
    }
    let (users, offered) = (reversed(needs, candidates.len()), reversed(candidates, needs.len()));
    let mut left: Vec<u32> = (0..candidates.len() as u32).map(|choice| candidates.get(choice).len() as u32).collect();
    let mut at = 0;
    while let Some(&choice) = lost.get(at) {
        at += 1;
        for &package in users.get(choice) {
            let cause = &mut causes[package as usize];
            if cause.is_some() {
                continue;
            }
            *cause = Some(choice);
            for &poorer in offered.get(package) {
                left[poorer as usize] -= 1;
                if left[poorer as usize] == 0 {
                    lost.push(poorer);
                }
            }
        }
    }
    causes
}

/// For each item the lists it is in.
fn reversed(lists: &Lists, items: usize) -> Lists {
    let numbers = 0..lists.len() as u32;
    let pairs: Vec<(u32, u32)> =
        numbers.flat_map(|list| lists.get(list).iter().map(move |&item| (item, list))).collect();
    Lists::of_pairs(items, &pairs)
}

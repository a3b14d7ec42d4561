//! Explanations of small orders.

use super::*;
use crate::core::ids::{ImportId, Sha256};
use crate::core::install::refusal::There;
use crate::core::recipe::loops::{BrokenBy, LoopEdge, OrderLoop};

/// zlib, then what needs it: png, then what needs that: viewer; and hello, which needs nobody.
fn order() -> OrderResult {
    let job = |source: &str, after: &[u32], frees| OrderedJob {
        source: source.to_owned(),
        version: "1".to_owned(),
        arch: "amd64".to_owned(),
        component: "main".to_owned(),
        after: after.to_vec(),
        estimate: 90,
        priority: 90,
        frees,
        profiles: Vec::new(),
    };
    let edge = LoopEdge {
        job: 1,
        needs: 3,
        through: vec!["libpng-dev".to_owned()],
        chroot: false,
        broken_by: BrokenBy::OlderBinaries,
    };
    OrderResult {
        import: ImportId(Sha256::of(b"import")),
        arch: "amd64".to_owned(),
        jobs: vec![job("zlib", &[], 2), job("hello", &[], 0), job("png", &[1], 1), job("viewer", &[3], 0)].into(),
        loops: vec![OrderLoop { sources: vec!["zlib".to_owned(), "png".to_owned()], edges: vec![edge] }].into(),
        skipped: Vec::new(),
    }
}

fn missing() -> Refusal {
    Refusal::Missing {
        steps: Vec::new(),
        relation: "libfoo-dev (>= 2)".to_owned(),
        there: There::Versions(vec!["1.9".to_owned()]),
    }
}

fn standing(state: &str, ended: bool) -> Standing {
    Standing {
        stage: "first".to_owned(),
        state: state.to_owned(),
        ended,
        reason: (ended && state != "installed").then(|| "build: make failed".to_owned()),
        decided: vec!["`choose_flags`, oem.lua:22: {}".to_owned()],
        ..Standing::default()
    }
}

fn told(number: u32, states: States<'_>, first: Result<usize, Refusal>, any: bool) -> String {
    explain(&order(), number, states, &Answer { first, any }).to_string()
}

#[test]
fn a_job_whose_build_dependencies_are_missing_is_told_with_the_reason_and_what_to_do() {
    assert_eq!(
        told(2, &|_| None, Err(missing()), false),
        "hello 1 (amd64) cannot be built\n  it needs libfoo-dev (>= 2), only 1.9 is there\n  number 2 of its order; takes \
         about 1 min, holds up 0 jobs\n  hint: `libfoo-dev (>= 2)` must be imported or built first"
    );
    let text = told(2, &|_| None, Err(missing()), true);
    assert!(text.contains("another alternative would do"), "{text}");
}

#[test]
fn a_job_waits_for_those_before_it_that_have_not_ended() {
    let building = |number| (number == 1).then(|| standing("building", false));
    let text = told(3, &building, Ok(4), true);
    assert!(text.starts_with("png 1 (amd64) waits for other jobs\n  waits for zlib:amd64 (building)"), "{text}");
    assert!(text.ends_with("hint: `cloudbuild explain zlib` tells what that waits for"), "{text}");
    let installed = |number| (number == 1).then(|| standing("installed", true));
    let text = told(3, &installed, Ok(4), true);
    assert!(text.starts_with("png 1 (amd64) can be built\n  its build installs 4 packages"), "{text}");
}

#[test]
fn a_job_that_ended_is_told_with_its_stage_and_its_reason() {
    let failed = |number| (number == 2).then(|| standing("build-attempted", true));
    let text = told(2, &failed, Ok(1), true);
    assert!(text.starts_with("hello 1 (amd64), stage first, was not built\n  build: make failed"), "{text}");
    assert!(text.contains("`cloudbuild logs hello` shows the build"), "{text}");
    let done = |_| Some(standing("installed", true));
    assert!(told(2, &done, Ok(1), true).contains("stage first, is built"));
}

#[test]
fn what_a_loop_does_without_is_told() {
    let text = told(1, &|_| None, Ok(0), true);
    assert!(text.contains("in a loop: zlib:amd64 build-depends on libpng-dev"), "{text}");
}

#[test]
fn a_package_holds_up_its_users_and_theirs_and_the_one_that_frees_most_is_first() {
    let found = blocks(&order(), 1, &|_| None);
    let names: Vec<(&str, bool)> = found.jobs.iter().map(|other| (other.source.as_str(), other.direct)).collect();
    assert_eq!((names, found.sources), (vec![("png", true), ("viewer", false)], 2));
    assert_eq!(
        found.to_string(),
        "zlib:amd64 holds up 2 jobs of 2 source packages\n  png:amd64, directly, which holds up 1 job\n  viewer:amd64, \
         by way of others, which holds up 0 jobs"
    );
    assert!(blocks(&order(), 2, &|_| None).jobs.is_empty());
}

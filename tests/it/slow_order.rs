//! The order of a real suite: the machine's own APT sources, all that they have.

use std::collections::BTreeSet;

use crate::harness::Place;
use crate::slow_outcomes::document;

const RECIPE: &str = "
local cb = require \"cloudbuild\"
return cb.recipe { run = function(cb)
  local imported = cb.import()
  for _, packages in { cb.everything {}, cb.base_system {}, cb.base_system { closure = \"build\" } } do
    cb.order { sources = imported, packages = packages }
  end
end }";

#[test]
fn loops_of_the_machines_own_suite_are_found_and_broken_and_every_job_has_its_place() {
    let place = Place::with_recipe("all.lua", RECIPE);
    let ran = place.cloudbuild(&["order", "all.lua", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let shown = document(&ran);
    let [everything, base, closed] = [0, 1, 2].map(|number| &shown["orders"][number]["order"]);
    for order in [everything, base, closed] {
        whole(order);
    }
    let count = |order: &serde_json::Value| {
        let jobs = order["jobs"].as_array().unwrap();
        jobs.iter().map(|job| job["source"].as_str().unwrap()).collect::<BTreeSet<&str>>().len()
    };
    assert!((60..400).contains(&count(base)), "{} sources in the base system", count(base));
    assert!((1000..10_000).contains(&count(closed)), "{} sources in the closed base system", count(closed));
    assert!(count(everything) > count(closed));
    assert!(ran.stderr.contains(&format!("closed under build-dependencies, has {} source packages", count(closed))));
    // A whole distribution has compilers that need themselves by way of others.
    let largest = everything["loops"][0]["sources"].as_array().unwrap();
    assert!(largest.len() > 100 && largest.iter().any(|source| source == "glibc"), "{} in it", largest.len());
}

/// Each job comes once and after what it needs, and what closes a loop is named with the way and how it was broken.
fn whole(order: &serde_json::Value) {
    let jobs = order["jobs"].as_array().unwrap();
    let mut seen = BTreeSet::new();
    for (number, job) in (1..).zip(jobs) {
        assert!(seen.insert((job["source"].as_str().unwrap(), job["arch"].as_str().unwrap())), "{job} comes twice");
        assert!(job["after"].as_array().unwrap().iter().all(|need| need.as_u64().unwrap() < number), "{job}");
    }
    for edge in order["loops"].as_array().unwrap().iter().flat_map(|found| found["edges"].as_array().unwrap()) {
        assert!(!edge["through"].as_array().unwrap().is_empty(), "{edge}");
        let job = &jobs[edge["job"].as_u64().unwrap() as usize - 1];
        match edge["broken_by"].as_str().unwrap() {
            "profiles" => {
                assert!(!job["profiles"].as_array().unwrap().is_empty(), "{job}");
                assert!(!job["after"].as_array().unwrap().contains(&edge["needs"]), "{job}");
            }
            "older-binaries" => assert!(edge["job"].as_u64() < edge["needs"].as_u64(), "{edge}"),
            other => panic!("broken by {other}: {edge}"),
        }
    }
}

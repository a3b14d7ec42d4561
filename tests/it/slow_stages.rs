//! Campaigns of several stages: what each is built against, what is built once more, and what the archive has in the end.

use crate::fixture::base::architecture;
use crate::fixture::{Fixture, Making};
use crate::harness::Place;
use crate::slow_outcomes::{document, values};

/// A package against what upstream has, then the library that it needs, then what that changed, then nothing. Without
/// optimisation the library gets other bytes than upstream's, though it has the same version.
const STAGES: &str = r#"
local cb = require "cloudbuild"
local upstream = cb.apt.system()

return cb.campaign "tiny" {
  sources = upstream,
  stages = {
    cb.stage "users"   { packages = { "tiny-needs", "tiny-builds" }, against = upstream },
    cb.stage "library" { packages = cb.runtime_closure { of = { "libtiny1" } }, against = { "users", upstream } },
    cb.stage "again"   { packages = cb.changed_inputs "users", against = { "library", "users", upstream } },
    cb.stage "stable"  { packages = cb.changed_inputs "again", against = { "again", "library", "users", upstream },
                         optional = true },
  },
  not_for_us  = { "tiny-builds" },
  environment = { DEB_BUILD_OPTIONS = "noopt" },
  prove       = false,
}
"#;

#[test]
fn a_stage_builds_what_got_other_inputs_since_and_the_archive_has_the_newest_of_each() {
    let fixture = Fixture::of(&Making::default().upstream("tiny-two"));
    let place = Place::with_recipe("tiny.lua", STAGES);

    let plan = place.cloudbuild_on(&fixture, &["plan", "tiny.lua"]).run();
    assert_eq!(plan.code, Some(0), "{plan:?}");
    assert!(plan.stdout.contains("build    stage `again`: up to 1 job"), "{plan:?}");

    let ran = place.cloudbuild_on(&fixture, &["tiny.lua", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let summary = document(&ran);
    let jobs = summary["jobs"].as_array().unwrap().iter();
    let told = jobs.map(|job| [&job["stage"], &job["source"], &job["state"]].map(|it| it.as_str().unwrap()).join(" "));
    let mut told: Vec<String> = told.collect();
    told.sort();
    // The library has an architecture-independent half.
    let library = "library tiny-two installed";
    assert_eq!(told, ["again tiny-needs installed", library, library, "users tiny-needs installed"]);
    assert!(summary["jobs"].as_array().unwrap().iter().all(|job| job["leases"] == 1), "{summary}");
    assert!(ran.stderr.contains("1 source package of stage `users` would get other inputs now"), "{ran:?}");
    assert!(ran.stderr.contains("0 source packages of stage `again` would get other inputs now"), "{ran:?}");

    let index = place.state("tiny").join(format!("archive/dists/tiny/main/binary-{}/Packages", architecture()));
    assert_eq!(values(&index, "Package:"), ["libtiny-dev", "libtiny1", "tiny-data", "tiny-needs"]);
    let rows = summary["changed"].as_array().unwrap().iter();
    let needs: Vec<&serde_json::Value> = rows.filter(|row| row["package"] == "tiny-needs").collect();
    assert_eq!(needs.iter().map(|row| row["stage"].as_str().unwrap()).collect::<Vec<_>>(), ["again", "users"]);

    // Started again, all is known: each stage takes what has the same inputs.
    let again = place.cloudbuild_on(&fixture, &["tiny.lua", "--json"]).run();
    assert_eq!(again.code, Some(0), "{again:?}");
    let jobs = document(&again);
    let jobs = jobs["jobs"].as_array().unwrap();
    assert!(jobs.len() == 4 && jobs.iter().all(|job| job["reused"] == true), "{jobs:?}");
}

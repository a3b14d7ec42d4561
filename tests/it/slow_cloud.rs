//! Campaigns on builders that are launched in a cloud: the rig's, whose instances are real, with real sbuild.

use serde_json::json;

use crate::fixture::base::architecture;
use crate::fixture::{Fixture, Making};
use crate::harness::Place;
use crate::rig::{IMAGE, Rig};
use crate::slow_outcomes::{document, values};

/// Tiny packages in two stages, on instances; the second stage is built against the first.
fn recipe(provider: &str, more: &str) -> String {
    format!(
        r#"
local cb = require "cloudbuild"
local upstream = cb.apt.system()

return cb.campaign "tiny" {{
  sources = upstream,
  stages = {{
    cb.stage "base"  {{ packages = {{ "tiny-two", "tiny-builds" }}, against = upstream }},
    cb.stage "first" {{ packages = {{ "tiny-needs", "tiny-flags", "tiny-loop-a" }}, against = {{ "base", upstream }} }},
  }},
  builders = cb.ec2 {{
    provider = "{provider}", endpoint = "http://10.99.0.1:5000", region = "us-east-1", image = "{IMAGE}",
    types = {{ "m5.large", "m5.xlarge", "c5.large" }}, max = 2, idle = "2 min",
    prices = {{ "m5.large = 0.10 USD", "m5.xlarge = 0.20 USD", "c5.large = 0.10 USD" }},
  }},
  {more}
}}
"#
    )
}

/// An archive that is read as files: the rig's network has no other.
fn fixture() -> Fixture {
    let fixture = Fixture::of(&Making::default());
    let dir = fixture.dir();
    fixture.write_sources(&format!(
        "Types: deb deb-src\nURIs: file:{}\nSuites: fixture\nComponents: main\nSigned-By: KEY\n",
        dir.display()
    ));
    fixture
}

/// The words of the jobs that a run tells of: how many are installed, and what is said of the others.
fn installed(summary: &serde_json::Value) -> (usize, Vec<String>) {
    let jobs = summary["jobs"].as_array().unwrap().iter();
    let (good, bad): (Vec<_>, Vec<_>) = jobs.partition(|job| job["state"] == "installed");
    (good.len(), bad.iter().map(ToString::to_string).collect())
}

/// Instances by the token that they were launched with: a launch that was done twice would have one twice.
fn nothing_doubled_and_nothing_left(rig: &Rig) {
    let tokens = rig.tokens();
    let mut once = tokens.clone();
    once.dedup();
    assert_eq!(tokens, once, "each launch was done once");
    assert_eq!(rig.alive(), [""; 0], "nothing is left running");
    for instance in rig.state()["instances"].as_object().unwrap().values() {
        assert_eq!(instance["tags"]["cloudbuild-builder"], instance["token"], "{instance}");
        assert_eq!(instance["tags"]["cloudbuild-run"], "r1");
    }
}

#[test]
fn a_campaign_is_built_on_instances_in_spite_of_faults_and_apt_installs_what_came_of_it() {
    let Some(rig) = Rig::start("a campaign on aws", "aws") else { return };
    let fixture = fixture();
    let place = Place::with_recipe("tiny.lua", &recipe("aws", "prove = true,"));
    rig.control(
        "/faults",
        json!({"capacity": {"m5.large": 1}, "refuse": {"Unsupported": 1}, "throttle": 2, "html": 1, "lose_reply": 1}),
    );
    let ran = rig.inside(place.cloudbuild_on(&fixture, &["tiny.lua", "--json"])).run();
    assert_eq!(ran.code, Some(0), "{ran:?}\n{:#}", rig.state()["instances"]);
    let summary = document(&ran);
    // The library has an architecture-independent half.
    assert_eq!(installed(&summary), (6, Vec::new()), "{summary}");
    let index = place.state("tiny").join(format!("archive/dists/tiny/main/binary-{}/Packages", architecture()));
    let expected = ["libtiny-dev", "libtiny1", "tiny-builds", "tiny-data", "tiny-flags", "tiny-loop-a", "tiny-needs"];
    assert_eq!(values(&index, "Package:"), expected);
    assert!(ran.stderr.contains("no capacity for m5.large; the next pool is tried"), "{ran:?}");
    nothing_doubled_and_nothing_left(&rig);
}

#[test]
fn a_control_point_that_is_killed_while_it_launches_finds_its_instances_again_on_eucalyptus() {
    let Some(rig) = Rig::start("a campaign on eucalyptus", "euca") else { return };
    let fixture = fixture();
    let place = Place::with_recipe("tiny.lua", &recipe("eucalyptus", "prove = false,"));
    let words = ["tiny.lua", "--only", "tiny-builds", "--json"];
    let start = || rig.inside(place.cloudbuild_on(&fixture, &words)).start();
    // The cloud has done it, and nobody heard of it.
    rig.control("/hold", json!({"action": "RunInstances", "when": "after"}));
    let running = start();
    rig.await_that("a launch is held", |state| state["held"] == true);
    rig.kill_inside(running);
    rig.control("/release", json!({}));
    let ran = start().end();
    assert_eq!(ran.code, Some(0), "{ran:?}\n{:#}", rig.state()["instances"]);
    assert_eq!(installed(&document(&ran)), (1, Vec::new()), "{ran:?}");
    nothing_doubled_and_nothing_left(&rig);
}

#[test]
fn what_a_person_got_wrong_is_told_and_nothing_is_launched() {
    let Some(rig) = Rig::start("bad input of clouds", "aws") else { return };
    let fixture = fixture();
    let good = recipe("aws", "");
    for (from, to, expected) in [
        ("10.99.0.1:5000", "10.99.0.1:5999", "nothing listens at `endpoint`"),
        (IMAGE, "ami-00000000", "`image` names an image of that region"),
        ("\"m5.large\", \"m5.xlarge\", \"c5.large\"", "\"m5.lorge\"", "`types` names instance types"),
        ("10.99.0.1:5000", "10.99.0.1:7070", "`endpoint` of `cb.ec2` must be an EC2 API"),
    ] {
        let place = Place::with_recipe("tiny.lua", &good.replace(from, to));
        let ran = rig.inside(place.cloudbuild_on(&fixture, &["tiny.lua"])).run();
        assert_eq!(ran.code, Some(5), "{to}: {ran:?}");
        assert!(ran.stderr.contains(expected), "{to}: {ran:?}");
    }
    assert_eq!(rig.tokens(), [""; 0], "nothing was launched");
}

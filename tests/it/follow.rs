//! `--follow` where nothing is built: rounds, what stops them, and what does not.

use serde_json::Value;

use crate::fixture::Making;
use crate::fixture::server::Fault;
use crate::harness::{Place, Ran, Signal};
use crate::refused::{listing, on, refused, small};

/// The objects that `--json` printed, one a line.
fn rounds(ran: &Ran) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {ran:?}"));
    ran.stdout.lines().map(parse).collect()
}

#[test]
fn rounds_go_on_until_ctrl_c_and_each_is_a_run_of_its_own_and_an_object() {
    let fixture = small();
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    let running = on(&place, &fixture, &["x.lua", "--follow", "10ms", "--json"]).start();
    running.await_text("\"round\":3");
    running.signal(Signal::INT);
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let rounds = rounds(&ran);
    for (round, number) in rounds.iter().zip(1..) {
        assert_eq!((&round["round"], &round["run"]), (&number.into(), &format!("r{number}").into()));
        assert_eq!((&round["built"], &round["failed"], &round["error"]), (&0.into(), &0.into(), &Value::Null));
    }
    assert!(ran.stderr.contains("round 3: 0 built, 0 failed, 0 taken over; next in 10 ms\n"), "{ran:?}");
    assert!(place.processes().is_empty(), "nothing is left running");
}

#[test]
fn a_mirror_that_is_down_is_said_and_asked_again_at_the_next_round() {
    let fixture = small();
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    fixture.server.fault("/InRelease", Fault::Status(500));
    let running = on(&place, &fixture, &["x.lua", "--follow", "10ms"]).start();
    running.await_text("round 2: failed: ");
    fixture.server.heal();
    running.await_text(" built, 0 failed, 0 taken over; next in 10 ms");
    running.signal(Signal::INT);
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "the last round went well: {ran:?}");
    assert!(ran.stdout.contains("expected the file, got HTTP 500"), "{ran:?}");
}

#[test]
fn ctrl_c_ends_a_round_that_waits_for_a_silent_mirror() {
    let fixture = small();
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    fixture.server.fault("/InRelease", Fault::Hold);
    let running = on(&place, &fixture, &["x.lua", "--follow", "1d", "--json"]).start();
    fixture.server.await_request("/InRelease");
    running.signal(Signal::INT);
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let rounds = rounds(&ran);
    assert_eq!((rounds.len(), &rounds[0]["next_seconds"]), (1, &Value::Null));
    fixture.server.heal();
}

#[test]
fn a_recipe_that_asks_for_what_upstream_no_longer_has_ends_it() {
    let mut fixture = small();
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    let running = on(&place, &fixture, &["x.lua", "--follow", "10ms"]).start();
    running.await_text("round 1: ");
    let mut without = Making::default().without_base();
    without.sources.remove("tiny-builds");
    fixture.publish(&without);
    let ran = running.end();
    refused(&ran, 3, &["no source package `tiny-builds` in the imported suites"]);
}

#[test]
fn an_interval_has_a_unit_and_is_no_argument_of_a_recipe() {
    let fixture = small();
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    for wrong in ["6", "0s", "-1h", "soon"] {
        let ran = on(&place, &fixture, &["x.lua", &format!("--follow={wrong}")]).run();
        refused(&ran, 2, &["expected an interval such as `30s`, `10min`, `6h` or `1d`"]);
    }
    let taken = "local cb = require \"cloudbuild\"\nreturn cb.recipe { run = print, args = { follow = \"string\" } }\n";
    place.write("y.lua", taken);
    let said =
        ["`y.lua`: the argument `follow` has the name of a flag of cloudbuild's", "give the argument another name"];
    refused(&on(&place, &fixture, &["y.lua"]).run(), 3, &said);
}

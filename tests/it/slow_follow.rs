//! `--follow` with real builds: each round builds what upstream changed, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fixture::base::architecture;
use crate::fixture::{Fixture, Making, cache};
use crate::harness::{Place, Signal};
use crate::slow_outcomes::{campaign, document, has_in_order, log, values};

/// `tiny-builds` in a version that cannot be built.
fn failing(place: &Place) -> PathBuf {
    let tree = place.path().join("trees/tiny-builds");
    fs::create_dir_all(tree.parent().unwrap()).unwrap();
    cache::copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages/tiny-builds"), &tree);
    let changelog = fs::read_to_string(tree.join("debian/changelog")).unwrap();
    fs::write(tree.join("debian/changelog"), changelog.replacen("(1.0)", "(1.2)", 1)).unwrap();
    fs::write(tree.join("tiny-builds.c"), "#error nobody builds this\n").unwrap();
    tree
}

#[test]
fn each_round_builds_what_is_newer_upstream_and_publishes_it_beside_the_rest() {
    let place = Place::new();
    let making = |tiny_builds: &str, tiny_two: &str| {
        Making::default().upstream("tiny-two").version("tiny-builds", tiny_builds).version("tiny-two", tiny_two)
    };
    let mut fixture = Fixture::of(&making("1.0", "1.0"));
    place.write("tiny.lua", &campaign(&["tiny-needs", "tiny-builds"], "prove = false"));
    let arch = architecture();
    let archive = place.state("tiny").join("archive");
    let index = archive.join(format!("dists/tiny/main/binary-{arch}/Packages"));

    let running =
        place.cloudbuild_on(&fixture, &["tiny.lua", "--follow", "100ms"]).env("CLOUDBUILD_MIRROR_RETRIES", "0");
    let running = running.start();
    running.await_text("round 1: 2 built, 0 failed, 0 taken over; next in 100 ms");
    running.await_text("round 2: nothing is outdated");
    assert_eq!(values(&index, "Version:"), ["1.0", "1.0"]);
    let first_log = log(&place, "tiny-needs");

    // A new version, and a build-dependency that moved.
    fixture.publish(&making("1.1", "1.1"));
    running.await_text("1 source is outdated: tiny-builds 1.1 (only those of 1.0 are there)");
    running.await_text(": 1 built, 0 failed, 1 taken over; next in 100 ms");
    assert_eq!(values(&index, "Version:"), ["1.0", "1.1"]);
    assert_eq!(values(&archive.join("dists/tiny/main/source/Sources"), "Version:"), ["1.0", "1.1"]);
    assert_eq!(log(&place, "tiny-needs"), first_log, "it is not built again");

    // One that cannot be built: the archive keeps the last one that could.
    let mut broken = making("1.1", "1.1").tree(&failing(&place));
    broken.sources.remove("tiny-builds");
    fixture.publish(&broken);
    running.await_text(": 0 built, 1 failed, 1 taken over; next in 100 ms");
    assert_eq!(values(&index, "Version:"), ["1.0", "1.1"]);

    fixture.publish(&making("1.3", "1.1"));
    running.await_text("tiny-builds 1.3 (only those of 1.1 are there)");
    running.await_texts(2, ": 1 built, 0 failed, 1 taken over; next in 100 ms");
    running.signal(Signal::INT);
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(values(&index, "Version:"), ["1.0", "1.3"]);
    has_in_order(
        &ran.stdout,
        &[
            "round 1: 2 sources are outdated: tiny-",
            "(no binaries are there)",
            "building  tiny-builds 1.1",
            "failed  tiny-builds 1.2",
            "building  tiny-builds 1.3",
        ],
    );
    assert_eq!(ran.stdout.matches("building  tiny-needs").count(), 1, "{ran:?}");
    assert!(place.processes().is_empty(), "nothing is left running");

    // What is outdated in what was published, by recipe and by state directory.
    fixture.publish(&making("1.4", "1.1"));
    let ran = place.cloudbuild_on(&fixture, &["outdated", "tiny.lua"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let said = format!("{arch}: 1 of 2 sources outdated\n  tiny-builds 1.4: only those of 1.3 are there\n");
    assert!(ran.stdout.starts_with("compared with ") && ran.stdout.ends_with(&said), "{ran:?}");
    let ran = place.cloudbuild_on(&fixture, &["outdated", "--state", "tiny.cloudbuild", "--json"]).run();
    let found = document(&ran);
    assert_eq!(found["archives"], serde_json::json!([format!("{} tiny", archive.display())]));
    let line = &found["outdated"][0];
    assert_eq!(
        (&line["source"], &line["have"], &line["verdict"]),
        (&"tiny-builds".into(), &"1.3".into(), &"older".into())
    );
    assert_eq!(found["outdated"].as_array().unwrap().len(), 1, "{found:#}");
}

//! What people do with jobs and builders between runs, through the binary.

use std::path::PathBuf;

use cloudbuild::core::ids::{InputsHash, Sha256};
use cloudbuild::io::state::artifacts::{Artifact, ArtifactKind};
use cloudbuild::io::state::{State, adopted};
use cloudbuild::io::store::{Store, made};

use crate::harness::{Place, Ran};
use crate::simulation::scene;

/// A place with a state directory that has three jobs, `s1` to `s3`, all ready.
fn place() -> (Place, PathBuf) {
    let place = Place::new();
    let dir = place.state("x");
    let state = State::open(&dir).unwrap();
    state.write(|tx| Ok(scene::fill(tx, 3).len())).unwrap();
    (place, dir)
}

fn run(place: &Place, words: &[&str]) -> Ran {
    place.cloudbuild(words).run()
}

#[track_caller]
fn said(ran: &Ran, code: i32, lines: &[&str]) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    let all = format!("{}{}", ran.stdout, ran.stderr);
    for line in lines {
        assert!(all.contains(line), "`{line}` is not in {ran:?}");
    }
}

#[test]
fn jobs_are_listed_as_wanna_build_lists_them_and_changed_by_people() {
    let (place, _) = place();
    let ran = run(&place, &["wb", "--list=needs-build", "--dist=base", "--arch=amd64", "--format=%p_%v %a %S"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stdout, "s2_1 amd64 Needs-Build\ns1_1 amd64 Needs-Build\ns3_1 amd64 Needs-Build\n");
    said(&run(&place, &["priority", "9", "s3"]), 0, &["s3 1 (amd64), base: needs-build"]);
    said(&run(&place, &["fail", "s1", "-m", "it is broken"]), 0, &["s1 1 (amd64), base: needs-build -> failed"]);
    let ran = run(&place, &["wb", "--list=all"]);
    let lines =
        ["main/s3_1: Needs-Build [optional:uncompiled:bp{9}:calprio{9}", "  Reasons for failing:\nit is broken"];
    said(&ran, 0, &lines);
    assert!(ran.stdout.ends_with(
        "Total 1 package(s) in state Failed.\nTotal 2 package(s) in state Needs-Build.\nTotal 3 package(s)\n"
    ));
    said(&run(&place, &["wb", "--info", "s1", "s9"]), 0, &["  State               : Failed\n", "s9: not registered"]);
    said(&run(&place, &["retry", "--list", "failed"]), 0, &["s1 1 (amd64), base: failed -> needs-build"]);
    said(
        &run(&place, &["retry", "s1"]),
        2,
        &["s1 1 (amd64), base: skipped: a job that is `needs-build` cannot be `retried`"],
    );
    let ran = run(&place, &["not-for-us", "s2", "-m", "no", "--json"]);
    let acted: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(acted["changed"][0]["to"], "not-for-us");
}

#[test]
fn who_asks_for_what_is_not_there_is_told_what_is() {
    let (place, _) = place();
    said(&run(&place, &["retry"]), 2, &["expected a package, or a state with `--list STATE`, got neither"]);
    said(&run(&place, &["retry", "s11"]), 2, &["no such job of run r1 builds `s11`", "hint: did you mean `s1`?"]);
    said(
        &run(&place, &["retry", "--list", "faild"]),
        2,
        &["expected a job state, got `faild`", "did you mean `failed`?"],
    );
    said(&run(&place, &["cancel"]), 2, &["no run goes on in"]);
    said(&run(&place, &["resume", "b1"]), 2, &["no builder `b1` was heard of"]);
    said(&run(&place, &["wb", "--list", "nonsense"]), 2, &["expected a job state, got `nonsense`"]);
    said(&run(&place, &["drain", "b1"]), 0, &["builder `b1` finishes what it has, and gets no more work"]);
    said(&run(&place, &["resume", "b2"]), 2, &["did you mean `b1`?"]);
    said(&run(&place, &["resume", "b1"]), 0, &["builder `b1` gets work"]);
    said(&run(&place, &["pause", "-m", "lunch"]), 0, &["no more work is given out"]);
    said(&run(&place, &["resume"]), 0, &["work is given out again"]);
    let nowhere = Place::new();
    said(&run(&nowhere, &["retry", "s1"]), 2, &["no state directory"]);
}

/// What a job made, in the store and beside it.
fn make(dir: &std::path::Path, inputs: InputsHash) {
    let store = Store::open(dir.join("store")).unwrap();
    let sha256 = store.insert(b"a package").unwrap();
    let artifact = Artifact {
        name: "s1_1_amd64.deb".to_owned(),
        kind: ArtifactKind::Deb,
        sha256,
        size: 9,
        package: Some("s1".to_owned()),
        version: Some("1".to_owned()),
        architecture: Some("amd64".to_owned()),
        source: Some("s1".to_owned()),
        control: None,
    };
    made::write(dir, inputs, &[artifact]).unwrap();
}

#[test]
fn a_backup_is_put_back_and_what_was_built_since_is_found_again_by_its_hash() {
    let (place, dir) = place();
    said(&run(&place, &["fail", "s1", "-m", "before"]), 0, &[]);
    std::fs::create_dir_all(dir.join("key")).unwrap();
    std::fs::write(dir.join("key/builders"), [7; 32]).unwrap();
    said(&run(&place, &["backup", "kept"]), 0, &["kept` has the state and the keys of"]);
    said(&run(&place, &["backup", "kept"]), 2, &["expected a folder that is not there yet"]);
    said(&run(&place, &["retry", "s1"]), 0, &["failed -> needs-build"]);
    let (whole, broken) = (InputsHash(Sha256::of(b"whole")), InputsHash(Sha256::of(b"broken")));
    make(&dir, whole);
    make(&dir, broken);
    let text = std::fs::read_to_string(dir.join(format!("made/{broken}.json"))).unwrap();
    let other = Sha256::of(b"a package").to_string();
    std::fs::write(dir.join(format!("made/{broken}.json")), text.replace(&other, &"0".repeat(64))).unwrap();
    std::fs::remove_dir_all(dir.join("key")).unwrap();
    said(&run(&place, &["restore", "kept"]), 0, &["that the backup does not know: 1;", "state.db.before`"]);
    assert_eq!(std::fs::read(dir.join("key/builders")).unwrap(), [7; 32], "builders' tokens stay what they are");
    said(&run(&place, &["wb", "--list=failed"]), 0, &["main/s1_1", "before", "Total 1 package(s)"]);
    let state = State::open(&dir).unwrap();
    let found =
        state.read(|db| Ok((adopted::get(db, whole)?.map(|made| made.len()), adopted::get(db, broken)?))).unwrap();
    assert_eq!(found, (Some(1), None));
    drop(state);
    // What is no whole backup changes nothing, and no database that was there is ever lost.
    let good = std::fs::read(place.path().join("kept/state.db")).unwrap();
    for bad in [b"no database at all".as_slice(), &good[..good.len() / 2], b""] {
        std::fs::write(place.path().join("kept/state.db"), bad).unwrap();
        let refused = run(&place, &["restore", "kept"]);
        assert!(refused.code == Some(5) && refused.stderr.contains("is damaged: "), "{refused:?}");
        said(&run(&place, &["wb", "--list=failed"]), 0, &["main/s1_1"]);
    }
    std::fs::write(place.path().join("kept/state.db"), good).unwrap();
    said(&run(&place, &["restore", "kept"]), 0, &["state.db.before.2`"]);
    said(&run(&place, &["restore", "nothing"]), 2, &["expected a backup, but there is no `state.db`"]);
}

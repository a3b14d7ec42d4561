//! A run that is started again: it does what changed, or what was left to do, and nothing twice.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use crate::fixture::base::architecture;
use crate::fixture::{Fixture, Making, cache};
use crate::harness::{Place, Running, Signal, cloudbuild_cache};
use crate::slow_outcomes::{campaign, document, has_in_order, job, log, values};

/// How often builders took the job of a package.
fn leases(place: &Place, source: &str) -> u64 {
    job(&place.status("tiny"), source, architecture())["leases"].as_u64().unwrap()
}

/// Where a part of a state directory's run unpacks chroots: the daemon, `here`, and the proof.
fn builds(place: &Place, part: &str) -> PathBuf {
    let key = [place.state("tiny").as_os_str().as_encoded_bytes(), b"\0", part.as_bytes()].concat();
    let name: String = sha2::Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
    cloudbuild_cache().join("builds").join(&name[..12])
}

/// Waits until sbuild is at work on the first attempt at a job.
fn await_sbuild(running: &mut Running, place: &Place, job: &str) {
    let log = place.state("tiny").join("logs").join(format!("{job}.log"));
    running.await_that("sbuild is at work", || fs::read_to_string(&log).is_ok_and(|log| log.contains("Unpacking ")));
}

/// A file of a source package as the cache of mirrors' files keeps it.
fn kept(file: &Path) -> PathBuf {
    let bytes = fs::read(file).unwrap();
    let name: String = sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    cloudbuild_cache().join("files").join(&name[..2]).join(name)
}

/// `tiny-needs`, which says which libtiny-dev it was built against, so that another one makes another file.
fn telling_needs(place: &Place) -> PathBuf {
    let tree = place.path().join("trees/tiny-needs");
    fs::create_dir_all(tree.parent().unwrap()).unwrap();
    cache::copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages/tiny-needs"), &tree);
    let rules = fs::read_to_string(tree.join("debian/rules")).unwrap();
    let told = rules.replace("dpkg-parsechangelog -S Version", "dpkg-query -W -f '$${Version}' libtiny-dev");
    assert_ne!(told, rules);
    fs::write(tree.join("debian/rules"), told).unwrap();
    tree
}

#[test]
fn a_second_run_builds_what_changed_and_a_mirror_that_moves_in_the_middle_changes_nothing() {
    let place = Place::new();
    let tree = telling_needs(&place);
    let making = |tiny_builds: &str, tiny_two: &str| {
        let mut making = Making::default().upstream("tiny-two").tree(&tree);
        making.sources.remove("tiny-needs");
        making.version("tiny-builds", tiny_builds).version("tiny-two", tiny_two)
    };
    let mut fixture = Fixture::of(&making("1.0", "1.0"));
    place.write("tiny.lua", &campaign(&["tiny-needs", "tiny-builds"], "prove = false"));

    // The mirror has another version, and not even the file of the old one, before the second job begins.
    let mut running = place.cloudbuild_on(&fixture, &["tiny.lua"]).start();
    running.await_text("building  ");
    let sources = ["tiny-builds/tiny-builds_1.0", "tiny-needs/tiny-needs_1.0"];
    let files = sources.iter().flat_map(|name| [format!("{name}.dsc"), format!("{name}.tar.xz")]);
    let files: Vec<PathBuf> = files.map(|name| kept(&fixture.path(&format!("pool/main/{name}")))).collect();
    running.await_that("the sources are here", || files.iter().all(|file| file.is_file()));
    fixture.publish(&making("1.1", "1.0"));
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let arch = architecture();
    let index = place.state("tiny").join(format!("archive/dists/tiny/main/binary-{arch}/Packages"));
    assert_eq!(values(&index, "Version:"), ["1.0", "1.0"]);
    let first_log = log(&place, "tiny-needs");

    // Started again, it builds the new version, and nothing else.
    let ran = place.cloudbuild_on(&fixture, &["tiny.lua", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let summary = document(&ran);
    assert_eq!(job(&summary, "tiny-builds", arch)["version"], "1.1");
    assert_eq!(job(&summary, "tiny-builds", arch)["leases"], 1);
    assert_eq!(
        (&job(&summary, "tiny-needs", arch)["leases"], &job(&summary, "tiny-needs", arch)["reused"]),
        (&0.into(), &true.into())
    );
    assert!(
        ran.stderr.contains(&format!("installed  tiny-needs 1.0 ({arch}): built before from the same inputs")),
        "{ran:?}"
    );
    assert_eq!(log(&place, "tiny-needs"), first_log);

    // Once more: nothing is new, and the archive is left alone.
    let release = place.state("tiny").join("archive/dists/tiny/InRelease");
    let before = fs::read(&release).unwrap();
    let ran = place.cloudbuild_on(&fixture, &["tiny.lua"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("unchanged  ") && !ran.stdout.contains("building  "), "{ran:?}");
    assert_eq!(fs::read(&release).unwrap(), before);
    assert_eq!(log(&place, "tiny-needs"), first_log);

    // Another build-dependency: the same version of what needs it is built again, and its new bytes are published.
    fixture.publish(&making("1.1", "1.1"));
    place.write("tiny.lua", &campaign(&["tiny-needs", "tiny-builds"], ""));
    let ran = place.cloudbuild_on(&fixture, &["tiny.lua"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains(&format!("building  tiny-needs 1.0 ({arch})")), "{ran:?}");
    assert!(!ran.stdout.contains("building  tiny-builds"), "{ran:?}");
    let said = "proved  tiny-needs 1.0: installed, /usr/bin/tiny-needs says \"tiny-needs 1.1: libtiny 1.1 greets\"";
    assert!(ran.stdout.contains(said), "{ran:?}");
}

#[test]
fn a_run_whose_processes_are_killed_goes_on_and_builds_nothing_twice() {
    let fixture = Fixture::of(&Making::default());
    let place = Place::with_recipe("tiny.lua", &campaign(&["tiny-builds", "tiny-flags"], ""));
    let start = || place.cloudbuild_on(&fixture, &["tiny.lua"]).start();

    let mut running = start();
    await_sbuild(&mut running, &place, "j1-1");
    assert_eq!(running.kill().signal, Some(9));

    // The daemon lives on, its build too, and both are found again.
    let mut running = start();
    running.await_text("note: the build daemon of the last start is still at work");
    running.await_text(&format!("installed  tiny-builds 1.0 ({})", architecture()));
    assert_eq!(leases(&place, "tiny-builds"), 1);

    // A daemon that dies is another matter: what it was at is begun again, by another one.
    await_sbuild(&mut running, &place, "j2-1");
    let lock = place.state("tiny").join("daemon-here.lock");
    let daemon: i32 = fs::read_to_string(&lock).unwrap().trim().parse().unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(daemon).unwrap(), Signal::KILL).unwrap();
    running.await_text("note: the build daemon on this machine ended; starting another one");

    // And a third time, while the archive is being written.
    let archive = place.state("tiny").join("archive");
    running.await_that("the archive is begun", || archive.exists());
    running.kill();
    assert_eq!((leases(&place, "tiny-builds"), leases(&place, "tiny-flags")), (1, 2));

    // And a fourth, after it was published and before apt has installed from it.
    let running = start();
    running.await_text("proof: install tiny-builds, tiny-flags");
    running.kill();
    let ran = start().end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("unchanged  ") && !ran.stdout.contains("building  "), "{ran:?}");
    assert_eq!((leases(&place, "tiny-builds"), leases(&place, "tiny-flags")), (1, 2));
    assert!(ran.stdout.contains("proved  tiny-builds 1.0: installed"), "{ran:?}");
    for part in ["here", "proof"] {
        assert!(!builds(&place, part).exists(), "{} is left", builds(&place, part).display());
    }
}

#[test]
fn one_interrupt_finishes_what_builds_and_a_second_one_stops_it() {
    let fixture = Fixture::of(&Making::default());
    let place = Place::with_recipe("tiny.lua", &campaign(&["tiny-builds", "tiny-flags"], ""));
    let start = || place.cloudbuild_on(&fixture, &["tiny.lua"]).start();
    let state = |source: &str| job(&place.status("tiny"), source, architecture())["state"].clone();

    let mut running = start();
    await_sbuild(&mut running, &place, "j1-1");
    running.signal(Signal::INT);
    let ran = running.end();
    assert_eq!(ran.code, Some(130), "{ran:?}");
    has_in_order(
        &ran.stdout,
        &["building  tiny-builds", "stopping: what builds now is finished", "installed  tiny-builds"],
    );
    assert!(!ran.stdout.contains("building  tiny-flags"), "{ran:?}");
    assert!(ran.stderr.contains("hint: start it again, and it goes on from here"), "{ran:?}");
    assert_eq!((state("tiny-builds"), state("tiny-flags")), ("installed".into(), "needs-build".into()));
    assert_eq!(place.processes(), [0; 0]);

    let mut running = start();
    running.await_text("building  tiny-flags");
    await_sbuild(&mut running, &place, "j2-1");
    running.signal(Signal::INT);
    running.await_text("once more stops it now");
    running.signal(Signal::INT);
    let ran = running.end();
    assert_eq!(ran.code, Some(130), "{ran:?}");
    assert!(!ran.stdout.contains("building  tiny-builds"), "{ran:?}");
    assert_eq!((state("tiny-flags"), place.processes()), ("needs-build".into(), vec![]));
    for part in ["here", "proof"] {
        assert!(!builds(&place, part).exists(), "{} is left", builds(&place, part).display());
    }

    // The proof, too, is something that can be stopped at once and is done by the next start.
    let running = start();
    running.await_text("proof: install ");
    running.signal(Signal::INT);
    running.await_text("once more stops it now");
    running.signal(Signal::INT);
    let ran = running.end();
    assert_eq!(ran.code, Some(130), "{ran:?}");
    has_in_order(&ran.stdout, &["2 jobs, 1 of them done before", "building  tiny-flags", "published  "]);
    assert_eq!(place.processes(), [0; 0]);
    assert!(!builds(&place, "proof").exists(), "{} is left", builds(&place, "proof").display());

    let ran = start().end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    has_in_order(&ran.stdout, &["unchanged  ", "proved  tiny-builds 1.0: installed", "done: 2 built"]);
    assert_eq!((leases(&place, "tiny-builds"), leases(&place, "tiny-flags")), (1, 2));
}

#[test]
fn an_edited_recipe_is_refused_with_what_changed_and_adopts_what_was_built() {
    let fixture = Fixture::new();
    let place = Place::new();
    let pausing = "prove = false, on_stage_done = function(stage) return cb.pause \"look first\" end";
    place.write("tiny.lua", &campaign(&["tiny-builds"], pausing));
    let ran = place.cloudbuild_on(&fixture, &["tiny.lua"]).run();
    assert!(ran.stderr.contains("look first") && ran.code != Some(0), "{ran:?}");

    place.write("tiny.lua", &campaign(&["tiny-builds"], "prove = false"));
    let ran = place.cloudbuild_on(&fixture, &["tiny.lua"]).run();
    assert_eq!(ran.code, Some(3), "{ran:?}");
    has_in_order(
        &ran.stderr,
        &["the recipe was edited since", "-return cb.campaign", "look first", "+return", "--adopt"],
    );

    let ran = place.cloudbuild_on(&fixture, &["tiny.lua", "--adopt"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.stdout.contains("building  "), "{ran:?}");
    has_in_order(&format!("{}{}", ran.stderr, ran.stdout), &["adopted from run r1", "published  "]);
    assert!(place.state("tiny").join("archive/dists/tiny/InRelease").is_file());
}

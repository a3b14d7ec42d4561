//! The harness itself: what it runs, hears and ends.

use std::process::Command;
use std::time::Duration;

use crate::fixture::cache::may_be_searched;
use crate::fixture::{Fixture, Making, open_tempdir};
use crate::harness::{Call, Place, Signal, cloudbuild_cache};

fn shell(script: &str) -> Call {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    Call::of(command).deadline(Duration::from_secs(60))
}

#[test]
fn it_hears_both_outputs_and_the_exit_code() {
    let ran = shell("echo out; echo err >&2; exit 4").run();
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(4), "out\n", "err\n"));
}

#[test]
fn a_signal_reaches_a_command_that_runs() {
    let running = shell("trap 'echo caught; exit 130' INT; echo ready; while :; do sleep 0.05; done").start();
    running.await_text("ready");
    running.signal(Signal::INT);
    let ran = running.end();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(130), "ready\ncaught\n"));
}

#[test]
fn a_test_can_wait_for_what_it_sees_from_outside() {
    let place = Place::new();
    let file = place.path().join("appears");
    let mut running = shell("echo here >appears; exec sleep 1000").within(place.path()).start();
    running.await_that("the file is there", || file.exists());
}

#[test]
fn a_killed_command_ends_by_the_signal() {
    let running = shell("echo ready; exec sleep 1000").start();
    running.await_text("ready");
    assert_eq!(running.kill().signal, Some(9));
}

#[test]
#[should_panic(expected = "it took longer than it may")]
fn a_command_that_takes_too_long_fails_the_test() {
    shell("exec sleep 1000").deadline(Duration::from_millis(50)).run();
}

#[test]
#[should_panic(expected = "it never said `something`")]
fn a_command_that_ends_without_saying_it_fails_the_test() {
    shell("echo else").start().await_text("something");
}

#[test]
fn what_outlives_a_command_is_ended_with_its_place() {
    let place = Place::new();
    let file = place.write("script", "touch started; sleep 1000; true\n");
    let script = "setsid sh FILE >/dev/null 2>&1 & until [ -e started ]; do sleep 0.01; done";
    assert_eq!(shell(&script.replace("FILE", file.to_str().unwrap())).within(place.path()).run().code, Some(0));
    let started = place.processes();
    assert!(!started.is_empty());
    drop(place);
    for id in started {
        // A killed process may stay for a moment as a zombie, which has no command line.
        let words = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        assert!(words.is_empty() || !String::from_utf8_lossy(&words).contains(file.to_str().unwrap()));
    }
}

#[test]
fn a_folder_behind_a_closed_one_is_no_place_for_a_cache() {
    use std::os::unix::fs::PermissionsExt;
    let place = open_tempdir();
    let inner = place.path().join("inner/cache");
    assert!(may_be_searched(&inner));
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    assert!(!may_be_searched(&inner));
    assert!(std::env::var_os("CLOUDBUILD_TEST_CACHE").is_some() || may_be_searched(&cloudbuild_cache()));
}

#[test]
fn the_binary_is_there_and_runs() {
    let fixture = Fixture::of(&Making::default().without_base());
    let place = Place::with_recipe("hello.lua", "return {}\n");
    let ran = place.cloudbuild_on(&fixture, &["--version"]).run();
    assert_eq!((ran.code, ran.signal), (Some(0), None), "{ran:?}");
    assert!(!place.state("hello").exists(), "asking for the version makes no state");
}

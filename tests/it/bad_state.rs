//! State directories that cannot be used: another recipe's, one that is in use, one that cannot be written, a full one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::fixture::server::Fault;
use crate::harness::{Call, Place, Signal, skip};
use crate::refused::{document, error_document, listing, names, on, refused, small};

#[test]
fn the_state_of_another_recipe_is_left_alone() {
    let fixture = small();
    let place = Place::with_recipe("a/x.lua", &listing("\"tiny-builds\""));
    place.write("b/x.lua", &listing("\"tiny-needs\""));
    let first = on(&place, &fixture, &["a/x.lua", "--json"]).run();
    assert_eq!(first.code, Some(0), "{first:?}");
    // Both would have their state in `x.cloudbuild`.
    let said = ["x.cloudbuild` is the state of the recipe `", "/a/x.lua`, not of `", "/b/x.lua`", "hint: name another"];
    refused(&on(&place, &fixture, &["b/x.lua"]).run(), 2, &said);
    let error = error_document(&on(&place, &fixture, &["b/x.lua", "--json"]).run(), 2, "usage");
    assert!(error["message"].as_str().unwrap().contains("not of `"), "{error}");

    let again = on(&place, &fixture, &["a/x.lua", "--json"]).run();
    assert_eq!(document(&again)["result"], document(&first)["result"]);
    let elsewhere = on(&place, &fixture, &["b/x.lua", "--json", "--state", "other"]).run();
    assert_eq!(document(&elsewhere)["result"], serde_json::json!(["tiny-needs"]));
    assert_eq!(names(place.path()), ["a", "b", "cache", "other", "x.cloudbuild"]);
}

#[test]
fn a_second_run_in_the_same_state_directory_is_refused_and_the_first_goes_on() {
    let fixture = small();
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    fixture.server.fault("/InRelease", Fault::Hold);
    let first = on(&place, &fixture, &["x.lua", "--json"]).start();
    fixture.server.await_request("/InRelease");

    let holder = format!("x.cloudbuild` is in use by process {}\n", first.id());
    refused(&on(&place, &fixture, &["x.lua"]).run(), 5, &[&holder, "hint: wait until that run ends"]);
    error_document(&on(&place, &fixture, &["x.lua", "--json"]).run(), 5, "infrastructure");
    assert_eq!(on(&place, &fixture, &["status"]).run().code, Some(0), "looking is allowed");

    fixture.server.heal();
    let first = first.end();
    assert_eq!(first.code, Some(0), "{first:?}");
    assert_eq!(document(&first)["result"], serde_json::json!(["tiny-builds"]));
    assert_eq!(on(&place, &fixture, &["x.lua"]).run().code, Some(0), "it is free again");
}

#[test]
fn a_ctrl_c_while_a_mirror_keeps_silent_stops_the_run_and_it_goes_on_later() {
    let fixture = small();
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    fixture.server.fault("/InRelease", Fault::Hold);
    // The mirror's own timeout must not be what ends it.
    let patience = Duration::from_secs(60);
    let call = on(&place, &fixture, &["x.lua"]).env("CLOUDBUILD_MIRROR_TIMEOUT", "1 h").deadline(patience);
    let running = call.start();
    fixture.server.await_request("/InRelease");
    running.signal(Signal::INT);
    refused(&running.end(), 130, &["interrupted; what was finished is kept", "hint: start it again"]);
    fixture.server.heal();
    let ran = on(&place, &fixture, &["x.lua", "--json"]).run();
    assert_eq!(document(&ran)["result"], serde_json::json!(["tiny-builds"]), "{ran:?}");
}

#[test]
fn a_state_directory_that_is_a_file_or_not_there_is_told() {
    let fixture = small();
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    let file = place.write("file", "mine\n");
    for state in ["file", "file/below"] {
        let ran = on(&place, &fixture, &["x.lua", "--state", state]).run();
        refused(&ran, 5, &["cannot use `", &format!("/{state}`"), "hint: name another directory with `--state DIR`"]);
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "mine\n");
    let none = on(&place, &fixture, &["status", "--state", "none"]).run();
    refused(&none, 2, &["expected a state directory, but `", "none` is not there"]);
    refused(&on(&place, &fixture, &["logs", "hello"]).run(), 2, &["no state directory", "hint: run a recipe first"]);
    place.write("empty/file", "");
    let empty = on(&place, &fixture, &["status", "--state", "empty"]).run();
    refused(&empty, 2, &["expected a state directory, found no `", "empty/state.db`"]);
    assert_eq!(names(&place.path().join("empty")), ["file"], "looking writes nothing");
}

#[test]
fn a_damaged_database_is_told_and_kept() {
    let fixture = small();
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    let database = place.write("x.cloudbuild/state.db", &"this is no database\n".repeat(100));
    let said = ["state.db` is damaged: ", "hint: move the state directory away"];
    refused(&on(&place, &fixture, &["x.lua"]).run(), 5, &said);
    refused(&on(&place, &fixture, &["status"]).run(), 5, &said);
    assert!(fs::read_to_string(database).unwrap().starts_with("this is no database"));
}

/// A small file system of its own, unmounted when this is dropped.
struct Disk {
    at: PathBuf,
}

impl Disk {
    /// `None` where mounting is not allowed.
    fn of(at: &Path, size: &str) -> Option<Disk> {
        fs::create_dir_all(at).unwrap();
        let mounted = mount(&["-t", "tmpfs", "-o", &format!("size={size},mode=0755"), "cloudbuild-test"], at).run();
        (mounted.code == Some(0)).then(|| Disk { at: at.to_owned() })
    }

    /// Another size, `ro` or `rw`.
    fn remount(&self, options: &str) {
        let ran = mount(&["-o", &format!("remount,{options}")], &self.at).run();
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
}

fn mount(words: &[&str], at: &Path) -> Call {
    let mut command = Command::new("mount");
    command.args(words).arg(at);
    Call::of(command)
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, and never a panic inside of a panic: what still looks at it must not keep it mounted for ever.
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

#[test]
fn a_full_disk_is_told_and_with_more_room_the_same_command_goes_on() {
    let fixture = small();
    let mut refusals = 0;
    // At each size, something else is the first that has no room, until there is enough.
    for size in (16..1024).step_by(32) {
        let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
        let Some(disk) = Disk::of(&place.state("x"), &format!("{size}k")) else {
            return skip("a full disk", "mounting a tmpfs is not allowed here");
        };
        let ran = on(&place, &fixture, &["x.lua"]).run();
        if ran.code == Some(0) {
            break;
        }
        refused(&ran, 5, &["hint: "]);
        let full = ["no space left", "no room left", "No space left on device", "the disk is full"];
        assert!(full.iter().any(|words| ran.stderr.contains(words)), "{size}k: {ran:?}");
        disk.remount("size=64m");
        let ran = on(&place, &fixture, &["x.lua", "--json"]).run();
        assert_eq!(ran.code, Some(0), "{size}k: {ran:?}");
        assert_eq!(document(&ran)["result"], serde_json::json!(["tiny-builds"]));
        refusals += 1;
    }
    assert!(refusals >= 3, "only {refusals} sizes were too small");
}

#[test]
fn a_full_cache_is_told_and_with_more_room_the_import_goes_on() {
    let fixture = small();
    let place = Place::new();
    let Some(disk) = Disk::of(&place.path().join("cache"), "16k") else {
        return skip("a full cache", "mounting a tmpfs is not allowed here");
    };
    refused(&on(&place, &fixture, &["import"]).run(), 5, &["no room left in `", "/cache/files`", "hint: make room"]);
    disk.remount("size=64m");
    assert_eq!(on(&place, &fixture, &["import"]).run().code, Some(0));
}

#[test]
fn a_state_directory_that_may_not_be_written_is_told_and_nothing_is_lost() {
    let fixture = small();
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    let Some(disk) = Disk::of(&place.path().join("disk"), "64m") else {
        return skip("a state directory that may not be written", "mounting a tmpfs is not allowed here");
    };
    let run = ["x.lua", "--state", "disk/x.cloudbuild"];
    disk.remount("ro");
    let said = ["disk/x.cloudbuild`: Read-only file system", "hint: name another directory with `--state DIR`"];
    refused(&on(&place, &fixture, &run).run(), 5, &said);
    disk.remount("rw");
    assert_eq!(on(&place, &fixture, &run).run().code, Some(0));
    disk.remount("ro");
    let ran = on(&place, &fixture, &run).run();
    refused(&ran, 5, &["disk/x.cloudbuild", "hint: "]);
    let status = ["status", "--state", "disk/x.cloudbuild"];
    // A database with a write-ahead log cannot be read where its shared memory cannot be made.
    refused(&on(&place, &fixture, &status).run(), 5, &["cannot use `", "disk/x.cloudbuild/state.db`"]);
    disk.remount("rw");
    assert_eq!(on(&place, &fixture, &status).run().code, Some(0), "nothing was lost");
}

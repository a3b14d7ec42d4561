//! Runs that cannot go on since the world does not play along: files that do not match, a mirror that is down, no chroot.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::fixture::base::architecture;
use crate::fixture::server::Fault;
use crate::fixture::{Fixture, Making};
use crate::harness::{Call, Place, cloudbuild_cache};
use crate::slow_outcomes::{campaign, has_in_order, job, log};

/// A cache that knows no mirror's files yet, with the chroots that tests share where `chroots` says so.
fn own_cache(place: &Place, chroots: bool) -> PathBuf {
    let cache = place.path().join("cache");
    let (from, to) = (cloudbuild_cache().join("chroots"), cache.join("chroots"));
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(from).into_iter().flatten().filter(|_| chroots) {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_owned();
        // Chroots are replaced, never changed. One that is being made right now is made here again.
        if name.to_string_lossy().ends_with(".tar") && file.with_extension("json").exists() {
            let _ = fs::hard_link(&file, to.join(&name)).or_else(|_| fs::copy(&file, to.join(&name)).map(drop));
            let _ = fs::copy(file.with_extension("json"), to.join(&name).with_extension("json"));
        }
    }
    cache
}

fn start(place: &Place, fixture: &Fixture) -> Call {
    let cache = place.path().join("cache");
    let call = place.cloudbuild_on(fixture, &["tiny.lua"]).env("CLOUDBUILD_CACHE_DIR", cache.to_str().unwrap());
    call.env("CLOUDBUILD_MIRROR_RETRIES", "0")
}

#[test]
fn sources_that_do_not_match_or_cannot_be_fetched_are_infrastructure_until_the_mirror_is_well() {
    let fixture = Fixture::of(&Making::default());
    let place = Place::with_recipe("tiny.lua", &campaign(&["tiny-builds"], "prove = false"));
    own_cache(&place, true);
    let title = format!("failed  tiny-builds 1.0 ({}): cannot fetch `tiny-builds_1.0", architecture());

    // Other bytes than the index promises; as many, so that only the hash tells.
    let mut bytes = fs::read(fixture.path("pool/main/tiny-builds/tiny-builds_1.0.dsc")).unwrap();
    bytes[0] ^= 1;
    fixture.server.fault("tiny-builds_1.0.dsc", Fault::Bytes(bytes));
    let ran = start(&place, &fixture).run();
    assert_eq!(ran.code, Some(5), "{ran:?}");
    has_in_order(&ran.stdout, &[&title, "SHA-256"]);
    assert!(!place.state("tiny").join("archive").exists());
    fixture.server.heal();

    // Down in the middle: after the import, before the sources.
    fixture.server.fault("tiny-builds_1.0.dsc", Fault::Status(500));
    fixture.server.fault("tiny-builds_1.0.tar.xz", Fault::Status(500));
    let ran = start(&place, &fixture).run();
    assert_eq!(ran.code, Some(5), "{ran:?}");
    has_in_order(&ran.stdout, &[&title, "500"]);
    let status = place.status("tiny");
    assert_eq!(job(&status, "tiny-builds", architecture())["state"], "build-attempted", "{status:#}");

    // Started again when all is well, it goes through.
    fixture.server.heal();
    let ran = start(&place, &fixture).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(place.state("tiny").join("archive/dists/tiny/InRelease").is_file());
    assert!(log(&place, "tiny-builds").contains("Status: successful"));
}

#[test]
fn a_chroot_that_cannot_be_made_is_infrastructure_and_the_tool_has_the_last_word() {
    let fixture = Fixture::of(&Making::default());
    let place = Place::with_recipe("tiny.lua", &campaign(&["tiny-builds"], "prove = false"));
    own_cache(&place, false);
    // What only enters namespaces is left as it is.
    let script = "#!/bin/sh\ncase $1 in --unshare-helper) exec mmdebstrap \"$@\" ;; esac\n\
                  echo 'E: there is no such luck today' >&2\nexit 7\n";
    let program = place.write("no-luck", script);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let ran = start(&place, &fixture).env("CLOUDBUILD_MMDEBSTRAP", program.to_str().unwrap()).run();
    assert_eq!(ran.code, Some(5), "{ran:?}");
    has_in_order(&ran.stdout, &["failed  tiny-builds 1.0 (", "E: there is no such luck today", "    log: "]);
    assert_eq!(place.processes(), [0; 0]);
}

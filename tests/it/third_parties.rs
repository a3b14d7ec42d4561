//! Entries of third parties: what they offer is shown and pinned, and never stops a run nor feeds it, unless the
//! recipe names them.

use std::fs;
use std::net::TcpListener;

use crate::fixture::{Fixture, Making};
use crate::harness::Place;
use crate::refused::{document, listing, on, refused};

/// A distribution, and a third party's archive that has newer versions of what it has; both are in the source lists.
fn two() -> [Fixture; 2] {
    let distribution = Fixture::new();
    let other = Fixture::of(&Making::default().without_base().version("tiny-builds", "9.0").upstream("tiny-two"));
    other.sign_as(&other.key, |release| release.replace("Origin: Fixture", "Origin: Elsewhere"));
    let keyring = distribution.apt_root().join("keyrings/other.asc");
    fs::write(&keyring, other.key.public()).unwrap();
    let line = format!("deb [signed-by={}] {} fixture main\n", keyring.display(), other.url());
    fs::write(distribution.apt_root().join("sources.list.d/other.list"), line).unwrap();
    [distribution, other]
}

/// What `import --json` says of each suite: origin and role.
fn roles(import: &serde_json::Value) -> Vec<[&str; 2]> {
    let suites = import["suites"].as_array().unwrap();
    suites.iter().map(|suite| ["origin", "role"].map(|key| suite[key].as_str().unwrap())).collect()
}

#[test]
fn a_third_party_is_shown_as_such_and_feeds_nothing_until_a_recipe_names_it() {
    let [distribution, _other] = two();
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    let imported = document(&on(&place, &distribution, &["import", "--json"]).run());
    assert_eq!(roles(&imported), [["Fixture", "distribution"], ["Elsewhere", "third-party"]]);
    let shown = on(&place, &distribution, &["import"]).run();
    assert!(shown.stdout.contains("Elsewhere  third party: never fed to a chroot"), "{shown:?}");

    let plan = on(&place, &distribution, &["plan", "x.lua"]).run();
    assert!(plan.stdout.contains("tiny-builds 1.0 (") && !plan.stdout.contains("9.0"), "{plan:?}");
    // Of `tiny-two`, only the third party has binaries, so nothing may count on them.
    let packages = imported["packages"].as_u64().unwrap();
    let named = listing("\"tiny-builds\"")
        .replace("cb.import()", "cb.import { sources = cb.apt.system { also = { \"Elsewhere\" } } }");
    place.write("x.lua", &named);
    let plan = document(&on(&place, &distribution, &["plan", "x.lua", "--json"]).run());
    assert_eq!(roles(&plan["steps"][0]["imported"]), [["Fixture", "distribution"], ["Elsewhere", "named"]]);
    assert_eq!(plan["steps"][0]["packages"].as_u64().unwrap(), packages + 3);
    assert_eq!(plan["steps"][1]["jobs"][0]["version"], "9.0");
}

#[test]
fn a_third_party_that_is_away_or_broken_is_left_out_with_a_note() {
    let [distribution, other] = two();
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    fs::write(other.path("dists/fixture/InRelease"), "nonsense").unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let list = distribution.apt_root().join("sources.list.d/gone.list");
    fs::write(&list, format!("deb [trusted=yes] http://localhost:{} fixture main\n", gone.port())).unwrap();
    let list = distribution.apt_root().join("sources.list.d/other.list");
    let line = fs::read_to_string(&list).unwrap().replace("127.0.0.1", "localhost");
    fs::write(&list, line).unwrap();

    let import = document(&on(&place, &distribution, &["import", "--json"]).run());
    assert_eq!(roles(&import), [["Fixture", "distribution"]]);
    let notes: Vec<&str> = import["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect();
    let left_out = "is left out, it is no part of the distribution: ";
    assert!(notes.len() == 2 && notes.iter().all(|note| note.contains(left_out)), "{notes:?}");
    assert!(notes[0].contains("expected an answer, got none"), "{notes:?}");
    assert!(notes[1].contains("expected a signed text"), "{notes:?}");
    let ran = on(&place, &distribution, &["x.lua"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains(left_out), "{ran:?}");

    let named = listing("\"tiny-builds\"")
        .replace("cb.import()", "cb.import { sources = cb.apt.system { also = { \"gone\" } } }");
    place.write("y.lua", &named);
    refused(&on(&place, &distribution, &["plan", "y.lua"]).run(), 5, &["y.lua:3: `cb.import`: ", "got none: "]);
}

#[test]
fn with_nothing_but_third_parties_there_is_nothing_to_build() {
    let [distribution, other] = two();
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    // The distribution's entry is disabled, and what is left serves binaries only.
    distribution.write_sources("Types: deb\nURIs: URL\nSuites: fixture\nComponents: main\nEnabled: no\n");
    fs::remove_dir_all(other.path("dists/fixture/main/source")).unwrap();
    other.sign_as(&other.key, |release| release.replace("Origin: Fixture", "Origin: Elsewhere"));
    let ran = on(&place, &distribution, &["x.lua"]).run();
    refused(&ran, 3, &["the imported suites list no source packages", "hint: add `deb-src` entries"]);
    assert!(ran.stdout.contains("has no source index for `main`, so it serves binary packages only"), "{ran:?}");
}

//! The recipes of `recipes/`, on the fixture archive.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fixture::base::architecture;
use crate::fixture::cache::copy_tree;
use crate::fixture::{Fixture, Making};
use crate::harness::Place;
use crate::slow_outcomes::{document, has_in_order, values};

/// A place with one of the recipes that come with the program.
fn with(name: &str) -> Place {
    let text = fs::read_to_string(format!("{}/recipes/{name}.lua", env!("CARGO_MANIFEST_DIR"))).unwrap();
    Place::with_recipe(&format!("{name}.lua"), &text)
}

#[test]
pub fn users_of_a_changed_package_are_rebuilt_against_the_old_one_and_the_new_one() {
    // Upstream has 1.0 and its user; the changed package is a 1.1 that no archive has.
    let fixture = Fixture::of(&Making::default().upstream("tiny-two"));
    let changed = Fixture::of(&Making::default().without_base().version("tiny-two", "1.1"));
    let place = with("rebuild_users_of");
    let dsc = changed.path("pool/main/tiny-two/tiny-two_1.1.dsc");
    let words = ["rebuild_users_of.lua", "--dsc", dsc.to_str().unwrap(), "--most", "3", "--json"];

    let help = place.cloudbuild(&["rebuild_users_of.lua", "--help"]).run();
    assert_eq!(help.code, Some(0), "{help:?}");
    assert!(help.stdout.contains("--most") && help.stdout.contains("how many of its users"), "{help:?}");

    let ran = place.cloudbuild_on(&fixture, &words).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let summary = document(&ran);
    let jobs = summary["jobs"].as_array().unwrap();
    let told = |job: &serde_json::Value| [&job["stage"], &job["source"]].map(|it| it.as_str().unwrap()).join(" ");
    let mut told: Vec<String> = jobs.iter().map(told).collect();
    told.sort();
    told.dedup();
    assert_eq!(told, ["changed tiny-two", "control tiny-needs", "users tiny-needs"]);
    assert!(jobs.iter().all(|job| job["state"] == "installed"), "{summary}");

    let out = place.state("rebuild_users_of").join("out");
    let index = out.join(format!("dists/users/main/binary-{}/Packages", architecture()));
    assert_eq!(values(&index, "Package:"), ["libtiny-dev", "libtiny1", "tiny-data", "tiny-needs"]);
    assert_eq!(values(&index, "Version:"), ["1.0", "1.1", "1.1", "1.1"]);
}

/// A tiny package whose development files are those of zlib by name.
fn of_zlib(place: &Place, package: &str) -> PathBuf {
    let tree = place.path().join("trees").join(package);
    fs::create_dir_all(tree.parent().unwrap()).unwrap();
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages").join(package), &tree);
    for file in ["control", "rules"] {
        let file = tree.join("debian").join(file);
        fs::write(&file, fs::read_to_string(&file).unwrap().replace("libtiny-dev", "zlib1g-dev")).unwrap();
    }
    tree
}

#[test]
pub fn flags_are_compared_on_what_uses_zlib() {
    let place = with("flags");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/recipes/bench-zlib.sh");
    fs::copy(folder, place.path().join("bench-zlib.sh")).unwrap();
    let (two, needs) = (of_zlib(&place, "tiny-two"), of_zlib(&place, "tiny-needs"));
    let mut making = Making::default().tree(&two).tree(&needs).upstream("tiny-two");
    for name in ["tiny-two", "tiny-needs"] {
        making.sources.remove(name);
    }
    let fixture = Fixture::of(&making);

    let ran = place.cloudbuild_on(&fixture, &["flags.lua", "--repeats", "2", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let summary = document(&ran);
    let jobs = summary["jobs"].as_array().unwrap();
    let mut stages: Vec<&str> = jobs.iter().map(|job| job["stage"].as_str().unwrap()).collect();
    stages.sort();
    assert_eq!(stages, ["first.LTO", "first.LTO.2", "first.O2", "first.O2.2", "first.O3", "first.O3.2"], "{summary:#}");
    assert!(jobs.iter().all(|job| job["source"] == "tiny-needs" && job["state"] == "installed"), "{summary:#}");
    let table = &summary["tables"][0];
    let cells = table["cells"].as_array().unwrap();
    assert_eq!(cells.iter().map(|cell| &cell["cell"]).collect::<Vec<_>>(), ["O3", "LTO"], "{table:#}");
    let page = fs::read_to_string(place.state("flags").join("report.html")).unwrap();
    has_in_order(&page, &["<h1>flags</h1>", "data-cell=\"O3\"", "data-cell=\"LTO\""]);
}

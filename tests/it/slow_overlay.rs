//! Overlays: local packages of lower versions supersede the archive's, in every stage and in what is published.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::fixture::base::architecture;
use crate::fixture::cache::copy_tree;
use crate::fixture::{Fixture, Making, output};
use crate::harness::Place;
use crate::slow_outcomes::{campaign, document, has_in_order, job, log, values};

/// The version of the overlay's library; the archive has 2.0.
const LOCAL: &str = "1.0+acme1";

/// What is built of it here: a suffix is asked for.
const MADE: &str = "1.0+acme1+b1";

/// An archive with a later version of the library, a package that needs it and another one, and binaries of both.
fn archive(place: &Place) -> Fixture {
    let needs = place.path().join("needs");
    tiny("tiny-needs", &needs);
    let control = fs::read_to_string(needs.join("debian/control")).unwrap();
    fs::write(needs.join("debian/control"), control.replace("(>= 1.0)", "(>= 1.0), tiny-builds")).unwrap();
    let mut making = Making::default().version("tiny-two", "2.0").upstream("tiny-two").upstream("tiny-builds");
    making.sources.remove("tiny-needs");
    Fixture::of(&making.tree(&needs))
}

fn tiny(package: &str, to: &Path) {
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages").join(package), to);
}

/// The library's tree as the overlay has it.
fn library(place: &Place) {
    let tree = place.path().join("two");
    tiny("tiny-two", &tree);
    let changelog = fs::read_to_string(tree.join("debian/changelog")).unwrap();
    fs::write(tree.join("debian/changelog"), changelog.replacen("(1.0)", &format!("({LOCAL})"), 1)).unwrap();
}

/// A binary package of the overlay that the archive has in a later version.
fn binary(place: &Place) {
    let tree = place.path().join("deb");
    fs::create_dir_all(tree.join("DEBIAN")).unwrap();
    let control = "Package: tiny-builds\nVersion: 0.1\nArchitecture: all\nMaintainer: Acme <acme@example.org>\n\
                   Description: ours\n";
    fs::write(tree.join("DEBIAN/control"), control).unwrap();
    let deb = place.path().join("tiny-builds.deb");
    output(Command::new("dpkg-deb").args(["--root-owner-group", "-b"]).arg(&tree).arg(&deb));
}

const RECIPE: &str = "
local cb = require \"cloudbuild\"
return cb.recipe { run = function(cb)
  local upstream = cb.import()
  local changed  = cb.import { dsc = \"tiny-flags_1.0.dsc\" }
  local fleet    = cb.launch { cb.here { slots = 2 } }
  local alone    = cb.order { sources = changed, packages = cb.everything {}, against = upstream }
  cb.build { stage = \"alone\", order = alone, against = upstream, on = fleet, suffix = \"~acme2\",
             maintainer = \"Acme <pkg@example.org>\" }

  local imported = cb.import { overlay = { cb.source_tree \"two\" { first = true, suffix = \"+b1\" }, cb.binary_package \"tiny-builds.deb\" } }
  local order    = cb.order { sources = imported, packages = { \"tiny-needs\", \"tiny-builds\" } }
  local first    = cb.build { stage = \"first\", order = order, on = fleet }
  local users    = cb.order { sources = imported, packages = { \"tiny-needs\" }, overlay = false }
  local second   = cb.build { stage = \"second\", order = users, against = imported, on = fleet }
  cb.publish { first, second, to = cb.dir \"archive\", suite = \"tiny\", prove = true }
end }";

#[test]
fn packages_of_lower_versions_supersede_and_that_they_did_is_confirmed() {
    let place = Place::with_recipe("tiny.lua", RECIPE);
    let fixture = archive(&place);
    library(&place);
    binary(&place);
    let flags = place.path().join("flags");
    tiny("tiny-flags", &flags);
    output(Command::new("dpkg-source").current_dir(place.path()).args(["-b", "flags"]));

    let plan = place.cloudbuild_on(&fixture, &["plan", "tiny.lua"]).run();
    assert_eq!(plan.code, Some(0), "{plan:?}");
    let tree = place.path().join("two").display().to_string();
    let line = format!("overlay: tiny-two {LOCAL}  (source tree `{tree}`, built first)");
    has_in_order(&plan.stdout, &[&line, "overlay: tiny-builds 0.1  (binary package `", "tiny-two 1.0+acme1 ("]);

    let ran = place.cloudbuild_on(&fixture, &["tiny.lua", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let (arch, summary) = (architecture(), document(&ran));
    let built = [
        format!("installed  tiny-two {LOCAL} ({arch})"),
        format!("building  tiny-needs 1.0 ({arch})"),
        format!("installed  tiny-needs 1.0 ({arch})"),
    ];
    has_in_order(&ran.stderr, &[&built[0], &built[1], &built[2]]);
    has_in_order(&log(&place, "tiny-needs"), &["libtiny-dev", MADE, "Status: successful"]);
    let ours =
        ["tiny-flags_1.0~acme2_", "Version: 1.0~acme2", "Changed-By: Acme <pkg@example.org>", "Status: successful"];
    has_in_order(&log(&place, "tiny-flags"), &ours);

    // The later stage names no other stage, and saw the same all the same: the first one's result has the same inputs.
    let jobs = summary["jobs"].as_array().unwrap();
    let of_stage = |stage: &str| jobs.iter().filter(|job| job["stage"] == stage).collect::<Vec<_>>();
    let [second] = of_stage("second")[..] else { panic!("{summary:#}") };
    assert_eq!((&second["source"], &second["reused"]), (&"tiny-needs".into(), &true.into()), "{second:#}");
    let [alone] = of_stage("alone")[..] else { panic!("{summary:#}") };
    assert_eq!((&alone["source"], &alone["state"]), (&"tiny-flags".into(), &"installed".into()), "{alone:#}");

    // Which file of which version was installed where.
    let superseded = summary["superseded"].as_array().unwrap();
    let told = |found: &serde_json::Value| {
        assert_eq!(found["sha256"].as_str().unwrap().len(), 64, "{found:#}");
        format!("{} {} in {}", found["package"].as_str().unwrap(), found["version"].as_str().unwrap(), found["builds"])
    };
    let expected =
        ["libtiny-dev 1.0+acme1+b1 in 2", "libtiny1 1.0+acme1+b1 in 2", "tiny-builds 0.1 in 2"].map(str::to_owned);
    assert_eq!(superseded.iter().map(told).collect::<Vec<_>>(), expected, "{summary:#}");
    let ran = place.cloudbuild_on(&fixture, &["explain", "tiny-needs"]).run();
    has_in_order(&ran.stdout, &["built with libtiny-dev 1.0+acme1+b1 (", "tiny-builds 0.1 (", "of the overlay"]);

    // What is published has nothing else of these names, and real apt installs it.
    let root = place.state("tiny").join("archive");
    let index = root.join(format!("dists/tiny/main/binary-{arch}/Packages"));
    assert_eq!(values(&index, "Package:"), ["libtiny-dev", "libtiny1", "tiny-builds", "tiny-data", "tiny-needs"]);
    assert_eq!(values(&index, "Version:"), ["0.1", "1.0", LOCAL, MADE, MADE]);
    assert_eq!(values(&root.join("dists/tiny/main/source/Sources"), "Package:"), ["tiny-needs", "tiny-two"]);
    assert_eq!(summary["published"][0]["proof"].as_array().unwrap().len(), 5, "{summary:#}");
}

#[test]
fn an_overlay_that_fails_stops_its_stage_and_nothing_is_published() {
    let recipe = RECIPE.replace("cb.import { dsc = \"tiny-flags_1.0.dsc\" }", "upstream");
    let before = recipe.find("  local alone").unwrap();
    let after = recipe.find("  local imported").unwrap();
    let recipe = format!("{}{}", &recipe[..before], &recipe[after..]);
    let place = Place::with_recipe("tiny.lua", &recipe);
    let fixture = archive(&place);
    library(&place);
    binary(&place);
    let rules = place.path().join("two/debian/rules");
    let text = fs::read_to_string(&rules).unwrap();
    fs::write(&rules, "#!/usr/bin/make -f\n$(error it is broken)\n").unwrap();
    let arch = architecture();
    for leases in 1..=2 {
        let ran = place.cloudbuild_on(&fixture, &["tiny.lua"]).run();
        assert_eq!(ran.code, Some(4), "{ran:?}");
        let said = format!("stage `first` stops: tiny-two {LOCAL} (");
        has_in_order(&ran.stderr, &[&said, "two` was not built: ", "not tried, since", "hint: ", "--restart"]);
        let status = place.status("tiny");
        assert_eq!(job(&status, "tiny-needs", arch)["state"], "dep-wait", "{status:#}");
        assert!(job(&status, "tiny-needs", arch)["reason"].as_str().unwrap().contains("of the overlay"));
        let most = ["all", arch].map(|arch| job(&status, "tiny-two", arch)["leases"].as_u64().unwrap());
        assert_eq!(most.iter().max(), Some(&leases), "{status:#}");
        assert!(!place.state("tiny").join("archive").exists());
        // The run has its own copy: what is mended is built only when it is begun anew.
        fs::write(&rules, &text).unwrap();
    }
}

#[test]
fn a_toolchain_is_built_first_and_only_its_own_cell_is_built_with_it() {
    let place = Place::new();
    let fixture = archive(&place);
    library(&place);
    let matrix = "prove = false, matrix = { cb.cell \"now\" {}, \
                  cb.toolchain \"ours\" { overlay = cb.source_tree \"two\" { first = true } } }";
    place.write("tiny.lua", &campaign(&["tiny-needs"], matrix));
    let ran = place.cloudbuild_on(&fixture, &["tiny.lua", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let summary = document(&ran);
    let jobs = summary["jobs"].as_array().unwrap();
    let told = |job: &serde_json::Value| [&job["stage"], &job["source"]].map(|it| it.as_str().unwrap()).join(" ");
    let mut told: Vec<String> = jobs.iter().map(told).collect();
    told.sort();
    told.dedup();
    assert_eq!(told, ["first.now tiny-needs", "first.ours tiny-needs", "first.ours tiny-two"]);
    let state = place.state("tiny");
    let built_with = |version: &str| {
        let logs = fs::read_dir(state.join("logs")).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()));
        let needs = logs.map(Result::unwrap).filter(|log| log.contains("Package: tiny-needs"));
        let installed = format!("libtiny-dev:{} ({version})", architecture());
        needs.filter(|log| log.contains(&installed)).count()
    };
    assert_eq!((built_with("2.0"), built_with(LOCAL)), (1, 1), "{summary:#}");
}

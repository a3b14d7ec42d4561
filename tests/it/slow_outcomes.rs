//! What comes of packages: built, failed, in need of each other; and the archive that real apt installs from.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::fixture::base::architecture;
use crate::fixture::{Fixture, Making};
use crate::harness::{Place, Ran};

/// A campaign of these packages, with more of its options.
pub fn campaign(packages: &[&str], more: &str) -> String {
    let packages = packages.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    format!(
        "local cb = require \"cloudbuild\"\nreturn cb.campaign \"tiny\" {{ packages = {{ {packages} }}, {more} }}\n"
    )
}

/// What `--json` printed.
pub fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error} in {ran:?}"))
}

/// The job of a package and an architecture in such a document.
pub fn job<'d>(document: &'d Value, source: &str, arch: &str) -> &'d Value {
    let jobs = document["jobs"].as_array().unwrap();
    let found = jobs.iter().find(|job| job["source"] == source && job["arch"] == arch);
    found.unwrap_or_else(|| panic!("no job of {source} for {arch} in {document:#}"))
}

/// Fails unless the text has these pieces, one after the other.
pub fn has_in_order(text: &str, pieces: &[&str]) {
    let mut rest = text;
    for piece in pieces {
        let at = rest.find(piece).unwrap_or_else(|| panic!("no `{piece}` at its place in:\n{text}"));
        rest = &rest[at + piece.len()..];
    }
}

/// The values of a field in an index, sorted.
pub fn values(index: &Path, field: &str) -> Vec<String> {
    let text = fs::read_to_string(index).unwrap_or_else(|error| panic!("{}: {error}", index.display()));
    let mut values: Vec<String> =
        text.lines().filter_map(|line| Some(line.strip_prefix(field)?.trim().into())).collect();
    values.sort();
    values
}

/// The log of a package as `cloudbuild logs` prints it.
pub fn log(place: &Place, word: &str) -> String {
    let ran = place.cloudbuild(&["logs", word]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.stdout.contains("cannot remove"), "sbuild can clean up after itself: {ran:?}");
    ran.stdout
}

#[test]
fn one_campaign_of_packages_that_build_and_packages_that_fail() {
    let fixture = Fixture::of(&Making::default());
    let packages = ["tiny-needs", "tiny-builds", "tiny-fails", "tiny-fails-tests", "tiny-two", "tiny-network"];
    let place = Place::with_recipe("tiny.lua", &campaign(&packages, "builders = cb.here { slots = 2 }"));
    let ran = place.cloudbuild_on(&fixture, &["tiny.lua", "--json"]).run();
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let arch = architecture();

    // What failed is shown with what the compiler and the tests said last, and where the rest of it is.
    let logs = place.state("tiny").join("logs").display().to_string();
    for (name, said, reason) in [
        ("tiny-fails", "tiny_is_not_declared_anywhere", "make: *** [debian/rules"),
        ("tiny-fails-tests", "FAIL: two and two is five", "make: *** [debian/rules"),
    ] {
        let title = format!("failed  {name} 1.0 ({arch}): {reason}");
        has_in_order(&ran.stderr, &[&title, "    | ", said, "    | dpkg-buildpackage: error: ", "    log: ", &logs]);
    }

    // The library comes first, and what needs it is built against the new one: nobody else has any. The other half of
    // its source is a job of its own that nobody waits for.
    let needs = format!("building  tiny-needs 1.0 ({arch})");
    has_in_order(&ran.stderr, &[&format!("installed  tiny-two 1.0 ({arch})"), &needs]);
    has_in_order(&ran.stderr, &["installed  tiny-two 1.0 (all)"]);
    has_in_order(&log(&place, "tiny-needs"), &["Get:", "/view/", "libtiny-dev", "1.0", "Status: successful"]);

    // A build has no way out, and the one to the archive ends with the installation of what it needs.
    let said = log(&place, "tiny-network");
    has_in_order(&said, &["tiny-network 1.0: 192.0.2.1:9: ", "tiny-network 1.0: network: no"]);

    let summary = document(&ran);
    let status = place.status("tiny");
    assert_eq!(status["counts"], serde_json::json!({"build-attempted": 2, "installed": 5}), "{status:#}");
    assert_eq!(status["jobs"], summary["jobs"], "{status:#}\n{summary:#}");
    assert_eq!(job(&status, "tiny-two", arch)["leases"], 1);
    assert_eq!(job(&status, "tiny-two", "all")["state"], "installed");
    let log_path = job(&status, "tiny-fails", arch)["log"].as_str().unwrap().to_owned();
    assert_eq!(fs::read_to_string(log_path).unwrap(), log(&place, "tiny-fails"));

    // The archive has them all, in the component that they came from, and apt installed each of them from there.
    let root = place.state("tiny").join("archive");
    let binaries = ["libtiny-dev", "libtiny1", "tiny-builds", "tiny-data", "tiny-needs", "tiny-network"];
    assert_eq!(values(&root.join(format!("dists/tiny/main/binary-{arch}/Packages")), "Package:"), binaries);
    let sources = ["tiny-builds", "tiny-needs", "tiny-network", "tiny-two"];
    assert_eq!(values(&root.join("dists/tiny/main/source/Sources"), "Package:"), sources);
    let published = &summary["published"][0];
    assert_eq!((&published["suite"], &published["components"]), (&"tiny".into(), &serde_json::json!(["main"])));
    assert_eq!(published["proof"].as_array().unwrap().len(), binaries.len(), "{published:#}");
    for line in [
        "proved  libtiny1 1.0: installed",
        "proved  tiny-builds 1.0: installed, /usr/bin/tiny-builds says \"tiny-builds 1.0: it works\"",
        "proved  tiny-data 1.0: installed, /usr/bin/tiny-data says \"tiny-data 1.0: it works\"",
        "proved  tiny-needs 1.0: installed, /usr/bin/tiny-needs says \"tiny-needs 1.0: libtiny 1.0 greets\"",
    ] {
        assert!(ran.stderr.contains(line), "no `{line}` in {ran:?}");
    }

    // The run can be asked about each of them.
    for (package, standing) in [("tiny-fails", "was not built\n  make: *** ["), ("libtiny1", "is built\n")] {
        let explained = place.cloudbuild_on(&fixture, &["explain", package]).run();
        assert!(explained.stdout.contains(&format!("({arch}), stage first, {standing}")), "{explained:?}");
    }
}

#[test]
fn packages_that_need_each_other_are_both_built_and_a_recipes_environment_reaches_the_builds() {
    let fixture = Fixture::of(&Making::default());
    let packages = ["tiny-loop-a", "tiny-loop-b", "tiny-fails-tests", "tiny-flags"];
    let environment = "environment = { DEB_BUILD_OPTIONS = \"nocheck\", DEB_CFLAGS_APPEND = \"-DASKED_FOR\" }, \
                       builders = cb.here { slots = 2 }";
    let place = Place::with_recipe("tiny.lua", &campaign(&packages, environment));
    let ran = place.cloudbuild_on(&fixture, &["tiny.lua"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let arch = architecture();

    // Either may go first; the other one is built against it.
    let loops = [["tiny-loop-a", "tiny-loop-b"], ["tiny-loop-b", "tiny-loop-a"]];
    let said = |[first, second]: &[&str; 2]| {
        ran.stdout.contains(&format!("{first}, {second} need each other to be built: 1 edge met by older binaries"))
    };
    let [first, second] = loops.into_iter().find(said).unwrap_or_else(|| panic!("no loop in {ran:?}"));
    let (first, second) = (format!("installed  {first} 1.0 ({arch})"), format!("building  {second} 1.0 ({arch})"));
    has_in_order(&ran.stdout, &[&first, &second, "done: 4 built\n"]);

    assert!(!log(&place, "tiny-fails-tests").contains("FAIL: "));
    let flags = log(&place, "tiny-flags");
    has_in_order(&flags, &["User Environment", "DEB_CFLAGS_APPEND=-DASKED_FOR", "gcc ", "-DASKED_FOR"]);
    let line =
        "proved  tiny-fails-tests 1.0: installed, /usr/bin/tiny-fails-tests says \"tiny-fails-tests 1.0: it works";
    assert!(ran.stdout.contains(line), "{ran:?}");
}

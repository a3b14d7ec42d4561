//! `recipes/armel.lua`: three stages on a cloud with EC2's API, published to S3. The cloud is the rig, whose instances
//! are real; here they build for the machine's own architecture, and by `tests/run --long armel` for armel, emulated.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::base::architecture;
use crate::fixture::cache::copy_tree;
use crate::fixture::{Fixture, Making};
use crate::harness::{Place, skip};
use crate::rig::{IMAGE, Rig};
use crate::seaweed::{BUCKET, KEY, SECRET, Seaweed};
use crate::slow_outcomes::{document, has_in_order};

/// A tiny package that is changed first.
pub fn changed(place: &Place, folder: &str, package: &str, changes: &[(&str, &str, &str)]) -> PathBuf {
    let tree = place.path().join("trees").join(folder);
    fs::create_dir_all(tree.parent().unwrap()).unwrap();
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages").join(package), &tree);
    for (file, from, to) in changes {
        let file = tree.join("debian").join(file);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&file, text.replace(from, to)).unwrap();
    }
    tree
}

/// The recipe, for the rig's cloud.
fn recipe(arch: &str) -> String {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/recipes/armel.lua")).unwrap();
    let archive = format!("s3://{BUCKET}/archive");
    let mirror = format!("s3://{BUCKET}/upstream");
    let how = if arch == architecture() { "" } else { ", how = cb.emulated {}" };
    [
        ("https://cloud.example.org/services/compute", "http://10.99.0.1:5000"),
        ("emi-12345678", IMAGE),
        ("region = \"lab\"", "region = \"us-east-1\""),
        ("= \"armel\",", &format!("= \"{arch}\"{how},")),
        ("s3://armel/archive", &archive),
        ("s3://armel/upstream", &mirror),
    ]
    .iter()
    .fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

/// What each stage built, and how it ended.
pub fn told(summary: &Value) -> Vec<String> {
    let text = |job: &Value, field: &str| job[field].as_str().unwrap().to_owned();
    let one = |job: &Value| [text(job, "stage"), text(job, "source"), text(job, "state")].join(" ");
    let mut told: Vec<String> = summary["jobs"].as_array().unwrap().iter().map(one).collect();
    told.sort();
    told.dedup();
    told
}

/// What the campaign is run on: a package that every system has, one that needs more memory than it gets unless it builds
/// one file after the other, and a library with its user.
fn fixture(place: &Place, making: Making) -> Fixture {
    let name = |file| (file, "tiny-builds", "tzdata");
    let base = changed(
        place,
        "base",
        "tiny-builds",
        &[name("control"), name("changelog"), name("rules"), ("changelog", "(1.0)", "(9999)")],
    );
    fs::rename(base.join("tiny-builds.c"), base.join("tzdata.c")).unwrap();
    let greedy = "\tcase \" $(DEB_BUILD_OPTIONS) \" in *\" parallel=1 \"*) ;; \
                  *) echo 'virtual memory exhausted: Cannot allocate memory'; exit 1;; esac\n\tgcc ";
    let greedy = changed(place, "greedy", "tiny-builds", &[("rules", "\tgcc ", greedy)]);
    let mut making = making.tree(&base).tree(&greedy).with_base_sources();
    making.sources.retain(|name, _| name == "tiny-needs" || name == "tiny-two");
    making.upstream.clear();
    let fixture = Fixture::of(&making);
    let entry = fs::read_to_string(fixture.apt_root().join("sources.list.d/fixture.sources")).unwrap();
    place.write("debian.sources", &entry.replace(&fixture.url(), &format!("file:{}", fixture.dir().display())));
    fixture
}

/// Runs the recipe for an architecture; what it told, and on which types of instances the greedy package was built.
fn run(rig: &Rig, arch: &str, making: Making) -> (Value, Vec<String>) {
    let seaweed = Seaweed::inside(rig.process(), "10.99.0.1");
    let place = Place::with_recipe("armel.lua", &recipe(arch));
    let fixture = fixture(&place, making);
    let only = ["tzdata", "tiny-two", "tiny-needs", "tiny-builds"].map(|name| ["--only", name]).concat();
    let call = |words: &[&str], more: &[&str]| {
        rig.inside(place.cloudbuild_on(&fixture, &[words, &only, more].concat()))
            .env("AWS_ENDPOINT_URL_S3", &seaweed.endpoint())
            .env("AWS_ACCESS_KEY_ID", KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .deadline(Duration::from_secs(3000))
    };
    let planned = call(&["plan", "armel.lua"], &[]).run();
    assert_eq!(planned.code, Some(0), "{planned:?}");
    let shown = [
        "launch   up to 60 of m2.2xlarge, m2.xlarge on `eucalyptus`",
        "stage `base`: up to 1 job",
        "stage `first`: up to 5 jobs",
        "stage `second`: up to 5 jobs",
        "publish  suite `armel` of base, first, second to s3://",
    ];
    has_in_order(&planned.stdout, &shown);
    assert_eq!(rig.tokens(), [""; 0], "a plan launches nothing");
    let ran = call(&["armel.lua"], &["--yes", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}\n{:#}", rig.state()["instances"]);
    let summary = document(&ran);
    let asked = "again, on a larger machine, with parallel=1 (`on_failure`, armel.lua:29)";
    assert!(ran.stderr.contains(asked), "{ran:?}");
    let types: BTreeMap<String, String> = rig.state()["instances"]
        .as_object()
        .unwrap()
        .values()
        .map(|instance| (instance["token"].as_str().unwrap().to_owned(), instance["type"].as_str().unwrap().to_owned()))
        .collect();
    let began = format!("building  tiny-builds 1.0 ({arch}) on ");
    let greedy =
        ran.stderr.lines().filter_map(|line| line.strip_prefix(&began)).map(|name| types[name].clone()).collect();
    assert_eq!(rig.alive(), [""; 0], "nothing is left running");
    // What is built with was copied into the cloud once, the chroot's packages, too; another run finds it there.
    let saved = |stderr: &str| {
        let notes = stderr.lines().filter_map(|line| line.strip_prefix("note: mirror: fetched "));
        let files =
            |note: &str, word: &str| note.split_once(word).unwrap().1.split(' ').next().unwrap().parse().unwrap();
        let both = notes.map(|note| (files(note, "saved "), files(note, "used again ")));
        both.fold((0, 0), |(saved, again), (more, used): (u64, u64)| (saved + more, again + used))
    };
    let key = format!("{}/{BUCKET}/archive/archive-key.asc", seaweed.endpoint());
    assert_eq!(summary["published"][0]["key"], key.as_str(), "{summary:#}");
    let (first, again) = saved(&ran.stderr);
    assert!(first > 100 && again == 0, "{ran:?}");
    let ran = call(&["armel.lua"], &["--restart", "--yes", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let (more, again) = saved(&ran.stderr);
    assert!(more == 0 && again > 0, "{ran:?}");
    (summary, greedy)
}

/// What came of it, whatever the architecture is.
fn is_complete(summary: &Value) {
    let told = told(summary);
    let expected = [
        "base tzdata installed",
        "first tiny-builds installed",
        "first tiny-needs installed",
        "first tiny-two installed",
        "first tzdata installed",
    ];
    assert_eq!(told, expected, "{summary:#}");
    assert!(summary["published"].to_string().contains("s3://archive/archive"), "{summary:#}");
}

#[test]
pub fn an_archive_is_built_in_three_stages_on_a_cloud_and_what_needs_a_larger_machine_gets_one() {
    let Some(rig) = Rig::start("recipes/armel.lua", "euca") else { return };
    // The larger type is not to be had at first.
    rig.control("/faults", json!({"capacity": {"m2.2xlarge": 1}}));
    let (summary, greedy) = run(&rig, architecture(), Making::default());
    is_complete(&summary);
    // Once more, and then as the recipe's hook says.
    assert_eq!(greedy.len(), 3, "{greedy:?}");
    assert_eq!(greedy[..2], ["m2.xlarge", "m2.2xlarge"]);
}

#[test]
fn the_archive_of_an_older_arm_is_built_in_three_stages_emulated_on_a_cloud() {
    if std::env::var_os("CLOUDBUILD_TEST_ARMEL").is_none() {
        return skip("recipes/armel.lua for armel", "tests/run --long armel runs it");
    }
    let rig = Rig::start("recipes/armel.lua for armel", "euca").expect("it was asked for");
    let (summary, greedy) = run(&rig, "armel", Making::default().foreign("armel"));
    is_complete(&summary);
    assert!(greedy.len() >= 2, "{greedy:?}");
    let arches: Vec<&str> =
        summary["jobs"].as_array().unwrap().iter().map(|job| job["arch"].as_str().unwrap()).collect();
    assert!(arches.contains(&"armel") && !arches.contains(&architecture()), "{arches:?}");
}

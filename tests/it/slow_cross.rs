//! Builds for another architecture: across, and emulated. They fetch a base system of it, and unpack cross compilers, so
//! they run only where `CLOUDBUILD_TEST_CROSS` is set: `tests/run --long cross`.

use std::process::Command;

use crate::fixture::base::architecture;
use crate::fixture::{Fixture, Making, output};
use crate::harness::{Place, skip};
use crate::slow_outcomes::{document, log, values};

/// Another architecture than the machine's, and the number that ELF files for it have.
fn foreign() -> (&'static str, u8) {
    if architecture() == "arm64" { ("amd64", 62) } else { ("arm64", 183) }
}

/// Whether these tests run; says so where they do not.
fn wanted(name: &str) -> bool {
    let wanted = std::env::var_os("CLOUDBUILD_TEST_CROSS").is_some();
    if !wanted {
        skip(name, "tests/run --long cross runs it");
    }
    wanted
}

/// A recipe that builds `tiny-two`, which has packages for an architecture and for all, in these ways.
fn recipe(how: &str, more: &str) -> String {
    let (foreign, own) = (foreign().0, architecture());
    format!(
        r#"local cb = require "cloudbuild"
return cb.recipe {{
  {more}
  run = function(cb)
    local upstream = cb.import {{ arch = "{foreign}", build_arch = "{own}" }}
    local order = cb.order {{ sources = upstream, packages = {{ "tiny-two" }} }}
    local built = cb.build {{ order = order, on = cb.launch {{ cb.here {{ slots = 1 }} }}, how = {{ {how} }} }}
    cb.publish {{ built, to = cb.dir "archive" }}
    return built.jobs
  end,
}}
"#
    )
}

/// Runs it; the states of its jobs, and the machine that the library in the archive is for.
fn run(place: &Place, fixture: &Fixture) -> (Vec<String>, u8) {
    let ran = place.cloudbuild_on(fixture, &["tiny.lua", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let status = place.status("tiny");
    let text = |job: &serde_json::Value, field: &str| job[field].as_str().unwrap().to_owned();
    let mut jobs: Vec<String> = status["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| format!("{} {} {}", text(job, "source"), text(job, "arch"), text(job, "state")))
        .collect();
    jobs.sort();
    let archive = place.state("tiny").join("archive/pool");
    let found = walkdir::WalkDir::new(archive).into_iter().map(|entry| entry.unwrap().into_path());
    let mut libraries = found.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("libtiny1_"));
    let library = libraries.next().expect("the archive has the library");
    assert!(library.to_str().unwrap().ends_with(&format!("_{}.deb", foreign().0)), "{}", library.display());
    let unpacked = place.path().join("unpacked");
    output(Command::new("dpkg-deb").arg("-x").arg(&library).arg(&unpacked));
    let mut files = walkdir::WalkDir::new(&unpacked).into_iter().map(|entry| entry.unwrap().into_path());
    let library = files.find(|path| path.ends_with("libtiny.so.1")).unwrap();
    (jobs, std::fs::read(library).unwrap()[18])
}

#[test]
fn a_package_is_built_across_and_its_independent_half_on_the_machine_itself() {
    if !wanted("a package is built across") {
        return;
    }
    let (foreign, machine) = foreign();
    let fixture = Fixture::of(&Making::default().foreign(foreign));
    let how = format!("cb.cross {{ build = {:?} }}", architecture());
    let place = Place::with_recipe("tiny.lua", &recipe(&how, ""));
    let (jobs, is) = run(&place, &fixture);
    assert_eq!(jobs, ["tiny-two all installed", &format!("tiny-two {foreign} installed")]);
    assert_eq!(is, machine, "the compiler was the cross compiler");
    let log = log(&place, &format!("tiny-two:{foreign}"));
    assert!(log.contains(&format!("Host Architecture: {foreign}")), "{log}");
    assert!(log.contains(&format!("crossbuild-essential-{foreign}")), "{log}");
}

#[test]
fn a_hook_has_a_package_emulated_that_could_be_built_across() {
    if !wanted("a package is built emulated") {
        return;
    }
    let (foreign, machine) = foreign();
    let fixture = Fixture::of(&Making::default().foreign(foreign));
    let how = format!("cb.cross {{ build = {:?} }}, cb.emulated()", architecture());
    let hook =
        "hooks = { choose_how = function(source) if source.name == \"tiny-two\" then return \"emulated\" end end },";
    let place = Place::with_recipe("tiny.lua", &recipe(&how, hook));
    let doctor = place.cloudbuild(&["doctor", "--arch", foreign]).run();
    if !doctor.stdout.contains("emulated by") {
        return skip(
            "a package is built emulated",
            "the kernel starts no emulator; `cloudbuild setup --arch` arranges it",
        );
    }
    let (jobs, is) = run(&place, &fixture);
    assert_eq!(jobs, ["tiny-two all installed", &format!("tiny-two {foreign} installed")]);
    assert_eq!(is, machine);
    let log = log(&place, &format!("tiny-two:{foreign}"));
    assert!(!log.contains("crossbuild-essential"), "{log}");
}

#[test]
fn what_asks_for_more_than_an_instruction_set_is_not_published() {
    if !wanted("what asks for more than an instruction set") {
        return;
    }
    let fixture = Fixture::of(&Making::default().foreign("armhf"));
    let run = |arch: &str, fpu: &str| {
        let text = format!(
            r#"local cb = require "cloudbuild"
return cb.campaign "old" {{
  arch = "armhf", packages = {{ "tiny-two" }}, how = {{ cb.cross {{ build = "{}" }} }}, prove = false,
  verify = {{ isa = {{ arch = "{arch}", fpu = "{fpu}" }}, installable = true }},
}}
"#,
            architecture()
        );
        let place = Place::with_recipe("old.lua", &text);
        let ran = place.cloudbuild_on(&fixture, &["old.lua", "--json"]).run();
        let index = place.state("old").join("archive/dists/old/main/binary-armhf/Packages");
        (ran.code, document(&ran)["verified"].clone(), values(&index, "Package:"))
    };
    // Debian's own compiler makes what an ARMv7 runs.
    let (code, verified, published) = run("armv7-a", "vfpv3-d16");
    assert_eq!((code, &verified), (Some(0), &serde_json::Value::Null));
    assert_eq!(published, ["libtiny-dev", "libtiny1", "tiny-data"]);
    let (code, verified, published) = run("armv6", "vfp");
    assert_eq!(code, Some(4), "{verified:#}");
    let what = verified[0]["verified"]["what"].as_str().unwrap();
    assert!(what.contains("libtiny.so.1` asks for ARMv7"), "{what}");
    assert_eq!(published, ["tiny-data"]);
}

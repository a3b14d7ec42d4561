//! The recipes for boards, seen ahead: what a plan says of them on an archive that stands in for a distribution.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::fixture::base::architecture;
use crate::fixture::{Fixture, Making, SUITE, output, write_index};
use crate::harness::{Place, Ran};
use crate::refused::{document, on};
use crate::slow_outcomes::has_in_order;

/// A binary package in an index, without a file.
fn package(name: &str, source: &str, arch: &str, more: &str) -> String {
    format!(
        "Package: {name}\nSource: {source}\nVersion: 1.0\nArchitecture: {arch}\nMaintainer: Nobody <n@example.org>\n\
         {more}Filename: pool/main/{name}_1.0_{arch}.deb\nSize: 1000\nSHA256: {:064}\nDescription: it\n\n",
        name.len()
    )
}

/// A source package in an index, without files that can be fetched.
fn source(name: &str, more: &str) -> String {
    let file = format!("{} 1000 {name}_1.0.dsc", "a".repeat(64));
    format!(
        "Package: {name}\nBinary: {name}\nVersion: 1.0\nArchitecture: any\nMaintainer: Nobody <n@example.org>\n\
         Format: 3.0 (native)\nDirectory: pool/main\n{more}Checksums-Sha256:\n {file}\n\n"
    )
}

/// A small distribution for armhf.
fn distribution() -> Fixture {
    let fixture = Fixture::of(&Making::default().without_base());
    let dists = fixture.path(&format!("dists/{SUITE}/main"));
    let essential = "Essential: yes\nPriority: required\nSection: libs\n";
    let mut packages = [
        package("libc6", "glibc", "armhf", "Priority: required\nSection: libs\n"),
        package("base-files", "base-files", "armhf", essential),
        package("apt", "apt", "armhf", "Priority: required\n"),
        package("dpkg-dev", "dpkg", "armhf", "Depends: libc6\n"),
        package("gcc", "gcc-14", "armhf", "Depends: libc6\n"),
        package("make", "make", "armhf", "Depends: libc6\n"),
        package("build-essential", "build-essential", "armhf", "Depends: dpkg-dev, gcc, make\n"),
        package("systemd", "systemd", "armhf", "Depends: libssl3\nPriority: important\n"),
        package("acme-image-meta", "acme-image", "armhf", "Depends: ffmpeg, acme-firmware, systemd\n"),
        package("acme-firmware", "acme-firmware", "armhf", ""),
        package("ffmpeg", "ffmpeg", "armhf", "Section: video\n"),
        package("libssl3", "openssl", "armhf", "Section: libs\n"),
        package("libssl-dev", "openssl", "armhf", "Depends: libssl3\n"),
    ];
    packages.sort();
    write_index(&dists.join("binary-armhf"), "Packages", packages.concat().as_bytes());
    let own = packages.concat().replace("armhf", architecture());
    write_index(&dists.join(format!("binary-{}", architecture())), "Packages", own.as_bytes());
    let sources = [
        source("glibc", "Section: libs\n"),
        source("base-files", ""),
        source("apt", ""),
        source("dpkg", ""),
        source("gcc-14", ""),
        source("make", ""),
        source("build-essential", ""),
        source("systemd", "Build-Depends: libssl-dev\nSection: admin\n"),
        source("acme-image", ""),
        source("ffmpeg", "Section: video\nBuild-Depends: libssl-dev\n"),
        source("openssl", "Section: libs\n"),
    ];
    write_index(&dists.join("source"), "Sources", sources.concat().as_bytes());
    fixture.sign();
    fixture
}

/// A place with one of the recipes that come with the program, and the local packages that it names.
pub fn with(name: &str) -> Place {
    let text = fs::read_to_string(format!("{}/recipes/{name}.lua", env!("CARGO_MANIFEST_DIR"))).unwrap();
    Place::with_recipe(&format!("{name}.lua"), &text)
}

/// A source tree of a name and version that makes one package.
fn tree(place: &Path, folder: &str, source: &str, version: &str) {
    let at = place.join(folder).join("debian");
    fs::create_dir_all(at.join("source")).unwrap();
    let write = |name: &str, text: String| fs::write(at.join(name), text).unwrap();
    write("source/format", "1.0\n".to_owned());
    write(
        "changelog",
        format!(
            "{source} ({version}) unstable; urgency=low\n\n  * Ours.\n\n -- A <a@example.org>  Sat, 01 Jan 2022 00:00:00 +0000\n"
        ),
    );
    let control = format!(
        "Source: {source}\nSection: misc\nMaintainer: A <a@example.org>\nStandards-Version: 4.6.2\n\n\
         Package: {source}\nArchitecture: any\nDescription: ours\n"
    );
    write("control", control);
}

fn plan(place: &Place, fixture: &Fixture, recipe: &str) -> (Ran, serde_json::Value) {
    let ran = on(place, fixture, &["plan", recipe]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let checked = on(place, fixture, &["recipe", "check", recipe]).run();
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let json = document(&on(place, fixture, &["plan", recipe, "--json"]).run());
    (ran, json)
}

#[test]
pub fn the_oems_image_is_planned_with_its_local_packages_and_flags() {
    let fixture = distribution();
    let place = with("oem");
    let entry = fs::read_to_string(fixture.apt_root().join("sources.list.d/fixture.sources")).unwrap();
    place.write("acme.sources", &entry);
    tree(place.path(), "gcc", "gcc-14", "14.2.0-19+acme1");
    output(Command::new("dpkg-source").current_dir(place.path()).args(["-b", "gcc"]));
    tree(place.path(), "u-boot", "u-boot", "2024.01");
    let deb = place.path().join("deb/DEBIAN");
    fs::create_dir_all(&deb).unwrap();
    let control = "Package: acme-firmware\nVersion: 3.1\nArchitecture: armhf\nMaintainer: A <a@example.org>\n\
                   Description: ours\n";
    fs::write(deb.join("control"), control).unwrap();
    let built = ["--root-owner-group", "-b", "deb", "acme-firmware_3.1_armhf.deb"];
    output(Command::new("dpkg-deb").current_dir(place.path()).args(built));
    let (told, plan) = plan(&place, &fixture, "oem.lua");
    has_in_order(
        &told.stdout,
        &[
            "overlay: gcc-14 14.2.0-19+acme1  (source package `",
            "overlay: u-boot 2024.01  (source tree `",
            "overlay: acme-firmware 3.1  (binary package `",
            "order    6 jobs\n",
            "gcc-14 14.2.0-19+acme1 (armhf)\n",
            "acme-image 1.0 (armhf)  after gcc-14",
            "flags by variant armhf-a8 for 3 jobs: gcc-14, u-boot, acme-image",
            "flags by variant armhf-a8, rule 1 (oem.lua:24) for 1 job: openssl",
            "append -march=armv7-a -mtune=cortex-a8 -mfpu=neon -mfloat-abi=hard -O3",
            "rule 3 (oem.lua:26) for 1 job: systemd",
            "rule 2 (oem.lua:25), rule 3 (oem.lua:26) for 1 job: ffmpeg",
            "DEB_BUILD_OPTIONS=nocheck",
            "publish  suite `acme` of first to out",
        ],
    );
    let overlay = step(&plan, "import")["overlay"].as_array().unwrap();
    assert_eq!(overlay.iter().map(|local| &local["first"]).collect::<Vec<_>>(), [true, false, false]);
}

#[test]
pub fn an_older_processor_is_planned_across_and_below_its_base() {
    let fixture = distribution();
    let place = with("armv6");
    tree(place.path(), "gcc-12-armv6", "gcc-12", "12.2.0-14+armv6");
    let (told, plan) = plan(&place, &fixture, "armv6.lua");
    let flags = "append -marm -march=armv6 -mfpu=vfp -mfloat-abi=hard";
    let stage = |name: &str, jobs: u32| {
        [format!("build    stage `{name}`: up to {jobs} jobs"), format!("cross on {}: {jobs} jobs", architecture())]
    };
    let said = [stage("base", 10), [flags.to_owned(), "order    12 jobs".to_owned()], stage("first", 12)].concat();
    has_in_order(&told.stdout, &said.iter().map(String::as_str).collect::<Vec<_>>());
    let only_cross = &step(&plan, "order")["against"][0]["cross-only"];
    assert_eq!(*only_cross, step(&plan, "order")["import"], "below its base a variant sees nothing of it: {plan:#}");
}

/// What the first call of a primitive asks for.
fn step<'p>(plan: &'p serde_json::Value, primitive: &str) -> &'p serde_json::Value {
    let decided = plan["decided"].as_array().unwrap();
    &decided.iter().find(|step| step["request"]["primitive"] == primitive).unwrap()["request"]
}

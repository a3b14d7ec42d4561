//! `recipes/armv6.lua`, built across. It fetches a base system of armhf, so it runs only where `CLOUDBUILD_TEST_BOARDS` is
//! set: `tests/run --long boards`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::boards::with;
use crate::fixture::{Fixture, Making, output};
use crate::harness::{Place, skip};
use crate::slow_armel::told;
use crate::slow_outcomes::{document, values};

/// How long an emulated build and its chroot may take.
const PATIENCE: Duration = Duration::from_secs(3000);

fn wanted(name: &str) -> bool {
    let wanted = std::env::var_os("CLOUDBUILD_TEST_BOARDS").is_some();
    if !wanted {
        skip(name, "tests/run --long boards runs it");
    }
    wanted
}

/// What was verified and did not hold, and why.
fn verified(summary: &Value) -> Vec<String> {
    let text = |one: &Value, field: &str| one["verified"][field].as_str().unwrap().to_owned();
    let all = summary["verified"].as_array().into_iter().flatten();
    all.map(|one| format!("{} {}: {}", text(one, "check"), text(one, "outcome"), text(one, "what"))).collect()
}

/// A package without a C library: what ours is built with below its base, it brings along.
fn bare(place: &Place, folder: &str, name: &str, version: &str) -> std::path::PathBuf {
    let tree = place.path().join(folder);
    let write = |file: &str, text: String| {
        let file = tree.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    write("bare.c", BARE.replace("MORE", if name == "later" { LATER } else { "" }));
    write("debian/source/format", "3.0 (native)\n".to_owned());
    let signed = "A <a@example.org>  Sat, 01 Jan 2022 00:00:00 +0000";
    write("debian/changelog", format!("{name} ({version}) unstable; urgency=low\n\n  * Ours.\n\n -- {signed}\n"));
    write(
        "debian/control",
        format!(
            "Source: {name}\nSection: misc\nMaintainer: A <a@example.org>\nStandards-Version: 4.6.2\n\
             Rules-Requires-Root: no\n\nPackage: {name}\nArchitecture: any\nDescription: needs no library\n"
        ),
    );
    write("debian/rules", RULES.replace("NAME", name));
    output(Command::new("chmod").arg("755").arg(tree.join("debian/rules")));
    tree
}

const BARE: &str = "\
double half(double x) { return x * 0.5; }
void _start(void)
{
    MORE
    register int number __asm__(\"r7\") = 1;
    register int status __asm__(\"r0\") = 0;
    __asm__ volatile(\"svc 0\" : : \"r\"(number), \"r\"(status));
    for (;;) { }
}
";

/// Loads a number in a way that an ARMv6 does not know.
const LATER: &str = "__asm__ volatile(\".arch armv7-a\\nmovw r1, #1\" : : : \"r1\");";

const RULES: &str = "#!/usr/bin/make -f
CFLAGS := $(shell dpkg-buildflags --get CFLAGS) -fno-stack-protector
CC := $(shell dpkg-architecture -qDEB_HOST_GNU_TYPE)-gcc
build: build-arch build-indep
build-indep:
build-arch:
\t$(CC) $(CFLAGS) -nostdlib -static -o NAME bare.c
binary: binary-arch binary-indep
binary-indep:
binary-arch: build-arch
\tinstall -D -m 755 NAME debian/NAME/usr/bin/NAME
\tinstall -d debian/NAME/DEBIAN
\tdpkg-gencontrol -pNAME -Pdebian/NAME
\tdpkg-deb --root-owner-group --build debian/NAME ..
clean:
\trm -rf NAME debian/NAME debian/files
.PHONY: build build-arch build-indep binary binary-arch binary-indep clean
";

#[test]
fn an_older_processor_gets_an_archive_of_its_own_in_which_nothing_asks_for_more() {
    if !wanted("recipes/armv6.lua") {
        return;
    }
    let place = with("armv6");
    bare(&place, "gcc-12-armv6", "gcc-12", "99.armv6");
    let (base, tool) = (bare(&place, "trees/tzdata", "tzdata", "9999"), bare(&place, "trees/tool", "tool", "1.0"));
    let later = bare(&place, "trees/later", "later", "1.0");
    let mut making = Making::default().foreign("armhf").with_base_sources().tree(&base).tree(&tool).tree(&later);
    making.sources.clear();
    making.upstream.clear();
    let fixture = Fixture::of(&making);
    let words = ["armv6.lua", "--json", "--only", "tzdata", "--only", "tool", "--only", "later"];
    let ran = place.cloudbuild_on(&fixture, &words).deadline(PATIENCE).run();
    assert_eq!(ran.code, Some(4), "one asks for more than there is: {ran:?}");
    let summary = document(&ran);
    let built = ["base gcc-12", "base tzdata", "first gcc-12", "first later", "first tool", "first tzdata"];
    assert_eq!(told(&summary), built.map(|job| format!("{job} installed")), "{summary:#}");
    let isa = |file: &str| format!("isa failed: {file} asks for ARMv7");
    let run_under = "run_under failed: /usr/bin/later has an instruction that arm1176 does not know".to_owned();
    assert_eq!(verified(&summary), [isa("later_1.0_armhf.deb: `usr/bin/later`"), run_under], "{summary:#}");
    let index = place.state("armv6").join("archive/dists/armv6/main/binary-armhf/Packages");
    assert_eq!(values(&index, "Package:"), ["gcc-12", "tool", "tzdata"]);
    assert_eq!(starts(&place, "tool"), Some(0), "it runs on the processor that it is for");
}

/// How a program of the archive ends under an emulator of the processor.
fn starts(place: &Place, name: &str) -> Option<i32> {
    let pool = place.state("armv6").join("archive/pool");
    let debs = walkdir::WalkDir::new(pool).into_iter().map(|entry| entry.unwrap().into_path());
    let is = |path: &Path| path.file_name().unwrap().to_str().unwrap().starts_with(&format!("{name}_"));
    let deb = debs.filter(|path| path.extension().is_some_and(|it| it == "deb")).find(|path| is(path)).unwrap();
    let root = place.path().join("root");
    output(Command::new("dpkg-deb").arg("-x").arg(deb).arg(&root));
    let program = root.join("usr/bin").join(name);
    Command::new("qemu-arm-static").args(["-cpu", "arm1176"]).arg(program).status().unwrap().code()
}

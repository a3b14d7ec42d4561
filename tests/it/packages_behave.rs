//! Each tiny package does what its name says, built by dpkg-buildpackage right here.

use std::path::Path;
use std::process::{Command, Output};

use crate::fixture::tiny::{build_command, named};
use crate::harness::skip;

/// Builds a package, with variables; what dpkg-buildpackage said, and whether it succeeded, and what the package's
/// program says when it is run where it was built.
fn build(name: &str, variables: &[(&str, &str)]) -> (Output, String) {
    let work = named(name, "1.0").unpacked();
    let tree = work.path().join(name);
    let built = build_command(&tree).envs(variables.iter().copied()).output().unwrap();
    (built, program(&tree.join(name)))
}

fn program(path: &Path) -> String {
    Command::new(path).output().map(|ran| String::from_utf8(ran.stdout).unwrap()).unwrap_or_default()
}

fn log(built: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&built.stdout), String::from_utf8_lossy(&built.stderr))
}

#[test]
fn tiny_builds_builds_and_its_program_runs() {
    let (built, says) = build("tiny-builds", &[]);
    assert!(built.status.success(), "{}", log(&built));
    assert_eq!(says, "tiny-builds 1.0: it works\n");
}

#[test]
fn tiny_fails_fails_in_the_compiler() {
    let (built, _) = build("tiny-fails", &[]);
    assert!(!built.status.success());
    assert!(log(&built).contains("tiny_is_not_declared_anywhere"), "{}", log(&built));
}

#[test]
fn tiny_fails_tests_fails_unless_nocheck() {
    let (built, _) = build("tiny-fails-tests", &[]);
    assert!(!built.status.success());
    assert!(log(&built).contains("FAIL: two and two is five"), "{}", log(&built));
    let (built, _) = build("tiny-fails-tests", &[("DEB_BUILD_OPTIONS", "nocheck")]);
    assert!(built.status.success(), "{}", log(&built));
}

#[test]
fn tiny_flags_tells_its_flags() {
    let (built, says) = build("tiny-flags", &[("DEB_CFLAGS_APPEND", "-O1 -fno-inline")]);
    assert!(built.status.success(), "{}", log(&built));
    assert!(says.contains("\nDEB_CFLAGS_APPEND=-O1 -fno-inline\nCFLAGS=-g -O2 "), "{says}");
    assert!(says.ends_with(" -O1 -fno-inline\n"), "{says}");
}

#[test]
fn the_loop_builds_only_with_the_other_one() {
    for (name, other) in [("tiny-loop-a", "tiny-loop-b"), ("tiny-loop-b", "tiny-loop-a")] {
        let (built, _) = build(name, &[]);
        assert!(!built.status.success() && log(&built).contains(other), "{}", log(&built));
        assert_eq!(build(name, &[("PEER", "true")]).1, format!("{name} 1.0: it works\n"));
    }
}

#[test]
fn tiny_two_makes_two_packages_and_one_for_all_and_tiny_needs_runs_with_them() {
    let work = named("tiny-two", "1.0").unpacked();
    let built = build_command(&work.path().join("tiny-two")).output().unwrap();
    assert!(built.status.success(), "{}", log(&built));
    let root = work.path().join("root");
    for package in ["libtiny1", "libtiny-dev", "tiny-data"] {
        let architecture = if package == "tiny-data" { "all" } else { crate::fixture::base::architecture() };
        let file = work.path().join(format!("{package}_1.0_{architecture}.deb"));
        assert!(Command::new("dpkg-deb").arg("-x").arg(file).arg(&root).status().unwrap().success());
    }
    let triplet = Command::new("dpkg-architecture").args(["-q", "DEB_HOST_MULTIARCH"]).output().unwrap();
    let libraries = root.join("usr/lib").join(String::from_utf8(triplet.stdout).unwrap().trim());
    let needs = named("tiny-needs", "1.0").unpacked();
    let (source, binary) = (needs.path().join("tiny-needs/tiny-needs.c"), needs.path().join("run"));
    let mut compiler = Command::new("gcc");
    compiler.arg("-DVERSION=\"1.0\"").arg("-I").arg(root.join("usr/include")).arg("-L").arg(&libraries);
    assert!(compiler.arg("-o").arg(&binary).arg(&source).arg("-ltiny").status().unwrap().success());
    let ran = Command::new(&binary).env("LD_LIBRARY_PATH", &libraries).output().unwrap();
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), "tiny-needs 1.0: libtiny 1.0 greets\n");
}

#[test]
fn tiny_network_builds_only_without_one() {
    let test = "tiny_network_builds_only_without_one";
    let without = ["--user", "--map-root-user", "--net"];
    if !Command::new("unshare").args(without).arg("true").status().is_ok_and(|status| status.success()) {
        return skip(test, "this machine forbids user namespaces, so there is no place without a network");
    }
    let work = named("tiny-network", "1.0").unpacked();
    let tree = work.path().join("tiny-network");
    let plain = build_command(&tree);
    let mut command = Command::new("unshare");
    command.current_dir(&tree).args(without).arg(plain.get_program()).args(plain.get_args());
    let built = command.output().unwrap();
    assert!(built.status.success(), "{}", log(&built));
    assert!(log(&built).contains("tiny-network 1.0: network: no"), "{}", log(&built));

    if std::fs::read_to_string("/proc/net/route").is_ok_and(|routes| routes.lines().count() < 2) {
        return skip(test, "its other half needs a route out of this machine, and there is none");
    }
    let (built, _) = build("tiny-network", &[]);
    assert!(!built.status.success());
    assert!(log(&built).contains("tiny-network 1.0: network: yes"), "{}", log(&built));
}

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::ending::{Ending, Exit, ending, last_words, phase};
use super::{Layout, Task, TaskError, arguments, configuration, prepare_script};
use crate::core::job::Fault;

fn task() -> Task {
    Task {
        dsc: "hello_2.10-3.dsc".to_owned(),
        arch: "amd64".to_owned(),
        chroot_arch: "amd64".to_owned(),
        cross_depends: Vec::new(),
        distribution: "bookworm".to_owned(),
        view_url: "http://127.0.0.1:8080/view/0a/".to_owned(),
        view_key: "-----BEGIN PGP PUBLIC KEY BLOCK-----\nabc\n-----END PGP PUBLIC KEY BLOCK-----\n".to_owned(),
        chroot: PathBuf::from("/cache/chroots/0b.tar"),
        environment: BTreeMap::new(),
        changelog: None,
        parallel: 2,
    }
}

fn layout() -> Layout {
    Layout { root: PathBuf::from("/cache/builds/j1-1") }
}

fn variables(pairs: &[(&str, &str)]) -> Result<String, TaskError> {
    let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    configuration(&Task { environment, ..task() }, &layout())
}

#[test]
fn a_real_architecture_leaves_out_the_independent_half_and_all_builds_only_that() {
    let any = arguments(&task(), &layout()).unwrap();
    assert!(any.contains(&"--arch-any".to_owned()) && any.contains(&"--no-arch-all".to_owned()), "{any:?}");
    let all = arguments(&Task { arch: "all".to_owned(), ..task() }, &layout()).unwrap();
    assert!(all.contains(&"--arch-all".to_owned()) && all.contains(&"--no-arch-any".to_owned()), "{all:?}");
    assert_eq!(all.last().unwrap(), "/cache/builds/j1-1/source/hello_2.10-3.dsc");
}

#[test]
fn a_cross_build_names_both_architectures_and_what_it_needs_besides() {
    let cross_depends = vec!["libc-dev:armhf".to_owned()];
    let cross = Task { arch: "armhf".to_owned(), cross_depends, ..task() };
    let arguments = arguments(&cross, &layout()).unwrap();
    assert_eq!(arguments[..2], ["--build=amd64", "--host=armhf"]);
    let text = configuration(&cross, &layout()).unwrap();
    assert!(text.contains("$crossbuild_core_depends = { 'armhf' => ['libc-dev:armhf'] };"), "{text}");
}

#[test]
fn a_word_that_sbuild_would_take_for_an_option_or_a_path_is_refused() {
    for dsc in ["--help.dsc", "../x.dsc", "a/b.dsc", ""] {
        let refused = arguments(&Task { dsc: dsc.to_owned(), ..task() }, &layout());
        assert!(matches!(refused, Err(TaskError::Word { .. })), "{dsc}");
    }
}

#[test]
fn values_of_variables_reach_perl_unchanged_whatever_they_hold() {
    let text = variables(&[("DEB_CFLAGS_APPEND", "-O2 '$x' \\ @y\n\"z\"")]).unwrap();
    assert!(text.contains("'DEB_CFLAGS_APPEND' => '-O2 \\'$x\\' \\\\ @y\n\"z\"',"), "{text}");
}

#[test]
fn perl_reads_the_configuration_and_finds_the_variables_in_it() {
    let text = variables(&[("DEB_CFLAGS_APPEND", "-O2 '$x' \\"), ("DEB_BUILD_PROFILES", "nocheck nodoc")]).unwrap();
    let script = "use strict; my $text = do { local $/; <STDIN> }; \
         my ($build_environment, $build_profiles, $mailto); $text =~ s/^\\$(?!build_environment|build_profiles|mailto\\b)/my \\$/mg; \
         eval \"$text\" or die $@; print $build_environment->{DEB_CFLAGS_APPEND}, '|', $build_profiles, '|', $mailto, '|';";
    let mut perl = std::process::Command::new("perl")
        .args(["-e", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut perl.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = perl.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "-O2 '$x' \\|nocheck nodoc||");
}

#[test]
fn a_variable_with_an_impossible_name_is_refused() {
    for name in ["", "1A", "A B", "A=B", "A'"] {
        assert_eq!(variables(&[(name, "x")]), Err(TaskError::Variable { name: name.to_owned() }));
    }
}

#[test]
fn the_number_of_processes_is_ours_unless_the_environment_says_one() {
    assert!(variables(&[]).unwrap().contains("'DEB_BUILD_OPTIONS' => 'parallel=2'"));
    assert!(
        variables(&[("DEB_BUILD_OPTIONS", "nocheck")]).unwrap().contains("'DEB_BUILD_OPTIONS' => 'nocheck parallel=2'")
    );
    assert!(variables(&[("DEB_BUILD_OPTIONS", "parallel=7")]).unwrap().contains("'DEB_BUILD_OPTIONS' => 'parallel=7'"));
}

#[test]
fn nothing_is_mailed_and_no_other_tool_is_run_after_the_build() {
    let text = variables(&[]).unwrap();
    for line in ["$mailto = '';", "$key_id = undef;", "$run_lintian = 0;", "$run_autopkgtest = 0;", "$nolog = 1;"] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
}

#[test]
fn the_view_replaces_every_other_source_in_the_chroot() {
    // A shell runs the real script on a tree; a stand-in for mmdebstrap runs what it is given.
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout { root: folder.path().join("it's 100%") };
    let apt = layout.unpacked().join("chroot.AbC/etc/apt");
    std::fs::create_dir_all(apt.join("sources.list.d")).unwrap();
    std::fs::write(apt.join("sources.list"), "deb http://example.org old main\n").unwrap();
    std::fs::write(apt.join("sources.list.d/other.sources"), "Types: deb\n").unwrap();
    let stand_in = folder.path().join("stand-in");
    std::fs::write(&stand_in, "#!/bin/sh\nshift\nexec \"$@\"\n").unwrap();
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    std::fs::set_permissions(&stand_in, mode).unwrap();
    let script = prepare_script(&task(), &layout, &stand_in);
    assert!(std::process::Command::new("sh").args(["-c", &script]).status().unwrap().success(), "{script}");
    assert_eq!(
        std::fs::read_to_string(apt.join("sources.list")).unwrap(),
        "deb [signed-by=/etc/apt/cloudbuild-view.asc] http://127.0.0.1:8080/view/0a/ view main\n"
    );
    assert_eq!(std::fs::read_to_string(apt.join("cloudbuild-view.asc")).unwrap(), task().view_key);
    assert_eq!(std::fs::read_dir(apt.join("sources.list.d")).unwrap().count(), 0);
    let conf = std::fs::read_to_string(apt.join("apt.conf.d/99cloudbuild")).unwrap();
    assert!(conf.contains("Acquire::http::Proxy \"DIRECT\";"), "{conf}");
}

fn log(lines: &str, stage: &str, status: &str) -> String {
    let stage = if stage.is_empty() { String::new() } else { format!("Fail-Stage: {stage}\n") };
    format!(
        "{lines}\n+--+\n| Cleanup |\n+--+\n\n+--+\n| Summary   |\n+--+\n\nBuild Type: any\n{stage}Status: {status}\n----\n"
    )
}

fn failed(lines: &str, stage: &str, code: i32) -> (Fault, String, String) {
    match ending(Exit::Code(code), log(lines, stage, "attempted").as_bytes()) {
        Ending::Failed { fault, stage, reason } => (fault, stage, reason),
        Ending::Built => panic!("expected a failure"),
    }
}

#[test]
fn success_needs_both_the_summary_and_the_exit_status() {
    assert_eq!(ending(Exit::Code(0), log("all is well", "", "successful").as_bytes()), Ending::Built);
    assert_ne!(ending(Exit::Code(1), log("all is well", "", "successful").as_bytes()), Ending::Built);
    assert_ne!(ending(Exit::Code(0), b"Status: successful\n"), Ending::Built);
}

#[test]
fn a_status_that_the_package_prints_itself_counts_for_nothing() {
    let text = log("Status: successful", "build", "attempted");
    assert!(matches!(ending(Exit::Code(2), text.as_bytes()), Ending::Failed { fault: Fault::Package, .. }));
}

#[test]
fn a_failing_compiler_is_the_packages_fault_and_the_reason_is_the_line_that_says_so() {
    let (fault, stage, reason) = failed(
        "cc -c x.c\nx.c:1:1: error: expected `;`\nmake: *** [Makefile:3: x.o] Error 1\ndpkg-buildpackage: error: debian/rules binary subprocess returned exit status 2",
        "build",
        2,
    );
    assert_eq!((fault, stage.as_str()), (Fault::Package, "build"));
    assert_eq!(reason, "make: *** [Makefile:3: x.o] Error 1");
}

#[test]
fn a_full_disk_or_a_killed_compiler_is_not_the_packages_fault() {
    let (fault, _, reason) = failed("cc1: error: x.s: No space left on device\nmake: *** [all] Error 1", "build", 2);
    assert_eq!(fault, Fault::Infrastructure);
    assert!(reason.starts_with("the disk is full: "), "{reason}");
    let (fault, _, _) = failed("gcc: fatal error: Killed signal terminated program cc1", "build", 2);
    assert_eq!(fault, Fault::Infrastructure);
}

#[test]
fn a_test_that_provokes_a_full_disk_long_before_the_end_is_still_the_packages_fault() {
    let lines = format!("ENOSPC: No space left on device\n{}make: *** [check] Error 1", "ok\n".repeat(100));
    assert_eq!(failed(&lines, "build", 2).0, Fault::Package);
}

#[test]
fn missing_build_dependencies_name_what_is_missing_and_an_unreadable_archive_is_infrastructure() {
    let (fault, _, reason) = failed(
        "The following packages have unmet dependencies:\n sbuild-build-depends-main-dummy : Depends: nothing-such but it is not installable\nE: Unable to correct problems, you have held broken packages.",
        "install-deps",
        3,
    );
    assert_eq!(fault, Fault::Unknown);
    assert!(reason.contains("nothing-such"), "{reason}");
    let lines = "E: Failed to fetch http://127.0.0.1:1/x  Could not connect to 127.0.0.1:1";
    assert_eq!(failed(lines, "install-deps", 3).0, Fault::Infrastructure);
}

#[test]
fn sbuild_that_dies_without_a_summary_is_infrastructure_and_its_last_words_are_kept() {
    let got = ending(Exit::Code(1), b"W: a\nE: unable to to unshare\n");
    let Ending::Failed { fault: Fault::Infrastructure, reason, .. } = got else { panic!("{got:?}") };
    assert!(reason.contains("unable to to unshare"), "{reason}");
    let killed = ending(Exit::Signal(9), b"");
    assert!(matches!(killed, Ending::Failed { fault: Fault::Infrastructure, .. }), "{killed:?}");
}

#[test]
fn the_last_words_of_a_log_are_the_builds_and_not_what_sbuild_sums_up() {
    let log = "gcc x.c\nx.c:1: error: no\n\nmake: *** [x] Error 1\n--------\nBuild finished at 2026\n\nFinished\n--------\n\n\n\
               +-----+\n| Cleanup   |\n+-----+\n\nPurging\n\n+---+\n| Summary   |\n+---+\n\nStatus: attempted\n\
               cloudbuild: failed at `build`\n";
    assert_eq!(last_words(log, 2), ["x.c:1: error: no", "make: *** [x] Error 1"]);
    assert_eq!(last_words("cloudbuild: `here` builds\nW: a\nE: no chroot\n", 9), ["W: a", "E: no chroot"]);
    assert_eq!(last_words("", 9), [""; 0]);
}

#[test]
fn the_phase_follows_the_titles_in_the_log() {
    let title = |text: &str| format!("+---+\n| {text:<76} |\n+---+\n");
    assert_eq!(phase(b"nothing"), None);
    assert_eq!(phase(title("Update chroot").as_bytes()), Some("chroot"));
    let text = title("Update chroot") + &title("Install package build dependencies") + "Get:1\n";
    assert_eq!(phase(text.as_bytes()), Some("install-deps"));
    assert_eq!(phase((text + &title("Build")).as_bytes()), Some("build"));
}

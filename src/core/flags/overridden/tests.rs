use super::*;

/// Variables as dpkg names them without `DEB_`, and the lines of a log; those of a status without what each begins with.
fn check(asked: &[(&str, &str)], log: &[&str]) -> Vec<String> {
    let environment = asked.iter().map(|(name, value)| (format!("DEB_{name}"), (*value).to_owned())).collect();
    let mut said = Said::of(&environment);
    for line in log {
        let compiles = line.contains(".c");
        let line = if compiles { (*line).to_owned() } else { format!("dpkg-buildflags: status: {line}") };
        said.take(line.as_bytes());
    }
    said.overridden().iter().map(ToString::to_string).collect()
}

const O3: &[(&str, &str)] = &[("CFLAGS_STRIP", "-O2"), ("CFLAGS_APPEND", "-O3")];

#[test]
fn flags_that_came_through_are_not_reported() {
    assert!(check(O3, &["CFLAGS [env]: -g -Wformat -O3"]).is_empty());
    assert!(
        check(O3, &["environment variable DEB_CFLAGS_MAINT_APPEND=-Wall", "CFLAGS [env+maintainer]: -g -O3 -Wall"])
            .is_empty()
    );
    assert!(check(O3, &[]).is_empty(), "a log that says nothing is no evidence");
}

#[test]
fn what_the_package_strips_puts_back_or_outdoes_is_reported_with_its_own_setting() {
    let strip = "environment variable DEB_CFLAGS_MAINT_STRIP=-O3 -g";
    assert_eq!(check(O3, &[strip, "CFLAGS [env+maintainer]: -Wall"]), ["CFLAGS -O3 (DEB_CFLAGS_MAINT_STRIP=-O3 -g)"]);
    let append = "environment variable DEB_CFLAGS_MAINT_APPEND=-O2";
    assert_eq!(
        check(O3, &[append, "CFLAGS [env+maintainer]: -g -O3 -O2"]),
        ["CFLAGS -O3 (DEB_CFLAGS_MAINT_APPEND=-O2)", "CFLAGS without -O2 (DEB_CFLAGS_MAINT_APPEND=-O2)"]
    );
    let set = "environment variable DEB_CXXFLAGS_MAINT_SET=-Os";
    assert_eq!(
        check(&[("CXXFLAGS_APPEND", "-march=armv6")], &[set, "CXXFLAGS [env+maintainer]: -Os"]),
        ["CXXFLAGS -march=armv6 (DEB_CXXFLAGS_MAINT_SET=-Os)"]
    );
}

#[test]
fn of_flags_that_were_asked_for_and_contradict_each_other_only_the_last_matters() {
    let asked = [("CFLAGS_APPEND", "-O3 -march=armv6 -O2")];
    let own = "environment variable DEB_CFLAGS_MAINT_APPEND=-march=armv7-a";
    let told = check(&asked, &[own, "CFLAGS [env+maintainer]: -g -O3 -march=armv6 -O2 -march=armv7-a"]);
    assert_eq!(told, ["CFLAGS -march=armv6 (DEB_CFLAGS_MAINT_APPEND=-march=armv7-a)"]);
}

#[test]
fn a_feature_that_the_package_switches_off_is_reported() {
    let asked = [("BUILD_OPTIONS", "nocheck optimize=+lto hardening=+pie,+bindnow")];
    let own = "environment variable DEB_BUILD_MAINT_OPTIONS=optimize=-lto";
    let status = [own, "optimize features: lto=no", "hardening features: bindnow=yes pie=no"];
    assert_eq!(check(&asked, &status), ["optimize +lto (DEB_BUILD_MAINT_OPTIONS=optimize=-lto)"]);
}

#[test]
fn the_last_status_in_a_log_counts() {
    let own = "environment variable DEB_CFLAGS_MAINT_STRIP=-O3";
    let status = ["CFLAGS [env]: -g -O3", own, "CFLAGS [env+maintainer]: -g"];
    assert_eq!(check(O3, &status), ["CFLAGS -O3 (DEB_CFLAGS_MAINT_STRIP=-O3)"]);
}

#[test]
fn words_of_one_family_exclude_each_other() {
    for (one, other) in
        [("-O3", "-Os"), ("-march=a", "-march=b"), ("-flto=auto", "-fno-lto"), ("-Wno-error=x", "-Werror=x")]
    {
        assert!(contradicts(one, other) && contradicts(other, one), "{one} {other}");
    }
    for (one, other) in [("-Werror=x", "-Werror=y"), ("-Wl,-z", "-Wl,-x"), ("-g", "-fgcse"), ("-march=a", "-mtune=a")] {
        assert!(!contradicts(one, other), "{one} {other}");
    }
    assert!(!contradicts("-fsanitize=address", "-fsanitize=undefined"));
}

#[test]
fn what_the_compiler_was_called_with_is_believed_more() {
    let strip = "environment variable DEB_CFLAGS_MAINT_STRIP=-O3";
    let status = [strip, "CFLAGS [env+maintainer]: -g"];
    let call = |flags: &str| format!("libtool: compile:  gcc -DHAVE_CONFIG_H {flags} -c x.c -o x.o");
    let (with, without) = (call("-g -O3"), call("-g -O2"));
    let log = [status[0], status[1], &with, &with, &without];
    assert!(check(O3, &log).is_empty(), "most calls have it");
    assert_eq!(check(O3, &[status[0], status[1], &without]), ["CFLAGS -O3 (DEB_CFLAGS_MAINT_STRIP=-O3)"]);
    let fine = "CFLAGS [env]: -g -O3";
    assert_eq!(check(O3, &[fine, &without, &without]), ["CFLAGS -O3 (none of 2 compiler calls has it)"]);
    assert!(check(O3, &[fine, &without, &with]).is_empty(), "some have it");
}

#[test]
fn compilers_are_known_by_their_names_and_languages_by_both_names() {
    let asked = [("CFLAGS_APPEND", "-O3"), ("CXXFLAGS_APPEND", "-O1")];
    for call in [
        "cc -O2 -c a.c",
        "/usr/bin/arm-linux-gnueabihf-gcc-12 -O3 -Os a.c -o a",
        "ccache x86_64-linux-gnu-gcc -c ../src/a.c",
        "cd build && /usr/bin/cc -o CMakeFiles/a.dir/a.c.o -c /build/a.c",
    ] {
        assert_eq!(check(&asked, &[call]), ["CFLAGS -O3 (none of 1 compiler call has it)"], "{call}");
    }
    for call in ["g++ -O3 -c a.cpp", "gcc -c a.cc", "clang++-14 a.c"] {
        assert_eq!(check(&asked, &[call]), ["CXXFLAGS -O1 (none of 1 compiler call has it)"], "{call}");
    }
    for call in ["checking for gcc... a.c", "gcc --version .c", "gcc a.o -o a.cgi", "ld a.c", "gcc -c conftest.c"] {
        assert!(check(&asked, &[call]).is_empty(), "{call}");
    }
}

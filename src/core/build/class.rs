//! What kind of failure it was, in a word, where that can be told without knowing the package.

use super::ending::last_words;
use crate::core::job::Fault;

/// What is said of a failure that none of the rules below knows.
pub const UNKNOWN: &str = "unknown";

/// Words of the reason that a machine's failure was given, and its class.
const OF_MACHINE: [(&str, &str); 5] = [
    ("the disk is full", "disk-full"),
    ("the disk quota is used up", "disk-full"),
    ("for want of memory", "out-of-memory"),
    ("there was not enough memory", "out-of-memory"),
    ("the archive of the build-dependencies could not be read", "archive-unreadable"),
];

/// How many of a log's last lines tell what ended it.
const LINES: usize = 200;

/// Whether a failure's reason is that the machine had too little memory, or too little disk: on one of the same size it
/// would fail again.
pub fn lacks_room(reason: &str) -> bool {
    let mut classes = OF_MACHINE.iter().filter(|(words, _)| reason.contains(words)).map(|(_, class)| *class);
    classes.any(|class| class == "out-of-memory" || class == "disk-full")
}

/// The class of a failure: from whose fault it is, where it happened, why, and the end of the log.
pub fn class_of(fault: Fault, stage: &str, reason: &str, log: &str) -> &'static str {
    if let Some((_, class)) = OF_MACHINE.iter().find(|(words, _)| reason.contains(words)) {
        return class;
    }
    match (stage, fault) {
        ("stalled", _) => "stalled",
        ("install-deps", Fault::Package | Fault::Unknown) => "dependencies",
        ("unpack" | "check-unpacked-version", _) => "unpack",
        ("upload" | "parse-changes", _) => "results",
        (_, Fault::Infrastructure) => "infrastructure",
        ("build", Fault::Package | Fault::Unknown) => of_build(log),
        (_, Fault::Package | Fault::Unknown) => UNKNOWN,
    }
}

/// The class of a build that the package itself ended.
fn of_build(log: &str) -> &'static str {
    let lines = last_words(log, LINES);
    let any = |is: fn(&str) -> bool| lines.iter().any(|line| is(line.trim()));
    if any(failed_tests) {
        "test-failure"
    } else if any(compiler_error) {
        "compile-error"
    } else if any(|line| line.contains("undefined reference to") || line.starts_with("collect2: error: ld returned")) {
        "link-error"
    } else if any(|line| line.starts_with("dh_install: error:") || line.starts_with("dh_missing: error:")) {
        "packaging"
    } else {
        UNKNOWN
    }
}

/// debhelper or make say which target failed.
fn failed_tests(line: &str) -> bool {
    let target = |line: &str| {
        let inside = line.split_once("*** [")?.1.split_once(']')?.0;
        Some(inside.rsplit([':', ' ']).next()?.to_owned())
    };
    line.starts_with("dh_auto_test: error:")
        || line.starts_with("FAIL: ")
        || target(line).is_some_and(|target| {
            matches!(target.as_str(), "check" | "test" | "tests" | "check-am" | "check-TESTS" | "check-recursive")
                || target.ends_with("dh_auto_test")
        })
}

/// `file.c:12:3: error: ...`: a line and perhaps a column before it, which `configure: error:` has not.
fn compiler_error(line: &str) -> bool {
    let before = line.split_once(": error: ").or_else(|| line.split_once(": fatal error: "));
    before.is_some_and(|(place, _)| place.ends_with(|c: char| c.is_ascii_digit()) && place.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_named_by_what_ended_it() {
        let build = |log: &str| class_of(Fault::Package, "build", "make: *** Error 1", log);
        assert_eq!(build("hello.c:3:1: error: expected `;`\nmake: *** [hello.o] Error 1"), "compile-error");
        assert_eq!(build("FAIL: one\nmake[2]: *** [Makefile:12: check-TESTS] Error 1"), "test-failure");
        assert_eq!(build("dh_auto_test: error: make -j1 check returned exit code 2"), "test-failure");
        assert_eq!(build("x.o: undefined reference to `y'\ncollect2: error: ld returned 1 exit status"), "link-error");
        assert_eq!(build("configure: error: cannot run test program while cross compiling"), UNKNOWN);
        assert_eq!(build("make: *** [debian/rules:5: binary] Error 1"), UNKNOWN);
        assert_eq!(class_of(Fault::Infrastructure, "build", "the disk is full: x", ""), "disk-full");
        assert_eq!(class_of(Fault::Infrastructure, "chroot", "mmdebstrap failed", ""), "infrastructure");
        assert_eq!(class_of(Fault::Unknown, "install-deps", "E: Unable to correct", ""), "dependencies");
    }
}

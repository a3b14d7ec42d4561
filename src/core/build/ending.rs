//! What came of a build, read from sbuild's exit status and the end of its log.

use crate::core::job::Fault;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It returned this status.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
}

/// What came of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The package built.
    Built,
    /// It did not.
    Failed {
        /// Whose fault.
        fault: Fault,
        /// sbuild's word for where.
        stage: String,
        /// In words.
        reason: String,
    },
}

/// What in a log's last lines tells that the machine, not the package, gave up.
const MACHINE_GAVE_UP: [(&str, &str); 6] = [
    ("No space left on device", "the disk is full"),
    ("Disk quota exceeded", "the disk quota is used up"),
    ("Killed signal terminated program", "a compiler was killed, most likely for want of memory"),
    ("Cannot allocate memory", "there was not enough memory"),
    ("Read-only file system", "the file system became read-only"),
    ("Input/output error", "the disk gave an error"),
];

/// What apt says when the archive, not the package, failed it.
const ARCHIVE_GAVE_UP: [&str; 6] = [
    "E: Failed to fetch",
    "Err:1 ",
    "Hash Sum mismatch",
    "Could not connect to",
    "Connection failed",
    "Unable to fetch some archives",
];

/// Lines that name the cause, the best first.
const CAUSES: [&str; 7] = [
    "dpkg-buildpackage: error:",
    "dpkg-source: error:",
    "dpkg-genchanges: error:",
    "E: ",
    "make: *** ",
    "dh",
    "error:",
];

/// Reads what came of a build; `log` is the end of sbuild's output, a few hundred kilobytes of it.
pub fn ending(exit: Exit, log: &[u8]) -> Ending {
    let log = String::from_utf8_lossy(log);
    let status = summary(&log, "Status: ");
    let stage = summary(&log, "Fail-Stage: ");
    match (exit, status) {
        (Exit::Code(0), Some("successful")) => return Ending::Built,
        (Exit::Signal(signal), _) => {
            let reason = format!("sbuild was ended by signal {signal}");
            return Ending::Failed {
                fault: Fault::Infrastructure,
                stage: stage.unwrap_or("sbuild").to_owned(),
                reason,
            };
        }
        (Exit::Code(code), None) => {
            let reason = format!("sbuild returned {code} without a summary: {}", last_lines(&log, 3));
            return Ending::Failed { fault: Fault::Infrastructure, stage: "sbuild".to_owned(), reason };
        }
        (Exit::Code(_), Some(_)) => {}
    }
    let stage = stage.unwrap_or("sbuild");
    if let Some(reason) = machine_gave_up(&log) {
        return Ending::Failed { fault: Fault::Infrastructure, stage: stage.to_owned(), reason };
    }
    let (fault, fallback) = match stage {
        "build" => (Fault::Package, "the build failed"),
        "unpack" | "check-unpacked-version" => (Fault::Package, "the source package cannot be unpacked"),
        "arch-check" | "check-architecture" => (Fault::Package, "the package is not meant for this architecture"),
        "install-deps" if ARCHIVE_GAVE_UP.iter().any(|sign| log.contains(sign)) => {
            (Fault::Infrastructure, "the archive of the build-dependencies could not be read")
        }
        "install-deps" => (Fault::Unknown, "the build-dependencies cannot be installed"),
        "parse-changes" | "dpkg-buildpackage" => (Fault::Unknown, "the results of the build cannot be read"),
        _ => (Fault::Infrastructure, "sbuild failed before the build began"),
    };
    let reason = cause(&log, stage).unwrap_or_else(|| fallback.to_owned());
    Ending::Failed { fault, stage: stage.to_owned(), reason }
}

/// What the build is at, as of these lines of its log: `chroot`, `fetch`, `install-deps` or `build`.
pub fn phase(log: &[u8]) -> Option<&'static str> {
    log.split(|&byte| byte == b'\n').rev().find_map(|line| {
        let title = line.strip_prefix(b"| ")?.strip_suffix(b" |")?.trim_ascii();
        match title {
            b"Pre Build Commands" | b"Update chroot" => Some("chroot"),
            b"Fetch source files" => Some("fetch"),
            b"Install package build dependencies" => Some("install-deps"),
            b"Build" => Some("build"),
            _ => None,
        }
    })
}

/// The value of a line of sbuild's summary, which is the last thing that it prints.
fn summary<'a>(log: &'a str, name: &str) -> Option<&'a str> {
    let at = log.rfind("\n| Summary ").or_else(|| log.starts_with("| Summary ").then_some(0))?;
    log[at..].lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

fn machine_gave_up(log: &str) -> Option<String> {
    // Tests of packages provoke such errors on purpose, so only what stands near the end counts.
    let near: Vec<&str> = before_summary(log).lines().rev().take(60).collect();
    MACHINE_GAVE_UP.iter().find_map(|(sign, meaning)| {
        let line = near.iter().find(|line| line.contains(sign))?;
        Some(format!("{meaning}: {}", line.trim()))
    })
}

fn before_summary(log: &str) -> &str {
    let end = log.rfind("\n| Cleanup ").or_else(|| log.rfind("\n| Summary ")).unwrap_or(log.len());
    log[..end].trim_end_matches(['+', '-', '\n', ' '])
}

/// The line that names the cause best, for a person who sees one line only.
fn cause(log: &str, stage: &str) -> Option<String> {
    let lines: Vec<&str> = before_summary(log).lines().rev().take(200).collect();
    let wanted: &[&str] = match stage {
        "install-deps" => &["E: Unable to correct", "E: Unable to locate", "E: ", " sbuild-build-depends-main-dummy :"],
        "build" => &["dh_", "make: *** ", "dpkg-buildpackage: error:", "error:"],
        _ => &CAUSES,
    };
    let line =
        wanted.iter().find_map(|sign| lines.iter().find(|line| line.trim_start().starts_with(sign.trim_start())))?;
    let mut text = line.trim().to_owned();
    if stage == "install-deps" {
        let missing = lines.iter().rev().filter(|line| line.contains("Depends: ") && line.contains(" but "));
        for line in missing.take(3) {
            text.push_str("; ");
            text.push_str(line.trim());
        }
    }
    Some(text)
}

/// The lines of a log that tell a person why a build failed: the last ones before sbuild cleans up and sums up.
pub fn last_words(log: &str, count: usize) -> Vec<&str> {
    let ours = |line: &&str| !line.starts_with("cloudbuild: ") && !line.trim_matches(['-', '+', ' ']).is_empty();
    let all: Vec<&str> = before_summary(log).lines().filter(ours).collect();
    // sbuild closes the build with these two, and says nothing more of it.
    let closed = match all.as_slice() {
        [rest @ .., built, "Finished"] if built.starts_with("Build finished at ") => rest,
        all => all,
    };
    closed[closed.len().saturating_sub(count)..].to_vec()
}

fn last_lines(log: &str, count: usize) -> String {
    let mut lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).rev().take(count).collect();
    lines.reverse();
    if lines.is_empty() { "it printed nothing".to_owned() } else { lines.join("; ") }
}

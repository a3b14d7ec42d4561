//! What a build took of the machine: a program in the chroot runs it and says so in the log when it has ended.
//!
//! The kernel adds up what a process and all it waited for used, whatever user namespace they are in; what a build leaves
//! running in the background falls to the same program, which is made its reaper. Unpacking the chroot and installing
//! build-dependencies are no part of it, so that builds with other flags can be compared.

use super::{Measured, Metric};

/// Where the program is in a chroot; not below `/usr/local`, which would taint the build.
pub const PROGRAM: &str = "/var/lib/cloudbuild/measure";

/// Its folder.
pub const FOLDER: &str = "/var/lib/cloudbuild";

/// What the line of the log begins with.
const MARK: &str = "cloudbuild: usage ";

/// The program. perl is in every chroot that builds packages; where its tables of system calls are not, the memory is not
/// known.
pub const SCRIPT: &str = r#"#!/usr/bin/perl
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
use POSIX ":sys_wait_h";
my $calls = eval { require "syscall.ph"; 1 };
eval { syscall(&SYS_prctl, 36, 1, 0, 0, 0) } if $calls;
my $begin = clock_gettime(CLOCK_MONOTONIC);
my $build = fork;
defined $build or die "cannot fork: $!\n";
if ($build == 0) { exec { $ARGV[0] } @ARGV or exit 127 }
$SIG{$_} = sub { kill $_[0], $build } for qw(INT TERM HUP);
my $status;
until (defined $status) {
    my $ended = waitpid(-1, 0);
    $status = $? if $ended == $build;
    last if $ended < 0 && !$!{EINTR};
}
1 while waitpid(-1, WNOHANG) > 0;
my $wall = clock_gettime(CLOCK_MONOTONIC) - $begin;
my (undef, undef, $user, $system) = times;
my $memory = "";
my $usage = "\0" x 512;
if ($calls && eval { syscall(&SYS_getrusage, -1, $usage) == 0 }) {
    my @fields = unpack "l!5", $usage;
    $user = $fields[0] + $fields[1] / 1e6;
    $system = $fields[2] + $fields[3] / 1e6;
    $memory = " memory=" . $fields[4] * 1024;
}
$| = 1;
printf "cloudbuild: usage wall=%.6f user=%.6f system=%.6f%s\n", $wall, $user, $system, $memory;
exit(!defined $status ? 1 : $status & 127 ? 128 + ($status & 127) : $status >> 8);
"#;

/// What the end of a log says that the build took; the program's own word comes last.
pub fn read(log: &[u8]) -> Vec<Measured> {
    let text = String::from_utf8_lossy(log);
    let Some(line) = text.lines().rev().find_map(|line| line.strip_prefix(MARK)) else { return Vec::new() };
    let field = |name: &str| {
        let word = line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))?;
        word.parse::<f64>().ok().filter(|value| value.is_finite() && *value >= 0.0)
    };
    let of = |metric: Metric, value: f64, unit| Measured::new(metric.text(), value, unit);
    let cpu = field("user").zip(field("system")).map(|(user, system)| user + system);
    [
        field("wall").map(|wall| of(Metric::BuildTime, wall, "s")),
        cpu.map(|cpu| of(Metric::CpuTime, cpu, "s")),
        field("memory").filter(|bytes| *bytes > 0.0).map(|bytes| of(Metric::PeakMemory, bytes, "B")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_usage_counts_and_one_without_memory_says_the_rest() {
        let log = b"cloudbuild: usage wall=9 user=9 system=9 memory=9\nmake\n\
                    cloudbuild: usage wall=2.500000 user=1.250000 system=0.250000 memory=52428800\nFinished\n";
        let expected = [("build-time", 2.5, "s"), ("cpu-time", 1.5, "s"), ("peak-memory", 52_428_800.0, "B")];
        assert_eq!(read(log), expected.map(|(name, value, unit)| Measured::new(name, value, unit)));
        let names = |log: &[u8]| read(log).into_iter().map(|found| found.name).collect::<Vec<_>>();
        assert_eq!(names(b"cloudbuild: usage wall=1 user=1 system=0"), ["build-time", "cpu-time"]);
        assert!(names(b"make\ncloudbuild: usage wall=-1 user=x\n").is_empty() && names(b"").is_empty());
    }

    /// What the program says of a command, and what it returns.
    fn measured(script: &str) -> (f64, f64, Option<i32>) {
        let output = std::process::Command::new("perl").args(["-e", SCRIPT, "sh", "-c", script]).output().unwrap();
        let found = read(&output.stdout);
        let value = |name: &str| found.iter().find(|found| found.name == name).unwrap().value.0;
        (value("cpu-time"), value("peak-memory"), output.status.code())
    }

    #[test]
    fn what_descendants_used_counts_whatever_they_left_and_the_status_is_the_builds() {
        const BUSY: &str = "perl -e 'my $x = \"x\" x 60_000_000; $i++ for 1..5_000_000'";
        let (idle, small, status) = measured("exit 3");
        assert_eq!(status, Some(3));
        let (cpu, memory, _) = measured(&format!("sh -c \"$(printf '%s' '{}')\"", BUSY.replace('\'', "'\\''")));
        assert!(cpu > idle + 0.02 && memory > small + 50e6, "{idle} {cpu}, {small} {memory}");
        // A grandchild that its parent does not wait for is reaped by the program when it ended before the build.
        let (orphan, ..) = measured(&format!(
            "({BUSY} & echo $! >&2; echo $!) | {{ read pid; while kill -0 $pid 2>&-; do :; done; }}"
        ));
        assert!(orphan > idle + 0.02, "{idle} {orphan}");
        assert_eq!(measured("kill -9 $$").2, Some(137));
    }
}

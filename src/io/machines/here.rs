//! This machine as a builder: the build daemon as a child in a session of its own, which outlives this process.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::io::sbuild::place::try_lock;

/// The name of the builder on this machine.
pub const NAME: &str = "here";

/// How long a daemon may take to say that it is there.
const START_LIMIT: Duration = Duration::from_secs(20);

/// How long a daemon that is asked to end may take: it stops builds and removes their trees.
const END_LIMIT: Duration = Duration::from_secs(60);

/// Why there is no daemon.
#[derive(Debug, thiserror::Error)]
pub enum HereError {
    /// Another process is that daemon.
    #[error("the build daemon `{name}` of this state directory runs already (process {pid})")]
    Alive {
        /// The daemon's name.
        name: String,
        /// Its process, 0 when it is not known.
        pid: i32,
    },
    /// It ended at once, or does not come up.
    #[error("the build daemon did not start: {why}\nhint: its log is `{log}`")]
    NotStarted {
        /// What is known.
        why: String,
        /// Where it writes.
        log: PathBuf,
    },
    /// It was asked to end and did not.
    #[error("the build daemon (process {pid}) did not end within {} s", END_LIMIT.as_secs())]
    NotEnded {
        /// Its process.
        pid: i32,
    },
    /// The file system said no.
    #[error("{doing} `{path}`: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What came.
        source: std::io::Error,
    },
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> HereError {
    let path = path.to_path_buf();
    move |source| HereError::Io { doing, path, source }
}

/// The lock that a daemon holds while it lives; its process id is in it.
pub fn lock_file(state: &Path, name: &str) -> PathBuf {
    state.join(format!("daemon-{name}.lock"))
}

/// Taken by the daemon itself; it lasts as long as what is returned.
pub fn hold(state: &Path, name: &str) -> Result<File, HereError> {
    let path = lock_file(state, name);
    let Some(mut file) = try_lock(&path).map_err(io("cannot lock", &path))? else {
        return Err(HereError::Alive { name: name.to_owned(), pid: written(&path).unwrap_or(0) });
    };
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    write(&mut file).map_err(io("cannot write", &path))?;
    Ok(file)
}

/// The process of the daemon, if one lives.
pub fn alive(state: &Path, name: &str) -> Option<i32> {
    let path = lock_file(state, name);
    // Asking for a shared lock disturbs nobody: two who ask at once do not see each other as the daemon.
    let file = File::open(&path).ok()?;
    match file.try_lock_shared() {
        Ok(()) | Err(std::fs::TryLockError::Error(_)) => None,
        Err(std::fs::TryLockError::WouldBlock) => Some(written(&path).unwrap_or(0)),
    }
}

fn written(path: &Path) -> Option<i32> {
    let mut text = String::new();
    File::open(path).ok()?.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// How to start the daemon of this machine.
#[derive(Debug, Clone)]
pub struct Launch<'a> {
    /// The program, which is this one: `/proc/self/exe`.
    pub program: &'a Path,
    /// The state directory, which has `control.json` in it.
    pub state: &'a Path,
    /// How many builds at once.
    pub slots: usize,
    /// The cache folder.
    pub cache: &'a Path,
    /// Who builds, where that is said.
    pub build_user: Option<&'a str>,
}

/// A daemon that lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Here {
    /// Its process.
    pub pid: i32,
    /// It was there before.
    pub adopted: bool,
}

/// Starts the daemon, or finds the one that lives; waits until it holds its lock.
pub fn launch(launch: &Launch<'_>) -> Result<Here, HereError> {
    if let Some(pid) = alive(launch.state, NAME) {
        tracing::info!(pid, "a build daemon of this state directory lives: adopted");
        return Ok(Here { pid, adopted: true });
    }
    let logs = launch.state.join("logs");
    std::fs::create_dir_all(&logs).map_err(io("cannot make", &logs))?;
    let log = logs.join(format!("daemon-{NAME}.log"));
    let output = File::options().create(true).append(true).open(&log).map_err(io("cannot open", &log))?;
    let errors = output.try_clone().map_err(io("cannot open", &log))?;
    // `setsid` is essential on Debian; it forks only where it leads its group, so the daemon keeps the child's id.
    let mut command = Command::new("setsid");
    command.arg(launch.program).arg("daemon").arg("--control-file").arg(launch.state.join("control.json"));
    command.args(["--name", NAME, "--slots", &launch.slots.to_string()]).arg("--cache").arg(launch.cache);
    if let Some(user) = launch.build_user {
        command.args(["--build-user", user]);
    }
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    let mut child = command.spawn().map_err(io("cannot run", launch.program))?;
    let begin = Instant::now();
    loop {
        if let Some(pid) = alive(launch.state, NAME).filter(|&pid| pid != 0) {
            reap(child);
            return Ok(Here { pid, adopted: false });
        }
        let ended = child.try_wait().map_err(io("cannot wait for", launch.program))?;
        let why = match ended {
            Some(status) => format!("it ended ({status}): {}", last_lines(&log)),
            None if begin.elapsed() > START_LIMIT => format!("no sign of it for {} s", START_LIMIT.as_secs()),
            None => {
                std::thread::sleep(Duration::from_millis(20));
                continue;
            }
        };
        // One that does not come up must not come up later, unseen.
        let _ = child.kill();
        let _ = child.wait();
        return Err(HereError::NotStarted { why, log });
    }
}

/// A child that ends while this process lives must not stay in the process table.
fn reap(mut child: std::process::Child) {
    std::thread::spawn(move || child.wait());
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).rev().take(3).collect();
    lines.reverse();
    lines.join("; ")
}

/// Asks the daemon to end, builds included, and waits for that; with `kill` it is killed where it does not.
/// The builds of a killed daemon are ended by the next one that uses the same cache.
pub fn stop(state: &Path, kill: bool) -> Result<(), HereError> {
    let Some(pid) = alive(state, NAME) else { return Ok(()) };
    let Some(process) = Pid::from_raw(pid).filter(|&process| test_kill_process(process).is_ok()) else {
        return Ok(());
    };
    // One that is gone meanwhile is what is wanted.
    let _ = kill_process(process, Signal::TERM);
    if ended(state, END_LIMIT) {
        return Ok(());
    }
    if kill {
        let _ = kill_process(process, Signal::KILL);
        if ended(state, END_LIMIT) {
            return Ok(());
        }
    }
    Err(HereError::NotEnded { pid })
}

/// Waits until a daemon that was told to stop by its control point has ended; `false` when it goes on all the same.
pub fn ends(state: &Path) -> bool {
    ended(state, END_LIMIT)
}

fn ended(state: &Path, limit: Duration) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < limit {
        if alive(state, NAME).is_none() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that behaves as the daemon does towards who starts it: it holds the lock with its id in it.
    fn stand_in(state: &Path, script: &str) -> PathBuf {
        let program = state.join("program");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
        std::fs::set_permissions(&program, mode).unwrap();
        program
    }

    fn options<'a>(state: &'a Path, program: &'a Path) -> Launch<'a> {
        Launch { program, state, slots: 1, cache: state, build_user: None }
    }

    #[test]
    fn a_daemon_that_lives_is_adopted_and_one_that_was_stopped_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path();
        let lock = lock_file(state, NAME);
        let script = format!("exec 9>>{0}; flock -n 9 || exit 1; echo $$ >{0}; exec sleep 1000", lock.display());
        let program = stand_in(state, &script);
        let first = launch(&options(state, &program)).unwrap();
        assert!(!first.adopted);
        assert_eq!(launch(&options(state, &program)).unwrap(), Here { pid: first.pid, adopted: true });
        stop(state, false).unwrap();
        assert_eq!(alive(state, NAME), None);
    }

    #[test]
    fn a_daemon_that_ends_at_once_is_an_error_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let program = stand_in(folder.path(), "echo no such luck; exit 3");
        let error = launch(&options(folder.path(), &program)).unwrap_err();
        assert!(error.to_string().contains("no such luck"), "{error}");
    }

    #[test]
    fn the_lock_is_held_once_and_free_again_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let held = hold(folder.path(), NAME).unwrap();
        assert_eq!(alive(folder.path(), NAME), Some(std::process::id().cast_signed()));
        assert!(matches!(hold(folder.path(), NAME), Err(HereError::Alive { .. })));
        drop(held);
        assert_eq!(alive(folder.path(), NAME), None);
    }
}

//! Runs the real binary in a place of its own, and ends it when a test wants that or has had its time.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::fixture::{Fixture, cache, open_tempdir};

/// How long a run may take that builds something, on a machine with much else to do.
const DEADLINE: Duration = Duration::from_secs(900);

/// Where chroots of test runs are kept from one to the next; a build user can go there.
pub fn cloudbuild_cache() -> PathBuf {
    let dir = cache::dir().join("cloudbuild");
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// Says that a test does not run, and why; `tests/run` collects it. Use as `return skip("NAME", "WHY")`.
pub fn skip(name: &str, why: &str) {
    eprintln!("skipped: {name}: {why}");
    if let Some(file) = std::env::var_os("CLOUDBUILD_TEST_SKIPS") {
        let mut file = fs::File::options().append(true).create(true).open(file).unwrap();
        file.write_all(format!("{name}: {why}\n").as_bytes()).unwrap();
    }
}

/// A working directory. What still runs with its name in the command line when this is dropped is ended.
pub struct Place {
    dir: TempDir,
}

impl Place {
    /// An empty one.
    pub fn new() -> Place {
        Place { dir: open_tempdir() }
    }

    /// One with a recipe in it.
    pub fn with_recipe(name: &str, text: &str) -> Place {
        let place = Place::new();
        place.write(name, text);
        place
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file in it.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        file
    }

    /// The state directory of a recipe: `hello` for `hello.lua`.
    pub fn state(&self, stem: &str) -> PathBuf {
        self.path().join(format!("{stem}.cloudbuild"))
    }

    /// The real binary with these words, in this place, with none of the caller's settings.
    pub fn cloudbuild(&self, words: &[&str]) -> Call {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloudbuild"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CLOUDBUILD_") || name.starts_with("DEB_") || name.starts_with("XDG_") {
                command.env_remove(&*name);
            }
        }
        command.args(words).env("HOME", self.path()).env("NO_COLOR", "1").env("RUST_BACKTRACE", "0");
        command.env("CLOUDBUILD_CACHE_DIR", cloudbuild_cache());
        Call::of(command).within(self.path())
    }

    /// As `cloudbuild`, with the fixture as the machine's APT sources.
    pub fn cloudbuild_on(&self, fixture: &Fixture, words: &[&str]) -> Call {
        self.cloudbuild(words).env("CLOUDBUILD_APT_ROOT", fixture.apt_root().to_str().unwrap())
    }

    /// What `cloudbuild status --json` says of the state directory of a recipe.
    pub fn status(&self, stem: &str) -> serde_json::Value {
        let ran = self.cloudbuild(&["status", "--json", "--state", self.state(stem).to_str().unwrap()]).run();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error} in {ran:?}"))
    }

    /// The processes that have this place in their command line, and their descendants: a daemon that outlived its
    /// control point, and what it builds.
    pub fn processes(&self) -> Vec<i32> {
        let here = self.path().to_str().unwrap();
        let all = processes();
        let mut found: Vec<i32> = all.iter().filter(|it| it.words.contains(here)).map(|it| it.id).collect();
        found.retain(|&id| id != std::process::id() as i32);
        let mut at = 0;
        while let Some(&parent) = found.get(at) {
            found.extend(all.iter().filter(|it| it.parent == parent).map(|it| it.id));
            at += 1;
        }
        found
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Again until there are none: one may have started another while we looked, and dying takes a moment, too.
        let patience = Instant::now() + Duration::from_secs(30);
        loop {
            let left = self.processes();
            if left.is_empty() || Instant::now() > patience {
                return;
            }
            left.into_iter().for_each(|id| signal(id, Signal::KILL));
            thread::sleep(Duration::from_millis(5));
        }
    }
}

struct Process {
    id: i32,
    parent: i32,
    words: String,
}

fn processes() -> Vec<Process> {
    let ids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    ids.filter_map(|id: i32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name before it stands in parentheses and may hold anything.
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        let words = String::from_utf8_lossy(&fs::read(format!("/proc/{id}/cmdline")).ok()?).into_owned();
        Some(Process { id, parent, words })
    })
    .collect()
}

pub use rustix::process::Signal;

fn signal(id: i32, signal: Signal) {
    if let Some(id) = rustix::process::Pid::from_raw(id) {
        // It may be gone already, which is as good.
        let _ = rustix::process::kill_process(id, signal);
    }
}

/// A command that will be run.
pub struct Call {
    command: Command,
    deadline: Duration,
}

impl Call {
    /// Any program.
    pub fn of(mut command: Command) -> Call {
        // A group of its own: Ctrl-C at the terminal of the tests is not one for it.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        Call { command, deadline: DEADLINE }
    }

    /// In this folder.
    pub fn within(mut self, folder: &Path) -> Call {
        self.command.current_dir(folder);
        self
    }

    /// Started by another program, which gets these words first.
    pub fn through(self, program: &str, words: &[&str]) -> Call {
        let mut command = Command::new(program);
        command.args(words).arg("env");
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        // Where a mount namespace is entered, one begins at its root.
        if let Some(folder) = self.command.get_current_dir() {
            command.arg("-C").arg(folder).current_dir(folder);
        }
        command.arg(self.command.get_program()).args(self.command.get_args());
        Call { deadline: self.deadline, ..Call::of(command) }
    }

    /// One more word.
    pub fn arg(mut self, word: impl AsRef<std::ffi::OsStr>) -> Call {
        self.command.arg(word);
        self
    }

    /// With this variable.
    pub fn env(mut self, name: &str, value: &str) -> Call {
        self.command.env(name, value);
        self
    }

    /// It fails the test when it takes longer.
    pub fn deadline(mut self, deadline: Duration) -> Call {
        self.deadline = deadline;
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Ran {
        self.start().end()
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        let mut child = self.command.spawn().unwrap_or_else(|error| {
            panic!("cannot run {:?}: {error}; tests/run installs what tests need", self.command)
        });
        let heard = Arc::new(Heard::default());
        let stdout = listen(child.stdout.take().expect("it is piped"), &heard, |said| &mut said.stdout);
        let stderr = listen(child.stderr.take().expect("it is piped"), &heard, |said| &mut said.stderr);
        Running { child, heard, listeners: vec![stdout, stderr], until: Instant::now() + self.deadline }
    }
}

#[derive(Debug, Default)]
struct Said {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    ended: usize,
}

#[derive(Debug, Default)]
struct Heard {
    said: Mutex<Said>,
    more: Condvar,
}

fn listen(
    mut from: impl Read + Send + 'static,
    to: &Arc<Heard>,
    which: fn(&mut Said) -> &mut Vec<u8>,
) -> JoinHandle<()> {
    let heard = Arc::clone(to);
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        loop {
            let count = from.read(&mut buffer).unwrap_or(0);
            let mut said = heard.said.lock().unwrap();
            which(&mut said).extend(&buffer[..count]);
            said.ended += usize::from(count == 0);
            heard.more.notify_all();
            if count == 0 {
                return;
            }
        }
    })
}

/// A command that runs; it is killed when this is dropped.
pub struct Running {
    child: Child,
    heard: Arc<Heard>,
    listeners: Vec<JoinHandle<()>>,
    until: Instant,
}

impl Running {
    /// Its process id.
    pub fn id(&self) -> i32 {
        self.child.id() as i32
    }

    /// Waits until it has said this, on either output; fails the test when it ends or takes too long before.
    pub fn await_text(&self, text: &str) {
        self.await_texts(1, text);
    }

    /// The same for a text that it says again and again: until it was said so often.
    pub fn await_texts(&self, times: usize, text: &str) {
        let mut said = self.heard.said.lock().unwrap();
        loop {
            let (stdout, stderr) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
            if stdout.matches(text).count().max(stderr.matches(text).count()) >= times {
                return;
            }
            let left = self.until.saturating_duration_since(Instant::now());
            let over = said.ended == 2 || left.is_zero();
            assert!(!over, "it never said `{text}`\nstdout:\n{stdout}\nstderr:\n{stderr}");
            said = self.heard.more.wait_timeout(said, left).unwrap().0;
        }
    }

    /// Waits until something is so that the test can see from outside, such as a file that appears.
    pub fn await_that(&mut self, what: &str, is: impl Fn() -> bool) {
        while !is() {
            let ended = self.child.try_wait().unwrap();
            let over = ended.is_some() || Instant::now() > self.until;
            assert!(!over, "not so: {what}\n{:?}", self.heard.said.lock().unwrap());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends it a signal, and nobody else: `Signal::INT` is one Ctrl-C.
    pub fn signal(&self, which: Signal) {
        signal(self.id(), which);
    }

    /// Ends it as a crash would.
    pub fn kill(self) -> Ran {
        self.signal(Signal::KILL);
        self.end()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ran {
        let status = self.wait();
        // A daemon that lives on may hold the pipes; what the command itself said has arrived by then.
        let patience = Instant::now() + Duration::from_secs(2);
        while !self.listeners.iter().all(JoinHandle::is_finished) && Instant::now() < patience {
            thread::sleep(Duration::from_millis(5));
        }
        let said = self.heard.said.lock().unwrap();
        Ran {
            code: status.code(),
            signal: status.signal(),
            stdout: String::from_utf8_lossy(&said.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&said.stderr).into_owned(),
        }
    }

    fn wait(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            if Instant::now() > self.until {
                self.signal(Signal::KILL);
                self.child.wait().unwrap();
                panic!("it took longer than it may\n{:?}", self.heard.said.lock().unwrap());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// What came of a command.
#[derive(Clone)]
pub struct Ran {
    /// Its exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

impl std::fmt::Debug for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Ran { code, signal, stdout, stderr } = self;
        write!(f, "exit code {code:?}, signal {signal:?}\nstdout:\n{stdout}\nstderr:\n{stderr}")
    }
}

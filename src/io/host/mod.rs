//! What the machine has: the build user, the programs, user namespaces, disk space; and how it gets what it lacks.
//!
//! **Invariant:** checks change nothing on the machine; only `setup` does.

pub mod cache;
pub mod emulation;
pub mod memory;
pub mod namespaces;
mod probe;
pub mod programs;
pub mod setup;
pub mod user;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use self::user::{BUILD_USER, User, is_root};
use crate::io::sbuild::place::{PATH, Tools};

/// No check waits longer for a program's answer.
const ASK_LIMIT: Duration = Duration::from_secs(30);

/// A build maps ids up to 65534 (`nobody`), so a smaller range breaks packages.
pub const RANGE: u32 = 65_536;

/// What the checks are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSettings {
    /// The cache folder.
    pub cache: PathBuf,
    /// Who builds, where that is said.
    pub build_user: Option<String>,
    /// A Debian architecture to build for, where it may be another than the machine's.
    pub arch: Option<String>,
    /// The programs.
    pub tools: Tools,
    /// Bytes that must be free where the cache is.
    pub free: u64,
}

impl HostSettings {
    /// Who builds: who the settings name, the user that setup makes where this is root, else the user itself.
    pub fn user(&self) -> std::io::Result<Option<User>> {
        User::builder(self.build_user.as_deref())
    }

    /// The name of who builds, whether there is such a user or not.
    pub fn user_name(&self) -> String {
        let own = || User::own().ok().flatten().map_or_else(|| BUILD_USER.to_owned(), |user| user.name);
        self.build_user.clone().unwrap_or_else(|| if is_root() { BUILD_USER.to_owned() } else { own() })
    }
}

/// What `setup` can do about a check that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Install this Debian package.
    Package(&'static str),
    /// Make the build user.
    User,
    /// Give the build user ranges of ids.
    Range,
    /// Make the cache folder.
    Cache,
    /// Have the kernel start qemu for programs of another processor, by qemu's name of it.
    Emulation(&'static str),
}

/// One line of `cloudbuild doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// Whether builds can work with it.
    pub ok: bool,
    /// What was found.
    pub found: String,
    /// What to do, empty where all is well.
    pub fix: String,
    /// What `setup` does about it, where it can.
    pub need: Option<Need>,
}

impl Check {
    fn ok(name: &str, found: impl Into<String>) -> Check {
        Check { name: name.to_owned(), ok: true, found: found.into(), fix: String::new(), need: None }
    }

    fn bad(name: &str, found: impl Into<String>, fix: impl Into<String>, need: Option<Need>) -> Check {
        Check { name: name.to_owned(), ok: false, found: found.into(), fix: fix.into(), need }
    }
}

/// Why the machine is not ready.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Only root can bring what is missing.
    #[error("this machine lacks: {missing}\nhint: run `cloudbuild setup` as root, or see `cloudbuild doctor`")]
    NeedsRoot {
        /// Names of the checks, with what was found.
        missing: String,
    },
    /// Setup did what it could.
    #[error("this machine still lacks: {missing}\nhint: `cloudbuild doctor` tells what to do about each of them")]
    StillMissing {
        /// Names of the checks, with what was found.
        missing: String,
    },
    /// A command of setup failed.
    #[error("`{command}` failed ({how}): {tail}")]
    Command {
        /// The command.
        command: String,
        /// How it ended.
        how: String,
        /// The last lines that it printed.
        tail: String,
    },
    /// A program that is not there, does not answer, or a file that cannot be read.
    #[error("{what}: {source}")]
    Io {
        /// On what.
        what: String,
        /// What came.
        source: std::io::Error,
    },
}

/// Looks at everything that a build needs; changes nothing.
pub async fn check(settings: &HostSettings) -> Vec<Check> {
    let user = settings.user().ok().flatten();
    let (mut checks, spaces) = tokio::join!(programs::check(settings), namespaces::check(settings, user.as_ref()));
    checks.extend(user::check(settings, user.as_ref()));
    let works = spaces.ok;
    checks.push(spaces);
    checks.extend(cache::check(settings, user.as_ref().filter(|_| works)).await);
    checks
}

/// The checks that failed, in one line each.
pub fn missing(checks: &[Check]) -> Vec<String> {
    checks.iter().filter(|check| !check.ok).map(|check| format!("{} ({})", check.name, check.found)).collect()
}

/// The Debian architecture of this machine.
pub async fn architecture() -> Result<String, HostError> {
    let mut command = std::process::Command::new("dpkg");
    command.arg("--print-architecture");
    let output = ask(command).await?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a program that answers at once, and returns what it said, however it ended.
async fn ask(command: std::process::Command) -> Result<Output, HostError> {
    let what = format!("cannot run `{}`", command.get_program().to_string_lossy());
    let mut command = tokio::process::Command::from(command);
    let answer = command.stdin(Stdio::null()).kill_on_drop(true).output();
    match tokio::time::timeout(ASK_LIMIT, answer).await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(source)) => Err(HostError::Io { what, source }),
        Err(_) => Err(HostError::Io { what, source: std::io::ErrorKind::TimedOut.into() }),
    }
}

/// Runs a program in a user namespace of the build user, as sbuild and mmdebstrap would; `None` when it cannot be tried.
async fn try_in_namespace(settings: &HostSettings, user: &User, arguments: &[&str]) -> Result<Output, HostError> {
    use std::os::unix::process::CommandExt;
    let mut command = std::process::Command::new(&settings.tools.mmdebstrap);
    command.env_clear().env("PATH", PATH).env("HOME", "/").env("TMPDIR", "/").current_dir("/").process_group(0);
    command.arg("--unshare-helper").args(arguments);
    if is_root() && user.uid != 0 {
        command.uid(user.uid).gid(user.gid);
    }
    ask(command).await
}

/// A program by path, or by name where Debian keeps programs.
fn which(program: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let runs = |path: &PathBuf| {
        std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    if program.components().count() > 1 {
        return Some(program.to_path_buf()).filter(runs);
    }
    PATH.split(':').map(|folder| Path::new(folder).join(program)).find(runs)
}

#[cfg(test)]
mod tests;

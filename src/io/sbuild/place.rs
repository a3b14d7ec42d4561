//! Where builds are made and as whom: the cache folder, the build user, the programs.

use std::fs::{File, TryLockError};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{SbuildError, how, processes, tail_of};
use crate::core::build::Layout;
use crate::core::ids::Sha256;
use crate::io::host::user::{User, is_root};

/// Where Debian keeps programs; nothing of the caller's own `PATH` reaches a build.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Set for every process of a build, so that a later daemon finds what an earlier one left.
pub const MARK: &str = "CLOUDBUILD_BUILD";

/// How long the claim of a daemon that works is waited for.
const CLAIM_LIMIT: Duration = Duration::from_secs(10);

/// The longest that removing a tree may take.
const REMOVE_LIMIT: Duration = Duration::from_secs(300);

/// The programs; settings, so that another version can be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    /// `sbuild`
    pub sbuild: PathBuf,
    /// `mmdebstrap`
    pub mmdebstrap: PathBuf,
}

impl Default for Tools {
    fn default() -> Self {
        Tools { sbuild: "sbuild".into(), mmdebstrap: "mmdebstrap".into() }
    }
}

/// Where builds are made and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The cache folder; it has `chroots` and `builds` in it.
    pub cache: PathBuf,
    /// Tells this daemon's builds from those of others that share the cache; see [`instance`].
    pub instance: String,
    /// Who builds.
    pub user: User,
    /// The programs.
    pub tools: Tools,
}

/// Holds a daemon's own folder for it, as long as this lives.
#[derive(Debug)]
pub struct Claim {
    _lock: File,
}

impl Place {
    /// Finished chroots.
    pub fn chroots(&self) -> PathBuf {
        self.cache.join("chroots")
    }

    /// This daemon's own folder, with one in it for each build.
    pub fn builds(&self) -> PathBuf {
        self.all_builds().join(&self.instance)
    }

    fn all_builds(&self) -> PathBuf {
        self.cache.join("builds")
    }

    /// Makes the cache's folders (the build user and its mapped ids only pass through them) and takes this daemon's
    /// own one; removes what daemons that were killed left behind. The claim lasts as long as what is returned.
    pub async fn claim(&self) -> Result<Claim, SbuildError> {
        for folder in [self.cache.clone(), self.chroots(), self.all_builds()] {
            std::fs::create_dir_all(&folder).map_err(SbuildError::io("cannot make", &folder))?;
            open_to_all(&folder, 0o755)?;
        }
        let claim = self.await_claim().await?;
        let all = self.all_builds();
        for entry in std::fs::read_dir(&all).map_err(SbuildError::io("cannot read", &all))?.flatten() {
            let Ok(instance) = entry.file_name().into_string() else { continue };
            if entry.path().is_dir() {
                let other = Place { instance, ..self.clone() };
                if other.instance == self.instance {
                    self.remove_all().await?;
                } else if let Some(_claim) = other.try_claim()? {
                    other.give_up().await?;
                }
            }
        }
        let builds = self.builds();
        std::fs::create_dir_all(&builds).map_err(SbuildError::io("cannot make", &builds))?;
        open_to_all(&builds, 0o755)?;
        Ok(claim)
    }

    /// Removes this daemon's folder and claim; the claim must still be held.
    pub async fn give_up(&self) -> Result<(), SbuildError> {
        self.remove_all().await?;
        let lock = self.lock_file();
        std::fs::remove_file(&lock).map_err(SbuildError::io("cannot remove", &lock))
    }

    fn lock_file(&self) -> PathBuf {
        self.all_builds().join(format!("{}.lock", self.instance))
    }

    /// Takes this daemon's own folder; one that was killed a moment ago holds it until the kernel is done with it.
    async fn await_claim(&self) -> Result<Claim, SbuildError> {
        let begin = Instant::now();
        loop {
            match self.try_claim()? {
                Some(claim) => return Ok(claim),
                None if begin.elapsed() < CLAIM_LIMIT => tokio::time::sleep(Duration::from_millis(100)).await,
                None => return Err(SbuildError::Taken { path: self.builds() }),
            }
        }
    }

    fn try_claim(&self) -> Result<Option<Claim>, SbuildError> {
        let path = self.lock_file();
        let lock = try_lock(&path).map_err(SbuildError::io("cannot lock", path))?;
        Ok(lock.map(|lock| Claim { _lock: lock }))
    }

    async fn remove_all(&self) -> Result<(), SbuildError> {
        let builds = self.builds();
        for entry in std::fs::read_dir(&builds).into_iter().flatten().flatten() {
            tracing::info!(path = %entry.path().display(), "removing what an earlier build left");
            self.remove(&entry.path()).await?;
        }
        match std::fs::remove_dir(&builds) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(SbuildError::io("cannot remove", &builds)(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Makes the folder of a build, empty and the build user's own; what an earlier attempt left is removed.
    pub async fn make(&self, name: &str) -> Result<Layout, SbuildError> {
        let layout = Layout { root: self.builds().join(name) };
        self.remove(&layout.root).await?;
        for folder in [layout.root.clone(), layout.home(), layout.source(), layout.built(), layout.temporary()] {
            std::fs::create_dir(&folder).map_err(SbuildError::io("cannot make", &folder))?;
            open_to_all(&folder, if folder == layout.home() { 0o700 } else { 0o755 })?;
            self.give(&folder)?;
        }
        let unpacked = layout.unpacked();
        std::fs::create_dir(&unpacked).map_err(SbuildError::io("cannot make", &unpacked))?;
        // As /tmp is: everybody removes what is theirs, and a namespace's root is a stranger to the build user.
        open_to_all(&unpacked, 0o1777)?;
        self.give(&unpacked)?;
        Ok(layout)
    }

    /// Makes a file or folder the build user's own.
    pub fn give(&self, path: &Path) -> Result<(), SbuildError> {
        if !is_root() {
            return Ok(());
        }
        std::os::unix::fs::lchown(path, Some(self.user.uid), Some(self.user.gid))
            .map_err(SbuildError::io("cannot hand over", path))
    }

    /// Writes a file that the build user reads.
    pub fn write(&self, path: &Path, text: &str) -> Result<(), SbuildError> {
        std::fs::write(path, text).map_err(SbuildError::io("cannot write", path))?;
        open_to_all(path, 0o644)
    }

    /// A program to be run as the build user for that build: own environment, own process group, no input.
    pub fn command(&self, program: &Path, layout: &Layout) -> std::process::Command {
        let mut command = std::process::Command::new(program);
        command
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", layout.home())
            .env("TMPDIR", layout.temporary())
            .env("USER", &self.user.name)
            .env("LOGNAME", &self.user.name)
            .env("LC_ALL", "C.UTF-8")
            .env(MARK, &layout.root)
            .current_dir(&layout.root)
            .stdin(Stdio::null())
            .process_group(0);
        if is_root() && self.user.uid != 0 {
            // Setting the user id as root drops the supplementary groups, too.
            command.uid(self.user.uid).gid(self.user.gid);
        }
        command
    }

    /// A program to be run as root of a new user namespace, and of a mount and process namespace, of the build user.
    pub fn namespaced(&self, layout: &Layout) -> std::process::Command {
        let mut command = self.command(&self.tools.mmdebstrap, layout);
        command.arg("--unshare-helper");
        command
    }

    /// Runs such a command to its end; returns what it printed.
    pub async fn finish(
        &self,
        command: std::process::Command,
        what: &str,
        limit: Duration,
    ) -> Result<Vec<u8>, SbuildError> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut command = tokio::process::Command::from(command);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
        let child = child.map_err(|source| SbuildError::Missing { program, source })?;
        let output = tokio::time::timeout(limit, child.wait_with_output())
            .await
            .map_err(|_| SbuildError::Late { what: what.to_owned(), limit })?
            .map_err(SbuildError::io("cannot wait for", what))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let printed = [output.stdout, output.stderr].concat();
        Err(SbuildError::InChroot { what: what.to_owned(), how: how(output.status), tail: tail_of(&printed, 5) })
    }

    /// Removes a build's folder, whoever owns what is in it, after ending what still runs there.
    pub async fn remove(&self, root: &Path) -> Result<(), SbuildError> {
        if !root.starts_with(self.builds()) || !root.exists() {
            return Ok(());
        }
        processes::end_all(root, &self.user).await;
        match remove_tree(root).await {
            // Trees of mapped ids can only be emptied by their own root; what is left is the user's.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied && !is_root() => {}
            removed => return removed.map_err(SbuildError::io("cannot remove", root)),
        }
        let layout = Layout { root: root.to_path_buf() };
        for folder in [layout.root.clone(), layout.temporary(), layout.unpacked()] {
            let mut command = self.namespaced(&layout);
            command.env("TMPDIR", "/").args(["sh", "-c", "rm -rf \"$1\"/* 2>/dev/null || true", "sh"]).arg(&folder);
            self.finish(command, "removing a chroot", REMOVE_LIMIT).await?;
        }
        remove_tree(root).await.map_err(SbuildError::io("cannot remove", root))
    }
}

/// A name for the builds of the daemon `name` of that state directory, short since it is part of long paths.
pub fn instance(state: &Path, name: &str) -> String {
    let whole = [state.as_os_str().as_encoded_bytes(), b"\0", name.as_bytes()].concat();
    Sha256::of(&whole).to_string()[..12].to_owned()
}

/// Locks a file, making it first; `None` when another process has it. Who holds the lock may remove the file, so what
/// was locked counts only while it still goes by that name.
pub fn try_lock(path: &Path) -> std::io::Result<Option<File>> {
    loop {
        let file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let same = std::fs::metadata(path).is_ok_and(|named| {
            file.metadata().is_ok_and(|locked| (locked.dev(), locked.ino()) == (named.dev(), named.ino()))
        });
        if same {
            return Ok(Some(file));
        }
    }
}

/// Sets permissions whatever the umask is.
pub fn open_to_all(path: &Path, mode: u32) -> Result<(), SbuildError> {
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, permissions).map_err(SbuildError::io("cannot set the permissions of", path))
}

async fn remove_tree(root: &Path) -> std::io::Result<()> {
    let path = root.to_path_buf();
    tokio::task::spawn_blocking(move || std::fs::remove_dir_all(path)).await.expect("removing files does not panic")
}

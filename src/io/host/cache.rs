//! Whether the cache folder can hold builds.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Check, HostSettings, Need, try_in_namespace};
use crate::io::host::user::User;

const NAME: &str = "cache";

/// The first folder on the way to `path` that strangers cannot pass through, as a home of mode 0700 is. A chroot's
/// root is a stranger to all of the machine's users, so builds do not work below such a folder.
pub fn closed(path: &Path) -> Option<PathBuf> {
    let mut folders: Vec<&Path> = path.ancestors().collect();
    folders.reverse();
    folders
        .into_iter()
        .find(|folder| std::fs::metadata(folder).is_ok_and(|data| data.mode() & 0o001 == 0))
        .map(Into::into)
}

/// Where caches of a user go who is not root: to `wish`, unless that is below a closed folder; then to a folder of the
/// user's own that everybody can pass through. One that somebody else made first is not taken.
pub fn home(wish: PathBuf, uid: u32) -> PathBuf {
    let open = open_home(uid);
    let taken = std::fs::symlink_metadata(&open).is_ok_and(|data| !data.is_dir() || data.uid() != uid);
    if taken || closed(&wish).is_none() { wish } else { open }
}

fn open_home(uid: u32) -> PathBuf {
    PathBuf::from(format!("/var/tmp/cloudbuild-{uid}"))
}

/// Makes the folder of [`home`] before anything is put into it, where `cache` is in it; everybody may make folders in
/// /var/tmp, so whose it is is looked at afterwards.
pub fn claim(cache: &Path) -> std::io::Result<()> {
    let uid = rustix::process::geteuid().as_raw();
    let open = open_home(uid);
    if !cache.starts_with(&open) {
        return Ok(());
    }
    match std::fs::create_dir(&open) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let data = std::fs::symlink_metadata(&open)?;
    if !data.is_dir() || data.uid() != uid {
        let text =
            format!("`{}` belongs to somebody else\nhint: choose another folder with --cache-dir", open.display());
        return Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, text));
    }
    std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o755))
}

/// `user`: who builds, where namespaces work.
pub(super) async fn check(settings: &HostSettings, user: Option<&User>) -> Vec<Check> {
    let path = std::path::absolute(&settings.cache).unwrap_or_else(|_| settings.cache.clone());
    let there = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/")).to_path_buf();
    vec![writable(&path, &there), reachable(settings, &path, &there, user).await, space(settings, &there)]
}

fn writable(path: &Path, there: &Path) -> Check {
    let shown = path.display().to_string();
    if !there.is_dir() {
        let fix = "choose another folder with --cache-dir";
        return Check::bad(NAME, format!("`{}` is not a folder", there.display()), fix, None);
    }
    if rustix::fs::access(there, rustix::fs::Access::WRITE_OK).is_err() {
        let fix = format!("run `cloudbuild setup` as root, or choose another folder with --cache-dir, not `{shown}`");
        return Check::bad(NAME, format!("`{}` cannot be written", there.display()), fix, Some(Need::Cache));
    }
    Check::ok(NAME, shown)
}

async fn reachable(settings: &HostSettings, path: &Path, there: &Path, user: Option<&User>) -> Check {
    let name = "cache for builds";
    let Some(folder) = closed(path) else { return Check::ok(name, "every user may pass through to it") };
    // An access control list may let the mapped ids pass all the same.
    if let Some(user) = user {
        let probe = there.display().to_string();
        if try_in_namespace(settings, user, &["test", "-x", &probe]).await.is_ok_and(|output| output.status.success()) {
            return Check::ok(name, "the build user's mapped ids may pass through to it");
        }
    }
    let folder = folder.display();
    let found = format!("`{folder}` is closed to the ids that builds run as");
    let fix = format!("chmod o+x {folder}, or choose a folder elsewhere with --cache-dir, such as /var/tmp/cloudbuild");
    Check::bad(name, found, fix, None)
}

fn space(settings: &HostSettings, there: &Path) -> Check {
    let name = "cache space";
    let data = match rustix::fs::statvfs(there) {
        Ok(data) => data,
        Err(error) => return Check::bad(name, error.to_string(), "choose another folder with --cache-dir", None),
    };
    let free = data.f_bavail.saturating_mul(data.f_frsize);
    let found = format!("{} free in `{}`", bytesize::ByteSize(free), there.display());
    if data.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC) {
        let fix = "remount it with `exec`, or choose another folder with --cache-dir";
        return Check::bad(name, format!("`{}` is mounted noexec", there.display()), fix, None);
    }
    if free < settings.free {
        let fix =
            format!("free {} there, or choose another folder with --cache-dir", bytesize::ByteSize(settings.free));
        return Check::bad(name, found, fix, None);
    }
    Check::ok(name, found)
}

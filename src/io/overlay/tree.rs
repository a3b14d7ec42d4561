//! Source trees: a copy is packed with dpkg-source, so that the same content always gives the same bytes.
//!
//! dpkg-source executes nothing of a tree in the formats that are allowed here: patches are applied by patch, as unified
//! diffs only, and no version control system is asked, whose settings could name programs.

use std::fs::{self, File, FileTimes};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use tempfile::TempDir;

use super::error::{OverlayError, at};
use super::metadata;
use crate::core::overlay::{changelog_head, is_upstream_tarball, upstream_version};
use crate::io::store::Store;

/// The formats that dpkg-source packs without asking other programs than tar, patch and diff.
const FORMATS: [&str; 3] = ["3.0 (quilt)", "3.0 (native)", "1.0"];

/// What version control systems keep in a tree, which is no part of the package.
const LEFT_OUT: [&str; 6] = [".git", ".hg", ".svn", ".bzr", "_darcs", "CVS"];

/// So long dpkg-source may take; the largest trees of a distribution are packed in a quarter of it.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// The time of all files in the copy, seconds since 1970: later than any changelog, so that dpkg-source takes the
/// changelog's time for all of them, whenever they were checked out.
const LATER: u64 = 4_102_444_800;

/// The longest changelog or format file whose beginning is read, in bytes.
const HEAD: u64 = 64 << 10;

/// A tree that was packed; all of it goes when this is dropped.
pub(super) struct Packed {
    /// The `.dsc`, with its files beside it.
    pub(super) dsc: PathBuf,
    _work: TempDir,
}

/// Packs a copy of a tree.
pub(super) async fn pack(store: &Store, tree: &Path) -> Result<Packed, OverlayError> {
    let (from, scratch) = (tree.to_owned(), store.scratch()?);
    let prepared = tokio::task::spawn_blocking(move || prepare(&from, scratch));
    let (work, folder) = prepared.await.expect("copying a tree does not panic")?;
    let mut command = tokio::process::Command::new("dpkg-source");
    command.current_dir(work.path()).arg("--build").arg(&folder).stdin(Stdio::null()).kill_on_drop(true);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
    command.env("HOME", work.path()).env("TMPDIR", work.path()).env("DPKG_COLORS", "never");
    let seconds = PATIENCE.as_secs();
    let ended = tokio::time::timeout(PATIENCE, command.output()).await;
    let ended = ended.map_err(|_| OverlayError::Slow { path: tree.to_owned(), seconds })?;
    let ended = ended.map_err(|source| OverlayError::Missing { source })?;
    if !ended.status.success() {
        let words = String::from_utf8_lossy(&ended.stderr);
        let lines: Vec<&str> = words.lines().filter(|line| line.contains("error:")).collect();
        let said = if lines.is_empty() { words.trim().to_owned() } else { lines.join("; ") };
        let said = said.replace("dpkg-source: ", "").replace("error: ", "").chars().take(2000).collect();
        return Err(OverlayError::Packing { path: tree.to_owned(), said });
    }
    let entries = fs::read_dir(work.path()).map_err(at(work.path()))?;
    let mut made = entries.flatten().map(|entry| entry.path());
    let dsc = made.find(|path| path.extension().is_some_and(|end| end == "dsc"));
    let none = || OverlayError::Packing { path: tree.to_owned(), said: "it made no .dsc".to_owned() };
    Ok(Packed { dsc: dsc.ok_or_else(none)?, _work: work })
}

/// Copies a tree, and the upstream tarballs beside it; the copy's folder is named by source and version only.
fn prepare(tree: &Path, work: TempDir) -> Result<(TempDir, String), OverlayError> {
    let other = |got: &str| OverlayError::Other {
        path: tree.to_owned(),
        expected: "a source tree",
        got: got.to_owned(),
        hint: "name the folder that has debian/ in it; a packed source package is `cb.source_package \"x.dsc\"`",
    };
    if !metadata(tree)?.is_dir() {
        return Err(other("a file"));
    }
    // Neither may be a link out of the tree.
    let has = |name: &str| fs::symlink_metadata(tree.join(name)).is_ok_and(|found| found.is_file());
    if !has("debian/changelog") || !has("debian/control") {
        return Err(other("a folder without debian/changelog and debian/control"));
    }
    let changelog = head(&tree.join("debian/changelog"))?;
    let (source, version) = changelog_head(&changelog).map_err(|line| OverlayError::Other {
        path: tree.join("debian/changelog"),
        expected: "`NAME (VERSION) SUITE; urgency=medium` in the first line",
        got: format!("`{line}`"),
        hint: "`dch` writes changelogs",
    })?;
    let format = if has("debian/source/format") { head(&tree.join("debian/source/format"))? } else { "1.0".to_owned() };
    let format = format.trim();
    if !FORMATS.contains(&format) {
        return Err(OverlayError::Other {
            path: tree.join("debian/source/format"),
            expected: "`3.0 (quilt)`, `3.0 (native)` or `1.0`",
            got: format!("`{}`", format.chars().take(40).collect::<String>()),
            hint: "pack it yourself, and give the .dsc as `cb.source_package`",
        });
    }
    let tarballs = tarballs(tree, source, version)?;
    if format == FORMATS[0] && tarballs.is_empty() {
        return Err(OverlayError::Other {
            path: tree.to_owned(),
            expected: "the upstream tarball beside it",
            got: format!("no `{source}_{}.orig.tar.*`", upstream_version(version)),
            hint: "put it there (`uscan`, `origtargz` or `git archive` make it), or use the format `3.0 (native)`",
        });
    }
    for tarball in tarballs {
        let name = tarball.file_name().expect("it was found by its name");
        symlink(&tarball, work.path().join(name)).map_err(at(work.path()))?;
    }
    let folder = format!("{source}-{}", upstream_version(version));
    copy(tree, &work.path().join(&folder))?;
    Ok((work, folder))
}

/// The beginning of a text file.
fn head(path: &Path) -> Result<String, OverlayError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(at(path))?;
    file.take(HEAD).read_to_end(&mut bytes).map_err(at(path))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The upstream tarballs beside a tree, sorted.
fn tarballs(tree: &Path, source: &str, version: &str) -> Result<Vec<PathBuf>, OverlayError> {
    let whole = fs::canonicalize(tree).map_err(at(tree))?;
    let Some(beside) = whole.parent() else { return Ok(Vec::new()) };
    let entries = fs::read_dir(beside).map_err(at(beside))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_upstream_tarball(path, source, version) && path.is_file())
        .collect();
    found.sort();
    Ok(found)
}

/// Copies a tree without what its permissions and times have of this machine. Links stay links.
fn copy(from: &Path, to: &Path) -> Result<(), OverlayError> {
    let walk = walkdir::WalkDir::new(from).sort_by_file_name();
    let left_out =
        |entry: &walkdir::DirEntry| LEFT_OUT.iter().any(|name| entry.depth() > 0 && entry.file_name() == *name);
    for entry in walk.into_iter().filter_entry(|entry| !left_out(entry)) {
        let entry = entry.map_err(|error| OverlayError::Read { path: from.to_owned(), source: error.into() })?;
        let path = entry.path();
        let below = path.strip_prefix(from).expect("a walk stays below where it began");
        let target = if below.as_os_str().is_empty() { to.to_owned() } else { to.join(below) };
        let kind = entry.file_type();
        if kind.is_dir() || entry.depth() == 0 {
            fs::create_dir(&target).map_err(at(&target))?;
            set_mode(&target, 0o755)?;
        } else if kind.is_file() {
            fs::copy(path, &target).map_err(at(path))?;
            let runs = metadata(path)?.permissions().mode() & 0o111 != 0;
            set_mode(&target, if runs { 0o755 } else { 0o644 })?;
            let times = FileTimes::new().set_modified(UNIX_EPOCH + Duration::from_secs(LATER));
            let file = File::options().write(true).open(&target).map_err(at(&target))?;
            file.set_times(times).map_err(at(&target))?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(path).map_err(at(path))?, &target).map_err(at(&target))?;
        } else {
            return Err(OverlayError::Other {
                path: path.to_owned(),
                expected: "files, folders and links",
                got: "a device, socket or pipe".to_owned(),
                hint: "remove it from the tree",
            });
        }
    }
    // What was made in a folder moved its time, so the times of folders and links come last.
    for entry in walkdir::WalkDir::new(to).contents_first(true) {
        let entry = entry.map_err(|error| OverlayError::Read { path: to.to_owned(), source: error.into() })?;
        if !entry.file_type().is_file() {
            let time = Timespec { tv_sec: LATER.cast_signed(), tv_nsec: 0 };
            let times = Timestamps { last_access: time, last_modification: time };
            let set = utimensat(CWD, entry.path(), &times, AtFlags::SYMLINK_NOFOLLOW);
            set.map_err(|error| at(entry.path())(error.into()))?;
        }
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> Result<(), OverlayError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(at(path))
}

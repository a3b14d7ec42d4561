//! Chroots: made by mmdebstrap from a view, kept by the content of what is in them.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::place::{Place, open_to_all, try_lock};
use super::run::{Waited, wait_or_stop};
use super::{SbuildError, how, tail_of};
use crate::core::build::{CHROOT_PACKAGES, Layout, source_line};
use crate::core::debian::control::paragraphs;
use crate::core::ids::ChrootKey;
use crate::io::clock;

/// mmdebstrap takes half a minute on this decade's machines, and an hour under emulation on a slow disk.
const MAKE_LIMIT: Duration = Duration::from_secs(2 * 3600);

/// As many chroots are kept, however long ago they were used.
const KEEP: usize = 10;

/// A chroot used so recently is kept besides: a build may be unpacking it.
const IN_USE: Duration = Duration::from_secs(3600);

/// Which chroot, and from what it is made where it is not there yet.
#[derive(Debug, Clone)]
pub struct ChrootRequest {
    /// Its name.
    pub key: ChrootKey,
    /// Its Debian architecture.
    pub arch: String,
    /// Packages that it has besides those of every chroot.
    pub packages: Vec<String>,
    /// The archive: suite `view`, component `main`.
    pub view_url: String,
    /// ASCII armoured key that signed it.
    pub view_key: String,
}

/// A package that is in a chroot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// Its name.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Its architecture.
    pub architecture: String,
}

/// The chroot's tarball, made first where it is not there; two who want the same one wait for each other.
pub async fn ensure(
    place: &Place,
    request: &ChrootRequest,
    cancel: &CancellationToken,
) -> Result<PathBuf, SbuildError> {
    if let Some(tar) = find(place, request.key) {
        return Ok(tar);
    }
    let tar = tarball(place, request.key);
    let _lock = lock(&place.chroots().join(format!("{}.lock", request.key)), cancel).await?;
    if used(&tar) {
        return Ok(tar);
    }
    let layout = place.make(&format!("chroot-{}", request.key)).await?;
    let made = make(place, request, &layout, &tar, cancel).await;
    let removed = place.remove(&layout.root).await;
    made.and(removed)?;
    forget_old(place, &tar);
    Ok(tar)
}

/// The chroot's tarball, if it is there; it counts as used now.
pub fn find(place: &Place, key: ChrootKey) -> Option<PathBuf> {
    let tar = tarball(place, key);
    used(&tar).then_some(tar)
}

fn tarball(place: &Place, key: ChrootKey) -> PathBuf {
    place.chroots().join(format!("{key}.tar"))
}

async fn make(
    place: &Place,
    request: &ChrootRequest,
    layout: &Layout,
    tar: &Path,
    cancel: &CancellationToken,
) -> Result<(), SbuildError> {
    let key = layout.root.join("view.asc");
    place.write(&key, &request.view_key)?;
    let built = layout.built().join("chroot.tar");
    let mut command = place.command(&place.tools.mmdebstrap, layout);
    command
        .args(["--mode=unshare", "--variant=buildd", "--format=tar"])
        .arg(format!("--architectures={}", request.arch))
        .arg(format!("--include={}", [&CHROOT_PACKAGES.map(str::to_owned)[..], &request.packages].concat().join(",")))
        .args(["--aptopt=Acquire::http::Proxy \"DIRECT\"", "--aptopt=Acquire::Languages \"none\""])
        .arg("--aptopt=Acquire::Retries \"3\"")
        .arg("view")
        .arg(&built)
        .arg(source_line(&request.view_url, &key.display().to_string()));
    tracing::info!(chroot = %request.key, arch = request.arch, "making a chroot, since there is none by that name");
    let log = File::create(layout.log()).map_err(SbuildError::io("cannot make", layout.log()))?;
    let waited = wait_or_stop(place, layout, command, log, cancel, MAKE_LIMIT, None).await?;
    let output = std::fs::read(layout.log()).map_err(SbuildError::io("cannot read", layout.log()))?;
    let status = match waited {
        Waited::Ended(status) => status,
        Waited::Cancelled => return Err(SbuildError::Cancelled),
        Waited::Stalled => return Err(SbuildError::Late { what: "mmdebstrap".to_owned(), limit: MAKE_LIMIT }),
    };
    if !status.success() {
        let (view, how) = (request.view_url.clone(), how(status));
        return Err(SbuildError::Chroot { view, how, tail: tail_of(&output, 8) });
    }
    keep(built, tar.to_path_buf()).await
}

/// Writes what is in a chroot beside it, and gives it its name: it is there whole or not at all.
async fn keep(built: PathBuf, tar: PathBuf) -> Result<(), SbuildError> {
    let work = move || {
        let contents = contents(&built)?;
        let list = tar.with_extension("json");
        let json = serde_json::to_vec_pretty(&contents).expect("plain data always becomes JSON");
        std::fs::write(&list, json).map_err(SbuildError::io("cannot write", &list))?;
        open_to_all(&built, 0o644)?;
        std::fs::rename(&built, &tar).map_err(SbuildError::io("cannot name", &tar))
    };
    tokio::task::spawn_blocking(work).await.expect("keeping a chroot does not panic")
}

/// What a chroot's tarball holds, by its dpkg's own account.
pub fn contents(tar: &Path) -> Result<Vec<Installed>, SbuildError> {
    let file = File::open(tar).map_err(SbuildError::io("cannot open", tar))?;
    let mut archive = tar::Archive::new(BufReader::new(file));
    let entries = archive.entries_with_seek().map_err(SbuildError::io("cannot read", tar))?;
    for entry in entries {
        let mut entry = entry.map_err(SbuildError::io("cannot read", tar))?;
        let path = entry.path_bytes().into_owned();
        if path.strip_prefix(b"./").unwrap_or(&path) == b"var/lib/dpkg/status" {
            let mut status = Vec::new();
            entry.read_to_end(&mut status).map_err(SbuildError::io("cannot read", tar))?;
            return Ok(installed(&status));
        }
    }
    let missing = std::io::Error::new(std::io::ErrorKind::InvalidData, "there is no var/lib/dpkg/status in it");
    Err(SbuildError::io("cannot use", tar)(missing))
}

fn installed(status: &[u8]) -> Vec<Installed> {
    let mut list: Vec<Installed> = paragraphs(status)
        .filter(|paragraph| paragraph.text("Status").is_some_and(|status| status.ends_with(" installed")))
        .filter_map(|paragraph| {
            Some(Installed {
                package: paragraph.text("Package")?.to_owned(),
                version: paragraph.text("Version")?.to_owned(),
                architecture: paragraph.text("Architecture")?.to_owned(),
            })
        })
        .collect();
    list.sort_by(|a, b| (&a.package, &a.architecture).cmp(&(&b.package, &b.architecture)));
    list
}

/// Whether a chroot is there; it counts as used now.
fn used(tar: &Path) -> bool {
    let Ok(list) = File::options().append(true).open(tar.with_extension("json")) else { return false };
    // A chroot that cannot be marked is forgotten sooner, and works all the same.
    let _ = list.set_modified(clock::now().into());
    tar.is_file()
}

async fn lock(path: &Path, cancel: &CancellationToken) -> Result<File, SbuildError> {
    let begin = Instant::now();
    loop {
        if let Some(file) = try_lock(path).map_err(SbuildError::io("cannot lock", path))? {
            return Ok(file);
        }
        if begin.elapsed() > MAKE_LIMIT {
            return Err(SbuildError::Late { what: format!("the lock `{}`", path.display()), limit: MAKE_LIMIT });
        }
        tokio::select! {
            () = cancel.cancelled() => return Err(SbuildError::Cancelled),
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
        }
    }
}

/// Removes chroots that were not used for longest; `newest` stays in any case.
fn forget_old(place: &Place, newest: &Path) {
    let entries = std::fs::read_dir(place.chroots()).into_iter().flatten().flatten();
    let mut chroots: Vec<(SystemTime, PathBuf)> = entries
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "json"))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path().with_extension("tar"))))
        .filter(|(_, tar)| tar != newest)
        .collect();
    chroots.sort();
    let surplus = (chroots.len() + 1).saturating_sub(KEEP);
    for (when, tar) in chroots.into_iter().take(surplus) {
        if when.elapsed().is_ok_and(|age| age > IN_USE) {
            for path in [tar.with_extension("json"), tar.clone(), tar.with_extension("lock")] {
                // What is not there any more needs no removing; what cannot be removed is tried next time.
                let _ = std::fs::remove_file(path);
            }
            tracing::info!(chroot = %tar.display(), "removed a chroot that was not used for longest");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_installed_packages_are_listed_and_they_are_sorted() {
        let status = b"Package: b\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\n\
                       Package: a\nStatus: install ok installed\nVersion: 2\nArchitecture: all\n\n\
                       Package: c\nStatus: deinstall ok config-files\nVersion: 3\nArchitecture: all\n";
        let names: Vec<String> = installed(status).into_iter().map(|package| package.package).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn the_status_file_is_found_in_a_tarball() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.tar");
        let mut builder = tar::Builder::new(File::create(&path).unwrap());
        let status = b"Package: a\nStatus: install ok installed\nVersion: 2\nArchitecture: all\n";
        let mut header = tar::Header::new_gnu();
        header.set_size(status.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, "./var/lib/dpkg/status", &status[..]).unwrap();
        builder.into_inner().unwrap();
        assert_eq!(contents(&path).unwrap()[0].version, "2");
    }
}

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::core::debian::control;
use crate::core::publish::{BinaryKind, Contents, Options, plan};
use crate::io::archive::serve;
use crate::io::archive::testing::{Apt, Gpg, binary, make_deb, make_source, run, source};

mod generations;
mod tears;
mod uses;

/// 2023-01-01; what is signed must not lie in the future.
const NOW: i64 = 1_672_531_200;

/// Files that were built, a key, and an archive's directory that is not there yet.
struct Bench {
    folder: tempfile::TempDir,
    gpg: Gpg,
    files: BTreeMap<Sha256, PathBuf>,
    contents: Contents,
    options: Options,
}

impl Bench {
    /// Two components, `all`, `amd64`, `arm64`, debug symbols, a udeb, and a source package.
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let mut bench = Bench {
            gpg: Gpg::new(),
            files: BTreeMap::new(),
            contents: Contents::default(),
            options: Options::default(),
            folder,
        };
        bench.add_deb("libtiny1", "1:1.0-1", "amd64", "main", BinaryKind::Deb);
        bench.add_deb("libtiny1", "1:1.0-1", "arm64", "main", BinaryKind::Deb);
        bench.add_deb("tiny-doc", "1.0-1", "all", "updates/contrib", BinaryKind::Deb);
        bench.add_deb("libtiny1-dbgsym", "1.0-1", "amd64", "main", BinaryKind::Dbgsym);
        bench.add_deb("tiny-udeb", "1.0-1", "amd64", "main", BinaryKind::Udeb);
        let dsc = make_source(bench.folder.path(), "libtiny", "1.0");
        let set = source(&dsc, "main");
        bench.files.insert(set.file.sha256, dsc.clone());
        for file in &set.dsc.files {
            bench.files.insert(file.sha256, dsc.with_file_name(&file.name));
        }
        bench.contents.sources.push(set);
        bench
    }

    fn add_deb(&mut self, name: &str, version: &str, arch: &str, component: &str, kind: BinaryKind) {
        let path = make_deb(self.folder.path(), name, version, arch, "one");
        let file = binary(&path, component, kind);
        self.files.insert(file.sha256, path);
        self.contents.binaries.push(file);
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    fn plan(&self, now: i64) -> PublishPlan {
        let options = Options {
            suite: "tiny/updates".to_owned(),
            codename: "tiny".to_owned(),
            origin: "example".to_owned(),
            label: "Example".to_owned(),
            components: vec!["main".to_owned(), "updates/contrib".to_owned()],
            architectures: vec!["amd64".to_owned(), "arm64".to_owned()],
            now,
            previous: present(&self.root(), "tiny/updates").unwrap().and_then(|present| present.date),
            ..self.options.clone()
        };
        plan(&self.contents, &options).unwrap()
    }

    fn publish_at(&self, now: i64, before: &Before<'_>) -> Result<Published, ArchiveError> {
        let find = |sha256: &Sha256| self.files.get(sha256).cloned().ok_or_else(|| BoxError::from("no such file"));
        let plan = self.plan(now);
        publish_watched(&self.root(), &Publication::of(&plan, now), &find, &self.gpg, before)
    }

    fn publish(&self, now: i64) -> Published {
        self.publish_at(now, &|_| Ok(())).unwrap()
    }

    fn key(&self) -> PathBuf {
        let path = self.folder.path().join("trusted.asc");
        std::fs::write(&path, self.gpg.public_armored().unwrap()).unwrap();
        path
    }

    fn apt(&self, url: &str) -> Apt {
        Apt::new(url, &self.key(), "tiny/updates", "main main/debug updates/contrib")
    }
}

/// Every file of an archive with its content, inode and time of change, but for our notes.
fn state(root: &Path) -> BTreeMap<PathBuf, (Sha256, u64, i64, i64)> {
    let files = walkdir::WalkDir::new(root).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| {
            let (path, there) = (entry.path().to_owned(), entry.metadata().unwrap());
            let hash = files::sha256(&path).unwrap();
            (path, (hash, there.ino(), there.ctime(), there.ctime_nsec()))
        })
        .collect()
}

/// Stanzas as sets of (name, value), so that order does not matter; hashes that only one tool writes left out.
fn stanzas(index: &str) -> BTreeSet<BTreeSet<(String, String)>> {
    let text = |bytes: &[u8]| {
        let value = String::from_utf8(bytes.to_vec()).unwrap();
        value.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    };
    let paragraphs = control::paragraphs(index.as_bytes());
    paragraphs
        .map(|paragraph| {
            let fields = paragraph.fields().map(|(name, value)| (text(name).to_ascii_lowercase(), text(value)));
            fields.filter(|(name, _)| !name.contains("sha512")).collect()
        })
        .collect()
}

#[test]
fn real_apt_updates_downloads_and_gets_sources() {
    let bench = Bench::new();
    let published = bench.publish(NOW);
    assert!(!published.unchanged && published.notes.is_empty());
    let serving = serve::serve(bench.root()).unwrap();
    let apt = bench.apt(&serving.url);
    let update = apt.run(&["apt-get", "update"]);
    assert!(update.contains("Get:1") && !update.contains("W:"), "{update}");
    apt.run(&["apt-get", "download", "libtiny1", "tiny-doc", "libtiny1-dbgsym"]);
    let deb = apt.work().join("libtiny1_1%3a1.0-1_amd64.deb");
    assert_eq!(files::sha256(&deb).unwrap(), bench.contents.binaries[0].sha256);
    apt.run(&["apt-get", "source", "--download-only", "libtiny"]);
    assert!(apt.work().join("libtiny_1.0.dsc").exists() && apt.work().join("libtiny_1.0.tar.xz").exists());
    let policy = apt.run(&["apt-cache", "policy"]);
    assert!(policy.contains("o=example,a=tiny/updates,n=tiny,l=Example,c=updates/contrib"), "{policy}");
    for (path, mode) in [("pool/main", 0o755), (KEY, 0o644), ("dists/tiny/updates/InRelease", 0o644)] {
        assert_eq!(std::fs::metadata(bench.root().join(path)).unwrap().permissions().mode() & 0o777, mode, "{path}");
    }
    let dists = bench.root().join("dists/tiny/updates");
    let release = run(Command::new("apt-ftparchive").arg("release").arg(dists.join("main/binary-amd64")));
    let sha256 = files::sha256(&dists.join("main/binary-amd64/Packages.xz")).unwrap().to_string();
    assert!(release.contains(&sha256) && bench.plan(NOW).release.contains(&sha256));
}

#[test]
fn the_indexes_say_what_debians_own_tools_say() {
    let bench = Bench::new();
    bench.publish(NOW);
    let read = |path: &str| std::fs::read_to_string(bench.root().join("dists/tiny/updates").join(path)).unwrap();
    let at_root = |command: &str, words: &[&str]| run(Command::new(command).args(words).current_dir(bench.root()));
    let scanned = at_root("dpkg-scanpackages", &["-m", "-aamd64", "pool/main"]);
    let ours = ["main/binary-amd64/Packages", "main/debug/binary-amd64/Packages"].map(|path| read(path) + "\n");
    assert_eq!(stanzas(&ours.concat()), stanzas(&scanned));
    let scanned = at_root("apt-ftparchive", &["-o", "APT::FTPArchive::SHA512=no", "packages", "pool/updates/contrib"]);
    assert_eq!(stanzas(&read("updates/contrib/binary-arm64/Packages")), stanzas(&scanned));
    assert_eq!(read("updates/contrib/binary-amd64/Packages"), read("updates/contrib/binary-arm64/Packages"));
    let overrides = bench.folder.path().join("override");
    std::fs::write(&overrides, "libtiny optional utils\nlibtiny1 optional utils\n").unwrap();
    let words = ["-o", "APT::FTPArchive::SHA512=no", "sources", "pool/main", overrides.to_str().unwrap()];
    assert_eq!(stanzas(&read("main/source/Sources")), stanzas(&at_root("apt-ftparchive", &words)));
    assert!(read("main/debian-installer/binary-amd64/Packages").contains("Package: tiny-udeb"));
}

#[test]
fn publishing_the_same_again_writes_nothing() {
    let bench = Bench::new();
    let first = bench.publish(NOW);
    let before = state(&bench.root());
    let again = bench.publish(NOW + 1000);
    assert!(again.unchanged);
    assert_eq!((again.release_sha256, again.date), (first.release_sha256, NOW));
    assert_eq!(state(&bench.root()), before);
}

#[test]
fn a_lost_file_comes_back_and_another_key_signs_again() {
    let mut bench = Bench::new();
    bench.publish(NOW);
    let lost = bench.root().join(&bench.plan(NOW).pool[0].path);
    std::fs::remove_file(&lost).unwrap();
    let again = bench.publish(NOW + 10);
    assert_eq!((again.unchanged, again.added, lost.exists()), (false, 1, true));
    bench.gpg = Gpg::new();
    assert_eq!(bench.publish(NOW + 20).date, NOW + 20);
    let serving = serve::serve(bench.root()).unwrap();
    bench.apt(&serving.url).run(&["apt-get", "update"]);
}

#[test]
fn the_date_rises_even_when_the_clock_does_not() {
    let mut bench = Bench::new();
    bench.publish(NOW);
    bench.add_deb("tiny-more", "1.0-1", "all", "main", BinaryKind::Deb);
    let second = bench.publish(NOW - 3);
    assert_eq!(second.date, NOW + 1);
    let find = |_: &Sha256| Err(BoxError::from("not needed"));
    let mut stale = bench.plan(NOW);
    stale.release = stale.release.replace("Label: Example", "Label: Other");
    stale.date = NOW + 1;
    let error = publish(&bench.root(), &Publication::of(&stale, NOW), &find, &bench.gpg).unwrap_err();
    assert!(matches!(error, ArchiveError::Date { there, new } if there == NOW + 1 && new == NOW + 1), "{error}");
}

#[test]
fn a_kill_at_any_write_leaves_an_archive_that_apt_takes() {
    let mut bench = Bench::new();
    bench.publish(NOW);
    bench.add_deb("tiny-more", "1.0-1", "all", "main", BinaryKind::Deb);
    let serving = serve::serve(bench.root()).unwrap();
    let apt = bench.apt(&serving.url);
    let whole = bench.folder.path().join("whole");
    run(Command::new("cp").arg("-a").args([&bench.root(), &whole]));
    let mut published_at = None;
    for steps in 0_u64..200 {
        std::fs::remove_dir_all(bench.root()).unwrap();
        run(Command::new("cp").arg("-a").args([&whole, &bench.root()]));
        // A real kill leaves a file in the making, too.
        std::fs::write(bench.root().join(".cloudbuild/making/.tmp4711"), "half").unwrap();
        let left = AtomicU64::new(steps);
        let less = |left: u64| left.checked_sub(1);
        let stop = |_: &Path| match left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less) {
            Ok(_) => Ok(()),
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::StorageFull)),
        };
        let published = bench.publish_at(NOW + 100, &stop);
        let date = present(&bench.root(), "tiny/updates").unwrap().unwrap().date;
        apt.forget();
        apt.run(&["apt-get", "update"]);
        match published {
            Err(error) => {
                assert!(matches!(error, ArchiveError::DiskFull { .. }), "{error}");
                assert!(error.to_string().contains("hint: free some space"), "{error}");
                assert_eq!(date, Some(NOW), "the old generation stands after {steps} steps");
                assert!(!bench.publish(NOW + 200).unchanged);
            }
            Ok(published) => {
                published_at.get_or_insert(steps);
                assert_eq!(date, Some(NOW + 100));
                apt.run(&["apt-get", "download", "tiny-more"]);
                if published.notes.is_empty() {
                    break;
                }
            }
        }
        // What was killed behind InRelease is a generation all the same, and is not published again.
        assert!(bench.publish(NOW + 5000).unchanged);
        assert_eq!(std::fs::read_dir(bench.root().join(".cloudbuild/making")).unwrap().count(), 0);
        assert!(pool(&bench.root()).unwrap().len() == bench.plan(NOW + 5000).pool.len());
    }
    assert!(published_at.is_some_and(|steps| steps > 10), "{published_at:?}");
}

#[test]
fn directories_of_others_are_not_touched() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.root()).unwrap();
    std::fs::write(bench.root().join("thesis.tex"), "years of work").unwrap();
    let before = state(&bench.root());
    let error = bench.publish_at(NOW, &|_| Ok(())).unwrap_err();
    assert!(matches!(error, ArchiveError::NotOurs { .. }) && error.to_string().contains("\nhint: "), "{error}");
    assert_eq!(state(&bench.root()), before);
}

#[test]
fn an_empty_directory_is_taken_and_one_writer_at_a_time() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.root().join("lost+found")).unwrap();
    bench.publish(NOW);
    let marker = std::fs::File::open(bench.root().join(MARKER)).unwrap();
    marker.lock().unwrap();
    let error = bench.publish_at(NOW, &|_| Ok(())).unwrap_err();
    assert!(matches!(error, ArchiveError::Busy { .. }), "{error}");
}

#[test]
fn a_pool_name_never_gets_other_bytes() {
    let mut bench = Bench::new();
    bench.publish(NOW);
    let before = state(&bench.root());
    let other = bench.folder.path().join("other");
    std::fs::create_dir_all(&other).unwrap();
    let path = make_deb(&other, "tiny-doc", "1.0-1", "all", "two");
    let file = binary(&path, "updates/contrib", BinaryKind::Deb);
    bench.files.insert(file.sha256, path);
    bench.contents.binaries[2] = file;
    let error = bench.publish_at(NOW + 9, &|_| Ok(())).unwrap_err();
    assert!(matches!(error, ArchiveError::OtherBytes { .. }), "{error}");
    assert_eq!(state(&bench.root()), before);
    let there = pool(&bench.root()).unwrap();
    assert_eq!(there.len(), bench.plan(NOW).pool.len());
    // A plan that knows what is there puts the other bytes beside it.
    bench.contents.pool = there;
    let published = bench.publish_at(NOW + 9, &|_| Ok(())).unwrap();
    assert_eq!(published.added, 1);
    let old = bench.root().join("pool/updates/contrib/libt/libtiny/tiny-doc_1.0-1_all.deb");
    assert!(old.exists(), "what an older generation lists is still there");
}

#[test]
fn a_file_that_was_damaged_or_is_gone_stops_everything() {
    let bench = Bench::new();
    let damaged = bench.folder.path().join("damaged");
    std::fs::write(&damaged, "rot").unwrap();
    let find = |_: &Sha256| Ok(damaged.clone());
    let error = publish(&bench.root(), &Publication::of(&bench.plan(NOW), NOW), &find, &bench.gpg).unwrap_err();
    assert!(matches!(error, ArchiveError::Content { .. }), "{error}");
    let find = |_: &Sha256| Err(BoxError::from("it is gone"));
    let error = publish(&bench.root(), &Publication::of(&bench.plan(NOW), NOW), &find, &bench.gpg).unwrap_err();
    assert!(matches!(error, ArchiveError::Source { .. }), "{error}");
    assert!(!bench.root().join("dists").exists());
}

#[test]
fn a_private_file_is_copied_and_a_public_one_is_linked() {
    let bench = Bench::new();
    let (private, public) = (&bench.contents.binaries[0], &bench.contents.binaries[1]);
    let mode = |file: &crate::core::publish::BinaryFile, mode| {
        std::fs::set_permissions(&bench.files[&file.sha256], std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(private, 0o600);
    mode(public, 0o444);
    bench.publish(NOW);
    let there = |file: &crate::core::publish::BinaryFile| {
        std::fs::metadata(bench.root().join("pool/main/libt/libtiny").join(&file.name)).unwrap()
    };
    let inode = |file: &crate::core::publish::BinaryFile| std::fs::metadata(&bench.files[&file.sha256]).unwrap().ino();
    assert_eq!((there(private).mode() & 0o777, there(private).ino() == inode(private)), (0o644, false));
    assert_eq!(there(public).ino(), inode(public));
}

#[test]
fn old_generations_go_and_the_last_three_and_young_ones_stay() {
    let mut bench = Bench::new();
    let day = 24 * 3600;
    let stray = bench.root().join("pool/main/mine.txt");
    let first_doc = bench.root().join("pool/updates/contrib/libt/libtiny/tiny-doc_1.0-1_all.deb");
    bench.publish(NOW);
    std::fs::write(&stray, "somebody's").unwrap();
    let first = state(&bench.root()).len();
    bench.contents.binaries.remove(2);
    let mut removed = Vec::new();
    for (number, after) in [(1, 10), (2, 20), (3, 30), (4, day + 9), (5, day + 15)] {
        bench.add_deb(&format!("tiny-{number}"), "1.0-1", "all", "main", BinaryKind::Deb);
        removed.push(bench.publish(NOW + after).removed > 0);
        assert_eq!(first_doc.exists(), number < 5, "after generation {number}");
    }
    // Fourth in age from generation 3 on, but superseded less than a day before until the last one.
    assert_eq!(removed, [false, false, false, false, true]);
    assert!(stray.exists() && state(&bench.root()).len() > first);
    let serving = serve::serve(bench.root()).unwrap();
    let apt = bench.apt(&serving.url);
    apt.run(&["apt-get", "update"]);
    apt.run(&["apt-get", "download", "libtiny1", "tiny-1"]);
}

#[test]
fn suites_share_a_pool_and_neither_removes_what_the_other_has() {
    let mut bench = Bench::new();
    bench.publish(NOW);
    let find = |sha256: &Sha256| Ok(bench.files[sha256].clone());
    let as_other = |mut plan: PublishPlan, now: i64| {
        plan.suite = "other".to_owned();
        plan.date = now;
        plan.release = plan.release.replace("Suite: tiny/updates", "Suite: other");
        plan.release = plan.release.replace(&release::date_text(NOW), &release::date_text(now));
        plan
    };
    let plan = as_other(bench.plan(NOW), NOW);
    let other = publish(&bench.root(), &Publication::of(&plan, NOW), &find, &bench.gpg).unwrap();
    assert_eq!((other.added, other.unchanged), (0, false));
    let doc = bench.root().join("pool/updates/contrib/libt/libtiny/tiny-doc_1.0-1_all.deb");
    bench.contents.binaries.remove(2);
    for number in 1..6 {
        bench.add_deb(&format!("tiny-{number}"), "1.0-1", "all", "main", BinaryKind::Deb);
        bench.publish(NOW + number * 100_000);
    }
    assert!(doc.exists(), "`other` still lists it");
    let serving = serve::serve(bench.root()).unwrap();
    let apt = Apt::new(&serving.url, &bench.key(), "other", "main updates/contrib");
    apt.run(&["apt-get", "update"]);
    apt.run(&["apt-get", "download", "tiny-doc"]);
}

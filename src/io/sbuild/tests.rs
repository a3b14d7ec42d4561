//! Real sbuild and mmdebstrap against an archive that somebody serves. Slow, so only when it is said where that is:
//! `CLOUDBUILD_TEST_VIEW` (its address), `CLOUDBUILD_TEST_VIEW_KEY` and `CLOUDBUILD_TEST_DSC` (files),
//! `CLOUDBUILD_TEST_CACHE` (a folder that the build user can reach).

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::chroot::{ChrootRequest, contents, ensure};
use super::place::{Place, Tools};
use super::proof::{Source, prepare};
use super::run::run;
use crate::core::build::{Layout, Task};
use crate::core::ids::{ChrootKey, Sha256};
use crate::io::host::user::{BUILD_USER, User, is_root};
use crate::wire::Outcome;

/// What the tests need from outside.
pub(crate) struct Outside {
    pub(crate) place: Place,
    pub(crate) view_url: String,
    pub(crate) view_key: String,
    pub(crate) dsc: PathBuf,
}

pub(crate) fn outside(instance: &str) -> Option<Outside> {
    let text = |name: &str| std::env::var(name).ok();
    let (Some(view_url), Some(key), Some(dsc), Some(cache)) = (
        text("CLOUDBUILD_TEST_VIEW"),
        text("CLOUDBUILD_TEST_VIEW_KEY"),
        text("CLOUDBUILD_TEST_DSC"),
        text("CLOUDBUILD_TEST_CACHE"),
    ) else {
        eprintln!("skipped: set CLOUDBUILD_TEST_VIEW, _VIEW_KEY, _DSC and _CACHE to run real builds");
        return None;
    };
    let user = if is_root() { User::named(BUILD_USER) } else { User::own() };
    let user = user.unwrap().expect("a build user, as `cloudbuild setup` makes it");
    let place = Place { cache: cache.into(), instance: instance.to_owned(), user, tools: Tools::default() };
    Some(Outside { place, view_url, view_key: std::fs::read_to_string(key).unwrap(), dsc: dsc.into() })
}

async fn chroot(outside: &Outside) -> PathBuf {
    let request = ChrootRequest {
        packages: Vec::new(),
        key: ChrootKey(Sha256::of(b"chroot of the tests")),
        arch: "amd64".to_owned(),
        view_url: outside.view_url.clone(),
        view_key: outside.view_key.clone(),
    };
    ensure(&outside.place, &request, &CancellationToken::new()).await.unwrap()
}

fn copy_source(outside: &Outside, layout: &Layout) {
    let folder = outside.dsc.parent().unwrap();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let to = layout.source().join(entry.file_name());
        std::fs::copy(entry.path(), &to).unwrap();
        outside.place.give(&to).unwrap();
    }
}

fn task(outside: &Outside, chroot: &Path) -> Task {
    Task {
        dsc: outside.dsc.file_name().unwrap().to_str().unwrap().to_owned(),
        arch: "amd64".to_owned(),
        cross_depends: Vec::new(),
        chroot_arch: "amd64".to_owned(),
        distribution: "bookworm".to_owned(),
        view_url: outside.view_url.clone(),
        view_key: outside.view_key.clone(),
        chroot: chroot.to_path_buf(),
        environment: [("DEB_CFLAGS_APPEND".to_owned(), "-DCLOUDBUILD_WAS_HERE".to_owned())].into(),
        changelog: None,
        parallel: 2,
    }
}

#[tokio::test]
async fn a_real_package_builds_with_the_flags_of_its_task_and_leaves_nothing_behind() {
    let Some(outside) = outside("real-build") else { return };
    let _claim = outside.place.claim().await.unwrap();
    let begin = Instant::now();
    let chroot = chroot(&outside).await;
    eprintln!("chroot: {:.1} s, {} packages", begin.elapsed().as_secs_f64(), contents(&chroot).unwrap().len());
    let layout = outside.place.make("j1-1").await.unwrap();
    copy_source(&outside, &layout);
    let begin = Instant::now();
    let task = task(&outside, &chroot);
    let outcome = run(&outside.place, &task, &layout, Duration::from_secs(600), &CancellationToken::new()).await;
    eprintln!("sbuild: {:.1} s", begin.elapsed().as_secs_f64());
    let log = std::fs::read_to_string(layout.log()).unwrap();
    if let Some(path) = std::env::var_os("CLOUDBUILD_TEST_LOG") {
        std::fs::write(path, &log).unwrap();
    }
    assert_eq!(outcome.unwrap(), Outcome::Built, "{log}");
    assert!(log.contains("-DCLOUDBUILD_WAS_HERE"), "the flags did not arrive: {log}");
    let mut built: Vec<String> = std::fs::read_dir(layout.built())
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    built.sort();
    for end in [".buildinfo", ".changes", ".deb"] {
        assert!(built.iter().any(|name| name.ends_with(end)), "{built:?}");
    }
    outside.place.give_up().await.unwrap();
    assert!(!layout.root.exists());
}

#[tokio::test]
async fn a_build_that_is_cancelled_leaves_neither_processes_nor_trees() {
    let Some(outside) = outside("real-cancel") else { return };
    let _claim = outside.place.claim().await.unwrap();
    let chroot = chroot(&outside).await;
    let layout = outside.place.make("j1-1").await.unwrap();
    copy_source(&outside, &layout);
    let cancel = CancellationToken::new();
    let stop_in_the_build = async {
        loop {
            let log = std::fs::read(layout.log()).unwrap_or_default();
            if crate::core::build::ending::phase(&log) == Some("build") {
                return cancel.cancel();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let task = task(&outside, &chroot);
    let build = run(&outside.place, &task, &layout, Duration::from_secs(600), &cancel);
    let (outcome, ()) = tokio::join!(build, stop_in_the_build);
    assert_eq!(outcome.unwrap(), Outcome::Cancelled);
    assert!(super::processes::of_build(&layout.root, &outside.place.user).is_empty());
    outside.place.give_up().await.unwrap();
    assert!(!layout.root.exists());
}

#[tokio::test]
async fn what_a_killed_daemon_left_in_a_real_build_is_ended_and_removed_by_the_next_one() {
    let Some(outside) = outside("real-killed") else { return };
    let claim = outside.place.claim().await.unwrap();
    let chroot = chroot(&outside).await;
    let layout = outside.place.make("j1-1").await.unwrap();
    copy_source(&outside, &layout);
    let in_the_build = async {
        while crate::core::build::ending::phase(&std::fs::read(layout.log()).unwrap_or_default()) != Some("build") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let (task, cancel) = (task(&outside, &chroot), CancellationToken::new());
    // Dropping the build kills sbuild alone, as the death of a daemon may.
    tokio::select! {
        outcome = run(&outside.place, &task, &layout, Duration::from_secs(600), &cancel) => panic!("{outcome:?}"),
        () = in_the_build => {}
    }
    drop(claim);
    assert!(!super::processes::of_build(&layout.root, &outside.place.user).is_empty());
    let other = Place { instance: "real-next".to_owned(), ..outside.place.clone() };
    let _claim = other.claim().await.unwrap();
    assert!(super::processes::of_build(&layout.root, &outside.place.user).is_empty());
    assert!(!outside.place.builds().exists());
    other.give_up().await.unwrap();
}

#[tokio::test]
async fn real_apt_in_a_clean_chroot_installs_a_package_and_runs_it() {
    let Some(outside) = outside("real-proof") else { return };
    let _claim = outside.place.claim().await.unwrap();
    let chroot = chroot(&outside).await;
    let begin = Instant::now();
    let clean = prepare(&outside.place, &chroot, "proof").await.unwrap();
    eprintln!("unpacked: {:.1} s", begin.elapsed().as_secs_f64());
    let begin = Instant::now();
    let archive = Source {
        url: outside.view_url.clone(),
        suite: "view".to_owned(),
        components: vec!["main".to_owned()],
        architectures: Vec::new(),
        key: outside.view_key.clone(),
    };
    let unknown = Source { key: String::new(), ..archive.clone() };
    let refused = clean.install(&unknown, None, &["help2man".to_owned()]).await.unwrap_err().to_string();
    assert!(refused.contains("`apt-get update` failed"), "{refused}");
    // `bash` is in the chroot already, in this very version.
    let packages = ["help2man".to_owned(), "bash".to_owned()];
    let proved = clean.install(&archive, None, &packages).await;
    eprintln!("installed: {:.1} s", begin.elapsed().as_secs_f64());
    clean.remove().await.unwrap();
    let lines: Vec<String> = proved.unwrap().iter().map(ToString::to_string).collect();
    assert!(lines[0].contains("/usr/bin/help2man says \"GNU help2man"), "{lines:?}");
    assert!(lines[1].contains("says \"GNU bash, version"), "{lines:?}");
    outside.place.give_up().await.unwrap();
}

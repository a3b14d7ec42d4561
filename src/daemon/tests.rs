//! The daemon against a control point that listens in this process, and an sbuild that is a script; at the end the
//! real one, where it is said where an archive is served (see `io::sbuild::tests`).

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::core::how::HowWord;
use crate::core::ids::{ChrootKey, RunId, Sha256};
use crate::wire::{Fault, Lease, Outcome};

/// A control point that remembers what it hears.
#[derive(Default)]
struct Listener {
    url: String,
    away: bool,
    leases: Mutex<VecDeque<Lease>>,
    sources: BTreeMap<Sha256, PathBuf>,
    log: Mutex<Vec<u8>>,
    files: Mutex<Vec<String>>,
    finished: Mutex<Vec<Finish>>,
}

impl Listener {
    fn answer<T: Send + 'static>(&self, answer: Result<T, Trouble>) -> BoxFuture<'static, Result<T, Trouble>> {
        let answer = if self.away { Err(Trouble::Gone("connection refused".to_owned())) } else { answer };
        async move { answer }.boxed()
    }
}

impl Control for Listener {
    fn view_url(&self, view: ViewId) -> Result<String, Trouble> {
        Ok(format!("{}/view/{view}/", self.url))
    }

    fn lease(&self, _: LeaseRequest) -> BoxFuture<'_, Result<LeaseReply, Trouble>> {
        if self.away {
            return self.answer(Ok(LeaseReply::Nothing));
        }
        let next = self.leases.lock().unwrap().pop_front();
        self.answer(Ok(next.map_or(LeaseReply::Stop, |lease| LeaseReply::Work { lease: Box::new(lease) })))
    }

    fn heartbeat(&self, _: JobId, _: Heartbeat) -> BoxFuture<'_, Result<HeartbeatReply, Trouble>> {
        self.answer(Ok(HeartbeatReply { cancel: false }))
    }

    fn append_log(&self, _: JobId, _: Epoch, offset: u64, piece: Vec<u8>) -> BoxFuture<'_, Result<u64, Trouble>> {
        let mut log = self.log.lock().unwrap();
        assert_eq!(log.len() as u64, offset, "pieces of a log come in order");
        // A control point may take a part only, and the daemon goes on from there.
        log.extend(&piece[..piece.len().min(50_000)]);
        self.answer(Ok(log.len() as u64))
    }

    fn put_file(&self, _: JobId, _: Epoch, file: File, from: PathBuf) -> BoxFuture<'_, Result<(), Trouble>> {
        assert_eq!(Sha256::of(&std::fs::read(from).unwrap()), file.sha256);
        self.files.lock().unwrap().push(file.name);
        self.answer(Ok(()))
    }

    fn finish(&self, _: JobId, finish: Finish) -> BoxFuture<'_, Result<(), Trouble>> {
        self.finished.lock().unwrap().push(finish);
        self.answer(Ok(()))
    }

    fn get_file(&self, file: File, to: PathBuf) -> BoxFuture<'_, Result<(), Trouble>> {
        std::fs::copy(&self.sources[&file.sha256], to).unwrap();
        self.answer(Ok(()))
    }
}

/// A state directory, a cache with a chroot in it, and an sbuild that is a script.
struct Scene {
    folder: tempfile::TempDir,
    listener: Listener,
    tools: Tools,
}

const KEY: ChrootKey = ChrootKey(Sha256([7; 32]));

fn scene(script: &str) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let chroots = folder.path().join("cache/chroots");
    std::fs::create_dir_all(&chroots).unwrap();
    std::fs::write(chroots.join(format!("{KEY}.tar")), "").unwrap();
    std::fs::write(chroots.join(format!("{KEY}.json")), "[]").unwrap();
    let dsc = folder.path().join("x_1.dsc");
    std::fs::write(&dsc, "Source: x\n").unwrap();
    let sbuild = folder.path().join("sbuild");
    std::fs::write(&sbuild, format!("#!/bin/sh\n{script}\n")).unwrap();
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    std::fs::set_permissions(&sbuild, mode).unwrap();
    let content = std::fs::read(&dsc).unwrap();
    let file = File { name: "x_1.dsc".to_owned(), size: content.len() as u64, sha256: Sha256::of(&content) };
    let listener = Listener {
        url: "http://127.0.0.1:1".to_owned(),
        sources: [(file.sha256, dsc)].into(),
        leases: Mutex::new([lease(file)].into()),
        ..Listener::default()
    };
    Scene { folder, listener, tools: Tools { sbuild, mmdebstrap: "/nonexistent/mmdebstrap".into() } }
}

fn lease(dsc: File) -> Lease {
    Lease {
        run: RunId(1),
        job: JobId(1),
        epoch: Epoch(1),
        source: "x".to_owned(),
        version: "1".to_owned(),
        arch: "amd64".to_owned(),
        how: HowWord::Native,
        cross_depends: Vec::new(),
        chroot_packages: Vec::new(),
        chroot_arch: "amd64".to_owned(),
        component: "main".to_owned(),
        distribution: "bookworm".to_owned(),
        files: vec![dsc],
        view: ViewId(Sha256([1; 32])),
        view_key: "key".to_owned(),
        chroot: KEY,
        environment: BTreeMap::new(),
        suffixed: None,
        stall_seconds: 600,
    }
}

fn options(scene: &Scene, control: Arc<Listener>) -> DaemonOptions {
    DaemonOptions {
        state: scene.folder.path().to_path_buf(),
        name: "here".to_owned(),
        slots: 1,
        cache: scene.folder.path().join("cache"),
        build_user: Some(User::own().unwrap().unwrap().name),
        tools: scene.tools.clone(),
        control,
        notices: false,
        patience: step::IDLE_AWAY,
    }
}

/// Runs a daemon until the scene's leases are done; returns what the control point heard.
async fn check(scene: Scene) -> Arc<Listener> {
    check_until(scene, CancellationToken::new()).await
}

async fn check_until(mut scene: Scene, stop: CancellationToken) -> Arc<Listener> {
    let listener = Arc::new(std::mem::take(&mut scene.listener));
    serve(options(&scene, Arc::clone(&listener)), stop).await.unwrap();
    assert_clean(scene.folder.path());
    listener
}

fn assert_clean(folder: &Path) {
    let left: Vec<_> = std::fs::read_dir(folder.join("cache/builds")).unwrap().flatten().collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

fn failure(heard: &Listener) -> (Fault, String, String) {
    match &heard.finished.lock().unwrap()[..] {
        [Finish { outcome: Outcome::Failed { fault, stage, reason }, .. }] => (*fault, stage.clone(), reason.clone()),
        other => panic!("expected one failure, got {other:?}"),
    }
}

const SUMMARY: &str = "printf '+-+\\n| Summary |\\n+-+\\n\\nStatus: successful\\n'";

#[tokio::test]
async fn a_job_is_fetched_built_and_reported_with_its_whole_log_and_files() {
    let heard = check(scene(&format!(
        "test -f source/x_1.dsc || exit 9\ntest \"$HOME\" = \"$PWD/home\" || exit 8\n\
         seq 50000\ncd built && touch x_1_amd64.changes x_1_amd64.deb && ln -s /etc/passwd link\n{SUMMARY}"
    )))
    .await;
    let finished = heard.finished.lock().unwrap();
    assert_eq!(finished[0].outcome, Outcome::Built);
    assert_eq!(*heard.files.lock().unwrap(), ["x_1_amd64.deb", "x_1_amd64.changes"]);
    let log = String::from_utf8(heard.log.lock().unwrap().clone()).unwrap();
    assert!(log.contains("\n49999\n50000\n") && log.ends_with("Status: successful\n"));
}

#[tokio::test]
async fn the_environment_of_the_daemon_does_not_reach_the_build() {
    let heard = check(scene(&format!("env | grep -E '^(CARGO|LANG=|http_proxy)' && exit 1\n{SUMMARY}"))).await;
    assert_eq!(heard.finished.lock().unwrap()[0].outcome, Outcome::Built);
}

#[tokio::test]
async fn a_missing_sbuild_is_the_machines_fault_and_says_how_to_get_it() {
    let mut scene = scene("");
    scene.tools.sbuild = "/nonexistent/sbuild".into();
    let (fault, stage, reason) = failure(&*check(scene).await);
    assert_eq!((fault, stage.as_str()), (Fault::Infrastructure, "sbuild"));
    assert!(reason.contains("/nonexistent/sbuild") && reason.contains("hint: `cloudbuild doctor`"), "{reason}");
}

#[tokio::test]
async fn a_chroot_that_cannot_be_made_is_the_machines_fault() {
    let scene = scene("");
    std::fs::remove_file(scene.folder.path().join(format!("cache/chroots/{KEY}.json"))).unwrap();
    let heard = check(scene).await;
    let (fault, stage, reason) = failure(&heard);
    assert_eq!((fault, stage.as_str()), (Fault::Infrastructure, "chroot"));
    assert!(reason.contains("/nonexistent/mmdebstrap"), "{reason}");
    let log = String::from_utf8(heard.log.lock().unwrap().clone()).unwrap();
    assert!(log.contains("failed at `chroot`"), "{log}");
}

#[tokio::test]
async fn a_source_that_is_not_what_the_lease_says_is_not_built() {
    let scene = scene("exit 9");
    let path = scene.listener.sources.values().next().unwrap();
    std::fs::write(path, "Source: y\n").unwrap();
    let (fault, stage, reason) = failure(&*check(scene).await);
    assert_eq!((fault, stage.as_str()), (Fault::Infrastructure, "download"));
    assert!(reason.contains("expected 10 bytes with SHA-256"), "{reason}");
}

#[tokio::test]
async fn a_file_name_that_leaves_its_folder_is_refused() {
    let scene = scene("exit 9");
    scene.listener.leases.lock().unwrap()[0].files[0].name = "../x_1.dsc".to_owned();
    let (_, stage, reason) = failure(&*check(scene).await);
    assert_eq!(stage, "download");
    assert!(reason.contains("../x_1.dsc"), "{reason}");
}

#[tokio::test]
async fn a_daemon_that_is_asked_to_end_stops_its_build_says_so_and_cleans_up() {
    let scene = scene("touch \"$PWD/../../../../started\"; sleep 1000 & wait");
    let stop = CancellationToken::new();
    let started = scene.folder.path().join("started");
    let ask = stop.clone();
    tokio::spawn(async move {
        while !started.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        ask.cancel();
    });
    let heard = check_until(scene, stop).await;
    assert_eq!(heard.finished.lock().unwrap()[0].outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn a_build_that_neither_prints_nor_works_is_ended() {
    let scene = scene("sleep 1000");
    scene.listener.leases.lock().unwrap()[0].stall_seconds = 1;
    let (fault, stage, reason) = failure(&*check(scene).await);
    assert_eq!((fault, stage.as_str()), (Fault::Unknown, "stalled"), "{reason}");
}

#[tokio::test]
async fn a_real_package_goes_through_the_daemon_and_comes_back_built() {
    let Some(outside) = crate::io::sbuild::tests::outside("unused") else { return };
    let mut scene = scene("");
    scene.tools = Tools::default();
    let (url, view) = outside.view_url.trim_end_matches('/').rsplit_once("/view/").unwrap();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(outside.dsc.parent().unwrap()).unwrap().flatten() {
        let content = std::fs::read(entry.path()).unwrap();
        let (name, sha256) = (entry.file_name().into_string().unwrap(), Sha256::of(&content));
        scene.listener.sources.insert(sha256, entry.path());
        files.push(File { name, size: content.len() as u64, sha256 });
    }
    files.sort_by_key(|file| !file.name.ends_with(".dsc"));
    let lease = Lease {
        files,
        view: view.parse().unwrap(),
        view_key: outside.view_key.clone(),
        chroot: ChrootKey(Sha256::of(b"chroot of the tests")),
        ..lease(File { name: String::new(), size: 0, sha256: Sha256([0; 32]) })
    };
    scene.listener.leases = Mutex::new([lease].into());
    scene.listener.url = url.to_owned();
    let heard = Arc::new(std::mem::take(&mut scene.listener));
    let (cache, user) = (outside.place.cache.clone(), Some(outside.place.user.name.clone()));
    let settings = DaemonOptions { cache, build_user: user, ..options(&scene, Arc::clone(&heard)) };
    serve(settings, CancellationToken::new()).await.unwrap();
    let log = String::from_utf8(heard.log.lock().unwrap().clone()).unwrap();
    let finished = heard.finished.lock().unwrap();
    assert_eq!(finished[0].outcome, Outcome::Built, "{log}");
    let names: Vec<&String> = finished[0].files.iter().map(|file| &file.name).collect();
    assert!(names.last().unwrap().ends_with(".changes"), "{names:?}");
}

#[tokio::test]
async fn a_daemon_whose_control_point_is_gone_ends_and_cleans_up() {
    let mut scene = scene("");
    scene.listener.away = true;
    let listener = Arc::new(std::mem::take(&mut scene.listener));
    let error = serve(options(&scene, listener), CancellationToken::new()).await.unwrap_err();
    assert!(format!("{error:#}").contains("connection refused"), "{error:#}");
    assert_clean(scene.folder.path());
}

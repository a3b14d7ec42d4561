//! Clients update and install in a loop while an archive is published again and again, and its publisher is killed: at
//! each of its writes in turn, and at any moment. No client may ever see a file that is missing, or another one.

use std::process::{Child, ExitStatus};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::*;
use crate::core::publish::error::PlanError;
use crate::io::archive::signers::{ArchiveKey, Signers};
use crate::io::clock;
use crate::io::openpgp::signing::{KeyKind, SigningKey};

/// Where the publisher works, and at which of its writes it dies; without it the test below does nothing.
const FOLDER: &str = "CLOUDBUILD_TEARS_FOLDER";
const ROUND: &str = "CLOUDBUILD_TEARS_ROUND";
const STOP: &str = "CLOUDBUILD_TEARS_STOP";

/// With it set, the proof runs in full.
const FULL: &str = "CLOUDBUILD_TEST_TEARS";

/// Packages that come and go.
const PACKAGES: u64 = 8;

/// Writes of a publication, more or less: those at which it is killed.
const WRITES: u64 = 40;

fn signers(folder: &Path) -> Signers {
    let key = SigningKey::load_or_create(&folder.join("key/secret.asc"), "tears", KeyKind::Ed25519).unwrap();
    Signers::new(vec![ArchiveKey::Own(Box::new(key))])
}

/// The packages of a round: one that stays, which is built again each time, and all but one of the others.
fn contents(folder: &Path, round: u64) -> (Contents, BTreeMap<Sha256, PathBuf>) {
    let mut contents = Contents { pool: pool(&folder.join("archive")).unwrap(), ..Contents::default() };
    let mut files = BTreeMap::new();
    let built = folder.join("built").join(round.to_string());
    std::fs::create_dir_all(&built).unwrap();
    let stays = make_deb(&built, "tiny-stays", "1.0-1", "all", &format!("round {round}"));
    let others = (0..PACKAGES).filter(|number| *number != round % PACKAGES);
    let others = others.map(|number| folder.join(format!("built/tiny-{number}_1.0-1_all.deb")));
    for path in std::iter::once(stays).chain(others) {
        let file = binary(&path, "main", BinaryKind::Deb);
        files.insert(file.sha256, path);
        contents.binaries.push(file);
    }
    (contents, files)
}

/// The publisher: a process of its own, since it is killed.
#[test]
fn publisher() {
    let Ok(folder) = std::env::var(FOLDER).map(PathBuf::from) else { return };
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (contents, files) = contents(&folder, number(ROUND).unwrap());
    let root = folder.join("archive");
    let plan = loop {
        let now = clock::now().as_second();
        let options = Options {
            suite: "tears".to_owned(),
            codename: "tears".to_owned(),
            components: vec!["main".to_owned()],
            architectures: vec!["amd64".to_owned()],
            translations: true,
            contents: true,
            now,
            previous: present(&root, "tears").unwrap().and_then(|present| present.date),
            ..Options::default()
        };
        match plan(&contents, &options) {
            Ok(plan) => break plan,
            // No more than one generation has the date of a second.
            Err(PlanError::Clock { .. }) => std::thread::sleep(Duration::from_millis(100)),
            Err(error) => panic!("{error}"),
        }
    };
    let find = |sha256: &Sha256| files.get(sha256).cloned().ok_or_else(|| BoxError::from("no such file"));
    let left = number(STOP).map(AtomicU64::new);
    let before = |_: &Path| {
        let left = left.as_ref().map(|left| left.fetch_sub(1, Ordering::Relaxed));
        if left == Some(0) {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
        }
        Ok(())
    };
    let publication = Publication::of(&plan, clock::now().as_second());
    publish_watched(&root, &publication, &find, &signers(&folder), &before).unwrap();
}

fn start(folder: &Path, round: u64, stop: Option<u64>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "io::archive::dir::tests::tears::publisher", "--quiet"]);
    command.env(FOLDER, folder).env(ROUND, round.to_string());
    if let Some(stop) = stop {
        command.env(STOP, stop.to_string());
    }
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap()
}

fn ended(child: Child) -> ExitStatus {
    let done = child.wait_with_output().unwrap();
    let killed = std::os::unix::process::ExitStatusExt::signal(&done.status) == Some(9);
    assert!(done.status.success() || killed, "{}", String::from_utf8_lossy(&done.stderr));
    done.status
}

#[test]
fn no_client_ever_sees_a_torn_archive_however_its_publisher_dies() {
    let (publications, kills) = if std::env::var_os(FULL).is_some() { (200, 50) } else { (6, 3) };
    let folder = tempfile::tempdir().unwrap();
    let built = folder.path().join("built");
    std::fs::create_dir_all(&built).unwrap();
    for number in 0..PACKAGES {
        make_deb(&built, &format!("tiny-{number}"), "1.0-1", "all", "stays as it is");
    }
    let key = folder.path().join("trusted.asc");
    std::fs::write(&key, signers(folder.path()).public_armored().unwrap()).unwrap();
    assert!(ended(start(folder.path(), 0, None)).success());
    let serving = serve::serve(folder.path().join("archive")).unwrap();
    let (stop, updates) = (AtomicBool::new(false), AtomicU64::new(0));
    let client = || {
        let apt = Apt::new(&serving.url, &key, "tears", "main");
        while !stop.load(Ordering::Relaxed) {
            apt.run(&["apt-get", "update"]);
            let names = apt.run(&["apt-cache", "pkgnames"]);
            let mut install = vec!["apt-get", "-y", "-d", "install"];
            install.extend(names.split_whitespace());
            apt.run(&install);
            // What was downloaded once would not be asked for again.
            apt.forget();
            updates.fetch_add(1, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..2).map(|_| scope.spawn(client)).collect();
        let publish = || {
            let (mut done, mut killed) = (0, 0);
            for round in 1_u64.. {
                if done >= publications && killed >= kills {
                    break;
                }
                // Kills are spread over the publications; every other one is at a certain write.
                let kill = killed < kills && round % (publications / kills + 1) == 0;
                match kill {
                    true if killed % 2 == 0 => {
                        let status = ended(start(folder.path(), round, Some((killed * 7 + round) % WRITES)));
                        killed += u64::from(!status.success());
                    }
                    true => {
                        let mut child = start(folder.path(), round, None);
                        std::thread::sleep(Duration::from_millis(killed * 13 % 150));
                        child.kill().unwrap();
                        ended(child);
                        killed += 1;
                    }
                    false => done += u64::from(ended(start(folder.path(), round, None)).success()),
                }
            }
        };
        // The clients stop whatever becomes of it.
        let published = std::panic::catch_unwind(std::panic::AssertUnwindSafe(publish));
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().expect("a client saw a torn archive; what apt said is above");
        }
        published.expect("every publication that was not killed succeeds");
    });
    assert!(updates.load(Ordering::Relaxed) > 0);
    let found = crate::io::archive::dir::fsck::fsck(&folder.path().join("archive"), clock::now()).unwrap();
    assert!(found.faults.is_empty(), "{:?}", found.faults);
}

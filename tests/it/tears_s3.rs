//! Archives in a bucket never tear: a publisher that is a process of its own is killed again and again, while real apt
//! updates and downloads in a loop. `tests/run --long tears-s3` does it 200 times with 50 kills.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cloudbuild::io::archive::Signer;
use cloudbuild::io::archive::s3::S3Archive;

use crate::objects::{bucket, client, run};
use crate::publishing::{Apt, Packages, SUITE, TestKey};
use crate::seaweed::{BUCKET, Seaweed};

/// Where the publisher's process finds its server and its folder; it is this program, with one test.
const ENDPOINT: &str = "CLOUDBUILD_TEARS_ENDPOINT";
const FOLDER: &str = "CLOUDBUILD_TEARS_FOLDER";

/// How long all of it may take for one publication.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn publisher_of_the_proof() {
    let (Ok(endpoint), Some(folder)) = (std::env::var(ENDPOINT), std::env::var_os(FOLDER)) else { return };
    let folder = Path::new(&folder);
    let key = TestKey::new(folder);
    run(async {
        let archive = S3Archive::of(client(&bucket(&endpoint)).await, "publisher");
        loop {
            // Each try has another version, so that what a killed one left behind is never what the next one wants.
            let counter = folder.join("counter");
            let version = std::fs::read_to_string(&counter).map_or(1, |text| text.parse::<u32>().unwrap() + 1);
            std::fs::write(&counter, version.to_string()).unwrap();
            let mut packages = Packages::new();
            packages.add("stays", "1", 100);
            (0..5).for_each(|number| packages.add(&format!("p{number}"), &version.to_string(), 3000));
            let previous = archive.present(SUITE).await.unwrap().and_then(|present| present.date);
            let now = jiff::Timestamp::now().as_second();
            let plan = packages.plan(archive.pool().await.unwrap(), previous, now);
            archive.publish(&plan, &|sha256| packages.source(sha256), &key, now).await.unwrap();
            std::fs::write(folder.join("published"), version.to_string()).unwrap();
        }
    });
}

fn publisher(endpoint: &str, folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "tears_s3::publisher_of_the_proof"]).env(ENDPOINT, endpoint).env(FOLDER, folder);
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

/// A client in a loop. It counts what it did, and stops at the first error.
fn reads(url: &str, key: &str, stop: &AtomicBool, count: &AtomicUsize) {
    let apt = Apt::new(url, key);
    while !stop.load(Ordering::Relaxed) {
        apt.must(&["apt-get", "update"]);
        apt.must(&["apt-get", "-y", "-d", "install", "stays", "p0", "p1", "p2", "p3", "p4"]);
        apt.must(&["apt-get", "clean"]);
        count.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn clients_see_no_torn_archive_while_its_publisher_is_killed() {
    let long = std::env::var_os("CLOUDBUILD_TEST_TEARS").is_some();
    let (publications, kills) = if long { (200_u32, 50_u32) } else { (8, 4) };
    let seaweed = Seaweed::start();
    let folder = tempfile::tempdir().unwrap();
    let key = TestKey::new(folder.path()).public_armored().unwrap();
    let url = format!("{}/{BUCKET}/acme", seaweed.endpoint());
    let generations = || {
        run(async {
            let archive = S3Archive::of(client(&bucket(&seaweed.endpoint())).await, "looks");
            archive.generations(SUITE).await.unwrap().last().map_or(0, |latest| latest.number)
        })
    };
    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (mut child, mut killed, mut published) = (publisher(&seaweed.endpoint(), folder.path()), 0_u32, 0_u32);
    let log = || std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    let until = Instant::now() + PATIENCE;
    while generations() == 0 {
        assert!(Instant::now() < until && child.try_wait().unwrap().is_none(), "{}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..2).map(|_| scope.spawn(|| reads(&url, &key, &stop, &count))).collect();
        let until = Instant::now() + PATIENCE * publications;
        let mut seed = 88_172_645_463_325_252_u64;
        let mut last = generations();
        while published < publications || killed < kills {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            std::thread::sleep(Duration::from_millis(seed % 400));
            let alive = child.try_wait().unwrap().is_none();
            let over = !alive || Instant::now() > until || clients.iter().any(|client| client.is_finished());
            if over {
                stop.store(true, Ordering::Relaxed);
            }
            assert!(!over, "after {published} publications and {killed} kills: {}", log());
            if killed < kills && published * kills >= killed * publications {
                child.kill().unwrap();
                child.wait().unwrap();
                killed += 1;
                child = publisher(&seaweed.endpoint(), folder.path());
            }
            let now = generations();
            published += u32::from(now != last);
            last = now;
        }
        stop.store(true, Ordering::Relaxed);
        child.kill().unwrap();
        child.wait().unwrap();
    });
    let count = count.load(Ordering::Relaxed);
    assert!(count > 3, "{count}");
    println!("{published} publications, {killed} kills, {count} updates and downloads: nothing torn");
}

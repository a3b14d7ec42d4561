//! Archives in a bucket: real apt reads them, a kill never tears them, one publisher at a time, few requests.

use std::cell::Cell;

use cloudbuild::core::objects::Keep;
use cloudbuild::core::publish::PublishPlan;
use cloudbuild::io::archive::s3::S3Archive;
use cloudbuild::io::archive::{ArchiveError, Published, Signer};

use crate::faults::{self, Proxy};
use crate::objects::{PUT, bucket, client, run};
use crate::publishing::{Apt, Packages, SUITE, TestKey};
use crate::seaweed::{BUCKET, Seaweed};

/// The time, for dates of archives: real apt reads them.
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// An archive behind an endpoint.
async fn archive(endpoint: &str, holder: &str) -> S3Archive {
    S3Archive::of(client(&bucket(endpoint)).await, holder)
}

/// The next plan; its date is no further ahead than apt forgives.
async fn plan(archive: &S3Archive, packages: &Packages) -> PublishPlan {
    let previous = archive.present(SUITE).await.unwrap().and_then(|present| present.date);
    packages.plan(archive.pool().await.unwrap(), previous, now())
}

async fn publish(archive: &S3Archive, packages: &Packages, key: &TestKey) -> Result<Published, ArchiveError> {
    let plan = plan(archive, packages).await;
    archive.publish(&plan, &|sha256| packages.source(sha256), key, now()).await
}

/// Where apt reads what tests publish: over plain HTTP from the server itself, without a key.
fn url(seaweed: &Seaweed) -> String {
    format!("{}/{BUCKET}/acme", seaweed.endpoint())
}

#[test]
fn apt_installs_from_a_bucket_and_one_more_package_costs_few_requests() {
    let seaweed = Seaweed::start();
    let mut packages = Packages::new();
    (0..5).for_each(|number| packages.add(&format!("p{number}"), "1", 1000));
    packages.read_again();
    let key = TestKey::new(packages.folder());
    run(async {
        let archive = archive(&seaweed.endpoint(), "one").await;
        let published = publish(&archive, &packages, &key).await.unwrap();
        assert_eq!((published.added, published.unchanged), (5, false), "{published:?}");
        let apt = Apt::new(&url(&seaweed), &key.public_armored().unwrap());
        apt.must(&["apt-get", "update"]);
        apt.must(&["apt-get", "download", "p0", "p4"]);
        assert!(apt.work().join("p4_1_all.deb").exists());

        let again = publish(&archive, &packages, &key).await.unwrap();
        assert!(again.unchanged, "{again:?}");

        let mut requests = Vec::new();
        for more in [1, 60, 1] {
            let at = packages.plan(Default::default(), None, now()).pool.len();
            (0..more).for_each(|number| packages.add(&format!("q{at}-{number}"), "1", 10));
            let plan = plan(&archive, &packages).await;
            let before = archive.client().requests();
            archive.publish(&plan, &|sha256| packages.source(sha256), &key, now()).await.unwrap();
            requests.push(archive.client().requests() - before);
        }
        assert_eq!(requests[0], requests[2], "of 6 packages and of 67: {requests:?}");
        assert!(requests[0] < 40, "{requests:?}");
        apt.must(&["apt-get", "update"]);
        assert_eq!(apt.must(&["apt-cache", "pkgnames"]).lines().count(), 67);
        let of = |path: &str| curl(&format!("{}/{path}", url(&seaweed)));
        let deb = of("pool/main/p/p0/p0_1_all.deb");
        assert!(deb.contains("vnd.debian.binary-package") && deb.contains("immutable"), "{deb}");
        assert!(of(&format!("dists/{SUITE}/InRelease")).contains("no-cache"));
    });
}

/// The headers of an answer.
fn curl(url: &str) -> String {
    let asked = std::process::Command::new("curl").args(["-s", "-D", "-", "-o", "/dev/null", url]).output().unwrap();
    String::from_utf8(asked.stdout).unwrap()
}

#[test]
fn a_publisher_killed_at_any_request_leaves_the_old_generation_or_the_new_one() {
    let seaweed = Seaweed::start();
    let mut packages = Packages::new();
    packages.add("stays", "1", 100);
    packages.add("changes", "1", 100);
    let key = TestKey::new(packages.folder());
    run(async {
        let archive = archive(&seaweed.endpoint(), "one").await.keeping(Keep { generations: 2, grace: 0 });
        publish(&archive, &packages, &key).await.unwrap();
        let apt = Apt::new(&url(&seaweed), &key.public_armored().unwrap());
        let (mut at, mut version) = (0, 1);
        loop {
            version += 1;
            packages.remove("changes");
            packages.add("changes", &version.to_string(), 100);
            let plan = plan(&archive, &packages).await;
            let asked = Cell::new(0);
            let before = |_: &str| {
                asked.set(asked.get() + 1);
                if asked.get() > at { Err(std::io::Error::other("killed")) } else { Ok(()) }
            };
            let killed = archive.publish_watched(&plan, &|sha256| packages.source(sha256), &key, now(), &before).await;
            apt.must(&["apt-get", "update"]);
            apt.must(&["apt-get", "download", "stays", "changes"]);
            let reached = apt.work().join(format!("changes_{version}_all.deb")).exists();
            let notes = killed.as_ref().map(|published| published.notes.clone()).unwrap_or_default();
            assert_eq!(killed.is_ok(), reached, "at {at}: {killed:?}");
            // Whatever was left behind is no hindrance.
            publish(&archive, &packages, &key).await.unwrap_or_else(|error| panic!("after {at}: {error}"));
            apt.must(&["apt-get", "update"]);
            apt.must(&["apt-get", "download", "changes"]);
            if killed.is_ok() && notes.is_empty() && asked.get() <= at {
                break;
            }
            at += 1;
        }
        assert!(at > 8, "{at}");
        // Only what the last generations list is there, and nothing of those that never came to be.
        let there = archive.client().list("pool/").await.unwrap();
        assert!(there.len() <= 4, "{there:?}");
    });
}

#[test]
fn a_second_publisher_waits_for_his_turn_and_one_that_was_overtaken_stops() {
    let seaweed = Seaweed::start();
    let mut packages = Packages::new();
    packages.add("a", "1", 100);
    let key = TestKey::new(packages.folder());
    run(async {
        let one = archive(&seaweed.endpoint(), "one").await;
        publish(&one, &packages, &key).await.unwrap();
        let two = archive(&seaweed.endpoint(), "two").await;
        let claim = ".cloudbuild/publishers/0000000007-two";
        two.client().put(claim, b"two".to_vec(), &PUT).await.unwrap();
        packages.add("b", "1", 100);
        let held = publish(&one, &packages, &key).await.unwrap_err().to_string();
        assert!(held.contains("`two` is publishing to `s3://archive/acme`") && held.contains("hint:"), "{held}");
        // The one whose claim it is was killed, and goes on at once. A third comes while it publishes.
        let plan = plan(&two, &packages).await;
        let third = ".cloudbuild/publishers/0000000099-three";
        let (runtime, other) = (tokio::runtime::Handle::current(), client(&bucket(&seaweed.endpoint())).await);
        let before = |path: &str| {
            if path.ends_with("Release.gpg") {
                let other = other.clone();
                let put = runtime.spawn(async move { other.put(third, b"three".to_vec(), &PUT).await });
                while !put.is_finished() {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
            }
            Ok(())
        };
        let overtaken = two.publish_watched(&plan, &|sha256| packages.source(sha256), &key, now(), &before).await;
        let text = overtaken.unwrap_err().to_string();
        assert!(text.contains("another publisher took `s3://archive/acme` over"), "{text}");
        assert_eq!(two.generations(SUITE).await.unwrap().len(), 1);
        two.client().delete(third).await.unwrap();
        assert_eq!(publish(&two, &packages, &key).await.unwrap().added, 1);
    });
}

#[test]
fn an_archive_is_published_through_a_network_that_fails() {
    let seaweed = Seaweed::start();
    let mut packages = Packages::new();
    (0..40).for_each(|number| packages.add(&format!("p{number}"), "1", 3000));
    packages.add("large", "1", 20 << 20);
    let key = TestKey::new(packages.folder());
    run(async {
        for (seed, rate) in [(1, 10), (2, 50), (3, 200)] {
            let proxy = Proxy::start(seaweed.port(), rate, &faults::ALL, seed);
            let archive = archive(&proxy.endpoint(), "one").await;
            (0..20).for_each(|number| packages.add(&format!("more{seed}-{number}"), "1", 3000));
            publish(&archive, &packages, &key).await.unwrap();
            proxy.set_rate(0);
            assert!(rate < 200 || proxy.happened().len() > 3);
            let apt = Apt::new(&url(&seaweed), &key.public_armored().unwrap());
            apt.must(&["apt-get", "update"]);
            apt.must(&["apt-get", "download", "large", "p7", &format!("more{seed}-1")]);
        }
    });
}

#[test]
fn what_is_not_ours_and_what_cannot_be_is_refused_and_nothing_is_touched() {
    let seaweed = Seaweed::start();
    let mut packages = Packages::new();
    packages.add("a", "1", 100);
    let key = TestKey::new(packages.folder());
    run(async {
        let one = archive(&seaweed.endpoint(), "one").await;
        one.client().put("holiday.jpg", b"x".to_vec(), &PUT).await.unwrap();
        let text = publish(&one, &packages, &key).await.unwrap_err().to_string();
        assert!(text.contains("`s3://archive/acme` is not empty, and cloudbuild did not make it"), "{text}");
        one.client().delete("holiday.jpg").await.unwrap();
        publish(&one, &packages, &key).await.unwrap();

        let (tomorrow, same) = (now() + 86_400, plan(&one, &packages).await);
        let late = one.publish(&same, &|sha256| packages.source(sha256), &key, tomorrow).await;
        let text = late.unwrap_err().to_string();
        assert!(text.contains("this machine's clock is 8") && text.contains("seconds ahead of the server's"), "{text}");

        // Somebody put another file where a new package goes.
        one.client().put("pool/main/b/b/b_1_all.deb", b"other".to_vec(), &PUT).await.unwrap();
        packages.add("b", "1", 100);
        let text = publish(&one, &packages, &key).await.unwrap_err().to_string();
        assert!(text.contains("pool files never change"), "{text}");
        let apt = Apt::new(&url(&seaweed), &key.public_armored().unwrap());
        apt.must(&["apt-get", "update"]);
        assert_eq!(apt.must(&["apt-cache", "pkgnames"]).trim(), "a");
    });
}

#[test]
fn an_older_generation_is_published_again_and_no_package_is_sent() {
    let seaweed = Seaweed::start();
    let mut packages = Packages::new();
    packages.add("a", "1", 100);
    let key = TestKey::new(packages.folder());
    run(async {
        let archive = archive(&seaweed.endpoint(), "one").await;
        publish(&archive, &packages, &key).await.unwrap();
        packages.remove("a");
        packages.add("a", "2", 100);
        publish(&archive, &packages, &key).await.unwrap();
        let apt = Apt::new(&url(&seaweed), &key.public_armored().unwrap());
        apt.must(&["apt-get", "update"]);
        let first = archive.generations(SUITE).await.unwrap()[0].number;
        let again = archive.rollback(SUITE, first, &key, now()).await.unwrap();
        assert_eq!((again.added, again.unchanged), (0, false));
        apt.must(&["apt-get", "update"]);
        apt.must(&["apt-get", "download", "a"]);
        assert!(apt.work().join("a_1_all.deb").exists());
        let all = archive.generations(SUITE).await.unwrap();
        assert_eq!((all.len(), all[2].again), (3, Some(first)));
        let text = archive.rollback(SUITE, 77, &key, now()).await.unwrap_err().to_string();
        assert!(text.contains("expected a generation of suite `stable` with number 77, got: "), "{text}");
        // What stands stays, and so does what it lists, though it is older than what is gone by then.
        let later = archive.clone().keeping(Keep { generations: 1, grace: 0 });
        assert!(later.prune(now() + 10).await.unwrap() > 0);
        apt.must(&["apt-get", "update"]);
        apt.must(&["apt-get", "download", "a"]);
        assert_eq!(archive.client().list("pool/").await.unwrap().len(), 1);
    });
}

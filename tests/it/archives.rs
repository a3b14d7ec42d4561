//! Commands about archives that were published: the list of generations, one published again, one kept for ever, what is
//! different, what goes, what was changed by hand, and the server.

use std::path::{Path, PathBuf};

use cloudbuild::io::archive::dir::{self, Publication};
use cloudbuild::io::archive::signers::{ArchiveKey, Signers};
use cloudbuild::io::clock;
use cloudbuild::io::openpgp::signing::{KeyKind, SigningKey};

use crate::harness::{Place, Signal};
use crate::publishing::{Apt, Packages, SUITE};
use crate::refused::document;

/// A state directory with a key, and an archive with two generations; the second one has a package more.
fn published(place: &Place) -> PathBuf {
    let key = place.path().join("x.cloudbuild/key/secret.asc");
    let key = SigningKey::load_or_create(&key, "test", KeyKind::Ed25519).unwrap();
    let signers = Signers::new(vec![ArchiveKey::Own(Box::new(key))]);
    let root = place.path().join("archive");
    let mut packages = Packages::new();
    packages.add("one", "1.0-1", 100);
    publish(&root, &packages, &signers);
    packages.add("two", "2.0-1", 100);
    publish(&root, &packages, &signers);
    root
}

fn publish(root: &Path, packages: &Packages, signers: &Signers) {
    let previous = dir::present(root, SUITE).ok().flatten().and_then(|present| present.date);
    let plan = packages.plan(dir::pool(root).unwrap(), previous, clock::now().as_second());
    let publication = Publication::of(&plan, clock::now().as_second());
    dir::publish(root, &publication, &|sha256| packages.source(sha256), signers).unwrap();
}

#[test]
fn generations_are_listed_compared_published_again_kept_and_removed() {
    let place = Place::new();
    let root = published(&place);
    let on = |words: &[&str]| {
        let mut all = vec!["--archive", "archive"];
        all.splice(0..0, words.iter().copied());
        place.cloudbuild(&all).run()
    };
    let listed = document(&on(&["publish", "--list", "--json"]));
    let numbers = |listed: &serde_json::Value| -> Vec<u64> {
        listed["generations"].as_array().unwrap().iter().map(|one| one["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&listed), [1, 2]);
    let suite = listed["generations"][0]["suite"].as_str().unwrap().to_owned();
    let text = on(&["publish", "--list"]);
    assert!(text.stdout.contains("*    2  ") && text.stdout.contains("2 packages"), "{text:?}");
    assert_eq!(on(&["diff", "1"]).stdout, "+ two all 2.0-1\n");

    let back = on(&["rollback", "1"]);
    assert_eq!(back.code, Some(0), "{back:?}");
    assert!(back.stdout.contains("generation 3 of") && back.stdout.contains("what 1 was"), "{back:?}");
    let index = std::fs::read_to_string(root.join(format!("dists/{suite}/main/binary-amd64/Packages"))).unwrap();
    assert!(!index.contains("Package: two"), "{index}");
    let kept = on(&["snapshot", "two", "--generation", "2"]);
    assert_eq!(kept.code, Some(0), "{kept:?}");
    let pruned = document(&on(&["prune", "--keep", "1", "--grace", "0", "--json"]));
    assert!(pruned["removed"].as_u64().unwrap() > 0, "{pruned}");
    assert_eq!(numbers(&document(&on(&["publish", "--list", "--json", "--suite", &suite]))), [3]);
    assert!(root.join("pool/main/t/two/two_2.0-1_all.deb").exists(), "the snapshot has it");
    assert_eq!(on(&["fsck"]).code, Some(0));

    let missing = on(&["rollback", "7"]);
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(missing.stderr.contains("with number 7") && missing.stderr.contains("hint: "), "{missing:?}");
}

#[test]
fn what_was_changed_by_hand_is_found_and_directories_of_others_are_left_alone() {
    let place = Place::new();
    let root = published(&place);
    std::fs::write(root.join("pool/main/o/one/mine.deb"), "mine").unwrap();
    let found = place.cloudbuild(&["fsck", "--archive", "archive"]).run();
    assert_eq!(found.code, Some(5), "{found:?}");
    assert!(found.stdout.contains("`pool/main/o/one/mine.deb` is nobody's"), "{found:?}");
    std::fs::create_dir(place.path().join("thesis")).unwrap();
    for words in [&["fsck"][..], &["prune"], &["publish", "--list"], &["serve"]] {
        let refused = place.cloudbuild(&[words, &["--archive", "thesis"]].concat()).run();
        assert_eq!(refused.code, Some(3), "{refused:?}");
        assert!(refused.stderr.contains("cloudbuild did not make it"), "{refused:?}");
    }
}

#[test]
fn an_archive_is_served_to_apt_until_it_is_stopped() {
    let place = Place::new();
    let root = published(&place);
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let serving = place.cloudbuild(&["serve", "--archive", "archive", "--listen", &port.to_string()]).start();
    serving.await_text(&format!(" at http://{port}"));
    let apt = Apt::new(&format!("http://{port}"), &std::fs::read_to_string(root.join(dir::KEY)).unwrap());
    apt.must(&["apt-get", "update"]);
    apt.must(&["apt-get", "download", "two"]);
    serving.signal(Signal::TERM);
    assert_eq!(serving.end().code, Some(0));
}

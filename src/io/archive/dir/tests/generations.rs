//! Generations: listed, published again, kept for ever, compared, removed, and looked at.

use super::*;
use crate::core::publish::diff::{Change, diff};
use crate::io::archive::HistoryError;
use crate::io::archive::dir::fsck::{Fault, fsck};
use crate::io::archive::dir::generations::Retention;
use crate::io::archive::dir::history;
use crate::io::clock;

// gpg signs with the time that it is, whatever the generations' dates are.

/// Three generations: the second one has one package more, the third one less.
fn three() -> Bench {
    let mut bench = Bench::new();
    bench.publish(NOW);
    bench.add_deb("tiny-more", "1.0-1", "all", "main", BinaryKind::Deb);
    bench.publish(NOW + 10);
    bench.contents.binaries.retain(|file| file.package != "tiny-doc");
    bench.publish(NOW + 20);
    bench
}

fn republish(bench: &Bench, plan: &PublishPlan, again: Option<u64>, now: i64) -> Published {
    let find = |_: &Sha256| Err(BoxError::from("nothing is to be written to the pool"));
    let publication = Publication { again, ..Publication::of(plan, now) };
    publish(&bench.root(), &publication, &find, &bench.gpg).unwrap()
}

#[test]
fn an_older_generation_is_published_again_without_a_pool_file_and_apt_takes_it() {
    let bench = three();
    let serving = serve::serve(bench.root()).unwrap();
    let apt = bench.apt(&serving.url);
    apt.run(&["apt-get", "update"]);
    assert!(!apt.run(&["apt-cache", "pkgnames"]).contains("tiny-doc"));
    let record = history::record(&bench.root(), "tiny/updates", Some(1)).unwrap();
    let plan = history::again(&bench.root(), &record, NOW + 20).unwrap();
    let published = republish(&bench, &plan, Some(1), NOW + 30);
    assert_eq!((published.added, published.number, published.date), (0, 4, NOW + 21));
    // The lists that apt has are of a newer date than the first generation's were.
    apt.run(&["apt-get", "update"]);
    apt.run(&["apt-get", "download", "tiny-doc"]);
    let told = history::list(&bench.root()).unwrap();
    let shown: Vec<_> = told.iter().map(|told| (told.number, told.packages, told.again, told.stands)).collect();
    assert_eq!(shown, [(1, 5, None, false), (2, 6, None, false), (3, 5, None, false), (4, 5, Some(1), true)]);
}

#[test]
fn a_snapshot_stays_when_everything_of_its_time_is_gone() {
    let mut bench = three();
    let first = history::record(&bench.root(), "tiny/updates", Some(1)).unwrap();
    let plan = history::snapshot(&bench.root(), &first, "one", NOW + 40).unwrap();
    republish(&bench, &plan, Some(1), NOW + 40);
    for number in 1..6 {
        bench.add_deb(&format!("tiny-{number}"), "1.0-1", "all", "main", BinaryKind::Deb);
        bench.publish(NOW + number * 100_000);
    }
    assert!(history::record(&bench.root(), "tiny/updates", Some(1)).is_err(), "the generation itself went");
    let serving = serve::serve(bench.root()).unwrap();
    let apt = Apt::new(&serving.url, &bench.key(), "snapshots/one", "main updates/contrib");
    let update = apt.run(&["apt-get", "update"]);
    assert!(!update.contains("W:"), "{update}");
    apt.run(&["apt-get", "download", "tiny-doc"]);
    let error = history::snapshot(&bench.root(), &first, "one", NOW).unwrap_err();
    assert!(matches!(error, ArchiveError::History(HistoryError::Taken { .. })), "{error}");
    let error = history::snapshot(&bench.root(), &first, "../x", NOW).unwrap_err();
    assert!(matches!(error, ArchiveError::History(HistoryError::Name { .. })), "{error}");
}

#[test]
fn two_generations_are_compared() {
    let bench = three();
    let lists = |number| {
        let record = history::record(&bench.root(), "tiny/updates", Some(number)).unwrap();
        history::lists(&bench.root(), &record).unwrap()
    };
    let (first, third) = (lists(1), lists(3));
    let changes = diff(first.iter().map(Vec::as_slice), third.iter().map(Vec::as_slice));
    let version = "1.0-1".to_owned();
    let more = Change::Added { package: "tiny-more all".to_owned(), version: version.clone() };
    assert_eq!(changes, [Change::Removed { package: "tiny-doc all".to_owned(), version }, more]);
    let error = history::record(&bench.root(), "tiny/updates", Some(9)).unwrap_err().to_string();
    assert!(error.contains("with number 9, got: 1, 2, 3\nhint: "), "{error}");
}

#[test]
fn what_is_asked_to_go_goes_and_the_last_one_never_does() {
    let bench = three();
    let retention = Retention { keep: 1, grace: 0 };
    assert!(history::prune(&bench.root(), retention, NOW + 50).unwrap() > 0);
    let numbers: Vec<u64> = history::list(&bench.root()).unwrap().iter().map(|told| told.number).collect();
    assert_eq!(numbers, [3]);
    assert!(!bench.root().join("pool/updates/contrib/libt/libtiny/tiny-doc_1.0-1_all.deb").exists());
    assert_eq!(fsck(&bench.root(), clock::now()).unwrap().faults, []);
    let error = history::prune(bench.folder.path(), retention, NOW).unwrap_err();
    assert!(matches!(error, ArchiveError::NotOurs { .. }), "{error}");
}

#[test]
fn what_somebody_changed_by_hand_is_found_and_named() {
    let bench = three();
    let root = bench.root();
    let clean = fsck(&root, clock::now()).unwrap();
    assert!(clean.faults.is_empty() && clean.files > 30, "{clean:?}");
    let pool = "pool/main/libt/libtiny";
    let path = |name: &str| format!("{pool}/{name}");
    let edited = path("libtiny1_1%3a1.0-1_amd64.deb");
    std::fs::remove_file(root.join(&edited)).unwrap();
    std::fs::write(root.join(&edited), "edited").unwrap();
    std::fs::remove_file(root.join(path("libtiny_1.0.dsc"))).unwrap();
    std::fs::write(root.join(path("mine_1_amd64.deb")), "mine").unwrap();
    let inrelease = root.join("dists/tiny/updates/InRelease");
    let text = std::fs::read_to_string(&inrelease).unwrap();
    std::fs::write(&inrelease, text.replace("Label: Example", "Label: Evil")).unwrap();
    let found = fsck(&root, clock::now()).unwrap();
    let of = |fault: &Fault| match fault {
        Fault::Missing { path } => format!("missing {path}"),
        Fault::Changed { path, .. } => format!("changed {path}"),
        Fault::Unknown { path } => format!("unknown {path}"),
        Fault::Signature { path, .. } => format!("signature {path}"),
    };
    let found: BTreeSet<String> = found.faults.iter().map(of).collect();
    let expected = [
        format!("missing {}", path("libtiny_1.0.dsc")),
        format!("changed {edited}"),
        format!("unknown {}", path("mine_1_amd64.deb")),
        "signature dists/tiny/updates/InRelease".to_owned(),
    ];
    assert_eq!(found, BTreeSet::from(expected));
}

#[test]
fn the_lock_is_free_as_soon_as_the_writer_is_gone_even_while_a_child_has_a_copy() {
    let bench = Bench::new();
    bench.publish(NOW);
    // What a child has between fork and exec: another descriptor of the same open file.
    let writer = Writer::open(&bench.root(), &|_| Ok(())).unwrap();
    let copy = writer.copy_of_lock();
    drop(writer);
    Writer::open(&bench.root(), &|_| Ok(())).unwrap();
    drop(copy);
}

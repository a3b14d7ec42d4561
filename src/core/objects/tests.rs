use super::*;

fn generation(number: u64, date: i64, index: &str) -> Generation {
    let index = Index { path: "main/binary-amd64/Packages".into(), sha256: Sha256::of(index.as_bytes()), size: 1 };
    let release = format!("Suite: x\nDate: {date}\n");
    Generation { number, date, release, indexes: vec![index], sources: 0, packages: 1, again: None }
}

fn publish(notes: &mut Notes, suite: &str, number: u64, date: i64, index: &str, files: &[&str]) {
    let pool = files.iter().map(|path| (path.to_string(), (Sha256::of(path.as_bytes()), 1))).collect();
    let generation = generation(number, date, index);
    notes.finish(&Begun { suite: suite.into(), generation, pool, new: BTreeSet::new() });
}

#[test]
fn files_go_when_the_last_generation_that_lists_them_does() {
    let mut notes = Notes::new(true);
    let keep = Keep { generations: 2, grace: 100 };
    publish(&mut notes, "x", 1, 1000, "a", &["pool/a", "pool/b"]);
    publish(&mut notes, "x", 2, 2000, "b", &["pool/b", "pool/c"]);
    publish(&mut notes, "x", 5, 3000, "b", &["pool/c"]);
    assert_eq!(notes.clone().prune(keep, 2050), 0, "a client may be reading the first one");
    assert_eq!(notes.prune(keep, 3000), 1);
    let hashed = format!("dists/x/main/binary-amd64/by-hash/SHA256/{}", Sha256::of(b"a"));
    let doomed: Vec<&str> = notes.doomed.iter().map(String::as_str).collect();
    assert_eq!(doomed, [hashed.as_str(), "pool/a"]);
    assert_eq!(notes.pool().keys().collect::<Vec<_>>(), ["pool/b", "pool/c"]);
    publish(&mut notes, "x", 6, 4000, "b", &["pool/a"]);
    assert!(!notes.doomed.contains("pool/a"), "what is published again stays");
}

#[test]
fn a_file_that_another_suite_lists_stays() {
    let mut notes = Notes::new(true);
    publish(&mut notes, "x", 1, 1000, "a", &["pool/a"]);
    publish(&mut notes, "y", 2, 1500, "a", &["pool/a"]);
    publish(&mut notes, "x", 3, 2000, "b", &["pool/b"]);
    assert_eq!(notes.prune(Keep { generations: 1, grace: 0 }, 9000), 1);
    assert!(!notes.doomed.contains("pool/a") && notes.pool().contains_key("pool/a"));
}

#[test]
fn the_newest_generation_stays_however_old_it_is() {
    let mut notes = Notes::new(false);
    publish(&mut notes, "x", 1, 1000, "a", &["pool/a"]);
    assert_eq!(notes.prune(Keep { generations: 0, grace: 0 }, 1_000_000), 0);
    assert_eq!(notes.latest("x").unwrap().number, 1);
}

#[test]
fn notes_are_read_as_they_were_written() {
    let mut notes = Notes::new(true);
    publish(&mut notes, "x", 1, 1000, "a", &["pool/a"]);
    let json = serde_json::to_vec(&notes).unwrap();
    assert_eq!(serde_json::from_slice::<Notes>(&json).unwrap(), notes);
}

#[test]
fn only_what_never_changes_is_kept_by_caches() {
    let deb = headers("pool/main/h/hello/hello_1_amd64.deb", true);
    assert_eq!(deb, ("application/vnd.debian.binary-package", "public, max-age=31536000, immutable"));
    assert_eq!(headers("dists/x/InRelease", true), ("text/plain; charset=utf-8", "no-cache"));
    assert_eq!(headers("dists/x/main/binary-amd64/Packages.xz", true), ("application/x-xz", "no-cache"));
    assert!(headers("dists/x/main/by-hash/SHA256/00", false).1.starts_with("private, "));
}

//! What a store keeps, and what it does not.

use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path().join("files")).unwrap();
    (directory, store)
}

fn partial_files(store: &Store) -> usize {
    fs::read_dir(store.root().join("partial")).unwrap().count()
}

#[test]
fn what_is_inserted_can_be_mapped_and_is_readable_by_others() {
    let (_directory, store) = store();
    let sha256 = store.insert(b"hello").unwrap();
    assert_eq!(&*store.map(&sha256).unwrap(), b"hello");
    let name = sha256.to_string();
    assert_eq!(store.path(&sha256), store.root().join("2c").join(name));
    assert_eq!(fs::metadata(store.path(&sha256)).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(store.insert(b"hello").unwrap(), sha256);
    assert_eq!(partial_files(&store), 0);
}

#[test]
fn an_empty_file_is_a_file() {
    let (_directory, store) = store();
    let sha256 = store.insert(b"").unwrap();
    assert!(store.contains(&sha256) && store.map(&sha256).unwrap().is_empty());
}

#[test]
fn a_writer_that_is_dropped_or_wrong_leaves_nothing() {
    let (_directory, store) = store();
    store.writer().unwrap().write_all(b"half").unwrap();
    let mut writer = store.writer().unwrap();
    writer.write_all(b"other").unwrap();
    let error = writer.finish(Some((Sha256::of(b"hello"), 5))).unwrap_err();
    assert!(error.to_string().starts_with("expected 5 bytes with SHA-256 `2cf24"), "{error}");
    assert!(!store.contains(&Sha256::of(b"other")) && !store.contains(&Sha256::of(b"hello")));
    assert_eq!(partial_files(&store), 0);
}

#[test]
fn a_file_is_adopted_by_copy() {
    let (directory, store) = store();
    let path = directory.path().join("x.deb");
    fs::write(&path, b"hello").unwrap();
    assert_eq!(store.adopt(&path).unwrap(), Stored { sha256: Sha256::of(b"hello"), size: 5 });
    assert!(path.exists() && store.contains(&Sha256::of(b"hello")));
}

#[test]
fn what_is_not_there_is_said_with_its_hash() {
    let (_directory, store) = store();
    let error = store.map(&Sha256::of(b"hello")).unwrap_err().to_string();
    assert!(error.starts_with("expected a file with SHA-256 `2cf24"), "{error}");
}

#[test]
fn a_full_disk_names_the_directory_and_a_way_out() {
    let (_directory, store) = store();
    let full = io::Error::from(io::ErrorKind::StorageFull);
    let error = StoreError::of(store.root(), "write", &store.root().join("x"), full).to_string();
    assert!(error.contains(&store.root().display().to_string()) && error.contains("\nhint: "), "{error}");
}

#[test]
fn leftovers_of_a_killed_process_are_removed_after_a_day() {
    let (_directory, store) = store();
    let old = store.root().join("partial/old");
    let young = store.root().join("partial/young");
    fs::write(&young, b"x").unwrap();
    let file = File::create(&old).unwrap();
    file.set_modified(std::time::SystemTime::from(clock::now()) - LEFTOVER_AGE * 2).unwrap();
    Store::open(store.root()).unwrap();
    assert!(!old.exists() && young.exists());
}

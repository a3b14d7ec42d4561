//! What indexes list, from the tables of those that were parsed before.
//!
//! **Invariant:** a table is only ever a quicker way to what parsing gives: one that is missing, damaged or of another
//! index is made anew, and where that cannot be written nobody is stopped.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::core::archive::{IndexBytes, Listed};
use crate::core::debian::parsed::{self, Parsed, Row};
use crate::core::ids::Sha256;
use crate::core::pinned::IndexKind;
use crate::io::store::Store;

/// Folder of the tables, in the store's.
const FOLDER: &str = "parsed";

/// A smaller index is parsed sooner than another file is opened, in bytes.
const WORTH_IT: usize = 256 * 1024;

/// What each of these indexes of a store lists, in their order.
pub fn list<'a>(store: &Store, indexes: &[IndexBytes<'a>]) -> Vec<Listed<'a>> {
    indexes
        .par_iter()
        .map(|IndexBytes { index, bytes, .. }| match index.kind {
            IndexKind::Sources => Listed::Sources(read_or_parse(store, &index.sha256, bytes)),
            IndexKind::Packages(_) => Listed::Packages(read_or_parse(store, &index.sha256, bytes)),
        })
        .collect()
}

fn read_or_parse<'a, T: Row<'a>>(store: &Store, sha256: &Sha256, index: &'a [u8]) -> Parsed<T> {
    if index.len() < WORTH_IT {
        return parsed::parse(index);
    }
    let path = path(store, sha256, T::KIND);
    match map(&path) {
        Ok(table) => {
            if let Some(parsed) = parsed::read(&table, index, sha256) {
                return parsed;
            }
            tracing::debug!(path = %path.display(), "no table of this index, or a damaged one: parsed again");
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::debug!(path = %path.display(), %error, "the table cannot be read"),
    }
    let parsed = parsed::parse(index);
    let written = parsed::write(index, sha256, &parsed).map_or(Ok(()), |table| keep(&path, &table));
    if let Err(error) = written {
        tracing::debug!(path = %path.display(), %error, "the table is not kept");
    }
    parsed
}

/// Where the table of an index is: the same bytes may be listed as an index of either kind.
fn path(store: &Store, sha256: &Sha256, kind: [u8; 4]) -> PathBuf {
    store.root().join(FOLDER).join(format!("{sha256}.{}", String::from_utf8_lossy(&kind)))
}

fn map(path: &Path) -> io::Result<memmap2::Mmap> {
    let file = File::open(path)?;
    // SAFETY: tables appear by a rename and are never written to afterwards; one that is replaced stays mapped.
    unsafe { memmap2::Mmap::map(&file) }
}

/// Puts a table where it belongs, whole or not at all. It need not survive a power cut, since its checksum tells.
fn keep(path: &Path, table: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(table)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;
    use crate::core::archive::tests::{stanza, suite};
    use crate::core::debian::packages::Package;
    use crate::core::pinned::{PinnedIndex, Role};

    /// An index that is worth a table, with one malformed stanza.
    fn index() -> Vec<u8> {
        let mut text = "Package: broken\n\n".to_owned();
        for number in 0..2000 {
            text += &stanza(&format!("p{number}"), "1.0", "Depends: a, b\n");
        }
        assert!(text.len() > WORTH_IT);
        text.into_bytes()
    }

    fn listed<'a>(store: &Store, sha256: Sha256, bytes: &'a [u8]) -> Parsed<Package<'a>> {
        let suite = suite("trixie", Role::Distribution, false);
        let kind = IndexKind::Packages("amd64".into());
        let index = PinnedIndex { component: "main".into(), kind, sha256, size: bytes.len() as u64 };
        // Only the bytes are kept by what comes back.
        let (suite, index) = (Box::leak(Box::new(suite)), Box::leak(Box::new(index)));
        match list(store, &[IndexBytes { suite, index, bytes }]).remove(0) {
            Listed::Packages(parsed) => parsed,
            Listed::Sources(_) => panic!("packages were asked for"),
        }
    }

    fn tables(store: &Store) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(store.root().join(FOLDER)) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn an_index_is_parsed_once_and_a_damaged_table_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let bytes = index();
        let sha256 = Sha256::of(&bytes);
        let expected: Parsed<Package<'_>> = parsed::parse(&bytes);
        assert_eq!(listed(&store, sha256, &bytes), expected);
        let [table] = &tables(&store)[..] else { panic!("one table: {:?}", tables(&store)) };
        let written = fs::read(table).unwrap();
        assert_eq!(listed(&store, sha256, &bytes), expected);
        let mut changed = written.clone();
        changed[written.len() / 2] ^= 1;
        for damaged in [&b""[..], b"something else", &written[..100], &changed] {
            fs::write(table, damaged).unwrap();
            assert_eq!(listed(&store, sha256, &bytes), expected);
            assert_eq!(fs::read(table).unwrap(), written);
        }
        assert_eq!(tables(&store).len(), 1, "nothing is left lying about");
    }

    #[test]
    fn what_a_table_says_is_what_is_listed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let bytes = index();
        let sha256 = Sha256::of(&bytes);
        // A table that says less than the index, so that one sees which of the two was read.
        let mut less: Parsed<Package<'_>> = parsed::parse(&bytes);
        less.read.truncate(3);
        keep(&path(&store, &sha256, Package::KIND), &parsed::write(&bytes, &sha256, &less).unwrap()).unwrap();
        assert_eq!(listed(&store, sha256, &bytes), less);
    }

    #[test]
    fn a_small_index_or_a_folder_that_cannot_be_written_has_no_table() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let small = stanza("a", "1", "");
        assert_eq!(listed(&store, Sha256::of(small.as_bytes()), small.as_bytes()).read.len(), 1);
        assert!(tables(&store).is_empty());
        fs::write(store.root().join(FOLDER), "no folder").unwrap();
        let bytes = index();
        assert_eq!(listed(&store, Sha256::of(&bytes), &bytes).read.len(), 2000);
    }

    #[test]
    fn several_may_read_and_write_a_table_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let bytes = index();
        let sha256 = Sha256::of(&bytes);
        let together = Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    together.wait();
                    assert_eq!(listed(&store, sha256, &bytes).read.len(), 2000);
                });
            }
        });
        assert_eq!(tables(&store).len(), 1);
    }
}

//! Answers that took long, kept under the hash of all that they follow from.
//!
//! **Invariant:** an answer is only ever a quicker way to what working it out gives: one that is missing or damaged, or
//! that another build of the program wrote, is worked out anew, and where it cannot be kept nobody is stopped.

use std::fs::{self, File, FileTimes};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::core::ids::Sha256;
use crate::io::clock;
use crate::io::store::Store;

/// How many answers of one kind are kept, the ones that were asked for last; the order of a whole archive has some
/// 15 MB.
const MOST: usize = 8;

/// Answers of one kind, in a store's folder.
#[derive(Debug, Clone)]
pub struct Kept {
    folder: PathBuf,
    program: String,
}

impl Kept {
    /// Those of a kind, which names their folder.
    pub fn of(store: &Store, kind: &str) -> Kept {
        Kept { folder: store.root().join(kind), program: program() }
    }

    /// The name of the answer that follows from these inputs. Fails for inputs that are no JSON, such as maps with keys
    /// that are no text.
    pub fn key(&self, inputs: &impl Serialize) -> serde_json::Result<Sha256> {
        Ok(Sha256::of(&serde_json::to_vec(&(&self.program, inputs))?))
    }

    /// The answer of that name, if it is there and whole.
    pub fn get<T: DeserializeOwned>(&self, key: &Sha256) -> Option<T> {
        let path = self.path(key);
        let read = || -> io::Result<T> {
            let file = File::open(&path)?;
            // One that is asked for stays; whether that can be noted changes nothing.
            let _ = file.set_times(FileTimes::new().set_modified(clock::now().into()));
            let mut text = Vec::new();
            io::Read::read_to_end(&mut BufReader::new(file), &mut text)?;
            Ok(serde_json::from_slice(&text)?)
        };
        match read() {
            Ok(answer) => Some(answer),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::debug!(path = %path.display(), %error, "the kept answer cannot be read: worked out again");
                None
            }
        }
    }

    /// Keeps an answer, and lets those go that were not asked for the longest time.
    pub fn keep(&self, key: &Sha256, answer: &impl Serialize) {
        if let Err(error) = self.write(key, answer).and_then(|()| self.thin_out()) {
            tracing::debug!(folder = %self.folder.display(), %error, "the answer is not kept");
        }
    }

    fn path(&self, key: &Sha256) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }

    /// Whole or not at all. It need not survive a power cut, since what is cut off is no JSON.
    fn write(&self, key: &Sha256, answer: &impl Serialize) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = BufWriter::new(tempfile::NamedTempFile::new_in(&self.folder)?);
        serde_json::to_writer(&mut file, answer)?;
        file.flush()?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.persist(self.path(key)).map_err(|error| error.error)?;
        Ok(())
    }

    fn thin_out(&self) -> io::Result<()> {
        let mut all: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|it| it == "json") {
                all.push((modified(&path), path));
            }
        }
        all.sort();
        let many = all.len().saturating_sub(MOST);
        all[..many].iter().try_for_each(|(_, path)| match fs::remove_file(path) {
            // Another program thins out as well.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        })
    }
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// This build of the program: what another one worked out may differ, even where both have one version.
fn program() -> String {
    let file = std::env::current_exe().and_then(fs::metadata);
    let build = file.and_then(|meta| Ok((meta.len(), meta.modified()?)));
    let build = build.map(|(size, when)| {
        let when = when.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        format!("{size} {}", when.as_nanos())
    });
    format!("{} {}", env!("CARGO_PKG_VERSION"), build.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, Kept) {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::of(&Store::open(folder.path()).unwrap(), "orders");
        (folder, kept)
    }

    #[test]
    fn an_answer_is_found_under_its_inputs_alone() {
        let (_folder, kept) = place();
        let key = kept.key(&("sources", 1)).unwrap();
        assert_eq!(kept.get::<Vec<u32>>(&key), None);
        kept.keep(&key, &vec![1, 2]);
        assert_eq!(kept.get::<Vec<u32>>(&kept.key(&("sources", 1)).unwrap()), Some(vec![1, 2]));
        assert_eq!(kept.get::<Vec<u32>>(&kept.key(&("sources", 2)).unwrap()), None);
        let other = Kept { program: "another build".to_owned(), ..kept.clone() };
        assert_eq!(other.get::<Vec<u32>>(&other.key(&("sources", 1)).unwrap()), None);
    }

    #[test]
    fn a_damaged_answer_is_none_and_is_replaced() {
        let (_folder, kept) = place();
        let key = kept.key(&"it").unwrap();
        kept.keep(&key, &"whole");
        for damaged in ["", "\"who", "[]", "\0\0\0\0\0\0\0"] {
            fs::write(kept.path(&key), damaged).unwrap();
            assert_eq!(kept.get::<String>(&key), None, "{damaged:?}");
        }
        kept.keep(&key, &"whole");
        assert_eq!(kept.get::<String>(&key).as_deref(), Some("whole"));
    }

    #[test]
    fn the_answers_that_were_asked_for_last_stay() {
        let (_folder, kept) = place();
        let keys: Vec<Sha256> = (0..MOST + 2).map(|number| kept.key(&number).unwrap()).collect();
        for (number, key) in (0u64..).zip(&keys) {
            kept.keep(key, &number);
            let when = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000 + number);
            File::open(kept.path(key)).unwrap().set_modified(when).unwrap();
            // The first one is asked for again and again.
            assert_eq!(kept.get::<u64>(&keys[0]), Some(0));
        }
        let there: Vec<bool> = keys.iter().map(|key| kept.path(key).exists()).collect();
        assert_eq!(there.iter().filter(|there| **there).count(), MOST);
        assert!(there[0] && there[MOST + 1] && !there[1] && !there[2], "{there:?}");
    }

    #[test]
    fn a_folder_that_cannot_be_written_stops_nobody() {
        let (folder, kept) = place();
        fs::write(folder.path().join("orders"), "no folder").unwrap();
        let key = kept.key(&"it").unwrap();
        kept.keep(&key, &"whole");
        assert_eq!(kept.get::<String>(&key), None);
    }
}

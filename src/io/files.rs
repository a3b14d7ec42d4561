//! Files and folders that appear whole or not at all.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::core::ids::Sha256;

/// Something that the file system refused.
#[derive(Debug, thiserror::Error)]
#[error("{action} `{path}`: {source}{}", hint(source))]
pub struct FileError {
    /// `write`, `create`, `rename`.
    action: &'static str,
    /// What it was tried on.
    path: PathBuf,
    /// What the system said.
    source: io::Error,
}

fn hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "\nhint: make room on that file system and start again; nothing that was finished is lost"
        }
        io::ErrorKind::PermissionDenied => "\nhint: run as the user who owns it, or choose another place with --state",
        _ => "",
    }
}

/// Turns what the system said into a [`FileError`] with action and path.
fn at<'p>(action: &'static str, path: &'p Path) -> impl FnOnce(io::Error) -> FileError + 'p {
    move |source| FileError { action, path: path.to_owned(), source }
}

/// A file's bytes.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(path).map_err(at("read", path))
}

/// The last bytes of a file, at most so many.
pub fn tail(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    let read = || {
        let mut file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(at("read", path))
}

/// Whether there is a folder.
pub fn is_folder(path: &Path) -> bool {
    path.is_dir()
}

/// What is in a folder, sorted; nothing where there is none.
pub fn children(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at("read", folder)(error)),
    };
    let mut children: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(at("read", folder))?;
    children.sort();
    Ok(children)
}

/// Removes a folder with all that is in it; one that is not there is gone already.
pub fn remove_folder(path: &Path) -> Result<(), FileError> {
    match fs::remove_dir_all(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(at("remove", path)(source)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a file that everybody may read, so that it is what it was or whole, and the folders above it.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    use std::os::unix::fs::PermissionsExt;
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(at("create", folder))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(at("create", path))?;
    let open_to_all = fs::Permissions::from_mode(0o644);
    let written = file.write_all(bytes).and_then(|()| file.as_file().set_permissions(open_to_all));
    written.and_then(|()| file.as_file().sync_all()).map_err(at("write", path))?;
    file.persist(path).map(drop).map_err(|error| at("rename", path)(error.error))
}

/// Writes a folder with these files (paths below it), so that it is either absent or complete.
pub fn write_folder(folder: &Path, files: &[(String, &[u8])]) -> Result<(), FileError> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(at("create", parent))?;
    let scratch = tempfile::Builder::new().prefix(".new-").tempdir_in(parent).map_err(at("create", parent))?;
    for (name, bytes) in files {
        let path = scratch.path().join(name);
        let folder = path.parent().unwrap_or(scratch.path());
        fs::create_dir_all(folder).map_err(at("create", folder))?;
        let mut file = fs::File::create(&path).map_err(at("create", &path))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(at("write", &path))?;
    }
    match fs::rename(scratch.path(), folder) {
        Ok(()) => {
            // What was renamed away must not be removed by the guard under its old name.
            let _ = scratch.keep();
            Ok(())
        }
        // Somebody else was faster with the same content.
        Err(_) if folder.is_dir() => Ok(()),
        Err(source) => Err(at("rename", folder)(source)),
    }
}

/// Copies a file into a folder under the name of its SHA-256, unless it is there.
pub fn keep_by_hash(file: &Path, folder: &Path) -> Result<Sha256, FileError> {
    let bytes = read(file)?;
    let hash = Sha256::of(&bytes);
    let kept = folder.join(hash.to_string());
    if kept.is_file() {
        return Ok(hash);
    }
    fs::create_dir_all(folder).map_err(at("create", folder))?;
    let mut scratch = tempfile::NamedTempFile::new_in(folder).map_err(at("create", folder))?;
    scratch.write_all(&bytes).and_then(|()| scratch.as_file().sync_all()).map_err(at("write", &kept))?;
    scratch.persist(&kept).map_err(|error| at("rename", &kept)(error.error))?;
    Ok(hash)
}

/// Hands out the lines of a file, without what ends them, up to so many bytes of it; none where there is no such file.
pub fn each_line(path: &Path, most: u64, mut visit: impl FnMut(&[u8])) -> Result<(), FileError> {
    let problem = |source| FileError { action: "read", path: path.to_owned(), source };
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(problem(error)),
    };
    let mut reader = BufReader::new(file.take(most));
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).map_err(problem)? > 0 {
        visit(line.trim_ascii_end());
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_handed_out_as_far_as_is_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, "one\ntwo\r\n\nthree").unwrap();
        let lines = |most| {
            let mut lines = Vec::new();
            each_line(&path, most, |line| lines.push(String::from_utf8_lossy(line).into_owned())).unwrap();
            lines
        };
        assert_eq!(
            (lines(100), lines(6)),
            (vec!["one".into(), "two".into(), "".into(), "three".into()], vec!["one".into(), "tw".into()])
        );
        each_line(&dir.path().join("none"), 100, |_| panic!("there is no such file")).unwrap();
    }

    #[test]
    fn a_file_is_replaced_by_a_whole_one_that_everybody_may_read() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("page");
        for text in ["one", "two"] {
            write(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(write(&dir.path().join("page/below"), b"").is_err());
    }

    #[test]
    fn a_folder_is_written_once_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("views/x");
        write_folder(&folder, &[("dists/a/Release".to_owned(), b"one")]).unwrap();
        write_folder(&folder, &[("dists/a/Release".to_owned(), b"two")]).unwrap();
        assert_eq!(fs::read(folder.join("dists/a/Release")).unwrap(), b"one");
        assert_eq!(fs::read_dir(dir.path().join("views")).unwrap().count(), 1);
    }
}

//! Which files a package installs.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{DebError, Failure, opened, parts, unpacked};

/// Paths of one package, in bytes; the largest real packages have some ten megabytes of them.
const PATHS_LIMIT: usize = 256 << 20;

/// Bytes behind the last file that are read at once.
const BUFFER: usize = 256 << 10;

/// The paths that a package installs, one a line, without the leading `./`, in the order of the package; folders are
/// none of them. All of the data is unpacked on the way, so that a file which is damaged is found.
pub fn files(path: &Path) -> Result<String, DebError> {
    opened(path, files_of)
}

fn files_of(file: &mut File) -> Result<String, Failure> {
    let parts = parts(file)?;
    let data = &parts.all[parts.data];
    let mut unpacked = unpacked(file, data, "data.tar")?;
    let broken = |error: std::io::Error| Failure::Broken(format!("expected a sound data member, got: {error}"));
    let mut paths = String::new();
    let mut archive = tar::Archive::new(&mut unpacked);
    for entry in archive.entries().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        if entry.header().entry_type().is_dir() {
            continue;
        }
        let bytes = entry.path_bytes();
        let name = String::from_utf8_lossy(bytes.strip_prefix(b"./").unwrap_or(&bytes));
        // A newline in a name would be another line of the index.
        if !name.is_empty() && !name.contains(['\n', '\r']) {
            paths.push_str(&name);
            paths.push('\n');
        }
        if paths.len() > PATHS_LIMIT {
            return Err(Failure::Bomb(format!("its paths have more than {PATHS_LIMIT} bytes")));
        }
    }
    let mut rest = vec![0; BUFFER];
    while unpacked.read(&mut rest).map_err(broken)? > 0 {}
    Ok(paths)
}

//! The compiled files in a package, one after the other as they come out of its data member.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{DebError, Failure, members, unpacked};

/// The largest compiled file that is looked at, in bytes: it is held in memory.
const ELF_LIMIT: u64 = 4 << 30;

/// No package unpacks to more, in bytes.
const DATA_LIMIT: u64 = 256 << 30;

/// Hands out each ELF file of a package with its path there; nothing is written to disk, and one file is held at a time.
pub fn each_elf(path: &Path, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), DebError> {
    let mut file = File::open(path).map_err(|source| DebError::Io { path: path.to_owned(), source })?;
    elf_files(&mut file, visit).map_err(|failure| failure.at(path))
}

fn elf_files(file: &mut File, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), Failure> {
    let members = members(file)?;
    let data = members.iter().find(|member| member.name.starts_with("data.tar"));
    let data = data.ok_or_else(|| Failure::Broken("expected `data.tar`, got none".to_owned()))?;
    let broken = |error: std::io::Error| Failure::Broken(format!("expected a sound data member, got: {error}"));
    let stream = unpacked(file, data, "data.tar")?.take(DATA_LIMIT);
    let mut archive = tar::Archive::new(stream);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let mut bytes = Vec::new();
        (&mut entry).take(4).read_to_end(&mut bytes).map_err(broken)?;
        if bytes != b"\x7fELF" {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./").to_owned();
        if entry.size() > ELF_LIMIT {
            return Err(Failure::Bomb(format!("`{path}` has {} bytes, {ELF_LIMIT} are allowed", entry.size())));
        }
        entry.read_to_end(&mut bytes).map_err(broken)?;
        visit(&path, &bytes);
    }
    Ok(())
}

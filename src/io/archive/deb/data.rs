//! The compiled files in a package, one after the other as they come out of its data member.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{DebError, Failure, members, unpacked};
use crate::core::static_library::{LIBRARY, each_member};

/// The largest compiled file that is looked at, in bytes: it is held in memory.
const ELF_LIMIT: u64 = 4 << 30;

/// No package unpacks to more, in bytes.
const DATA_LIMIT: u64 = 256 << 30;

/// How an ELF file begins.
const ELF: &[u8] = b"\x7fELF";

/// Hands out each ELF file of a package with its path there; nothing is written to disk, and one file is held at a time.
pub fn each_elf(path: &Path, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), DebError> {
    each(path, &[ELF], visit)
}

/// As [`each_elf`], and each object of static libraries, as `usr/lib/libx.a(one.o)`.
pub fn each_object(path: &Path, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), DebError> {
    let mut broken = None;
    each(path, &[ELF, LIBRARY], &mut |inside, bytes| {
        if !bytes.starts_with(LIBRARY) {
            visit(inside, bytes);
        } else if let Err(error) = each_member(bytes, &mut |member, bytes| {
            if bytes.starts_with(ELF) {
                visit(&format!("{inside}({member})"), bytes);
            }
        }) {
            broken.get_or_insert_with(|| format!("expected `{inside}` to be a sound static library, got: {error}"));
        }
    })?;
    broken.map_or(Ok(()), |what| Err(DebError::Broken { path: path.to_owned(), what }))
}

/// Hands out the files that begin in one of these ways.
fn each(path: &Path, kinds: &[&[u8]], visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), DebError> {
    let mut file = File::open(path).map_err(|source| DebError::Io { path: path.to_owned(), source })?;
    files(&mut file, kinds, visit).map_err(|failure| failure.at(path))
}

fn files(file: &mut File, kinds: &[&[u8]], visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), Failure> {
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
        (&mut entry).take(LIBRARY.len() as u64).read_to_end(&mut bytes).map_err(broken)?;
        if !kinds.iter().any(|kind| bytes.starts_with(kind)) {
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

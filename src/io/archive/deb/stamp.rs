//! Gives a package its `Architecture-Variant`.
//!
//! dpkg and apt tell the packages of a variant from those of the base by that field of the *installed* package, so it has
//! to be in the file: were it in the index alone, apt would want to upgrade to the same package for ever. Where dpkg
//! knows variants it is there from the build; elsewhere it is put in here, and nothing else of the package changes.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use super::{CONTROL_LIMIT, DebError, Failure, Member, opened, parts, section, unpacked};

/// Writes a package with the variant into `out`. One that has a variant already stays as it is, and gives `false`.
pub fn stamp(path: &Path, variant: &str, out: &mut dyn Write) -> Result<bool, DebError> {
    opened(path, |file| stamped(file, variant, out))
}

fn stamped(file: &mut File, variant: &str, out: &mut dyn Write) -> Result<bool, Failure> {
    let parts = parts(file)?;
    let control = &parts.all[parts.control];
    let mut tar = Vec::new();
    unpacked(file, control, "control.tar")?.take(CONTROL_LIMIT).read_to_end(&mut tar).map_err(Failure::Io)?;
    let Some(tar) = with_variant(&tar, variant)? else { return Ok(false) };
    let packed = packed_as(&control.name, &tar)?;
    out.write_all(b"!<arch>\n").map_err(Failure::Io)?;
    for (at, member) in parts.all.iter().enumerate() {
        // A signature of the members was one of other bytes.
        if member.name.starts_with("_gpg") {
            continue;
        }
        let mut header = vec![0; 60];
        let place = Member { name: member.name.clone(), start: member.start - 60, size: 60 };
        section(file, &place)?.read_exact(&mut header).map_err(Failure::Io)?;
        let size = if at == parts.control { packed.len() as u64 } else { member.size };
        header[48..58].copy_from_slice(format!("{size:<10}").as_bytes());
        out.write_all(&header).map_err(Failure::Io)?;
        if at == parts.control {
            out.write_all(&packed).map_err(Failure::Io)?;
        } else {
            std::io::copy(&mut section(file, member)?, out).map_err(Failure::Io)?;
        }
        if size % 2 == 1 {
            out.write_all(b"\n").map_err(Failure::Io)?;
        }
    }
    Ok(true)
}

/// The control member with the field behind `Architecture`; `None` where it has one.
fn with_variant(tar: &[u8], variant: &str) -> Result<Option<Vec<u8>>, Failure> {
    let broken = |error: std::io::Error| Failure::Broken(format!("expected a sound control member, got: {error}"));
    let mut archive = tar::Archive::new(tar);
    let mut made = tar::Builder::new(Vec::new());
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let mut header = entry.header().clone();
        let path = entry.path_bytes().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(broken)?;
        if path.strip_prefix(b"./").unwrap_or(&path) == b"control" {
            let text = String::from_utf8_lossy(&bytes);
            let begins =
                |line: &str, name: &str| line.get(..name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name));
            if text.lines().any(|line| begins(line, "Architecture-Variant:")) {
                return Ok(None);
            }
            let add = |line: &str| {
                let field = begins(line, "Architecture:").then(|| format!("\nArchitecture-Variant: {variant}"));
                format!("{line}{}\n", field.unwrap_or_default())
            };
            bytes = text.lines().map(add).collect::<String>().into_bytes();
            header.set_size(bytes.len() as u64);
            header.set_cksum();
        }
        made.append(&header, bytes.as_slice()).map_err(broken)?;
    }
    made.into_inner().map(Some).map_err(broken)
}

/// Packed as the member was.
fn packed_as(name: &str, tar: &[u8]) -> Result<Vec<u8>, Failure> {
    let packed = match name.strip_prefix("control.tar").unwrap_or_default() {
        "" => Ok(tar.to_vec()),
        ".gz" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            encoder.write_all(tar).and_then(|()| encoder.finish())
        }
        ".xz" => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
            encoder.write_all(tar).and_then(|()| encoder.finish())
        }
        ".zst" => zstd::bulk::compress(tar, 19),
        other => return Err(Failure::Broken(format!("expected gz, xz, zst or no compression, got `{other}`"))),
    };
    packed.map_err(Failure::Io)
}

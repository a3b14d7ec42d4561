//! Index files to the byte: stanzas, their order, compressed forms.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Write as _;

use rayon::prelude::*;

use crate::core::debian::control;
use crate::core::publish::{BinaryFile, BinaryKind, Options};

/// A quick preset: `-6` takes minutes for a whole archive, and saves a tenth.
const XZ_PRESET: u32 = 2;

/// The fields that say where a file is and what its hashes are; a package's own word on them is dropped.
const OURS: [&str; 6] = ["Filename", "Size", "MD5sum", "SHA1", "SHA256", "SHA512"];

/// A binary package with its stanza.
#[derive(Debug)]
pub(super) struct Stanza<'a> {
    /// The package.
    pub(super) file: &'a BinaryFile,
    /// Its lines, ending with a newline.
    pub(super) text: String,
}

/// The stanza of a binary package: its control paragraph, then where it is and its hashes.
pub(super) fn binary_stanza(file: &BinaryFile, path: &str) -> String {
    let mut out = String::with_capacity(file.control.len() + 400);
    let paragraph = control::paragraphs(file.control.as_bytes()).next();
    let mut keep = true;
    for line in paragraph.map_or(&b""[..], |paragraph| paragraph.bytes).split(|&byte| byte == b'\n') {
        // The paragraph came from a `String`, and newlines do not cut letters apart.
        let line = std::str::from_utf8(line).expect("lines of UTF-8 are UTF-8").trim_end();
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        if !line.starts_with([' ', '\t']) {
            let name = line.split(':').next().unwrap_or_default();
            keep = line.contains(':') && !OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name));
        }
        if keep {
            out.push_str(line);
            out.push('\n');
        }
    }
    let mut add = |name: &str, value: &dyn std::fmt::Display| {
        writeln!(out, "{name}: {value}").expect("writing to a string never fails");
    };
    add("Filename", &path);
    add("Size", &file.size);
    add("MD5sum", &file.md5);
    if let Some(sha1) = &file.sha1 {
        add("SHA1", sha1);
    }
    add("SHA256", &file.sha256);
    out
}

/// Sources stanzas by name, version and component.
pub(super) type Sources<'a> = BTreeMap<(&'a String, &'a String, &'a String), String>;

/// Every index in its plain form, empty ones too; those of the installer only where there is something for it.
pub(super) fn all(binaries: &[Stanza<'_>], sources: &Sources<'_>, options: &Options) -> Vec<(String, String)> {
    let mut plain = Vec::new();
    for component in &options.components {
        let of_installer =
            |stanza: &Stanza<'_>| stanza.file.kind == BinaryKind::Udeb && stanza.file.component == *component;
        let installer = binaries.iter().any(of_installer);
        for architecture in &options.architectures {
            let text = packages(binaries, component, architecture, false);
            plain.push((format!("{component}/binary-{architecture}/Packages"), text));
            if installer {
                let text = packages(binaries, component, architecture, true);
                plain.push((format!("{component}/debian-installer/binary-{architecture}/Packages"), text));
            }
        }
        let stanzas = sources.iter().filter(|((_, _, of), _)| *of == component).map(|(_, text)| text.as_str());
        plain.push((format!("{component}/source/Sources"), stanzas.collect::<Vec<_>>().join("\n")));
    }
    plain
}

/// A Packages file. Packages for `all` are listed for each architecture, as Debian does.
fn packages(stanzas: &[Stanza<'_>], component: &str, architecture: &str, udebs: bool) -> String {
    let listed = stanzas.iter().filter(|stanza| {
        let file = stanza.file;
        file.component == component
            && (file.architecture == architecture || file.architecture == "all")
            && (file.kind == BinaryKind::Udeb) == udebs
    });
    listed.map(|stanza| stanza.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// Each index plain, as `.gz` and as `.xz`, sorted by path.
pub(super) fn with_compressed(plain: Vec<(String, String)>) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = plain
        .into_par_iter()
        .flat_map_iter(|(path, text)| {
            let bytes = text.into_bytes();
            let (gz, xz) = rayon::join(|| gz(&bytes), || xz(&bytes));
            [(format!("{path}.gz"), gz), (format!("{path}.xz"), xz), (path, bytes)]
        })
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

/// gzip without a name or a time in it, so that the same bytes give the same file.
fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to memory never fails")
}

/// xz, on one thread, since the number of threads would show in the bytes.
fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), XZ_PRESET);
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to memory never fails")
}

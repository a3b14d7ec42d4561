//! Binary packages, as a Packages index lists them.

use crate::core::debian::control::{self, Paragraph};
use crate::core::debian::index;
use crate::core::debian::malformed::Malformed;
use crate::core::ids::Sha256;

/// One stanza of a Packages index; borrows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package<'a> {
    /// Binary package name.
    pub name: &'a str,
    /// Version, with epoch.
    pub version: &'a str,
    /// A Debian architecture, or `all`.
    pub architecture: &'a str,
    /// `Source:` as it is: empty, `name` or `name (version)`.
    pub source_field: &'a str,
    /// `Depends:`
    pub depends: &'a [u8],
    /// `Pre-Depends:`
    pub pre_depends: &'a [u8],
    /// `Provides:`
    pub provides: &'a [u8],
    /// `Conflicts:`
    pub conflicts: &'a [u8],
    /// `Breaks:`
    pub breaks: &'a [u8],
    /// `Multi-Arch:`
    pub multi_arch: &'a [u8],
    /// `Essential: yes`
    pub essential: bool,
    /// `Priority:`
    pub priority: &'a [u8],
    /// `Filename:` relative to the archive's root.
    pub filename: &'a str,
    /// Size of the .deb in bytes.
    pub size: u64,
    /// Hash of the .deb.
    pub sha256: Sha256,
    /// The stanza itself.
    pub stanza: &'a [u8],
}

/// Reads a whole index, in parallel. A stanza that cannot be read is reported and left out; the rest goes on.
pub fn read(index: &[u8]) -> (Vec<Package<'_>>, Vec<Malformed>) {
    index::read(index, 700, package)
}

/// Reads one control paragraph that carries `Filename`, `Size` and `SHA256` too.
///
/// # Errors
/// In words: the field that is missing, or what it holds instead of what it should.
pub fn package(paragraph: Paragraph<'_>) -> Result<Package<'_>, String> {
    let mut package = Package {
        name: "",
        version: "",
        architecture: "",
        source_field: "",
        depends: b"",
        pre_depends: b"",
        provides: b"",
        conflicts: b"",
        breaks: b"",
        multi_arch: b"",
        essential: false,
        priority: b"",
        filename: "",
        size: 0,
        sha256: Sha256([0; 32]),
        stanza: paragraph.bytes,
    };
    let (mut size, mut sha256) = (None, None);
    for (name, value) in paragraph.fields() {
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"Size") => size = control::utf8("Size", value)?.parse().ok(),
            6 if name.eq_ignore_ascii_case(b"Source") => package.source_field = control::utf8("Source", value)?,
            6 if name.eq_ignore_ascii_case(b"Breaks") => package.breaks = value,
            6 if name.eq_ignore_ascii_case(b"SHA256") => sha256 = Sha256::from_hex(value),
            7 if name.eq_ignore_ascii_case(b"Package") => package.name = control::utf8("Package", value)?,
            7 if name.eq_ignore_ascii_case(b"Version") => package.version = control::utf8("Version", value)?,
            7 if name.eq_ignore_ascii_case(b"Depends") => package.depends = value,
            8 if name.eq_ignore_ascii_case(b"Priority") => package.priority = value,
            8 if name.eq_ignore_ascii_case(b"Provides") => package.provides = value,
            8 if name.eq_ignore_ascii_case(b"Filename") => package.filename = control::utf8("Filename", value)?,
            9 if name.eq_ignore_ascii_case(b"Conflicts") => package.conflicts = value,
            9 if name.eq_ignore_ascii_case(b"Essential") => package.essential = value == b"yes",
            10 if name.eq_ignore_ascii_case(b"Multi-Arch") => package.multi_arch = value,
            11 if name.eq_ignore_ascii_case(b"Pre-Depends") => package.pre_depends = value,
            12 if name.eq_ignore_ascii_case(b"Architecture") => {
                package.architecture = control::utf8("Architecture", value)?;
            }
            _ => {}
        }
    }
    let fields = [
        ("Package", package.name),
        ("Version", package.version),
        ("Architecture", package.architecture),
        ("Filename", package.filename),
    ];
    for (field, value) in fields {
        if value.is_empty() {
            return Err(format!("expected a field `{field}`, got none"));
        }
    }
    package.size = size.ok_or("`Size`: expected a number of bytes")?;
    package.sha256 = sha256.ok_or("`SHA256`: expected 64 hexadecimal digits")?;
    Ok(package)
}

impl<'a> Package<'a> {
    /// Name of the source package it was built from.
    pub fn source(&self) -> &'a str {
        match self.source_field.split_once(' ') {
            Some((name, _)) => name,
            None if self.source_field.is_empty() => self.name,
            None => self.source_field,
        }
    }

    /// Version of the source package, which a binNMU's own version differs from.
    pub fn source_version(&self) -> &'a str {
        self.source_field
            .split_once('(')
            .and_then(|(_, rest)| rest.split_once(')'))
            .map_or(self.version, |(version, _)| version.trim())
    }

    /// Base name of its file.
    pub fn basename(&self) -> &'a str {
        self.filename.rsplit('/').next().unwrap_or(self.filename)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_name_and_version_come_from_the_source_field_where_there_is_one() {
        let stanza = |source: &str| {
            format!(
                "Package: libx\nVersion: 1.0-1+b2\nArchitecture: amd64\n{source}Filename: pool/x_1.0-1+b2_amd64.deb\n\
                 Size: 3\nSHA256: {}\n",
                "ab".repeat(32)
            )
        };
        for (field, name, version) in
            [("", "libx", "1.0-1+b2"), ("Source: x\n", "x", "1.0-1+b2"), ("Source: x (1.0-1)\n", "x", "1.0-1")]
        {
            let text = stanza(field);
            let (packages, malformed) = read(text.as_bytes());
            assert_eq!(malformed, []);
            assert_eq!((packages[0].source(), packages[0].source_version()), (name, version));
            assert_eq!(packages[0].basename(), "x_1.0-1+b2_amd64.deb");
        }
    }

    #[test]
    fn a_stanza_without_a_hash_is_reported() {
        let (packages, malformed) = read(b"\nPackage: a\nVersion: 1\nArchitecture: all\nFilename: f\nSize: 1\n");
        assert!(packages.is_empty());
        assert_eq!(malformed[0].to_string(), "line 2, package `a`: `SHA256`: expected 64 hexadecimal digits");
    }
}

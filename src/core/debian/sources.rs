//! Source packages, as a Sources index lists them.

use crate::core::debian::control::{self, Paragraph};
use crate::core::debian::index;
use crate::core::debian::malformed::Malformed;
use crate::core::ids::Sha256;

/// One stanza of a Sources index; borrows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'a> {
    /// Source package name.
    pub name: &'a str,
    /// Version, with epoch.
    pub version: &'a str,
    /// `Binary:`, the names of what it builds.
    pub binary: &'a [u8],
    /// `Architecture:` words: `any`, `all`, wildcards, names.
    pub architecture: &'a [u8],
    /// `Package-List:`, empty when the index has none.
    pub package_list: &'a [u8],
    /// `Section:`
    pub section: &'a [u8],
    /// `Directory:` relative to the archive's root.
    pub directory: &'a str,
    /// `Checksums-Sha256:`, lines of hash, size and name.
    pub checksums: &'a [u8],
    /// `Build-Depends:`
    pub build_depends: &'a [u8],
    /// `Build-Depends-Arch:`
    pub build_depends_arch: &'a [u8],
    /// `Build-Depends-Indep:`
    pub build_depends_indep: &'a [u8],
    /// `Build-Conflicts:`
    pub build_conflicts: &'a [u8],
    /// `Build-Conflicts-Arch:`
    pub build_conflicts_arch: &'a [u8],
    /// `Build-Conflicts-Indep:`
    pub build_conflicts_indep: &'a [u8],
    /// `Extra-Source-Only: yes`: an old version kept for Built-Using, never one to build.
    pub extra_source_only: bool,
}

/// A file of a source package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceFile<'a> {
    /// Base name.
    pub name: &'a str,
    /// Size in bytes.
    pub size: u64,
    /// Hash of the content.
    pub sha256: Sha256,
}

/// Reads a whole index, in parallel. A stanza that cannot be read is reported and left out; the rest goes on.
pub fn read(index: &[u8]) -> (Vec<Source<'_>>, Vec<Malformed>) {
    index::read(index, 2500, source)
}

fn source(paragraph: Paragraph<'_>) -> Result<Source<'_>, String> {
    let mut source = Source {
        name: "",
        version: "",
        binary: b"",
        architecture: b"",
        package_list: b"",
        section: b"",
        directory: "",
        checksums: b"",
        build_depends: b"",
        build_depends_arch: b"",
        build_depends_indep: b"",
        build_conflicts: b"",
        build_conflicts_arch: b"",
        build_conflicts_indep: b"",
        extra_source_only: false,
    };
    for (name, value) in paragraph.fields() {
        match name.len() {
            6 if name.eq_ignore_ascii_case(b"Binary") => source.binary = value,
            7 if name.eq_ignore_ascii_case(b"Package") => source.name = control::utf8("Package", value)?,
            7 if name.eq_ignore_ascii_case(b"Version") => source.version = control::utf8("Version", value)?,
            7 if name.eq_ignore_ascii_case(b"Section") => source.section = value,
            9 if name.eq_ignore_ascii_case(b"Directory") => source.directory = control::utf8("Directory", value)?,
            12 if name.eq_ignore_ascii_case(b"Architecture") => source.architecture = value,
            12 if name.eq_ignore_ascii_case(b"Package-List") => source.package_list = value,
            13 if name.eq_ignore_ascii_case(b"Build-Depends") => source.build_depends = value,
            15 if name.eq_ignore_ascii_case(b"Build-Conflicts") => source.build_conflicts = value,
            16 if name.eq_ignore_ascii_case(b"Checksums-Sha256") => source.checksums = value,
            17 if name.eq_ignore_ascii_case(b"Extra-Source-Only") => source.extra_source_only = value == b"yes",
            18 if name.eq_ignore_ascii_case(b"Build-Depends-Arch") => source.build_depends_arch = value,
            19 if name.eq_ignore_ascii_case(b"Build-Depends-Indep") => source.build_depends_indep = value,
            20 if name.eq_ignore_ascii_case(b"Build-Conflicts-Arch") => source.build_conflicts_arch = value,
            21 if name.eq_ignore_ascii_case(b"Build-Conflicts-Indep") => source.build_conflicts_indep = value,
            _ => {}
        }
    }
    for (field, value) in [("Package", source.name), ("Version", source.version), ("Directory", source.directory)] {
        if value.is_empty() && field != "Directory" {
            return Err(format!("expected a field `{field}`, got none"));
        }
    }
    Ok(source)
}

impl<'a> Source<'a> {
    /// Its files, the `.dsc` first.
    ///
    /// # Errors
    /// In words: a line that is not `HASH SIZE NAME`, a name that is a path, or no `.dsc` at all.
    pub fn files(&self) -> Result<Vec<SourceFile<'a>>, String> {
        let mut files = Vec::new();
        for line in control::lines(self.checksums) {
            let text = control::utf8("Checksums-Sha256", line)?;
            let mut words = text.split_ascii_whitespace();
            let (Some(hash), Some(size), Some(name)) = (words.next(), words.next(), words.next()) else {
                return Err(format!("`Checksums-Sha256`: expected `HASH SIZE NAME`, got `{text}`"));
            };
            if name.contains('/') || name.starts_with('.') {
                return Err(format!("`Checksums-Sha256`: expected a file name without a path, got `{name}`"));
            }
            let sha256 = hash.parse().map_err(|error| format!("`Checksums-Sha256`: {error}"))?;
            let size = size.parse().map_err(|_| format!("`Checksums-Sha256`: expected a size, got `{size}`"))?;
            files.push(SourceFile { name, size, sha256 });
        }
        let dsc = files.iter().position(|file| file.name.ends_with(".dsc"));
        match dsc {
            Some(position) => files[..=position].rotate_right(1),
            None => return Err("`Checksums-Sha256`: expected a .dsc among the files, got none".to_owned()),
        }
        Ok(files)
    }

    /// Whether it builds packages for a real architecture.
    pub fn builds_for(&self, architecture: &str) -> bool {
        crate::core::debian::architecture::field_includes(self.architecture, architecture)
    }

    /// Whether it builds `Architecture: all` packages.
    pub fn builds_all(&self) -> bool {
        control::words(self.architecture).any(|word| word == b"all")
    }

    /// Names of the binary packages it says it builds.
    pub fn binaries(&self) -> impl Iterator<Item = &'a [u8]> {
        self.binary.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = "Package: hello\nBinary: hello\nVersion: 2.10-3\nArchitecture: any\nDirectory: pool/main/h/hello\n\
        Build-Depends: debhelper-compat (= 13)\nChecksums-Sha256:\n \
        31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b 725946 hello_2.10.orig.tar.gz\n \
        c43ff0a1ad6d6bf0a4d3e0a44f8b4f0a1f4dbb5d1d0e0c3f7a6b0d2d6d2d9a4b 1847 hello_2.10-3.dsc\n";

    #[test]
    fn the_dsc_comes_first_among_the_files() {
        let (sources, malformed) = read(HELLO.as_bytes());
        assert!(malformed.is_empty());
        let files = sources[0].files().unwrap();
        let names: Vec<&str> = files.iter().map(|file| file.name).collect();
        assert_eq!(names, ["hello_2.10-3.dsc", "hello_2.10.orig.tar.gz"]);
        assert!(sources[0].builds_for("armel") && !sources[0].builds_all());
    }

    #[test]
    fn a_stanza_without_a_version_is_named_with_its_line_and_the_rest_goes_on() {
        let index = format!("Package: broken\nBinary: x\n\n{HELLO}");
        let (sources, malformed) = read(index.as_bytes());
        assert_eq!(sources.len(), 1);
        assert_eq!(malformed[0].to_string(), "line 1, package `broken`: expected a field `Version`, got none");
    }

    #[test]
    fn a_file_name_with_a_path_is_refused() {
        let index = HELLO.replace("hello_2.10.orig", "../hello_2.10.orig");
        let (sources, _) = read(index.as_bytes());
        let error = sources[0].files().unwrap_err();
        assert!(error.contains("without a path"), "{error}");
    }
}

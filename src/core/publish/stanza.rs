//! Stanzas of binary packages: the control paragraph, with our word on where the file is and what its hashes are.

use std::borrow::Cow;
use std::fmt::Write;

use crate::core::debian::control;
use crate::core::publish::{BinaryFile, BinaryKind, Options};

/// The fields that say where a file is and what its hashes are; a package's own word on them is dropped.
const OURS: [&str; 6] = ["Filename", "Size", "MD5sum", "SHA1", "SHA256", "SHA512"];

/// A binary package with its stanza.
#[derive(Debug)]
pub(super) struct Stanza<'a> {
    /// The package.
    pub(super) file: &'a BinaryFile,
    /// Of which variant of its architecture it is; empty for none.
    pub(super) variant: Cow<'a, str>,
    /// Its lines, ending with a newline.
    pub(super) text: String,
    /// The long description, for the translations; empty where it stays in `text`.
    pub(super) translation: String,
}

/// The variant that a control paragraph names; empty for none.
pub(super) fn variant(control: &str) -> &str {
    let mut lines = control.lines();
    let value = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("Architecture-Variant").then_some(value)
    });
    value.unwrap_or_default().trim()
}

/// The stanza of a binary package: its control paragraph, then where it is and its hashes.
pub(super) fn stanza<'a>(file: &'a BinaryFile, path: &str, options: &Options) -> Stanza<'a> {
    let mut text = String::with_capacity(file.control.len() + 400);
    let mut description = String::new();
    let split = options.translations && file.kind != BinaryKind::Udeb;
    let paragraph = control::paragraphs(file.control.as_bytes()).next();
    let (mut keep, mut describes) = (true, false);
    for line in paragraph.map_or(&b""[..], |paragraph| paragraph.bytes).split(|&byte| byte == b'\n') {
        // The paragraph came from a `String`, and newlines do not cut letters apart.
        let line = std::str::from_utf8(line).expect("lines of UTF-8 are UTF-8").trim_end();
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        if !line.starts_with([' ', '\t']) {
            let name = line.split(':').next().unwrap_or_default();
            keep = line.contains(':') && !OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name));
            describes = split && name.eq_ignore_ascii_case("Description");
            if describes {
                let value = line.split_once(':').map_or("", |(_, value)| value).trim_start();
                description.push_str(value);
                description.push('\n');
            }
        } else if describes {
            description.push_str(line);
            description.push('\n');
            continue;
        }
        if keep {
            text.push_str(line);
            text.push('\n');
        }
    }
    let md5 = (!description.is_empty()).then(|| md5_hex(description.as_bytes()));
    let mut add = |name: &str, value: &dyn std::fmt::Display| {
        writeln!(text, "{name}: {value}").expect("writing to a string never fails");
    };
    if let Some(md5) = &md5 {
        add("Description-md5", md5);
    }
    add("Filename", &path);
    add("Size", &file.size);
    add("MD5sum", &file.md5);
    if let Some(sha1) = &file.sha1 {
        add("SHA1", sha1);
    }
    add("SHA256", &file.sha256);
    let translation =
        md5.map(|md5| format!("Package: {}\nDescription-md5: {md5}\nDescription-en: {description}", file.package));
    let variant = Cow::Borrowed(variant(&file.control));
    Stanza { file, variant, text, translation: translation.unwrap_or_default() }
}

/// An MD5 as indexes write it.
pub(super) fn md5_hex(bytes: &[u8]) -> String {
    use md5::Digest;
    md5::Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

//! The strict reader that `.changes`, `.dsc` and `.buildinfo` share.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::core::debian::changes::{ChangesError, ListedFile, PackageListEntry};
use crate::core::debian::control;
use crate::core::ids::Sha256;

/// Which kind of file it is, since each has lists of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lists {
    /// `Files` (with section and priority) and `Checksums-Sha256` are both there.
    Changes,
    /// `Files` and `Checksums-Sha256`; old ones have only the first.
    Dsc,
    /// `Checksums-Sha256` alone is needed.
    Buildinfo,
}

/// One paragraph whose every line was understood.
#[derive(Debug)]
pub(super) struct Strict {
    text: String,
    /// Values by lower-case name.
    fields: BTreeMap<String, String>,
}

impl Strict {
    /// Takes the armour off, and reads the one paragraph that is there.
    pub(super) fn read(bytes: &[u8]) -> Result<Strict, ChangesError> {
        let body = without_armour(bytes)?;
        let mut found = control::paragraphs(&body);
        let first = found.next().ok_or(ChangesError::Paragraphs(0))?;
        let others = found.count();
        if others > 0 {
            return Err(ChangesError::Paragraphs(others + 1));
        }
        let mut text = decode(first.bytes).replace("\r\n", "\n");
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let mut fields = BTreeMap::new();
        let mut line = 1;
        for (name, lines) in raw_fields(&text) {
            if name.is_empty() {
                return Err(ChangesError::Line { text: shorten(lines.trim_end()), line });
            }
            let value = lines[name.len() + 1..].trim().to_owned();
            if fields.insert(name.to_ascii_lowercase(), value).is_some() {
                return Err(ChangesError::Twice(name.to_owned()));
            }
            line += lines.matches('\n').count();
        }
        Ok(Strict { text, fields })
    }

    /// The paragraph.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// A field's value, if the field is there and is not empty.
    pub(super) fn get(&self, name: &'static str) -> Option<&str> {
        self.fields.get(&name.to_ascii_lowercase()).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A field's value.
    pub(super) fn needed(&self, name: &'static str) -> Result<&str, ChangesError> {
        self.get(name).ok_or(ChangesError::Missing(name))
    }

    /// `Version`.
    pub(super) fn version(&self) -> Result<String, ChangesError> {
        checked_version("Version", self.needed("Version")?)
    }

    /// `Source`, which may be `name (version)`.
    pub(super) fn source(&self) -> Result<(String, Option<String>), ChangesError> {
        let value = self.needed("Source")?;
        let (name, version) = match value.split_once(' ') {
            None => (value, None),
            Some((name, rest)) => {
                let version = rest.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
                let version = version.ok_or_else(|| wrong("Source", "`name` or `name (version)`", value))?;
                (name, Some(checked_version("Source", version)?))
            }
        };
        Ok((checked_package("Source", name)?, version))
    }

    /// `Architecture`, at least one word of it.
    pub(super) fn architectures(&self) -> Result<Vec<String>, ChangesError> {
        self.needed("Architecture")?
            .split_ascii_whitespace()
            .map(|word| {
                let fine = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                if fine { Ok(word.to_owned()) } else { Err(wrong("Architecture", "architecture names", word)) }
            })
            .collect()
    }

    /// A list of package names, by blanks (`.changes`) or commas (`.dsc`).
    pub(super) fn packages(&self, field: &'static str) -> Result<Vec<String>, ChangesError> {
        self.get(field)
            .unwrap_or_default()
            .split(|letter: char| letter == ',' || letter.is_ascii_whitespace())
            .filter(|word| !word.is_empty())
            .map(|word| checked_package(field, word))
            .collect()
    }

    /// `Package-List`.
    pub(super) fn package_list(&self) -> Result<Vec<PackageListEntry>, ChangesError> {
        let lines = self.get("Package-List").unwrap_or_default().lines();
        lines
            .map(str::trim)
            .map(|line| {
                let mut words = line.split_ascii_whitespace();
                let (Some(name), Some(kind), Some(section), Some(priority)) =
                    (words.next(), words.next(), words.next(), words.next())
                else {
                    return Err(wrong("Package-List", "`package type section priority` a line", line));
                };
                let more = words.map(|word| {
                    let (key, value) = word.split_once('=').unwrap_or((word, ""));
                    (key.to_owned(), value.to_owned())
                });
                Ok(PackageListEntry {
                    name: checked_package("Package-List", name)?,
                    kind: kind.to_owned(),
                    section: section.to_owned(),
                    priority: priority.to_owned(),
                    more: more.collect(),
                })
            })
            .collect()
    }

    /// `Installed-Build-Depends`.
    pub(super) fn installed(&self) -> Result<Vec<(String, String)>, ChangesError> {
        let field = "Installed-Build-Depends";
        let entries = self.get(field).unwrap_or_default().split(',').map(str::trim);
        entries
            .filter(|entry| !entry.is_empty())
            .map(|entry| {
                let pair = entry.split_once(" (= ").and_then(|(name, rest)| Some((name, rest.strip_suffix(')')?)));
                let (name, version) = pair.ok_or_else(|| wrong(field, "`package (= version)`", entry))?;
                Ok((name.to_owned(), checked_version(field, version)?))
            })
            .collect()
    }

    /// The files, from all the lists that there are; these must agree.
    pub(super) fn files(&self, lists: Lists) -> Result<Vec<ListedFile>, ChangesError> {
        if self.get("Checksums-Sha256").is_none() && self.get("Files").is_some() {
            return Err(ChangesError::OnlyMd5);
        }
        let mut files = Vec::new();
        for row in self.rows("Checksums-Sha256", 64)? {
            let sha256 = Sha256::from_hex(row.hash.as_bytes()).expect("rows() has checked the digits");
            let (section, priority) = (String::new(), String::new());
            files.push(ListedFile { name: row.name, size: row.size, sha256, sha1: None, md5: None, section, priority });
        }
        if files.is_empty() {
            return Err(ChangesError::Missing("Checksums-Sha256"));
        }
        self.join(&mut files, "Checksums-Sha1", 40, |file, row| file.sha1 = Some(row.hash))?;
        self.join(&mut files, "Checksums-Md5", 32, |file, row| file.md5 = Some(row.hash))?;
        match lists {
            Lists::Changes | Lists::Dsc => {
                self.needed("Files")?;
            }
            Lists::Buildinfo => {}
        }
        self.join(&mut files, "Files", 32, |file, row| {
            file.md5 = Some(row.hash);
            file.section = row.section;
            file.priority = row.priority;
        })?;
        Ok(files)
    }

    /// Adds what a second list says to the files of the first.
    fn join(
        &self,
        files: &mut [ListedFile],
        field: &'static str,
        digits: usize,
        add: impl Fn(&mut ListedFile, Row),
    ) -> Result<(), ChangesError> {
        if self.get(field).is_none() {
            return Ok(());
        }
        let mut rows: BTreeMap<String, Row> =
            self.rows(field, digits)?.into_iter().map(|row| (row.name.clone(), row)).collect();
        let only =
            |name: &str| ChangesError::OnlyOne { first: "Checksums-Sha256", second: field, name: name.to_owned() };
        for file in files {
            let row = rows.remove(&file.name).ok_or_else(|| only(&file.name))?;
            if row.size != file.size {
                let name = file.name.clone();
                return Err(ChangesError::Sizes { name, first: file.size, field, other: row.size });
            }
            add(file, row);
        }
        rows.keys().next().map_or(Ok(()), |name| Err(only(name)))
    }

    /// The rows of a list: hash, size, (section and priority,) name.
    fn rows(&self, field: &'static str, digits: usize) -> Result<Vec<Row>, ChangesError> {
        let mut rows: Vec<Row> = Vec::new();
        for line in self.get(field).unwrap_or_default().lines().map(str::trim) {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let (hash, size, section, priority, name) = match words[..] {
                [hash, size, name] => (hash, size, "", "", name),
                [hash, size, section, priority, name] if field == "Files" => (hash, size, section, priority, name),
                _ => return Err(wrong(field, "`hash size name` a line", line)),
            };
            if hash.len() != digits || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(wrong(field, "a hash in hexadecimal digits", hash));
            }
            let size_in_digits = size.bytes().all(|byte| byte.is_ascii_digit());
            let size = size.parse().ok().filter(|_| size_in_digits);
            let size = size.ok_or_else(|| wrong(field, "a size in bytes", line))?;
            if !is_file_name(name) {
                return Err(wrong(field, "a file name without a folder", name));
            }
            if rows.iter().any(|row| row.name == name) {
                return Err(wrong(field, "each file once", name));
            }
            rows.push(Row {
                name: name.to_owned(),
                size,
                hash: hash.to_ascii_lowercase(),
                section: section.to_owned(),
                priority: priority.to_owned(),
            });
        }
        Ok(rows)
    }
}

/// A row of a list of files.
#[derive(Debug)]
struct Row {
    name: String,
    size: u64,
    hash: String,
    section: String,
    priority: String,
}

/// Cuts off clearsign armour, and undoes its dash escapes; what is not armoured comes back as it is.
fn without_armour(bytes: &[u8]) -> Result<Cow<'_, [u8]>, ChangesError> {
    const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
    const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
    const END: &[u8] = b"-----END PGP SIGNATURE-----";
    let mut lines = bytes.split_inclusive(|&byte| byte == b'\n').skip_while(|line| line.trim_ascii().is_empty());
    if lines.clone().next().is_none_or(|line| line.trim_ascii_end() != BEGIN) {
        return Ok(Cow::Borrowed(bytes));
    }
    lines.by_ref().take_while(|line| !line.trim_ascii().is_empty()).for_each(drop);
    let mut body = Vec::with_capacity(bytes.len());
    loop {
        let line = lines.next().ok_or(ChangesError::Armour("without a signature"))?;
        if line.trim_ascii_end() == SIGNATURE {
            break;
        }
        body.extend_from_slice(line.strip_prefix(b"- ").unwrap_or(line));
    }
    if !lines.any(|line| line.trim_ascii_end() == END) {
        return Err(ChangesError::Armour("whose signature is cut off"));
    }
    if !lines.all(|line| line.trim_ascii().is_empty()) {
        return Err(ChangesError::Armour("with text after the signature"));
    }
    Ok(Cow::Owned(body))
}

/// UTF-8 where it is that, else Latin-1, which old packages were written in.
fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

/// The fields of a paragraph as (name, all its lines with their newlines). A line that is no field comes with an empty
/// name.
pub(super) fn raw_fields(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while rest.starts_with('#') {
            rest = &rest[rest.find('\n').map_or(rest.len(), |at| at + 1)..];
        }
        if rest.is_empty() {
            return None;
        }
        let mut end = 0;
        for (index, line) in rest.split_inclusive('\n').enumerate() {
            if index > 0 && !line.starts_with([' ', '\t']) {
                break;
            }
            end += line.len();
        }
        let (lines, after) = rest.split_at(end);
        rest = after;
        let first = lines.lines().next().unwrap_or_default();
        let name = first.split_once(':').map_or("", |(name, _)| name);
        let fine = !name.starts_with('-') && name.bytes().all(|byte| byte.is_ascii_graphic());
        Some((if fine { name } else { "" }, lines))
    })
}

/// A name that stays in its folder and on its line, and that no tool takes for an option or a hidden file.
fn is_file_name(name: &str) -> bool {
    !name.starts_with(['.', '-']) && name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'\\'))
}

/// A package name as dpkg takes it.
fn checked_package(field: &'static str, name: &str) -> Result<String, ChangesError> {
    let fine = name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_'));
    if fine { Ok(name.to_owned()) } else { Err(wrong(field, "a package name", name)) }
}

/// A version made of the letters that versions are made of.
fn checked_version(field: &'static str, version: &str) -> Result<String, ChangesError> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-' | b'~' | b':');
    let fine = version.starts_with(|first: char| first.is_ascii_alphanumeric()) && version.bytes().all(letter);
    if fine { Ok(version.to_owned()) } else { Err(wrong(field, "a version", version)) }
}

/// An error about a field's value.
fn wrong(field: &'static str, expected: &'static str, got: &str) -> ChangesError {
    ChangesError::Value { field, expected, got: shorten(got) }
}

/// The beginning of a text that may be long.
fn shorten(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

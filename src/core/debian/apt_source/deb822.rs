//! `.sources` files: one paragraph for any number of types, URIs and suites.

use super::{AptEntry, AptSourceError, Options, check_uri};
use crate::core::debian::control;

/// What a paragraph looks like, for advice.
pub const FORM: &str = "a paragraph has `Types: deb deb-src`, `URIs:`, `Suites:`, `Components:` and `Signed-By:`";

/// The fields that are options, and their names in one-line files.
const OPTIONS: [(&str, &str); 12] = [
    ("Architectures", "arch"),
    ("Architectures-Add", "arch+"),
    ("Architectures-Remove", "arch-"),
    ("Signed-By", "signed-by"),
    ("Trusted", "trusted"),
    ("Check-Valid-Until", "check-valid-until"),
    ("Valid-Until-Min", "valid-until-min"),
    ("Valid-Until-Max", "valid-until-max"),
    ("Check-Date", "check-date"),
    ("Date-Max-Future", "date-max-future"),
    ("Allow-Insecure", "allow-insecure"),
    ("By-Hash", "by-hash"),
];

/// Reads a file.
pub(super) fn parse(file: &str, bytes: &[u8]) -> Result<Vec<AptEntry>, AptSourceError> {
    let (bytes, numbers) = without_comments(bytes);
    let mut entries = Vec::new();
    for paragraph in control::paragraphs(&bytes) {
        let line = control::line_of(&bytes, paragraph.offset);
        parse_paragraph(&format!("{file}:{}", numbers[line - 1]), &paragraph, &mut entries)?;
    }
    Ok(entries)
}

/// The file without its comment lines, which may be in the middle of a value, and for each line that is left the
/// number it had.
fn without_comments(bytes: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let (mut left, mut numbers) = (Vec::with_capacity(bytes.len()), Vec::new());
    for (index, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        if !line.starts_with(b"#") {
            left.extend_from_slice(line);
            numbers.push(index + 1);
        }
    }
    (left, numbers)
}

/// The value of a field as text.
fn value(paragraph: &control::Paragraph<'_>, name: &str) -> Option<String> {
    Some(String::from_utf8_lossy(paragraph.field(name)?).into_owned())
}

/// Reads one paragraph.
fn parse_paragraph(
    at: &str,
    paragraph: &control::Paragraph<'_>,
    entries: &mut Vec<AptEntry>,
) -> Result<(), AptSourceError> {
    let words = |field: &'static str| -> Vec<String> {
        value(paragraph, field).unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect()
    };
    let needed = |field: &'static str| match words(field) {
        words if words.is_empty() => Err(AptSourceError::Missing { at: at.to_owned(), field }),
        words => Ok(words),
    };
    let types = needed("Types")?;
    if value(paragraph, "Enabled").is_some_and(|enabled| is_no(&enabled)) {
        return Ok(());
    }
    let (mut binary, mut declared) = (false, false);
    for kind in &types {
        match kind.as_str() {
            "deb" => binary = true,
            "deb-src" => declared = true,
            _ => {
                return Err(AptSourceError::Malformed {
                    at: at.to_owned(),
                    expected: "`deb` or `deb-src` in `Types`",
                    got: kind.clone(),
                    hint: FORM,
                });
            }
        }
    }
    let mut options = Options::default();
    for (field, name) in OPTIONS {
        if let Some(value) = value(paragraph, field).filter(|value| !value.is_empty()) {
            let value = if field == "Signed-By" { unfold(&value) } else { value };
            options.set(at, name, &value)?;
        }
    }
    let names = words("Components");
    for uri in needed("URIs")? {
        check_uri(at, &uri)?;
        for suite in needed("Suites")? {
            let names = match (suite.ends_with('/'), names.is_empty()) {
                (true, true) => vec![String::new()],
                (false, false) => names.clone(),
                (flat, _) => {
                    return Err(AptSourceError::Components {
                        at: at.to_owned(),
                        suite,
                        expected: if flat { "no `Components`" } else { "`Components` such as `main`" },
                        got: if flat { format!("`{}`", names.join(" ")) } else { "none".to_owned() },
                    });
                }
            };
            let components = names.iter().map(|name| options.component(name, binary, declared)).collect();
            entries.push(options.entry(at, &uri, &suite, components));
        }
    }
    Ok(())
}

/// apt's words for no.
fn is_no(word: &str) -> bool {
    ["no", "false", "0", "off", "without", "disable"].iter().any(|no| word.eq_ignore_ascii_case(no))
}

/// Takes the indentation off an inline key: one blank a line, and `.` stands for an empty line.
fn unfold(value: &str) -> String {
    let lines: Vec<&str> = value.lines().map(str::trim).map(|line| if line == "." { "" } else { line }).collect();
    lines.join("\n")
}

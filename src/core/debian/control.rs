//! Control paragraphs (deb822): a scanner that copies nothing.
//!
//! Works on bytes, since old archives hold Latin-1, and takes what people write: `\r\n`, blank lines with spaces,
//! no newline at the end. Field names are compared without regard to case (Policy 5.1).

use memchr::{memchr, memchr_iter};

/// One paragraph: its bytes, without the blank line after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paragraph<'a> {
    /// The bytes, each line with its newline (the last one may lack it).
    pub bytes: &'a [u8],
    /// Offset of the first byte in what was scanned.
    pub offset: usize,
}

/// The paragraphs of a file, in order.
pub fn paragraphs(bytes: &[u8]) -> Paragraphs<'_> {
    Paragraphs { bytes, at: 0 }
}

/// The line number (from 1) of `offset` in `bytes`, for messages.
pub fn line_of(bytes: &[u8], offset: usize) -> usize {
    memchr_iter(b'\n', &bytes[..offset.min(bytes.len())]).count() + 1
}

/// Iterator over paragraphs.
#[derive(Debug, Clone)]
pub struct Paragraphs<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Whether a line (without its newline) holds nothing but blanks.
fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|&byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// The end of the line that starts at `at`: the offset after its newline.
fn line_end(bytes: &[u8], at: usize) -> usize {
    memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |newline| at + newline + 1)
}

impl<'a> Iterator for Paragraphs<'a> {
    type Item = Paragraph<'a>;

    fn next(&mut self) -> Option<Paragraph<'a>> {
        while self.at < self.bytes.len() {
            let end = line_end(self.bytes, self.at);
            if !is_blank(self.bytes[self.at..end].trim_ascii_end()) {
                break;
            }
            self.at = end;
        }
        if self.at >= self.bytes.len() {
            return None;
        }
        let start = self.at;
        let mut from = start;
        loop {
            // A paragraph ends before a line that begins with a newline, a carriage return or a lone blank line.
            let Some(newline) = memchr(b'\n', &self.bytes[from..]) else {
                self.at = self.bytes.len();
                break;
            };
            let next = from + newline + 1;
            match self.bytes.get(next) {
                None => {
                    self.at = next;
                    break;
                }
                Some(b'\n') => {
                    self.at = next + 1;
                    return Some(Paragraph { bytes: &self.bytes[start..next], offset: start });
                }
                Some(b' ' | b'\t' | b'\r') => {
                    let end = line_end(self.bytes, next);
                    if is_blank(self.bytes[next..end].trim_ascii_end()) {
                        self.at = end;
                        return Some(Paragraph { bytes: &self.bytes[start..next], offset: start });
                    }
                    from = next;
                }
                Some(_) => from = next,
            }
        }
        Some(Paragraph { bytes: &self.bytes[start..self.at], offset: start })
    }
}

impl<'a> Paragraph<'a> {
    /// Its fields in order, as (name, value); see [`Fields`].
    pub fn fields(&self) -> Fields<'a> {
        Fields { rest: self.bytes }
    }

    /// The value of a field, blanks around it taken off; continuation lines stay as they are.
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields().find(|(field, _)| field.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// The value of a field that must be UTF-8; `None` also when it is not.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.field(name).and_then(|value| std::str::from_utf8(value).ok())
    }
}

/// Iterator over the fields of a paragraph. A line that is neither a field, a continuation nor a comment is passed over;
/// who must know reads with `Malformed` in the typed readers.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let line = line_end(self.rest, 0);
            let colon = match memchr(b':', &self.rest[..line]) {
                Some(colon) if colon > 0 && !matches!(self.rest[0], b'#' | b' ' | b'\t') => colon,
                _ => {
                    self.rest = &self.rest[line..];
                    continue;
                }
            };
            let mut end = line;
            while matches!(self.rest.get(end), Some(b' ' | b'\t')) {
                end = line_end(self.rest, end);
            }
            let name = &self.rest[..colon];
            let value = self.rest[colon + 1..end].trim_ascii();
            self.rest = &self.rest[end..];
            return Some((name, value));
        }
    }
}

/// The non-empty lines of a multi-line value (`Files:`, `Checksums-Sha256:`), blanks taken off.
pub fn lines(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}

/// The words of a value.
pub fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// Cuts a big index into parts at paragraph boundaries, for reading in parallel; every paragraph is in one part.
pub fn split(bytes: &[u8]) -> Vec<&[u8]> {
    const PART: usize = 1 << 20;
    let mut parts = Vec::with_capacity(bytes.len() / PART + 1);
    let mut rest = bytes;
    while rest.len() > PART {
        let Some(end) = memchr::memmem::find(&rest[PART..], b"\n\n") else { break };
        let (part, after) = rest.split_at(PART + end + 1);
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// So much of a text from an index is repeated in a message, in bytes.
pub const SHOWN: usize = 200;

/// A text as messages repeat it: what is not UTF-8 replaced, and no more than [`SHOWN`].
pub fn shown(text: &[u8]) -> String {
    let start = String::from_utf8_lossy(&text[..text.len().min(SHOWN)]);
    format!("{start}{}", if text.len() > SHOWN { "..." } else { "" })
}

/// The text of a field that must be UTF-8.
///
/// # Errors
/// In words, for a message that names the place.
pub fn utf8<'a>(field: &str, value: &'a [u8]) -> Result<&'a str, String> {
    std::str::from_utf8(value).map_err(|_| format!("`{field}`: expected UTF-8, got `{}`", shown(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str) -> Vec<Vec<(String, String)>> {
        paragraphs(input.as_bytes())
            .map(|paragraph| {
                paragraph
                    .fields()
                    .map(|(name, value)| {
                        (String::from_utf8_lossy(name).into_owned(), String::from_utf8_lossy(value).into_owned())
                    })
                    .collect()
            })
            .collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn blank_lines_with_spaces_and_carriage_returns_end_a_paragraph() {
        let got = check("\r\n \nA: 1\r\n \t\r\nB: 2\n\n\n\nC: 3");
        assert_eq!(got, [vec![pair("A", "1")], vec![pair("B", "2")], vec![pair("C", "3")]]);
    }

    #[test]
    fn continuation_lines_keep_their_indentation_and_comments_are_passed_over() {
        let got = check("A:\n one\n  two\n# not this\nB: x: y\nnonsense\n");
        assert_eq!(got, [vec![pair("A", "one\n  two"), pair("B", "x: y")]]);
    }

    #[test]
    fn field_names_are_found_in_any_case() {
        let paragraph = paragraphs(b"pAcKaGe: hello\n").next().unwrap();
        assert_eq!(paragraph.text("Package"), Some("hello"));
    }
}

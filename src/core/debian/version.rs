//! Versions and their order, as dpkg defines it (deb-version(7)).
//!
//! Compared part by part on bytes; `0` and a missing number are equal, `~` sorts before the end.

use std::cmp::Ordering;

use memchr::{memchr, memrchr};

/// A version, split; borrows its text.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    epoch: u32,
    upstream: &'a [u8],
    revision: &'a [u8],
}

impl<'a> Version<'a> {
    /// Splits a version. Never fails: an epoch that is no number counts as 0, as the rest of the text decides then.
    pub fn new(text: &'a [u8]) -> Version<'a> {
        let (epoch, rest) = match memchr(b':', text) {
            Some(colon) => {
                let digits = std::str::from_utf8(&text[..colon]).unwrap_or_default();
                (digits.parse().unwrap_or(0), &text[colon + 1..])
            }
            None => (0, text),
        };
        // dpkg takes a dash with nothing after it for a part of the upstream version.
        let (upstream, revision) = match memrchr(b'-', rest) {
            Some(dash) if dash + 1 < rest.len() => (&rest[..dash], &rest[dash + 1..]),
            _ => (rest, &b""[..]),
        };
        Version { epoch, upstream, revision }
    }
}

/// Whether a text is a version by Policy 5.6.12: starts with a digit after the epoch, and holds only its characters.
pub fn is_valid(text: &str) -> bool {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'~' | b'-' | b':');
    !epoch.is_empty()
        && epoch.bytes().all(|byte| byte.is_ascii_digit())
        && rest.starts_with(|first: char| first.is_ascii_digit())
        && rest.bytes().all(allowed)
}

/// A version without its epoch, as file names have it.
pub fn without_epoch(text: &str) -> &str {
    text.split_once(':').map_or(text, |(_, rest)| rest)
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare_part(self.upstream, other.upstream))
            .then_with(|| compare_part(self.revision, other.revision))
    }
}

impl PartialOrd for Version<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version<'_> {}

/// Compares two version texts.
pub fn compare(left: &[u8], right: &[u8]) -> Ordering {
    Version::new(left).cmp(&Version::new(right))
}

/// Weight of a byte outside a number: `~` before the end, the end (and digits) before letters, letters before the rest.
fn weight(byte: Option<u8>) -> i32 {
    match byte {
        None => 0,
        Some(b'0'..=b'9') => 0,
        Some(b'~') => -1,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(letter),
        Some(other) => i32::from(other) + 256,
    }
}

/// The order of two upstream versions or two revisions: text and number by turns.
fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        loop {
            let (a, b) = (left.first().copied(), right.first().copied());
            let outside = |byte: Option<u8>| byte.is_some_and(|byte| !byte.is_ascii_digit());
            if !outside(a) && !outside(b) {
                break;
            }
            match weight(a).cmp(&weight(b)) {
                Ordering::Equal => {
                    left = left.get(1..).unwrap_or_default();
                    right = right.get(1..).unwrap_or_default();
                }
                unequal => return unequal,
            }
        }
        let (a, b) = (number(&mut left), number(&mut right));
        match a.len().cmp(&b.len()).then_with(|| a.cmp(b)) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
    Ordering::Equal
}

/// Takes the number at the start off, without its leading zeros.
fn number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    &digits[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_the_table_compares_as_dpkg_says() {
        let table = include_str!("../../../tests/data/versions.txt");
        let mut wrong = Vec::new();
        let mut pairs = 0;
        for line in table.lines().filter(|line| !line.is_empty()) {
            let mut words = line.split_whitespace();
            let (Some(left), Some(right), Some(answer)) = (words.next(), words.next(), words.next()) else {
                panic!("a line of the table has three words: `{line}`");
            };
            let got = match compare(left.as_bytes(), right.as_bytes()) {
                Ordering::Less => "lt",
                Ordering::Equal => "eq",
                Ordering::Greater => "gt",
            };
            pairs += 1;
            if got != answer {
                wrong.push(format!("{left} {right}: dpkg says {answer}, we say {got}"));
            }
        }
        assert!(pairs > 6_000, "the table has {pairs} pairs only");
        assert_eq!(wrong, Vec::<String>::new());
    }

    #[test]
    fn a_version_starts_with_a_digit() {
        assert!(is_valid("1:2.0~rc1-3+b1"));
        assert!(!is_valid("v1.0"));
        assert!(!is_valid(":1.0"));
        assert!(!is_valid("1.0/../2"));
    }
}

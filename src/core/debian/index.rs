//! Whole indexes, stanza by stanza and in parallel; what cannot be read is reported and left out.

use rayon::prelude::*;

use crate::core::debian::control::{self, Paragraph};
use crate::core::debian::malformed::{Malformed, Misread};

/// No stanza is longer, in bytes. The longest of Debian, that of the source package `linux`, has 0.4 MB; stanzas are
/// copied into views and messages, so that one of a gigabyte would cost many times as much.
pub const LONGEST_STANZA: usize = 16 << 20;

/// Reads every stanza of an index. `usual` is about how many bytes one has, to make room at once.
pub fn read<'a, T: Send>(
    index: &'a [u8],
    usual: usize,
    stanza: impl Fn(Paragraph<'a>) -> Result<T, String> + Sync,
) -> (Vec<T>, Vec<Malformed>) {
    read_within(LONGEST_STANZA, index, usual, stanza)
}

/// The same, with another limit for stanzas.
fn read_within<'a, T: Send>(
    longest: usize,
    index: &'a [u8],
    usual: usize,
    stanza: impl Fn(Paragraph<'a>) -> Result<T, String> + Sync,
) -> (Vec<T>, Vec<Malformed>) {
    let parts: Vec<(Vec<T>, Vec<Misread>)> = control::split(index)
        .into_par_iter()
        .map(|part| {
            let mut read = Vec::with_capacity(part.len() / usual);
            let mut misread = Vec::new();
            for paragraph in control::paragraphs(part) {
                let one =
                    if paragraph.bytes.len() > longest { Err(too_long(paragraph, longest)) } else { stanza(paragraph) };
                match one {
                    Ok(one) => read.push(one),
                    Err(reason) => misread.push(Misread::new(index, paragraph, reason)),
                }
            }
            (read, misread)
        })
        .collect();
    let mut all = Vec::with_capacity(parts.iter().map(|(read, _)| read.len()).sum());
    let mut misread = Vec::new();
    for (mut read, mut wrong) in parts {
        all.append(&mut read);
        misread.append(&mut wrong);
    }
    (all, Malformed::numbered(index, misread))
}

/// Why a stanza is not looked at: which of its fields is so long.
fn too_long(paragraph: Paragraph<'_>, longest: usize) -> String {
    let size = paragraph.bytes.len();
    let field = paragraph.fields().max_by_key(|(_, value)| value.len());
    let field = field.map(|(name, value)| format!(" (`{}` alone has {})", control::shown(name), value.len()));
    format!("expected a stanza of at most {longest} bytes, got {size}{}", field.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paragraph: Paragraph<'_>) -> Result<usize, String> {
        paragraph.text("Package").map(str::len).ok_or_else(|| "expected a name".to_owned())
    }

    #[test]
    fn a_stanza_with_a_field_that_is_too_long_is_named_and_the_rest_goes_on() {
        let long = "x".repeat(900);
        let index = format!("Package: a\n\nPackage: b\nSize: 1\nDescription: {long}\n\nPackage: ccc\n");
        let (read, malformed) = read_within(1000, index.as_bytes(), 10, names);
        assert_eq!((read, malformed), (vec![1, 1, 3], vec![]));
        let (read, malformed) = read_within(500, index.as_bytes(), 10, names);
        assert_eq!(read, [1, 3]);
        let said = "line 3, package `b`: expected a stanza of at most 500 bytes, got 933 (`Description` alone has 900)";
        assert_eq!(malformed.iter().map(ToString::to_string).collect::<Vec<_>>(), [said]);
    }

    #[test]
    fn a_stanza_of_the_greatest_length_is_read_and_one_that_is_a_byte_longer_is_not() {
        let stanza = |length: usize| {
            let head = "Package: a\nDescription: ";
            format!("{head}{}\n", "x".repeat(length - head.len() - 1))
        };
        let check = |length| read(stanza(length).as_bytes(), 1000, names);
        assert_eq!(check(LONGEST_STANZA).0, [1]);
        let (read, malformed) = check(LONGEST_STANZA + 1);
        assert_eq!((read.len(), malformed.len()), (0, 1));
        assert!(malformed[0].to_string().len() < 200, "{}", malformed[0]);
    }

    #[test]
    fn what_is_said_of_a_stanza_is_short_however_long_its_name_is() {
        let index = format!("Package: {}\n", "n".repeat(100_000));
        let (_, malformed) = read(index.as_bytes(), 10, |_| Err::<(), _>("no".to_owned()));
        assert_eq!(malformed[0].package, format!("{}...", "n".repeat(control::SHOWN)));
        let long = vec![0xff; 100_000];
        assert!(control::utf8("Version", &long).is_err_and(|reason| reason.len() < 1000));
    }

    #[test]
    fn an_index_without_stanzas_is_read_as_one() {
        for index in ["", "\n", " \n\n\t\n"] {
            assert_eq!(read(index.as_bytes(), 10, names), (vec![], vec![]));
        }
    }

    #[test]
    fn every_one_of_very_many_malformed_stanzas_has_its_line() {
        // More than one part, so that lines are counted across them; in one pass, or this would take minutes.
        let index = "Version: 1\nSize: 22\n\n".repeat(200_000);
        let (read, malformed) = read(index.as_bytes(), 10, names);
        assert!(read.is_empty());
        assert!(malformed.iter().zip(0..).all(|(stanza, number)| stanza.line == number * 3 + 1));
        assert_eq!(malformed.len(), 200_000);
    }
}

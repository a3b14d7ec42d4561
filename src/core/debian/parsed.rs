//! A parsed index as a table of places in it, so that who has the index need not scan it again.
//!
//! A table says where each field of each stanza is, and the few values that are no texts. It is tied to the index by
//! its SHA-256 and size, and to itself by a checksum; whatever does not fit in every respect is no table, and then the
//! index is parsed again. Little-endian: a header, the rows, the stanzas that could not be read.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::core::debian::malformed::Malformed;
use crate::core::debian::packages::{self, Package};
use crate::core::debian::sources::{self, Source};
use crate::core::ids::Sha256;

/// What a table begins with. The number is the format's, and is raised whenever a field or a rule of parsing changes:
/// a table tells what parsing gave when it was written.
pub const MAGIC: &[u8; 16] = b"cloudbuild tab 3";

/// Magic, kind, index hash, index size, rows, malformed stanzas, checksum of what follows it.
const HEADER: usize = 16 + 4 + 32 + 8 + 8 + 8 + 32;

/// Where the header's last part, the checksum, is.
const CHECKSUM: usize = HEADER - 32;

/// Bytes of a place in the index: offset and length, of 4 bytes each.
const PLACE: usize = 8;

/// Rows that one task reads; a row is a hundred bytes or so.
const ROWS_A_TASK: usize = 2048;

/// What an index lists, in the order of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed<T> {
    /// The stanzas that could be read.
    pub read: Vec<T>,
    /// Those that could not.
    pub malformed: Vec<Malformed>,
}

/// A stanza that tables hold.
pub trait Row<'a>: Copy + Send + Sync {
    /// Tells tables of one kind of index from those of another.
    const KIND: [u8; 4];
    /// Places in a row.
    const PLACES: usize;
    /// Bytes of the other values in a row.
    const VALUES: usize;

    /// Parses a whole index.
    fn parse(index: &'a [u8]) -> (Vec<Self>, Vec<Malformed>);
    /// Calls `place` with each text, and then `values` with the bytes of the other values.
    fn put(&self, place: impl FnMut(&'a [u8]), values: impl FnMut(&[u8]));
    /// From the same, in the same order.
    fn get(from: &mut Fields<'_, 'a>) -> Self;
}

/// Reads one row; what is wrong is remembered, and reads as empty.
pub struct Fields<'t, 'a> {
    row: &'t [u8],
    index: &'a [u8],
    wrong: bool,
}

impl<'t, 'a> Fields<'t, 'a> {
    fn bytes(&mut self) -> &'a [u8] {
        let (offset, length) = (self.number(), self.number());
        let found = self.index.get(offset..).and_then(|rest| rest.get(..length));
        self.wrong |= found.is_none();
        found.unwrap_or_default()
    }

    /// A text that was UTF-8 when the index was parsed. That is looked at again: names and versions are short, and
    /// nobody's table is believed so far.
    fn text(&mut self) -> &'a str {
        let text = std::str::from_utf8(self.bytes());
        self.wrong |= text.is_err();
        text.unwrap_or_default()
    }

    fn number(&mut self) -> usize {
        u32::from_le_bytes(self.value()) as usize
    }

    /// The next value that is no text.
    fn value<const N: usize>(&mut self) -> [u8; N] {
        match self.row.split_first_chunk::<N>() {
            Some((value, rest)) => {
                self.row = rest;
                *value
            }
            None => {
                self.wrong = true;
                [0; N]
            }
        }
    }

    fn flag(&mut self) -> bool {
        let [byte] = self.value();
        self.wrong |= byte > 1;
        byte == 1
    }
}

impl<'a> Row<'a> for Package<'a> {
    const KIND: [u8; 4] = *b"pkgs";
    const PLACES: usize = 13;
    const VALUES: usize = 1 + 8 + 32;

    fn parse(index: &'a [u8]) -> (Vec<Self>, Vec<Malformed>) {
        packages::read(index)
    }

    fn put(&self, mut place: impl FnMut(&'a [u8]), mut values: impl FnMut(&[u8])) {
        for text in [self.name, self.version, self.architecture, self.source_field, self.filename] {
            place(text.as_bytes());
        }
        for text in
            [self.depends, self.pre_depends, self.provides, self.conflicts, self.breaks, self.multi_arch, self.priority]
        {
            place(text);
        }
        place(self.stanza);
        values(&[u8::from(self.essential)]);
        values(&self.size.to_le_bytes());
        values(&self.sha256.0);
    }

    fn get(from: &mut Fields<'_, 'a>) -> Self {
        Package {
            name: from.text(),
            version: from.text(),
            architecture: from.text(),
            source_field: from.text(),
            filename: from.text(),
            depends: from.bytes(),
            pre_depends: from.bytes(),
            provides: from.bytes(),
            conflicts: from.bytes(),
            breaks: from.bytes(),
            multi_arch: from.bytes(),
            priority: from.bytes(),
            stanza: from.bytes(),
            essential: from.flag(),
            size: u64::from_le_bytes(from.value()),
            sha256: Sha256(from.value()),
        }
    }
}

impl<'a> Row<'a> for Source<'a> {
    const KIND: [u8; 4] = *b"srcs";
    const PLACES: usize = 14;
    const VALUES: usize = 1;

    fn parse(index: &'a [u8]) -> (Vec<Self>, Vec<Malformed>) {
        sources::read(index)
    }

    fn put(&self, mut place: impl FnMut(&'a [u8]), mut values: impl FnMut(&[u8])) {
        for text in [self.name, self.version, self.directory] {
            place(text.as_bytes());
        }
        for text in [self.binary, self.architecture, self.package_list, self.section, self.checksums] {
            place(text);
        }
        for text in [self.build_depends, self.build_depends_arch, self.build_depends_indep] {
            place(text);
        }
        for text in [self.build_conflicts, self.build_conflicts_arch, self.build_conflicts_indep] {
            place(text);
        }
        values(&[u8::from(self.extra_source_only)]);
    }

    fn get(from: &mut Fields<'_, 'a>) -> Self {
        Source {
            name: from.text(),
            version: from.text(),
            directory: from.text(),
            binary: from.bytes(),
            architecture: from.bytes(),
            package_list: from.bytes(),
            section: from.bytes(),
            checksums: from.bytes(),
            build_depends: from.bytes(),
            build_depends_arch: from.bytes(),
            build_depends_indep: from.bytes(),
            build_conflicts: from.bytes(),
            build_conflicts_arch: from.bytes(),
            build_conflicts_indep: from.bytes(),
            extra_source_only: from.flag(),
        }
    }
}

/// Parses an index.
pub fn parse<'a, T: Row<'a>>(index: &'a [u8]) -> Parsed<T> {
    let (read, malformed) = T::parse(index);
    Parsed { read, malformed }
}

/// The table of a parsed index. `None` for one whose places 4 bytes do not hold.
pub fn write<'a, T: Row<'a>>(index: &'a [u8], sha256: &Sha256, parsed: &Parsed<T>) -> Option<Vec<u8>> {
    let row = T::PLACES * PLACE + T::VALUES;
    let mut table = Vec::with_capacity(HEADER + parsed.read.len() * row);
    table.extend(head::<T>(index, sha256));
    table.extend((parsed.read.len() as u64).to_le_bytes());
    table.extend((parsed.malformed.len() as u64).to_le_bytes());
    table.extend([0; 32]);
    let start = index.as_ptr() as usize;
    let mut fits = u32::try_from(index.len()).is_ok();
    for read in &parsed.read {
        let (mut places, mut values) = (Vec::with_capacity(row), Vec::with_capacity(T::VALUES));
        read.put(
            |text| {
                // An absent field is an empty text that lies elsewhere.
                let offset = if text.is_empty() { 0 } else { (text.as_ptr() as usize).wrapping_sub(start) };
                fits &= offset.checked_add(text.len()).is_some_and(|end| end <= index.len());
                places.extend((offset as u32).to_le_bytes());
                places.extend((text.len() as u32).to_le_bytes());
            },
            |value| values.extend(value),
        );
        table.append(&mut places);
        table.append(&mut values);
    }
    for stanza in &parsed.malformed {
        table.extend((stanza.line as u64).to_le_bytes());
        for text in [&stanza.package, &stanza.reason] {
            table.extend((text.len() as u64).to_le_bytes());
            table.extend(text.as_bytes());
        }
    }
    let checksum = blake3::hash(&table[HEADER..]);
    table[CHECKSUM..HEADER].copy_from_slice(checksum.as_bytes());
    fits.then_some(table)
}

/// What a header begins with, when it is of this index.
fn head<'a, T: Row<'a>>(index: &[u8], sha256: &Sha256) -> Vec<u8> {
    [&MAGIC[..], &T::KIND, &sha256.0, &(index.len() as u64).to_le_bytes()].concat()
}

/// What parsing the index gave when the table was written. `None`: this is no table of this index, or it is damaged.
pub fn read<'a, T: Row<'a>>(table: &[u8], index: &'a [u8], sha256: &Sha256) -> Option<Parsed<T>> {
    let (header, body) = table.split_at_checked(HEADER)?;
    let counts = header.strip_prefix(head::<T>(index, sha256).as_slice())?;
    let (rows, counts) = counts.split_first_chunk()?;
    let (malformed, checksum) = counts.split_first_chunk()?;
    let [rows, malformed] = [rows, malformed].map(|count| usize::try_from(u64::from_le_bytes(*count)).ok());
    let (rows, malformed) = (rows?, malformed?);
    let row = T::PLACES * PLACE + T::VALUES;
    let (places, rest) = body.split_at_checked(rows.checked_mul(row)?)?;
    if checksum != blake3::hash(body).as_bytes() {
        return None;
    }
    let wrong = AtomicBool::new(false);
    let mut read = Vec::new();
    places
        .par_chunks_exact(row)
        .with_min_len(ROWS_A_TASK)
        .map(|row| {
            let mut fields = Fields { row, index, wrong: false };
            let one = T::get(&mut fields);
            if fields.wrong {
                wrong.store(true, Ordering::Relaxed);
            }
            one
        })
        .collect_into_vec(&mut read);
    let malformed = malformed_of(rest, malformed)?;
    (!wrong.into_inner()).then_some(Parsed { read, malformed })
}

/// The stanzas that could not be read, at the end of a table.
fn malformed_of(mut rest: &[u8], count: usize) -> Option<Vec<Malformed>> {
    fn number(rest: &mut &[u8]) -> Option<usize> {
        let (number, after) = rest.split_first_chunk()?;
        *rest = after;
        usize::try_from(u64::from_le_bytes(*number)).ok()
    }
    fn text(rest: &mut &[u8]) -> Option<String> {
        let length = number(rest)?;
        let (text, after) = rest.split_at_checked(length)?;
        *rest = after;
        String::from_utf8(text.to_vec()).ok()
    }
    let mut malformed = Vec::new();
    for _ in 0..count {
        let line = number(&mut rest)?;
        malformed.push(Malformed { line, package: text(&mut rest)?, reason: text(&mut rest)? });
    }
    rest.is_empty().then_some(malformed)
}

#[cfg(test)]
mod tests;

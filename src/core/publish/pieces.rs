//! Compressed files made of pieces: what did not change since the last time is not compressed again.
//!
//! A piece is a run of stanzas. In a gzip file it is deflated on its own and flushed; in an xz file it is a block. Both
//! files are one member and one stream, as any reader expects, whatever they are made of.

use std::io::Write;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::core::ids::Sha256;

/// A quick preset: `-6` takes minutes for a whole archive, and saves a tenth.
const XZ_PRESET: u32 = 2;

/// A stanza whose name hashes to a multiple of this begins a piece; so a new package changes one piece, and all the
/// others stay as they were.
const STANZAS: u64 = 192;

/// No piece has more stanzas, whatever their names are.
const MOST_STANZAS: usize = 2048;

/// Header of a gzip file without a name or a time in it.
const GZ_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// An empty last block of a deflate stream.
const DEFLATE_END: [u8; 2] = [3, 0];

/// Bytes of an xz stream's header, and of its footer.
const XZ_EDGE: usize = 12;

/// One piece in both forms.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// Its bytes before compression.
    plain: u64,
    /// CRC-32 of them.
    crc: u32,
    /// Deflated and flushed, to be followed by others.
    gz: Vec<u8>,
    /// An xz block, padded.
    xz: Vec<u8>,
    /// The block's size without the padding.
    unpadded: u64,
}

/// Pieces by the hash of what is in them.
#[derive(Debug, Default)]
pub struct Pieces {
    known: FxHashMap<Sha256, Piece>,
    /// Those that were asked for since they were read.
    used: FxHashSet<Sha256>,
}

/// Both forms of a text.
#[derive(Debug)]
pub(super) struct Compressed {
    /// `.gz`
    pub(super) gz: Vec<u8>,
    /// `.xz`
    pub(super) xz: Vec<u8>,
}

/// The pieces of an index: cut where a stanza's first line says so. `stanzas` are the index's text in order.
pub(super) fn cut(stanzas: &[&str]) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    for (at, text) in stanzas.iter().enumerate().skip(1) {
        let name = text.lines().next().unwrap_or_default();
        if at - start >= MOST_STANZAS || name_hash(name).is_multiple_of(STANZAS) {
            ranges.push(start..at);
            start = at;
        }
    }
    if start < stanzas.len() {
        ranges.push(start..stanzas.len());
    }
    ranges
}

/// FNV-1a: any hash does that stays the same for ever.
fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Pieces {
    /// The texts that are not known yet, compressed.
    pub(super) fn learn(&mut self, texts: &[&str]) -> Vec<Sha256> {
        use rayon::prelude::*;
        let known = &self.known;
        let made: Vec<(Sha256, Option<Piece>)> = texts
            .par_iter()
            .map(|text| {
                let sha256 = Sha256::of(text.as_bytes());
                (sha256, (!known.contains_key(&sha256)).then(|| Piece::of(text.as_bytes())))
            })
            .collect();
        let mut names = Vec::with_capacity(made.len());
        for (sha256, piece) in made {
            if let Some(piece) = piece {
                self.known.insert(sha256, piece);
            }
            self.used.insert(sha256);
            names.push(sha256);
        }
        names
    }

    /// Whole files of known pieces, in that order.
    pub(super) fn join(&self, names: &[Sha256]) -> Compressed {
        let pieces: Vec<&Piece> = names.iter().map(|name| &self.known[name]).collect();
        Compressed { gz: join_gz(&pieces), xz: join_xz(&pieces) }
    }

    /// What was asked for, as bytes that [`Pieces::read`] reads.
    pub fn bytes(&self) -> Vec<u8> {
        let mut names: Vec<&Sha256> = self.used.iter().collect();
        names.sort();
        let mut out = MAGIC.to_vec();
        for name in names {
            let piece = &self.known[name];
            out.extend_from_slice(&name.0);
            for number in [piece.plain, u64::from(piece.crc), piece.unpadded, piece.gz.len() as u64] {
                out.extend_from_slice(&number.to_le_bytes());
            }
            out.extend_from_slice(&(piece.xz.len() as u64).to_le_bytes());
            out.extend_from_slice(&piece.gz);
            out.extend_from_slice(&piece.xz);
        }
        let sum = Sha256::of(&out);
        out.extend_from_slice(&sum.0);
        out
    }

    /// Reads them again; whatever is not as it should be gives none, and all is compressed anew.
    pub fn read(bytes: &[u8]) -> Pieces {
        let mut pieces = Pieces::default();
        let Some((body, sum)) = bytes.split_last_chunk::<32>() else { return pieces };
        let Some(mut rest) = body.strip_prefix(MAGIC).filter(|_| Sha256::of(body).0 == *sum) else { return pieces };
        while let Some((name, piece, after)) = one(rest) {
            pieces.known.insert(name, piece);
            rest = after;
        }
        pieces
    }
}

/// What kept pieces begin with; another way to compress gets another number.
const MAGIC: &[u8] = b"cloudbuild pieces 1\n";

/// One piece of a file of them, and what comes behind it.
fn one(bytes: &[u8]) -> Option<(Sha256, Piece, &[u8])> {
    let (name, mut rest) = bytes.split_first_chunk::<32>()?;
    let mut number = || {
        let (bytes, after) = rest.split_first_chunk::<8>()?;
        rest = after;
        Some(u64::from_le_bytes(*bytes))
    };
    let [plain, crc, unpadded, gz, xz] = [number()?, number()?, number()?, number()?, number()?];
    let (gz, rest) = rest.split_at_checked(usize::try_from(gz).ok()?)?;
    let (xz, rest) = rest.split_at_checked(usize::try_from(xz).ok()?)?;
    let crc = u32::try_from(crc).ok()?;
    Some((Sha256(*name), Piece { plain, crc, gz: gz.to_vec(), xz: xz.to_vec(), unpadded }, rest))
}

impl Piece {
    fn of(bytes: &[u8]) -> Piece {
        let (gz, (xz, unpadded)) = rayon::join(|| deflated(bytes), || block(bytes));
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        Piece { plain: bytes.len() as u64, crc: crc.sum(), gz, xz, unpadded }
    }
}

/// Deflated, and flushed so that another stream can follow.
fn deflated(bytes: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::new(6);
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
    encoder.write_all(bytes).and_then(|()| encoder.flush()).expect("writing to memory never fails");
    encoder.get_ref().clone()
}

/// The one block of an xz stream, and its size without the padding. On one thread, since the number of threads would
/// show in the bytes.
fn block(bytes: &[u8]) -> (Vec<u8>, u64) {
    if bytes.is_empty() {
        return (Vec::new(), 0);
    }
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), XZ_PRESET);
    let stream = encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to memory never fails");
    // The footer says how long the index is, in words of four bytes, less one; the index begins with how many records
    // it has, and the one record with the block's size.
    let footer = &stream[stream.len() - XZ_EDGE..];
    let words = u32::from_le_bytes(*footer[4..].first_chunk().expect("a footer has twelve bytes"));
    let index = stream.len() - XZ_EDGE - (words as usize + 1) * 4;
    let (unpadded, _) = number(&stream[index + 2..]);
    (stream[XZ_EDGE..index].to_vec(), unpadded)
}

/// A gzip file of pieces.
fn join_gz(pieces: &[&Piece]) -> Vec<u8> {
    let size: usize = pieces.iter().map(|piece| piece.gz.len()).sum();
    let mut out = Vec::with_capacity(size + 20);
    out.extend_from_slice(&GZ_HEADER);
    let (mut crc, mut plain) = (0, 0_u64);
    for piece in pieces {
        out.extend_from_slice(&piece.gz);
        crc = combined(crc, piece.crc, piece.plain);
        plain += piece.plain;
    }
    out.extend_from_slice(&DEFLATE_END);
    out.extend_from_slice(&crc.to_le_bytes());
    // gzip counts modulo 2^32.
    out.extend_from_slice(&(plain as u32).to_le_bytes());
    out
}

/// An xz stream of blocks: header, blocks, the index of their sizes, footer.
fn join_xz(pieces: &[&Piece]) -> Vec<u8> {
    let flags = [0, 4];
    let mut out = Vec::with_capacity(pieces.iter().map(|piece| piece.xz.len() + 12).sum::<usize>() + 32);
    out.extend_from_slice(b"\xfd7zXZ\0");
    out.extend_from_slice(&flags);
    out.extend_from_slice(&crc32(&flags).to_le_bytes());
    let mut index = vec![0];
    // An empty text has no block.
    let blocks: Vec<&&Piece> = pieces.iter().filter(|piece| piece.plain > 0).collect();
    put_number(&mut index, blocks.len() as u64);
    for piece in blocks {
        out.extend_from_slice(&piece.xz);
        put_number(&mut index, piece.unpadded);
        put_number(&mut index, piece.plain);
    }
    index.resize(index.len().next_multiple_of(4), 0);
    let sum = crc32(&index);
    index.extend_from_slice(&sum.to_le_bytes());
    let words = u32::try_from(index.len() / 4 - 1).expect("an index of xz has less than sixteen gigabytes");
    let mut end = words.to_le_bytes().to_vec();
    end.extend_from_slice(&flags);
    out.extend_from_slice(&index);
    out.extend_from_slice(&crc32(&end).to_le_bytes());
    out.extend_from_slice(&end);
    out.extend_from_slice(b"YZ");
    out
}

/// A number of an xz file: seven bits a byte, the lowest first. With it how many bytes it has.
fn number(bytes: &[u8]) -> (u64, usize) {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return (value, at + 1);
        }
    }
    (value, bytes.len().min(9))
}

fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The CRC-32 of two texts one after the other, by those of each and the length of the second: the first one is moved
/// on by so many zero bytes, with the squares of the matrix that moves it by one bit (as zlib's `crc32_combine`).
fn combined(first: u32, second: u32, length: u64) -> u32 {
    let times = |matrix: &[u32; 32], vector: u32| {
        (0..32).filter(|bit| vector >> bit & 1 == 1).fold(0, |sum, bit| sum ^ matrix[bit])
    };
    let square = |matrix: &[u32; 32]| matrix.map(|row| times(matrix, row));
    let mut bit: [u32; 32] = std::array::from_fn(|row| if row == 0 { 0xedb8_8320 } else { 1 << (row - 1) });
    // Three squares make one byte of one bit.
    for _ in 0..3 {
        bit = square(&bit);
    }
    let (mut crc, mut left) = (first, length);
    while left > 0 {
        if left & 1 == 1 {
            crc = times(&bit, crc);
        }
        bit = square(&bit);
        left >>= 1;
    }
    crc ^ second
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn both(texts: &[&str]) -> (String, String) {
        let mut pieces = Pieces::default();
        let names = pieces.learn(texts);
        let joined = pieces.join(&names);
        let (mut gz, mut xz) = (String::new(), String::new());
        flate2::read::GzDecoder::new(joined.gz.as_slice()).read_to_string(&mut gz).unwrap();
        let stream = liblzma::stream::Stream::new_stream_decoder(1 << 30, 0).unwrap();
        liblzma::read::XzDecoder::new_stream(joined.xz.as_slice(), stream).read_to_string(&mut xz).unwrap();
        (gz, xz)
    }

    #[test]
    fn pieces_make_one_member_and_one_stream_that_read_as_the_whole() {
        let long = "Package: a\nDescription: again and again\n\n".repeat(9000);
        for texts in [vec![], vec!["x"], vec!["", "one", "two", ""], vec!["head\n", &long, "tail", &long]] {
            let whole = texts.concat();
            assert_eq!(both(&texts), (whole.clone(), whole), "{}", texts.len());
        }
    }

    #[test]
    fn kept_pieces_are_used_again_and_damaged_ones_are_not() {
        let mut first = Pieces::default();
        let names = first.learn(&["one", "two"]);
        let bytes = first.bytes();
        let mut again = Pieces::read(&bytes);
        assert_eq!(again.known, first.known);
        again.learn(&["one"]);
        assert_eq!(Pieces::read(&again.bytes()).known.len(), 1, "what nobody asked for goes");
        assert_eq!(again.join(&names[..1]).xz, first.join(&names[..1]).xz);
        for at in [0, 25, 60, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(Pieces::read(&damaged).known.is_empty());
        }
        assert!(Pieces::read(b"").known.is_empty());
    }

    #[test]
    fn one_package_more_changes_one_piece() {
        let stanzas = |skip: usize| -> Vec<String> {
            let all = (0..3000).filter(|number| *number != skip);
            all.map(|number| format!("Package: p{number:05}\nVersion: 1\n")).collect()
        };
        let cut = |stanzas: &[String]| -> FxHashSet<String> {
            let texts: Vec<&str> = stanzas.iter().map(String::as_str).collect();
            super::cut(&texts).into_iter().map(|range| texts[range].join("\n")).collect()
        };
        let (with, without) = (cut(&stanzas(usize::MAX)), cut(&stanzas(1234)));
        assert!(with.len() > 5, "{}", with.len());
        assert!(with.difference(&without).count() <= 2);
    }
}

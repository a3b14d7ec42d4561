//! `.deb` and `.udeb` files: the control paragraph and the hashes, without unpacking anything to disk.
//!
//! What comes from a builder may be broken or made to hurt, so every size is checked before it is believed.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::core::debian::control;
use crate::core::ids::Sha256;

pub mod contents;
mod data;
pub mod stamp;

pub use self::data::{each_elf, each_object};

#[cfg(test)]
mod tests;

/// Packed bytes that are read at once.
const BUFFER: usize = 128 << 10;
/// No real control member comes near this, packed or unpacked; bytes.
const CONTROL_LIMIT: u64 = 64 << 20;
/// Below this many unpacked bytes any ratio is fine, since a run of blanks packs well.
const RATIO_FLOOR: u64 = 4 << 20;
/// Unpacked bytes for each packed one.
const RATIO_LIMIT: u64 = 200;
/// Files in a control member; real ones have a dozen.
const MEMBER_LIMIT: usize = 1024;
/// Members of the outer archive: three, and what comes after or between.
const AR_LIMIT: usize = 32;
/// Memory that an xz decoder may take, in bytes; `xz -9` asks for 65 MiB.
const XZ_MEMORY: u64 = 256 << 20;
/// The largest zstd window, as a power of two: what `zstd -19` makes, and dpkg reads.
const ZSTD_WINDOW: u32 = 27;

/// What is wrong with a package file.
#[derive(Debug, thiserror::Error)]
pub enum DebError {
    /// It cannot be read.
    #[error("read `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no package, or a broken one.
    #[error("`{path}` is no sound .deb: {what}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What was expected, and what came.
        what: String,
    },
    /// It asks for more memory or time than any real package.
    #[error("`{path}` is refused: {what}")]
    Bomb {
        /// The file.
        path: PathBuf,
        /// Which limit it passes.
        what: String,
    },
}

/// Every hash that an index may list, and the size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashes {
    /// 32 lower-case hexadecimal digits.
    pub md5: String,
    /// 40 lower-case hexadecimal digits.
    pub sha1: String,
    /// SHA-256.
    pub sha256: Sha256,
    /// Bytes.
    pub size: u64,
}

/// The hashes of a file, in one pass over it.
pub fn hashes(path: &Path) -> Result<Hashes, DebError> {
    use sha2::Digest;
    let failed = |source| DebError::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let (mut md5, mut sha1, mut sha256) = (md5::Md5::new(), sha1::Sha1::new(), sha2::Sha256::new());
    let mut buffer = vec![0; 128 << 10];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            break;
        }
        md5.update(&buffer[..count]);
        sha1.update(&buffer[..count]);
        sha256.update(&buffer[..count]);
        size += count as u64;
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (md5, sha1) = (hex(&md5.finalize()), hex(&sha1.finalize()));
    Ok(Hashes { md5, sha1, sha256: Sha256(sha256.finalize().into()), size })
}

/// The control paragraph of a package file, as it stands there. The outer archive is checked to its end, so that a
/// file which was cut off is found.
pub fn read_control(path: &Path) -> Result<Vec<u8>, DebError> {
    opened(path, control_of)
}

/// Looks into a file; what goes wrong is told with its path.
fn opened<T>(path: &Path, look: impl FnOnce(&mut File) -> Result<T, Failure>) -> Result<T, DebError> {
    let mut file = File::open(path).map_err(|source| DebError::Io { path: path.to_owned(), source })?;
    look(&mut file).map_err(|failure| failure.at(path))
}

/// A [`DebError`] that does not know its file yet.
enum Failure {
    Io(std::io::Error),
    Broken(String),
    Bomb(String),
}

impl Failure {
    fn at(self, path: &Path) -> DebError {
        let path = path.to_owned();
        match self {
            Failure::Io(source) => DebError::Io { path, source },
            Failure::Broken(what) => DebError::Broken { path, what },
            Failure::Bomb(what) => DebError::Bomb { path, what },
        }
    }
}

/// A member of the outer archive.
struct Member {
    name: String,
    start: u64,
    size: u64,
}

/// The members that matter, in an outer archive that is sound.
struct Parts {
    /// All members, in their order.
    all: Vec<Member>,
    /// Which of them is `control.tar`.
    control: usize,
    /// Which of them is `data.tar`.
    data: usize,
}

/// Checks the outer archive.
fn parts(file: &mut File) -> Result<Parts, Failure> {
    let all = members(file)?;
    let Some(first) = all.first() else {
        return Err(Failure::Broken("expected a first member `debian-binary`, got an empty archive".to_owned()));
    };
    if first.name != "debian-binary" {
        return Err(Failure::Broken(format!("expected a first member `debian-binary`, got `{}`", first.name)));
    }
    let mut version = Vec::new();
    section(file, first)?.take(64).read_to_end(&mut version).map_err(Failure::Io)?;
    if !version.starts_with(b"2.") {
        let got = String::from_utf8_lossy(&version).trim().to_owned();
        return Err(Failure::Broken(format!("expected format `2.0`, got `{got}`")));
    }
    // Members whose names begin with an underscore are for others, deb(5) says.
    let mut known = (1..all.len()).filter(|&at| !all[at].name.starts_with('_'));
    let control = known.next().filter(|&at| all[at].name.starts_with("control.tar"));
    let control = control.ok_or_else(|| Failure::Broken("expected `control.tar` as the second member".to_owned()))?;
    let data = known.next().filter(|&at| all[at].name.starts_with("data.tar"));
    let data = data
        .ok_or_else(|| Failure::Broken("expected `data.tar` after `control.tar`, got the end or another".to_owned()))?;
    if all[control].size > CONTROL_LIMIT {
        let Member { name, size, .. } = &all[control];
        return Err(Failure::Bomb(format!("`{name}` has {size} bytes, {CONTROL_LIMIT} are allowed")));
    }
    Ok(Parts { all, control, data })
}

/// The content of a member whose name is `tar` and what its compression adds.
fn unpacked<'f>(file: &'f mut File, member: &Member, tar: &str) -> Result<Box<dyn Read + 'f>, Failure> {
    let packed = BufReader::with_capacity(BUFFER, section(file, member)?);
    Ok(match member.name.strip_prefix(tar).unwrap_or_default() {
        "" => Box::new(packed),
        ".gz" => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
        ".xz" => {
            let decoder = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, 0);
            let decoder = decoder.map_err(|error| Failure::Broken(error.to_string()))?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(packed, decoder))
        }
        ".zst" => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).map_err(Failure::Io)?;
            decoder.window_log_max(ZSTD_WINDOW).map_err(Failure::Io)?;
            Box::new(decoder)
        }
        other => return Err(Failure::Broken(format!("expected gz, xz, zst or no compression, got `{other}`"))),
    })
}

/// Checks the outer archive, and reads the control member.
fn control_of(file: &mut File) -> Result<Vec<u8>, Failure> {
    let parts = parts(file)?;
    let control = &parts.all[parts.control];
    let limit = CONTROL_LIMIT.min(RATIO_FLOOR.max(control.size * RATIO_LIMIT));
    let mut limited = Limited { inner: unpacked(file, control, "control.tar")?, left: limit, passed: false };
    let result = control_in_tar(&mut limited);
    if limited.passed {
        return Err(Failure::Bomb(format!("`{}` unpacks to more than {limit} bytes", control.name)));
    }
    one_paragraph(result?)
}

/// The members of the outer archive; their sizes are checked against the file's.
fn members(file: &mut File) -> Result<Vec<Member>, Failure> {
    let length = file.metadata().map_err(Failure::Io)?.len();
    let mut magic = [0; 8];
    if length < 8 || file.read_exact(&mut magic).is_err() || &magic != b"!<arch>\n" {
        return Err(Failure::Broken("expected `!<arch>` at the start".to_owned()));
    }
    let mut members = Vec::new();
    let mut at = 8;
    while at < length {
        let mut header = [0; 60];
        file.seek(SeekFrom::Start(at)).map_err(Failure::Io)?;
        let whole = length - at >= 60;
        if !whole || file.read_exact(&mut header).is_err() || &header[58..] != b"`\n" {
            return Err(Failure::Broken(format!(
                "expected a member's header at byte {at}, got the end or other bytes"
            )));
        }
        let name = String::from_utf8_lossy(&header[..16]).trim_end().trim_end_matches('/').to_owned();
        let digits = header[48..58].trim_ascii();
        let size = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_digit));
        let size: u64 = size
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| Failure::Broken(format!("expected a size of member `{name}`, got other bytes")))?;
        let start = at + 60;
        if size > length - start {
            let there = length - start;
            return Err(Failure::Broken(format!("member `{name}` is cut off: expected {size} bytes, got {there}")));
        }
        members.push(Member { name, start, size });
        if members.len() > AR_LIMIT {
            return Err(Failure::Bomb(format!("more than {AR_LIMIT} members")));
        }
        at = start + size + size % 2;
    }
    Ok(members)
}

/// The bytes of a member.
fn section<'a>(file: &'a mut File, member: &Member) -> Result<std::io::Take<&'a mut File>, Failure> {
    file.seek(SeekFrom::Start(member.start)).map_err(Failure::Io)?;
    Ok(file.take(member.size))
}

/// The file `control` in a tar stream. All of the stream is read: damage behind the file counts, and so does a second
/// `control`, which one tool would take and another not.
fn control_in_tar(stream: &mut dyn Read) -> Result<Vec<u8>, Failure> {
    let broken = |error: std::io::Error| Failure::Broken(format!("expected a sound control member, got: {error}"));
    let mut control = None;
    let mut archive = tar::Archive::new(&mut *stream);
    for (count, entry) in archive.entries().map_err(broken)?.enumerate() {
        if count >= MEMBER_LIMIT {
            return Err(Failure::Bomb(format!("more than {MEMBER_LIMIT} files in the control member")));
        }
        let mut entry = entry.map_err(broken)?;
        let path = entry.path_bytes().into_owned();
        if path.strip_prefix(b"./").unwrap_or(&path) != b"control" {
            continue;
        }
        if !entry.header().entry_type().is_file() || control.is_some() {
            return Err(Failure::Broken("expected one regular file `control`".to_owned()));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(broken)?;
        if bytes.len() as u64 != entry.size() {
            return Err(Failure::Broken("the file `control` is cut off".to_owned()));
        }
        control = Some(bytes);
    }
    std::io::copy(stream, &mut std::io::sink()).map_err(broken)?;
    control.ok_or_else(|| Failure::Broken("expected a file `control` in the control member, got none".to_owned()))
}

/// Makes sure that a control file holds one paragraph, and cuts off blank lines around it.
fn one_paragraph(bytes: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let mut paragraphs = control::paragraphs(&bytes);
    match (paragraphs.next(), paragraphs.next()) {
        (Some(paragraph), None) => Ok(paragraph.bytes.to_owned()),
        (None, _) => Err(Failure::Broken("expected a paragraph in `control`, got none".to_owned())),
        (Some(_), Some(_)) => Err(Failure::Broken("expected one paragraph in `control`, got more".to_owned())),
    }
}

/// A reader that fails when more comes than was allowed.
struct Limited<R> {
    inner: R,
    left: u64,
    passed: bool,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => {
                self.passed = true;
                return Err(std::io::Error::other("too much"));
            }
        }
        Ok(count)
    }
}

//! Release files: what an archive says of a suite, and the hashes of its indexes.

use std::collections::BTreeMap;

use jiff::civil;

use super::control;
use crate::core::ids::Sha256;

/// One file that a Release file vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseFile {
    /// Its hash.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}

/// A Release file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// `Origin`, empty when it is absent.
    pub origin: String,
    /// `Label`, empty when it is absent.
    pub label: String,
    /// `Suite`, empty when it is absent.
    pub suite: String,
    /// `Codename`, empty when it is absent.
    pub codename: String,
    /// `Date`, in seconds since 1970; absent also when it cannot be read.
    pub date: Option<i64>,
    /// `Valid-Until`, in seconds since 1970.
    pub valid_until: Option<i64>,
    /// `Components` as written, such as `main` or `updates/main`.
    pub components: Vec<String>,
    /// `Architectures`, with `all` where the archive lists it.
    pub architectures: Vec<String>,
    /// `Acquire-By-Hash: yes`.
    pub acquire_by_hash: bool,
    /// `NotAutomatic: yes`.
    pub not_automatic: bool,
    /// `ButAutomaticUpgrades: yes`.
    pub but_automatic_upgrades: bool,
    /// `No-Support-for-Architecture-all`: targets (`Packages`) whose `binary-all` index must not be read.
    pub no_support_for_architecture_all: Vec<String>,
    /// The files of its `SHA256` field, by path relative to the folder of the Release file.
    pub files: BTreeMap<String, ReleaseFile>,
}

/// Why a Release file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// There is no paragraph in it.
    #[error("expected a Release file, got nothing but blank lines")]
    Empty,
    /// No hashes at all.
    #[error("expected a `SHA256` field with the hashes of the indexes, got no hashes at all")]
    NoHashes,
    /// Only hashes that we do not take.
    #[error(
        "expected a `SHA256` field, got only `{found}`\n\
         hint: ask the archive's owner to publish SHA256 hashes, or leave the archive out"
    )]
    NoSha256 {
        /// The fields that are there, with commas.
        found: String,
    },
    /// A line that is not `HASH SIZE PATH`.
    #[error("line {line}: expected `SHA-256 SIZE PATH`, got `{got}`")]
    FileLine {
        /// From 1.
        line: usize,
        /// The line.
        got: String,
    },
    /// A date that cannot be read.
    #[error("`{field}`: expected a date such as `Sat, 11 Jul 2026 10:16:37 UTC`, got `{got}`")]
    Date {
        /// `Valid-Until`.
        field: &'static str,
        /// What it says.
        got: String,
    },
    /// A path that would leave the archive.
    #[error("line {line}: expected a path inside the archive, got `{got}`")]
    Path {
        /// From 1.
        line: usize,
        /// The path.
        got: String,
    },
}

impl Release {
    /// Reads a Release file, its signature already taken off.
    pub fn parse(bytes: &[u8]) -> Result<Release, ReleaseError> {
        let paragraph = control::paragraphs(bytes).next().ok_or(ReleaseError::Empty)?;
        let text = |name: &str| {
            paragraph.field(name).map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
        };
        let words = |name: &str| -> Vec<String> {
            control::words(paragraph.field(name).unwrap_or_default())
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect()
        };
        let flag = |name: &str| is_yes(&text(name));
        Ok(Release {
            origin: text("Origin"),
            label: text("Label"),
            suite: text("Suite"),
            codename: text("Codename"),
            // A Date that apt cannot read is only worth a warning to it; an end of validity must be understood.
            date: date(&text("Date")),
            valid_until: date_field("Valid-Until", &text("Valid-Until"))?,
            components: words("Components"),
            architectures: words("Architectures"),
            acquire_by_hash: flag("Acquire-By-Hash"),
            not_automatic: flag("NotAutomatic"),
            but_automatic_upgrades: flag("ButAutomaticUpgrades"),
            no_support_for_architecture_all: words("No-Support-for-Architecture-all"),
            files: files(bytes, &paragraph)?,
        })
    }

    /// Whether the archive has a component. Security archives write `updates/main` for `main`, and apt takes both.
    pub fn supports_component(&self, component: &str) -> bool {
        self.components.is_empty()
            || self
                .components
                .iter()
                .any(|listed| listed == component || listed.rsplit_once('/').is_some_and(|(_, last)| last == component))
    }

    /// Whether the archive has binaries of an architecture.
    pub fn supports_architecture(&self, architecture: &str) -> bool {
        self.architectures.is_empty() || self.architectures.iter().any(|listed| listed == architecture)
    }

    /// Whether packages of `Architecture: all` are in `binary-all`, and nowhere else.
    pub fn keeps_all_apart(&self) -> bool {
        self.supports_architecture("all")
            && !self.no_support_for_architecture_all.iter().any(|target| target == "Packages")
    }
}

/// apt's words for yes.
pub fn is_yes(word: &str) -> bool {
    ["yes", "true", "1", "on", "with", "enable"].iter().any(|yes| word.eq_ignore_ascii_case(yes))
}

/// The files of the `SHA256` field.
fn files(bytes: &[u8], paragraph: &control::Paragraph<'_>) -> Result<BTreeMap<String, ReleaseFile>, ReleaseError> {
    let Some(value) = paragraph.field("SHA256") else {
        let found: Vec<&str> =
            ["MD5Sum", "SHA1", "SHA512"].into_iter().filter(|name| paragraph.field(name).is_some()).collect();
        return Err(if found.is_empty() {
            ReleaseError::NoHashes
        } else {
            ReleaseError::NoSha256 { found: found.join(", ") }
        });
    };
    let mut files = BTreeMap::new();
    for line in control::lines(value) {
        // Where the line is in the file matters only for messages, so it is not counted along the way.
        let number = || control::line_of(bytes, line.as_ptr() as usize - bytes.as_ptr() as usize);
        let bad = || ReleaseError::FileLine { line: number(), got: String::from_utf8_lossy(line).into_owned() };
        let mut words = control::words(line);
        let (Some(hash), Some(size), Some(path), None) = (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(bad());
        };
        let sha256 = Sha256::from_hex(hash).ok_or_else(bad)?;
        let size = std::str::from_utf8(size).ok().and_then(|size| size.parse().ok()).ok_or_else(bad)?;
        let path = std::str::from_utf8(path).map_err(|_| bad())?;
        if path.starts_with('/') || path.split('/').any(|part| part == "..") {
            return Err(ReleaseError::Path { line: number(), got: path.to_owned() });
        }
        files.insert(path.strip_prefix("./").unwrap_or(path).to_owned(), ReleaseFile { sha256, size });
    }
    Ok(files)
}

/// A date field; absent when it is empty.
fn date_field(field: &'static str, text: &str) -> Result<Option<i64>, ReleaseError> {
    if text.is_empty() {
        return Ok(None);
    }
    match date(text) {
        Some(seconds) => Ok(Some(seconds)),
        None => Err(ReleaseError::Date { field, got: text.to_owned() }),
    }
}

/// `Sat, 11 Jul 2026 10:16:37 UTC`: what apt takes, which is RFC 1123 in UTC with digits that may be single.
fn date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_ascii_whitespace();
    let (_weekday, day, month, year) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let (time, zone) = (words.next()?, words.next()?);
    if words.next().is_some() || !matches!(zone, "UTC" | "GMT" | "Z" | "+0000" | "-0000") {
        return None;
    }
    let month = MONTHS.iter().position(|name| month.eq_ignore_ascii_case(name))? + 1;
    let mut parts = time.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    let moment =
        civil::DateTime::new(year.parse().ok()?, i8::try_from(month).ok()?, day.parse().ok()?, hour, minute, second, 0);
    let offset = jiff::tz::Offset::UTC;
    Some(offset.to_timestamp(moment.ok()?).ok()?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn security() -> String {
        format!(
            "Origin: Debian\nLabel: Debian-Security\nSuite: oldstable-security\nCodename: bookworm-security\n\
             Date: Sat, 21 Nov 2026 00:53:02 UTC\nValid-Until: Sat, 28 Nov 2026 00:53:02 UTC\nAcquire-By-Hash: yes\n\
             Architectures: amd64 arm64\nComponents: updates/main updates/contrib\n\
             SHA256:\n {HASH}        0 main/binary-amd64/Packages\n {HASH} 20 main/source/Sources.xz\n"
        )
    }

    #[test]
    fn a_security_suite_has_main_though_it_says_updates_main() {
        let release = Release::parse(security().as_bytes()).unwrap();
        assert!(release.supports_component("main"));
        assert!(release.supports_component("updates/main"));
        assert!(!release.supports_component("non-free"));
        assert_eq!(release.codename, "bookworm-security");
        assert_eq!(release.date, Some(1_795_222_382));
        assert_eq!(release.valid_until, Some(1_795_222_382 + 7 * 86_400));
        assert!(release.acquire_by_hash && !release.not_automatic);
        assert_eq!(release.files["main/source/Sources.xz"].size, 20);
    }

    #[test]
    fn binary_all_is_read_only_where_the_archive_keeps_it_apart() {
        let with = |architectures: &str, more: &str| {
            let text = format!("Architectures: {architectures}\n{more}SHA256:\n {HASH} 0 x\n");
            Release::parse(text.as_bytes()).unwrap().keeps_all_apart()
        };
        assert!(!with("amd64", ""));
        assert!(with("all amd64", ""));
        assert!(!with("all amd64", "No-Support-for-Architecture-all: Packages\n"));
    }

    fn error(text: &str) -> String {
        Release::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_used_is_said() {
        assert_eq!(error("\n\n"), "expected a Release file, got nothing but blank lines");
        assert!(error("Origin: x\n").contains("no hashes at all"));
        assert!(error("MD5Sum:\n a 0 x\nSHA512:\n b 0 x\n").contains("got only `MD5Sum, SHA512`"));
        assert!(error("A: b\nSHA256:\n zz 0 x\n").starts_with("line 3: expected `SHA-256 SIZE PATH`, got `zz 0 x`"));
        assert!(error(&format!("SHA256:\n {HASH} 0 ../x\n")).contains("inside the archive"));
        assert!(error("Valid-Until: never\nSHA256:\n").starts_with("`Valid-Until`: expected a date"));
    }

    #[test]
    fn dates_are_those_that_apt_takes() {
        assert_eq!(date("Thu, 01 Jan 1970 00:00:10 UTC"), Some(10));
        assert_eq!(date("Thu, 1 Jan 1970 0:00:10 GMT"), Some(10));
        assert_eq!(date("Thu, 01 Jan 1970 00:00:10 +0000"), Some(10));
        assert_eq!(date("Thu, 01 Jan 1970 00:00:10 CET"), None);
        assert_eq!(date("Thu, 32 Jan 1970 00:00:10 UTC"), None);
    }
}

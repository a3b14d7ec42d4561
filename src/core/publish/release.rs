//! The Release file.

use std::fmt::Write;

use rayon::prelude::*;

use crate::core::flags::VariantIndex;
use crate::core::ids::Sha256;
use crate::core::publish::error::PlanError;
use crate::core::publish::stanza::md5_hex;
use crate::core::publish::{BinaryKind, IndexFile, Options, index, pdiff};

/// How Release files write a date; always in UTC.
const DATE: &str = "%a, %d %b %Y %H:%M:%S UTC";

/// Seconds that a date may be ahead of now: apt forgives ten, and clocks differ.
const AHEAD: i64 = 5;

/// The `Date` of what is published now: later than what is there, and not in the future.
pub(super) fn date_after(options: &Options) -> Result<i64, PlanError> {
    let date = options.previous.map_or(options.now, |previous| options.now.max(previous + 1));
    match date - options.now {
        ahead if ahead > AHEAD => Err(PlanError::Clock { ahead }),
        _ => Ok(date),
    }
}

/// The text of a Release file; what is empty is left out. `listed` is what it says of files besides the indexes.
pub(super) fn text(options: &Options, date: i64, indexes: &[IndexFile], listed: &[Listed]) -> String {
    let complete = options.variants.iter().filter(|variant| variant.index == VariantIndex::Complete);
    let architectures: Vec<&str> =
        options.architectures.iter().map(String::as_str).chain(complete.map(|variant| variant.tag.as_str())).collect();
    let mut components: Vec<String> = options.components.clone();
    for component in &options.components {
        let debug = index::area(component, BinaryKind::Dbgsym);
        if indexes.iter().any(|index| index.path.strip_prefix(&debug).is_some_and(|rest| rest.starts_with('/'))) {
            components.push(debug);
        }
    }
    let yes = |yes: bool| if yes { "yes" } else { "" };
    let valid_until = options.valid_for.map(|seconds| date_text(date + seconds)).unwrap_or_default();
    let mut out = String::new();
    let fields = [
        ("Origin", options.origin.as_str()),
        ("Label", &options.label),
        ("Suite", &options.suite),
        ("Codename", &options.codename),
        ("Date", &date_text(date)),
        ("Valid-Until", &valid_until),
        ("NotAutomatic", yes(options.not_automatic)),
        ("ButAutomaticUpgrades", yes(options.but_automatic_upgrades)),
        ("Acquire-By-Hash", "yes"),
        ("Architectures", &architectures.join(" ")),
        ("Components", &components.join(" ")),
    ];
    for (name, value) in fields {
        if !value.trim().is_empty() {
            writeln!(out, "{name}: {value}").expect("writing to a string never fails");
        }
    }
    let indexes = indexes.par_iter().filter(|index| !pdiff::is_patch(&index.path));
    let mut all: Vec<Listed> = indexes.map(|index| Listed::of(&index.path, &index.bytes, index.sha256)).collect();
    all.extend_from_slice(listed);
    all.sort_by(|one, other| one.path.cmp(&other.path));
    let mut list = |field: &str, hash: &dyn Fn(&Listed) -> String| {
        writeln!(out, "{field}:").expect("writing to a string never fails");
        for one in &all {
            let (hash, size, path) = (hash(one), one.size, &one.path);
            writeln!(out, " {hash} {size} {path}").expect("writing to a string never fails");
        }
    };
    list("MD5Sum", &|one| one.md5.clone());
    list("SHA1", &|one| one.sha1.clone());
    list("SHA256", &|one| one.sha256.to_string());
    out
}

/// What a Release file says of a file.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    path: String,
    size: usize,
    md5: String,
    sha1: String,
    sha256: Sha256,
}

impl Listed {
    /// Of a file with these bytes and their SHA-256.
    pub(super) fn of(path: &str, bytes: &[u8], sha256: Sha256) -> Listed {
        Listed { path: path.to_owned(), size: bytes.len(), md5: md5_hex(bytes), sha1: sha1_hex(bytes), sha256 }
    }
}

fn sha1_hex(bytes: &[u8]) -> String {
    use sha1::Digest;
    sha1::Sha1::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The small Release file in the folder of one index.
pub(super) fn part(options: &Options, component: &str, architecture: &str) -> String {
    let mut out = String::new();
    let yes = |yes: bool| if yes { "yes" } else { "" };
    let fields = [
        ("Archive", options.suite.as_str()),
        ("Origin", &options.origin),
        ("Label", &options.label),
        ("NotAutomatic", yes(options.not_automatic)),
        ("ButAutomaticUpgrades", yes(options.but_automatic_upgrades)),
        ("Acquire-By-Hash", "yes"),
        ("Component", component),
        ("Architecture", architecture),
    ];
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.trim().is_empty()) {
        writeln!(out, "{name}: {value}").expect("writing to a string never fails");
    }
    out
}

/// A date as Release files write it. What no calendar can say becomes 1970.
pub fn date_text(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap_or_default().strftime(DATE).to_string()
}

/// The `Date` of a Release file that we wrote, in seconds since 1970.
pub fn date_of(release: &str) -> Option<i64> {
    date_field(release, "Date: ")
}

fn date_field(release: &str, prefix: &str) -> Option<i64> {
    let value = release.lines().find_map(|line| line.strip_prefix(prefix))?;
    let when = jiff::civil::DateTime::strptime(DATE, value.trim()).ok()?;
    Some(when.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Whether a line says when a Release file was made, or how long it holds.
fn is_time(line: &str) -> bool {
    line.starts_with("Date: ") || line.starts_with("Valid-Until: ")
}

/// Whether two Release files say the same but for their times; one that gained or lost its end does not.
pub fn same_but_date(one: &str, other: &str) -> bool {
    fn rest(text: &str) -> impl Iterator<Item = &str> {
        text.lines()
            .filter(|line| !line.starts_with("Date: "))
            .map(|line| if is_time(line) { "Valid-Until" } else { line })
    }
    rest(one).eq(rest(other))
}

/// The same Release file at another date; it holds as long from then on as it did.
pub fn redated(release: &str, date: i64) -> String {
    let holds = date_field(release, "Valid-Until: ").zip(date_of(release)).map(|(until, from)| until - from);
    let line = |line: &str| match (line, holds) {
        (line, _) if line.starts_with("Date: ") => format!("Date: {}\n", date_text(date)),
        (line, Some(holds)) if line.starts_with("Valid-Until: ") => {
            format!("Valid-Until: {}\n", date_text(date + holds))
        }
        (line, _) => format!("{line}\n"),
    };
    release.lines().map(line).collect()
}

/// When a Release file that we wrote ends, in seconds since 1970; `None` where it does not.
pub fn valid_until(release: &str) -> Option<i64> {
    date_field(release, "Valid-Until: ")
}

/// The same Release file for a suite of another name, which does not end.
pub fn renamed(release: &str, suite: &str, date: i64) -> String {
    let line = |line: &str| match line {
        line if line.starts_with("Valid-Until: ") => String::new(),
        line if line.starts_with("Date: ") => format!("Date: {}\n", date_text(date)),
        line if line.starts_with("Suite: ") => format!("Suite: {suite}\n"),
        line if line.starts_with("Codename: ") => format!("Codename: {suite}\n"),
        line => format!("{line}\n"),
    };
    release.lines().map(line).collect()
}

/// The text inside an InRelease file that we wrote; nothing is verified. `None`: it is no clearsigned message.
pub fn signed_text(inrelease: &str) -> Option<String> {
    let (_, message) = inrelease.split_once("-----BEGIN PGP SIGNED MESSAGE-----")?;
    let (_, body) = message.split_once("\n\n")?;
    let (body, _) = body.split_once("-----BEGIN PGP SIGNATURE-----")?;
    // Some signers put a blank line before the signature.
    let lines = body.trim_end().lines();
    Some(lines.map(|line| format!("{}\n", line.strip_prefix("- ").unwrap_or(line))).collect())
}

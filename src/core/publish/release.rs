//! The Release file.

use std::fmt::Write;

use crate::core::ids::Sha256;
use crate::core::publish::Options;

/// How Release files write a date; always in UTC.
const DATE: &str = "%a, %d %b %Y %H:%M:%S UTC";

/// The text of a Release file; what is empty is left out.
pub(super) fn text(options: &Options, date: i64, indexes: &[(String, Vec<u8>)]) -> String {
    let mut out = String::new();
    let fields = [
        ("Origin", options.origin.as_str()),
        ("Label", &options.label),
        ("Suite", &options.suite),
        ("Codename", &options.codename),
        ("Date", &date_text(date)),
        ("Acquire-By-Hash", "yes"),
        ("Architectures", &options.architectures.join(" ")),
        ("Components", &options.components.join(" ")),
    ];
    for (name, value) in fields {
        if !value.trim().is_empty() {
            writeln!(out, "{name}: {value}").expect("writing to a string never fails");
        }
    }
    out.push_str("SHA256:\n");
    for (path, bytes) in indexes {
        writeln!(out, " {} {} {path}", Sha256::of(bytes), bytes.len()).expect("writing to a string never fails");
    }
    out
}

/// A date as Release files write it. What no calendar can say becomes 1970.
pub fn date_text(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap_or_default().strftime(DATE).to_string()
}

/// The `Date` of a Release file that we wrote, in seconds since 1970.
pub fn date_of(release: &str) -> Option<i64> {
    let value = release.lines().find_map(|line| line.strip_prefix("Date: "))?;
    let when = jiff::civil::DateTime::strptime(DATE, value.trim()).ok()?;
    Some(when.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

/// Whether two Release files say the same but for their `Date`.
pub fn same_but_date(one: &str, other: &str) -> bool {
    fn rest(text: &str) -> impl Iterator<Item = &str> {
        text.lines().filter(|line| !line.starts_with("Date: "))
    }
    rest(one).eq(rest(other))
}

/// The same Release file at another date.
pub fn redated(release: &str, date: i64) -> String {
    let line = |line: &str| match line {
        line if line.starts_with("Date: ") => format!("Date: {}\n", date_text(date)),
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

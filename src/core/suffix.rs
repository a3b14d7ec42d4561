//! Version suffixes: `+b1` of a binary-only rebuild, or `~acme1`; only where a recipe asks for one.
//!
//! A suffix is for packages of a real architecture. Packages for `all` keep their version, as Debian's own rebuilds have
//! it: what depends on one names the version of the source.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// Whose name a changelog entry has where the recipe names nobody; nobody reads mail there.
pub const MAINTAINER: &str = "cloudbuild <cloudbuild@example.org>";

/// No suffix is longer; versions become file names.
const LONGEST: usize = 40;

/// What a build appends to its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suffixed {
    /// The version of what is built, with epoch.
    pub version: String,
    /// The changelog entry that says so.
    pub changelog: String,
}

/// Whether a text can end a version; what is expected, if not.
pub fn check(suffix: &str) -> Result<(), &'static str> {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '~' | '.');
    let good = suffix.starts_with(['+', '~', '.']) && suffix.chars().all(letter) && suffix.len() <= LONGEST;
    // A version ends with a letter or digit, or others could not tell where it ends.
    match good && suffix.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        true => Ok(()),
        false => Err("`+`, `~` or `.`, then letters, digits and `+~.`, such as `+b1` or `~acme1`"),
    }
}

/// Whether a text is a name and an address, as the last line of a changelog entry has them.
pub fn is_maintainer(text: &str) -> bool {
    let Some((name, address)) = text.strip_suffix('>').and_then(|text| text.split_once(" <")) else { return false };
    let plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_control() || matches!(c, '<' | '>'));
    let is_address = address.split_once('@').is_some_and(|(who, host)| plain(who) && plain(host));
    plain(name) && name.trim() == name && is_address && !address.contains(char::is_whitespace)
}

/// What a job builds: nothing else than its source says, or that with a suffix. `date` is when, in the form that
/// changelogs have.
pub fn suffixed(
    (source, version, arch): (&str, &str, &str),
    suffix: Option<&str>,
    maintainer: Option<&str>,
    (distribution, date): (&str, &str),
) -> Option<Suffixed> {
    let suffix = suffix.filter(|_| arch != "all")?;
    let version = format!("{version}{suffix}");
    let maintainer = maintainer.unwrap_or(MAINTAINER);
    let changelog = format!(
        "{source} ({version}) {distribution}; urgency=low, binary-only=yes\n\n  \
         * Rebuild for {arch} with `{suffix}` appended to the version; no source changes.\n\n \
         -- {maintainer}  {date}\n"
    );
    Some(Suffixed { version, changelog })
}

/// A source that a plan builds for an architecture, with its suffix, and those of its packages that are installed for
/// several architectures side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Source package name.
    pub source: String,
    /// A Debian architecture; never `all`.
    pub arch: String,
    /// What is appended to its version.
    pub suffix: Option<String>,
    /// Its packages that are `Multi-Arch: same`.
    pub same: Vec<String>,
}

/// A suffix on one architecture that another one lacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{package}` of {source_name} is `Multi-Arch: same`, so it needs one version on all architectures, and gets {}\n\
     hint: give {source_name} the same suffix for all of them, or for none",
    gets.iter().map(named).collect::<Vec<_>>().join(" and ")
)]
pub struct Partial {
    /// The library.
    pub package: String,
    /// Its source package.
    pub source_name: String,
    /// Two architectures, each with its suffix.
    pub gets: Vec<(String, Option<String>)>,
}

fn named((arch, suffix): &(String, Option<String>)) -> String {
    match suffix {
        Some(suffix) => format!("`{suffix}` on {arch}"),
        None => format!("no suffix on {arch}"),
    }
}

/// Checks that libraries which are installed for several architectures side by side keep one version on all of them.
pub fn refuse_partial(planned: &[Planned]) -> Result<(), Partial> {
    if planned.iter().all(|one| one.suffix.is_none()) {
        return Ok(());
    }
    let mut seen: FxHashMap<&str, Vec<&Planned>> = FxHashMap::default();
    for second in planned {
        let before = seen.entry(&second.source).or_default();
        let other = before.iter().find(|first| first.arch != second.arch && first.suffix != second.suffix).copied();
        before.push(second);
        let Some(first) = other else { continue };
        if let Some(package) = first.same.iter().chain(&second.same).next() {
            return Err(Partial {
                package: package.clone(),
                source_name: second.source.clone(),
                gets: [first, second].map(|one| (one.arch.clone(), one.suffix.clone())).to_vec(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_ends_a_version_and_nothing_else() {
        for good in ["+b1", "~acme1", ".1", "+b1~x2"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "b1", "-1", "+", "+b 1", "+b1~", "~1:2", "+b1\n", &format!("+{}", "1".repeat(50))] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_maintainer_is_a_name_and_an_address() {
        assert!(is_maintainer("A. Person (rebuilds) <a+b@example.org>"));
        for bad in [
            "",
            "A",
            "<a@b>",
            "A <>",
            "A <a>",
            "A <a@>",
            "A  <a@b>",
            "A <a @b>",
            "A <a@b> ",
            "A\n <a@b>",
            "A <b> <a@b>",
        ] {
            assert!(!is_maintainer(bad), "{bad:?}");
        }
    }

    #[test]
    fn packages_for_all_keep_their_version() {
        let when = ("trixie", "Thu, 01 Jan 2026 00:00:00 +0000");
        let check = |arch, suffix| suffixed(("x", "1:2.0-1", arch), suffix, None, when);
        assert_eq!(check("all", Some("+b1")), None);
        assert_eq!(check("amd64", None), None);
        let made = check("amd64", Some("+b1")).unwrap();
        assert_eq!(made.version, "1:2.0-1+b1");
        assert!(
            made.changelog.starts_with("x (1:2.0-1+b1) trixie; urgency=low, binary-only=yes\n\n  * Rebuild for amd64")
        );
        assert!(
            made.changelog.ends_with("\n\n -- cloudbuild <cloudbuild@example.org>  Thu, 01 Jan 2026 00:00:00 +0000\n")
        );
        let made = suffixed(("x", "1", "amd64"), Some("+b1"), Some("A B <a@b.example>"), when).unwrap();
        assert!(made.changelog.ends_with("\n -- A B <a@b.example>  Thu, 01 Jan 2026 00:00:00 +0000\n"));
    }

    #[test]
    fn a_library_of_several_architectures_gets_one_suffix_on_all_of_them() {
        let planned = |source: &str, arch: &str, suffix: Option<&str>, same: &[&str]| Planned {
            source: source.to_owned(),
            arch: arch.to_owned(),
            suffix: suffix.map(str::to_owned),
            same: same.iter().map(|name| name.to_string()).collect(),
        };
        let one = planned("x", "amd64", Some("+b1"), &["libx1"]);
        assert_eq!(refuse_partial(&[one.clone(), planned("x", "armhf", Some("+b1"), &["libx1"])]), Ok(()));
        assert_eq!(
            refuse_partial(&[planned("x", "amd64", Some("+b1"), &[]), planned("x", "armhf", None, &[])]),
            Ok(())
        );
        assert_eq!(
            refuse_partial(&[one, planned("y", "armhf", None, &[]), planned("x", "armhf", None, &[])])
                .unwrap_err()
                .to_string(),
            "`libx1` of x is `Multi-Arch: same`, so it needs one version on all architectures, and gets `+b1` on amd64 \
             and no suffix on armhf\nhint: give x the same suffix for all of them, or for none"
        );
    }
}

//! Did an overlay supersede? What was installed for a build, held against what the view had.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::core::debian::control;
use crate::core::ids::Sha256;

/// A package of the overlay in a view, or one that was installed from there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Superseding {
    /// Binary package name.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Hash of its file.
    pub sha256: Sha256,
}

impl fmt::Display for Superseding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({}...)", self.package, self.version, &self.sha256.to_string()[..12])
    }
}

/// A build that another version was installed for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Its .buildinfo says so.
    #[error("built with {package} {installed} instead of the overlay's {expected}")]
    Version {
        /// Binary package name.
        package: String,
        /// What was installed.
        installed: String,
        /// What the overlay has.
        expected: String,
    },
    /// The view had another file of that name and version.
    #[error("built against a view whose {package} {version} is {there}, not the overlay's {expected}")]
    File {
        /// Binary package name.
        package: String,
        /// Its version.
        version: String,
        /// The hash in the view's index, or what is there instead.
        there: String,
        /// The overlay's hash.
        expected: Sha256,
    },
}

/// The packages of the overlay that were installed for a build. `installed` is `Installed-Build-Depends` of its
/// .buildinfo, `index` the view's Packages, sorted by name.
pub fn confirm(
    installed: &[(String, String)],
    overlay: &[Superseding],
    index: &[u8],
    architecture: &str,
) -> Result<Vec<Superseding>, Mismatch> {
    let mut confirmed = Vec::new();
    for (name, version) in installed {
        let (name, of) = name.split_once(':').unwrap_or((name, architecture));
        // Packages of another architecture are not in the view at all.
        let local = overlay.iter().find(|local| local.package == name && (of == architecture || of == "all"));
        let Some(local) = local else { continue };
        let package = || local.package.clone();
        if *version != local.version {
            let (installed, expected) = (version.clone(), local.version.clone());
            return Err(Mismatch::Version { package: package(), installed, expected });
        }
        let there = listed(index, name);
        if there != Some((local.version.as_str(), local.sha256)) {
            let there = there.map_or("not there".to_owned(), |(version, sha256)| format!("{version} with {sha256}"));
            let (version, expected) = (version.clone(), local.sha256);
            return Err(Mismatch::File { package: package(), version, there, expected });
        }
        confirmed.push(local.clone());
    }
    confirmed.sort();
    confirmed.dedup();
    Ok(confirmed)
}

/// Version and hash of a package in an index that is sorted by name.
fn listed<'a>(index: &'a [u8], name: &str) -> Option<(&'a str, Sha256)> {
    let (mut low, mut high) = (0, index.len());
    while low < high {
        let middle = low + (high - low) / 2;
        // The paragraph that the middle lies in begins after the last blank line before it.
        let start = memchr::memmem::rfind(&index[low..middle], b"\n\n").map_or(low, |blank| low + blank + 2);
        let end = memchr::memmem::find(&index[start..high], b"\n\n").map_or(high, |blank| start + blank + 2);
        let paragraph = control::paragraphs(&index[start..end]).next()?;
        match paragraph.text("Package").unwrap_or_default().cmp(name) {
            Ordering::Equal => {
                let sha256 = paragraph.field("SHA256").and_then(Sha256::from_hex)?;
                return Some((paragraph.text("Version")?, sha256));
            }
            Ordering::Less => low = end,
            Ordering::Greater => high = start,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha256(name: &str, version: &str) -> Sha256 {
        Sha256::of(format!("{name} {version}").as_bytes())
    }

    fn check(installed: &[(&str, &str)], overlay: &[(&str, &str)], index: &[(&str, &str)]) -> Result<String, String> {
        let stanza = |(name, version): &(&str, &str)| {
            format!("Package: {name}\nVersion: {version}\nSHA256: {}\nX: y\n\n", sha256(name, version))
        };
        let index: String = index.iter().map(stanza).collect();
        let installed: Vec<(String, String)> =
            installed.iter().map(|(name, version)| (name.to_string(), version.to_string())).collect();
        let local = |(package, version): &(&str, &str)| Superseding {
            package: package.to_string(),
            version: version.to_string(),
            sha256: sha256(package, version),
        };
        let overlay: Vec<Superseding> = overlay.iter().map(local).collect();
        let confirmed = confirm(&installed, &overlay, index.as_bytes(), "amd64").map_err(|error| error.to_string())?;
        Ok(confirmed.iter().map(|found| format!("{} {}", found.package, found.version)).collect::<Vec<_>>().join(", "))
    }

    const INDEX: [(&str, &str); 5] = [("a", "1"), ("gcc", "0.9+acme1"), ("gcc-base", "1"), ("x", "3"), ("zlib1g", "7")];

    #[test]
    fn what_was_installed_of_an_overlay_is_confirmed_by_version_and_hash() {
        let overlay = [("gcc", "0.9+acme1"), ("zlib1g", "7")];
        assert_eq!(check(&[("a", "1"), ("gcc", "0.9+acme1")], &overlay, &INDEX).unwrap(), "gcc 0.9+acme1");
        assert_eq!(check(&[("zlib1g:amd64", "7"), ("x:armhf", "1")], &overlay, &INDEX).unwrap(), "zlib1g 7");
        assert_eq!(check(&[("a", "1")], &overlay, &INDEX).unwrap(), "");
    }

    #[test]
    fn another_version_or_another_file_is_a_mismatch() {
        let overlay = [("gcc", "0.9+acme1")];
        assert_eq!(
            check(&[("gcc", "1.0")], &overlay, &INDEX).unwrap_err(),
            "built with gcc 1.0 instead of the overlay's 0.9+acme1"
        );
        let error = check(&[("gcc", "0.9+acme1")], &overlay, &INDEX[..1]).unwrap_err();
        assert!(error.contains("whose gcc 0.9+acme1 is not there, not the overlay's "), "{error}");
    }

    #[test]
    fn every_package_of_an_index_is_found() {
        for (name, version) in INDEX {
            assert_eq!(check(&[(name, version)], &INDEX, &INDEX).unwrap(), format!("{name} {version}"));
        }
    }
}

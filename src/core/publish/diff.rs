//! What is different between two generations: packages that came, went, or changed.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::core::debian::control;

/// A change between two generations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// It is in the second one only.
    Added {
        /// `hello amd64`, or `hello source`.
        package: String,
        /// Its version.
        version: String,
    },
    /// It is in the first one only.
    Removed {
        /// `hello amd64`, or `hello source`.
        package: String,
        /// Its version.
        version: String,
    },
    /// Its version or its bytes are others.
    Changed {
        /// `hello amd64`, or `hello source`.
        package: String,
        /// Its version in the first one.
        from: String,
        /// Its version in the second one; the same where it was built again.
        to: String,
    },
}

/// Versions with hashes, by package and architecture.
type Listed = BTreeMap<String, BTreeMap<String, String>>;

/// What indexes (Packages and Sources, plain) of a generation list.
fn listed<'a>(indexes: impl IntoIterator<Item = &'a [u8]>) -> Listed {
    let mut listed = Listed::new();
    for index in indexes {
        for paragraph in control::paragraphs(index) {
            let text = |name: &str| paragraph.text(name).unwrap_or_default();
            let source = !text("Directory").is_empty();
            let architecture = match text("Architecture-Variant") {
                _ if source => "source",
                "" => text("Architecture"),
                variant => variant,
            };
            let hash = text(if source { "Checksums-Sha256" } else { "SHA256" });
            let of_name = listed.entry(format!("{} {architecture}", text("Package"))).or_default();
            of_name.insert(text("Version").to_owned(), hash.to_owned());
        }
    }
    listed
}

/// Compares two generations by their plain indexes, sorted by package.
pub fn diff<'a>(first: impl IntoIterator<Item = &'a [u8]>, second: impl IntoIterator<Item = &'a [u8]>) -> Vec<Change> {
    let (first, second) = (listed(first), listed(second));
    let versions = |of: &BTreeMap<String, String>| of.keys().cloned().collect::<Vec<_>>().join(", ");
    let mut changes: Vec<(String, Change)> = Vec::new();
    for (package, before) in &first {
        let change = match second.get(package) {
            None => Change::Removed { package: package.clone(), version: versions(before) },
            Some(after) if after == before => continue,
            Some(after) => Change::Changed { package: package.clone(), from: versions(before), to: versions(after) },
        };
        changes.push((package.clone(), change));
    }
    for (package, after) in second.iter().filter(|(package, _)| !first.contains_key(*package)) {
        changes.push((package.clone(), Change::Added { package: package.clone(), version: versions(after) }));
    }
    changes.sort_by(|one, other| one.0.cmp(&other.0));
    changes.into_iter().map(|(_, change)| change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_went_and_was_built_again_is_told() {
        let stanza = |name: &str, version: &str, hash: &str| {
            format!("Package: {name}\nVersion: {version}\nArchitecture: amd64\nSHA256: {hash}\n\n")
        };
        let first = [stanza("a", "1", "x"), stanza("b", "1", "x"), stanza("c", "1", "x")].concat();
        let second = [stanza("a", "1", "x"), stanza("b", "1", "y"), stanza("d", "2", "x")].concat();
        let of = |name: &str| format!("{name} amd64");
        assert_eq!(
            diff([first.as_bytes()], [second.as_bytes()]),
            [
                Change::Changed { package: of("b"), from: "1".to_owned(), to: "1".to_owned() },
                Change::Removed { package: of("c"), version: "1".to_owned() },
                Change::Added { package: of("d"), version: "2".to_owned() },
            ]
        );
    }
}

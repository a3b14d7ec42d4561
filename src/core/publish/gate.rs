//! What must hold before something is published, and what is wrong where it does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::core::debian::packages::Package;
use crate::core::debian::{control, relation};
use crate::core::install::base::Base;
use crate::core::install::installer;
use crate::core::install::layers;
use crate::core::install::request::{Alternatives, Request};
use crate::core::install::universe::{Architectures, Universe};
use crate::core::publish::{BinaryFile, BinaryKind};

/// Lines of one kind that a message shows.
const SHOWN: usize = 20;

/// What must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gate {
    /// Binary packages that must be there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// So many binary packages at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<u64>,
    /// Each package can be installed, together with what the base archive has.
    #[serde(skip_serializing_if = "is_false")]
    pub installable: bool,
    /// No two packages install the same file, unless they say so.
    #[serde(skip_serializing_if = "is_false")]
    pub no_file_conflicts: bool,
}

impl Gate {
    /// Whether anything may be published.
    pub fn is_empty(&self) -> bool {
        *self == Gate::default()
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A required package is missing.
    Missing(String),
    /// There are too few.
    Few {
        /// So many are there.
        there: u64,
        /// So many must be.
        minimum: u64,
    },
    /// A package cannot be installed.
    Uninstallable {
        /// Its name and architecture.
        package: String,
        /// Why, in words.
        why: String,
        /// It could be, as it was published before.
        since_now: bool,
    },
    /// Two packages install one file.
    SameFile {
        /// The path.
        path: String,
        /// The packages.
        packages: Vec<String>,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Missing(package) => write!(f, "`{package}` is required, and is not there"),
            Finding::Few { there, minimum } => write!(f, "expected at least {minimum} packages, got {there}"),
            Finding::Uninstallable { package, why, since_now } => {
                let since = if *since_now { " any more" } else { "" };
                write!(f, "{package} cannot be installed{since}: {why}")
            }
            Finding::SameFile { path, packages } => write!(f, "`{path}` is in {}", packages.join(" and in ")),
        }
    }
}

/// Why a set of packages is not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not published, since the recipe's conditions do not hold:{}\n\
     hint: what was published before stands; mend the packages, or change the conditions of `cb.publish`", lines(.0)
)]
pub struct Refused(pub Vec<Finding>);

fn lines(findings: &[Finding]) -> String {
    let mut text: String = findings.iter().take(SHOWN).map(|finding| format!("\n  {finding}")).collect();
    if findings.len() > SHOWN {
        text.push_str(&format!("\n  and {} more", findings.len() - SHOWN));
    }
    text
}

/// The packages that installability is about.
pub struct Sets<'s, 'a> {
    /// What is to be published.
    pub now: &'s [Package<'a>],
    /// What was published before.
    pub before: &'s [Package<'a>],
    /// What the base archive has.
    pub base: &'s [Package<'a>],
    /// The architecture.
    pub architecture: &'s str,
}

/// Looks at what is quickly seen: what is missing, and files that are there twice.
pub fn check(gate: &Gate, binaries: &[BinaryFile]) -> Vec<Finding> {
    let names: BTreeSet<&str> = binaries.iter().map(|file| file.package.as_str()).collect();
    let required = gate.required.iter().filter(|name| !names.contains(name.as_str()));
    let mut findings: Vec<Finding> = required.map(|name| Finding::Missing(name.clone())).collect();
    let there = binaries.len() as u64;
    if let Some(minimum) = gate.minimum.filter(|&minimum| there < minimum) {
        findings.push(Finding::Few { there, minimum });
    }
    if gate.no_file_conflicts {
        findings.extend(same_files(binaries));
    }
    findings
}

/// Files that two packages install which do not say that they replace or exclude each other.
fn same_files(binaries: &[BinaryFile]) -> Vec<Finding> {
    let mut of_path: BTreeMap<&str, Vec<&BinaryFile>> = BTreeMap::new();
    for file in binaries.iter().filter(|file| file.kind == BinaryKind::Deb) {
        for path in file.files.lines() {
            of_path.entry(path).or_default().push(file);
        }
    }
    let mut findings = Vec::new();
    for (path, files) in of_path.into_iter().filter(|(_, files)| files.len() > 1) {
        let mut clash: BTreeSet<&str> = BTreeSet::new();
        for (at, one) in files.iter().enumerate() {
            for other in &files[at + 1..] {
                let apart = one.package == other.package || knows(one, other) || knows(other, one);
                let together =
                    one.architecture == other.architecture || one.architecture == "all" || other.architecture == "all";
                if together && !apart {
                    clash.extend([one.package.as_str(), other.package.as_str()]);
                }
            }
        }
        if !clash.is_empty() {
            let packages = clash.into_iter().map(|name| format!("`{name}`")).collect();
            findings.push(Finding::SameFile { path: format!("/{path}"), packages });
        }
    }
    findings
}

/// Whether a package says that it replaces or excludes another one, or something that the other one provides.
fn knows(one: &BinaryFile, other: &BinaryFile) -> bool {
    let names = |file: &BinaryFile, fields: &[&str]| -> BTreeSet<String> {
        let Some(paragraph) = control::paragraphs(file.control.as_bytes()).next() else { return BTreeSet::new() };
        let texts = fields.iter().flat_map(|field| relation::texts(paragraph.field(field).unwrap_or_default()));
        let first = |text: &[u8]| {
            let end = text.iter().position(|byte| b" (:[<\n\t".contains(byte)).unwrap_or(text.len());
            String::from_utf8_lossy(&text[..end]).into_owned()
        };
        texts.map(first).collect()
    };
    let away = names(one, &["Conflicts", "Replaces"]);
    away.contains(&other.package) || names(other, &["Provides"]).iter().any(|name| away.contains(name))
}

/// The packages that cannot be installed, and whether they could be before.
pub fn uninstallable(sets: &Sets<'_, '_>) -> Vec<Finding> {
    let before = refusals(sets.before, sets.base, sets.architecture);
    let now = refusals(sets.now, sets.base, sets.architecture);
    let was_there: BTreeSet<String> = sets.before.iter().map(|package| named(package)).collect();
    now.into_iter()
        .map(|(package, why)| {
            let since_now = was_there.contains(&package) && !before.contains_key(&package);
            Finding::Uninstallable { package, why, since_now }
        })
        .collect()
}

fn named(package: &Package<'_>) -> String {
    format!("`{}` ({})", package.name, package.architecture)
}

/// Why each package of a set that cannot be installed over a base cannot be.
fn refusals(set: &[Package<'_>], base: &[Package<'_>], architecture: &str) -> BTreeMap<String, String> {
    let visible = layers::visible(&[set, base]);
    let universe = Universe::new(&visible, Architectures::native(architecture));
    let wanted: Vec<String> = set.iter().map(|package| format!("{} (= {})", package.name, package.version)).collect();
    let requests: Vec<Request<'_>> =
        wanted.iter().map(|field| Request::of_field(field.as_bytes(), Alternatives::Any)).collect();
    let answers = installer::check_all(&universe, &Base::default(), &requests);
    let refused = set.iter().zip(answers).filter_map(|(package, answer)| Some((package, answer.err()?)));
    refused.map(|(package, refusal)| (named(package), refusal.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::archive::tests::stanza;
    use crate::core::debian::packages;

    fn binary(package: &str, control: &str, files: &str) -> BinaryFile {
        let control = format!("Package: {package}\nVersion: 1\nArchitecture: amd64\n{control}");
        BinaryFile {
            package: package.to_owned(),
            version: "1".to_owned(),
            architecture: "amd64".to_owned(),
            source: package.to_owned(),
            component: "main".to_owned(),
            name: format!("{package}_1_amd64.deb"),
            size: 1,
            sha256: crate::core::ids::Sha256::of(package.as_bytes()),
            md5: String::new(),
            sha1: None,
            control,
            kind: BinaryKind::Deb,
            files: files.into(),
        }
    }

    #[test]
    fn what_is_missing_or_there_twice_is_found() {
        let gate = Gate {
            required: vec!["a".to_owned(), "z".to_owned()],
            minimum: Some(9),
            no_file_conflicts: true,
            ..Gate::default()
        };
        let binaries = [
            binary("a", "", "usr/bin/x\nusr/bin/y\n"),
            binary("b", "", "usr/bin/x\n"),
            binary("c", "Replaces: a (<< 2), b\n", "usr/bin/x\nusr/bin/y\n"),
            binary("d", "Provides: mail\n", "usr/sbin/sendmail\n"),
            binary("e", "Conflicts: mail\n", "usr/sbin/sendmail\n"),
        ];
        let text = Refused(check(&gate, &binaries)).to_string();
        insta::assert_snapshot!(text, @"
        not published, since the recipe's conditions do not hold:
          `z` is required, and is not there
          expected at least 9 packages, got 5
          `/usr/bin/x` is in `a` and in `b`
        hint: what was published before stands; mend the packages, or change the conditions of `cb.publish`
        ");
        assert!(check(&Gate::default(), &binaries).is_empty());
    }

    #[test]
    fn what_became_uninstallable_is_told_from_what_always_was() {
        let text = |parts: &[(&str, &str)]| -> String {
            parts.iter().map(|(name, depends)| stanza(name, "1", &format!("Depends: {depends}\n"))).collect()
        };
        let now = text(&[("a", "b (>= 2)"), ("c", "nowhere"), ("d", "b")]);
        let before = text(&[("a", "b"), ("c", "nowhere")]);
        let base = stanza("b", "1", "");
        let sets = [&now, &before, &base].map(|text| packages::read(text.as_bytes()).0);
        let [now, before, base] = &sets;
        let found = uninstallable(&Sets { now, before, base, architecture: "amd64" });
        let since: Vec<(String, bool)> = found
            .iter()
            .map(|finding| match finding {
                Finding::Uninstallable { package, since_now, .. } => (package.clone(), *since_now),
                other => panic!("{other}"),
            })
            .collect();
        assert_eq!(since, [("`a` (amd64)".to_owned(), true), ("`c` (amd64)".to_owned(), false)]);
    }
}

//! Rules: flags for the packages that a recipe describes, in the order of a list; later wins.

use std::cell::OnceCell;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::core::debian::architecture;
use crate::core::debian::control;
use crate::core::debian::packages::Package;
use crate::core::debian::relation;
use crate::core::debian::sources::Source;
use crate::core::flags::FlagSet;

/// `{ match = { section = "libs" }, set = { cflags = { append = "-O3" } } }`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which packages.
    #[serde(rename = "match")]
    pub when: Match,
    /// What they are built with.
    pub set: FlagSet,
    /// File and line that it is written on, where that is known.
    pub at: Option<String>,
}

/// Which packages: all that is said has to hold, of each list one entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// Names of source packages, with `*` and `?`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub name: Vec<String>,
    /// `Section:` of the source package, without or with the component before it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub section: Vec<String>,
    /// `Priority:` of one of its binary packages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub priority: Vec<String>,
    /// The archive's component that it is in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub component: Vec<String>,
    /// Binary packages that it names in its build-dependencies, or source packages that build those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<String>,
    /// Architectures of the job, wildcards such as `any-arm` among them; `all` for the independent half.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arch: Vec<String>,
    /// Names of binary packages that it builds, with `*` and `?`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub binary: Vec<String>,
}

/// Which source package builds a binary package, and which binary packages provide a name.
#[derive(Debug, Default)]
pub struct Origins<'a> {
    sources: FxHashMap<&'a [u8], Vec<&'a [u8]>>,
}

impl<'a> Origins<'a> {
    /// Over the packages that builds may see.
    pub fn of(packages: impl IntoIterator<Item = Package<'a>>) -> Origins<'a> {
        let mut origins = Origins::default();
        for package in packages {
            let source = package.source().as_bytes();
            let mut add = |name: &'a [u8]| {
                let known = origins.sources.entry(name).or_default();
                if !known.contains(&source) {
                    known.push(source);
                }
            };
            add(package.name.as_bytes());
            relation::for_each(package.provides, |_, provided| add(provided.name));
        }
        origins
    }
}

/// What is known of one job's source package.
pub struct Facts<'a> {
    /// Its stanza.
    pub source: Source<'a>,
    /// The component that it is in.
    pub component: &'a str,
    /// The job's architecture, or `all`.
    pub job_arch: &'a str,
    /// The architecture that is built for.
    pub arch: &'a str,
    /// Which source packages its build-dependencies come from; only asked for `uses`.
    pub origins: &'a Origins<'a>,
    uses: OnceCell<FxHashSet<&'a [u8]>>,
}

impl<'a> Facts<'a> {
    /// Of a job that builds `source` for `job_arch`.
    pub fn new(
        source: Source<'a>,
        component: &'a str,
        job_arch: &'a str,
        arch: &'a str,
        origins: &'a Origins<'a>,
    ) -> Facts<'a> {
        Facts { source, component, job_arch, arch, origins, uses: OnceCell::new() }
    }

    /// What a hook is told of it.
    pub fn subject(&self) -> Json {
        let source = &self.source;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut needs: Vec<String> = Vec::new();
        for field in [source.build_depends, source.build_depends_arch, source.build_depends_indep] {
            relation::for_each(field, |_, relation| {
                if relation.holds(self.arch, &[]) {
                    needs.push(text(relation.name));
                }
            });
        }
        needs.sort_unstable();
        needs.dedup();
        json!({
            "name": source.name,
            "version": source.version,
            "section": text(source.section),
            "component": self.component,
            "arch": self.job_arch,
            "binaries": source.binaries().map(text).collect::<Vec<_>>(),
            "build_depends": needs,
        })
    }

    /// Names in its build-dependencies for either half, each alternative that holds here, and the sources behind them.
    fn uses(&self) -> &FxHashSet<&'a [u8]> {
        self.uses.get_or_init(|| {
            let mut names = FxHashSet::default();
            let source = &self.source;
            for field in [source.build_depends, source.build_depends_arch, source.build_depends_indep] {
                relation::for_each(field, |_, relation| {
                    if relation.holds(self.arch, &[]) {
                        names.insert(relation.name);
                        names.extend(self.origins.sources.get(relation.name).into_iter().flatten());
                    }
                });
            }
            names
        })
    }
}

impl Match {
    /// Whether it holds for a job.
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        let source = &facts.source;
        one_of(&self.name, |pattern| glob(pattern, source.name.as_bytes()))
            && one_of(&self.section, |wanted| section_is(source.section, wanted.as_bytes()))
            && one_of(&self.priority, |wanted| priorities(source).any(|known| known == wanted.as_bytes()))
            && one_of(&self.component, |wanted| facts.component == wanted)
            && one_of(&self.arch, |wanted| architecture::matches(wanted, facts.job_arch))
            && one_of(&self.binary, |pattern| source.binaries().any(|name| glob(pattern, name)))
            && one_of(&self.uses, |name| facts.uses().contains(name.as_bytes()))
    }

    /// Whether it asks for [`Origins`].
    pub fn asks_for_origins(&self) -> bool {
        !self.uses.is_empty()
    }
}

/// Whether nothing is asked for, or one of what is holds.
fn one_of(wanted: &[String], holds: impl Fn(&str) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(|one| holds(one))
}

/// Whether `libs` or `contrib/libs` is what is wanted.
fn section_is(section: &[u8], wanted: &[u8]) -> bool {
    let last = section.rsplit(|&byte| byte == b'/').next().unwrap_or(section);
    section == wanted || last == wanted
}

/// The priorities of what it builds; a line of `Package-List:` is `name type section priority ...`.
fn priorities<'a>(source: &Source<'a>) -> impl Iterator<Item = &'a [u8]> {
    control::lines(source.package_list).filter_map(|line| control::words(line).nth(3))
}

/// Whether a name fits a pattern: `*` is any text, `?` any one byte.
fn glob(pattern: &str, name: &[u8]) -> bool {
    let pattern = pattern.as_bytes();
    let (mut at, mut from) = (0, 0);
    // Where the last star stands, and up to where it has eaten.
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == name[from] => {
                at += 1;
                from += 1;
            }
            Some(_) | None => match star {
                Some((place, eaten)) => {
                    star = Some((place, eaten + 1));
                    at = place + 1;
                    from = eaten + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

impl Rule {
    /// How a person is told of a rule, its number counted from 1: `rule 3 (oem.lua:22)`.
    pub fn shown(number: usize, at: Option<&str>) -> String {
        match at {
            Some(at) => format!("rule {number} ({at})"),
            None => format!("rule {number}"),
        }
    }
}

/// The rules that hold for none of the jobs, as a person is told of them.
pub fn unused<'a, 'f: 'a>(rules: &[Rule], jobs: impl IntoIterator<Item = &'a Facts<'f>>) -> Vec<String> {
    let mut unused: Vec<(usize, &Rule)> = (1..).zip(rules).collect();
    for facts in jobs {
        if unused.is_empty() {
            break;
        }
        unused.retain(|(_, rule)| !rule.when.holds(facts));
    }
    unused.into_iter().map(|(number, rule)| Rule::shown(number, rule.at.as_deref())).collect()
}

#[cfg(test)]
mod tests;

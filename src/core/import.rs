//! The policy of an import: which indexes of a suite are wanted, whether its dates are good, and which suites may feed
//! a chroot.

use crate::core::debian::apt_source::{AptEntry, Wanted};
use crate::core::debian::release::{Release, ReleaseFile};
use crate::core::pinned::{IndexKind, Role};
use crate::core::recipe::AptSources;

#[cfg(test)]
mod tests;

/// How an index is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// `.xz`
    Xz,
    /// `.zst`
    Zst,
    /// `.gz`
    Gz,
    /// Not at all.
    Plain,
}

impl Compression {
    /// All that we read, the preferred ones first.
    pub const ALL: [Compression; 4] = [Compression::Xz, Compression::Zst, Compression::Gz, Compression::Plain];

    /// What the file's name ends with.
    pub fn suffix(self) -> &'static str {
        match self {
            Compression::Xz => ".xz",
            Compression::Zst => ".zst",
            Compression::Gz => ".gz",
            Compression::Plain => "",
        }
    }
}

/// One file that holds an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexForm {
    /// How.
    pub compression: Compression,
    /// Relative to the Release file.
    pub path: String,
    /// What the Release file says of it.
    pub file: ReleaseFile,
}

/// An index that an entry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedIndex {
    /// `main`; empty in a flat archive.
    pub component: String,
    /// Sources or Packages.
    pub kind: IndexKind,
    /// Path of the decompressed file, relative to the Release file.
    pub path: String,
    /// Hash and size of the decompressed file, where the Release file has them.
    pub plain: Option<ReleaseFile>,
    /// The files that hold it, the one that is cheapest to fetch first; never empty.
    pub forms: Vec<IndexForm>,
}

/// What to read of a suite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SuitePlan {
    /// The indexes, sorted by component and kind.
    pub indexes: Vec<WantedIndex>,
    /// What is left out, in words.
    pub notes: Vec<String>,
    /// Indexes that must be there and are not listed, by path.
    pub missing: Vec<String>,
}

/// Which indexes of a suite an entry (already for one architecture) asks for.
pub fn plan_suite(entry: &AptEntry, release: &Release, architecture: &str) -> SuitePlan {
    let mut plan = SuitePlan::default();
    let serves = release.supports_architecture(architecture);
    if !serves && entry.components.iter().any(|component| component.binary) {
        plan.notes.push(format!(
            "`{} {}` has no binary packages for `{architecture}` ({})",
            entry.uri, entry.suite, entry.origin
        ));
    }
    for component in &entry.components {
        let name = component.name.as_str();
        if !entry.is_flat() && !release.supports_component(name) {
            plan.notes.push(format!(
                "`{} {}` has no component `{name}`, it has `{}` ({})",
                entry.uri,
                entry.suite,
                release.components.join(" "),
                entry.origin
            ));
            continue;
        }
        let sources = if entry.is_flat() { "Sources".to_owned() } else { format!("{name}/source/Sources") };
        if !plan.want(release, name, IndexKind::Sources, &sources) {
            match component.source {
                Wanted::Declared => plan.missing.push(sources),
                Wanted::Derived => plan.notes.push(format!(
                    "`{} {}` has no source index for `{}`, so it serves binary packages only ({})",
                    entry.uri,
                    entry.suite,
                    if entry.is_flat() { "./" } else { name },
                    entry.origin
                )),
            }
        }
        if component.binary && entry.is_flat() {
            plan.need(release, name, IndexKind::Packages(architecture.to_owned()), "Packages".to_owned());
        } else if component.binary {
            let binary = |arch: &str| format!("{name}/binary-{arch}/Packages");
            if serves {
                plan.need(release, name, IndexKind::Packages(architecture.to_owned()), binary(architecture));
            }
            if release.keeps_all_apart() {
                // An archive that says nothing of architectures may have such an index or not, which is no mistake.
                plan.want(release, name, IndexKind::Packages("all".to_owned()), &binary("all"));
            }
        }
    }
    plan.indexes.sort_by(|one, other| (&one.component, &one.kind).cmp(&(&other.component, &other.kind)));
    plan.indexes.dedup_by(|one, other| one.path == other.path);
    plan
}

impl SuitePlan {
    /// This one and another of the same suite, each thing once.
    pub fn and(mut self, other: SuitePlan) -> SuitePlan {
        self.indexes.extend(other.indexes);
        self.indexes.sort_by(|one, other| (&one.component, &one.kind).cmp(&(&other.component, &other.kind)));
        self.indexes.dedup_by(|one, other| one.path == other.path);
        for (all, more) in [(&mut self.notes, other.notes), (&mut self.missing, other.missing)] {
            more.into_iter().for_each(|text| {
                if !all.contains(&text) {
                    all.push(text)
                }
            });
        }
        self
    }

    /// Adds an index that must be there.
    fn need(&mut self, release: &Release, component: &str, kind: IndexKind, path: String) {
        if !self.want(release, component, kind, &path) {
            self.missing.push(path);
        }
    }

    /// Adds an index, if it is listed in a form that we read.
    fn want(&mut self, release: &Release, component: &str, kind: IndexKind, path: &str) -> bool {
        let mut forms: Vec<IndexForm> = Compression::ALL
            .into_iter()
            .filter_map(|compression| {
                let path = format!("{path}{}", compression.suffix());
                let file = *release.files.get(&path)?;
                Some(IndexForm { compression, path, file })
            })
            .collect();
        // The sort is stable, so the order of preference decides between equals.
        forms.sort_by_key(|form| form.file.size);
        let plain = release.files.get(path).copied();
        let listed = !forms.is_empty();
        if listed {
            self.indexes.push(WantedIndex {
                component: component.to_owned(),
                kind,
                path: path.to_owned(),
                plain,
                forms,
            });
        }
        listed
    }
}

/// How strictly the dates of a Release file are looked at; from an entry's options and APT's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateRules {
    /// Look at dates at all.
    pub check_date: bool,
    /// Look at `Valid-Until`.
    pub check_valid_until: bool,
    /// How many seconds a Date may be ahead of us.
    pub max_future: i64,
    /// A Release file is valid for at least so many seconds, 0 for no such rule.
    pub min_valid: i64,
    /// A Release file is valid for at most so many seconds, 0 for no such rule.
    pub max_valid: i64,
}

impl Default for DateRules {
    fn default() -> Self {
        DateRules { check_date: true, check_valid_until: true, max_future: 10, min_valid: 0, max_valid: 0 }
    }
}

impl DateRules {
    /// The rules with the options of an entry, which come before APT's configuration.
    pub fn for_entry(self, entry: &AptEntry) -> DateRules {
        DateRules {
            check_date: entry.check_date.unwrap_or(self.check_date),
            check_valid_until: entry.check_valid_until.unwrap_or(self.check_valid_until),
            max_future: entry.date_max_future.unwrap_or(self.max_future),
            min_valid: entry.valid_until_min.unwrap_or(self.min_valid),
            max_valid: entry.valid_until_max.unwrap_or(self.max_valid),
        }
    }
}

/// What is wrong with the dates of a Release file; seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateProblem {
    /// It is from the future.
    Future {
        /// Its Date.
        date: i64,
    },
    /// It is too old.
    Expired {
        /// When it stopped being valid.
        valid_until: i64,
    },
}

/// Checks the dates of a Release file, as apt does.
pub fn check_dates(release: &Release, rules: DateRules, now: i64) -> Result<(), DateProblem> {
    if !rules.check_date {
        return Ok(());
    }
    if let Some(date) = release.date.filter(|date| date - rules.max_future > now) {
        return Err(DateProblem::Future { date });
    }
    if !rules.check_valid_until {
        return Ok(());
    }
    let mut valid_until = release.valid_until;
    if let Some(date) = release.date {
        if rules.min_valid != 0 {
            valid_until = valid_until.map(|until| until.max(date + rules.min_valid));
        }
        if rules.max_valid != 0 {
            let latest = date + rules.max_valid;
            valid_until = Some(valid_until.map_or(latest, |until| until.min(latest)));
        }
    }
    match valid_until {
        Some(valid_until) if valid_until < now => Err(DateProblem::Expired { valid_until }),
        Some(_) | None => Ok(()),
    }
}

/// How many Essential packages an index of binary packages has, if it is that of a distribution: one that has `dpkg` or
/// `base-files`. Zero otherwise.
pub fn essential_packages(packages: &[u8]) -> u64 {
    let has = |package: &str| {
        let line = format!("Package: {package}\n");
        packages.starts_with(line.as_bytes())
            || memchr::memmem::find(packages, format!("\n{line}").as_bytes()).is_some()
    };
    if !has("dpkg") && !has("base-files") {
        return 0;
    }
    memchr::memmem::find_iter(packages, b"\nEssential: yes\n").count() as u64
}

/// What is known of an entry after it was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried<'a> {
    /// The entry.
    pub entry: &'a AptEntry,
    /// `None`: it could not be read, or did not verify.
    pub read: Option<Facts<'a>>,
}

/// What matters of a suite that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The Release file's Origin.
    pub origin: &'a str,
    /// See [`essential_packages`].
    pub essential: u64,
}

/// What becomes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is pinned in this role.
    Take(Role),
    /// It failed, and is left out with a note.
    LeaveOut,
    /// It failed, and the run cannot go without it.
    Fail,
}

/// Gives each entry its verdict; `sources` is where the entries are from.
///
/// The distribution is the Origin whose suites have most of the Essential packages. When nothing has any, it is the
/// Origin of the first entry, provided that every entry could be read: otherwise nobody can say.
pub fn judge(sources: &AptSources, tried: &[Tried<'_>]) -> Vec<Verdict> {
    let also = match sources {
        AptSources::File { .. } | AptSources::SourcePackage { .. } => {
            let verdict = |one: &Tried<'_>| one.read.map_or(Verdict::Fail, |_| Verdict::Take(Role::Named));
            return tried.iter().map(verdict).collect();
        }
        AptSources::System { also } => also,
    };
    let main = distribution(tried);
    let in_distribution = |one: &Tried<'_>| match (main, one.read) {
        // An Origin that is empty says nothing, so then only the same host counts.
        (Some((entry, "")), Some(_)) => entry.host() == one.entry.host(),
        (Some((_, origin)), Some(facts)) => facts.origin == origin,
        (_, None) | (None, _) => false,
    };
    let family: Vec<&AptEntry> = tried.iter().filter(|one| in_distribution(one)).map(|one| one.entry).collect();
    tried
        .iter()
        .map(|one| {
            let named = also.iter().any(|name| is_named(name, one));
            match one.read {
                Some(_) if in_distribution(one) => Verdict::Take(Role::Distribution),
                Some(_) if named => Verdict::Take(Role::Named),
                Some(_) => Verdict::Take(Role::ThirdParty),
                None if named || family.is_empty() => Verdict::Fail,
                None if family.iter().any(|known| is_kin(known, one.entry)) => Verdict::Fail,
                None => Verdict::LeaveOut,
            }
        })
        .collect()
}

/// The entry that stands for the distribution, and its Origin.
fn distribution<'a>(tried: &[Tried<'a>]) -> Option<(&'a AptEntry, &'a str)> {
    let read = || tried.iter().filter_map(|one| one.read.map(|facts| (one.entry, facts)));
    let (entry, facts) = read().reduce(|best, one| if one.1.essential > best.1.essential { one } else { best })?;
    // Where nothing is essential, `reduce` ended with the first entry that was read.
    (facts.essential > 0 || tried.iter().all(|one| one.read.is_some())).then_some((entry, facts.origin))
}

/// Whether a recipe's word means this entry: an Origin, a host, or a file stem.
fn is_named(name: &str, one: &Tried<'_>) -> bool {
    one.read.is_some_and(|facts| facts.origin == name)
        || one.entry.host() == name
        || host_name(one.entry.host()) == name
        || one.entry.file_stem() == name
}

/// Whether an entry that failed belongs with one of the distribution: same host, same last two labels, or same keys.
fn is_kin(known: &AptEntry, failed: &AptEntry) -> bool {
    let same_keys = failed.signed_by.is_some() && known.signed_by == failed.signed_by;
    let same_host = !failed.host().is_empty() && known.host() == failed.host();
    let domain = last_two_labels(failed.host());
    same_keys || same_host || (domain.is_some() && domain == last_two_labels(known.host()))
}

/// A host without its port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

/// `example.org` of `deb.example.org`; addresses have none.
fn last_two_labels(host: &str) -> Option<&str> {
    let name = host_name(host);
    if name.ends_with(|c: char| c.is_ascii_digit() || c == ']') {
        return None;
    }
    let (rest, _) = name.rsplit_once('.')?;
    Some(rest.rfind('.').map_or(name, |dot| &name[dot + 1..]))
}

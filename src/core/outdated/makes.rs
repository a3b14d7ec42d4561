//! What a source builds on an architecture, by its `Package-List`, or by less where an old archive has none.

use std::borrow::Cow;

use super::{ALL, Why};
use crate::core::debian::architecture::{field_includes, matches};
use crate::core::debian::control::{lines, words};
use crate::core::debian::sources::Source;

/// What it builds.
pub(super) enum Makes<'a> {
    /// Binary packages of these names.
    Packages(Vec<&'a [u8]>),
    /// None that an index of binary packages would list.
    Nothing(Why),
}

/// A line of a `Package-List`: `name type section priority key=value...`.
#[derive(Debug, Clone, Copy)]
struct Listed<'a> {
    name: &'a [u8],
    installer: bool,
    architectures: &'a [u8],
    profiles: &'a [u8],
}

fn listed(line: &[u8]) -> Option<Listed<'_>> {
    let mut words = words(line);
    let (name, kind) = (words.next()?, words.next()?);
    let mut listed = Listed { name, installer: kind == b"udeb", architectures: b"", profiles: b"" };
    for word in words {
        if let Some(value) = word.strip_prefix(b"arch=") {
            listed.architectures = value;
        } else if let Some(value) = word.strip_prefix(b"profile=") {
            listed.profiles = value;
        }
    }
    Some(listed)
}

impl Listed<'_> {
    /// Whether it is for an architecture: a list with commas; one that a line lacks is as good as `any`.
    fn is_for(&self, architecture: &str) -> bool {
        let mut architectures =
            self.architectures.split(|&byte| byte == b',').filter_map(|it| std::str::from_utf8(it).ok());
        match self.architectures {
            b"" => architecture != ALL,
            _ => architectures.any(|wildcard| matches(wildcard, architecture)),
        }
    }

    /// Whether one of the restriction lists, which are joined by `+` and whose terms are joined by `,`, holds.
    fn profiles_hold(&self, active: &[&str]) -> bool {
        let is_active = |name: &[u8]| active.iter().any(|profile| profile.as_bytes() == name);
        let term = |term: &[u8]| match term.strip_prefix(b"!") {
            Some(name) => !is_active(name),
            None => is_active(term),
        };
        self.profiles.is_empty()
            || self.profiles.split(|&byte| byte == b'+').any(|list| list.split(|&byte| byte == b',').all(term))
    }
}

/// What a source builds on an architecture while these profiles are active.
pub(super) fn makes<'a>(source: &Source<'a>, architecture: &str, profiles: &[&str]) -> Makes<'a> {
    let list: Vec<Listed<'a>> = lines(source.package_list).filter_map(listed).collect();
    if list.is_empty() {
        return if field_includes(source.architecture, architecture) {
            Makes::Packages(source.binaries().collect())
        } else {
            Makes::Nothing(elsewhere(words(source.architecture), architecture))
        };
    }
    let mut here = list.iter().filter(|line| line.is_for(architecture)).peekable();
    if here.peek().is_none() {
        let all = list.iter().flat_map(|line| line.architectures.split(|&byte| byte == b','));
        return Makes::Nothing(elsewhere(all, architecture));
    }
    let (built, held_back): (Vec<&Listed<'a>>, Vec<_>) = here.partition(|line| line.profiles_hold(profiles));
    let names: Vec<&[u8]> = built.iter().filter(|line| !line.installer).map(|line| line.name).collect();
    match held_back.iter().find(|line| !line.installer) {
        _ if !names.is_empty() => Makes::Packages(names),
        Some(line) => Makes::Nothing(Why::Profiles(String::from_utf8_lossy(line.profiles).into_owned())),
        None => Makes::Nothing(Why::Installer),
    }
}

/// What it is for, when it is not for this architecture: these words, as the list or the field has them.
fn elsewhere<'a>(words: impl Iterator<Item = &'a [u8]>, architecture: &str) -> Why {
    if architecture == ALL {
        return Why::NothingForAll;
    }
    let mut others: Vec<&[u8]> = Vec::new();
    for word in words {
        if word != ALL.as_bytes() && !others.contains(&word) {
            others.push(word);
        }
    }
    if others.is_empty() {
        return Why::OnlyAll;
    }
    let names: Vec<Cow<'_, str>> = others.into_iter().map(String::from_utf8_lossy).collect();
    Why::Architectures(names.join(" "))
}

//! Lists that people keep of what is not built where: Debian's Packages-arch-specific, and not-for-us.

use rustc_hash::FxHashMap;

use crate::core::debian::architecture::list_holds;
use crate::core::debian::malformed::Malformed;

/// Packages that are built on some architectures only, as Debian's file Packages-arch-specific has them: a line
/// `name: i386 amd64` or `name: !s390x` for a binary package, with `%` before the name for a source package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exclusions {
    sources: FxHashMap<String, String>,
    binaries: FxHashMap<String, String>,
}

/// Source packages that nobody here wants: a line `name`, or `name: armel armhf` for some architectures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotForUs {
    sources: FxHashMap<String, String>,
}

/// The lines that say something, with their numbers from 1: comments begin with `#`, anywhere in a line.
fn said(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    (1..).zip(lines).filter(|(_, line)| !line.is_empty())
}

/// The words of a list of architectures, in brackets or not, each once blank apart.
fn architectures(list: &str) -> String {
    list.split(|letter: char| letter.is_whitespace() || matches!(letter, '[' | ']' | ','))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn malformed(line: usize, package: &str, reason: &str) -> Malformed {
    Malformed { line, package: package.to_owned(), reason: reason.to_owned() }
}

impl Exclusions {
    /// Reads such a file. A line that cannot be read is reported and left out; the rest goes on.
    pub fn parse(text: &str) -> (Exclusions, Vec<Malformed>) {
        let (mut exclusions, mut wrong) = (Exclusions::default(), Vec::new());
        for (number, line) in said(text) {
            let (name, list) = line.split_once(':').unwrap_or((line, ""));
            let (name, list) = (name.trim(), architectures(list));
            if list.is_empty() || name.is_empty() || name.contains(char::is_whitespace) {
                wrong.push(malformed(number, name, "expected `NAME: ARCHITECTURES`, got no architectures or no name"));
                continue;
            }
            match name.strip_prefix('%') {
                Some(source) => exclusions.sources.insert(source.to_owned(), list),
                None => exclusions.binaries.insert(name.to_owned(), list),
            };
        }
        (exclusions, wrong)
    }

    /// The architectures of a source package, if it has a line.
    pub fn of_source(&self, name: &str) -> Option<&str> {
        self.sources.get(name).map(String::as_str)
    }

    /// The architectures of a binary package, if it has a line.
    pub fn of_binary(&self, name: &str) -> Option<&str> {
        self.binaries.get(name).map(String::as_str)
    }
}

impl NotForUs {
    /// Reads such a file. A line that cannot be read is reported and left out; the rest goes on.
    pub fn parse(text: &str) -> (NotForUs, Vec<Malformed>) {
        let (mut list, mut wrong) = (NotForUs::default(), Vec::new());
        for (number, line) in said(text) {
            let (name, rest) = line.split_once(':').unwrap_or((line, ""));
            if name.trim().is_empty() || name.trim().contains(char::is_whitespace) {
                wrong.push(malformed(number, name, "expected `NAME` or `NAME: ARCHITECTURES`"));
                continue;
            }
            list.sources.insert(name.trim().to_owned(), architectures(rest));
        }
        (list, wrong)
    }

    /// Adds one source, for all architectures.
    pub fn add(&mut self, source: &str) {
        self.sources.insert(source.to_owned(), String::new());
    }

    /// Whether a source is on it for an architecture.
    pub fn holds(&self, source: &str, architecture: &str) -> bool {
        self.sources.get(source).is_some_and(|list| list_holds(list.as_bytes(), architecture))
    }
}

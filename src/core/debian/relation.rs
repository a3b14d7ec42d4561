//! Relations between packages: `libfoo-dev (>= 2) [linux-any] <!nocheck> | libfoo2-dev`.
//!
//! Read without copying; the syntax is Policy 7.1, with `<` and `>` as the obsolete forms of `<=` and `>=`.

use std::cmp::Ordering;

use crate::core::debian::architecture::{list_holds, profiles_hold};
use crate::core::debian::version;

/// How a version is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// No version asked for.
    Any,
    /// `<<`
    Earlier,
    /// `<=`
    EarlierOrEqual,
    /// `=`
    Equal,
    /// `>=`
    LaterOrEqual,
    /// `>>`
    Later,
}

/// One alternative of one relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation<'a> {
    /// Package name.
    pub name: &'a [u8],
    /// After the colon: `any`, `native` or an architecture; else empty.
    pub qualifier: &'a [u8],
    /// How `version` is compared.
    pub operator: Operator,
    /// The version, empty for `Any`.
    pub version: &'a [u8],
    /// Inside `[...]`.
    pub architectures: &'a [u8],
    /// All `<...>` together.
    pub profiles: &'a [u8],
}

impl Operator {
    /// Whether a package version (`None`: an unversioned Provides) is what the relation asks for.
    pub fn accepts(self, have: Option<&[u8]>, want: &[u8]) -> bool {
        let ordering = || have.map(|have| version::compare(have, want));
        match self {
            Operator::Any => true,
            Operator::Earlier => ordering().is_some_and(Ordering::is_lt),
            Operator::EarlierOrEqual => ordering().is_some_and(Ordering::is_le),
            Operator::Equal => ordering().is_some_and(Ordering::is_eq),
            Operator::LaterOrEqual => ordering().is_some_and(Ordering::is_ge),
            Operator::Later => ordering().is_some_and(Ordering::is_gt),
        }
    }
}

impl Relation<'_> {
    /// Whether its `[...]` and `<...>` hold.
    pub fn holds(&self, architecture: &str, profiles: &[&str]) -> bool {
        (self.architectures.is_empty() || list_holds(self.architectures, architecture))
            && (self.profiles.is_empty() || profiles_hold(self.profiles, profiles))
    }
}

impl std::fmt::Display for Relation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.name))?;
        if !self.qualifier.is_empty() {
            write!(f, ":{}", String::from_utf8_lossy(self.qualifier))?;
        }
        let sign = match self.operator {
            Operator::Any => return Ok(()),
            Operator::Earlier => "<<",
            Operator::EarlierOrEqual => "<=",
            Operator::Equal => "=",
            Operator::LaterOrEqual => ">=",
            Operator::Later => ">>",
        };
        write!(f, " ({sign} {})", String::from_utf8_lossy(self.version))
    }
}

/// Calls `visit` with (number of the relation, alternative) for each alternative of a field, in order.
pub fn for_each<'a>(field: &'a [u8], mut visit: impl FnMut(usize, Relation<'a>)) {
    let mut scanner = Scanner { bytes: field, at: 0 };
    let mut number = 0;
    loop {
        scanner.skip(|byte| byte.is_ascii_whitespace() || byte == b',');
        if scanner.peek().is_none() {
            return;
        }
        loop {
            visit(number, scanner.alternative());
            match scanner.peek() {
                Some(b'|') => scanner.at += 1,
                _ => break,
            }
        }
        // What stands between here and the comma is not a relation; the rest of the field still is.
        scanner.skip(|byte| byte != b',');
        number += 1;
    }
}

/// The texts of a field's relations, in order, blanks around them taken off.
pub fn texts(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    field.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|text| !text.is_empty())
}

/// What is wrong with the text of one relation, in words; nothing for one that dpkg reads without a complaint.
pub fn fault(text: &[u8]) -> Option<String> {
    let mut scanner = Scanner { bytes: text, at: 0 };
    loop {
        let relation = scanner.alternative();
        let (name, version) = (String::from_utf8_lossy(relation.name), String::from_utf8_lossy(relation.version));
        if !relation.name.first().is_some_and(u8::is_ascii_alphanumeric) {
            return Some(format!("expected the name of a package, got `{name}`"));
        }
        if (relation.operator == Operator::Any) != relation.version.is_empty() || version.contains([' ', '(']) {
            return Some(format!("`{name}`: expected an operator and a version in `()`, got `{version}`"));
        }
        match scanner.peek() {
            Some(b'|') => scanner.at += 1,
            None => break,
            Some(_) => {
                let rest = String::from_utf8_lossy(&scanner.bytes[scanner.at..]).into_owned();
                return Some(format!("expected `|` or the end after `{name}`, got `{rest}`"));
            }
        }
    }
    let open = [b"()", b"[]"].into_iter().find(|[open, close]| {
        let count = |wanted: &u8| text.iter().filter(|&byte| byte == wanted).count();
        count(open) != count(close)
    });
    open.map(|&[open, close]| format!("expected as many `{}` as `{}`", char::from(open), char::from(close)))
}

/// The relations of a field, each with its alternatives that hold; a relation none of whose alternatives holds is left out.
pub fn holding<'a>(field: &'a [u8], architecture: &str, profiles: &[&str]) -> Vec<Vec<Relation<'a>>> {
    let mut relations: Vec<Vec<Relation<'a>>> = Vec::new();
    let mut last = usize::MAX;
    for_each(field, |number, relation| {
        if relation.holds(architecture, profiles) {
            if last != number {
                relations.push(Vec::new());
                last = number;
            }
            relations.last_mut().expect("one was pushed for this number").push(relation);
        }
    });
    relations
}

/// Where in a field we are.
struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip(&mut self, mut over: impl FnMut(u8) -> bool) {
        while self.peek().is_some_and(&mut over) {
            self.at += 1;
        }
    }

    /// The bytes up to one of the characters that end a name.
    fn name(&mut self) -> &'a [u8] {
        let start = self.at;
        self.skip(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b',' | b'|' | b':' | b'(' | b'[' | b'<'));
        &self.bytes[start..self.at]
    }

    /// The bytes between the bracket here and its partner, both passed over.
    fn bracketed(&mut self, close: u8) -> &'a [u8] {
        let start = self.at + 1;
        let end = memchr::memchr(close, &self.bytes[start..]).map_or(self.bytes.len(), |found| start + found);
        self.at = (end + 1).min(self.bytes.len());
        &self.bytes[start..end]
    }

    fn alternative(&mut self) -> Relation<'a> {
        self.skip(|byte| byte.is_ascii_whitespace());
        let name = self.name();
        let mut relation =
            Relation { name, qualifier: b"", operator: Operator::Any, version: b"", architectures: b"", profiles: b"" };
        if self.peek() == Some(b':') {
            self.at += 1;
            relation.qualifier = self.name();
        }
        loop {
            self.skip(|byte| byte.is_ascii_whitespace());
            match self.peek() {
                Some(b'(') => {
                    let inner = self.bracketed(b')').trim_ascii();
                    let sign = inner.iter().take_while(|byte| matches!(byte, b'<' | b'=' | b'>')).count();
                    relation.operator = match &inner[..sign] {
                        b"<<" => Operator::Earlier,
                        b"<=" | b"<" => Operator::EarlierOrEqual,
                        b"=" => Operator::Equal,
                        b">=" | b">" => Operator::LaterOrEqual,
                        b">>" => Operator::Later,
                        _ => Operator::Any,
                    };
                    relation.version = inner[sign..].trim_ascii();
                }
                Some(b'[') => relation.architectures = self.bracketed(b']'),
                Some(b'<') => {
                    let start = self.at;
                    while self.peek() == Some(b'<') {
                        self.bracketed(b'>');
                        self.skip(|byte| byte.is_ascii_whitespace());
                    }
                    relation.profiles = self.bytes[start..self.at].trim_ascii();
                }
                _ => return relation,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(field: &str) -> Vec<(usize, String)> {
        let mut got = Vec::new();
        for_each(field.as_bytes(), |number, relation| {
            let mut text = relation.to_string();
            if !relation.architectures.is_empty() {
                text += &format!(" [{}]", String::from_utf8_lossy(relation.architectures));
            }
            if !relation.profiles.is_empty() {
                text += &format!(" {}", String::from_utf8_lossy(relation.profiles));
            }
            got.push((number, text));
        });
        got
    }

    #[test]
    fn alternatives_versions_architectures_and_profiles_are_read() {
        assert_eq!(
            check("debhelper-compat (= 13), a:any | b (>> 1~), c [!armel linux-any] <!nocheck> <cross>,\n d(<2)"),
            [
                (0, "debhelper-compat (= 13)".to_owned()),
                (1, "a:any".to_owned()),
                (1, "b (>> 1~)".to_owned()),
                (2, "c [!armel linux-any] <!nocheck> <cross>".to_owned()),
                (3, "d (<= 2)".to_owned()),
            ]
        );
    }

    #[test]
    fn a_broken_field_never_hangs_and_keeps_what_is_readable() {
        for field in ["a (>= 1", "a [", "a <", "|", ",,,", "a b c, d", ":any", "(", ")", "a | | b"] {
            let _ = check(field);
        }
        assert_eq!(check("a junk, b"), [(0, "a".to_owned()), (1, "b".to_owned())]);
    }

    #[test]
    fn what_is_wrong_with_a_relation_is_said() {
        for text in ["a", "a:any (>= 1:2~) [!armel linux-any] <!nocheck> <cross> | b(<2)", "a\n (= 1)"] {
            assert_eq!(fault(text.as_bytes()), None, "{text}");
        }
        for (text, words) in [
            ("a b", "expected `|` or the end after `a`, got `b`"),
            ("a | ", "expected the name of a package, got ``"),
            (":any", "expected the name of a package, got ``"),
            ("(>= 1)", "expected the name of a package, got ``"),
            ("a (>= )", "`a`: expected an operator and a version in `()`, got ``"),
            ("a (1)", "`a`: expected an operator and a version in `()`, got `1`"),
            ("a (>= 1", "expected as many `(` as `)`"),
            ("a [i386", "expected as many `[` as `]`"),
        ] {
            assert_eq!(fault(text.as_bytes()).as_deref(), Some(words), "{text}");
        }
    }

    #[test]
    fn relations_that_do_not_hold_are_left_out() {
        let relations = holding(b"a [i386], b [amd64] | c, d <cross>, e", "amd64", &[]);
        let names: Vec<Vec<String>> =
            relations.iter().map(|group| group.iter().map(Relation::to_string).collect()).collect();
        assert_eq!(names, [vec!["b", "c"], vec!["e"]]);
    }

    #[test]
    fn an_unversioned_provides_satisfies_no_versioned_relation() {
        assert!(Operator::Any.accepts(None, b""));
        assert!(!Operator::LaterOrEqual.accepts(None, b"1"));
        assert!(Operator::LaterOrEqual.accepts(Some(b"1.0"), b"1"));
    }
}

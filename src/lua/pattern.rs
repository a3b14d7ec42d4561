//! `cb.re [[...]]`: regular expressions that always end, for logs and names.
//!
//! They work on bytes, since a log is whatever a build printed; `\w` and its kind are ASCII unless `(?u)` is written.

use regex::bytes::{Captures, Regex, RegexBuilder};

/// Bytes that a compiled pattern may take; what fits is quick on any text.
const MOST_BYTES: usize = 64 << 10;

/// Bytes of the cache that makes searching fast.
const CACHE_BYTES: usize = 256 << 10;

/// A pattern that compiles to so many bytes is as cheap as can be; more cost more.
const LIGHT_BYTES: usize = 8 << 10;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    /// What one byte of text costs, in sixteenths of an interrupt.
    weight: u64,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// In words: what is wrong with it, or that it is too large.
    pub fn new(text: &str) -> Result<Pattern, String> {
        let compiled = |most: usize| {
            RegexBuilder::new(text).unicode(false).size_limit(most).dfa_size_limit(CACHE_BYTES).nest_limit(50).build()
        };
        let (regex, weight) = match compiled(LIGHT_BYTES) {
            Ok(regex) => (Ok(regex), 1),
            Err(regex::Error::CompiledTooBig(_)) => (compiled(MOST_BYTES), 8),
            Err(error) => (Err(error), 1),
        };
        let regex = regex.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "expected a smaller pattern, this one repeats too much".to_owned(),
            error => described(&error.to_string()),
        })?;
        Ok(Pattern { regex, weight })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        self.regex.as_str()
    }

    /// What a search in so many bytes costs, in interrupts.
    pub fn cost(&self, bytes: usize) -> u32 {
        u32::try_from(1 + bytes as u64 * self.weight / 16).unwrap_or(u32::MAX)
    }

    /// Whether it matches somewhere.
    pub fn matches(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }

    /// Where it matches first: from, to.
    pub fn find(&self, text: &[u8]) -> Option<(usize, usize)> {
        self.regex.find(text).map(|found| (found.start(), found.end()))
    }

    /// What its groups matched, the whole first.
    pub fn captures<'t>(&self, text: &'t [u8]) -> Option<Captures<'t>> {
        self.regex.captures(text)
    }

    /// The names of its groups, the whole first, which has none.
    pub fn names(&self) -> impl Iterator<Item = Option<&str>> {
        self.regex.capture_names()
    }
}

/// The last line of an error of `regex` says what is wrong; the others draw where, for a terminal.
fn described(error: &str) -> String {
    let last = error.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or(error);
    last.trim().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_is_wrong_or_too_large_is_said_so() {
        assert_eq!(Pattern::new("a(b").unwrap_err(), "unclosed group");
        assert!(Pattern::new("(a{1000}){1000}").unwrap_err().contains("smaller pattern"));
    }

    #[test]
    fn a_pattern_works_on_bytes_that_are_no_text() {
        let pattern = Pattern::new(r"E: \w+").expect("it is one");
        assert!(pattern.matches(b"\xff\xfe E: broken"));
        assert_eq!(pattern.find(b"\xff E: x"), Some((2, 6)));
    }

    #[test]
    fn what_costs_more_is_charged_more() {
        let cost = |text: &str| Pattern::new(text).expect("it is one").cost(16_000);
        assert!(cost("Exec format error") * 4 < cost("(a|b)*a(a|b){300}"));
    }
}

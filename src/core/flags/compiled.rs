//! What compilers were called with, as far as a log shows it.

use super::overridden::against;

/// Words of one variable that were asked for, and how many calls of its compiler had them in effect.
#[derive(Debug)]
struct Counted<'e> {
    variable: &'static str,
    calls: u64,
    words: Vec<(&'e str, u64)>,
}

/// Calls of the C and of the C++ compiler.
#[derive(Debug)]
pub struct Calls<'e> {
    c: Counted<'e>,
    cxx: Counted<'e>,
}

/// What a compiler is looked for in: a wrapper and its options may stand before it.
const FIRST_WORDS: usize = 8;

/// No call that is longer is looked at, in bytes.
const LONGEST: usize = 64 << 10;

impl<'e> Calls<'e> {
    /// None so far; these words are looked for.
    pub fn of(c: Vec<&'e str>, cxx: Vec<&'e str>) -> Calls<'e> {
        let counted = |variable, words: Vec<&'e str>| {
            // What is for another program, or for the linker alone, need not be in a call that compiles.
            let own =
                words.into_iter().filter(|word| ["-O", "-m", "-f", "-g"].iter().any(|kind| word.starts_with(kind)));
            Counted { variable, calls: 0, words: own.map(|word| (word, 0)).collect() }
        };
        Calls { c: counted("CFLAGS", c), cxx: counted("CXXFLAGS", cxx) }
    }

    /// Takes a line of a log into account.
    pub fn take(&mut self, line: &[u8]) {
        if line.len() > LONGEST || self.c.words.is_empty() && self.cxx.words.is_empty() {
            return;
        }
        let Ok(line) = std::str::from_utf8(line) else { return };
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let Some(at) = words.iter().take(FIRST_WORDS).position(|word| compiler(word).is_some()) else { return };
        let call = &words[at + 1..];
        let Some(source) = call.iter().find_map(|word| source(word)) else { return };
        // A driver for C compiles C++, too, by the name of the file.
        let cxx = source == Language::Cxx || compiler(words[at]) == Some(Language::Cxx);
        let counted = if cxx { &mut self.cxx } else { &mut self.c };
        counted.calls += 1;
        for (word, count) in &mut counted.words {
            *count += u64::from(against(word, call).is_none());
        }
    }

    /// Whether most calls have a word in effect.
    pub fn mostly(&self, variable: &str, word: &str) -> bool {
        let counted = [&self.c, &self.cxx].into_iter().find(|counted| counted.variable == variable);
        let has = |counted: &Counted<'_>| {
            counted.words.iter().any(|(known, count)| *known == word && *count * 2 > counted.calls)
        };
        counted.is_some_and(has)
    }

    /// The words that none of the calls has in effect, with the number of calls.
    pub fn never(&self) -> impl Iterator<Item = (&'static str, &'e str, u64)> {
        let of = |counted: &Counted<'e>| {
            let (variable, calls) = (counted.variable, counted.calls);
            let never = counted.words.iter().filter(move |(_, count)| calls > 0 && *count == 0);
            never.map(move |(word, _)| (variable, *word, calls)).collect::<Vec<_>>()
        };
        of(&self.c).into_iter().chain(of(&self.cxx))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    C,
    Cxx,
}

/// Whether a word calls a compiler: `cc`, `/usr/bin/arm-linux-gnueabihf-g++-12`.
fn compiler(word: &str) -> Option<Language> {
    let name = word.rsplit('/').next().unwrap_or(word);
    let versioned =
        name.rsplit_once('-').filter(|(_, version)| version.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
    let name = versioned.map_or(name, |(name, _)| name);
    let is = |program: &str| name == program || name.strip_suffix(program).is_some_and(|before| before.ends_with('-'));
    if ["g++", "c++", "clang++"].into_iter().any(is) {
        return Some(Language::Cxx);
    }
    ["gcc", "cc", "clang"].into_iter().any(is).then_some(Language::C)
}

/// Whether a word is a file that is compiled.
fn source(word: &str) -> Option<Language> {
    if word.starts_with('-') || word.contains("conftest") {
        return None;
    }
    let (_, extension) = word.rsplit_once('.').filter(|(stem, _)| !stem.is_empty())?;
    match extension.trim_matches(['"', '\'', ')', '`']) {
        "c" => Some(Language::C),
        "cc" | "cpp" | "cxx" | "C" | "c++" => Some(Language::Cxx),
        _ => None,
    }
}

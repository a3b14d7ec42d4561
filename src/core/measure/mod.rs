//! What is measured of builds: how long they took and what of the machine, what came of them, what their tests said.
//!
//! **Invariant:** no judgement here; whether a number is a good one is said by `core::compare`.

pub mod elf;
pub mod suite;
pub mod usage;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::core::ids::IdError;

/// A number with a fraction that can be compared bit by bit, as what a journal repeats has to be.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Number(pub f64);

impl Number {
    /// The same with seven digits that count: more is noise, and every text form of it is exact.
    pub fn rounded(value: f64) -> Number {
        format!("{value:.6e}").parse().map_or(Number(value), Number)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Number {}

/// Declares what can be measured: the words of recipes.
macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident $text:literal;)*) => {
        /// What a recipe asks to be measured.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Metric {
            $($(#[$doc])* $name,)*
        }

        impl Metric {
            /// All of them.
            pub const ALL: &'static [Metric] = &[$(Metric::$name),*];
            /// Their words.
            pub const WORDS: &'static [&'static str] = &[$($text),*];

            /// The one text form.
            pub fn text(self) -> &'static str {
                match self { $(Metric::$name => $text),* }
            }
        }
    };
}

metrics! {
    /// Seconds by the clock from the build's first program to its last.
    BuildTime "build-time";
    /// Seconds of processors that the build's programs used, all of them together.
    CpuTime "cpu-time";
    /// Resident memory of the build's largest program.
    PeakMemory "peak-memory";
    /// Bytes of the binary packages, without those of debug symbols.
    DebSize "deb-size";
    /// Bytes of code and constants in the packages' ELF files, as size(1) counts them.
    TextSize "text-size";
    /// Symbols that the packages' ELF files export.
    Symbols "symbols";
    /// How many tests of the package's own suite passed, failed and were skipped.
    Tests "tests";
}

impl Metric {
    /// The names of its values.
    pub fn values(self) -> &'static [&'static str] {
        match self {
            Metric::BuildTime => &["build-time"],
            Metric::CpuTime => &["cpu-time"],
            Metric::PeakMemory => &["peak-memory"],
            Metric::DebSize => &["deb-size"],
            Metric::TextSize => &["text-size"],
            Metric::Symbols => &["symbols"],
            Metric::Tests => &["tests-passed", "tests-failed", "tests-skipped"],
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

impl FromStr for Metric {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let found = Metric::ALL.iter().copied().find(|metric| metric.text() == text);
        found.ok_or_else(|| IdError { expected: "something to measure such as `build-time`", got: text.to_owned() })
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// `measure = { "build-time", ..., bench = { ["zlib"] = "./bench-zlib.sh" } }`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Measure {
    /// What is measured of every build.
    pub metrics: Vec<Metric>,
    /// Scripts by source package, which run where the packages built of it are installed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub bench: BTreeMap<String, PathBuf>,
}

impl Measure {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Measure::default()
    }

    /// Whether a value of that name is asked for.
    pub fn wants(&self, value: &str) -> bool {
        value.starts_with(BENCH) || self.metrics.iter().any(|metric| metric.values().contains(&value))
    }
}

/// What the names of values begin with that a bench script printed.
pub const BENCH: &str = "bench ";

/// One value of one build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// `build-time`, `tests-passed`, `bench deflate`.
    pub name: String,
    /// How much.
    pub value: Number,
    /// Of what: `s`, `B`, nothing for what is counted.
    pub unit: String,
}

impl Measured {
    /// A value.
    pub fn new(name: &str, value: f64, unit: &str) -> Measured {
        Measured { name: name.to_owned(), value: Number::rounded(value), unit: unit.to_owned() }
    }
}

/// No bench script says more.
const MOST_VALUES: usize = 200;

/// What a bench script printed: lines of `name value unit`; an empty line and one that begins with `#` are nothing.
///
/// # Errors
/// In words, for the first line that is something else, and for an output without a value.
pub fn read_bench(printed: &str) -> Result<Vec<Measured>, String> {
    let mut found: Vec<Measured> = Vec::new();
    for (number, line) in (1..).zip(printed.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = || {
            let shown: String = line.chars().filter(|c| !c.is_control()).take(80).collect();
            format!("line {number}: expected `name value unit` such as `deflate 12.5 ms`, got `{shown}`")
        };
        let [name, value, unit] = line.split_whitespace().collect::<Vec<_>>()[..] else { return Err(wrong()) };
        let value: f64 = value.parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(wrong)?;
        let name = format!("{BENCH}{name}");
        if found.iter().any(|known| known.name == name) {
            return Err(format!("line {number}: expected each name once, got `{}` again", &name[BENCH.len()..]));
        }
        if found.len() == MOST_VALUES {
            return Err(format!("expected at most {MOST_VALUES} values, got more"));
        }
        found.push(Measured::new(&name, value, unit));
    }
    if found.is_empty() { Err("expected lines of `name value unit`, got none".to_owned()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_one_word_and_names_of_its_values() {
        for metric in Metric::ALL {
            assert_eq!(metric.text().parse::<Metric>().unwrap(), *metric);
            assert_eq!(serde_json::to_string(metric).unwrap(), format!("\"{metric}\""));
            assert!(!metric.values().is_empty());
        }
        let measure = Measure { metrics: vec![Metric::Tests], ..Measure::default() };
        assert!(measure.wants("tests-failed") && measure.wants("bench x") && !measure.wants("build-time"));
    }

    #[test]
    fn a_bench_script_says_a_name_a_value_and_a_unit_a_line() {
        let found = read_bench("# a comment\n\ndeflate 12.5 ms\n  inflate 3e2 MB/s  \n").unwrap();
        assert_eq!(found, [Measured::new("bench deflate", 12.5, "ms"), Measured::new("bench inflate", 300.0, "MB/s")]);
        for (printed, expected) in [
            ("", "expected lines of `name value unit`, got none"),
            ("deflate 12.5\n", "line 1: expected `name value unit` such as `deflate 12.5 ms`, got `deflate 12.5`"),
            ("a nan s", "line 1: expected `name value unit` such as `deflate 12.5 ms`, got `a nan s`"),
            ("a 1 s\na 2 s", "line 2: expected each name once, got `a` again"),
        ] {
            assert_eq!(read_bench(printed).unwrap_err(), expected);
        }
        let many: String = (0..=MOST_VALUES).map(|number| format!("n{number} 1 s\n")).collect();
        assert_eq!(read_bench(&many).unwrap_err(), "expected at most 200 values, got more");
    }

    #[test]
    fn numbers_are_rounded_so_that_every_text_form_of_them_is_exact() {
        let third = Number::rounded(1.0 / 3.0);
        let text = serde_json::to_string(&third).unwrap();
        assert_eq!((text.as_str(), serde_json::from_str::<Number>(&text).unwrap()), ("0.3333333", third));
        assert_eq!(Number::rounded(123_456_789.0), Number(123_456_800.0));
    }
}

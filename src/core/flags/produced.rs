//! Whether compilers had the flags that were asked for, by what compiled units say of themselves.

use std::collections::BTreeMap;

use super::effective::Environment;
use super::overridden::{Overridden, against, effective};
use crate::core::order::text::counted;
use crate::core::verify::{Check, Outcome, Verified};

/// Languages by how their compilers' texts begin, with the variable that is theirs.
const LANGUAGES: [(&str, &str); 6] = [
    ("GNU C++", "CXXFLAGS"),
    ("GNU Fortran", "FCFLAGS"),
    ("GNU F", "FFLAGS"),
    ("GNU Objective-C++", "OBJCXXFLAGS"),
    ("GNU Objective-C", "OBJCFLAGS"),
    ("GNU C", "CFLAGS"),
];

/// Flags that compilers do not write down: maps of paths differ from one machine to the next.
const NOT_WRITTEN: [&str; 3] = ["-ffile-prefix-map=", "-fdebug-prefix-map=", "-fmacro-prefix-map="];

/// Judges the units of a build in this environment; `overridden` is what the package has otherwise by its own word,
/// which is told apart.
pub fn verify(environment: &Environment, overridden: &[Overridden], units: &BTreeMap<String, u64>) -> Verified {
    let asked = asked(environment, overridden);
    if asked.is_empty() {
        return Verified::new(Check::Flags, Outcome::Held, "no flags that compilers write down were asked for");
    }
    let (mut faults, mut looked) = (Vec::new(), 0);
    for (variable, words) in &asked {
        let own = units.iter().filter(|(text, _)| variable_of(text) == Some(variable));
        let own: Vec<(Vec<&str>, u64)> = own.map(|(text, count)| (text.split_whitespace().collect(), *count)).collect();
        let all: u64 = own.iter().map(|(_, count)| count).sum();
        looked += all;
        for (word, wanted) in words {
            let has = |text: &[&str]| is_there(word, text) == *wanted;
            let good: u64 = own.iter().filter(|(text, _)| has(text)).map(|(_, count)| count).sum();
            // What is linked in from elsewhere has flags of its own, so that most is enough.
            if all > 0 && good * 2 <= all {
                let asked = if *wanted { (*word).to_owned() } else { format!("without {word}") };
                faults.push(format!("{variable} {asked}: so in {good} of {}", counted(all as usize, "unit")));
            }
        }
    }
    if looked == 0 {
        let none = "the files have no debug information of C, C++, Objective-C or Fortran that names flags";
        return Verified::new(Check::Flags, Outcome::Unknown, none);
    }
    Verified::of_faults(Check::Flags, &faults, format!("as asked for in {}", counted(looked as usize, "compiled unit")))
}

/// Words by variable, each with whether it has to be there.
fn asked<'e>(environment: &'e Environment, overridden: &[Overridden]) -> Vec<(&'static str, Vec<(&'e str, bool)>)> {
    let value = |variable: &str, end: &str| {
        let value = environment.get(&format!("DEB_{variable}_{end}")).map_or("", String::as_str);
        effective(value).into_iter().filter(|word| is_written(word)).collect::<Vec<&'e str>>()
    };
    let options = environment.get("DEB_BUILD_OPTIONS").map_or("", String::as_str);
    let lto = options.split_whitespace().any(|word| word == "optimize=+lto");
    let mut all = Vec::new();
    for (_, variable) in LANGUAGES {
        let mut words: Vec<(&str, bool)> = value(variable, "APPEND").into_iter().map(|word| (word, true)).collect();
        words.extend(value(variable, "STRIP").into_iter().map(|word| (word, false)));
        if lto && ["CFLAGS", "CXXFLAGS"].contains(&variable) {
            words.push(("-flto", true));
        }
        let own_word = |word: &str, wanted: bool| {
            let asked = if wanted { word.to_owned() } else { format!("without {word}") };
            overridden.iter().any(|known| {
                (known.variable == variable && known.asked == asked) || (word == "-flto" && known.asked == "+lto")
            })
        };
        words.retain(|(word, wanted)| !own_word(word, *wanted));
        if !words.is_empty() {
            all.push((variable, words));
        }
    }
    all
}

/// Whether compilers write a flag down.
fn is_written(word: &str) -> bool {
    ["-O", "-m", "-f"].iter().any(|kind| word.starts_with(kind)) && !NOT_WRITTEN.iter().any(|map| word.starts_with(map))
}

/// Whether a flag is in effect; `-flto` is with any number of jobs.
fn is_there(word: &str, text: &[&str]) -> bool {
    match word {
        "-flto" => text.iter().any(|known| *known == "-flto" || known.starts_with("-flto=")),
        _ => against(word, text).is_none(),
    }
}

fn variable_of(text: &str) -> Option<&'static str> {
    LANGUAGES.iter().find(|(begin, _)| text.starts_with(begin)).map(|(_, variable)| *variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(environment: &[(&str, &str)], overridden: &[Overridden], units: &[(&str, u64)]) -> (Outcome, String) {
        let own = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let units = units.iter().map(|(text, count)| ((*text).to_owned(), *count)).collect();
        let verified = verify(&own(environment), overridden, &units);
        (verified.outcome, verified.what)
    }

    const O3: &[(&str, &str)] =
        &[("DEB_CFLAGS_STRIP", "-O2"), ("DEB_CFLAGS_APPEND", "-O3 -Wall -fdebug-prefix-map=a=b")];

    #[test]
    fn flags_are_those_of_the_units_of_their_language() {
        let good = [("GNU C17 12.2.0 -g -O2 -O3 -fpic", 10), ("GNU AS 2.40", 3), ("GNU C++17 12.2.0 -O2", 4)];
        assert_eq!(check(O3, &[], &good), (Outcome::Held, "as asked for in 10 compiled units".to_owned()));
        let bad = [("GNU C17 12.2.0 -g -O3 -O2", 10), ("GNU C17 12.2.0 -O3", 2)];
        let what = "CFLAGS -O3: so in 2 of 12 units; CFLAGS without -O2: so in 2 of 12 units";
        assert_eq!(check(O3, &[], &bad), (Outcome::Failed, what.to_owned()));
        let lto = [("DEB_BUILD_OPTIONS", "parallel=2 optimize=+lto")];
        assert_eq!(check(&lto, &[], &[("GNU C17 12 -flto=auto", 1)]).0, Outcome::Held);
        assert_eq!(check(&lto, &[], &[("GNU C17 12 -O2", 1)]).1, "CFLAGS -flto: so in 0 of 1 unit");
    }

    #[test]
    fn what_cannot_be_read_is_said_plainly_and_a_packages_own_word_is_no_fault() {
        let none = "the files have no debug information of C, C++, Objective-C or Fortran that names flags";
        assert_eq!(check(O3, &[], &[("clang version 14", 3)]), (Outcome::Unknown, none.to_owned()));
        let own = |asked: &str| Overridden {
            variable: "CFLAGS".to_owned(),
            asked: asked.to_owned(),
            by: "DEB_CFLAGS_MAINT_STRIP=-O3".to_owned(),
        };
        let units = [("GNU C17 12.2.0 -O2", 1)];
        let nothing = "no flags that compilers write down were asked for";
        assert_eq!(check(O3, &[own("-O3"), own("without -O2")], &units), (Outcome::Held, nothing.to_owned()));
    }
}

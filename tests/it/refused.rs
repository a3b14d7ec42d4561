//! What chapters about bad input share: a small archive, recipes, and what every refusal has to say.

use std::fs;
use std::path::Path;

use crate::fixture::{Fixture, Making};
use crate::harness::{Call, Place, Ran};

/// An archive that is made in a moment; nothing can be built from it.
pub fn small() -> Fixture {
    Fixture::of(&Making::default().without_base())
}

/// The binary on that archive, with a cache of its own, so that nothing of another test stands in for a broken mirror.
pub fn on(place: &Place, fixture: &Fixture, words: &[&str]) -> Call {
    let cache = place.path().join("cache");
    place.cloudbuild_on(fixture, words).env("CLOUDBUILD_CACHE_DIR", cache.to_str().unwrap()).env(RETRIES, "0")
}

/// The setting for how often a mirror is asked again.
pub const RETRIES: &str = "CLOUDBUILD_MIRROR_RETRIES";

/// A campaign for these names, which are on line 4.
pub fn campaign(names: &str) -> String {
    format!(
        "local cb = require \"cloudbuild\"\nreturn cb.campaign \"x\" {{\n  sources = cb.apt.system(),\n  \
         packages = {{ {names} }},\n}}\n"
    )
}

/// A recipe that imports and orders for real, and returns the names in order; nothing is built.
pub fn listing(names: &str) -> String {
    format!(
        "local cb = require \"cloudbuild\"\nreturn cb.recipe {{ run = function(cb)\n  local all = cb.import()\n  \
         local order = cb.order {{ sources = all, packages = {{ {names} }} }}\n  local names = {{}}\n  \
         for at, job in order.jobs do names[at] = job.source end\n  return names\nend }}\n"
    )
}

/// Checks that a command was refused with this exit code, said all of this on standard error, and gave advice.
#[track_caller]
pub fn refused(ran: &Ran, code: i32, said: &[&str]) {
    assert_eq!((ran.code, ran.signal), (Some(code), None), "{ran:?}");
    // What is wrong with a recipe has a code.
    let begins = ["error: ", "error["]
        .iter()
        .any(|begin| ran.stderr.starts_with(begin) || ran.stderr.contains(&format!("\n{begin}")));
    assert!(begins, "{ran:?}");
    assert!(ran.stderr.contains("\nhint: "), "no advice in {ran:?}");
    for part in said {
        assert!(ran.stderr.contains(part), "`{part}` is not in {ran:?}");
    }
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
}

/// The document on standard output.
#[track_caller]
pub fn document(ran: &Ran) -> serde_json::Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error} in {ran:?}"))
}

/// The `error` of a refusal with `--json`, whose code and hint are checked.
#[track_caller]
pub fn error_document(ran: &Ran, exit: i32, code: &str) -> serde_json::Value {
    let error = document(ran)["error"].clone();
    assert_eq!((ran.code, error["exit"].as_i64()), (Some(exit), Some(exit.into())), "{ran:?}");
    assert_eq!(error["code"], code, "{ran:?}");
    assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{ran:?}");
    error
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

//! What is verified of built files: flags, whether packages can be installed, and an older processor; what breaks
//! machines is never published.

use serde_json::Value;

use crate::fixture::base::architecture;
use crate::fixture::{Fixture, Making};
use crate::harness::{Place, skip};
use crate::slow_outcomes::{document, has_in_order};

/// A campaign with these flags; `more` is what else is verified.
fn recipe(flags: &str, more: &str) -> String {
    format!(
        r#"local cb = require "cloudbuild"
return cb.campaign "checked" {{
  packages = {{ "tiny-flags" }},
  flags    = {{ cflags = {{ append = "{flags}" }} }},
  verify   = {{ flags = true, installable = true, isa = {{ arch = "armv6", fpu = "vfp" }}{more} }},
}}
"#
    )
}

/// What was verified of a job.
fn verified<'d>(summary: &'d Value, check: &str) -> Option<&'d Value> {
    let all = summary["verified"].as_array()?;
    all.iter().map(|one| &one["verified"]).find(|one| one["check"] == check)
}

#[test]
fn flags_are_read_from_built_files_and_what_an_older_processor_does_not_run_is_not_published() {
    if architecture() != "amd64" {
        return skip("an older processor", "its emulator is told of an amd64 one");
    }
    let fixture = Fixture::of(&Making::default());
    // The package takes the flag away again, which is its own word; an unknown CPU tells nothing, and says so.
    let place = Place::with_recipe("checked.lua", &recipe("-O3 -funroll-loops", ", run_under = \"Nehalem\""));
    let ran = place.cloudbuild_on(&fixture, &["checked.lua", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let summary = document(&ran);
    assert_eq!(verified(&summary, "flags"), None, "{summary:#}");
    assert_eq!(verified(&summary, "installable"), None, "{summary:#}");
    assert_eq!(verified(&summary, "run_under"), None, "{summary:#}");
    let isa = verified(&summary, "isa").unwrap();
    assert_eq!(
        (&isa["outcome"], &isa["what"]),
        (&"unknown".into(), &"1 compiled file, none of them for 32-bit ARM".into())
    );
    assert_eq!(summary["published"].as_array().unwrap().len(), 1, "{summary:#}");

    // The same program for a processor of today: the one of 2008 does not know its instructions.
    let text = recipe("-march=x86-64-v3", ", run_under = \"Nehalem\"");
    let place = Place::with_recipe("checked.lua", &text);
    let ran = place.cloudbuild_on(&fixture, &["checked.lua", "--json"]).run();
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let summary = document(&ran);
    let bad = verified(&summary, "run_under").unwrap();
    let what = "/usr/bin/tiny-flags has an instruction that Nehalem does not know";
    assert_eq!((&bad["outcome"], &bad["what"]), (&"failed".into(), &what.into()), "{summary:#}");
    assert_eq!(verified(&summary, "flags"), None, "{summary:#}");
    assert_eq!(summary["published"], Value::Array(Vec::new()), "{summary:#}");
    let shown = place.cloudbuild_on(&fixture, &["checked.lua"]).run();
    has_in_order(&shown.stdout, &[&format!("not verified: tiny-flags (amd64): `run_under`: {what}")]);
}

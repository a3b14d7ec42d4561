//! What is verified of built files: flags, whether packages can be installed, and an older processor; what breaks
//! machines is never published.

use serde_json::Value;

use crate::fixture::base::architecture;
use crate::fixture::{Fixture, Making};
use crate::harness::{Place, skip};
use crate::slow_outcomes::{document, has_in_order, values};

/// A campaign with these flags, for a variant with an index of its own; `more` is what else is verified.
fn recipe(flags: &str, more: &str) -> String {
    format!(
        r#"local cb = require "cloudbuild"
return cb.campaign "checked" {{
  packages = {{ "tiny-flags" }},
  arch     = cb.variant "own" {{ base = "amd64", tag = "amd64own", flags = "-fno-plt", index = "complete" }},
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
    let published = summary["published"].as_array().unwrap();
    assert_eq!(published.len(), 1, "{summary:#}");
    // This apt knows no variants, and still installed what only the variant's index lists.
    assert_eq!(published[0]["proof"].as_array().map(Vec::len), Some(1), "{summary:#}");
    let dists = place.state("checked").join("archive/dists/checked/main");
    let of = |arch: &str| values(&dists.join(format!("binary-{arch}/Packages")), "Package:");
    assert_eq!((of("amd64own"), of("amd64")), (vec!["tiny-flags".to_owned()], Vec::new()));

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

/// A file for an ARMv7 with NEON, as compilers mark it: its attributes and nothing else.
const FOR_ARM: &str = "\
    f0VMRgEBAQAAAAAAAAAAAAMAKAABAAAAAAAAAAAAAAA0AAAAAAAABTQAAAAAACgAAwACAAAAAAAAAAAAAAAAAAAAAA\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIAAAAAwAAcAAAAAAAAAAArAAAABsAAAAAAAAAAAAAAAEAAAAAAAAAAQAA\
    AAMAAAAAAAAAAAAAAMcAAAAYAAAAAAAAAAAAAAABAAAAAAAAAEEaAAAAYWVhYmkAARAAAAAFNy1BAAYKCgQMAQAubm\
    FtZXMALkFSTS5hdHRyaWJ1dGVzAA==";

#[test]
fn a_file_that_asks_for_more_than_an_instruction_set_is_named_and_its_package_is_not_published() {
    let fixture = Fixture::of(&Making::default());
    let place = Place::with_recipe(
        "board.lua",
        r#"local cb = require "cloudbuild"
return cb.campaign "board" {
  packages = { "tiny-builds" },
  overlay  = { cb.source_tree "acme-firmware" },
  verify   = { isa = { arch = "armv6", fpu = "vfp" } },
  prove    = false,
}
"#,
    );
    let rules = format!(
        "#!/usr/bin/make -f\nbuild: build-arch build-indep\nbuild-arch build-indep:\n\
         binary: binary-arch binary-indep\nbinary-indep:\nbinary-arch:\n\
         \tinstall -d debian/acme-firmware/usr/lib/firmware debian/acme-firmware/DEBIAN\n\
         \techo {FOR_ARM} | base64 -d >debian/acme-firmware/usr/lib/firmware/acme\n\
         \tdpkg-gencontrol -pacme-firmware -Pdebian/acme-firmware\n\
         \tdpkg-deb --root-owner-group --build debian/acme-firmware ..\n\
         clean:\n\trm -rf debian/acme-firmware debian/files\n.PHONY: build build-arch build-indep clean\n"
    );
    let control = "Source: acme-firmware\nSection: misc\nPriority: optional\n\
                   Maintainer: Fixture <fixture@example.org>\nStandards-Version: 4.6.2\nRules-Requires-Root: no\n\n\
                   Package: acme-firmware\nArchitecture: any\nDescription: firmware\n";
    let changelog = "acme-firmware (1.0) fixture; urgency=medium\n\n  * Builds.\n\n \
                     -- Fixture <fixture@example.org>  Thu, 01 Jan 2026 00:00:00 +0000\n";
    for (name, text) in
        [("rules", rules.as_str()), ("control", control), ("changelog", changelog), ("source/format", "3.0 (native)\n")]
    {
        let path = place.write(&format!("acme-firmware/debian/{name}"), text);
        if name == "rules" {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    let ran = place.cloudbuild_on(&fixture, &["board.lua", "--json"]).run();
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let summary = document(&ran);
    let all = summary["verified"].as_array().unwrap();
    let bad: Vec<&Value> = all.iter().filter(|one| one["verified"]["outcome"] == "failed").collect();
    assert_eq!((bad.len(), &bad[0]["source"]), (1, &"acme-firmware".into()), "{summary:#}");
    let what = bad[0]["verified"]["what"].as_str().unwrap();
    assert!(what.ends_with("`usr/lib/firmware/acme` asks for ARMv7, VFPv3-D16, NEON"), "{what}");
    let held_back = "is not published: `isa`: acme-firmware_1.0_";
    assert!(ran.stderr.contains(held_back), "{ran:?}");
    let index = place.state("board").join(format!("archive/dists/board/main/binary-{}/Packages", architecture()));
    assert_eq!(values(&index, "Package:"), ["tiny-builds"]);
}

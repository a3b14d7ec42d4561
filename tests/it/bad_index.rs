//! Indexes that are wrong in themselves, though the archive signed them: what cannot be read is named, the rest goes on.

use std::fs;

use crate::fixture::base::architecture;
use crate::fixture::{Fixture, write_index};
use crate::harness::Place;
use crate::refused::{document, listing, names, on, refused, small};

/// The folder of an index, and its name.
fn sources() -> (String, &'static str) {
    ("dists/fixture/main/source".to_owned(), "Sources")
}

fn packages() -> (String, &'static str) {
    (format!("dists/fixture/main/binary-{}", architecture()), "Packages")
}

/// Rewrites an index in all its forms, and signs.
fn rewrite(fixture: &Fixture, (folder, name): (String, &str), change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let folder = fixture.path(&folder);
    let changed = change(fs::read(folder.join(name)).unwrap());
    write_index(&folder, name, &changed);
    fixture.sign();
}

#[test]
fn a_malformed_stanza_is_named_with_file_line_and_package_and_the_rest_goes_on() {
    let fixture = small();
    rewrite(&fixture, sources(), |index| [&b"Package: broken\nBinary: x\n\n"[..], &index].concat());
    let lines = |index: &[u8]| index.iter().filter(|byte| **byte == b'\n').count();
    let mut last = 0;
    rewrite(&fixture, packages(), |index| {
        last = lines(&index) + 1;
        [&index[..], b"Package: latin\nVersion: \xe4\n\n"].concat()
    });
    let url = fixture.url();
    let said = [
        format!(
            "{url}/dists/fixture/main/source/Sources: line 1, package `broken`: expected a field `Version`, got none"
        ),
        format!(
            "{url}/dists/fixture/main/binary-{}/Packages: line {last}, package `latin`: `Version`: expected UTF-8, \
             got `\u{fffd}`",
            architecture()
        ),
    ];
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    let offer = document(&on(&place, &fixture, &["import", "--json"]).run());
    assert_eq!((&offer["malformed"], &offer["sources"]), (&serde_json::json!(said), &9.into()));
    let ran = on(&place, &fixture, &["x.lua"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for said in said {
        assert!(ran.stdout.contains(&format!("note: {said}; left out\n")), "no `{said}` in {ran:?}");
    }
}

#[test]
fn an_index_of_no_bytes_lists_nothing() {
    let fixture = small();
    rewrite(&fixture, packages(), |_| Vec::new());
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    let offer = document(&on(&place, &fixture, &["import", "--json"]).run());
    assert_eq!(
        (&offer["packages"], &offer["sources"], &offer["malformed"]),
        (&0.into(), &9.into(), &serde_json::json!([]))
    );
    let ran = on(&place, &fixture, &["x.lua"]).run();
    assert_eq!(ran.code, Some(0), "its sources can be put in order: {ran:?}");
    rewrite(&fixture, sources(), |_| Vec::new());
    let said = ["the imported suites list no source packages", "hint: add `deb-src` entries"];
    refused(&on(&place, &fixture, &["x.lua", "--restart"]).run(), 3, &said);
    // Blank lines are no stanzas either.
    rewrite(&fixture, sources(), |_| b"\n\n \n".to_vec());
    refused(&on(&place, &fixture, &["x.lua", "--restart"]).run(), 3, &said);
    let offer = document(&on(&place, &fixture, &["import", "--json"]).run());
    assert_eq!((&offer["sources"], &offer["malformed"]), (&0.into(), &serde_json::json!([])));
}

#[test]
fn a_compressed_index_of_no_bytes_is_told_with_its_file() {
    let fixture = small();
    let (folder, name) = sources();
    for suffix in [".xz", ".gz"] {
        fs::write(fixture.path(&format!("{folder}/{name}{suffix}")), b"").unwrap();
    }
    fs::remove_file(fixture.path(&format!("{folder}/{name}"))).unwrap();
    fixture.sign();
    let place = Place::new();
    refused(&on(&place, &fixture, &["import"]).run(), 5, &["/source/Sources", "fixture.sources:1", "hint: "]);
    assert_eq!(names(place.path()), ["cache"]);
}

#[test]
fn a_stanza_that_is_far_too_long_is_left_out_and_its_field_is_named() {
    let fixture = small();
    // Well over the limit, and it packs well: nobody's memory or mirror suffers.
    let long = "x".repeat(20 << 20);
    rewrite(&fixture, sources(), |index| [format!("Package: long\nComment: {long}\n\n").as_bytes(), &index].concat());
    let place = Place::new();
    let offer = document(&on(&place, &fixture, &["import", "--json"]).run());
    let said = offer["malformed"][0].as_str().unwrap();
    let expected = "Sources: line 1, package `long`: expected a stanza of at most 16777216 bytes, got 20971544 \
                    (`Comment` alone has 20971520)";
    assert!(said.ends_with(expected), "{said}");
    assert_eq!(offer["sources"], 9);
}

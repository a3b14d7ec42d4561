//! Mirrors that are wrong: each told with its address, what was expected and what came; once the mirror is right
//! again, the same command goes on.

use std::fs;
use std::net::TcpListener;

use crate::fixture::key::Key;
use crate::fixture::server::Fault;
use crate::fixture::{Fixture, write_index};
use crate::harness::Place;
use crate::refused::{RETRIES, document, error_document, listing, on, refused, small};

/// Every file that an index can be read from.
const SOURCES: [&str; 3] = ["/source/Sources", "/source/Sources.xz", "/source/Sources.gz"];

/// A run that the mirror stops, and that comes to its end once the mirror was mended.
#[track_caller]
fn stops_a_run(fixture: &Fixture, said: &[&str], mend: impl FnOnce()) {
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    let imported = on(&place, fixture, &["import", "--json"]).run();
    let error = error_document(&imported, 5, "infrastructure");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(said[0]), "`{}` is not in {message}", said[0]);
    refused(&on(&place, fixture, &["import"]).run(), 5, said);
    assert!(!place.state("x").exists(), "an import makes no state");
    refused(&on(&place, fixture, &["x.lua"]).run(), 5, said);
    assert_eq!(on(&place, fixture, &["status"]).run().code, Some(0), "the state can be read");

    mend();
    let ran = on(&place, fixture, &["x.lua", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(document(&ran)["result"], serde_json::json!(["tiny-builds"]));
}

/// As `stops_a_run`, for what the server does to some files; where they are is part of what has to be said.
#[track_caller]
fn fault_stops_a_run(suffixes: &[&str], fault: &Fault, said: &[&str]) {
    let fixture = small();
    for suffix in suffixes {
        fixture.server.fault(suffix, fault.clone());
    }
    let entry = "sources.list.d/fixture.sources:1)";
    stops_a_run(&fixture, &[&[said[0], entry], &said[1..]].concat(), || fixture.server.heal());
}

#[test]
fn an_inrelease_that_is_not_signed_stops_the_import() {
    let fixture = small();
    let release = fs::read(fixture.path("dists/fixture/Release")).unwrap();
    fixture.server.fault("/InRelease", Fault::Bytes(release));
    stops_a_run(&fixture, &["InRelease`", "expected a signed text, got one without a signature"], || {
        fixture.server.heal()
    });

    for name in ["InRelease", "Release.gpg"] {
        fs::remove_file(fixture.path("dists/fixture").join(name)).unwrap();
    }
    let said = ["/Release`", "expected a signed text, got one without a signature"];
    stops_a_run(&fixture, &said, || fixture.sign());

    for name in ["InRelease", "Release", "Release.gpg"] {
        fs::remove_file(fixture.path("dists/fixture").join(name)).unwrap();
    }
    let said = ["expected a signed Release file, got none", "check URI and suite"];
    stops_a_run(&fixture, &said, || fixture.sign());
}

#[test]
fn an_inrelease_of_another_key_stops_the_import() {
    let fixture = small();
    fixture.sign_as(&Key::make("Somebody Else <else@example.org>"), str::to_owned);
    let said = ["InRelease`", "expected a signature by", "got signatures by", "if the archive changed its key"];
    stops_a_run(&fixture, &said, || fixture.sign());
}

#[test]
fn an_inrelease_that_was_changed_after_it_was_signed_stops_the_import() {
    let fixture = small();
    let signed = fs::read_to_string(fixture.path("dists/fixture/InRelease")).unwrap();
    let changed = signed.replace("Label: Fixture", "Label: Other");
    assert_ne!(signed, changed);
    fixture.server.fault("/InRelease", Fault::Bytes(changed.into_bytes()));
    stops_a_run(&fixture, &["the signature does not match", "try another mirror"], || fixture.server.heal());
}

#[test]
fn an_inrelease_that_expired_or_is_of_the_future_stops_the_import() {
    let fixture = small();
    fixture.sign_as(&fixture.key, |release| format!("Valid-Until: Thu, 01 Jan 2026 00:00:00 UTC\n{release}"));
    let said = ["got one that was valid until 2026-01-01", "`Check-Valid-Until: no`"];
    stops_a_run(&fixture, &said, || fixture.sign());

    let dated = |line: &str| {
        if line.starts_with("Date: ") { "Date: Thu, 01 Jan 2099 00:00:00 UTC" } else { line }.to_owned() + "\n"
    };
    fixture.sign_as(&fixture.key, |release| release.lines().map(dated).collect());
    let said = ["expected a Release file of the past, got one dated 2099-01-01", "check this machine's clock"];
    stops_a_run(&fixture, &said, || fixture.sign());
}

#[test]
fn an_index_of_another_hash_or_size_stops_the_import() {
    let other = |length: usize| Fault::Bytes(vec![b'x'; length]);
    let fixture = small();
    let sizes = SOURCES.map(|suffix| {
        let file = fixture.path(&format!("dists/fixture/main{suffix}"));
        (suffix, usize::try_from(fs::metadata(file).unwrap().len()).unwrap())
    });
    for (suffix, size) in sizes {
        fixture.server.fault(suffix, other(size));
    }
    stops_a_run(&fixture, &["/source/Sources", "expected ", " bytes with SHA-256 `", "changing or damaged"], || {
        fixture.server.heal()
    });
    for (suffix, size) in sizes {
        fixture.server.fault(suffix, other(size + 100));
    }
    stops_a_run(&fixture, &["/source/Sources", "expected ", " bytes, got ", "changing or damaged"], || {
        fixture.server.heal()
    });
}

#[test]
fn a_transfer_that_breaks_off_stops_the_import() {
    fault_stops_a_run(
        &["/InRelease"],
        &Fault::Truncate(10),
        &["InRelease`", "got only 10 bytes", "the mirror broke off"],
    );
    fault_stops_a_run(
        &SOURCES,
        &Fault::Truncate(10),
        &["/source/Sources", "got only 10 bytes", "the mirror broke off"],
    );
}

#[test]
fn a_redirect_to_another_host_stops_the_import() {
    let to = || Fault::Redirect("http://other.example.org/InRelease".to_owned());
    let said =
        ["InRelease`", "got a redirect to `other.example.org`", "put the other host into the entry if you trust it"];
    fault_stops_a_run(&["/InRelease"], &to(), &said);
    fault_stops_a_run(&SOURCES, &to(), &["/source/Sources", "got a redirect to `other.example.org`"]);
}

#[test]
fn a_mirror_that_is_down_stops_the_import_after_it_was_asked_again() {
    let fixture = small();
    let place = Place::new();
    fixture.server.fault("", Fault::Status(500));
    let ran = on(&place, &fixture, &["import"]).env(RETRIES, "1").run();
    refused(&ran, 5, &["expected the file, got HTTP 500", "sources.list.d/fixture.sources:1"]);
    assert_eq!(fixture.server.count("/InRelease"), 2);
    fixture.server.heal();
    fixture.server.fault_times("/InRelease", Fault::Status(503), 1);
    assert_eq!(on(&place, &fixture, &["import"]).env(RETRIES, "1").run().code, Some(0), "one more try is enough");

    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fixture.write_sources(&format!(
        "Types: deb deb-src\nURIs: http://{gone}\nSuites: fixture\nComponents: main\nSigned-By: KEY\n"
    ));
    let said = [format!("`http://{gone}/dists/fixture/InRelease`"), "expected an answer, got none".to_owned()];
    refused(&on(&place, &fixture, &["import"]).run(), 5, &said.each_ref().map(String::as_str));
}

#[test]
fn a_component_that_a_suite_lacks_is_noted_and_an_entry_with_no_other_is_refused() {
    let fixture = small();
    let place = Place::new();
    let entry = |components: &str| {
        format!("Types: deb deb-src\nURIs: URL\nSuites: fixture\nComponents: {components}\nSigned-By: KEY\n")
    };
    fixture.write_sources(&entry("main contrib"));
    let ran = on(&place, &fixture, &["import", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let note = document(&ran)["notes"][0].as_str().unwrap().to_owned();
    assert!(note.contains("has no component `contrib`, it has `main`"), "{note}");
    fixture.write_sources(&entry("contrib"));
    let said = ["has no component `contrib`, it has `main`", "sources.list.d/fixture.sources:1"];
    refused(&on(&place, &fixture, &["import"]).run(), 5, &said);
}

#[test]
fn source_lists_without_an_entry_say_where_was_looked_and_how_one_looks() {
    let fixture = small();
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    fs::remove_file(fixture.apt_root().join("sources.list.d/fixture.sources")).unwrap();
    let said = ["expected APT entries in `", "/sources.list.d`, got none", "hint: add one such as `deb http"];
    refused(&on(&place, &fixture, &["import"]).run(), 5, &said);
    refused(&on(&place, &fixture, &["x.lua"]).run(), 5, &[&["x.lua:3: `cb.import`: "], &said[..]].concat());

    place.write("empty.list", "# nothing\n");
    place.write("broken.list", "deb\n");
    place.write("broken.sources", "Types: deb\nURIs: http://deb.example.org\nComponents: main\n");
    let cases = [
        ("none.list", "none.list`, got none: No such file"),
        ("empty.list", "empty.list`, got none\n"),
        ("broken.list", "broken.list:1: expected a URI after `deb`"),
        ("broken.sources", "broken.sources:1: expected a field `Suites`"),
    ];
    for (file, said) in cases {
        refused(&on(&place, &fixture, &["import", file]).run(), 2, &[said]);
    }
}

#[test]
fn suites_without_sources_cannot_be_built_from() {
    let fixture = small();
    write_index(&fixture.path("dists/fixture/main/source"), "Sources", b"");
    fixture.sign();
    let place = Place::with_recipe("x.lua", &listing("\"tiny-builds\""));
    let said = ["the imported suites list no source packages", "hint: add `deb-src` entries"];
    refused(&on(&place, &fixture, &["x.lua"]).run(), 3, &said);
    refused(&on(&place, &fixture, &["plan", "x.lua"]).run(), 3, &said);
}

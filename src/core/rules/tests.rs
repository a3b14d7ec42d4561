use super::*;
use crate::core::archive::tests::stanza;
use crate::core::debian::{packages, sources};

const SOURCES: &str = "Package: curl\nVersion: 1\nDirectory: x\nSection: web\nBinary: curl, libcurl4,\n libcurl4-doc\n\
    Package-List:\n curl deb web optional arch=any\n libcurl4 deb libs important arch=any\n\
    Build-Depends: debhelper (>= 13), libssl-dev | libgnutls28-dev, libonly-arm-dev [any-arm]\n\
    Build-Depends-Indep: doc-tool <!nodoc>\n";

/// Whether a rule's match, as JSON, holds for curl.
fn holds(json: &str) -> bool {
    let packages = [
        stanza("libssl-dev", "3", "Source: openssl (3.0)\n"),
        stanza("doc-tool-ng", "1", "Source: doc-tool-src\nProvides: doc-tool\n"),
    ]
    .concat();
    let (packages, _) = packages::read(packages.as_bytes());
    let (sources, malformed) = sources::read(SOURCES.as_bytes());
    assert!(malformed.is_empty());
    let origins = Origins::of(packages);
    let facts = Facts::new(sources[0], "main", "amd64", "amd64", &origins);
    let when: Match = serde_json::from_str(json).unwrap();
    when.holds(&facts)
}

#[test]
fn a_rule_finds_packages_by_what_is_known_of_them() {
    for json in [
        "{}",
        r#"{"name": ["zlib", "cu?l"]}"#,
        r#"{"section": ["web"]}"#,
        r#"{"priority": ["important"]}"#,
        r#"{"component": ["main"]}"#,
        r#"{"arch": ["any-amd64"]}"#,
        r#"{"binary": ["lib*-doc"]}"#,
        r#"{"name": ["curl"], "section": ["web", "net"]}"#,
    ] {
        assert!(holds(json), "{json}");
    }
    for json in [
        r#"{"name": ["cur"]}"#,
        r#"{"section": ["libs"]}"#,
        r#"{"priority": ["required"]}"#,
        r#"{"component": ["contrib"]}"#,
        r#"{"arch": ["all", "armhf"]}"#,
        r#"{"binary": ["lib?curl"]}"#,
        r#"{"name": ["curl"], "section": ["net"]}"#,
    ] {
        assert!(!holds(json), "{json}");
    }
}

#[test]
fn uses_names_a_build_dependency_or_the_source_behind_it() {
    for json in ["libssl-dev", "openssl", "libgnutls28-dev", "debhelper", "doc-tool", "doc-tool-src"] {
        assert!(holds(&format!(r#"{{"uses": ["{json}"]}}"#)), "{json}");
    }
    for json in ["libonly-arm-dev", "libssl", "doc-tool-ng"] {
        assert!(!holds(&format!(r#"{{"uses": ["{json}"]}}"#)), "{json}");
    }
}

#[test]
fn a_section_is_found_with_and_without_its_component() {
    assert!(section_is(b"contrib/libs", b"libs") && section_is(b"contrib/libs", b"contrib/libs"));
    assert!(section_is(b"libs", b"libs") && !section_is(b"oldlibs", b"libs") && !section_is(b"", b"libs"));
}

#[test]
fn a_star_is_any_text() {
    for (pattern, name) in [("*", ""), ("lib*", "lib"), ("*-dev", "a-dev-dev"), ("a*b*c", "axbxbc"), ("?", "x")] {
        assert!(glob(pattern, name.as_bytes()), "{pattern} {name}");
    }
    for (pattern, name) in [("", "x"), ("?", ""), ("lib*x", "lib"), ("*-dev", "dev"), ("a*b", "abc")] {
        assert!(!glob(pattern, name.as_bytes()), "{pattern} {name}");
    }
    assert!(!glob(&"*a".repeat(200), "a".repeat(150).as_bytes()), "it ends");
}

#[test]
fn rules_that_hold_for_nothing_are_named() {
    let rule = |name: &str, at: Option<&str>| Rule {
        when: Match { name: vec![name.to_owned()], ..Match::default() },
        set: FlagSet::default(),
        at: at.map(str::to_owned),
    };
    let (sources, _) = sources::read(SOURCES.as_bytes());
    let origins = Origins::default();
    let facts = [Facts::new(sources[0], "main", "amd64", "amd64", &origins)];
    let rules = [rule("curl", None), rule("curk", Some("oem.lua:7")), rule("x*", None)];
    assert_eq!(unused(&rules, &facts), ["rule 2 (oem.lua:7)", "rule 3"]);
}

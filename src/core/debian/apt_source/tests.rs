//! What apt reads, and how it is put together.

use super::*;

/// One line an entry, as compact as it can be.
fn shown(entry: &AptEntry) -> String {
    let components: Vec<String> = entry
        .components
        .iter()
        .map(|one| {
            let source = match one.source {
                Wanted::Declared => "src",
                Wanted::Derived => "derived",
            };
            format!("{}({}{source})", one.name, if one.binary { "bin " } else { "" })
        })
        .collect();
    format!("{} {} {} {}", entry.origin, entry.uri, entry.suite, components.join(" "))
}

fn check(file: &str, text: &str, expected: &[&str]) -> Vec<AptEntry> {
    let entries = merge(parse(file, text.as_bytes()).unwrap()).unwrap();
    assert_eq!(entries.iter().map(shown).collect::<Vec<_>>(), expected);
    entries
}

fn error(file: &str, text: &str) -> String {
    parse(file, text.as_bytes()).and_then(merge).unwrap_err().to_string()
}

#[test]
fn deb_and_deb_src_lines_of_one_suite_are_one_entry() {
    check(
        "a.list",
        "# nothing\n\ndeb http://deb.example.org/debian/ trixie main contrib # tail\n\
         deb-src http://deb.example.org/debian trixie main\ndeb-src http://other.example.org/ sid main\n",
        &[
            "a.list:3 http://deb.example.org/debian trixie main(bin src) contrib(bin derived)",
            "a.list:5 http://other.example.org sid main(src)",
        ],
    );
}

#[test]
fn options_of_a_line_are_read_and_unknown_ones_ignored() {
    let entries = check(
        "a.list",
        "deb [ arch=amd64,arm64 signed-by=/k/a.gpg,/k/b.asc trusted=no check-valid-until=no by-hash=force lang=de ] \
         https://deb.example.org trixie main",
        &["a.list:1 https://deb.example.org trixie main(bin derived)"],
    );
    let entry = &entries[0];
    let files = vec!["/k/a.gpg".to_owned(), "/k/b.asc".to_owned()];
    assert_eq!(entry.signed_by, Some(SignedBy::Keys { files, fingerprints: vec![] }));
    assert_eq!((entry.trusted, entry.check_valid_until, entry.by_hash), (Some(false), Some(false), ByHash::Force));
    assert!(entry.for_architecture("arm64").is_some());
    assert!(entry.for_architecture("armhf").is_none());
}

#[test]
fn an_entry_for_another_architecture_still_serves_its_declared_sources() {
    let entries = check(
        "a.list",
        "deb [arch=armhf] http://deb.example.org/$(ARCH) x main\ndeb-src http://deb.example.org/$(ARCH) x main\n",
        &["a.list:1 http://deb.example.org/$(ARCH) x main(bin src)"],
    );
    let entry = entries[0].for_architecture("amd64").unwrap();
    assert_eq!(shown(&entry), "a.list:1 http://deb.example.org/amd64 x main(src)");
}

#[test]
fn architectures_can_be_added_and_removed() {
    let serve = |option: &str, architecture: &str| {
        let line = format!("deb [{option}] http://deb.example.org x main");
        parse("a.list", line.as_bytes()).unwrap()[0].components[0].architectures.serve(architecture)
    };
    assert!(serve("arch+=armhf", "amd64") && serve("arch+=armhf", "armhf"));
    assert!(serve("arch-=armhf", "amd64") && !serve("arch-=armhf", "armhf"));
}

#[test]
fn flat_archives_and_cdroms_are_entries() {
    check(
        "a.list",
        "deb file:/srv/flat ./\ndeb cdrom:[Debian GNU/Linux 12 _Bookworm_]/ bookworm main\n",
        &[
            "a.list:1 file:/srv/flat ./ (bin derived)",
            "a.list:2 cdrom:[Debian GNU/Linux 12 _Bookworm_] bookworm main(bin derived)",
        ],
    );
}

#[test]
fn a_paragraph_stands_for_each_of_its_uris_and_suites() {
    let entries = check(
        "d.sources",
        "# head\n\nTypes: deb deb-src\n# in between\nURIs: http://a.example.org/debian http://b.example.org\n\
         Suites: x\n# in a value\n y\nComponents: main\nSigned-By: /k/a.gpg\nX-Repolib-Name: whatever\n\n\
         Enabled: no\nTypes: deb\nURIs: http://off.example.org\nSuites: x\nComponents: main\n",
        &[
            "d.sources:3 http://a.example.org/debian x main(bin src)",
            "d.sources:3 http://a.example.org/debian y main(bin src)",
            "d.sources:3 http://b.example.org x main(bin src)",
            "d.sources:3 http://b.example.org y main(bin src)",
        ],
    );
    assert_eq!((entries[0].host(), entries[0].file_stem()), ("a.example.org", "d"));
}

#[test]
fn a_key_can_be_written_into_the_file() {
    let entries = parse(
        "d.sources",
        b"Types: deb\nURIs: http://a.example.org\nSuites: x/\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n \
          abc=\n -----END PGP PUBLIC KEY BLOCK-----\n",
    )
    .unwrap();
    let key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc=\n-----END PGP PUBLIC KEY BLOCK-----";
    assert_eq!(entries[0].signed_by, Some(SignedBy::Inline(key.to_owned())));
}

#[test]
fn fingerprints_are_told_from_paths() {
    let fingerprint = "a".repeat(40);
    let text = format!("deb [signed-by={fingerprint}!,/k/a.gpg] http://a.example.org x main");
    let expected = SignedBy::Keys {
        files: vec!["/k/a.gpg".to_owned()],
        fingerprints: vec![format!("{}!", fingerprint.to_uppercase())],
    };
    assert_eq!(parse("a.list", text.as_bytes()).unwrap()[0].signed_by, Some(expected));
}

#[test]
fn entries_that_contradict_each_other_are_refused() {
    let got = error(
        "a.list",
        "deb [signed-by=/k/a.gpg] http://a.example.org x main\n\
         deb [signed-by=/k/b.gpg] http://a.example.org x contrib\n",
    );
    assert!(got.starts_with("a.list:2: expected `Signed-By` to be as in a.list:1"), "{got}");
    assert!(got.contains("\nhint: "), "{got}");
}

#[test]
fn mistakes_are_said_with_file_and_line() {
    for (file, text, expected) in [
        ("a.list", "\nrpm http://a.example.org x main", "a.list:2: expected `deb` or `deb-src`, got `rpm`"),
        (
            "a.list",
            "deb http://a.example.org x",
            "a.list:1: expected components such as `main` for suite `x`, got none",
        ),
        ("a.list", "deb http://a.example.org x/ main", "a.list:1: expected no components for suite `x/`, got `main`"),
        ("a.list", "deb [arch] http://a.example.org x main", "a.list:1: expected an option such as `arch=amd64`"),
        ("a.list", "deb [arch=a http://a.example.org x main", "a.list:1: expected `]` after the options"),
        ("a.list", "deb /srv/archive x main", "a.list:1: expected a URI such as"),
        ("a.list", "deb [signed-by=key.gpg] http://a.example.org x main", "a.list:1: expected an absolute path"),
        ("d.sources", "\nTypes: deb\nSuites: x\nComponents: main\n", "d.sources:2: expected a field `URIs`"),
        ("d.sources", "Types: deb\nURIs: http://a.example.org\nSuites: x\n", "d.sources:1: expected `Components`"),
        ("d.sources", "URIs: http://a.example.org\n", "d.sources:1: expected a field `Types`"),
    ] {
        let got = error(file, text);
        assert!(got.starts_with(expected), "{got}");
    }
}

#[test]
fn only_names_that_apt_accepts_are_source_lists() {
    for name in ["debian.sources", "a-b_c.1.list"] {
        assert!(is_source_list(name), "{name}");
    }
    for name in ["a.list.disabled", "a b.list", ".list", ".hidden.list", "a.list~", "a.conf"] {
        assert!(!is_source_list(name), "{name}");
    }
}

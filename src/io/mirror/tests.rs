//! Archives that can be read; see the siblings for those that cannot.

use std::fs;

use crate::core::ids::Sha256;
use crate::core::pinned::{IndexKind, Role};
use crate::core::recipe::AptSources;

mod apt;
mod bad;
mod roles;
mod support;

use support::*;

#[test]
fn every_compression_gives_the_same_indexes() {
    for form in [".xz", ".gz", ".zst", ""] {
        for more in [None, Some("")] {
            let forms: Vec<&str> = [form].into_iter().chain(more).collect();
            let machine = Machine::new();
            let server = machine.archive(&Made { forms: forms.leak(), ..Made::default() });
            machine.list(&format!("deb {} {} x main", machine.signed_by(), server.url()));
            let imported = machine.import().unwrap();
            let suite = &imported.suites[0];
            assert_eq!(
                (suite.origin.as_str(), suite.codename.as_str(), suite.role),
                ("Example", "x", Role::Distribution)
            );
            assert_eq!(suite.date, Some(at("2026-02-01T00:00:00Z").as_second()));
            let kinds: Vec<&IndexKind> = suite.indexes.iter().map(|index| &index.kind).collect();
            assert_eq!(kinds, [&IndexKind::Sources, &IndexKind::Packages("amd64".to_owned())]);
            assert_eq!(machine.index(&suite.indexes[0].sha256), SOURCES);
            assert_eq!(machine.index(&suite.indexes[1].sha256), PACKAGES);
            assert_eq!(imported.notes, [""; 0]);
        }
    }
}

#[test]
fn an_archive_can_be_a_directory() {
    let machine = Machine::new();
    drop(machine.archive(&Made::default()));
    for scheme in ["file:", "file://", "copy:"] {
        let line = format!("deb {} {scheme}{} x main", machine.signed_by(), machine.path("archive").display());
        machine.list(&line);
        assert_eq!(machine.import().unwrap().suites[0].indexes.len(), 2, "{line}");
    }
}

#[test]
fn release_with_a_detached_signature_is_taken_where_there_is_no_inrelease() {
    let machine = Machine::new();
    let made = Made { inline: false, ..Made::default() };
    let server = machine.archive(&made);
    let release = fs::read(machine.path("archive/dists/x/Release")).unwrap();
    machine.list(&format!("deb {} {} x main", machine.signed_by(), server.url()));
    assert_eq!(machine.import().unwrap().suites[0].release_sha256, Sha256::of(&release));
}

#[test]
fn the_keys_are_those_that_apt_would_take() {
    let machine = Machine::new();
    let server = machine.archive(&Made::default());
    let other = machine.path("other.asc");
    fs::write(&other, key().public_armored()).unwrap();
    let apt = &machine.settings.apt_root;
    let (url, ours, other) = (server.url(), machine.path("key.asc"), other.display());
    let fingerprint = machine.key.fingerprint();
    let check = |options: &str| {
        machine.list(&format!("deb {options} {url} x main"));
        machine.import().map(|_| ()).map_err(|error| error.to_string())
    };
    check(&format!("[signed-by={}]", ours.display())).unwrap();
    check(&format!("[signed-by={other},{}]", ours.display())).unwrap();
    check(&format!("[signed-by={},{fingerprint}]", ours.display())).unwrap();
    let error = check(&format!("[signed-by={},{}]", ours.display(), "A".repeat(40))).unwrap_err();
    assert!(error.contains("got signatures by"), "{error}");
    let error = check("").unwrap_err();
    assert!(error.contains("there is none"), "{error}");
    fs::copy(&ours, apt.join("trusted.gpg.d/ours.asc")).unwrap();
    check("").unwrap();
    check(&format!("[signed-by={fingerprint}]")).unwrap();
    let error = check(&format!("[signed-by={other}]")).unwrap_err();
    assert!(error.contains(&fingerprint), "{error}");
    fs::write(apt.join("trusted.gpg.d/broken.gpg"), "no key").unwrap();
    check("").unwrap();
}

#[test]
fn a_key_can_be_inside_of_the_source_list() {
    let machine = Machine::new();
    let server = machine.archive(&Made::default());
    let armored = machine.key.public_armored();
    let lines = armored.lines().map(|line| format!(" {}\n", if line.is_empty() { "." } else { line }));
    let text = format!(
        "Types: deb\nURIs: {}\nSuites: x\nComponents: main\nSigned-By:\n{}",
        server.url(),
        lines.collect::<String>()
    );
    fs::write(machine.settings.apt_root.join("sources.list.d/a.sources"), text).unwrap();
    fs::write(machine.settings.apt_root.join("sources.list.d/a.list.disabled"), "nonsense").unwrap();
    let imported = machine.import().unwrap();
    assert!(imported.suites[0].entry.ends_with("a.sources:1"), "{}", imported.suites[0].entry);
}

#[test]
fn indexes_are_fetched_by_hash_where_the_archive_offers_that() {
    let machine = Machine::new();
    let made = Made { by_hash: true, ..Made::default() };
    let server = machine.archive(&made);
    machine.list(&format!("deb {} {} x main", machine.signed_by(), server.url()));
    machine.import().unwrap();
    let hashed = server.requests().iter().filter(|path| path.contains("/by-hash/SHA256/")).count();
    assert_eq!((hashed, server.requests().len()), (2, 3));
}

#[test]
fn without_the_by_hash_folder_the_name_is_taken() {
    let machine = Machine::new();
    let server = machine.archive(&Made::default());
    let options = format!("[by-hash=force signed-by={}]", machine.path("key.asc").display());
    machine.list(&format!("deb {options} {} x main", server.url()));
    machine.import().unwrap();
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn an_index_that_is_in_the_store_is_not_fetched_again() {
    let machine = Machine::new();
    let server = machine.archive(&Made::default());
    machine.list(&format!("deb {} {} x main", machine.signed_by(), server.url()));
    let first = machine.import().unwrap();
    assert_eq!(machine.import().unwrap().id(), first.id());
    let names: Vec<String> = server.requests();
    assert_eq!(names.iter().filter(|path| path.contains("InRelease")).count(), 2);
    assert_eq!(names.len(), 4);
}

#[test]
fn a_flat_archive_has_no_components() {
    let machine = Machine::new();
    let made = Made {
        suite: "./",
        head: format!("Origin: Flat\n{DATE}"),
        indexes: vec![("Packages", PACKAGES.to_owned()), ("Sources", SOURCES.to_owned())],
        ..Made::default()
    };
    let server = machine.archive(&made);
    machine.list(&format!("deb {} {} ./", machine.signed_by(), server.url()));
    let suite = machine.import().unwrap().suites.remove(0);
    assert_eq!((suite.suite.as_str(), suite.indexes.len(), suite.indexes[0].component.as_str()), ("./", 2, ""));
}

#[test]
fn not_automatic_is_recorded() {
    let machine = Machine::new();
    let mut made = Made::default();
    made.head.push_str("NotAutomatic: yes\nButAutomaticUpgrades: yes\n");
    let server = machine.archive(&made);
    machine.list(&format!("deb {} {} x main", machine.signed_by(), server.url()));
    let suite = machine.import().unwrap().suites.remove(0);
    assert!(suite.not_automatic && suite.but_automatic_upgrades);
}

#[test]
fn trusted_archives_are_used_with_a_note() {
    let machine = Machine::new();
    let server = machine.archive(&Made::default());
    machine.list(&format!("deb [trusted=yes] {} x main", server.url()));
    let imported = machine.import().unwrap();
    assert!(imported.notes[0].contains("`Trusted: yes`"), "{:?}", imported.notes);
    assert_eq!(machine.index(&imported.suites[0].indexes[0].sha256), SOURCES);
}

#[test]
fn a_trusted_archive_needs_no_release_file() {
    let machine = Machine::new();
    for (suite, folder) in [("./", ""), ("x main", "dists/x/main/binary-amd64/")] {
        let path = machine.path("archive").join(folder);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("Packages.gz"), compress(".gz", PACKAGES.as_bytes())).unwrap();
        machine.list(&format!("deb [trusted=yes] file:{} {suite}", machine.path("archive").display()));
        let imported = machine.import().unwrap();
        assert!(imported.notes[0].contains("it has no Release file"), "{:?}", imported.notes);
        assert_eq!(machine.index(&imported.suites[0].indexes[0].sha256), PACKAGES);
        fs::remove_dir_all(machine.path("archive")).unwrap();
        let error = machine.import().unwrap_err().to_string();
        assert!(error.contains("expected a signed Release file, got none"), "{error}");
    }
}

#[test]
fn an_unsigned_archive_is_taken_where_the_entry_allows_it() {
    let machine = Machine::new();
    let server = machine.archive(&Made { inline: false, ..Made::default() });
    fs::remove_file(machine.path("archive/dists/x/Release.gpg")).unwrap();
    machine.list(&format!("deb [allow-insecure=yes] {} x main", server.url()));
    assert!(machine.import().unwrap().notes[0].contains("`Allow-Insecure: yes`"));
    machine.list(&format!("deb [trusted=no] {} x main", server.url()));
    assert!(machine.import().unwrap_err().to_string().contains("`Trusted: no`"));
}

#[test]
fn a_file_is_fetched_once_and_verified() {
    let machine = Machine::new();
    let server = machine.archive(&Made::default());
    fs::create_dir_all(machine.path("archive/pool")).unwrap();
    fs::write(machine.path("archive/pool/a+b_1~2_amd64.deb"), "hello").unwrap();
    let (mirror, sha256) = (machine.mirror(), Sha256::of(b"hello"));
    server.on("/pool/a%2bb_1~2_amd64.deb", &[Answer::Status(503), Answer::Bytes(b"hello".to_vec())]);
    let fetch = |size| run(mirror.fetch(&server.url(), "pool/a+b_1~2_amd64.deb", &sha256, size));
    assert!(fetch(6).unwrap_err().to_string().contains("expected 6 bytes, got only 5 bytes"));
    let path = fetch(5).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"hello");
    let before = server.requests().len();
    assert_eq!(fetch(5).unwrap(), path);
    assert_eq!(server.requests().len(), before);
}

#[test]
fn credentials_go_to_their_host_only_and_are_never_shown() {
    let mut machine = Machine::new();
    let server = machine.archive(&Made::default());
    let other = Server::new(&machine.path("archive"));
    machine.settings.redirects_to_other_hosts = true;
    let packages = "/dists/x/main/source/Sources";
    server.on(packages, &[Answer::Redirect(format!("{}{packages}", other.url()))]);
    machine.list(&format!("deb {} http://me:secret@{} x main", machine.signed_by(), server.host));
    let imported = machine.import().unwrap();
    assert_eq!(imported.suites[0].uri, server.url());
    assert!(server.requests().iter().all(|request| request.contains(" Basic ")), "{:?}", server.requests());
    assert_eq!(other.requests(), [packages]);
    server.on("/dists/x/InRelease", &[Answer::Status(401)]);
    let error = machine.import().unwrap_err().to_string();
    assert!(error.contains("HTTP 401") && error.contains("auth.conf.d") && !error.contains("secret"), "{error}");
}

#[test]
fn the_proxy_of_apts_configuration_is_used() {
    let mut machine = Machine::new();
    let proxy = machine.archive(&Made::default());
    machine.settings.apt_config = Some(format!("Acquire::http::Proxy \"{}\";\n", proxy.url()));
    let inside = fs::read(machine.path("archive/dists/x/InRelease")).unwrap();
    proxy.on("http://far.example.org/dists/x/InRelease", &[Answer::Bytes(inside)]);
    machine.list(&format!("deb {} http://far.example.org x main", machine.signed_by()));
    let error = machine.import().unwrap_err().to_string();
    assert!(error.contains("HTTP 404"), "{error}");
    assert!(proxy.requests().iter().all(|request| request.starts_with("http://far.example.org/")));
}

#[test]
fn no_entries_are_an_error_with_a_hint() {
    let machine = Machine::new();
    let error = machine.import().unwrap_err().to_string();
    assert!(error.contains("sources.list.d`, got none\nhint: "), "{error}");
    machine.list("deb [arch=armhf] http://deb.example.org x main");
    assert!(machine.import().unwrap_err().to_string().contains("packages for `amd64`"));
    let path = machine.path("none.list");
    let error = machine.import_as(&AptSources::File { path }, NOW).unwrap_err().to_string();
    assert!(error.starts_with("expected an APT sources file `"), "{error}");
    assert!(error.contains("No such file or directory (os error 2)\nhint: name a "), "{error}");
}

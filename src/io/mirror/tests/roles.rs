//! The distribution, and archives of others beside it.

use std::fs;

use super::support::*;
use crate::core::pinned::{Imported, Role};
use crate::core::recipe::AptSources;

/// The distribution's archive and somebody else's, each on a server of its own.
fn two() -> (Machine, Server, Server) {
    let machine = Machine::new();
    let distribution = machine.archive(&Made::default());
    let other = Made {
        head: Made::default().head.replace("Example", "Other"),
        indexes: vec![("main/binary-amd64/Packages", "Package: tool\nVersion: 1\n".to_owned())],
        ..Made::default()
    };
    other.write(&machine.path("other"), &machine.key);
    fs::copy(machine.path("key.asc"), machine.path("other.asc")).unwrap();
    let server = Server::new(&machine.path("other"));
    (machine, distribution, server)
}

fn import(machine: &Machine, distribution: &Server, other: &Server, also: &[&str]) -> Imported {
    let list = format!(
        "deb {} {} x main\ndeb [signed-by={}] {} x main\n",
        machine.signed_by(),
        distribution.url(),
        machine.path("other.asc").display(),
        other.url()
    );
    machine.list(&list);
    let also = also.iter().map(|&name| name.to_owned()).collect();
    machine.import_as(&AptSources::System { also }, NOW).unwrap()
}

fn roles(imported: &Imported) -> Vec<(&str, Role)> {
    imported.suites.iter().map(|suite| (suite.origin.as_str(), suite.role)).collect()
}

#[test]
fn another_archive_is_listed_and_feeds_nothing_unless_it_is_named() {
    let (machine, distribution, other) = two();
    let imported = import(&machine, &distribution, &other, &[]);
    assert_eq!(roles(&imported), [("Example", Role::Distribution), ("Other", Role::ThirdParty)]);
    assert!(imported.notes[0].contains("serves binary packages only"), "{:?}", imported.notes);
    let imported = import(&machine, &distribution, &other, &["Other"]);
    assert_eq!(roles(&imported)[1], ("Other", Role::Named));
}

#[test]
fn another_archive_that_fails_is_a_note() {
    let (machine, distribution, other) = two();
    let in_release = "/dists/x/InRelease";
    for answer in [Answer::Drop, Answer::Status(404), Answer::Bytes(b"nonsense".to_vec())] {
        other.on(in_release, &[answer]);
        let imported = import(&machine, &distribution, &other, &[]);
        assert_eq!(roles(&imported), [("Example", Role::Distribution)]);
        let note = &imported.notes[0];
        assert!(note.contains("is left out") && note.contains(&other.url()) && note.contains("expected "), "{note}");
        assert!(!note.contains('\n'), "{note}");
    }
}

#[test]
fn a_part_of_the_distribution_that_fails_stops_the_import() {
    let (machine, distribution, other) = two();
    distribution.on("/dists/y/InRelease", &[Answer::Drop]);
    let (keys, url) = (machine.signed_by(), distribution.url());
    let error = machine.error(&format!("deb {keys} {url} x main\ndeb {keys} {url} y main\n"));
    assert!(error.contains("/dists/y/InRelease"), "{error}");
    // The same keyring makes it the distribution's, wherever it is.
    other.on("/dists/x/InRelease", &[Answer::Drop]);
    let error = machine.error(&format!("deb {keys} {url} x main\ndeb {keys} {} x main\n", other.url()));
    assert!(error.contains(&other.url()), "{error}");
}

#[test]
fn when_nothing_can_be_read_that_is_said() {
    let (machine, distribution, other) = two();
    distribution.on("/dists/x/InRelease", &[Answer::Status(404)]);
    let error = machine.error(&format!("deb {} x main\ndeb {} x main\n", distribution.url(), other.url()));
    assert!(error.starts_with("expected at least one archive that can be read, got none of 2"), "{error}");
    assert!(error.contains("\nhint: "), "{error}");
}

#[test]
fn everything_in_a_file_that_the_recipe_names_feeds_chroots() {
    let (machine, distribution, _other) = two();
    let path = machine.path("mine.list");
    fs::write(&path, format!("deb {} {} x main\n", machine.signed_by(), distribution.url())).unwrap();
    let imported = machine.import_as(&AptSources::File { path }, NOW).unwrap();
    assert_eq!(roles(&imported), [("Example", Role::Named)]);
}

//! Archives that cannot be read: each error says what was expected, what came, where, and what to do.

use std::fs;
use std::time::Duration;

use super::support::*;

const IN_RELEASE: &str = "/dists/x/InRelease";
const SOURCES_XZ: &str = "/dists/x/main/source/Sources.xz";

/// An archive with only compressed files on the server, so that one path is one index.
fn compressed() -> (Machine, Server, String) {
    let machine = Machine::new();
    let server = machine.archive(&Made { forms: &[".xz"], ..Made::default() });
    let line = format!("deb {} {} x main", machine.signed_by(), server.url());
    (machine, server, line)
}

/// The error names the URL and the entry, says what is expected in it, and has a hint.
fn check(error: &str, server: &Server, path: &str, expected: &[&str]) {
    let place = format!("`{}{path}` (", server.url());
    assert!(error.starts_with(&place), "{error}");
    assert!(error.contains("sources.list:1): expected "), "{error}");
    for part in expected {
        assert!(error.contains(part), "{error}");
    }
    assert!(error.contains("\nhint: "), "{error}");
}

#[test]
fn an_unsigned_inrelease() {
    let (machine, server, line) = compressed();
    server.on(IN_RELEASE, &[Answer::Bytes(b"Origin: Example\n".to_vec())]);
    let error = machine.error(&line);
    assert!(error.contains("expected a signed text, got one without a signature"), "{error}");
}

#[test]
fn no_signature_anywhere() {
    let (machine, server, line) = compressed();
    fs::remove_file(machine.path("archive/dists/x/InRelease")).unwrap();
    check(&machine.error(&line), &server, IN_RELEASE, &["a signed Release file, got none"]);
    fs::write(machine.path("archive/dists/x/Release"), "Origin: Example\n").unwrap();
    let error = machine.error(&line);
    assert!(error.contains("/dists/x/Release` (") && error.contains("without a signature"), "{error}");
}

#[test]
fn a_release_file_signed_by_another_key() {
    let (machine, server, line) = compressed();
    let other = key();
    Made::default().write(&machine.path("archive"), &other);
    let error = machine.error(&line);
    check(&error, &server, IN_RELEASE, &[&machine.key.fingerprint(), &other.fingerprint()]);
}

#[test]
fn a_changed_release_file() {
    let (machine, server, line) = compressed();
    let text = fs::read_to_string(machine.path("archive/dists/x/InRelease")).unwrap();
    server.on(IN_RELEASE, &[Answer::Bytes(text.replace("Example", "Evil").into_bytes())]);
    check(&machine.error(&line), &server, IN_RELEASE, &["the signature does not match"]);
}

#[test]
fn a_keyring_that_is_not_there() {
    let (machine, server, _) = compressed();
    let error = machine.error(&format!("deb [signed-by=/nowhere/key.gpg] {} x main", server.url()));
    assert!(error.contains("failed to read keys from `/nowhere/key.gpg`") && error.contains("\nhint: "), "{error}");
}

#[test]
fn an_expired_release_file() {
    let machine = Machine::new();
    let mut made = Made::default();
    made.head.push_str("Valid-Until: Sun, 01 Feb 2026 06:00:00 UTC\n");
    let server = machine.archive(&made);
    let line = format!("deb {} {} x main", machine.signed_by(), server.url());
    let error = machine.error(&line);
    check(&error, &server, IN_RELEASE, &["valid until 2026-02-01T06:00:00Z", "now, 2026-02-01T12:00:00Z"]);
    machine.list(&line.replace("[", "[check-valid-until=no "));
    machine.import().unwrap();
}

#[test]
fn apts_configuration_can_turn_date_checks_off() {
    let mut machine = Machine::new();
    let mut made = Made::default();
    made.head.push_str("Valid-Until: Sun, 01 Feb 2026 06:00:00 UTC\n");
    let server = machine.archive(&made);
    machine.settings.apt_config = Some("Acquire::Check-Valid-Until \"false\";\n".to_owned());
    machine.list(&format!("deb {} {} x main", machine.signed_by(), server.url()));
    machine.import().unwrap();
}

#[test]
fn a_release_file_of_the_future() {
    let machine = Machine::new();
    let mut made = Made::default();
    made.head = made.head.replace("01 Feb 2026", "02 Feb 2026");
    let server = machine.archive(&made);
    let error = machine.error(&format!("deb {} {} x main", machine.signed_by(), server.url()));
    check(&error, &server, IN_RELEASE, &["dated 2026-02-02T00:00:00Z", "it is 2026-02-01T12:00:00Z"]);
}

#[test]
fn an_index_with_other_bytes() {
    let (machine, server, line) = compressed();
    let mut bytes = fs::read(machine.path("archive").join(&SOURCES_XZ[1..])).unwrap();
    bytes[20] ^= 1;
    server.on(SOURCES_XZ, &[Answer::Bytes(bytes)]);
    check(&machine.error(&line), &server, SOURCES_XZ, &["bytes with SHA-256 `"]);
}

#[test]
fn an_index_that_is_too_long_or_too_short() {
    let (machine, server, line) = compressed();
    let bytes = fs::read(machine.path("archive").join(&SOURCES_XZ[1..])).unwrap();
    let length = bytes.len();
    server.on(SOURCES_XZ, &[Answer::Bytes([bytes.clone(), b"more".to_vec()].concat())]);
    check(&machine.error(&line), &server, SOURCES_XZ, &[&format!("expected {length} bytes, got {}", length + 4)]);
    server.on(SOURCES_XZ, &[Answer::Bytes(bytes[..10].to_vec())]);
    check(&machine.error(&line), &server, SOURCES_XZ, &[&format!("expected {length} bytes, got only 10 bytes")]);
}

#[test]
fn a_transfer_that_breaks_off_is_tried_again_and_then_said() {
    let (machine, server, line) = compressed();
    server.on(SOURCES_XZ, &[Answer::Cut(10)]);
    check(&machine.error(&line), &server, SOURCES_XZ, &["got only 10 bytes"]);
    server.on(SOURCES_XZ, &[Answer::Cut(10), Answer::Drop, Answer::File]);
    machine.import().unwrap();
}

#[test]
fn an_inrelease_that_is_cut_off() {
    let (machine, server, line) = compressed();
    server.on(IN_RELEASE, &[Answer::Cut(100)]);
    check(&machine.error(&line), &server, IN_RELEASE, &["got only 100 bytes"]);
}

#[test]
fn a_mirror_that_goes_down_in_the_middle() {
    let (machine, server, line) = compressed();
    server.on(SOURCES_XZ, &[Answer::Drop]);
    check(&machine.error(&line), &server, SOURCES_XZ, &["expected an answer, got none"]);
    server.on(SOURCES_XZ, &[Answer::Status(500)]);
    check(&machine.error(&line), &server, SOURCES_XZ, &["got HTTP 500"]);
}

#[test]
fn a_transfer_that_stalls() {
    let (mut machine, server, line) = compressed();
    machine.settings.stall_timeout = Duration::from_secs(1);
    machine.settings.retries = 0;
    server.on(SOURCES_XZ, &[Answer::Stall(10)]);
    check(&machine.error(&line), &server, SOURCES_XZ, &["nothing more for too long (after 10 bytes)"]);
}

#[test]
fn a_redirect_to_another_host() {
    let (machine, server, line) = compressed();
    server.on(SOURCES_XZ, &[Answer::Redirect("http://evil.example.org/x".to_owned())]);
    let from = format!("from `{}`", server.host);
    check(&machine.error(&line), &server, SOURCES_XZ, &[&from, "redirect to `evil.example.org`"]);
    server.on(SOURCES_XZ, &[Answer::Redirect("/moved.xz".to_owned())]);
    fs::copy(machine.path("archive").join(&SOURCES_XZ[1..]), machine.path("archive/moved.xz")).unwrap();
    machine.import().unwrap();
}

#[test]
fn a_redirect_that_never_ends() {
    let (machine, server, line) = compressed();
    server.on(IN_RELEASE, &[Answer::Redirect(IN_RELEASE.to_owned())]);
    assert!(machine.error(&line).contains("got more than 5 redirects"));
}

#[test]
fn an_index_that_decompresses_to_something_else() {
    let machine = Machine::new();
    let key = &machine.key;
    // The Release file vouches for both files, but the one is not the other, decompressed.
    let release = |plain: &str| {
        let xz = compress(".xz", &[b'x'; 100_000]);
        let line = |bytes: &[u8], name: &str| {
            format!(" {} {} main/source/{name}\n", crate::core::ids::Sha256::of(bytes), bytes.len())
        };
        let files = format!("{}{}", line(plain.as_bytes(), "Sources"), line(&xz, "Sources.xz"));
        let folder = machine.path("archive/dists/x/main/source");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("Sources.xz"), &xz).unwrap();
        let text = format!("{}SHA256:\n{files}", Made::default().head);
        fs::write(machine.path("archive/dists/x/InRelease"), key.sign_inline(text.as_bytes(), at(NOW)).unwrap())
            .unwrap();
    };
    let server = Server::new(&machine.path("archive"));
    let line = format!("deb-src {} {} x main", machine.signed_by(), server.url());
    release(&"y".repeat(100_000));
    check(&machine.error(&line), &server, SOURCES_XZ, &["expected 100000 bytes with SHA-256"]);
    release(&"y".repeat(1_000));
    check(&machine.error(&line), &server, SOURCES_XZ, &["expected 1000 bytes, got "]);
}

#[test]
fn an_archive_that_is_not_there() {
    let machine = Machine::new();
    let host = Server::new(&machine.path("nowhere")).host.clone();
    let error = machine.error(&format!("deb {} http://{host} x main", machine.signed_by()));
    assert!(error.contains("expected an answer, got none: ") && error.contains("\nhint: "), "{error}");
    let error = machine.error("deb [trusted=yes] cdrom:[Example 1]/ x main");
    assert!(error.contains("expected a `http`, `https`, `file` or `copy` URI, got `cdrom`"), "{error}");
}

#[test]
fn a_declared_source_index_that_is_not_listed() {
    let (machine, server, _) = compressed();
    let made = Made { indexes: vec![("main/binary-amd64/Packages", PACKAGES.to_owned())], ..Made::default() };
    made.write(&machine.path("archive"), &machine.key);
    let line = format!("deb-src {} {} x main", machine.signed_by(), server.url());
    check(&machine.error(&line), &server, IN_RELEASE, &["expected an index `main/source/Sources`"]);
}

#[test]
fn a_store_that_cannot_be_written_is_never_a_note() {
    let (machine, server, line) = compressed();
    machine.list(&line);
    let mirror = machine.mirror();
    fs::remove_dir_all(machine.path("store")).unwrap();
    let sources = crate::core::recipe::AptSources::System { also: Vec::new() };
    let entries = mirror.read_entries(&sources).unwrap();
    let error = run(mirror.import(&sources, entries, "amd64", None, at(NOW), &Silence)).unwrap_err().to_string();
    assert!(error.starts_with("failed to create `"), "{error}");
    drop(server);
}

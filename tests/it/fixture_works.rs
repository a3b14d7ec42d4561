//! The fixture archive, judged by real apt, dpkg and gpg.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::fixture::key::Key;
use crate::fixture::server::{Fault, get};
use crate::fixture::{Fixture, Making, open_tempdir, tiny};

/// apt with the fixture as its /etc/apt, and a state of its own in `state`.
fn apt(fixture: &Fixture, state: &Path, program: &str, words: &[&str]) -> Output {
    for folder in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(state.join(folder)).unwrap();
    }
    fs::write(state.join("status"), "").unwrap();
    let configuration = format!(
        "Dir::Etc \"{0}\";\nDir::State \"{1}\";\nDir::State::status \"{1}/status\";\nDir::Cache \"{1}/cache\";\n\
         Debug::NoLocking \"true\";\nAPT::Sandbox::User \"root\";\nAcquire::Retries \"0\";\n\
         Acquire::Languages \"none\";\n",
        fixture.apt_root().display(),
        state.display()
    );
    let file = state.join("apt.conf");
    fs::write(&file, configuration).unwrap();
    Command::new(program).env("APT_CONFIG", file).env("LC_ALL", "C").current_dir(state).args(words).output().unwrap()
}

fn small() -> Fixture {
    Fixture::of(&Making::default().without_base())
}

/// Standard output of an apt command that succeeds after an update.
fn after_update(fixture: &Fixture, program: &str, words: &[&str]) -> String {
    let state = open_tempdir();
    let update = apt(fixture, state.path(), "apt-get", &["update", "--error-on=any"]);
    assert!(update.status.success(), "{update:?}");
    let ran = apt(fixture, state.path(), program, words);
    assert!(ran.status.success(), "{ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}

/// What apt says when it cannot update.
fn refused_update(fixture: &Fixture) -> String {
    let state = open_tempdir();
    let update = apt(fixture, state.path(), "apt-get", &["update", "--error-on=any"]);
    assert!(!update.status.success(), "{update:?}");
    String::from_utf8(update.stderr).unwrap()
}

#[test]
fn apt_takes_the_archive_and_knows_every_tiny_source() {
    let shown = after_update(&small(), "apt-cache", &[&["showsrc"], tiny::NAMES].concat());
    for name in tiny::NAMES {
        assert!(shown.contains(&format!("Package: {name}\n")), "{name} is not in\n{shown}");
    }
}

#[test]
fn apt_source_unpacks_a_tiny_package() {
    let fixture = small();
    let state = open_tempdir();
    assert!(apt(&fixture, state.path(), "apt-get", &["update"]).status.success());
    let source = apt(&fixture, state.path(), "apt-get", &["source", "tiny-builds"]);
    assert!(source.status.success(), "{source:?}");
    assert!(state.path().join("tiny-builds-1.0/debian/rules").is_file());
}

#[test]
fn a_compiler_can_be_installed_from_it_and_from_nothing_else() {
    let would = after_update(&Fixture::new(), "apt-get", &["-s", "install", "?essential", "build-essential"]);
    assert!(would.contains("Inst build-essential"), "{would}");
    assert!(would.contains("Fixture:fixture"), "{would}");
}

#[test]
fn a_source_can_be_any_folder_and_a_package_any_version() {
    let work = tiny::named("tiny-builds", "2.0").unpacked();
    let tree = work.path().join("tiny-builds");
    for file in ["debian/changelog", "debian/control"] {
        let text = fs::read_to_string(tree.join(file)).unwrap();
        fs::write(tree.join(file), text.replace("tiny-builds", "tiny-own")).unwrap();
    }
    let own = Fixture::of(&Making::default().without_base().tree(&tree));
    assert!(after_update(&own, "apt-cache", &["showsrc", "tiny-own"]).contains("Version: 2.0\n"));
    let whole = Fixture::with_version("tiny-builds", "1.1");
    assert!(after_update(&whole, "apt-cache", &["showsrc", "tiny-builds"]).contains("Version: 1.1\n"));
}

#[test]
fn a_package_can_have_another_version_and_a_mirror_can_move_on() {
    let mut fixture = Fixture::of(&Making::default().without_base().version("tiny-builds", "1.1"));
    let version = |fixture: &Fixture| after_update(fixture, "apt-cache", &["showsrc", "tiny-builds"]);
    assert!(version(&fixture).contains("Version: 1.1\n"));
    fixture.publish(&Making::default().without_base().version("tiny-builds", "1.2"));
    assert!(version(&fixture).contains("Version: 1.2\n"));
}

#[test]
fn binaries_are_there_for_the_loop_and_for_what_a_test_asks() {
    let fixture = Fixture::of(&Making::default().without_base().upstream("tiny-two"));
    let names = after_update(&fixture, "apt-cache", &["pkgnames", "--no-all-names"]);
    let mut names: Vec<&str> = names.lines().filter(|name| name.contains("tiny")).collect();
    names.sort();
    assert_eq!(names, ["libtiny-dev", "libtiny1", "tiny-data", "tiny-loop-a", "tiny-loop-b"]);
}

#[test]
fn apt_refuses_another_key_and_a_changed_index() {
    let fixture = small();
    let other = Key::make("Somebody Else <else@example.org>");
    fixture.sign_as(&other, str::to_owned);
    assert!(refused_update(&fixture).contains("NO_PUBKEY"));

    fixture.sign();
    let sources = fixture.path("dists/fixture/main/source/Sources.xz");
    let mut bytes = fs::read(&sources).unwrap();
    bytes.push(0);
    fs::write(&sources, bytes).unwrap();
    assert!(refused_update(&fixture).contains("unexpected size"));
}

#[test]
fn a_release_file_can_say_what_a_test_wants() {
    let fixture = small();
    fixture.sign_as(&fixture.key, |release| format!("Valid-Until: Thu, 01 Jan 2026 00:00:00 UTC\n{release}"));
    assert!(refused_update(&fixture).contains("is expired"));
}

#[test]
fn the_server_misbehaves_as_told_and_heals() {
    let fixture = small();
    let url = format!("{}/dists/fixture/Release", fixture.url());
    let content = fs::read(fixture.path("dists/fixture/Release")).unwrap();
    assert_eq!(get(&url), Some((200, content.clone())));
    assert!(url.contains(&fixture.server.address().to_string()));

    fixture.server.fault("/Release", Fault::Status(500));
    assert_eq!(get(&url).unwrap().0, 500);
    fixture.server.fault("/Release", Fault::Truncate(10));
    assert_eq!(get(&url).unwrap().1, content[..10]);
    fixture.server.fault("/Release", Fault::Redirect("http://other.example.org/".to_owned()));
    assert_eq!(get(&url).unwrap().0, 302);
    fixture.server.fault("/Release", Fault::Bytes(b"other".to_vec()));
    assert_eq!(get(&url), Some((200, b"other".to_vec())));
    fixture.server.fault("/Release", Fault::Drop);
    assert_eq!(get(&url), None);

    fixture.server.fault_times("/Release", Fault::Status(503), 2);
    let answers = [(); 3].map(|()| get(&url).unwrap().0);
    assert_eq!(answers, [503, 503, 200]);

    fixture.server.fault("", Fault::Status(500));
    fixture.server.heal();
    assert_eq!(get(&url), Some((200, content)));
    assert_eq!(fixture.server.count("/Release"), 10);
    assert_eq!(get(&format!("{}/../../etc/hostname", fixture.url())).unwrap().0, 404);
}

#[test]
fn a_held_request_goes_on_when_the_test_says_so() {
    let fixture = small();
    let url = format!("{}/dists/fixture/InRelease", fixture.url());
    fixture.server.fault("/InRelease", Fault::Hold);
    let asking = std::thread::spawn(move || get(&url));
    fixture.server.await_request("/InRelease");
    assert!(!asking.is_finished());
    fixture.server.heal();
    assert_eq!(asking.join().unwrap().unwrap().0, 200);
}

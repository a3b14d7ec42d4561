//! Good uploads are taken, and each kind of bad one is refused with words that say what is wrong.

use super::testing::{Upload, deb, declared, dsc, wanted};
use super::*;
use crate::core::ids::Sha256;
use crate::core::job::Fault;
use crate::core::overlay::confirm::Superseding;
use crate::io::state::artifacts::ArtifactKind;
use crate::io::verify::{BadUpload, Wanted, confirm, look};
use crate::wire::File;

fn good() -> Upload {
    Upload::good("hello", "1:2.10-3")
}

/// Writes an upload, lets `spoil` change what is on disk or declared, and looks at it.
fn check(upload: &Upload, spoil: impl FnOnce(&Path, &mut Vec<File>)) -> Result<usize, BadUpload> {
    let dir = tempfile::tempdir().unwrap();
    let mut files = upload.write(dir.path());
    spoil(dir.path(), &mut files);
    look(dir.path(), &files, &wanted(), &dsc()).map(|artifacts| artifacts.len())
}

#[track_caller]
fn refused(upload: &Upload, fault: Fault, part: &str) {
    refused_when(upload, |_, _| {}, fault, part);
}

#[track_caller]
fn refused_when(upload: &Upload, spoil: impl FnOnce(&Path, &mut Vec<File>), fault: Fault, part: &str) {
    let error = check(upload, spoil).unwrap_err();
    assert!(error.reason.contains(part), "{}", error.reason);
    assert_eq!(error.fault, fault, "{}", error.reason);
}

#[test]
fn what_a_build_makes_is_taken_with_the_words_of_its_packages() {
    let dir = tempfile::tempdir().unwrap();
    let files = good().write(dir.path());
    let artifacts = look(dir.path(), &files, &wanted(), &dsc()).unwrap();
    let deb = artifacts.iter().find(|artifact| artifact.kind == ArtifactKind::Deb).unwrap();
    assert_eq!(deb.package.as_deref(), Some("hello"));
    assert_eq!(deb.version.as_deref(), Some("1:2.10-3"));
    assert_eq!(deb.source.as_deref(), Some("hello"));
    assert!(deb.control.as_deref().unwrap().contains("Description: x"));
    assert_eq!(artifacts.len(), 3);
}

#[test]
fn packages_with_versions_of_their_own_and_debug_symbols_are_taken() {
    let upload = good()
        .with_deb(
            "hello-doc_7_amd64.deb",
            "Package: hello-doc\nSource: hello (1:2.10-3)\nVersion: 7\nArchitecture: amd64\n",
        )
        .with_deb(
            "hello-dbgsym_2.10-3_amd64.deb",
            "Package: hello-dbgsym\nSource: hello\nVersion: 1:2.10-3\nArchitecture: amd64\n",
        );
    let upload = Upload { binary: "hello hello-doc".to_owned(), ..upload };
    assert_eq!(check(&upload, |_, _| {}), Ok(5));
}

#[test]
fn a_broken_transfer_is_infrastructures_fault() {
    let spoiled = |name: &'static str, bytes: &'static str| {
        move |dir: &Path, _: &mut Vec<File>| std::fs::write(dir.join(name), bytes).unwrap()
    };
    let deb = "hello_2.10-3_amd64.deb";
    refused_when(&good(), spoiled(deb, "short"), Fault::Infrastructure, "bytes, got 5");
    let same_size = |dir: &Path, _: &mut Vec<File>| {
        let mut bytes = std::fs::read(dir.join(deb)).unwrap();
        bytes[200] ^= 1;
        std::fs::write(dir.join(deb), bytes).unwrap();
    };
    refused_when(&good(), same_size, Fault::Infrastructure, "expected SHA-256");
    let gone = |dir: &Path, _: &mut Vec<File>| std::fs::remove_file(dir.join(deb)).unwrap();
    refused_when(&good(), gone, Fault::Infrastructure, "declared and never sent");
    let link = |dir: &Path, _: &mut Vec<File>| {
        std::fs::rename(dir.join(deb), dir.join("else")).unwrap();
        std::os::unix::fs::symlink(dir.join("else"), dir.join(deb)).unwrap();
    };
    refused_when(&good(), link, Fault::Infrastructure, "bytes, got");
}

#[test]
fn names_that_lead_elsewhere_or_come_twice_are_refused() {
    for name in ["../x.deb", "a/b.deb", "", ".hidden", "x\0.deb", "x\n.deb", &"x".repeat(300)] {
        let declare = |_: &Path, files: &mut Vec<File>| files.push(declared(name, b"x"));
        refused_when(&good(), declare, Fault::Unknown, "expected a plain file name");
    }
    let twice = |_: &Path, files: &mut Vec<File>| files.push(files[0].clone());
    refused_when(&good(), twice, Fault::Unknown, "declared twice");
}

#[test]
fn there_is_one_changes_and_it_is_about_the_job() {
    let none = |_: &Path, files: &mut Vec<File>| files.retain(|file| !file.name.ends_with(".changes"));
    refused_when(&good(), none, Fault::Unknown, "expected one .changes file, got none");
    let two = |dir: &Path, files: &mut Vec<File>| {
        std::fs::write(dir.join("b.changes"), "x").unwrap();
        files.push(declared("b.changes", b"x"));
    };
    refused_when(&good(), two, Fault::Unknown, "expected one .changes file, got `b.changes` and");
    refused(&good().spoiled("Version: ", "Nothing: "), Fault::Unknown, "Version");
    refused(
        &good().spoiled("Source: hello", "Source: other"),
        Fault::Unknown,
        "`Source`: expected `hello`, got `other`",
    );
    refused(&good().spoiled("Version: 1:2.10-3", "Version: 1:2.10-4"), Fault::Unknown, "`Version`: expected");
    refused(&good().spoiled("Version: 1:2.10-3", "Version: 1:2.10-3+b1"), Fault::Unknown, "`Version`: expected");
    for arch in ["armhf", "amd64 all", "source amd64", "all"] {
        let upload = Upload { arch: arch.to_owned(), ..good() };
        refused(&upload, Fault::Unknown, "`Architecture`: expected `amd64`");
    }
}

#[test]
fn the_changes_lists_what_was_sent_no_more_and_no_less() {
    let unlisted = |dir: &Path, files: &mut Vec<File>| {
        std::fs::write(dir.join("extra.deb"), "x").unwrap();
        files.push(declared("extra.deb", b"x"));
    };
    refused_when(&good(), unlisted, Fault::Unknown, "`extra.deb` was sent, and");
    let unsent = |_: &Path, files: &mut Vec<File>| files.retain(|file| !file.name.ends_with(".deb"));
    refused_when(&good(), unsent, Fault::Unknown, "which was not sent");
    let hash = crate::core::ids::Sha256::of(&good().files[0].1).to_string();
    refused(&good().spoiled(&hash, &"0".repeat(64)), Fault::Unknown, "expected");
    refused(
        &good().spoiled("hello_2.10-3_amd64.deb", "../hello_2.10-3_amd64.deb"),
        Fault::Unknown,
        "hello_2.10-3_amd64.changes",
    );
}

#[test]
fn the_buildinfo_is_there_and_about_the_job() {
    let mut upload = good();
    upload.files.retain(|(name, _)| name.ends_with(".deb"));
    refused(&upload, Fault::Unknown, "expected one .buildinfo file, got none");
    let mut upload = good();
    let text = String::from_utf8(upload.files[1].1.clone()).unwrap();
    upload.files[1].1 = text.replace("Source: hello", "Source: other").into_bytes();
    refused(&upload, Fault::Unknown, "expected `hello 1:2.10-3`, got `other 1:2.10-3`");
}

#[test]
fn a_build_without_packages_is_refused() {
    let mut upload = good();
    upload.files.retain(|(name, _)| name.ends_with(".buildinfo"));
    refused(&upload, Fault::Unknown, "expected at least one binary package");
}

#[test]
fn packages_that_are_not_what_their_names_say_are_refused() {
    let replaced = |control: &str| {
        let mut upload = good();
        upload.files[0].1 = deb(control);
        upload
    };
    let head = "Package: hello\nVersion: 1:2.10-3\nArchitecture: amd64\n";
    for (from, to, part) in [
        ("Package: hello", "Package: evil", "that of `evil_2.10-3_amd64.deb`"),
        ("Version: 1:2.10-3", "Version: 1:9", "that of `hello_9_amd64.deb`"),
        ("Architecture: amd64", "Architecture: all", "that of `hello_2.10-3_all.deb`"),
        ("Version: 1:2.10-3\n", "", "expected a field `Version`"),
        ("Package: hello\n", "Package: hello\nPackage: evil\n", "expected one field `Package`, got 2"),
        ("Package: hello\n", "Package: hello\nSource: libc6\n", "expected `hello (1:2.10-3)`, got `libc6 (1:2.10-3)`"),
        ("Package: hello\n", "Package: hello\nSource: hello (9)\n", "got `hello (9)`"),
        ("Package: hello\n", "Package: hello\nSource: hello (9\n", "expected `NAME (VERSION)`"),
        ("Architecture: amd64\n", "Architecture: amd64\n\nPackage: more\n", "expected one paragraph"),
        // An epoch is no part of a file's name, so only the paragraph can tell.
        ("Version: 1:2.10-3", "Version: 2:2.10-3", "got `hello (2:2.10-3)`"),
    ] {
        refused(&replaced(&head.replace(from, to)), Fault::Unknown, part);
    }
    let mut upload = good();
    upload.files[0].1 = b"this is no package at all, however one looks at it".repeat(10);
    refused(&upload, Fault::Unknown, "hello_2.10-3_amd64.deb");
    let mut upload = good();
    upload.files[0].1.truncate(150);
    refused(&upload, Fault::Unknown, "hello_2.10-3_amd64.deb");
}

#[test]
fn packages_of_another_architecture_or_source_are_refused() {
    let upload = good().with_deb(
        "hello-doc_2.10-3_all.deb",
        "Package: hello-doc\nSource: hello\nVersion: 1:2.10-3\nArchitecture: all\n",
    );
    refused(&upload, Fault::Unknown, "`Architecture`: expected `amd64`, got `all`");
    let libc = "Package: libc6\nSource: hello\nVersion: 1:2.10-3\nArchitecture: amd64\n";
    let upload = good().with_deb("libc6_2.10-3_amd64.deb", libc);
    refused(&upload, Fault::Unknown, "the .changes does not name `libc6`");
    let upload = Upload { binary: "hello libc6".to_owned(), ..upload };
    refused(&upload, Fault::Unknown, "the source package does not make a package `libc6`");
}

#[test]
fn refused_files_are_kept_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let (job, epoch) = (JobId(3), Epoch(2));
    let mut receiving = spool::Receiving::begin(dir.path(), job, epoch, "x.deb").unwrap();
    receiving.take(b"bytes").unwrap();
    receiving.finish(None).unwrap().unwrap();
    let kept = spool::put_aside(dir.path(), job, epoch, "it is bad").unwrap();
    assert_eq!(kept, dir.path().join("refused/j3-2"));
    assert_eq!(std::fs::read(kept.join("x.deb")).unwrap(), b"bytes");
    assert_eq!(std::fs::read_to_string(kept.join("REASON")).unwrap(), "it is bad\n");
    assert!(!spool::dir(dir.path(), job, epoch).exists());
    spool::put_aside(dir.path(), job, epoch, "it is bad").unwrap();
    spool::clear(dir.path(), job, epoch).unwrap();
}

#[test]
fn a_file_that_is_not_as_promised_or_is_cut_off_gets_no_name() {
    let dir = tempfile::tempdir().unwrap();
    let (job, epoch) = (JobId(3), Epoch(2));
    let mut receiving = spool::Receiving::begin(dir.path(), job, epoch, "x.deb").unwrap();
    receiving.take(b"bytes").unwrap();
    assert!(receiving.finish(Some(crate::core::ids::Sha256::of(b"other"))).unwrap().is_err());
    drop(spool::Receiving::begin(dir.path(), job, epoch, "y.deb").unwrap());
    assert_eq!(std::fs::read_dir(spool::dir(dir.path(), job, epoch)).unwrap().count(), 0);
}

#[test]
fn what_was_installed_of_an_overlay_is_confirmed_and_another_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let files = good().write(dir.path());
    let artifacts = look(dir.path(), &files, &wanted(), &dsc()).unwrap();
    let check = |version: &str| {
        let sha256 = Sha256::of(version.as_bytes());
        let local = Superseding { package: "gcc".to_owned(), version: version.to_owned(), sha256 };
        let index = format!("Package: gcc\nVersion: {version}\nSHA256: {sha256}\n\n");
        confirm(dir.path(), &artifacts, &(vec![local], index.into_bytes()), "amd64")
    };
    // The .buildinfo has gcc 1.
    assert_eq!(check("1").unwrap()[0].version, "1");
    let refused = check("0.9+acme1").unwrap_err();
    assert_eq!(refused.reason, "built with gcc 1 instead of the overlay's 0.9+acme1");
    assert_eq!(refused.fault, Fault::Unknown);
}

#[test]
fn a_version_with_a_suffix_is_taken_where_it_was_asked_for_and_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let control = "Package: hello\nSource: hello (1:2.10-3)\nVersion: 1:2.10-3+b1\nArchitecture: amd64\n";
    let mut upload = Upload::good("hello", "1:2.10-3+b1");
    upload.files[0].1 = deb(control);
    upload.spoil = vec![("Source: hello\n".to_owned(), "Source: hello (1:2.10-3)\n".to_owned())];
    let files = upload.write(dir.path());
    let check =
        |version: &str| look(dir.path(), &files, &Wanted { built_version: version.to_owned(), ..wanted() }, &dsc());
    let made = check("1:2.10-3+b1").unwrap();
    assert_eq!(made.iter().find_map(|file| file.version.as_deref()), Some("1:2.10-3+b1"));
    for other in ["1:2.10-3", "1:2.10-3+b2"] {
        let refused = check(other).unwrap_err().reason;
        assert!(refused.contains(&format!("`Version`: expected `{other}`, got `1:2.10-3+b1`")), "{refused}");
    }
}

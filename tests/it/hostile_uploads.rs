//! Uploads that were made to hurt: every one is refused, by the program's own process that looks at uploads, and nothing
//! is written anywhere. `tests/hostile/uploads/fields.txt` has those with a text replaced; the others are made here.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use cloudbuild::core::ids::Sha256;
use cloudbuild::core::job::Fault;
use cloudbuild::io::verify::{Question, Wanted, ask};
use cloudbuild::wire::File;

const FIELDS: &str = include_str!("../hostile/uploads/fields.txt");
const DEB: &str = "hello_2.10-3_amd64.deb";
const CONTROL: &str = "Package: hello\nVersion: 1:2.10-3\nArchitecture: amd64\nDescription: x\n";

/// The one member of a control archive.
fn tar_of(name: &str, kind: tar::EntryType, bytes: &[u8]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_entry_type(kind);
    // Written as it is, since the crate would not write a name that leads elsewhere.
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    if kind == tar::EntryType::Symlink || kind == tar::EntryType::Link {
        header.set_link_name("/etc/passwd").unwrap();
    }
    header.set_cksum();
    tar.append(&header, bytes).unwrap();
    tar.into_inner().unwrap()
}

/// The bytes of an archive with these members.
fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        out.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100644, bytes.len()).into_bytes());
        out.extend(*bytes);
        if bytes.len() % 2 == 1 {
            out.push(b'\n');
        }
    }
    out
}

/// A package whose control archive is a member of this name.
fn deb(name: &str, control: &[u8]) -> Vec<u8> {
    let data = tar::Builder::new(Vec::new()).into_inner().unwrap();
    ar(&[("debian-binary", b"2.0\n"), (name, control), ("data.tar", &data)])
}

fn plain(control: &str) -> Vec<u8> {
    deb("control.tar", &tar_of("./control", tar::EntryType::Regular, control.as_bytes()))
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An upload as its builder sends it.
#[derive(Clone)]
struct Upload {
    /// Without the `.changes`, which is made of them.
    files: BTreeMap<String, Vec<u8>>,
    section: &'static str,
    /// A text replaced in the `.changes`.
    replaced: Option<(String, String)>,
}

fn good() -> Upload {
    let buildinfo = format!(
        "Format: 1.0\nSource: hello\nBinary: hello\nArchitecture: amd64\nVersion: 1:2.10-3\nChecksums-Sha256:\n {} 1 x.deb\n\
         Installed-Build-Depends:\n gcc (= 1)\n",
        Sha256::of(b"x")
    );
    let files = [(DEB.to_owned(), plain(CONTROL)), (DEB.replace(".deb", ".buildinfo"), buildinfo.into_bytes())];
    Upload { files: files.into(), section: "utils", replaced: None }
}

impl Upload {
    fn with(mut self, name: &str, bytes: Vec<u8>) -> Upload {
        self.files.insert(name.to_owned(), bytes);
        self
    }

    fn changes(&self) -> String {
        let (mut sums, mut files) = (String::new(), String::new());
        for (name, bytes) in &self.files {
            sums.push_str(&format!("\n {} {} {name}", Sha256::of(bytes), bytes.len()));
            files.push_str(&format!("\n {} {} {} optional {name}", "0".repeat(32), bytes.len(), self.section));
        }
        let text = format!(
            "Format: 1.8\nDate: Sun, 22 Nov 2026 15:00:00 +0000\nSource: hello\nBinary: hello\nArchitecture: amd64\n\
             Version: 1:2.10-3\nDistribution: trixie\nChecksums-Sha256:{sums}\nFiles:{files}\n"
        );
        match &self.replaced {
            Some((from, to)) => {
                assert!(text.contains(from), "`{from}` is not in {text}");
                text.replacen(from, to, 1)
            }
            None => text,
        }
    }
}

/// What is below a folder, with sizes.
fn below(dir: &Path) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let metadata = std::fs::symlink_metadata(entry.path()).unwrap();
            if metadata.is_dir() {
                folders.push(entry.path());
            }
            found.insert(entry.path().display().to_string(), metadata.len());
        }
    }
    found
}

/// Changes what is on disk or declared.
type Spoil<'s> = &'s dyn Fn(&Path, &mut Vec<File>);

/// What comes of an upload that was spoiled.
fn check(upload: &Upload, spoil: Spoil<'_>) -> Result<usize, (Fault, String)> {
    let place = tempfile::tempdir().unwrap();
    let (dir, dsc) = (place.path().join("spool"), place.path().join("hello.dsc"));
    std::fs::create_dir(&dir).unwrap();
    let text = format!(
        "Format: 3.0 (native)\nSource: hello\nBinary: hello, hello-udeb\nArchitecture: any\nVersion: 1:2.10-3\n\
         Maintainer: A <a@example.org>\nPackage-List:\n hello deb utils optional arch=any\n \
         hello-udeb udeb debian-installer optional arch=any\nChecksums-Sha256:\n {} 1 x.tar.xz\nFiles:\n {} 1 x.tar.xz\n",
        Sha256::of(b"x"),
        "0".repeat(32)
    );
    std::fs::write(&dsc, text).unwrap();
    let mut all = upload.files.clone();
    all.insert(DEB.replace(".deb", ".changes"), upload.changes().into_bytes());
    let mut files: Vec<File> = Vec::new();
    for (name, bytes) in &all {
        std::fs::write(dir.join(name), bytes).unwrap();
        files.push(File { name: name.clone(), size: bytes.len() as u64, sha256: Sha256::of(bytes) });
    }
    spoil(&dir, &mut files);
    let wanted = Wanted {
        source: "hello".to_owned(),
        version: "1:2.10-3".to_owned(),
        built_version: "1:2.10-3".to_owned(),
        arch: "amd64".to_owned(),
    };
    let before = below(place.path());
    let looked = ask(Path::new(env!("CARGO_BIN_EXE_cloudbuild")), &Question { dir, files, wanted, dsc });
    assert_eq!(below(place.path()), before, "nothing is written");
    looked.map(|artifacts| artifacts.len()).map_err(|upload| (upload.fault, upload.reason))
}

fn as_it_is(_: &Path, _: &mut Vec<File>) {}

/// The uploads with a text replaced, each with what it is refused for.
fn replaced() -> Vec<(String, Upload, String)> {
    let lines = FIELDS.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let mutant = |line: &str| {
        let parts: Vec<String> =
            line.splitn(4, '|').map(|part| part.replace("\\n", "\n").replace("\\0", "\0")).collect();
        let [file, from, to, words] = parts.as_slice() else { panic!("four parts: {line}") };
        let (from, to) = (from.trim_matches(' '), to.trim_matches(' '));
        let mut upload = good();
        match file.trim() {
            "changes" => upload.replaced = Some((from.to_owned(), to.to_owned())),
            "control" => {
                assert!(CONTROL.contains(from), "{line}");
                upload = upload.with(DEB, plain(&CONTROL.replacen(from, to, 1)));
            }
            "buildinfo" => {
                let name = DEB.replace(".deb", ".buildinfo");
                let text = String::from_utf8(upload.files[&name].clone()).unwrap();
                assert!(text.contains(from), "{line}");
                upload = upload.with(&name, text.replacen(from, to, 1).into_bytes());
            }
            other => panic!("no file `{other}`: {line}"),
        }
        (line.to_owned(), upload, words.trim().to_owned())
    };
    lines.map(mutant).collect()
}

/// Packages with bytes that were made to hurt.
fn crafted() -> Vec<(&'static str, Upload)> {
    use tar::EntryType::{Block, Char, Directory, Fifo, Link, Regular, Symlink};
    let with = |bytes: Vec<u8>| good().with(DEB, bytes);
    let member = |name: &str, kind| with(deb("control.tar", &tar_of(name, kind, b"")));
    let control = tar_of("./control", Regular, CONTROL.as_bytes());
    let bomb = vec![b' '; 80 << 20];
    let packed = xz(&control);
    let udeb = CONTROL.replace("Package: hello", "Package: hello-udeb");
    vec![
        ("control is a link to a file", member("./control", Symlink)),
        ("control is a hard link", member("./control", Link)),
        ("control is a device", member("./control", Char)),
        ("control is a disk", member("./control", Block)),
        ("control is a pipe", member("./control", Fifo)),
        ("control is a folder", member("./control", Directory)),
        ("control is elsewhere", with(deb("control.tar", &tar_of("../control", Regular, CONTROL.as_bytes())))),
        ("control at the root", with(deb("control.tar", &tar_of("/etc/control", Regular, CONTROL.as_bytes())))),
        ("no control archive", with(ar(&[("debian-binary", b"2.0\n"), ("data.tar", b"")]))),
        (
            "two control archives",
            with(ar(&[("debian-binary", b"2.0\n"), ("control.tar", b""), ("control.tar", &control)])),
        ),
        ("another format", with(ar(&[("debian-binary", b"3.0\n"), ("control.tar", &control), ("data.tar", b"")]))),
        ("no format", with(ar(&[("control.tar", &control), ("data.tar", b"")]))),
        ("no archive", with(b"\x7fELF".repeat(100))),
        ("empty", with(Vec::new())),
        ("an archive alone", with(b"!<arch>\n".to_vec())),
        ("a gzip bomb", with(deb("control.tar.gz", &gz(&tar_of("./control", Regular, &bomb))))),
        ("an xz bomb", with(deb("control.tar.xz", &xz(&tar_of("./control", Regular, &bomb))))),
        ("a nested bomb", with(deb("control.tar.gz", &gz(&gz(&gz(&bomb)))))),
        ("xz cut off", with(deb("control.tar.xz", &packed[..packed.len() / 2]))),
        ("xz with a flipped bit", with(deb("control.tar.xz", &flipped(&packed, packed.len() / 2)))),
        ("gzip that is xz", with(deb("control.tar.gz", &packed))),
        ("a compression nobody has", with(deb("control.tar.rar", &control))),
        ("a size that is a lie", with(flipped(&plain(CONTROL), 8 + 60 + 4 + 50))),
        ("cut off", with(plain(CONTROL)[..150].to_vec())),
        ("a control of 100 MB", with(deb("control.tar", &tar_of("./control", Regular, &vec![b'a'; 100 << 20])))),
        ("control that is no text", with(plain("\u{0}\u{1}\u{2}"))),
        ("no control text", with(plain(""))),
        ("a udeb as a deb", good().with("hello-udeb_2.10-3_amd64.deb", plain(&udeb))),
        ("a deb as a udeb", good().with("hello_2.10-3_amd64.udeb", plain(CONTROL))),
        (
            "a package of another source",
            good().with("libc6_2.10-3_amd64.deb", plain(&CONTROL.replace("hello", "libc6"))),
        ),
        ("a script beside it", good().with("run.sh", b"#!/bin/sh\n".to_vec())),
        ("a source beside it", good().with("hello_2.10-3.dsc", b"Source: hello\n".to_vec())),
        ("a second .changes", good().with("a.changes", b"Source: hello\n".to_vec())),
    ]
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 0x5a;
    bytes
}

#[test]
fn a_good_upload_is_taken_and_one_with_a_file_to_be_looked_after_by_hand() {
    assert_eq!(check(&good(), &as_it_is), Ok(3));
    let by_hand = Upload { section: "byhand", ..good() }.with("image_2.10-3_amd64.tar.gz", vec![1]);
    assert_eq!(check(&by_hand, &as_it_is), Ok(4));
    let xz =
        good().with(DEB, deb("control.tar.xz", &xz(&tar_of("./control", tar::EntryType::Regular, CONTROL.as_bytes()))));
    assert_eq!(check(&xz, &as_it_is), Ok(3));
}

#[test]
fn every_hostile_upload_is_refused_and_writes_nothing() {
    let (replaced, crafted) = (replaced(), crafted());
    assert!(replaced.len() + crafted.len() >= 60, "{} + {}", replaced.len(), crafted.len());
    let mut wrong = Vec::new();
    for (name, upload, words) in &replaced {
        match check(upload, &as_it_is) {
            Err((Fault::Unknown, reason)) if reason.contains(words) => {}
            other => wrong.push(format!("{name}: {other:?}")),
        }
    }
    for (name, upload) in &crafted {
        match check(upload, &as_it_is) {
            Err((Fault::Unknown, _)) => {}
            other => wrong.push(format!("{name}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_that_lead_elsewhere_and_files_that_are_none_are_refused() {
    let declared = |name: &str| File { name: name.to_owned(), size: 1, sha256: Sha256::of(b"x") };
    let names = ["../x.deb", "/etc/passwd", "a/b.deb", "", ".", "..", ".hidden", "x\0.deb", "x\n.deb", "x\\y.deb"];
    let long = "x".repeat(300);
    for name in names.into_iter().chain([long.as_str()]) {
        let refused = check(&good(), &|_, files| files.push(declared(name)));
        assert!(matches!(&refused, Err((Fault::Unknown, reason)) if reason.contains("plain file name")), "{refused:?}");
    }
    let link = |dir: &Path, _: &mut Vec<File>| {
        std::fs::remove_file(dir.join(DEB)).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.join(DEB)).unwrap();
    };
    let folder = |dir: &Path, _: &mut Vec<File>| {
        std::fs::remove_file(dir.join(DEB)).unwrap();
        std::fs::create_dir(dir.join(DEB)).unwrap();
    };
    let huge = |_: &Path, files: &mut Vec<File>| files[0].size = u64::MAX;
    let twice = |_: &Path, files: &mut Vec<File>| files.push(files[0].clone());
    let none = |_: &Path, files: &mut Vec<File>| files.clear();
    let spoils: [Spoil<'_>; 5] = [&link, &folder, &huge, &twice, &none];
    for (number, spoil) in spoils.into_iter().enumerate() {
        assert!(check(&good(), spoil).is_err(), "{number}");
    }
}

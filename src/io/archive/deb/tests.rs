use std::process::Command;

use super::*;
use crate::core::debian::changes::{Buildinfo, Changes, Dsc};
use crate::io::archive::testing;

/// A package made by dpkg-deb with some compression.
fn package(folder: &Path, compression: &str) -> PathBuf {
    let tree = folder.join("tree");
    std::fs::create_dir_all(tree.join("DEBIAN")).unwrap();
    std::fs::create_dir_all(tree.join("usr/share/doc/tiny")).unwrap();
    std::fs::write(tree.join("usr/share/doc/tiny/README"), "tiny\n".repeat(1000)).unwrap();
    let control = "Package: tiny\nVersion: 1.0-1\nArchitecture: all\nMaintainer: A Person <person@example.org>\n\
                   Description: tiny\n It is small.\n .\n   Indented, \u{fc}mlaut.\n";
    std::fs::write(tree.join("DEBIAN/control"), control).unwrap();
    std::fs::write(tree.join("DEBIAN/postinst"), "#!/bin/sh\nexit 0\n").unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(tree.join("DEBIAN/postinst"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let deb = folder.join(format!("tiny-{compression}.deb"));
    let status = Command::new("dpkg-deb")
        .args(["--root-owner-group", "--uniform-compression", &format!("-Z{compression}"), "-b"])
        .args([&tree, &deb])
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    deb
}

/// An ar archive of these members.
fn ar(folder: &Path, members: &[(&str, &[u8])]) -> PathBuf {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        bytes.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len()).bytes());
        bytes.extend_from_slice(content);
        bytes.extend(vec![b'\n'; content.len() % 2]);
    }
    let path = folder.join("made.deb");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A tar stream of these regular files.
fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::read::GzEncoder::new(bytes, flate2::Compression::best());
    let mut out = Vec::new();
    encoder.read_to_end(&mut out).unwrap();
    out
}

fn refused(path: &Path) -> String {
    read_control(path).unwrap_err().to_string()
}

#[test]
fn the_control_paragraph_is_what_dpkg_deb_shows_for_each_compression() {
    let folder = tempfile::tempdir().unwrap();
    for compression in ["gzip", "xz", "zstd", "none"] {
        let deb = package(folder.path(), compression);
        let theirs = Command::new("dpkg-deb").arg("-f").arg(&deb).output().unwrap();
        assert!(theirs.status.success(), "{compression}");
        let ours = read_control(&deb).unwrap();
        assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&theirs.stdout), "{compression}");
    }
}

#[test]
fn compiled_files_are_handed_out_with_their_path_for_each_compression() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    std::fs::create_dir_all(tree.join("usr/bin")).unwrap();
    let program = [&b"\x7fELF"[..], &[7; 5000]].concat();
    std::fs::write(tree.join("usr/bin/tiny"), &program).unwrap();
    std::fs::write(tree.join("usr/bin/script"), "#!/bin/sh\n").unwrap();
    std::fs::write(tree.join("usr/bin/no"), "\x7fE").unwrap();
    std::os::unix::fs::symlink("tiny", tree.join("usr/bin/link")).unwrap();
    for compression in ["gzip", "xz", "zstd", "none"] {
        let deb = package(folder.path(), compression);
        let mut found = Vec::new();
        each_elf(&deb, &mut |path, bytes| found.push((path.to_owned(), bytes.to_vec()))).unwrap();
        assert_eq!(found, [("usr/bin/tiny".to_owned(), program.clone())], "{compression}");
    }
    let cut = ar(folder.path(), &[("debian-binary", b"2.0\n"), ("control.tar", b""), ("data.tar.xz", b"xx")]);
    assert!(each_elf(&cut, &mut |_, _| {}).is_err());
}

type Look = fn(&Path, &mut dyn FnMut(&str, &[u8])) -> Result<(), DebError>;

#[test]
fn objects_of_static_libraries_are_handed_out_where_they_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let lib = folder.path().join("tree/usr/lib");
    std::fs::create_dir_all(&lib).unwrap();
    std::fs::write(folder.path().join("one.o"), b"\x7fELF one").unwrap();
    // Longer than the place that the format has for names.
    std::fs::write(folder.path().join("a_name_that_is_too_long.o"), b"\x7fELF two").unwrap();
    std::fs::write(folder.path().join("readme"), b"text").unwrap();
    let mut made = Command::new("ar");
    made.current_dir(folder.path()).args([
        "rcD",
        "tree/usr/lib/libx.a",
        "one.o",
        "a_name_that_is_too_long.o",
        "readme",
    ]);
    assert!(made.status().unwrap().success());
    let found = |look: Look| {
        let mut found = Vec::new();
        let deb = package(folder.path(), "xz");
        let looked = look(&deb, &mut |path, bytes| found.push(format!("{path} {}", bytes.len())));
        looked.map(|()| found).map_err(|error| error.to_string())
    };
    let all = ["usr/lib/libx.a(one.o) 8", "usr/lib/libx.a(a_name_that_is_too_long.o) 8"].map(str::to_owned);
    assert_eq!((found(each_elf), found(each_object)), (Ok(Vec::new()), Ok(all.to_vec())));
    let whole = std::fs::read(lib.join("libx.a")).unwrap();
    std::fs::write(lib.join("libx.a"), &whole[..whole.len() / 2]).unwrap();
    let refused = found(each_object).unwrap_err();
    assert!(refused.contains("expected `usr/lib/libx.a` to be a sound static library, got"), "{refused}");
}

#[test]
fn the_hashes_are_those_of_coreutils() {
    let folder = tempfile::tempdir().unwrap();
    let deb = package(folder.path(), "xz");
    let ours = hashes(&deb).unwrap();
    for (tool, hash) in [("md5sum", &ours.md5), ("sha1sum", &ours.sha1), ("sha256sum", &ours.sha256.to_string())] {
        let theirs = Command::new(tool).arg(&deb).output().unwrap().stdout;
        assert!(theirs.starts_with(hash.as_bytes()), "{tool}");
    }
    assert_eq!(ours.size, std::fs::metadata(&deb).unwrap().len());
}

#[test]
fn a_package_cut_off_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let deb = package(folder.path(), "xz");
    let bytes = std::fs::read(&deb).unwrap();
    let cut = folder.path().join("cut.deb");
    for length in (0..bytes.len()).step_by(37).chain([bytes.len() - 2]) {
        std::fs::write(&cut, &bytes[..length]).unwrap();
        assert!(read_control(&cut).is_err(), "{length} of {} bytes were taken", bytes.len());
    }
}

#[test]
fn a_damaged_control_member_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for compression in ["gzip", "xz", "zstd"] {
        let deb = package(folder.path(), compression);
        let mut bytes = std::fs::read(&deb).unwrap();
        // Behind `debian-binary` and two headers, in the middle of the packed control member.
        bytes[8 + 60 + 4 + 60 + 40] ^= 0x55;
        std::fs::write(&deb, bytes).unwrap();
        assert!(refused(&deb).contains("no sound .deb"), "{compression}: {}", refused(&deb));
    }
}

#[test]
fn a_member_that_claims_to_be_larger_than_the_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = ar(folder.path(), &[("debian-binary", b"2.0\n"), ("control.tar", b"xx"), ("data.tar", b"")]);
    let text = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
    std::fs::write(&path, text.replacen("2         `", "9999999999`", 1)).unwrap();
    let got = refused(&path);
    assert!(got.ends_with("member `control.tar` is cut off: expected 9999999999 bytes, got 62"), "{got}");
}

#[test]
fn bombs_are_refused_before_they_hurt() {
    let folder = tempfile::tempdir().unwrap();
    let zeros = vec![0; 80 << 20];
    let large = tar_of(&[("./md5sums", &zeros), ("./control", b"Package: a\n")]);
    let plain = ar(folder.path(), &[("debian-binary", b"2.0\n"), ("control.tar", &large), ("data.tar", b"")]);
    assert!(refused(&plain).contains("67108864 are allowed"), "{}", refused(&plain));
    let packed = zstd::encode_all(&large[..], 1).unwrap();
    let bomb = ar(folder.path(), &[("debian-binary", b"2.0\n"), ("control.tar.zst", &packed), ("data.tar", b"")]);
    assert!(refused(&bomb).contains("unpacks to more than"), "{}", refused(&bomb));
    let names: Vec<String> = (0..2000).map(|number| format!("./f{number}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let many = gz(&tar_of(&files));
    let crowd = ar(folder.path(), &[("debian-binary", b"2.0\n"), ("control.tar.gz", &many), ("data.tar", b"")]);
    assert!(refused(&crowd).contains("more than 1024 files"), "{}", refused(&crowd));
}

#[test]
fn what_tools_would_read_differently_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let check = |members: &[(&str, &[u8])], expected: &str| {
        let got = refused(&ar(folder.path(), members));
        assert!(got.contains(expected), "{got}");
    };
    let twice = gz(&tar_of(&[("./control", b"Package: a\n"), ("control", b"Package: b\n")]));
    check(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &twice), ("data.tar", b"")], "one regular file");
    let two = gz(&tar_of(&[("control", b"Package: a\n\nPackage: b\n")]));
    check(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &two), ("data.tar", b"")], "one paragraph");
    let none = gz(&tar_of(&[("./md5sums", b"")]));
    check(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &none), ("data.tar", b"")], "a file `control`");
    let fine = gz(&tar_of(&[("control", b"Package: a\n")]));
    check(&[("debian-binary", b"2.0\n"), ("data.tar", b""), ("control.tar.gz", &fine)], "as the second member");
    check(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &fine)], "`data.tar` after");
    check(&[("debian-binary", b"1.0\n"), ("control.tar.gz", &fine), ("data.tar", b"")], "format `2.0`");
    check(&[("control.tar.gz", &fine)], "a first member `debian-binary`");
    check(&[("debian-binary", b"2.0\n"), ("control.tar.bz2", &fine), ("data.tar", b"")], "got `.bz2`");
}

#[test]
fn what_dpkg_writes_about_a_build_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let dsc = testing::make_source(folder.path(), "libtiny", "1.0");
    let tree = folder.path().join("libtiny-1.0");
    let deb = testing::make_deb(folder.path(), "libtiny1", "1.0", "amd64", "one");
    std::fs::write(tree.join("debian/files"), "libtiny1_1.0_amd64.deb utils optional\n").unwrap();
    let tool = |name: &str, words: &[&str]| {
        testing::run(Command::new(name).args(words).current_dir(&tree).env("DEB_BUILD_ARCH", "amd64"))
    };
    tool("dpkg-genbuildinfo", &["--build=full", "-O../libtiny_1.0_amd64.buildinfo"]);
    std::fs::write(
        tree.join("debian/files"),
        "libtiny1_1.0_amd64.deb utils optional\nlibtiny_1.0_amd64.buildinfo utils optional\n",
    )
    .unwrap();
    let changes = Changes::parse(tool("dpkg-genchanges", &["--build=full", "-q"]).as_bytes()).unwrap();
    let mut names: Vec<&str> = changes.files.iter().map(|file| file.name.as_str()).collect();
    names.sort_unstable();
    let expected = ["libtiny1_1.0_amd64.deb", "libtiny_1.0.dsc", "libtiny_1.0.tar.xz", "libtiny_1.0_amd64.buildinfo"];
    assert_eq!(names, expected);
    for file in &changes.files {
        let hashes = hashes(&folder.path().join(&file.name)).unwrap();
        assert_eq!((file.size, file.sha256), (hashes.size, hashes.sha256));
        assert_eq!((file.md5.as_deref(), file.sha1.as_deref()), (Some(&*hashes.md5), Some(&*hashes.sha1)));
    }
    let buildinfo = std::fs::read(folder.path().join("libtiny_1.0_amd64.buildinfo")).unwrap();
    let buildinfo = Buildinfo::parse(&buildinfo).unwrap();
    assert!(buildinfo.files.iter().any(|file| file.sha256 == hashes(&deb).unwrap().sha256));
    let dsc = Dsc::parse(&std::fs::read(dsc).unwrap()).unwrap();
    assert_eq!((dsc.source, dsc.version), (changes.source, changes.version));
}

#[test]
fn the_paths_of_a_package_are_those_that_dpkg_deb_lists() {
    let folder = tempfile::tempdir().unwrap();
    for compression in ["gzip", "xz", "zstd", "none"] {
        let deb = package(folder.path(), compression);
        assert_eq!(contents::files(&deb).unwrap(), "usr/share/doc/tiny/README\n", "{compression}");
    }
}

#[test]
fn a_variant_is_put_in_and_nothing_else_changes() {
    let folder = tempfile::tempdir().unwrap();
    let show = |deb: &Path, words: &[&str]| testing::run(Command::new("dpkg-deb").args(words).arg(deb));
    for compression in ["gzip", "xz", "zstd", "none"] {
        let deb = package(folder.path(), compression);
        let mut bytes = Vec::new();
        assert!(stamp::stamp(&deb, "amd64v3", &mut bytes).unwrap());
        let stamped = folder.path().join("stamped.deb");
        std::fs::write(&stamped, &bytes).unwrap();
        let expected =
            show(&deb, &["-f"]).replace("Architecture: all\n", "Architecture: all\nArchitecture-Variant: amd64v3\n");
        assert_eq!(show(&stamped, &["-f"]), expected, "{compression}");
        assert_eq!(show(&stamped, &["-c"]), show(&deb, &["-c"]));
        assert_eq!(show(&stamped, &["-I"]).matches("postinst").count(), 1);
        let members = |path: &Path| testing::run(Command::new("ar").arg("t").arg(path));
        assert_eq!(members(&stamped), members(&deb));
        // The same again gives the same bytes, and what has a variant keeps it.
        let mut again = Vec::new();
        stamp::stamp(&deb, "amd64v3", &mut again).unwrap();
        assert_eq!(again, bytes);
        assert!(!stamp::stamp(&stamped, "other", &mut Vec::new()).unwrap());
    }
}

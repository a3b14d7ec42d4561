use super::*;

const DSC: &str = "Format: 3.0 (quilt)
Source: hello
Binary: hello, hello-doc
Architecture: any all
Version: 1:2.10-3
Maintainer: A Person <person@example.org>
Build-Depends: debhelper-compat (= 13),
 help2man
Package-List:
 hello deb utils optional arch=any,all profile=!stage1
 hello-doc deb contrib/doc optional arch=all
Checksums-Sha1:
 f7bebf6f9c62a2295e889f66e05ce9bfaed9ace3 725946 hello_2.10.orig.tar.gz
Checksums-Sha256:
 31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b 725946 hello_2.10.orig.tar.gz
Files:
 6cd0ffea3884a4e79330338dcc2987d6 725946 hello_2.10.orig.tar.gz
";

const CHANGES: &str = "Format: 1.8
Source: hello (1:2.10-3)
Binary: hello
 hello-doc
Architecture: amd64 all
Version: 1:2.10-3+b1
Distribution: bookworm
Description:
 hello - says it
 .
Changes:
 hello (1:2.10-3) bookworm; urgency=low
 .
   * One.
Checksums-Sha256:
 31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b 10 hello_2.10-3+b1_amd64.deb
Files:
 6cd0ffea3884a4e79330338dcc2987d6 10 utils optional hello_2.10-3+b1_amd64.deb
";

fn armoured(body: &str) -> String {
    let escaped: String = body
        .split_inclusive('\n')
        .map(|line| if line.starts_with('-') { format!("- {line}") } else { line.to_owned() })
        .collect();
    format!(
        "\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{escaped}\n-----BEGIN PGP SIGNATURE-----\n\nabc\n\
         -----END PGP SIGNATURE-----\n"
    )
}

fn refused(text: &str) -> String {
    Changes::parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_changes_file_is_read_with_and_without_armour_and_with_carriage_returns() {
    let changes = Changes::parse(CHANGES.as_bytes()).unwrap();
    assert_eq!((changes.source.as_str(), changes.source_version.as_str()), ("hello", "1:2.10-3"));
    assert_eq!((changes.version.as_str(), changes.distribution.as_str()), ("1:2.10-3+b1", "bookworm"));
    assert_eq!(changes.architectures, ["amd64", "all"]);
    assert_eq!(changes.binaries, ["hello", "hello-doc"]);
    let [file] = &changes.files[..] else { panic!("one file") };
    assert_eq!((file.name.as_str(), file.size), ("hello_2.10-3+b1_amd64.deb", 10));
    assert_eq!((file.section.as_str(), file.priority.as_str()), ("utils", "optional"));
    assert_eq!(file.md5.as_deref(), Some("6cd0ffea3884a4e79330338dcc2987d6"));
    assert_eq!(Changes::parse(armoured(CHANGES).as_bytes()).unwrap(), changes);
    assert_eq!(Changes::parse(CHANGES.replace('\n', "\r\n").as_bytes()).unwrap(), changes);
}

#[test]
fn a_dsc_gives_what_a_build_needs() {
    let dsc = Dsc::parse(armoured(DSC).as_bytes()).unwrap();
    assert_eq!(dsc, Dsc::parse(DSC.as_bytes()).unwrap());
    assert_eq!((dsc.source.as_str(), dsc.version.as_str()), ("hello", "1:2.10-3"));
    assert_eq!(dsc.format, "3.0 (quilt)");
    assert_eq!(dsc.binaries, ["hello", "hello-doc"]);
    assert_eq!(dsc.build_relation("build-depends"), Some("debhelper-compat (= 13), help2man"));
    assert_eq!(dsc.build_relation("Build-Conflicts"), None);
    assert_eq!(dsc.package_list[0].architectures().collect::<Vec<_>>(), ["any", "all"]);
    assert_eq!((dsc.package_list[1].kind.as_str(), dsc.package_list[1].section.as_str()), ("deb", "contrib/doc"));
    assert_eq!(dsc.files[0].sha1.as_deref(), Some("f7bebf6f9c62a2295e889f66e05ce9bfaed9ace3"));
    assert_eq!(dsc.text, DSC);
}

#[test]
fn a_sources_stanza_names_the_package_the_folder_and_the_dsc() {
    let dsc = Dsc::parse(DSC.as_bytes()).unwrap();
    let own = DscFile {
        name: "hello_2.10-3.dsc".to_owned(),
        size: 7,
        md5: "0".repeat(32),
        sha1: Some("1".repeat(40)),
        sha256: Sha256::of(b""),
    };
    let want = "Package: hello
Format: 3.0 (quilt)
Binary: hello, hello-doc
Architecture: any all
Version: 1:2.10-3
Maintainer: A Person <person@example.org>
Build-Depends: debhelper-compat (= 13),
 help2man
Package-List:
 hello deb utils optional arch=any,all profile=!stage1
 hello-doc deb contrib/doc optional arch=all
Directory: pool/main/h/hello
Priority: optional
Section: utils
Files:
 00000000000000000000000000000000 7 hello_2.10-3.dsc
 6cd0ffea3884a4e79330338dcc2987d6 725946 hello_2.10.orig.tar.gz
Checksums-Sha1:
 1111111111111111111111111111111111111111 7 hello_2.10-3.dsc
 f7bebf6f9c62a2295e889f66e05ce9bfaed9ace3 725946 hello_2.10.orig.tar.gz
Checksums-Sha256:
 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 7 hello_2.10-3.dsc
 31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b 725946 hello_2.10.orig.tar.gz
";
    assert_eq!(dsc.sources_stanza("pool/main/h/hello", &own, "utils", "optional"), want);
    // Without a SHA-1 of the .dsc the whole list is left out, since half a list would be wrong.
    let stanza = dsc.sources_stanza("pool/main/h/hello", &DscFile { sha1: None, ..own }, "", "");
    assert!(!stanza.contains("Sha1") && !stanza.contains("Section:"), "{stanza}");
}

#[test]
fn a_dsc_in_latin_1_is_read() {
    let dsc = DSC.replace("A Person", "J\u{fc}rgen").chars().map(|letter| letter as u8).collect::<Vec<u8>>();
    assert!(std::str::from_utf8(&dsc).is_err());
    assert!(Dsc::parse(&dsc).unwrap().text.contains("J\u{fc}rgen"));
}

#[test]
fn a_dsc_with_md5_alone_is_refused_with_a_hint() {
    let old =
        DSC.split("Checksums-Sha1").next().unwrap().to_owned() + "Files:\n" + DSC.split("Files:\n").nth(1).unwrap();
    let error = Dsc::parse(old.as_bytes()).unwrap_err();
    assert_eq!(error, ChangesError::OnlyMd5);
    assert!(error.to_string().contains("\nhint: "));
}

#[test]
fn a_buildinfo_tells_what_was_installed() {
    let text = "Format: 1.0\nSource: hello\nBinary: hello\nArchitecture: amd64\nVersion: 2.10-3\n\
                Checksums-Md5:\n 6cd0ffea3884a4e79330338dcc2987d6 10 hello_2.10-3_amd64.deb\n\
                Checksums-Sha256:\n 31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b 10 \
                hello_2.10-3_amd64.deb\nBuild-Architecture: amd64\nInstalled-Build-Depends:\n autoconf (= 2.71-3),\n \
                gcc:i386 (= 4:12.2.0-3)\nEnvironment:\n LANG=\"C\"\n";
    let info = Buildinfo::parse(text.as_bytes()).unwrap();
    assert_eq!(info.build_architecture.as_deref(), Some("amd64"));
    let installed = [("autoconf", "2.71-3"), ("gcc:i386", "4:12.2.0-3")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(info.installed, installed);
    assert_eq!(info.files[0].md5.as_deref(), Some("6cd0ffea3884a4e79330338dcc2987d6"));
}

#[test]
fn names_with_folders_and_options_are_refused() {
    for name in ["../x.deb", "/etc/passwd", "a/b.deb", ".hidden", "-rf", "..", "a\\b"] {
        let got = refused(&CHANGES.replace("hello_2.10-3+b1_amd64.deb", name));
        assert!(got.contains("a file name without a folder"), "{name}: {got}");
    }
    assert!(refused(&CHANGES.replace("Source: hello", "Source: ../hello")).contains("a package name"));
    assert!(refused(&CHANGES.replace("Version: 1:2.10-3+b1", "Version: 1/../2")).contains("a version"));
    assert!(refused(&CHANGES.replace("amd64 all", "../amd64")).contains("architecture names"));
}

#[test]
fn lists_that_do_not_agree_are_refused() {
    let more = CHANGES.to_owned() + " 6cd0ffea3884a4e79330338dcc2987d6 10 utils optional other.deb\n";
    insta::assert_snapshot!(refused(&more), @"expected `Checksums-Sha256` and `Files` to name the same files, but only one of them has `other.deb`");
    let sizes = CHANGES.replace("10 utils", "11 utils");
    insta::assert_snapshot!(refused(&sizes), @"expected one size of `hello_2.10-3+b1_amd64.deb`, got 10 in `Checksums-Sha256` and 11 in `Files`");
    assert!(refused(&CHANGES.replace("10 hello_2", "+10 hello_2")).contains("a size in bytes"));
    assert!(refused(&CHANGES.replace("31e0", "31g0")).contains("hexadecimal"));
    assert!(refused(CHANGES.split("Files:").next().unwrap()).contains("field `Files`"));
}

#[test]
fn what_is_not_one_well_formed_paragraph_is_refused() {
    assert_eq!(Changes::parse(b"").unwrap_err(), ChangesError::Paragraphs(0));
    assert_eq!(refused(&format!("{CHANGES}\nSource: other\n")), "expected one paragraph, got 2");
    assert_eq!(refused(&format!("{CHANGES}source: other\n")), "expected one field `source`, got two");
    assert!(refused(&CHANGES.replace("Format: 1.8\n", "Format: 1.8\nnonsense\n")).ends_with("(line 2)"));
    let signed = armoured(CHANGES);
    assert!(refused(signed.split("-----BEGIN PGP SIGNATURE").next().unwrap()).contains("without a signature"));
    assert!(refused(&signed.replace("-----END PGP SIGNATURE-----", "")).contains("cut off"));
    assert!(refused(&format!("{signed}Source: other\n")).contains("text after"));
}

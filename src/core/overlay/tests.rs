//! Conflicts, components, and what a tree's changelog says.

use super::*;

fn overlay(kind: OverlayKind, path: &str) -> Overlay {
    Overlay { kind, path: path.into(), first: false, suffix: None }
}

fn deb(path: &str, control: &str) -> Result<Local, Unfit> {
    binary(&overlay(OverlayKind::BinaryPackage, path), control, Sha256::of(path.as_bytes()), 3, "amd64")
}

fn dsc(path: &str, name: &str, list: &str) -> Local {
    let binaries: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let text = format!(
        "Format: 3.0 (native)\nSource: {name}\nBinary: {}\nArchitecture: any all\nVersion: 1.0\nPackage-List:\n{list}\
         Checksums-Sha256:\n {} 3 {name}_1.0.tar.xz\nFiles:\n {} 3 {name}_1.0.tar.xz\n",
        binaries.join(", "),
        Sha256::of(b"tar"),
        "a".repeat(32)
    );
    let dsc = Dsc::parse(text.as_bytes()).unwrap();
    let file = DscFile {
        name: format!("{name}_1.0.dsc"),
        size: 7,
        md5: "b".repeat(32),
        sha1: None,
        sha256: Sha256::of(text.as_bytes()),
    };
    source(&overlay(OverlayKind::SourcePackage, path), &dsc, &file, "amd64").unwrap()
}

const LIBX: &str = "Package: libx1\nVersion: 1:0.9+acme1\nArchitecture: amd64\nSection: contrib/libs\n";

#[test]
fn two_overlays_of_one_package_are_refused_with_both_files() {
    let one = dsc("a/x.dsc", "x", " libx1 deb libs optional arch=any\n libx-doc deb doc optional arch=all\n");
    let other = dsc("b/x.dsc", "x", " libx2 deb libs optional arch=any\n");
    let check = |locals: &[Local]| check(locals).unwrap_err().to_string();
    assert_eq!(
        check(&[one.clone(), other]),
        "expected one overlay for each package, got two for source package `x`: `a/x.dsc` and `b/x.dsc`\n\
         hint: leave one of them out"
    );
    assert!(check(&[one.clone(), deb("x.deb", LIBX).unwrap()]).contains("for binary package `libx1`: `a/x.dsc` and"));
    // What the other one makes elsewhere only is no conflict.
    let elsewhere = dsc("c/y.dsc", "y", " libx1 deb libs optional arch=armhf\n y deb libs optional arch=any\n");
    assert_eq!(super::check(&[one, elsewhere]), Ok(()));
}

#[test]
fn a_deb_for_another_architecture_is_refused_and_one_for_all_is_not() {
    let check = |control: &str| deb("x.deb", control).map(|local| local.packages);
    let error = check(&LIBX.replace("amd64", "armhf")).unwrap_err().to_string();
    assert!(error.starts_with("expected a package for `amd64`, got one for `armhf`\nhint: "), "{error}");
    assert_eq!(check(&LIBX.replace("amd64", "all")), Ok(vec!["libx1".to_owned()]));
    assert!(check("Package: ../x\nVersion: 1\nArchitecture: amd64\n").is_err());
    assert!(check("Package: x\nVersion: one two\nArchitecture: amd64\n").is_err());
}

#[test]
fn they_are_listed_in_the_component_of_their_section() {
    let source = dsc("x.dsc", "x", " x deb utils optional arch=any\n");
    let listed = indexes(&[deb("x.deb", LIBX).unwrap(), source], "amd64");
    let kinds: Vec<_> = listed.iter().map(|(component, kind, _)| (component.as_str(), kind.clone())).collect();
    assert_eq!(kinds, [("contrib", IndexKind::Packages("amd64".to_owned())), ("main", IndexKind::Sources)]);
    assert!(listed[0].2.contains("Filename: overlay/libx1_0.9+acme1_amd64.deb\n"), "{}", listed[0].2);
}

#[test]
fn a_changelog_begins_with_name_and_version() {
    assert_eq!(changelog_head("\nu-boot (2023.01+acme1-2) acme; urgency=low\n\n"), Ok(("u-boot", "2023.01+acme1-2")));
    assert_eq!(changelog_head("what is this"), Err("what is this".to_owned()));
    assert!(changelog_head("../x (1) a; urgency=low\n").is_err());
    assert_eq!(upstream_version("1:2.0-rc1-3"), "2.0-rc1");
}

#[test]
fn upstream_tarballs_are_those_of_this_source_and_version() {
    let check = |name: &str| is_upstream_tarball(Path::new(name), "x", "1:2.0-1");
    assert!(check("../x_2.0.orig.tar.xz") && check("x_2.0.orig-docs.tar.gz") && check("x_2.0.orig.tar.xz.asc"));
    assert!(!check("x_2.0.tar.xz") && !check("x_2.01.orig.tar.xz") && !check("x_2.0.orig.zip"));
}

use super::lists::{Exclusions, NotForUs};
use super::{Rules, judge, without_binnmu};
use crate::core::debian::{packages, sources};
use crate::core::ids::Sha256;

fn source(name: &str, version: &str, more: &str) -> String {
    format!("Package: {name}\nVersion: {version}\n{more}\n\n")
}

fn package(name: &str, version: &str, architecture: &str, source: &str) -> String {
    let source = if source.is_empty() { String::new() } else { format!("Source: {source}\n") };
    format!(
        "Package: {name}\n{source}Version: {version}\nArchitecture: {architecture}\nFilename: pool/{name}.deb\nSize: 1\n\
         SHA256: {}\n\n",
        Sha256::of(name.as_bytes())
    )
}

/// What is said of each source on an architecture, one line each.
struct Question<'q> {
    sources: String,
    packages: String,
    architecture: &'q str,
    profiles: &'q [&'q str],
    exclusions: &'q str,
    not_for_us: &'q str,
}

impl Question<'_> {
    fn answer(&self) -> Vec<String> {
        let (sources, malformed) = sources::read(self.sources.as_bytes());
        assert_eq!(malformed, []);
        let (packages, malformed) = packages::read(self.packages.as_bytes());
        assert_eq!(malformed, []);
        let (exclusions, wrong) = Exclusions::parse(self.exclusions);
        let (not_for_us, wrong_too) = NotForUs::parse(self.not_for_us);
        assert_eq!((wrong, wrong_too), (vec![], vec![]));
        let rules = Rules { profiles: self.profiles, exclusions: &exclusions, not_for_us: &not_for_us };
        let judged = judge(sources, packages, self.architecture, rules);
        judged.iter().map(|it| format!("{} {}: {}", it.source, it.version, it.verdict)).collect()
    }
}

fn on(architecture: &str) -> Question<'_> {
    Question {
        sources: String::new(),
        packages: String::new(),
        architecture,
        profiles: &[],
        exclusions: "",
        not_for_us: "",
    }
}

/// One source with these fields on an architecture, with these packages there.
fn check(architecture: &str, fields: &str, packages: &[String]) -> String {
    let answer = Question { sources: source("x", "2-1", fields), packages: packages.concat(), ..on(architecture) };
    let answer = answer.answer();
    assert_eq!(answer.len(), 1);
    answer[0].strip_prefix("x 2-1: ").expect("it is asked of x").to_owned()
}

const ANY: &str = "Binary: x, libx\nArchitecture: any";

#[test]
fn binaries_are_compared_by_the_version_of_their_source() {
    let current = "its binaries are there";
    let cases = [
        (vec![], "no binaries are there"),
        (vec![package("x", "2-1", "amd64", "")], current),
        (vec![package("libx", "2-1", "amd64", "x")], current),
        (vec![package("libx", "7.4", "amd64", "x (2-1)")], current),
        (vec![package("x", "1-9", "amd64", "")], "only those of 1-9 are there"),
        (vec![package("libx", "7.4", "amd64", "x (1-1)")], "only those of 1-1 are there"),
        // An epoch of the binary is none of the source.
        (vec![package("libx", "1:2-1", "amd64", "x (2-1)")], current),
        // What the newer version does not build any more stays for a while.
        (vec![package("libx0", "1-1", "amd64", "x"), package("libx", "2-1", "amd64", "x")], current),
        (vec![package("x", "3-1", "amd64", "")], "those of the newer 3-1 are there"),
        // Of another architecture, or of another source.
        (vec![package("x", "2-1", "i386", "")], "no binaries are there"),
        (vec![package("x", "2-1", "all", "")], "no binaries are there"),
        (vec![package("x", "2-1", "amd64", "y")], "no binaries are there"),
    ];
    for (packages, expected) in cases {
        assert_eq!(check("amd64", ANY, &packages), expected, "{packages:?}");
    }
}

#[test]
fn a_binary_only_rebuild_is_as_good_as_the_source() {
    assert_eq!(check("amd64", ANY, &[package("x", "2-1+b3", "amd64", "x (2-1)")]), "its binaries are there");
    // Old tools did not write the source's version.
    assert_eq!(check("amd64", ANY, &[package("x", "2-1+b3", "amd64", "")]), "its binaries are there");
    assert_eq!(check("amd64", ANY, &[package("x", "1-1+b3", "amd64", "x (1-1)")]), "only those of 1-1 are there");
    for (version, without) in [("1-1+b12", "1-1"), ("1+b", "1+b"), ("1+bsd", "1+bsd"), ("1+b1~x", "1+b1~x")] {
        assert_eq!(without_binnmu(version), without);
    }
}

#[test]
fn architecture_fields_and_wildcards_say_where_a_source_is_for() {
    let missing = "no binaries are there";
    let cases = [
        ("amd64", "any", missing),
        ("amd64", "any all", missing),
        ("amd64", "linux-any", missing),
        ("armhf", "any-arm", missing),
        ("hurd-i386", "linux-any", "it is for `linux-any` only"),
        ("amd64", "i386 arm64", "it is for `i386 arm64` only"),
        ("amd64", "armhf all", "it is for `armhf` only"),
        ("amd64", "all", "it builds `Architecture: all` packages only"),
        ("all", "all", missing),
        ("all", "any all", missing),
        ("all", "any", "it builds no `Architecture: all` packages"),
    ];
    for (architecture, field, expected) in cases {
        assert_eq!(check(architecture, &format!("Architecture: {field}"), &[]), expected, "{field} on {architecture}");
    }
    let packages = [package("x-doc", "2-1", "all", "x"), package("x", "1-1", "amd64", "")];
    assert_eq!(check("all", "Architecture: any all", &packages), "its binaries are there");
    assert_eq!(check("amd64", "Architecture: any all", &packages), "only those of 1-1 are there");
}

#[test]
fn a_package_list_says_it_binary_by_binary() {
    let missing = "no binaries are there";
    let cases = [
        ("amd64", "x deb libs optional arch=any", missing),
        ("amd64", "x deb libs optional", missing),
        ("amd64", "x deb libs optional arch=i386,amd64", missing),
        ("arm64", "x deb libs optional arch=i386,amd64", "it is for `i386 amd64` only"),
        ("amd64", "x deb doc optional arch=all", "it builds `Architecture: all` packages only"),
        ("amd64", "x deb libs optional arch=any profile=!nodoc", missing),
        (
            "amd64",
            "x deb libs optional arch=any profile=pkg.x.extra,!nodoc",
            "what it builds here needs the build profiles `pkg.x.extra,!nodoc`",
        ),
        ("amd64", "x deb libs optional arch=any profile=stage1+!nodoc", missing),
        ("amd64", "x-udeb udeb debian-installer optional arch=any", "it builds packages of the installer (udebs) only"),
        ("all", "x-doc deb doc optional arch=all profile=!nodoc", missing),
        ("all", "x deb libs optional arch=any", "it builds no `Architecture: all` packages"),
    ];
    for (architecture, line, expected) in cases {
        let fields = format!("Architecture: any\nPackage-List:\n {line}");
        assert_eq!(check(architecture, &fields, &[]), expected, "{line} on {architecture}");
    }
    let fields =
        "Architecture: any\nPackage-List:\n a deb libs optional arch=i386\n b deb libs optional arch=linux-any";
    assert_eq!(check("amd64", fields, &[]), missing);
    let sources = source("x", "1", "Architecture: all\nPackage-List:\n x deb doc optional arch=all profile=!nodoc");
    let answer = Question { sources, profiles: &["nodoc"], ..on("all") }.answer();
    assert_eq!(answer, ["x 1: what it builds here needs the build profiles `!nodoc`"]);
}

#[test]
fn only_the_newest_version_of_a_source_counts_and_none_that_is_kept_for_built_using() {
    let sources = [
        source("x", "1-1", ANY),
        source("x", "2-1", ANY),
        source("x", "3-1", "Extra-Source-Only: yes\nArchitecture: any"),
        source("kept", "1", "Extra-Source-Only: yes\nArchitecture: any"),
        source("a", "1", ANY),
    ];
    let question = Question { sources: sources.concat(), packages: package("x", "2-1", "amd64", ""), ..on("amd64") };
    assert_eq!(question.answer(), ["a 1: no binaries are there", "x 2-1: its binaries are there"]);
}

#[test]
fn exclusions_leave_out_by_source_and_by_all_binaries_that_it_would_build() {
    let answer = |exclusions: &str, fields: &str| {
        Question { sources: source("x", "1", fields), exclusions, ..on("amd64") }.answer().remove(0)
    };
    let missing = "x 1: no binaries are there";
    let list = "Architecture: any\nPackage-List:\n x deb libs optional arch=any\n libx deb libs optional arch=any\n \
                x-doc deb doc optional arch=all";
    let cases = [
        ("", missing),
        ("%x: i386 arm64 # by hand", "x 1: the exclusions say `%x: i386 arm64`"),
        ("%x: [i386 arm64]", "x 1: the exclusions say `%x: i386 arm64`"),
        ("%x: i386 amd64", missing),
        ("%x: !amd64", "x 1: the exclusions say `%x: !amd64`"),
        ("%x: !armel !armhf", missing),
        ("%x: linux-any", missing),
        ("# %x: i386\n\nx: i386", missing),
        ("x: i386\nlibx: !amd64", "x 1: the exclusions say `x: i386`"),
        ("x: i386\nlibx: !armel", missing),
        ("x-doc: i386", missing),
    ];
    for (exclusions, expected) in cases {
        assert_eq!(answer(exclusions, list), expected, "{exclusions}");
        // Without a list, all that it may build is meant.
        let binaries = "Architecture: any\nBinary: x, libx";
        assert_eq!(answer(exclusions, binaries), expected, "{exclusions}");
    }
}

#[test]
fn what_is_not_for_us_is_said_to_be_so_where_that_holds() {
    let sources = [source("x", "1", ANY), source("y", "1", ANY), source("z", "1", "Architecture: i386")].concat();
    let not_for_us = "x   # nobody has the hardware\ny: armel armhf\nz\n";
    let answer = Question { sources, not_for_us, ..on("amd64") }.answer();
    let expected = ["x 1: it is on the not-for-us list", "y 1: no binaries are there", "z 1: it is for `i386` only"];
    assert_eq!(answer, expected);
}

#[test]
fn a_line_that_cannot_be_read_is_named_and_the_rest_goes_on() {
    let (exclusions, wrong) = Exclusions::parse("a: i386\nb\n: i386\nc d: i386\n%e:\n%f: !i386\n");
    let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    let said = |line: u32, name: &str| {
        format!("line {line}, package `{name}`: expected `NAME: ARCHITECTURES`, got no architectures or no name")
    };
    assert_eq!(wrong, [said(2, "b"), said(3, ""), said(4, "c d"), said(5, "%e")]);
    assert_eq!((exclusions.of_binary("a"), exclusions.of_source("f")), (Some("i386"), Some("!i386")));
    let (list, wrong) = NotForUs::parse("a b\nc\n");
    assert_eq!(wrong[0].to_string(), "line 1, package `a b`: expected `NAME` or `NAME: ARCHITECTURES`");
    assert!(list.holds("c", "amd64") && !list.holds("a b", "amd64"));
}

use super::*;

fn binary(package: &str, architecture: &str, content: &str) -> BinaryFile {
    BinaryFile {
        package: package.to_owned(),
        version: "1.0-1".to_owned(),
        architecture: architecture.to_owned(),
        source: "libtiny".to_owned(),
        component: "main".to_owned(),
        name: format!("{package}_1.0-1_{architecture}.deb"),
        size: content.len() as u64,
        sha256: Sha256::of(content.as_bytes()),
        md5: "0".repeat(32),
        sha1: Some("1".repeat(40)),
        control: format!(
            "Package: {package}\nVersion: 1.0-1\nArchitecture: {architecture}\nFilename: ../lie\nsize: 1\n 2\nDescription: tiny\n .\n  more\n"
        ),
        kind: BinaryKind::Deb,
        files: "".into(),
    }
}

fn options() -> Options {
    Options {
        suite: "tiny".to_owned(),
        codename: "tiny".to_owned(),
        origin: "example".to_owned(),
        label: String::new(),
        components: vec!["main".to_owned()],
        architectures: vec!["amd64".to_owned()],
        now: 1_672_531_200,
        ..Options::default()
    }
}

fn contents(binaries: Vec<BinaryFile>) -> Contents {
    Contents { binaries, ..Contents::default() }
}

/// The text of an index.
fn index(plan: &PublishPlan, path: &str) -> String {
    let found = plan.indexes.iter().find(|index| index.path == path);
    String::from_utf8(found.unwrap_or_else(|| panic!("no `{path}`")).bytes.clone()).unwrap()
}

/// The names of the packages that an index lists.
fn names(plan: &PublishPlan, path: &str) -> String {
    let text = index(plan, path);
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("Package: ")).collect();
    names.join(" ")
}

fn refused(binaries: Vec<BinaryFile>, options: &Options) -> String {
    plan(&contents(binaries), options).unwrap_err().to_string()
}

#[test]
fn a_stanza_is_the_control_paragraph_with_our_word_on_where_it_is() {
    let plan = plan(&contents(vec![binary("libtiny1", "amd64", "x"), binary("a-doc", "all", "")]), &options()).unwrap();
    let packages = index(&plan, "main/binary-amd64/Packages");
    insta::assert_snapshot!(packages, @"
    Package: a-doc
    Version: 1.0-1
    Architecture: all
    Description: tiny
     .
      more
    Filename: pool/main/libt/libtiny/a-doc_1.0-1_all.deb
    Size: 0
    MD5sum: 00000000000000000000000000000000
    SHA1: 1111111111111111111111111111111111111111
    SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

    Package: libtiny1
    Version: 1.0-1
    Architecture: amd64
    Description: tiny
     .
      more
    Filename: pool/main/libt/libtiny/libtiny1_1.0-1_amd64.deb
    Size: 1
    MD5sum: 00000000000000000000000000000000
    SHA1: 1111111111111111111111111111111111111111
    SHA256: 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881
    ");
    assert_eq!((plan.counts.sources, plan.counts.packages), (0, 2));
}

#[test]
fn the_release_lists_every_index_in_every_form() {
    let plan = plan(&Contents::default(), &options()).unwrap();
    insta::assert_snapshot!(plan.release.split("MD5Sum:").next().unwrap(), @"
    Origin: example
    Suite: tiny
    Codename: tiny
    Date: Sun, 01 Jan 2023 00:00:00 UTC
    Acquire-By-Hash: yes
    Architectures: amd64
    Components: main
    ");
    for IndexFile { path, sha256, bytes } in &plan.indexes {
        assert_eq!(*sha256, Sha256::of(bytes));
        assert!(plan.release.contains(&format!("\n {sha256} {} {path}\n", bytes.len())), "{path}");
    }
    let paths: Vec<&str> = plan.indexes.iter().map(|index| index.path.as_str()).collect();
    let (packages, sources) = ("main/binary-amd64/Packages", "main/source/Sources");
    let forms = |path: &str| ["", ".gz", ".xz"].map(|form| format!("{path}{form}"));
    let mut expected = [forms(packages), forms(sources)].concat();
    expected.extend(["main/binary-amd64/Release".to_owned(), "main/source/Release".to_owned()]);
    expected.sort();
    assert_eq!(paths, expected);
}

#[test]
fn only_the_date_depends_on_the_time_and_nothing_on_the_order() {
    let (one, two) = (binary("a", "amd64", "1"), binary("b", "all", "2"));
    let first = plan(&contents(vec![one.clone(), two.clone()]), &options()).unwrap();
    let later = Options { now: first.date - 2, previous: Some(first.date), ..options() };
    let second = plan(&contents(vec![two.clone(), one, two]), &later).unwrap();
    assert_eq!(second.date, first.date + 1);
    assert_eq!((&first.pool, &first.indexes, first.counts), (&second.pool, &second.indexes, second.counts));
    assert_ne!(first.release, second.release);
    assert!(release::same_but_date(&first.release, &second.release));
    assert_eq!(release::date_of(&second.release), Some(second.date));
}

#[test]
fn sources_whose_name_begins_with_lib_get_four_letters() {
    for (source, want) in
        [("hello", "pool/main/h/hello"), ("libfoo", "pool/main/libf/libfoo"), ("lib", "pool/main/lib/lib")]
    {
        assert_eq!(pool::directory("main", source), want);
    }
    assert_eq!(pool::directory("updates/main", "libx"), "pool/updates/main/libx/libx");
}

#[test]
fn a_package_that_was_built_again_gets_a_folder_of_its_own_and_what_is_there_stays() {
    let mut taken = contents(vec![binary("a", "amd64", "1")]);
    let built = taken.binaries[0].sha256;
    taken.pool.insert("pool/main/libt/libtiny/a_1.0-1_amd64.deb".to_owned(), Sha256::of(b"2"));
    let plan = plan(&taken, &options()).unwrap();
    let path = format!("pool/main/libt/libtiny/{}/a_1.0-1_amd64.deb", &built.to_string()[..16]);
    assert!(plan.pool.iter().any(|file| file.path == path), "{:?}", plan.pool);
    let packages = index(&plan, "main/binary-amd64/Packages");
    assert!(packages.contains(&format!("Filename: {path}\n")));
}

#[test]
fn two_files_of_one_name_in_one_archive_are_refused() {
    let two = [binary("a", "amd64", "1"), BinaryFile { source: "other".to_owned(), ..binary("a", "amd64", "2") }];
    assert!(refused(two.to_vec(), &options()).contains("expected one file of `a` 1.0-1 (amd64)"));
}

#[test]
fn what_would_mean_something_else_in_a_path_or_a_line_is_refused() {
    let with = |change: fn(&mut BinaryFile)| {
        let mut file = binary("a", "amd64", "1");
        change(&mut file);
        refused(vec![file], &options())
    };
    assert!(with(|file| file.name = "../a.deb".to_owned()).contains("a file name without a folder"));
    assert!(with(|file| file.source = "..".to_owned()).contains("a package name"));
    assert!(with(|file| file.component = "contrib".to_owned()).contains("expected one of: main\nhint: "));
    assert!(with(|file| file.architecture = "arm64".to_owned()).contains("architecture `arm64`"));
    assert!(with(|file| file.control.push_str("\nPackage: b\n")).contains("one paragraph"));
    assert!(with(|file| file.version = "2".to_owned()).contains("expected `Version: 2`, got `1.0-1`"));
    let set = |change: fn(&mut Options)| {
        let mut options = options();
        change(&mut options);
        refused(Vec::new(), &options)
    };
    assert!(set(|options| options.suite = "../x".to_owned()).contains("`suite`"));
    assert!(set(|options| options.origin = "a\nSuite: b".to_owned()).contains("`origin`"));
    assert!(set(|options| options.components = vec!["main".to_owned(); 2]).contains("each once"));
    assert!(set(|options| options.architectures = vec!["all".to_owned()]).contains("such as `amd64`"));
    assert!(set(|options| options.architectures.clear()).contains("at least one"));
}

#[test]
fn the_text_inside_a_signed_release_is_found() {
    let signed =
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nOrigin: x\n- -y\n-----BEGIN PGP SIGNATURE-----\n\na\n";
    assert_eq!(release::signed_text(signed).as_deref(), Some("Origin: x\n-y\n"));
    assert_eq!(release::signed_text("Origin: x\n"), None);
}

#[test]
fn a_date_far_in_the_future_is_refused() {
    let ahead = Options { previous: Some(options().now + 86_400), ..options() };
    let error = plan(&Contents::default(), &ahead).unwrap_err().to_string();
    assert!(error.contains("86401 seconds after now") && error.contains("hint: set the clock"), "{error}");
}

#[test]
fn what_an_archive_says_of_itself_is_in_its_release() {
    let options = Options { valid_for: Some(86_400), not_automatic: true, but_automatic_upgrades: true, ..options() };
    let plan = plan(&Contents::default(), &options).unwrap();
    for line in ["Valid-Until: Mon, 02 Jan 2023 00:00:00 UTC", "NotAutomatic: yes", "ButAutomaticUpgrades: yes"] {
        assert!(plan.release.contains(&format!("\n{line}\n")), "{line}: {}", plan.release);
    }
    assert!(index(&plan, "main/binary-amd64/Release").contains("NotAutomatic: yes\n"));
    let later = release::redated(&plan.release, plan.date + 60);
    assert!(later.contains("Valid-Until: Mon, 02 Jan 2023 00:01:00 UTC\n"), "{later}");
    assert!(release::same_but_date(&plan.release, &later));
    let snapshot = release::renamed(&plan.release, "snapshots/one", plan.date + 1);
    assert!(!snapshot.contains("Valid-Until") && snapshot.contains("\nSuite: snapshots/one\n"), "{snapshot}");
}

#[test]
fn long_descriptions_go_to_the_translations_and_are_found_by_their_md5() {
    let plan = plan(&contents(vec![binary("a", "amd64", "1")]), &Options { translations: true, ..options() }).unwrap();
    let packages = index(&plan, "main/binary-amd64/Packages");
    assert!(packages.contains("Description: tiny\nDescription-md5: "), "{packages}");
    insta::assert_snapshot!(index(&plan, "main/i18n/Translation-en"), @"
    Package: a
    Description-md5: db8592799cfffda05b62dd73a63c3b9d
    Description-en: tiny
     .
      more
    ");
}

#[test]
fn contents_name_the_packages_of_each_file() {
    let with = |name: &str, files: &str| BinaryFile { files: files.into(), ..binary(name, "amd64", name) };
    let two = vec![with("b", "usr/bin/x\nusr/bin/y\n"), with("a", "usr/bin/x\n")];
    let plan = plan(&contents(two), &Options { contents: true, ..options() }).unwrap();
    let packed = plan.indexes.iter().find(|index| index.path == "main/Contents-amd64.gz").unwrap();
    let mut text = String::new();
    let mut reader = flate2::read::GzDecoder::new(packed.bytes.as_slice());
    std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
    let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words, [["usr/bin/x", "a,b"], ["usr/bin/y", "b"]]);
}

#[test]
fn debug_symbols_and_the_installers_packages_have_areas_of_their_own() {
    let of = |name: &str, kind: BinaryKind| BinaryFile { kind, ..binary(name, "amd64", name) };
    let all = vec![of("a", BinaryKind::Deb), of("a-dbgsym", BinaryKind::Dbgsym), of("a-udeb", BinaryKind::Udeb)];
    let plan = plan(&contents(all), &options()).unwrap();
    assert_eq!(names(&plan, "main/binary-amd64/Packages"), "a");
    assert_eq!(names(&plan, "main/debug/binary-amd64/Packages"), "a-dbgsym");
    assert_eq!(names(&plan, "main/debian-installer/binary-amd64/Packages"), "a-udeb");
    assert!(plan.release.contains("\nComponents: main main/debug\n"));
}

#[test]
fn what_is_kept_beside_is_in_the_plan_and_in_no_index() {
    let beside = |kind, name: &str| BesideFile {
        kind,
        source: "libtiny".to_owned(),
        name: name.to_owned(),
        sha256: Sha256::of(name.as_bytes()),
        size: 1,
    };
    let beside = vec![
        beside(BesideKind::Buildinfo, "a.buildinfo"),
        beside(BesideKind::Log, "a.build"),
        beside(BesideKind::Byhand, "a.img"),
    ];
    let plan = plan(&Contents { beside, ..Contents::default() }, &options()).unwrap();
    let paths: Vec<&str> = plan.pool.iter().map(|file| file.path.as_str()).collect();
    let expected = [
        ".cloudbuild/byhand/libt/libtiny/a.img",
        "buildinfo-pool/libt/libtiny/a.buildinfo",
        "log-pool/libt/libtiny/a.build",
    ];
    assert_eq!(paths, expected);
}

mod variants {
    use super::*;
    use crate::core::flags::VariantIndex;

    /// A package of the variant.
    fn of_variant(name: &str) -> BinaryFile {
        let plain = binary(name, "amd64", &format!("{name} of the variant"));
        let control =
            plain.control.replace("Architecture: amd64", "Architecture: amd64\nArchitecture-Variant: amd64v3");
        BinaryFile { control, name: format!("{name}_1.0-1_amd64v3.deb"), ..plain }
    }

    fn planned(index: VariantIndex) -> PublishPlan {
        let variant = VariantOf { tag: "amd64v3".to_owned(), base: "amd64".to_owned(), index };
        let binaries = vec![
            of_variant("both"),
            binary("both", "amd64", "of the base"),
            of_variant("faster"),
            binary("untouched", "amd64", "of the base, too"),
            binary("words", "all", "words"),
        ];
        plan(&contents(binaries), &Options { variants: vec![variant], ..options() }).unwrap()
    }

    #[test]
    fn a_complete_index_lists_what_has_no_variant_and_is_an_architecture() {
        let plan = planned(VariantIndex::Complete);
        assert_eq!(names(&plan, "main/binary-amd64v3/Packages"), "both faster untouched words");
        assert_eq!(names(&plan, "main/binary-amd64/Packages"), "both untouched words");
        assert!(index(&plan, "main/binary-amd64v3/Packages").contains("both_1.0-1_amd64v3.deb\n"));
        assert!(plan.release.contains("\nArchitectures: amd64 amd64v3\n"), "{}", plan.release);
    }

    #[test]
    fn a_partial_index_lists_the_variant_alone_and_is_no_architecture() {
        let plan = planned(VariantIndex::Partial);
        assert_eq!(names(&plan, "main/binary-amd64v3/Packages"), "both faster");
        assert_eq!(names(&plan, "main/binary-amd64/Packages"), "both untouched words");
        assert!(plan.release.contains("\nArchitectures: amd64\n"), "{}", plan.release);
    }

    #[test]
    fn a_variant_that_the_archive_does_not_have_is_refused() {
        let error = refused(vec![of_variant("a")], &options());
        assert!(error.contains("`a_1.0-1_amd64v3.deb` is of variant `amd64v3`, expected none\nhint: "), "{error}");
        let variant = |tag: &str, base: &str| {
            let variant = VariantOf { tag: tag.to_owned(), base: base.to_owned(), index: VariantIndex::Partial };
            refused(Vec::new(), &Options { variants: vec![variant], ..options() })
        };
        assert!(variant("../x", "amd64").contains("small letters and digits"));
        assert!(variant("amd64", "amd64").contains("small letters and digits"));
        assert!(variant("armv6", "armhf").contains("a variant of an architecture that the archive has"));
    }
}

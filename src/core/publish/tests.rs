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
        previous: None,
    }
}

fn contents(binaries: Vec<BinaryFile>) -> Contents {
    Contents { binaries, ..Contents::default() }
}

fn refused(binaries: Vec<BinaryFile>, options: &Options) -> String {
    plan(&contents(binaries), options).unwrap_err().to_string()
}

#[test]
fn a_stanza_is_the_control_paragraph_with_our_word_on_where_it_is() {
    let plan = plan(&contents(vec![binary("libtiny1", "amd64", "x"), binary("a-doc", "all", "")]), &options()).unwrap();
    let (_, packages) = plan.indexes.iter().find(|(path, _)| path == "main/binary-amd64/Packages").unwrap();
    insta::assert_snapshot!(String::from_utf8_lossy(packages), @"
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
    assert_eq!((plan.sources, plan.packages), (0, 2));
}

#[test]
fn the_release_lists_every_index_in_every_form() {
    let plan = plan(&Contents::default(), &options()).unwrap();
    insta::assert_snapshot!(plan.release.split("SHA256:").next().unwrap(), @"
    Origin: example
    Suite: tiny
    Codename: tiny
    Date: Sun, 01 Jan 2023 00:00:00 UTC
    Acquire-By-Hash: yes
    Architectures: amd64
    Components: main
    ");
    for (path, bytes) in &plan.indexes {
        assert!(plan.release.contains(&format!("\n {} {} {path}\n", Sha256::of(bytes), bytes.len())), "{path}");
    }
    assert_eq!(plan.indexes.len(), 6);
}

#[test]
fn only_the_date_depends_on_the_time_and_nothing_on_the_order() {
    let (one, two) = (binary("a", "amd64", "1"), binary("b", "all", "2"));
    let first = plan(&contents(vec![one.clone(), two.clone()]), &options()).unwrap();
    let later = Options { now: 5, previous: Some(first.date), ..options() };
    let second = plan(&contents(vec![two.clone(), one, two]), &later).unwrap();
    assert_eq!(second.date, first.date + 1);
    assert_eq!((&first.pool, &first.indexes, first.packages), (&second.pool, &second.indexes, second.packages));
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
    let (_, packages) = plan.indexes.iter().find(|(path, _)| path == "main/binary-amd64/Packages").unwrap();
    assert!(String::from_utf8_lossy(packages).contains(&format!("Filename: {path}\n")));
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

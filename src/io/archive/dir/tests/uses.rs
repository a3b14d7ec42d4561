//! What other tools make of an archive: apt with variants, apt-ftparchive, gpgv, dose-distcheck.

use super::*;
use crate::core::flags::VariantIndex;
use crate::core::publish::{BesideFile, BesideKind, VariantOf};
use crate::io::archive::deb;

impl Bench {
    /// Adds a package of a variant of amd64.
    fn add_variant(&mut self, name: &str, tag: &str) {
        let plain = make_deb(self.folder.path(), name, "1.0-1", "amd64", "faster");
        let path = self.folder.path().join(format!("{name}_1.0-1_{tag}.deb"));
        let mut bytes = Vec::new();
        deb::stamp::stamp(&plain, tag, &mut bytes).unwrap();
        std::fs::write(&path, bytes).unwrap();
        let file = binary(&path, "main", BinaryKind::Deb);
        self.files.insert(file.sha256, path);
        self.contents.binaries.push(file);
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join("dists/tiny/updates").join(path)).unwrap()
    }
}

fn with_variant(index: VariantIndex) -> Bench {
    let mut bench = Bench::new();
    bench.add_variant("libtiny1-fast", "amd64v3");
    bench.add_variant("tiny-fast", "amd64v3");
    let variant = VariantOf { tag: "amd64v3".to_owned(), base: "amd64".to_owned(), index };
    bench.options.variants.push(variant);
    bench
}

/// apt that is told of a variant. Only Ubuntu's knows variants by itself; any apt reads the folders that it
/// is told to.
fn apt_of(bench: &Bench, url: &str) -> Apt {
    let apt = bench.apt(url);
    apt.read_architectures(&bench.options.variants[0].folders().join(","));
    apt
}

#[test]
fn apt_that_reads_a_complete_variant_alone_has_every_package() {
    let bench = with_variant(VariantIndex::Complete);
    bench.publish(NOW);
    assert!(bench.text("Release").contains("\nArchitectures: amd64 arm64 amd64v3\n"));
    let serving = serve::serve(bench.root()).unwrap();
    let apt = apt_of(&bench, &serving.url);
    let update = apt.run(&["apt-get", "update"]);
    assert!(!update.contains("N:") && !update.contains("W:"), "{update}");
    apt.run(&["apt-get", "download", "tiny-fast", "libtiny1", "tiny-doc"]);
    let deb = apt.work().join("tiny-fast_1.0-1_amd64.deb");
    let field = run(Command::new("dpkg-deb").arg("-f").arg(deb).arg("Architecture-Variant"));
    assert_eq!(field.trim(), "amd64v3");
    let shown = apt.run(&["apt-cache", "show", "tiny-fast"]);
    assert!(
        shown.contains("tiny-fast_1.0-1_amd64v3.deb") && shown.contains("Architecture-Variant: amd64v3"),
        "{shown}"
    );
}

#[test]
fn apt_that_reads_the_base_of_a_partial_variant_sees_nothing_of_the_variant() {
    let bench = with_variant(VariantIndex::Partial);
    bench.publish(NOW);
    let serving = serve::serve(bench.root()).unwrap();
    let apt = bench.apt(&serving.url);
    apt.run(&["apt-get", "update"]);
    let names = apt.run(&["apt-cache", "pkgnames"]);
    assert!(names.contains("libtiny1") && !names.contains("tiny-fast"), "{names}");
    let release = bench.text("Release");
    assert!(release.contains("\nArchitectures: amd64 arm64\n"), "{release}");
    assert!(release.contains(" main/binary-amd64v3/Packages.xz\n"), "apt that knows variants finds it in Release");
    assert_eq!(bench.text("main/binary-amd64v3/Packages").matches("Package: ").count(), 2);
    let listed = packages(&bench.root(), "tiny/updates", "amd64").unwrap().concat();
    let listed = String::from_utf8(listed).unwrap();
    assert!(listed.contains("Package: tiny-fast\n") && listed.contains("Package: libtiny1\n"), "{listed}");
    assert!(!listed.contains("Architecture: arm64"), "{listed}");
}

#[test]
fn apt_that_is_told_of_a_partial_variant_reads_it_beside_the_base() {
    let bench = with_variant(VariantIndex::Partial);
    bench.publish(NOW);
    let serving = serve::serve(bench.root()).unwrap();
    let apt = apt_of(&bench, &serving.url);
    let update = apt.run(&["apt-get", "update"]);
    assert!(!update.contains("N:") && !update.contains("W:"), "{update}");
    apt.run(&["apt-get", "download", "tiny-fast", "libtiny1", "tiny-doc"]);
}

#[test]
fn short_descriptions_are_what_apt_ftparchive_says_and_apt_shows_long_ones() {
    let mut bench = Bench::new();
    bench.options.translations = true;
    bench.publish(NOW);
    let mut command = Command::new("apt-ftparchive");
    command.args(["-o", "APT::FTPArchive::SHA512=no", "-o", "APT::FTPArchive::LongDescription=no", "packages"]);
    let scanned = run(command.arg("pool/updates/contrib").current_dir(bench.root()));
    assert_eq!(stanzas(&bench.text("updates/contrib/binary-amd64/Packages")), stanzas(&scanned));
    let serving = serve::serve(bench.root()).unwrap();
    let apt = bench.apt(&serving.url);
    apt.run(&["apt-get", "-o", "Acquire::Languages=en", "update"]);
    let shown = apt.run(&["apt-cache", "-o", "Acquire::Languages=en", "show", "libtiny1"]);
    assert!(shown.contains("It is small,") && shown.contains("and indented."), "{shown}");
}

#[test]
fn contents_and_every_compression_are_what_other_tools_read() {
    let mut bench = Bench::new();
    bench.options.contents = true;
    bench.options.zst = true;
    bench.publish(NOW);
    let dists = bench.root().join("dists/tiny/updates");
    let unpack = |tool: &str, path: &str| run(Command::new(tool).args(["-dc"]).arg(dists.join(path)));
    let plain = bench.text("main/binary-amd64/Packages");
    for (tool, form) in [("gzip", "gz"), ("xz", "xz"), ("zstd", "zst")] {
        assert_eq!(unpack(tool, &format!("main/binary-amd64/Packages.{form}")), plain, "{form}");
    }
    let words = |text: &str| -> BTreeSet<String> {
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    let theirs =
        run(Command::new("apt-ftparchive").args(["contents", "pool/updates/contrib"]).current_dir(bench.root()));
    // Debian's have the section before the name, apt-ftparchive's have not.
    let ours = unpack("gzip", "updates/contrib/Contents-amd64.gz").replace("utils/", "");
    assert_eq!(words(&ours), words(&theirs));
    assert!(!theirs.trim().is_empty());
}

#[test]
fn gpgv_takes_the_signatures_and_dose_the_packages() {
    let bench = Bench::new();
    bench.publish(NOW);
    let dists = bench.root().join("dists/tiny/updates");
    let keyring = bench.folder.path().join("key.gpg");
    run(Command::new("gpg").args(["--batch", "--dearmor", "-o"]).arg(&keyring).arg(bench.key()));
    let gpgv = |files: &[PathBuf]| run(Command::new("gpgv").arg("--keyring").arg(&keyring).args(files));
    gpgv(&[dists.join("InRelease")]);
    gpgv(&[dists.join("Release.gpg"), dists.join("Release")]);
    // It wants an address, and takes a bare path for one whose scheme is missing.
    let index = format!("deb://{}", dists.join("main/binary-amd64/Packages").display());
    let report = run(Command::new("dose-distcheck").args(["--deb-native-arch=amd64", "--failures", &index]));
    assert!(report.contains("broken-packages: 0"), "{report}");
}

#[test]
fn apt_fetches_what_changed_in_an_index_and_nothing_else() {
    let mut bench = Bench::new();
    bench.options.translations = true;
    for number in 0..6 {
        bench.add_deb(&format!("tiny-{number}"), "1.0-1", "all", "main", BinaryKind::Deb);
    }
    bench.publish(NOW);
    let serving = serve::serve(bench.root()).unwrap();
    // One sees each generation, the other one the first and the last.
    let (often, seldom) = (bench.apt(&serving.url), bench.apt(&serving.url));
    let update = |apt: &Apt| apt.run(&["apt-get", "update"]);
    let lists = |apt: &Apt| apt.run(&["sh", "-c", "cat ../var/lib/apt/lists/*_main_binary-amd64_Packages"]);
    assert!(!update(&often).contains("PDiff"));
    update(&seldom);
    for (number, name) in [(1, "tiny-more"), (2, "tiny-most")] {
        bench.add_deb(name, "1.0-1", "all", "main", BinaryKind::Deb);
        bench.contents.binaries.retain(|file| file.package != format!("tiny-{number}"));
        bench.contents.earlier = history::earlier(&bench.root(), "tiny/updates").unwrap();
        bench.publish(NOW + number);
        let told = update(&often);
        assert!(told.contains("main amd64 Packages T-"), "{told}");
        assert_eq!(lists(&often), bench.text("main/binary-amd64/Packages"));
    }
    let told = update(&seldom);
    // apt tells of each file twice.
    let patches: BTreeSet<&str> = told.lines().filter(|line| line.contains("main amd64 Packages T-")).collect();
    assert_eq!(patches.len(), 1, "one patch leads there: {told}");
    assert!(!told.contains("main amd64 Packages ["), "{told}");
    assert_eq!(lists(&seldom), lists(&often));
    seldom.run(&["apt-get", "download", "tiny-most", "libtiny1"]);

    let release = bench.text("Release");
    assert!(release.contains(" main/binary-amd64/Packages.diff/Index\n") && !release.contains("diff/T-"), "{release}");
    bench.contents.earlier = history::earlier(&bench.root(), "tiny/updates").unwrap();
    assert!(bench.publish(NOW + 9).unchanged);
    assert_eq!(fsck::fsck(&bench.root(), crate::io::clock::now()).unwrap().faults, []);
    history::prune(&bench.root(), crate::io::archive::dir::Retention { keep: 1, grace: 0 }, NOW + 100_000).unwrap();
    let left = std::fs::read_dir(bench.root().join("dists/tiny/updates/main/binary-amd64/Packages.diff")).unwrap();
    assert_eq!(left.count(), 4, "the index, two patches, and by-hash");
}

#[test]
fn apt_file_finds_files_and_mmdebstrap_makes_a_chroot() {
    let mut bench = Bench::new();
    bench.options.contents = true;
    bench.publish(NOW);
    let serving = serve::serve(bench.root()).unwrap();
    let apt = bench.apt(&serving.url);
    apt.configure("/etc/apt/apt.conf.d/50apt-file.conf");
    apt.run(&["apt-file", "update"]);
    let found = apt.run(&["apt-file", "search", "/usr/share/doc/tiny-doc/README"]);
    assert_eq!(found, "tiny-doc: /usr/share/doc/tiny-doc/README\n");
    let listed = apt.run(&["apt-file", "list", "libtiny1"]);
    assert!(listed.contains("libtiny1: /usr/share/doc/libtiny1/README"), "{listed}");

    let root = apt.work().join("root");
    let source = format!("deb [signed-by={}] {} tiny/updates main updates/contrib", bench.key().display(), serving.url);
    let mut command = Command::new("mmdebstrap");
    command.args(["--mode=root", "--variant=extract", "--architectures=amd64", "--include=tiny-doc,libtiny1"]);
    command.args(["--aptopt=APT::Sandbox::User \"root\"", "--quiet", "tiny/updates"]).arg(&root).arg(source);
    run(&mut command);
    for name in ["tiny-doc", "libtiny1"] {
        assert!(root.join(format!("usr/share/doc/{name}/README")).exists(), "{name}");
    }
}

#[test]
fn what_is_for_the_keeper_is_behind_a_folder_that_nobody_else_enters() {
    let mut bench = Bench::new();
    let path = bench.folder.path().join("boot.img");
    std::fs::write(&path, "for a person").unwrap();
    let (source, name, sha256) = ("libtiny".to_owned(), "boot.img".to_owned(), Sha256::of(b"for a person"));
    bench.files.insert(sha256, path);
    let size = 12;
    bench.contents.beside.push(BesideFile { kind: BesideKind::Byhand, source, name, sha256, size });
    bench.publish(NOW);
    let folder = bench.root().join(".cloudbuild/byhand");
    assert_eq!(folder.metadata().unwrap().mode() & 0o777, 0o700);
    assert!(folder.join("libt/libtiny/boot.img").is_file());
    let url = format!("{}/.cloudbuild/byhand/libt/libtiny/boot.img", serve::serve(bench.root()).unwrap().url);
    let refused = Command::new("curl").args(["-sf", &url]).status().unwrap();
    assert!(!refused.success());
    assert_eq!(fsck::fsck(&bench.root(), crate::io::clock::now()).unwrap().faults, []);
}

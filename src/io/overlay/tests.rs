//! Real packages, made by dpkg's own tools from the tiny ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::core::archive;
use crate::core::debian::packages::Package;
use crate::io::archive::testing::run;

/// A folder to work in, with a store.
struct Place {
    dir: tempfile::TempDir,
    keep: Keep,
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("store")).unwrap();
        Place { keep: Keep { files: store.clone(), indexes: store }, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A copy of a tiny package's tree.
    fn tree(&self, package: &str, folder: &str) -> PathBuf {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages").join(package);
        run(Command::new("cp").arg("-r").arg(from).arg(self.path(folder)));
        self.path(folder)
    }

    /// A tiny package, packed.
    fn packed(&self, package: &str) -> PathBuf {
        self.tree(package, package);
        run(Command::new("dpkg-source").current_dir(self.dir.path()).args(["-b", package]));
        self.path(&format!("{package}_1.0.dsc"))
    }

    /// A binary package with this control file.
    fn deb(&self, name: &str, control: &str) -> PathBuf {
        let folder = self.path(name);
        fs::create_dir_all(folder.join("DEBIAN")).unwrap();
        fs::write(folder.join("DEBIAN/control"), control).unwrap();
        let file = self.path(&format!("{name}.deb"));
        run(Command::new("dpkg-deb").args(["--root-owner-group", "-b"]).arg(folder).arg(&file));
        file
    }

    fn import(&self, overlays: &[(OverlayKind, &Path)]) -> Result<Imported, OverlayError> {
        let overlays: Vec<Overlay> = overlays
            .iter()
            .map(|(kind, path)| Overlay { kind: *kind, path: path.to_path_buf(), first: true, suffix: None })
            .collect();
        let mut imported = Imported { architecture: "amd64".to_owned(), ..Imported::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(add(&self.keep, &mut imported, &overlays))?;
        Ok(imported)
    }

    fn refused(&self, kind: OverlayKind, path: &Path) -> String {
        self.import(&[(kind, path)]).unwrap_err().to_string()
    }

    /// What the indexes list: source and binary packages with their versions.
    fn listed(&self, imported: &Imported) -> Vec<String> {
        let texts: Vec<_> =
            imported.suites[0].indexes.iter().map(|index| self.keep.indexes.map(&index.sha256)).collect();
        let texts: Vec<_> = texts.into_iter().map(Result::unwrap).collect();
        let mut bytes = texts.iter();
        let indexes = archive::with_bytes::<()>(imported, |_| Ok(bytes.next().unwrap())).unwrap();
        let archive = archive::read(&indexes);
        assert_eq!(archive.malformed, []);
        for file in archive.sources.iter().flat_map(|record| record.source.files().unwrap()) {
            assert!(self.keep.files.contains(&file.sha256), "{} is kept", file.name);
        }
        let package = |package: &Package<'_>| {
            assert!(self.keep.files.contains(&package.sha256), "{} is kept", package.name);
            format!("{} {} ({})", package.name, package.version, package.architecture)
        };
        let sources = archive.sources.iter().map(|record| format!("{} {}", record.source.name, record.source.version));
        sources.chain(archive.packages.iter().map(|record| package(&record.package))).collect()
    }
}

const FIRMWARE: &str = "Package: acme-firmware\nVersion: 3.1\nArchitecture: amd64\nMaintainer: A <a@example.org>\n\
                        Description: x\n";

use OverlayKind::{BinaryPackage, SourcePackage, SourceTree};

#[test]
fn packages_of_every_kind_become_one_suite_that_supersedes() {
    let place = Place::new();
    let (dsc, tree) = (place.packed("tiny-two"), place.tree("tiny-needs", "anywhere"));
    let deb = place.deb("firmware", FIRMWARE);
    let imported = place.import(&[(SourcePackage, &dsc), (SourceTree, &tree), (BinaryPackage, &deb)]).unwrap();
    assert_eq!(place.listed(&imported), ["tiny-two 1.0", "tiny-needs 1.0", "acme-firmware 3.1 (amd64)"]);
    assert_eq!(imported.suites[0].role, Role::Overlay);
    let names: Vec<&str> = imported.overlay_sources().map(|local| local.name.as_str()).collect();
    assert_eq!(names, ["tiny-two", "tiny-needs"]);
    // What was pinned has an id of its own, and other bytes give another one.
    let before = imported.id();
    fs::write(tree.join("tiny-needs.c"), "int main(void) { return 0; }\n").unwrap();
    let after = place.import(&[(SourcePackage, &dsc), (SourceTree, &tree), (BinaryPackage, &deb)]).unwrap();
    assert_ne!(before, after.id());
    assert_ne!(before, Imported { overlay: Vec::new(), ..imported }.id());
}

#[test]
fn a_tree_gives_the_same_bytes_whenever_and_wherever_it_was_checked_out_and_stays_as_it_is() {
    let place = Place::new();
    let check = |tree: &Path| place.import(&[(SourceTree, tree)]).unwrap().overlay[0].sha256;
    let tree = place.tree("tiny-two", "one");
    let first = check(&tree);
    let again = place.tree("tiny-two", "another");
    run(Command::new("find").arg(&again).args(["-exec", "touch", "-d", "2001-02-03", "{}", "+"]));
    fs::set_permissions(again.join("tiny.c"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(again.join(".git")).unwrap();
    fs::write(again.join(".git/config"), "[core]\n\tfsmonitor = touch /nowhere\n").unwrap();
    assert_eq!(check(&again), first);
    assert!(again.join(".git/config").is_file() && !again.join("debian/files").exists());
    let beside: Vec<_> = fs::read_dir(place.dir.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(!beside.iter().any(|name| name.to_string_lossy().contains(".tar")), "{beside:?}");
}

#[test]
fn a_tree_with_patches_takes_the_upstream_tarball_beside_it() {
    let place = Place::new();
    let tree = place.tree("tiny-builds", "tree");
    fs::write(tree.join("debian/source/format"), "3.0 (quilt)\n").unwrap();
    let changelog = fs::read_to_string(tree.join("debian/changelog")).unwrap();
    fs::write(tree.join("debian/changelog"), changelog.replacen("(1.0)", "(1.0-2)", 1)).unwrap();
    let error = place.refused(SourceTree, &tree);
    assert!(error.contains("no `tiny-builds_1.0.orig.tar.*`\nhint: put it there"), "{error}");
    let mut tar = Command::new("tar");
    tar.current_dir(place.dir.path()).args(["-cJf", "tiny-builds_1.0.orig.tar.xz", "--exclude=debian", "tree"]);
    run(&mut tar);
    let imported = place.import(&[(SourceTree, &tree)]).unwrap();
    assert_eq!(place.listed(&imported), ["tiny-builds 1.0-2"]);
    // What no patch has is dpkg-source's own matter.
    fs::write(tree.join("more"), "more\n").unwrap();
    let error = place.refused(SourceTree, &tree);
    assert!(error.starts_with("dpkg-source does not pack `") && error.contains("\nhint: "), "{error}");
}

#[test]
fn what_is_no_overlay_is_refused_with_its_name_and_a_hint() {
    let place = Place::new();
    let absent = place.path("absent.dsc");
    let error = place.refused(SourcePackage, &absent);
    assert!(error.starts_with(&format!("cannot read `{}`: No such file", absent.display())), "{error}");
    assert!(error.contains("\nhint: a path is relative to the recipe's folder"), "{error}");

    let text = place.path("text.dsc");
    fs::write(&text, "what is this\n").unwrap();
    assert!(place.refused(SourcePackage, &text).contains("text.dsc` is no sound .dsc: expected `Field: value`"));
    assert!(place.refused(BinaryPackage, &text).contains("text.dsc` is no sound .deb: expected `!<arch>`"));
    assert!(place.refused(SourceTree, &text).contains("expected a source tree, got a file\nhint: "));
    let folder = place.path("folder");
    fs::create_dir(&folder).unwrap();
    let error = place.refused(SourceTree, &folder);
    assert!(
        error.contains("got a folder without debian/changelog and debian/control\nhint: name the folder"),
        "{error}"
    );
    assert!(place.refused(SourcePackage, &folder).contains("expected a .dsc file, got a folder\nhint: "));

    let deb = place.deb("other", &FIRMWARE.replace("amd64", "armhf"));
    assert!(place.refused(BinaryPackage, &deb).contains("expected a package for `amd64`, got one for `armhf`\nhint: "));
}

#[test]
fn a_file_beside_the_dsc_that_is_another_one_or_absent_is_named() {
    let place = Place::new();
    let dsc = place.packed("tiny-two");
    let tar = place.path("tiny-two_1.0.tar.xz");
    let whole = fs::read(&tar).unwrap();
    fs::write(&tar, [&whole[..], b"more"].concat()).unwrap();
    let error = place.refused(SourcePackage, &dsc);
    assert!(error.contains("tiny-two_1.0.tar.xz` is not what `") && error.contains("hint: fetch or make"), "{error}");
    fs::remove_file(&tar).unwrap();
    assert!(place.refused(SourcePackage, &dsc).contains("tiny-two_1.0.tar.xz`: No such file"));
}

#[test]
fn a_tree_whose_format_asks_other_programs_or_that_has_a_socket_is_not_packed() {
    let place = Place::new();
    let tree = place.tree("tiny-two", "tree");
    fs::write(tree.join("debian/source/format"), "3.0 (git)\n").unwrap();
    let error = place.refused(SourceTree, &tree);
    assert!(error.contains("expected `3.0 (quilt)`, `3.0 (native)` or `1.0`, got `3.0 (git)`\nhint: pack"), "{error}");
    fs::write(tree.join("debian/source/format"), "3.0 (native)\n").unwrap();
    let _socket = UnixListener::bind(tree.join("socket")).unwrap();
    assert!(place.refused(SourceTree, &tree).contains("socket`: expected files, folders and links"));
}

#[test]
fn one_source_package_is_an_import_of_its_own_and_supersedes_nothing() {
    let place = Place::new();
    let imported = source_package(&place.keep, &place.packed("tiny-two"), "amd64").unwrap();
    assert_eq!((imported.suites[0].role, imported.overlay.len()), (Role::Named, 0));
    assert_eq!(place.listed(&imported), ["tiny-two 1.0"]);
}

//! What tests of this room share: tiny packages by dpkg's own tools, and a signer that is real gpg.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::core::debian::changes::{Dsc, DscFile};
use crate::core::publish::{BinaryFile, BinaryKind, SourceSet};
use crate::io::archive::{BoxError, Signer, deb};

/// Runs a command that must succeed; gives back its standard output.
pub(crate) fn run(command: &mut Command) -> String {
    let done = command.stdin(Stdio::null()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{command:?}\n{out}\n{err}");
    out.into_owned()
}

/// A key in a home of its own.
pub(crate) struct Gpg {
    home: tempfile::TempDir,
}

impl Gpg {
    /// Makes a key.
    pub(crate) fn new() -> Gpg {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        let gpg = Gpg { home: tempfile::Builder::new().permissions(private).tempdir().unwrap() };
        let key = ["--passphrase", "", "--quick-generate-key", "Test <test@example.org>", "ed25519", "sign", "never"];
        run(gpg.command().args(key));
        gpg
    }

    fn command(&self) -> Command {
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(self.home.path()).args(["--batch", "--quiet", "--pinentry-mode", "loopback"]);
        command
    }

    fn sign(&self, kind: &[&str], text: &[u8]) -> Result<Vec<u8>, BoxError> {
        let mut command = self.command();
        let mut child = command.args(kind).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        child.stdin.take().unwrap().write_all(text)?;
        let done = child.wait_with_output()?;
        if done.status.success() { Ok(done.stdout) } else { Err("gpg failed".into()) }
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").arg("--homedir").arg(self.home.path()).args(["--kill", "all"]).status();
    }
}

impl Signer for Gpg {
    fn sign_inline(&self, text: &[u8], _at: i64) -> Result<Vec<u8>, BoxError> {
        self.sign(&["--clearsign"], text)
    }

    fn sign_detached(&self, text: &[u8], _at: i64) -> Result<Vec<u8>, BoxError> {
        self.sign(&["--armor", "--detach-sign"], text)
    }

    fn public_armored(&self) -> Result<String, BoxError> {
        Ok(run(self.command().args(["--armor", "--export"])))
    }
}

/// Makes a tiny binary package; `content` makes packages of one name and version differ.
pub(crate) fn make_deb(folder: &Path, name: &str, version: &str, arch: &str, content: &str) -> PathBuf {
    let tree = tempfile::tempdir().unwrap();
    let doc = tree.path().join(format!("usr/share/doc/{name}"));
    std::fs::create_dir_all(&doc).unwrap();
    std::fs::create_dir_all(tree.path().join("DEBIAN")).unwrap();
    std::fs::write(doc.join("README"), content).unwrap();
    let control = format!(
        "Package: {name}\nSource: libtiny\nVersion: {version}\nArchitecture: {arch}\nMaintainer: A Person \
         <person@example.org>\nInstalled-Size: 1\nSection: utils\nPriority: optional\nDescription: tiny {name}\n \
         It is small,\n .\n   and indented.\n"
    );
    std::fs::write(tree.path().join("DEBIAN/control"), control).unwrap();
    let kind = if name.ends_with("-udeb") { "udeb" } else { "deb" };
    let deb = folder.join(format!("{name}_{}_{arch}.{kind}", version.replace(':', "%3a")));
    run(Command::new("dpkg-deb").args(["--root-owner-group", "-Zgzip", "-b"]).arg(tree.path()).arg(&deb));
    deb
}

/// Makes a tiny native source package; gives back its `.dsc`.
pub(crate) fn make_source(folder: &Path, name: &str, version: &str) -> PathBuf {
    let tree = folder.join(format!("{name}-{version}"));
    std::fs::create_dir_all(tree.join("debian/source")).unwrap();
    let changelog = format!(
        "{name} ({version}) unstable; urgency=low\n\n  * One.\n\n -- A Person <person@example.org>  \
         Sun, 01 Jan 2023 00:00:00 +0000\n"
    );
    let control = format!(
        "Source: {name}\nSection: utils\nPriority: optional\nMaintainer: A Person <person@example.org>\n\
         Standards-Version: 4.6.2\nBuild-Depends: debhelper-compat (= 13)\n\nPackage: {name}1\n\
         Architecture: any\nDescription: tiny\n It is small.\n"
    );
    for (file, text) in [("changelog", &changelog), ("control", &control)] {
        std::fs::write(tree.join("debian").join(file), text).unwrap();
    }
    std::fs::write(tree.join("debian/source/format"), "3.0 (native)\n").unwrap();
    std::fs::write(tree.join("debian/rules"), "#!/usr/bin/make -f\n%:\n\tdh $@\n").unwrap();
    run(Command::new("dpkg-source").current_dir(folder).arg("-b").arg(&tree));
    folder.join(format!("{name}_{version}.dsc"))
}

/// What an archive knows of a binary package file.
pub(crate) fn binary(path: &Path, component: &str, kind: BinaryKind) -> BinaryFile {
    let control = String::from_utf8(deb::read_control(path).unwrap()).unwrap();
    let field = |name: &str| {
        let prefix = format!("{name}: ");
        control.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap().to_owned()
    };
    let hashes = deb::hashes(path).unwrap();
    BinaryFile {
        package: field("Package"),
        version: field("Version"),
        architecture: field("Architecture"),
        source: field("Source"),
        component: component.to_owned(),
        name: path.file_name().unwrap().to_str().unwrap().to_owned(),
        size: hashes.size,
        sha256: hashes.sha256,
        md5: hashes.md5,
        sha1: Some(hashes.sha1),
        control,
        kind,
        files: deb::contents::files(path).unwrap().into(),
    }
}

/// What an archive knows of a source package.
pub(crate) fn source(dsc: &Path, component: &str) -> SourceSet {
    let hashes = deb::hashes(dsc).unwrap();
    SourceSet {
        dsc: Dsc::parse(&std::fs::read(dsc).unwrap()).unwrap(),
        file: DscFile {
            name: dsc.file_name().unwrap().to_str().unwrap().to_owned(),
            size: hashes.size,
            md5: hashes.md5,
            sha1: Some(hashes.sha1),
            sha256: hashes.sha256,
        },
        component: component.to_owned(),
        section: "utils".to_owned(),
        priority: "optional".to_owned(),
        extra: false,
    }
}

/// Real apt with a root of its own, which trusts one key and knows one archive.
pub(crate) struct Apt {
    root: tempfile::TempDir,
}

impl Apt {
    /// Sets it up for an archive at `url`, whose public key is the file `key`.
    pub(crate) fn new(url: &str, key: &Path, suite: &str, components: &str) -> Apt {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in ["etc/apt/preferences.d", "work"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        std::fs::write(at("status"), "").unwrap();
        let (key, here) = (key.display(), root.path().display());
        let lines = ["deb", "deb-src"].map(|kind| format!("{kind} [signed-by={key}] {url} {suite} {components}\n"));
        std::fs::write(at("etc/apt/sources.list"), lines.concat()).unwrap();
        let settings = format!(
            "Dir \"{here}\";\nDir::State::status \"{here}/status\";\nAPT::Architecture \"amd64\";\n\
             APT::Architectures {{ \"amd64\"; }};\nAPT::Sandbox::User \"root\";\nAcquire::http::Proxy \"DIRECT\";\n\
             Acquire::AllowInsecureRepositories \"false\";\nAPT::Update::Error-Mode \"any\";\n\
             Acquire::Languages \"none\";\n"
        );
        std::fs::write(at("apt.conf"), settings).unwrap();
        let apt = Apt { root };
        apt.forget();
        apt
    }

    /// Makes it read the indexes of these architectures, such as `amd64,arm64`.
    pub(crate) fn read_architectures(&self, architectures: &str) {
        let path = self.root.path().join("etc/apt/sources.list");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("deb [", &format!("deb [arch={architectures} "))).unwrap();
    }

    /// Gives it a file of settings that a package brings.
    pub(crate) fn configure(&self, settings: &str) {
        let folder = self.root.path().join("etc/apt/apt.conf.d");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy(settings, folder.join("50settings.conf")).unwrap();
    }

    /// Makes it forget all that it has fetched.
    pub(crate) fn forget(&self) {
        for folder in ["var/lib/apt/lists", "var/cache/apt/archives"].map(|folder| self.root.path().join(folder)) {
            let _absent = std::fs::remove_dir_all(&folder);
            std::fs::create_dir_all(folder.join("partial")).unwrap();
        }
    }

    /// Runs one of apt's programs in a folder of its own; gives back what it printed.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(self.work()).env("APT_CONFIG", self.root.path().join("apt.conf"));
        run(command.env("LC_ALL", "C"))
    }

    /// Where `apt-get download` puts its files.
    pub(crate) fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }
}

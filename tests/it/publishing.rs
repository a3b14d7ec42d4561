//! What tests of published archives are made of: small packages in any number, plans, a key, and real apt.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cloudbuild::core::ids::Sha256;
use cloudbuild::core::publish::{self, BinaryFile, BinaryKind, Contents, Options, PublishPlan};
use cloudbuild::io::archive::{BoxError, Signer, deb};
use cloudbuild::io::openpgp::signing::{KeyKind, SigningKey};
use tempfile::TempDir;

/// The suite of these archives.
pub const SUITE: &str = "stable";

/// Packages in a folder, and where each content is.
pub struct Packages {
    folder: TempDir,
    files: Vec<BinaryFile>,
    by_content: BTreeMap<Sha256, PathBuf>,
}

impl Packages {
    /// None yet.
    pub fn new() -> Packages {
        Packages { folder: TempDir::new().unwrap(), files: Vec::new(), by_content: BTreeMap::new() }
    }

    /// Adds a package with that much content, which packs badly.
    pub fn add(&mut self, name: &str, version: &str, size: usize) {
        let path = write_deb(self.folder.path(), name, version, size);
        let hashes = deb::hashes(&path).unwrap();
        self.by_content.insert(hashes.sha256, path.clone());
        self.files.push(BinaryFile {
            package: name.to_owned(),
            version: version.to_owned(),
            architecture: "all".to_owned(),
            source: name.to_owned(),
            component: "main".to_owned(),
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            size: hashes.size,
            sha256: hashes.sha256,
            md5: hashes.md5,
            sha1: Some(hashes.sha1),
            control: control(name, version),
            kind: BinaryKind::Deb,
            files: format!("usr/share/{name}/content\n").into(),
        });
    }

    /// Drops a package from what the next plan has.
    pub fn remove(&mut self, name: &str) {
        self.files.retain(|file| file.package != name);
    }

    /// Their folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Hashes and reads all of them, as whoever has nothing but the files must.
    pub fn read_again(&self) {
        for file in &self.files {
            let path = self.source(&file.sha256).unwrap();
            assert_eq!(deb::hashes(&path).unwrap().sha256, file.sha256);
            deb::read_control(&path).unwrap();
        }
    }

    /// All of them, over a pool and after a date.
    pub fn plan(&self, pool: BTreeMap<String, Sha256>, previous: Option<i64>, now: i64) -> PublishPlan {
        let contents = Contents { binaries: self.files.clone(), pool, ..Contents::default() };
        let options = Options {
            suite: SUITE.to_owned(),
            codename: SUITE.to_owned(),
            origin: "Test".to_owned(),
            label: "Test".to_owned(),
            components: vec!["main".to_owned()],
            architectures: vec!["amd64".to_owned()],
            contents: true,
            now,
            previous,
            ..Options::default()
        };
        publish::plan(&contents, &options).unwrap()
    }

    /// Where a content is.
    pub fn source(&self, sha256: &Sha256) -> Result<PathBuf, BoxError> {
        self.by_content.get(sha256).cloned().ok_or_else(|| "no such file".into())
    }
}

fn control(name: &str, version: &str) -> String {
    format!(
        "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: A Person <person@example.org>\n\
         Installed-Size: 1\nSection: misc\nPriority: optional\nDescription: small package {name}\n It is small.\n"
    )
}

/// A package as dpkg reads it, made without a process of its own, since benches want thousands.
fn write_deb(folder: &Path, name: &str, version: &str, size: usize) -> PathBuf {
    let seed = Sha256::of(format!("{name} {version}").as_bytes()).0;
    let mut state = u64::from_le_bytes(*seed.first_chunk().unwrap()) | 1;
    let content: Vec<u8> = (0..size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        })
        .collect();
    let path = folder.join(format!("{name}_{version}_all.deb"));
    let mut out = b"!<arch>\n".to_vec();
    member(&mut out, "debian-binary", b"2.0\n");
    member(&mut out, "control.tar.gz", &packed("./control", control(name, version).as_bytes()));
    member(&mut out, "data.tar.gz", &packed(&format!("./usr/share/{name}/content"), &content));
    std::fs::File::create(&path).unwrap().write_all(&out).unwrap();
    path
}

fn packed(path: &str, bytes: &[u8]) -> Vec<u8> {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(encoder);
    let mut parents: Vec<&Path> =
        Path::new(path).ancestors().skip(1).filter(|it| it.components().count() > 1).collect();
    parents.reverse();
    for parent in parents {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(0o755);
        header.set_size(0);
        tar.append_data(&mut header, parent, std::io::empty()).unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(bytes.len() as u64);
    tar.append_data(&mut header, path, bytes).unwrap();
    tar.into_inner().unwrap().finish().unwrap()
}

fn member(out: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    writeln!(out, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, "100644", bytes.len()).unwrap();
    out.extend_from_slice(bytes);
    if bytes.len() % 2 == 1 {
        out.push(b'\n');
    }
}

/// A key of the test's own.
pub struct TestKey(SigningKey);

impl TestKey {
    /// Makes one.
    pub fn new(folder: &Path) -> TestKey {
        TestKey(SigningKey::load_or_create(&folder.join("key"), "Test <test@example.org>", KeyKind::Ed25519).unwrap())
    }
}

impl Signer for TestKey {
    fn sign_inline(&self, text: &[u8], at: i64) -> Result<Vec<u8>, BoxError> {
        Ok(self.0.sign_inline(text, jiff::Timestamp::from_second(at)?)?)
    }

    fn sign_detached(&self, text: &[u8], at: i64) -> Result<Vec<u8>, BoxError> {
        Ok(self.0.sign_detached(text, jiff::Timestamp::from_second(at)?)?)
    }

    fn public_armored(&self) -> Result<String, BoxError> {
        Ok(self.0.public_armored())
    }
}

/// Real apt with a root of its own, which trusts one key and knows one archive.
pub struct Apt {
    root: TempDir,
}

impl Apt {
    /// For an archive at `url`.
    pub fn new(url: &str, key: &str) -> Apt {
        Apt::of_suite(url, key, SUITE)
    }

    /// For another suite of it.
    pub fn of_suite(url: &str, key: &str, suite: &str) -> Apt {
        let root = TempDir::new().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in [
            "etc/apt/preferences.d",
            "etc/apt/apt.conf.d",
            "work",
            "var/lib/apt/lists/partial",
            "var/cache/apt/archives/partial",
        ] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        std::fs::write(at("status"), "").unwrap();
        std::fs::write(at("key.asc"), key).unwrap();
        let here = root.path().display().to_string();
        std::fs::write(at("etc/apt/sources.list"), format!("deb [signed-by={here}/key.asc] {url} {suite} main\n"))
            .unwrap();
        let settings = format!(
            "Dir \"{here}\";\nDir::State::status \"{here}/status\";\nAPT::Architecture \"amd64\";\n\
             APT::Architectures {{ \"amd64\"; }};\nAPT::Sandbox::User \"root\";\nAcquire::http::Proxy \"DIRECT\";\n\
             Acquire::AllowInsecureRepositories \"false\";\nAPT::Update::Error-Mode \"any\";\n\
             Acquire::Languages \"none\";\nAcquire::Retries \"0\";\nAcquire::http::Timeout \"20\";\n"
        );
        std::fs::write(at("apt.conf"), settings).unwrap();
        Apt { root }
    }

    /// Runs one of apt's programs.
    pub fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(self.root.path().join("work")).env("LC_ALL", "C");
        command.env("APT_CONFIG", self.root.path().join("apt.conf")).output().unwrap()
    }

    /// Runs it; it must succeed. What it printed.
    pub fn must(&self, words: &[&str]) -> String {
        let ran = self.run(words);
        let text = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(ran.status.success(), "{words:?}\n{text}");
        text
    }

    /// Where `apt-get download` puts its files.
    pub fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }
}

//! Uploads as a real build makes them, and ways to spoil them.

use std::path::Path;

use crate::core::debian::changes::Dsc;
use crate::core::ids::Sha256;
use crate::io::verify::Wanted;
use crate::wire::File;

/// A source package that makes `hello` and `hello-doc`.
pub fn dsc_text(source: &str, version: &str) -> String {
    format!(
        "Format: 3.0 (native)\nSource: {source}\nBinary: {source}, {source}-doc\nArchitecture: any all\n\
         Version: {version}\nMaintainer: A <a@example.org>\nChecksums-Sha256:\n {} 1 {source}.tar.xz\nFiles:\n {} 1 {source}.tar.xz\n",
        Sha256::of(b"x"),
        "0".repeat(32)
    )
}

/// The same, read.
pub fn dsc() -> Dsc {
    Dsc::parse(dsc_text("hello", "1:2.10-3").as_bytes()).unwrap()
}

/// What a job should make.
pub fn wanted() -> Wanted {
    Wanted {
        source: "hello".to_owned(),
        version: "1:2.10-3".to_owned(),
        built_version: "1:2.10-3".to_owned(),
        arch: "amd64".to_owned(),
    }
}

/// The bytes of a .deb with this control paragraph.
pub fn deb(control: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(control.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    tar.append_data(&mut header, "./control", control.as_bytes()).unwrap();
    let control_tar = tar.into_inner().unwrap();
    let data_tar = tar::Builder::new(Vec::new()).into_inner().unwrap();
    let mut out = b"!<arch>\n".to_vec();
    for (name, bytes) in [("debian-binary", b"2.0\n".to_vec()), ("control.tar", control_tar), ("data.tar", data_tar)] {
        out.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100644, bytes.len()).into_bytes());
        out.extend(&bytes);
        if bytes.len() % 2 == 1 {
            out.push(b'\n');
        }
    }
    out
}

/// An upload: file names and bytes. The `.changes` is made last, by [`Upload::finish`].
#[derive(Debug, Clone)]
pub struct Upload {
    /// Source package name.
    pub source: String,
    /// Its version.
    pub version: String,
    /// `Architecture` of the `.changes`.
    pub arch: String,
    /// `Binary` of the `.changes`.
    pub binary: String,
    /// What the `.changes` lists.
    pub files: Vec<(String, Vec<u8>)>,
    /// Replaces text in the `.changes` before it is sent.
    pub spoil: Vec<(String, String)>,
}

impl Upload {
    /// What a build of `source` makes: one package and a `.buildinfo`.
    pub fn good(source: &str, version: &str) -> Upload {
        let file_version = version.split_once(':').map_or(version, |(_, rest)| rest);
        let control = format!("Package: {source}\nVersion: {version}\nArchitecture: amd64\nDescription: x\n");
        let buildinfo = format!(
            "Format: 1.0\nSource: {source}\nBinary: {source}\nArchitecture: amd64\nVersion: {version}\n\
             Checksums-Sha256:\n {} 1 x.deb\nInstalled-Build-Depends:\n gcc (= 1)\n",
            Sha256::of(b"x")
        );
        Upload {
            source: source.to_owned(),
            version: version.to_owned(),
            arch: "amd64".to_owned(),
            binary: source.to_owned(),
            files: vec![
                (format!("{source}_{file_version}_amd64.deb"), deb(&control)),
                (format!("{source}_{file_version}_amd64.buildinfo"), buildinfo.into_bytes()),
            ],
            spoil: Vec::new(),
        }
    }

    /// Adds a package with this control paragraph.
    pub fn with_deb(mut self, name: &str, control: &str) -> Upload {
        self.files.push((name.to_owned(), deb(control)));
        self
    }

    /// Replaces text in the `.changes`.
    pub fn spoiled(mut self, from: &str, to: &str) -> Upload {
        self.spoil.push((from.to_owned(), to.to_owned()));
        self
    }

    /// All files, the `.changes` among them, and what a builder declares.
    pub fn finish(&self) -> (Vec<(String, Vec<u8>)>, Vec<File>) {
        let list = |hash: &dyn Fn(&[u8]) -> String| {
            let line = |(name, bytes): &(String, Vec<u8>)| format!("\n {} {} {name}", hash(bytes), bytes.len());
            self.files.iter().map(line).collect::<String>()
        };
        let md5 = |_: &[u8]| format!("{} ", "0".repeat(32));
        let files = list(&md5).replace("  ", " ");
        let files: String = files
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| {
                let words: Vec<_> = line.split_whitespace().collect();
                format!("\n {} {} utils optional {}", words[0], words[1], words[2])
            })
            .collect();
        let mut changes = format!(
            "Format: 1.8\nDate: Sun, 22 Nov 2026 15:00:00 +0000\nSource: {}\nBinary: {}\nArchitecture: {}\nVersion: {}\n\
             Distribution: trixie\nChecksums-Sha256:{}\nFiles:{files}\n",
            self.source,
            self.binary,
            self.arch,
            self.version,
            list(&|bytes| Sha256::of(bytes).to_string()),
        );
        for (from, to) in &self.spoil {
            assert!(changes.contains(from), "{from} is not in {changes}");
            changes = changes.replace(from, to);
        }
        let file_version = self.version.split_once(':').map_or(self.version.as_str(), |(_, rest)| rest);
        let mut all = self.files.clone();
        all.push((format!("{}_{file_version}_amd64.changes", self.source), changes.into_bytes()));
        let declared = all.iter().map(|(name, bytes)| declared(name, bytes)).collect();
        (all, declared)
    }

    /// Writes the files into a folder, and says what a builder declares.
    pub fn write(&self, dir: &Path) -> Vec<File> {
        let (all, declared) = self.finish();
        for (name, bytes) in all {
            std::fs::write(dir.join(name), bytes).unwrap();
        }
        declared
    }
}

/// A file as a builder declares it.
pub fn declared(name: &str, bytes: &[u8]) -> File {
    File { name: name.to_owned(), size: bytes.len() as u64, sha256: Sha256::of(bytes) }
}

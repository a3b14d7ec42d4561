//! A private cloud for tests: an EC2 API whose instances are real machines of namespaces. What it is made of stands in
//! `tests/rig`; nothing of it outlives the value here.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fixture::cache;
use crate::harness::{Call, Running, cloudbuild_cache, skip};

/// What the venv has in it.
const PYTHON: &str = "moto[server,ec2]==5.2.5";

/// How long it may take to fetch and install that, or to come up, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(600);

/// Where the control point listens, as the instances reach it.
pub const LISTEN: &str = "10.99.0.1:7070";

/// An image of moto's own list, for amd64; each boots the same tree.
pub const IMAGE: &str = "ami-03cf127a";

/// A cloud that runs.
pub struct Rig {
    child: Child,
    inside: i32,
    work: TempDir,
}

impl Rig {
    /// Starts one with the parameters of a provider: `aws` or `euca`; none where this is not root, or a tool is missing.
    pub fn start(test: &str, profile: &str) -> Option<Rig> {
        if !rustix::process::geteuid().is_root() {
            skip(test, "only root makes network namespaces");
            return None;
        }
        if let Some(lack) = lack() {
            skip(test, &lack);
            return None;
        }
        let venv = venv();
        let work = tempfile::Builder::new().prefix("cloudbuild-rig-").tempdir_in(cache::dir()).unwrap();
        let imds = if profile == "euca" { "euca" } else { "v2" };
        let mut command = Command::new(script("rig.sh"));
        command.args([profile, imds]).arg(chroots()).arg(&venv).arg(work.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).process_group(0);
        let child = command.spawn().unwrap();
        let mut rig = Rig { child, inside: 0, work };
        rig.await_up();
        Some(rig)
    }

    fn await_up(&mut self) {
        let log = self.work.path().join("rig.log");
        let until = Instant::now() + PATIENCE;
        loop {
            let said = fs::read_to_string(&log).unwrap_or_default();
            if said.contains("the rig is up") {
                break;
            }
            let over = Instant::now() > until || self.child.try_wait().unwrap().is_some();
            assert!(!over, "the rig does not come up: {said}");
            thread::sleep(Duration::from_millis(50));
        }
        self.inside = only_child(self.child.id() as i32).expect("unshare has one child");
    }

    /// A process in the cloud's network.
    pub fn process(&self) -> i32 {
        self.inside
    }

    /// The same command inside the cloud's network, with credentials for it.
    pub fn inside(&self, call: Call) -> Call {
        let target = self.inside.to_string();
        let call = call.through("nsenter", &["--target", &target, "--mount", "--net", "--pid", "--"]);
        call.env("AWS_ACCESS_KEY_ID", "testkey")
            .env("AWS_SECRET_ACCESS_KEY", "testsecret")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("CLOUDBUILD_LISTEN", LISTEN)
    }

    /// Asks the rig for something: see `tests/rig/cloud.py`.
    pub fn control(&self, path: &str, asked: Value) -> Value {
        let call = format!(
            "import sys, urllib.request as r\nq = r.Request('http://10.99.0.1:5001{path}', sys.argv[1].encode(), \
             method='POST')\nprint(r.urlopen(q, timeout=60).read().decode())"
        );
        let mut python = Command::new("/usr/bin/python3");
        python.args(["-c", &call, &asked.to_string()]);
        let target = self.inside.to_string();
        let through = ["--target", &target, "--mount", "--net", "--pid", "--"];
        let ran = Call::of(python).through("nsenter", &through).run();
        assert_eq!(ran.code, Some(0), "{path}: {ran:?}");
        serde_json::from_str(&ran.stdout).unwrap()
    }

    /// The instances that there ever were, and the calls.
    pub fn state(&self) -> Value {
        self.control("/state", json!({}))
    }

    /// The instances that are not terminated.
    pub fn alive(&self) -> Vec<String> {
        let state = self.state();
        let all = state["instances"].as_object().unwrap().iter();
        all.filter(|(_, it)| it["state"] != "terminated").map(|(id, _)| id.clone()).collect()
    }

    /// The tokens of all launches that were done, one an instance.
    pub fn tokens(&self) -> Vec<String> {
        let state = self.state();
        let all = state["instances"].as_object().unwrap().values();
        let mut tokens: Vec<String> = all.map(|it| it["token"].as_str().unwrap_or_default().to_owned()).collect();
        tokens.sort();
        tokens
    }

    /// Waits until something is so in the rig's state.
    pub fn await_that(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let state = self.state();
            if is(&state) {
                return state;
            }
            assert!(Instant::now() < until, "not so: {what}\n{:#}\n{}", state["instances"], self.log());
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// What the rig wrote.
    pub fn log(&self) -> String {
        fs::read_to_string(self.work.path().join("rig.log")).unwrap_or_default()
    }

    /// Ends a command that runs inside, as a crash would: itself, not who brought it inside.
    pub fn kill_inside(&self, running: Running) {
        let process = only_child(running.id()).expect("it runs");
        let process = rustix::process::Pid::from_raw(process).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
        running.end();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the rig:\n{}", self.log());
        }
        // The first process of the namespace dies with it, and so everything in there.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What this machine's kernel, or the container around it, does not let root do, if anything: tried as the rig does it.
fn lack() -> Option<String> {
    let tries = "ip link add rig0 type bridge && ip netns add probe && \
                 ip link add leg0 type veth peer name eth0 netns probe && ip link set leg0 master rig0 up && \
                 mkdir /run/probe && mount --bind /usr /run/probe && mount -o remount,bind,ro /run/probe && \
                 unshare --mount --pid --uts --ipc --cgroup --fork --kill-child=KILL true";
    let inside = format!("mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set lo up && {tries}");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]);
    command.args(["sh", "-c", &inside]);
    let ran = Call::of(command).run();
    (ran.code != Some(0))
        .then(|| format!("this machine cannot make instances: {}", ran.stderr.trim().replace('\n', "; ")))
}

fn only_child(process: i32) -> Option<i32> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig").join(name)
}

/// The chroots of all instances, in this run of the tests and in others: an image may have them baked in, and to make one
/// on each instance would take most of a test's time. What other tests made is there from the beginning.
fn chroots() -> PathBuf {
    let shared = cache::dir().join("rig-chroots");
    fs::create_dir_all(&shared).unwrap();
    for entry in fs::read_dir(cloudbuild_cache().join("chroots")).into_iter().flatten().filter_map(Result::ok) {
        // A chroot is there once it has its name; its list is there before.
        let tar = entry.path();
        if tar.extension().is_some_and(|extension| extension == "tar") {
            for file in [tar.with_extension("json"), tar] {
                // It may be there already, or be gone again.
                let _ = fs::hard_link(&file, shared.join(file.file_name().expect("it has a name")));
            }
        }
    }
    shared
}

/// Python with what the rig is made of.
fn venv() -> PathBuf {
    let made = cache::folder(&format!("rig-venv-{}", cache::key(&[PYTHON.as_bytes()])), |dir| {
        let venv = dir.join("venv");
        let make = Call::of(Command::new("/usr/bin/python3")).arg("-m").arg("venv").arg(&venv).run();
        assert_eq!(make.code, Some(0), "{make:?}; tests/run installs python3-venv");
        let pip =
            Call::of(Command::new(venv.join("bin/python"))).arg("-m").arg("pip").arg("install").arg("-q").arg(PYTHON);
        let ran = pip.deadline(PATIENCE).run();
        assert_eq!(ran.code, Some(0), "{ran:?}");
    });
    made.join("venv")
}

//! `cloudbuild recipes/hello.lua` with the chroot cached, beside plain sbuild of the same .dsc with the same tarball.
//!
//! `cargo bench --bench hello`, as root on a machine that `cloudbuild setup` made ready. The two take turns, five times
//! each; both update and upgrade the chroot, ours against its view, sbuild against the machine's own APT sources. The
//! last line is `figure NAME VALUE UNIT target CONDITION ok|short`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often each side is timed; the medians count.
const TIMES: usize = 5;

/// Ours does more than sbuild (pins suites, publishes, installs from the archive); this much longer it may take.
const MORE: f64 = 3.0;

/// Who builds, as `cloudbuild setup` makes it.
const BUILD_USER: &str = "cloudbuild";

fn main() {
    let work = tempfile::Builder::new().prefix("cloudbuild-bench-").tempdir_in("/var/tmp").unwrap();
    fs::set_permissions(work.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/hello.lua");

    // Once for the caches: indexes, sources, packages, chroot.
    let first = work.path().join("first.cloudbuild");
    println!("ours, to fill the caches: {:.1} s", ours(&recipe, &first).as_secs_f64());
    let source = Source::of(&first, work.path());
    println!("plain sbuild, once before: {:.1} s", source.sbuild(0).as_secs_f64());

    let (mut ours_times, mut sbuild_times) = (Vec::new(), Vec::new());
    for turn in 1..=TIMES {
        let state = work.path().join(format!("turn-{turn}.cloudbuild"));
        let (our_time, sbuild_time) = (ours(&recipe, &state), source.sbuild(turn));
        println!("turn {turn}: ours {:.1} s, sbuild {:.1} s", our_time.as_secs_f64(), sbuild_time.as_secs_f64());
        ours_times.push(our_time);
        sbuild_times.push(sbuild_time);
        fs::remove_dir_all(&state).unwrap();
    }
    let (ours, sbuild) = (median(&mut ours_times), median(&mut sbuild_times));
    println!("medians of {TIMES}: ours {ours:.1} s, sbuild {sbuild:.1} s, ratio {:.2}", ours / sbuild);
    let more = ours - sbuild;
    println!("figure hello-more {more:.1} s target <= {MORE} {}", if more <= MORE { "ok" } else { "short" });
}

/// One run of the recipe in a state directory of its own: nothing is re-used but the caches.
fn ours(recipe: &Path, state: &Path) -> Duration {
    let begin = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloudbuild"));
    command.arg("--state").arg(state).arg(recipe);
    done(command, "cloudbuild");
    begin.elapsed()
}

/// What plain sbuild builds: the same .dsc, with the same tarball.
struct Source {
    dsc: PathBuf,
    tarball: PathBuf,
    work: PathBuf,
    sources: String,
}

impl Source {
    fn of(state: &Path, work: &Path) -> Source {
        let pool = state.join("archive/pool/main/h/hello");
        let files = work.join("source");
        fs::create_dir(&files).unwrap();
        let mut dsc = None;
        for entry in fs::read_dir(&pool).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
            let copy = files.join(entry.file_name().unwrap());
            fs::copy(&entry, &copy).unwrap();
            if copy.extension().is_some_and(|extension| extension == "dsc") {
                dsc = Some(copy);
            }
        }
        let chroots = Path::new("/var/cache/cloudbuild/chroots");
        let tars = fs::read_dir(chroots).unwrap().map(|entry| entry.unwrap().path());
        let used = |path: &PathBuf| fs::metadata(path.with_extension("json")).and_then(|list| list.modified()).ok();
        let newest = tars.filter(|path| path.extension().is_some_and(|extension| extension == "tar")).max_by_key(used);
        Source {
            dsc: dsc.expect("the archive has the source that was built"),
            tarball: newest.expect("the run left its chroot"),
            work: work.to_owned(),
            sources: machine_sources(),
        }
    }

    /// One build as the build user, update and upgrade included.
    fn sbuild(&self, turn: usize) -> Duration {
        let home = self.work.join(format!("home-{turn}"));
        fs::create_dir(&home).unwrap();
        let (uid, gid) = (number("-u"), number("-g"));
        std::os::unix::fs::chown(&home, Some(uid), Some(gid)).unwrap();
        // One line without quotes, percent signs or commas, all of which mean something to sbuild.
        let set_up = format!(
            "rm -rf /etc/apt/sources.list /etc/apt/sources.list.d ; mkdir /etc/apt/sources.list.d ; echo {} | \
             base64 -d > /etc/apt/sources.list.d/machine.sources",
            base64(&self.sources)
        );
        let begin = Instant::now();
        let mut command = Command::new("sbuild");
        command
            .args(["--chroot-mode=unshare", "--apt-update", "--apt-distupgrade", "--arch-any", "--no-arch-all"])
            .args(["--no-run-lintian", "--no-run-piuparts", "--no-run-autopkgtest", "--dist=stable"])
            .arg(format!("--chroot={}", self.tarball.display()))
            .arg(format!("--chroot-setup-commands={set_up}"))
            .arg(&self.dsc)
            .current_dir(&home)
            .env_clear()
            .env("HOME", &home)
            .env("USER", BUILD_USER)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .uid(uid)
            .gid(gid);
        done(command, "sbuild");
        begin.elapsed()
    }
}

/// The machine's own APT sources as one deb822 text; one-line entries are made into stanzas.
fn machine_sources() -> String {
    let mut text = String::new();
    let folder = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().map(|entry| entry.unwrap().path());
    for file in folder.chain([PathBuf::from("/etc/apt/sources.list")]) {
        let Ok(content) = fs::read_to_string(&file) else { continue };
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("sources") => text += &format!("{content}\n\n"),
            Some("list") => {
                for line in content.lines().filter(|line| line.starts_with("deb ")) {
                    let words: Vec<&str> = line.split_whitespace().filter(|word| !word.starts_with('[')).collect();
                    let [_, uri, suite, components @ ..] = words.as_slice() else { continue };
                    let components = components.join(" ");
                    text += &format!("Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: {components}\n\n");
                }
            }
            Some(_) | None => {}
        }
    }
    text
}

fn base64(text: &str) -> String {
    let mut child = Command::new("base64")
        .arg("-w0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("coreutils are there");
    child.stdin.take().expect("it is piped").write_all(text.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

fn number(flag: &str) -> u32 {
    let output = Command::new("id").args([flag, BUILD_USER]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().expect("`cloudbuild setup` made the build user")
}

fn done(mut command: Command, what: &str) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{what}: {error}"));
    let tail = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().rev().take(30).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
    };
    assert!(
        output.status.success(),
        "{what} ended with {}:\n{}\n{}",
        output.status,
        tail(&output.stdout),
        tail(&output.stderr)
    );
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

//! The archive: thousands of new packages, one more, and Contents of real ones, beside apt-ftparchive and aptly on the
//! same files in the same run.
//!
//! `CLOUDBUILD_BENCH_PACKAGES=300` makes fewer of them, to see that it works.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use cloudbuild::core::ids::Sha256;
use cloudbuild::core::publish::{self, BinaryFile, BinaryKind, Contents, Options};
use cloudbuild::io::archive::signers::{ArchiveKey, Signers};
use cloudbuild::io::archive::{BoxError, deb, dir};
use cloudbuild::io::openpgp::signing::{KeyKind, SigningKey};
use rayon::prelude::*;

/// Packages of the run that peers take part in.
const PACKAGES: usize = 6000;

/// Bytes of each package's data, so that they have the size of small real ones.
const DATA: usize = 34_000;

/// Real packages whose Contents are made.
const REAL: usize = 300;

fn main() {
    let packages = std::env::var("CLOUDBUILD_BENCH_PACKAGES").ok().and_then(|text| text.parse().ok());
    let packages = packages.unwrap_or(PACKAGES);
    let folder = tempfile::tempdir().expect("a folder for the bench");
    let at = |name: &str| folder.path().join(name);
    let signers = signers(&at("key"));
    let debs = make(&at("in"), packages, DATA);
    let more = make_one(&at("more"), "zz-one-more", 1, DATA);

    let (cold, files) = timed(|| looked_at(&debs));
    let mut ours = Ours::new(&at("ours"), files);
    let first = timed(|| ours.publish(&signers)).0;
    let cold = cold + first;
    let once_more = timed(|| ours.add(&more, &signers)).0;
    println!("ours: {packages} packages in {cold:.2} s, one more in {once_more:.3} s");

    let theirs = apt_ftparchive(&at("ours"));
    println!("apt-ftparchive: packages and release in {theirs:.2} s");
    figure("archive-cold-vs-apt-ftparchive", theirs / cold, "times", Some((">=", 30.0)));
    match aptly(&at("aptly"), &at("in"), &more) {
        Some(update) => {
            println!("aptly: add one and update in {update:.2} s");
            figure("archive-one-more-vs-aptly", update / once_more, "times", Some((">=", 40.0)));
        }
        None => println!("aptly is not here: apt-get install aptly"),
    }
    real(folder.path());
    grow(folder.path(), packages, &signers);
    figure("archive-memory", peak_megabytes(), "MB", Some(("<=", 300.0)));
}

/// Prints one figure.
fn figure(name: &str, value: f64, unit: &str, target: Option<(&str, f64)>) {
    let Some((operator, bound)) = target else {
        println!("figure {name} {value:.3} {unit}");
        return;
    };
    let good = if operator == ">=" { value >= bound } else { value <= bound };
    println!("figure {name} {value:.3} {unit} target {operator} {bound} {}", if good { "ok" } else { "short" });
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let done = work();
    (start.elapsed().as_secs_f64(), done)
}

fn signers(folder: &Path) -> Signers {
    let key = SigningKey::load_or_create(&folder.join("secret.asc"), "bench", KeyKind::Ed25519).expect("a key");
    Signers::new(vec![ArchiveKey::Own(Box::new(key))])
}

/// Makes packages that differ from each other.
fn make(folder: &Path, count: usize, data: usize) -> Vec<PathBuf> {
    std::fs::create_dir_all(folder).expect("a folder");
    (0..count).into_par_iter().map(|number| make_one(folder, &format!("bench-{number:05}"), number, data)).collect()
}

/// One package: a control file, and data that hardly packs.
fn make_one(folder: &Path, name: &str, seed: usize, data: usize) -> PathBuf {
    std::fs::create_dir_all(folder).expect("a folder");
    let control = format!(
        "Package: {name}\nVersion: 1.0-{seed}\nArchitecture: amd64\nMaintainer: A Person <person@example.org>\n\
         Installed-Size: 40\nDepends: libc6 (>= 2.36), bench-{:05}\nSection: utils\nPriority: optional\n\
         Homepage: https://example.org/{name}\nDescription: package number {seed} of a bench\n It has a description \
         of some lines,\n as real packages have, and this one ends here: {seed}.\n",
        seed / 2
    );
    let mut state = seed as u64 + 1;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(data)
    .collect();
    let packed = |path: &str, bytes: &[u8]| {
        let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, bytes).expect("memory");
        tar.into_inner().and_then(flate2::write::GzEncoder::finish).expect("memory")
    };
    let path = folder.join(format!("{name}_1.0-{seed}_amd64.deb"));
    let mut out = std::io::BufWriter::new(std::fs::File::create(&path).expect("a new file"));
    out.write_all(b"!<arch>\n").expect("room on the disk");
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.gz", packed("./control", control.as_bytes())),
        ("data.tar.gz", packed(&format!("./usr/share/{name}/data"), &noise)),
    ];
    for (member, bytes) in members {
        writeln!(out, "{member:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, 100_644, bytes.len()).expect("room");
        out.write_all(&bytes).expect("room");
        out.write_all(&b"\n"[..bytes.len() % 2]).expect("room");
    }
    out.flush().expect("room on the disk");
    path
}

/// What an archive has to know of packages, read from the files.
fn looked_at(debs: &[PathBuf]) -> Vec<(PathBuf, BinaryFile)> {
    debs.par_iter().map(|path| (path.clone(), look(path, false))).collect()
}

fn look(path: &Path, contents: bool) -> BinaryFile {
    let hashes = deb::hashes(path).expect("a package");
    let control = String::from_utf8(deb::read_control(path).expect("a package")).expect("UTF-8");
    let field = |name: &str| {
        let mut lines = control.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default().to_owned()
    };
    let source = field("Source");
    let source = source.split(' ').next().unwrap_or_default().to_owned();
    BinaryFile {
        package: field("Package"),
        version: field("Version"),
        architecture: field("Architecture"),
        source: if source.is_empty() { field("Package") } else { source },
        component: "main".to_owned(),
        name: path.file_name().expect("a name").to_string_lossy().into_owned(),
        size: hashes.size,
        sha256: hashes.sha256,
        md5: hashes.md5,
        sha1: Some(hashes.sha1),
        kind: BinaryKind::Deb,
        files: if contents { deb::contents::files(path).expect("a package").into() } else { "".into() },
        control,
    }
}

/// An archive of ours, published as a control point does it.
struct Ours {
    root: PathBuf,
    paths: rustc_hash::FxHashMap<Sha256, PathBuf>,
    contents: Contents,
}

impl Ours {
    fn new(root: &Path, files: Vec<(PathBuf, BinaryFile)>) -> Ours {
        let paths = files.iter().map(|(path, file)| (file.sha256, path.clone())).collect();
        let binaries = files.into_iter().map(|(_, file)| file).collect();
        Ours { root: root.to_owned(), paths, contents: Contents { binaries, ..Contents::default() } }
    }

    fn publish(&mut self, signers: &Signers) {
        self.publish_with(signers, false);
    }

    fn publish_with(&mut self, signers: &Signers, contents: bool) {
        let previous = dir::present(&self.root, "bench").expect("readable").and_then(|present| present.date);
        let now = cloudbuild::io::clock::now().as_second().max(previous.unwrap_or(0) + 1);
        let options = Options {
            suite: "bench".to_owned(),
            codename: "bench".to_owned(),
            components: vec!["main".to_owned()],
            architectures: vec!["amd64".to_owned()],
            contents,
            now,
            previous,
            ..Options::default()
        };
        self.contents.pool = dir::pool(&self.root).expect("readable");
        let mut pieces = dir::pieces(&self.root, "bench");
        let plan = publish::plan_again(&self.contents, &options, &mut pieces).expect("a plan");
        let find = |sha256: &Sha256| self.paths.get(sha256).cloned().ok_or_else(|| BoxError::from("no such file"));
        dir::publish(&self.root, &dir::Publication::of(&plan, now), &find, signers).expect("published");
        dir::keep_pieces(&self.root, "bench", &pieces);
    }

    fn add(&mut self, deb: &Path, signers: &Signers) {
        let file = look(deb, false);
        self.paths.insert(file.sha256, deb.to_owned());
        self.contents.binaries.push(file);
        self.publish(signers);
    }
}

/// Seconds that a program takes that must succeed; its output is thrown away.
fn seconds_of(command: &mut Command) -> f64 {
    let (seconds, status) = timed(|| command.stdin(Stdio::null()).stdout(Stdio::null()).status());
    assert!(status.is_ok_and(|status| status.success()), "{command:?}");
    seconds
}

/// Seconds of `apt-ftparchive packages` and `release` without a cache, over the same pool.
fn apt_ftparchive(root: &Path) -> f64 {
    let packages = seconds_of(Command::new("apt-ftparchive").args(["packages", "pool"]).current_dir(root));
    let release = Command::new("apt-ftparchive").args(["release", "dists/bench"]).current_dir(root).status();
    assert!(release.is_ok_and(|status| status.success()));
    packages
}

/// Seconds of aptly to add one package and to publish that, when it has all the others.
fn aptly(home: &Path, debs: &Path, more: &Path) -> Option<f64> {
    Command::new("aptly").arg("version").output().ok()?;
    std::fs::create_dir_all(home).expect("a folder");
    let config = home.join("aptly.conf");
    std::fs::write(&config, format!("{{\"rootDir\": \"{}\"}}", home.display())).expect("room");
    let run = |words: &[&str]| {
        let mut command = Command::new("aptly");
        seconds_of(command.arg(format!("-config={}", config.display())).args(words))
    };
    run(&["repo", "create", "-distribution=bench", "-component=main", "bench"]);
    let debs = debs.to_string_lossy();
    let add = run(&["repo", "add", "bench", &debs]);
    let publish = run(&["publish", "repo", "-skip-signing", "-skip-contents", "-architectures=amd64", "bench"]);
    println!("aptly: add in {add:.2} s, publish in {publish:.2} s");
    let one = run(&["repo", "add", "bench", &more.to_string_lossy()]);
    Some(one + run(&["publish", "update", "-skip-signing", "-skip-contents", "bench"]))
}

/// Contents of real packages, from the machine's own archive.
fn real(folder: &Path) {
    let at = folder.join("real");
    std::fs::create_dir_all(&at).expect("a folder");
    let listed = Command::new("dpkg-query").args(["-W", "-f", "${Package}\n"]).output();
    let listed = listed.map(|done| String::from_utf8_lossy(&done.stdout).into_owned()).unwrap_or_default();
    let names: Vec<&str> = listed.lines().take(REAL).collect();
    for some in names.chunks(50) {
        // One that is in no archive any more must not cost the others.
        let fetched = Command::new("apt-get").args(["download", "-q"]).args(some).current_dir(&at).output();
        if fetched.is_err() {
            break;
        }
    }
    let debs: Vec<PathBuf> = std::fs::read_dir(&at)
        .expect("readable")
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .collect();
    if debs.len() < names.len() / 2 {
        println!("the machine's archive gave {} of {} packages: Contents are not measured", debs.len(), names.len());
        return;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    let unpacking = seconds_of(Command::new("sh").current_dir(&at).args([
        "-c",
        "ls *.deb | xargs -P \"$0\" -n 1 sh -c 'dpkg-deb --fsys-tarfile \"$0\" >/dev/null'",
        &cores,
    ]));
    let signers = signers(&folder.join("key"));
    let ours = timed(|| {
        let files = debs.par_iter().map(|path| (path.clone(), look(path, true))).collect();
        Ours::new(&folder.join("ours-real"), files).publish_with(&signers, true);
    })
    .0;
    let mut theirs = seconds_of(Command::new("apt-ftparchive").args(["packages", "."]).current_dir(&at));
    theirs += seconds_of(Command::new("apt-ftparchive").args(["contents", "."]).current_dir(&at));
    println!(
        "{} real packages: ours {ours:.2} s, apt-ftparchive {theirs:.2} s, unpacking {unpacking:.2} s",
        debs.len()
    );
    figure("archive-contents-vs-apt-ftparchive", theirs / ours, "times", Some((">=", 1.8)));
    figure("archive-contents-vs-unpacking", ours / unpacking, "times", Some(("<=", 1.2)));
}

/// One package more in archives of several sizes.
fn grow(folder: &Path, packages: usize, signers: &Signers) {
    for count in [packages / 6, packages, packages * 10] {
        let at = folder.join(format!("grow-{count}"));
        let debs = make(&at.join("in"), count, 64);
        let mut ours = Ours::new(&at.join("ours"), looked_at(&debs));
        ours.publish(signers);
        let more = make_one(&at.join("more"), "zz-one-more", 1, 64);
        let seconds = timed(|| ours.add(&more, signers)).0;
        let index = std::fs::metadata(at.join("ours/dists/bench/main/binary-amd64/Packages")).expect("an index").len();
        println!("{count} packages: one more in {seconds:.3} s, {} bytes of index", index);
        figure(&format!("archive-one-more-at-{count}"), seconds * 1e9 / index as f64, "ns/byte", None);
        std::fs::remove_dir_all(&at).expect("it is ours");
    }
}

/// The peak of this process's memory.
fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) / 1024.0
}

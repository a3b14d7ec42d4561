//! How fast all of the machine's suite is read, beside python-debian on the same files in the same run.
//!
//! `cargo bench --bench import`; its last lines are `figure NAME VALUE UNIT target CONDITION ok|short`.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use cloudbuild::core::debian::packages::{self, Package};
use cloudbuild::core::debian::parsed::{self, Parsed};
use cloudbuild::core::debian::sources::{self, Source};
use cloudbuild::core::ids::Sha256;

mod indexes;

use indexes::{indexes, output, peak_megabytes};

/// How often ours is timed; the median counts.
const TIMES: usize = 5;

/// Reads the files with python-debian: in Python alone, and through the classes that use apt's own scanner where
/// python3-apt is there. Prints the paragraphs and the seconds of each.
const PYTHON: &str = r#"
import sys, time
from debian import deb822
for plain in (True, False):
    start, count = time.perf_counter(), 0
    for kind, path in (("Sources", sys.argv[1]), ("Packages", sys.argv[2])):
        reader = deb822.Deb822 if plain else getattr(deb822, kind)
        with open(path, "rb") as file:
            for paragraph in reader.iter_paragraphs(file):
                count += 1
    print(count, time.perf_counter() - start)
"#;

fn main() {
    let (sources_file, packages_file) = indexes();
    let (source_bytes, package_bytes) = (fs::read(&sources_file).unwrap(), fs::read(&packages_file).unwrap());
    let megabytes = (source_bytes.len() + package_bytes.len()) as f64 / 1e6;

    let mut times = Vec::new();
    let mut paragraphs = 0;
    for _ in 0..TIMES {
        let (time, count) = read(&source_bytes, &package_bytes);
        times.push(time.as_secs_f64());
        paragraphs = count;
    }
    // Before Python runs, which is a process of its own, and after the most that we ever held.
    let memory = peak_megabytes();
    times.sort_by(f64::total_cmp);
    let (best, median) = (times[0], times[TIMES / 2]);
    println!(
        "ours: {paragraphs} paragraphs, {megabytes:.1} MB: best {:.1} ms, median {:.1} ms",
        best * 1e3,
        median * 1e3
    );

    let tables = tables(&sources_file, &packages_file);
    println!("ours, from the tables of what was parsed before: best {:.1} ms, median {:.1} ms", tables.0, tables.1);

    let [plain, with_apt] = python(&sources_file, &packages_file);
    println!("python-debian, Deb822.iter_paragraphs: {:.2} s, {:.1} x", plain.1, plain.1 / median);
    println!("python-debian, Sources and Packages.iter_paragraphs: {:.2} s, {:.1} x", with_apt.1, with_apt.1 / median);
    assert_eq!(plain.0, paragraphs, "python-debian and we see the same paragraphs");

    // Against the faster of its two ways.
    let ratio = plain.1.min(with_apt.1) / median;
    println!("figure import-ratio {ratio:.1} x target >= 40 {}", if ratio >= 40.0 { "ok" } else { "short" });
    println!("figure import-memory {memory:.0} MB target <= 500 {}", if memory <= 500.0 { "ok" } else { "short" });
    println!("figure import-tables {:.1} ms target < 40 {}", tables.1, if tables.1 < 40.0 { "ok" } else { "short" });
}

/// Milliseconds, best and median, that the same takes from the tables that the cache keeps; all files are mapped anew
/// each time, as by a command that starts.
fn tables(sources: &Path, packages: &Path) -> (f64, f64) {
    let folder = tempfile::tempdir().unwrap();
    let map = |path: &Path| {
        // SAFETY: nobody writes to these files while this runs.
        unsafe { memmap2::Mmap::map(&fs::File::open(path).unwrap()) }.unwrap()
    };
    let paths = [folder.path().join("sources"), folder.path().join("packages")];
    let (source_bytes, package_bytes) = (map(sources), map(packages));
    let hashes = [Sha256::of(&source_bytes), Sha256::of(&package_bytes)];
    let parsed: (Parsed<Source<'_>>, Parsed<Package<'_>>) =
        (parsed::parse(&source_bytes), parsed::parse(&package_bytes));
    fs::write(&paths[0], parsed::write(&source_bytes, &hashes[0], &parsed.0).unwrap()).unwrap();
    fs::write(&paths[1], parsed::write(&package_bytes, &hashes[1], &parsed.1).unwrap()).unwrap();
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let start = Instant::now();
        let indexes = (map(sources), map(packages));
        let tables = (map(&paths[0]), map(&paths[1]));
        let read: (Option<Parsed<Source<'_>>>, Option<Parsed<Package<'_>>>) = rayon::join(
            || parsed::read(&tables.0, &indexes.0, &hashes[0]),
            || parsed::read(&tables.1, &indexes.1, &hashes[1]),
        );
        times.push(start.elapsed().as_secs_f64() * 1e3);
        let read = black_box(read);
        assert!(read.0.as_ref() == Some(&parsed.0) && read.1.as_ref() == Some(&parsed.1), "the same as by parsing");
    }
    times.sort_by(f64::total_cmp);
    (times[0], times[TIMES / 2])
}

/// Reads both files at once, all fields of every paragraph (neither side takes relations apart); what is thrown away
/// afterwards is not timed.
fn read(source_bytes: &[u8], package_bytes: &[u8]) -> (Duration, usize) {
    let start = Instant::now();
    let (sources, packages) = std::thread::scope(|scope| {
        let sources = scope.spawn(|| sources::read(source_bytes));
        let packages = packages::read(package_bytes);
        (sources.join().expect("reading does not panic"), packages)
    });
    let time = start.elapsed();
    let (sources, packages) = (black_box(sources), black_box(packages));
    (time, sources.0.len() + sources.1.len() + packages.0.len() + packages.1.len())
}

/// Paragraphs and seconds of each way.
fn python(sources: &Path, packages: &Path) -> [(usize, f64); 2] {
    let mut command = Command::new("/usr/bin/python3");
    let text = output(command.args(["-c", PYTHON]).arg(sources).arg(packages));
    let mut lines = text.lines().map(|line| {
        let (count, seconds) = line.split_once(' ').unwrap();
        (count.parse().unwrap(), seconds.parse().unwrap())
    });
    [lines.next().unwrap(), lines.next().unwrap()]
}

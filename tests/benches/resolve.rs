//! How fast all build-dependencies of the machine's suite are answered, beside dose-builddebcheck on the same files in
//! the same run.
//!
//! `cargo bench --bench resolve`; its last lines are `figure NAME VALUE UNIT target CONDITION ok|short`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use cloudbuild::core::debian::control;
use cloudbuild::core::debian::packages::{self, Package};
use cloudbuild::core::debian::sources::{self, Source};
use cloudbuild::core::install::base::{Base, build_essential};
use cloudbuild::core::install::installer::{Installed, check_all};
use cloudbuild::core::install::refusal::Refusal;
use cloudbuild::core::install::request::{Alternatives, Half, Request};
use cloudbuild::core::install::universe::{Architectures, Universe};

mod indexes;

use indexes::{indexes, output, peak_megabytes};

/// How often ours is timed; the median counts.
const TIMES: usize = 7;

/// Tenths of the archive that are answered, to see how times grow.
const TENTHS: [usize; 4] = [1, 2, 5, 10];

/// Seconds of each part of the work.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    parse: f64,
    universe: f64,
    verdicts: f64,
}

impl Times {
    fn all(&self) -> f64 {
        self.parse + self.universe + self.verdicts
    }
}

/// A source package with its answer.
type Verdict<'a> = (Source<'a>, Result<Installed, Refusal>);

fn main() {
    let architecture = output(Command::new("dpkg").arg("--print-architecture")).trim().to_owned();
    let (sources_file, packages_file) = indexes();
    let (source_bytes, package_bytes) = (fs::read(&sources_file).unwrap(), fs::read(&packages_file).unwrap());

    grow(&source_bytes, &package_bytes, &architecture);
    reset_peak();
    let times = timed(&source_bytes, &package_bytes, &architecture);
    let memory = peak_megabytes();
    let all = times.all();
    let ours = answer(&source_bytes, &package_bytes, &architecture, |_, verdicts| refused(verdicts)).0;

    let start = Instant::now();
    let dose = dose(&sources_file, &packages_file, &architecture);
    let dose_seconds = start.elapsed().as_secs_f64();
    assert_eq!(ours, dose, "dose-builddebcheck and we refuse the same sources");
    println!("refused by both: {} sources", ours.len());
    println!("dose-builddebcheck: {dose_seconds:.1} s; ours: {:.1} ms", all * 1e3);

    let ratio = dose_seconds / all;
    println!("figure resolve-ratio {ratio:.1} x target >= 100 {}", if ratio >= 100.0 { "ok" } else { "short" });
    println!("figure resolve-memory {memory:.0} MB target <= 700 {}", if memory <= 700.0 { "ok" } else { "short" });
}

/// Reads both indexes, answers every source, and hands the answers over; also says how long that took.
fn answer<T>(
    source_bytes: &[u8],
    package_bytes: &[u8],
    architecture: &str,
    look: impl FnOnce(&[Package<'_>], &[Verdict<'_>]) -> T,
) -> (T, Times) {
    let mut times = Times::default();
    let start = Instant::now();
    let ((sources, _), (packages, _)) = std::thread::scope(|scope| {
        let sources = scope.spawn(|| sources::read(source_bytes));
        let packages = packages::read(package_bytes);
        (sources.join().expect("reading does not panic"), packages)
    });
    times.parse = start.elapsed().as_secs_f64();

    let start = Instant::now();
    let architectures = Architectures::native(architecture);
    let universe = Universe::new(&packages, architectures);
    let essential = build_essential(architectures);
    let base = Base::new(&universe, &[&essential]);
    times.universe = start.elapsed().as_secs_f64();

    let start = Instant::now();
    // As dose-builddebcheck of Debian 12 has it, sources that are only kept for `Built-Using` are asked for, too.
    let built = |source: &Source<'_>| source.builds_all() || source.builds_for(architecture);
    let asked: Vec<Source<'_>> = sources.into_iter().filter(built).collect();
    let requests: Vec<Request<'_>> =
        asked.iter().map(|source| Request::of(source, Half::Both, &[], Alternatives::Any)).collect();
    let answers = check_all(&universe, &base, &requests);
    times.verdicts = start.elapsed().as_secs_f64();

    let verdicts: Vec<Verdict<'_>> = asked.iter().copied().zip(answers).collect();
    (look(&packages, &verdicts), times)
}

/// The median of several runs, by the whole.
fn timed(source_bytes: &[u8], package_bytes: &[u8], architecture: &str) -> Times {
    let run = |_| answer(source_bytes, package_bytes, architecture, |_, _| ()).1;
    let mut times: Vec<Times> = (0..TIMES).map(run).collect();
    times.sort_by(|one, other| one.all().total_cmp(&other.all()));
    times[TIMES / 2]
}

/// Names and versions of what cannot be built.
fn refused(verdicts: &[Verdict<'_>]) -> BTreeSet<(String, String)> {
    let refused = verdicts.iter().filter(|(_, answer)| answer.is_err());
    refused.map(|(source, _)| (source.name.to_owned(), source.version.to_owned())).collect()
}

/// Shows how times and memory grow with the archive: of parts that have every tenth source, all that its build needs,
/// and all that it makes.
fn grow(source_bytes: &[u8], package_bytes: &[u8], architecture: &str) {
    println!("archive  sources  packages  parse ms  universe ms  verdicts ms  all ms  memory MB");
    for tenths in TENTHS {
        let (sources, packages) = part(source_bytes, package_bytes, architecture, tenths);
        reset_peak();
        let times = timed(&sources, &packages, architecture);
        let [parse, universe, verdicts, all] =
            [times.parse, times.universe, times.verdicts, times.all()].map(|seconds| seconds * 1e3);
        println!(
            "{:>6} %  {:>7}  {:>8}  {parse:>8.1}  {universe:>11.1}  {verdicts:>11.1}  {all:>6.1}  {:>9.0}",
            tenths * 10,
            control::paragraphs(&sources).count(),
            control::paragraphs(&packages).count(),
            peak_megabytes()
        );
    }
}

/// The indexes of a part of the archive.
fn part(source_bytes: &[u8], package_bytes: &[u8], architecture: &str, tenths: usize) -> (Vec<u8>, Vec<u8>) {
    if tenths == 10 {
        return (source_bytes.to_vec(), package_bytes.to_vec());
    }
    let chosen = control::paragraphs(source_bytes).enumerate().filter(|(number, _)| number % 10 < tenths);
    let sources = joined(chosen.map(|(_, paragraph)| paragraph.bytes));
    let (packages, _) = answer(&sources, package_bytes, architecture, |packages, verdicts| {
        let universe = Universe::new(packages, Architectures::native(architecture));
        let base = Base::new(&universe, &["build-essential"]);
        let made: BTreeSet<&str> = verdicts.iter().map(|(source, _)| source.name).collect();
        let needed = verdicts.iter().filter_map(|(_, answer)| answer.as_ref().ok()).flat_map(|it| &it.packages);
        let mut wanted: BTreeSet<u32> = base.packages.iter().chain(needed).copied().collect();
        wanted.extend((0..packages.len() as u32).filter(|&number| made.contains(packages[number as usize].source())));
        joined(wanted.into_iter().map(|number| packages[number as usize].stanza))
    });
    (sources, packages)
}

fn joined<'a>(paragraphs: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut index = Vec::new();
    for paragraph in paragraphs {
        index.extend_from_slice(paragraph.trim_ascii_end());
        index.extend_from_slice(b"\n\n");
    }
    index
}

/// Names and versions of what dose-builddebcheck says cannot be built.
fn dose(sources: &Path, packages: &Path, architecture: &str) -> BTreeSet<(String, String)> {
    let mut command = Command::new("dose-builddebcheck");
    command.arg("--failures").arg(format!("--deb-native-arch={architecture}")).args([packages, sources]);
    let ran = command.output().unwrap_or_else(|error| panic!("{command:?}: {error} (tests/run installs it)"));
    let text = String::from_utf8(ran.stdout).unwrap();
    assert!(text.contains("\nbroken-packages: "), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
    let (mut package, mut refused) = (String::new(), BTreeSet::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("  package: ") {
            package = name.to_owned();
        } else if let Some(version) = line.strip_prefix("  version: ") {
            refused.insert((package.clone(), version.to_owned()));
        }
    }
    refused
}

/// From here on, the peak of memory is that of what follows.
fn reset_peak() {
    // Where that is not allowed, what is shown is the peak of all so far.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

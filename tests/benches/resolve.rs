//! How fast all build-dependencies of the machine's suite are answered, beside dose-builddebcheck on the same files in
//! the same run; how fast all its sources are put in order; and how both grow with the archive.
//!
//! `cargo bench --bench resolve`; its last lines are `figure NAME VALUE UNIT target CONDITION ok|short`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use cloudbuild::core::debian::control;
use cloudbuild::core::debian::packages::Package;
use cloudbuild::core::debian::parsed::{self, Row};
use cloudbuild::core::debian::sources::Source;
use cloudbuild::core::ids::Sha256;
use cloudbuild::core::install::base::{Base, build_essential};
use cloudbuild::core::install::installer::{Installed, check_all};
use cloudbuild::core::install::refusal::Refusal;
use cloudbuild::core::install::request::{Alternatives, Half, Request};
use cloudbuild::core::install::universe::{Architectures, Universe};

mod answers;
mod indexes;
mod measured;
mod order;

use indexes::{indexes, output, peak_megabytes};

/// How often ours is timed; the median counts.
const TIMES: usize = 9;

/// Tenths of the archive that are answered and ordered before the whole, to see how times grow.
const TENTHS: [usize; 3] = [1, 2, 5];

/// Where what the indexes list is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// The indexes alone: nothing of ours is kept from before.
    Indexes,
    /// The tables of parsed indexes, the only thing that is kept.
    Tables,
}

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

/// An index in a file, with the file that has its table.
struct Index {
    path: PathBuf,
    table: PathBuf,
    sha256: Sha256,
}

impl Index {
    /// Writes the table, as an import leaves it in the cache.
    fn new(folder: &Path, path: PathBuf, table: impl FnOnce(&[u8], &Sha256) -> Vec<u8>) -> Index {
        let bytes = map(&path);
        let sha256 = Sha256::of(&bytes);
        let kept = folder.join(sha256.to_string());
        fs::write(&kept, table(&bytes, &sha256)).unwrap();
        Index { path, table: kept, sha256 }
    }

    /// What it lists.
    fn read<'a, T: Row<'a>>(&self, bytes: &'a [u8], from: From) -> Vec<T> {
        match from {
            From::Indexes => parsed::parse(bytes).read,
            From::Tables => parsed::read(&map(&self.table), bytes, &self.sha256).expect("its table is whole").read,
        }
    }
}

/// The indexes of a suite, or of a part of it.
struct Suite<'a> {
    sources: Index,
    packages: Index,
    architecture: &'a str,
}

/// What a suite took.
struct Measured {
    fresh: Times,
    cached: Times,
    /// The most memory that answering took.
    megabytes: f64,
    order: order::Figures,
}

fn main() {
    let architecture = output(Command::new("dpkg").arg("--print-architecture")).trim().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let (sources, packages) = indexes();
    let whole = Suite::new(folder.path(), sources, packages, &architecture);
    let measured = grow(&whole, folder.path());
    let ours = whole.answer(From::Indexes, |_, verdicts| refused(verdicts)).0;
    let cached = whole.answer(From::Tables, |_, verdicts| refused(verdicts)).0;
    assert_eq!(ours, cached, "the tables of parsed indexes change no verdict");

    let start = Instant::now();
    let dose = dose(&whole);
    let dose_seconds = start.elapsed().as_secs_f64();
    assert_eq!(ours, dose, "dose-builddebcheck and we refuse the same sources");
    let files = [&whole.sources.path, &whole.packages.path].map(PathBuf::as_path);
    let answers = whole
        .read(From::Indexes, |sources, packages, _| answers::measure(sources, packages, whole.architecture, files));
    let Measured { fresh, cached, megabytes, order } = measured;
    println!("refused by both: {} sources", ours.len());
    let [fresh_ms, cached_ms] = [fresh, cached].map(|times| times.all() * 1e3);
    println!("dose-builddebcheck: {dose_seconds:.1} s; ours: {fresh_ms:.1} ms, with parsed indexes {cached_ms:.1} ms");
    println!("the order, when nobody asked for it before: {:.0} ms, read indexes included", answers.first_order);
    println!("order: {} jobs, {} edges, {} sources in the largest loop", order.jobs, order.edges, order.largest_loop);

    let [ratio, cached_ratio] = [fresh, cached].map(|times| dose_seconds / times.all());
    figure("resolve-ratio", format!("{ratio:.1} x"), ">= 100", ratio >= 100.0);
    figure("resolve-cached-ratio", format!("{cached_ratio:.1} x"), ">= 200", cached_ratio >= 200.0);
    figure("resolve-memory", format!("{megabytes:.0} MB"), "<= 700", megabytes <= 700.0);
    figure("order-time", format!("{:.3} s", order.seconds), "< 0.8", order.seconds < 0.8);
    figure("order-memory", format!("{:.0} MB", order.megabytes), "<= 700", order.megabytes <= 700.0);
    for (name, milliseconds) in [
        ("order-answer", answers.order),
        ("explain-time", answers.explain),
        ("blocks-time", answers.blocks),
        ("outdated-time", answers.outdated),
    ] {
        figure(name, format!("{milliseconds:.0} ms"), "<= 300", milliseconds <= 300.0);
    }
    figure("ready-p99", format!("{:.4} ms", order.ready_p99), "<= 1", order.ready_p99 <= 1.0);
}

fn figure(name: &str, value: String, condition: &str, met: bool) {
    println!("figure {name} {value} target {condition} {}", if met { "ok" } else { "short" });
}

impl<'a> Suite<'a> {
    fn new(folder: &Path, sources: PathBuf, packages: PathBuf, architecture: &'a str) -> Suite<'a> {
        fn table<'a, T: Row<'a>>(bytes: &'a [u8], sha256: &Sha256) -> Vec<u8> {
            parsed::write::<T>(bytes, sha256, &parsed::parse(bytes)).expect("an index is smaller than 4 GB")
        }
        Suite {
            sources: Index::new(folder, sources, |bytes, sha256| table::<Source<'_>>(bytes, sha256)),
            packages: Index::new(folder, packages, |bytes, sha256| table::<Package<'_>>(bytes, sha256)),
            architecture,
        }
    }

    /// Reads both indexes and hands over what they list; also says how long that took. The files are mapped anew, as by
    /// a command that starts.
    fn read<T>(&self, from: From, look: impl FnOnce(&[Source<'_>], &[Package<'_>], f64) -> T) -> T {
        let start = Instant::now();
        let (source_bytes, package_bytes) = (map(&self.sources.path), map(&self.packages.path));
        let (sources, packages): (Vec<Source<'_>>, Vec<Package<'_>>) =
            rayon::join(|| self.sources.read(&source_bytes, from), || self.packages.read(&package_bytes, from));
        let seconds = start.elapsed().as_secs_f64();
        look(&sources, &packages, seconds)
    }

    /// Reads both indexes, answers every source, and hands the answers over; also says how long that took.
    fn answer<T>(&self, from: From, look: impl FnOnce(&[Package<'_>], &[Verdict<'_>]) -> T) -> (T, Times) {
        self.read(from, |sources, packages, parse| {
            let mut times = Times { parse, ..Times::default() };
            let start = Instant::now();
            let architectures = Architectures::native(self.architecture);
            let universe = Universe::new(packages, architectures);
            let essential = build_essential(architectures);
            let base = Base::new(&universe, &[&essential]);
            times.universe = start.elapsed().as_secs_f64();

            let start = Instant::now();
            // As dose-builddebcheck of Debian 12 has it, sources that are only kept for `Built-Using` are asked for.
            let built = |source: &&Source<'_>| source.builds_all() || source.builds_for(self.architecture);
            let asked: Vec<Source<'_>> = sources.iter().filter(built).copied().collect();
            let requests: Vec<Request<'_>> =
                asked.iter().map(|source| Request::of(source, Half::Both, &[], Alternatives::Any)).collect();
            let answers = check_all(&universe, &base, &requests);
            times.verdicts = start.elapsed().as_secs_f64();

            let verdicts: Vec<Verdict<'_>> = asked.iter().copied().zip(answers).collect();
            (look(packages, &verdicts), times)
        })
    }

    /// The median of several runs, by the whole.
    fn timed(&self, from: From) -> Times {
        let mut times: Vec<Times> = (0..TIMES).map(|_| self.answer(from, |_, _| ()).1).collect();
        times.sort_by(|one, other| one.all().total_cmp(&other.all()));
        times[TIMES / 2]
    }

    /// Answers and orders everything.
    fn measure(&self) -> Measured {
        reset_peak();
        let fresh = self.timed(From::Indexes);
        let megabytes = peak_megabytes();
        let cached = self.timed(From::Tables);
        reset_peak();
        let order =
            self.read(From::Indexes, |sources, packages, _| order::measure(sources, packages, self.architecture));
        Measured { fresh, cached, megabytes, order }
    }
}

/// Maps a file that nobody writes to while this runs.
fn map(path: &Path) -> memmap2::Mmap {
    // SAFETY: see above.
    unsafe { memmap2::Mmap::map(&fs::File::open(path).unwrap()) }.unwrap()
}

/// The one in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Names and versions of what cannot be built.
fn refused(verdicts: &[Verdict<'_>]) -> BTreeSet<(String, String)> {
    let refused = verdicts.iter().filter(|(_, answer)| answer.is_err());
    refused.map(|(source, _)| (source.name.to_owned(), source.version.to_owned())).collect()
}

/// Shows how times and memory grow with the archive, of parts that have every tenth source, all that its build needs,
/// and all that it makes; answers what the whole took.
fn grow(whole: &Suite<'_>, folder: &Path) -> Measured {
    println!(
        "archive  sources  packages  parse ms  universe ms  verdicts ms  all ms  with tables ms  memory MB  order ms  \
         order MB  ready p99 us"
    );
    for tenths in TENTHS {
        let suite = part(whole, folder, tenths);
        show(tenths, &suite, &suite.measure());
    }
    let measured = whole.measure();
    show(10, whole, &measured);
    measured
}

fn show(tenths: usize, suite: &Suite<'_>, measured: &Measured) {
    let Measured { fresh, cached, megabytes, order } = measured;
    let [parse, universe, verdicts, all, cached, ordered] =
        [fresh.parse, fresh.universe, fresh.verdicts, fresh.all(), cached.all(), order.seconds]
            .map(|seconds| seconds * 1e3);
    println!(
        "{:>5} %  {:>7}  {:>8}  {parse:>8.1}  {universe:>11.1}  {verdicts:>11.1}  {all:>6.1}  {cached:>14.1}  \
         {megabytes:>9.0}  {ordered:>8.1}  {:>8.0}  {:>12.2}",
        tenths * 10,
        control::paragraphs(&map(&suite.sources.path)).count(),
        control::paragraphs(&map(&suite.packages.path)).count(),
        order.megabytes,
        order.ready_p99 * 1e3,
    );
}

/// A part of the archive.
fn part<'a>(whole: &Suite<'a>, folder: &Path, tenths: usize) -> Suite<'a> {
    let all = map(&whole.sources.path);
    let chosen = control::paragraphs(&all).enumerate().filter(|(number, _)| number % 10 < tenths);
    let path = |name: &str| folder.join(format!("{name}-{tenths}"));
    fs::write(path("sources"), joined(chosen.map(|(_, paragraph)| paragraph.bytes))).unwrap();
    // Its builds need packages of the whole.
    let needing = Suite::new(folder, path("sources"), whole.packages.path.clone(), whole.architecture);
    let (packages, _) = needing.answer(From::Indexes, |packages, verdicts| {
        let universe = Universe::new(packages, Architectures::native(whole.architecture));
        let base = Base::new(&universe, &["build-essential"]);
        let made: BTreeSet<&str> = verdicts.iter().map(|(source, _)| source.name).collect();
        let needed = verdicts.iter().filter_map(|(_, answer)| answer.as_ref().ok()).flat_map(|it| &it.packages);
        let mut wanted: BTreeSet<u32> = base.packages.iter().chain(needed).copied().collect();
        wanted.extend((0..packages.len() as u32).filter(|&number| made.contains(packages[number as usize].source())));
        joined(wanted.into_iter().map(|number| packages[number as usize].stanza))
    });
    fs::write(path("packages"), packages).unwrap();
    Suite::new(folder, path("sources"), path("packages"), whole.architecture)
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
fn dose(suite: &Suite<'_>) -> BTreeSet<(String, String)> {
    let mut command = Command::new("dose-builddebcheck");
    command.arg("--failures").arg(format!("--deb-native-arch={}", suite.architecture));
    command.args([&suite.packages.path, &suite.sources.path]);
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

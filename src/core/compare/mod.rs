//! Builds of the same packages in several cells, in one table: what each cell changed against the baseline, how sure that
//! is, what failed in it, and whether it is worth it.
//!
//! Values are paired by package and repeat: what slowed one repeat down slowed both builds of it. A pair is worth the
//! logarithm of its ratio. A package's ratio is the geometric mean over its repeats, with Student's interval over them; a
//! cell's is the geometric mean over packages, with the interval over packages, which are a sample of all that there are;
//! where there is but one package, over its repeats.
//!
//! **Invariant:** no value is made up: what was not measured in both is not compared.

pub mod page;
mod student;
mod table;
mod text;
mod verdict;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::core::measure::{BENCH, Measured, Number};

pub use table::{CellLine, Direction, Failure, FailureLine, Finding, Line, PackageLine, Table, Verdict};
pub use text::text;

/// A change by less than this share is no change that anybody pays for.
const MARGIN: f64 = 0.01;

/// One build: a package in a cell, the how manieth time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The cell.
    pub cell: String,
    /// Which repeat, from 1.
    pub repeat: u32,
    /// The stage, without cell and repeat.
    pub stage: String,
    /// Source package name.
    pub source: String,
    /// Debian architecture, or `all`.
    pub arch: String,
    /// Why there are no packages, if there are none.
    pub failure: Option<Failure>,
    /// What was measured.
    pub values: Vec<Measured>,
    /// The binary packages with their hashes; for whether anything changed at all.
    pub files: BTreeSet<(String, String)>,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    /// The cell that others are compared with.
    pub baseline: String,
    /// All cells, in the recipe's order.
    pub names: Vec<String>,
    /// How sure intervals have to be, in hundredths of a percent.
    pub confidence: u32,
    /// All builds.
    pub samples: Vec<Sample>,
}

/// A package in all cells: stage, source and architecture.
type Key<'s> = (&'s str, &'s str, &'s str);

/// The builds of one cell, by package and repeat.
type Builds<'s> = BTreeMap<Key<'s>, BTreeMap<u32, &'s Sample>>;

/// Compares.
pub fn compare(cells: &Cells) -> Table {
    let of = |cell: &str| -> Builds<'_> {
        let mut builds: Builds<'_> = BTreeMap::new();
        for sample in cells.samples.iter().filter(|sample| sample.cell == cell) {
            let key = (sample.stage.as_str(), sample.source.as_str(), sample.arch.as_str());
            builds.entry(key).or_default().insert(sample.repeat, sample);
        }
        builds
    };
    let before = of(&cells.baseline);
    let confidence = f64::from(cells.confidence) / 10_000.0;
    let mut table = Table {
        baseline: cells.baseline.clone(),
        confidence: cells.confidence,
        repeats: cells.samples.iter().map(|sample| sample.repeat).max().unwrap_or(0),
        cells: Vec::new(),
        packages: Vec::new(),
        failures: failures(&cells.baseline, &before, &before),
    };
    for name in cells.names.iter().filter(|name| **name != cells.baseline) {
        let after = of(name);
        let packages: Vec<PackageLine> = after
            .iter()
            .filter_map(|(key, builds)| package(name, *key, before.get(key)?, builds, confidence))
            .collect();
        let lines = over_packages(&before, &after, confidence);
        let failed = failures(name, &after, &before);
        let (verdict, why) = verdict::of(&lines, failed.iter().filter(|failure| !failure.in_baseline));
        let identical = |is: bool| packages.iter().filter(|package| package.identical == Some(is)).count() as u32;
        let (same, changed) = (identical(true), identical(false));
        table.cells.push(CellLine { cell: name.clone(), verdict, why, lines, identical: same, changed });
        table.packages.extend(packages);
        table.failures.extend(failed);
    }
    table
}

/// A package in one cell.
fn package(
    cell: &str,
    (stage, source, arch): Key<'_>,
    before: &BTreeMap<u32, &Sample>,
    after: &BTreeMap<u32, &Sample>,
    confidence: f64,
) -> Option<PackageLine> {
    let pairs = Pairs::of(before, after);
    let lines: Vec<Line> = pairs.values.iter().map(|(name, pair)| line(name, &[pair], confidence)).collect();
    let first = before.values().next().zip(after.values().next());
    let built = first.filter(|(before, after)| !before.files.is_empty() && !after.files.is_empty());
    let identical = built.map(|(before, after)| before.files == after.files);
    if lines.is_empty() && identical.is_none() {
        return None;
    }
    let (verdict, why) = verdict::of(&lines, std::iter::empty());
    let (cell, stage) = (cell.to_owned(), stage.to_owned());
    Some(PackageLine { cell, stage, source: source.to_owned(), arch: arch.to_owned(), verdict, why, lines, identical })
}

/// Each value over all packages that have it in both cells.
fn over_packages(before: &Builds<'_>, after: &Builds<'_>, confidence: f64) -> Vec<Line> {
    let all: Vec<Pairs> = after.iter().filter_map(|(key, builds)| Some(Pairs::of(before.get(key)?, builds))).collect();
    let names: BTreeSet<&Name> = all.iter().flat_map(|pairs| pairs.values.keys()).collect();
    let of = |name: &&Name| {
        let pairs: Vec<&Vec<(f64, f64)>> = all.iter().filter_map(|pairs| pairs.values.get(*name)).collect();
        line(name, &pairs, confidence)
    };
    let mut lines: Vec<Line> = names.iter().map(of).collect();
    lines.sort_by_key(|line| place(&line.name));
    lines
}

/// A value's name and unit.
type Name = (usize, String, String);

/// Where a value stands in a table: as recipes list them, bench scripts' own last.
fn place(name: &str) -> usize {
    let known = crate::core::measure::Metric::ALL.iter().flat_map(|metric| metric.values());
    known.into_iter().position(|known| *known == name).unwrap_or(usize::MAX)
}

/// The values of a package, in pairs of baseline and cell.
struct Pairs {
    values: BTreeMap<Name, Vec<(f64, f64)>>,
}

impl Pairs {
    fn of(before: &BTreeMap<u32, &Sample>, after: &BTreeMap<u32, &Sample>) -> Pairs {
        let mut values: BTreeMap<Name, Vec<(f64, f64)>> = BTreeMap::new();
        for (repeat, sample) in after {
            let Some(old) = before.get(repeat) else { continue };
            for value in &sample.values {
                // What a script measures in another unit today is another thing.
                let same = |old: &&Measured| (&old.name, &old.unit) == (&value.name, &value.unit);
                if let Some(old) = old.values.iter().find(same) {
                    let name = (place(&value.name), value.name.clone(), value.unit.clone());
                    values.entry(name).or_default().push((old.value.0, value.value.0));
                }
            }
        }
        Pairs { values }
    }
}

/// One value of some packages, each with its pairs.
fn line((_, name, unit): &Name, packages: &[&Vec<(f64, f64)>], confidence: f64) -> Line {
    let direction = direction(name, unit);
    let all = || packages.iter().flat_map(|pairs| pairs.iter().copied());
    let pairs = all().count() as u32;
    let (packages_count, sums) =
        (packages.len() as u32, all().fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1)));
    let mut line = Line {
        name: name.clone(),
        unit: unit.clone(),
        direction,
        baseline: Number::rounded(sums.0 / f64::from(pairs.max(1))),
        value: Number::rounded(sums.1 / f64::from(pairs.max(1))),
        ratio: None,
        low: None,
        high: None,
        packages: packages_count,
        pairs,
        finding: verdict::of_sums(direction, sums),
    };
    // What is 0 in both is the same; what is 0 in one of them has no ratio.
    let ratio = |(old, new): (f64, f64)| match (old > 0.0, new > 0.0) {
        (true, true) => Some((new / old).ln()),
        (false, false) => Some(0.0),
        (true, false) | (false, true) => None,
    };
    let Some(ratios) = packages
        .iter()
        .map(|pairs| pairs.iter().copied().map(ratio).collect::<Option<Vec<f64>>>())
        .collect::<Option<Vec<Vec<f64>>>>()
    else {
        return line;
    };
    let geometric = |pick: fn(&(f64, f64)) -> f64| {
        let logarithms: Vec<f64> = all().map(|pair| pick(&pair)).filter(|value| *value > 0.0).map(f64::ln).collect();
        if logarithms.len() == pairs as usize { Some(Number::rounded(student::mean(&logarithms).exp())) } else { None }
    };
    line.baseline = geometric(|pair| pair.0).unwrap_or(line.baseline);
    line.value = geometric(|pair| pair.1).unwrap_or(line.value);
    let means: Vec<f64> = ratios.iter().map(|ratios| student::mean(ratios)).collect();
    let sample = if let [one] = &ratios[..] { one } else { &means };
    let ratio = student::mean(&means);
    // What a file has is no matter of chance: one pair of a package tells it.
    let exact = packages.len() == 1 && is_exact(name) && sample.iter().all(|one| one == &sample[0]);
    let interval = if exact { Some((ratio, ratio)) } else { student::interval(sample, confidence) };
    line.ratio = Some(Number::rounded(ratio.exp()));
    line.low = interval.map(|(low, _)| Number::rounded(low.exp()));
    line.high = interval.map(|(_, high)| Number::rounded(high.exp()));
    line.finding = verdict::of_interval(direction, interval.map(|(low, high)| (low.exp(), high.exp())));
    line
}

/// Whether the same build gives the same value.
fn is_exact(name: &str) -> bool {
    ["deb-size", "text-size", "symbols"].contains(&name) || name.starts_with("tests-")
}

/// Which way a value should go; of what a script measures, its unit says it.
fn direction(name: &str, unit: &str) -> Direction {
    const LESS: [&str; 21] = [
        "ns",
        "us",
        "µs",
        "ms",
        "s",
        "sec",
        "seconds",
        "min",
        "cycles",
        "instructions",
        "B",
        "KB",
        "kB",
        "MB",
        "GB",
        "KiB",
        "MiB",
        "GiB",
        "bytes",
        "J",
        "W",
    ];
    match name {
        "tests-passed" => Direction::More,
        "symbols" | "tests-skipped" => Direction::Neutral,
        _ if !name.starts_with(BENCH) => Direction::Less,
        _ if unit.contains("/s") || unit.ends_with("ps") || unit == "Hz" => Direction::More,
        _ if LESS.contains(&unit) || unit.contains('/') => Direction::Less,
        _ => Direction::Neutral,
    }
}

/// What failed in a cell.
fn failures(cell: &str, builds: &Builds<'_>, baseline: &Builds<'_>) -> Vec<FailureLine> {
    let mut failures = Vec::new();
    for (key, of_package) in builds {
        let failed: Vec<&Failure> = of_package.values().filter_map(|sample| sample.failure.as_ref()).collect();
        let Some(first) = failed.first() else { continue };
        let (stage, source, arch) = *key;
        failures.push(FailureLine {
            cell: cell.to_owned(),
            stage: stage.to_owned(),
            source: source.to_owned(),
            arch: arch.to_owned(),
            times: failed.len() as u32,
            repeats: of_package.len() as u32,
            in_baseline: baseline.get(key).is_some_and(|builds| builds.values().any(|sample| sample.failure.is_some())),
            failure: (*first).clone(),
        });
    }
    failures
}

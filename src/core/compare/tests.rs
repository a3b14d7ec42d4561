use super::*;

/// A build with values, and files whose bytes are its cell's.
fn build(cell: &str, source: &str, repeat: u32, values: &[(&str, f64, &str)]) -> Sample {
    let values = values.iter().map(|(name, value, unit)| Measured::new(name, *value, unit)).collect();
    Sample {
        cell: cell.to_owned(),
        repeat,
        stage: "first".to_owned(),
        source: source.to_owned(),
        arch: "amd64".to_owned(),
        failure: None,
        values,
        files: BTreeSet::from([(source.to_owned(), cell.to_owned())]),
    }
}

fn failed(cell: &str, source: &str, repeat: u32) -> Sample {
    let failure = Failure {
        state: "build-attempted".to_owned(),
        fault: "package".to_owned(),
        reason: "make: *** Error 1".to_owned(),
    };
    Sample { failure: Some(failure), files: BTreeSet::new(), ..build(cell, source, repeat, &[]) }
}

fn check(samples: Vec<Sample>) -> Table {
    let names = ["O2", "O3"].map(str::to_owned).to_vec();
    compare(&Cells { baseline: "O2".to_owned(), names, confidence: 9500, samples })
}

fn ratio(line: &Line) -> (f64, f64, f64) {
    let part = |number: Option<Number>| (number.unwrap().0 * 1000.0).round() / 1000.0;
    (part(line.ratio), part(line.low), part(line.high))
}

#[test]
fn pairs_of_a_repeat_cancel_what_slowed_both_down() {
    // The second hour was three times as slow, for both.
    let mut samples = Vec::new();
    for (repeat, slow) in [(1, 1.0), (2, 3.0), (3, 1.1)] {
        samples.push(build("O2", "zlib", repeat, &[("build-time", 10.0 * slow, "s")]));
        samples.push(build("O3", "zlib", repeat, &[("build-time", 12.0 * slow, "s")]));
    }
    let table = check(samples);
    assert_eq!(table.repeats, 3);
    let line = &table.cells[0].lines[0];
    assert_eq!((ratio(line), line.finding, line.pairs), ((1.2, 1.2, 1.2), Finding::Worse, 3));
    assert_eq!((table.cells[0].verdict, table.cells[0].why.as_str()), (Verdict::Not, "worse: build-time +20.0 %"));
}

#[test]
fn a_cells_ratio_is_the_geometric_mean_over_packages_with_an_interval_over_them() {
    let mut samples = Vec::new();
    for (source, ratio) in [("a", 0.5), ("b", 2.0), ("c", 1.0)] {
        for repeat in 1..=2 {
            samples.push(build("O2", source, repeat, &[("cpu-time", 10.0, "s")]));
            samples.push(build("O3", source, repeat, &[("cpu-time", 10.0 * ratio, "s")]));
        }
    }
    let table = check(samples);
    let line = &table.cells[0].lines[0];
    // The deviation of ln 0.5, ln 2 and 0 is ln 2: 4.303 * ln 2 / sqrt 3.
    assert_eq!((ratio(line), line.packages, line.pairs), ((1.0, 0.179, 5.595), 3, 6));
    assert_eq!((line.finding, table.cells[0].verdict), (Finding::Unclear, Verdict::Unknown));
    let verdicts: Vec<Verdict> = table.packages.iter().map(|package| package.verdict).collect();
    assert_eq!(verdicts, [Verdict::Worth, Verdict::Not, Verdict::Not]);
    assert_eq!(table.packages[2].why, "nothing changes by more than 1 %");
}

#[test]
fn one_pair_tells_nothing_of_time_and_everything_of_what_a_file_has() {
    let table = check(vec![
        build("O2", "zlib", 1, &[("build-time", 10.0, "s"), ("text-size", 1000.0, "B"), ("symbols", 5.0, "")]),
        build("O3", "zlib", 1, &[("build-time", 9.0, "s"), ("text-size", 1100.0, "B"), ("symbols", 6.0, "")]),
    ]);
    let findings: Vec<(&str, Finding)> =
        table.cells[0].lines.iter().map(|line| (line.name.as_str(), line.finding)).collect();
    let expected = [("build-time", Finding::Unclear), ("text-size", Finding::Worse), ("symbols", Finding::Other)];
    assert_eq!(findings, expected);
    assert_eq!((table.cells[0].identical, table.cells[0].changed), (0, 1));
    let why = "worse: text-size +10.0 %; not clear: build-time (more repeats or packages would say)";
    assert_eq!((table.cells[0].verdict, table.cells[0].why.as_str()), (Verdict::Not, why));
}

#[test]
fn what_bench_scripts_measure_decides_and_the_rest_is_what_it_costs() {
    let cell = |name: &'static str, speed: f64, size: f64| {
        let more = f64::from(u8::from(name == "O3"));
        (1..=3).map(move |repeat| {
            let speed = speed + f64::from(repeat) * (0.1 + more / 100.0);
            build(name, "zlib", repeat, &[("text-size", size, "B"), ("bench deflate", speed, "MB/s")])
        })
    };
    let table = check(cell("O2", 100.0, 1000.0).chain(cell("O3", 110.0, 1500.0)).collect());
    assert_eq!(table.cells[0].verdict, Verdict::Worth);
    assert_eq!(table.cells[0].why, "better: bench deflate +10.0 %; worse: text-size +50.0 %");
    let slower = check(cell("O2", 100.0, 1000.0).chain(cell("O3", 90.0, 900.0)).collect());
    assert_eq!(slower.cells[0].verdict, Verdict::Not);
}

#[test]
fn tests_that_fail_decide_before_all_others_even_where_none_failed_before() {
    let tests = |cell: &str, failed: f64, time: f64| {
        build(cell, "zlib", 1, &[("tests-failed", failed, ""), ("deb-size", time, "B")])
    };
    let table = check(vec![tests("O2", 0.0, 10.0), tests("O3", 2.0, 5.0)]);
    let told = (table.cells[0].verdict, table.cells[0].why.as_str());
    assert_eq!(told, (Verdict::Not, "more tests fail: tests-failed 0 to 2"));
}

#[test]
fn what_failed_is_told_with_its_cell_and_whose_fault_and_is_not_compared() {
    let table = check(vec![
        build("O2", "a", 1, &[("build-time", 1.0, "s")]),
        build("O3", "a", 1, &[("build-time", 1.0, "s")]),
        build("O2", "b", 1, &[("build-time", 1.0, "s")]),
        failed("O3", "b", 1),
        failed("O2", "c", 1),
        failed("O3", "c", 1),
    ]);
    assert_eq!(table.cells[0].lines[0].packages, 1);
    let told: Vec<String> = table.failures.iter().map(text::failed).collect();
    assert_eq!(
        told,
        [
            "O2: c (amd64) build-attempted, the package's fault, in the baseline, too: make: *** Error 1",
            "O3: b (amd64) build-attempted, the package's fault: make: *** Error 1",
            "O3: c (amd64) build-attempted, the package's fault, in the baseline, too: make: *** Error 1",
        ]
    );
    assert!(table.cells[0].why.ends_with("; 1 package fails that the baseline builds"), "{}", table.cells[0].why);
}

#[test]
fn a_table_is_read_on_a_terminal_and_as_a_page_without_markup_of_others() {
    let mut samples = Vec::new();
    for repeat in 1..=2 {
        let noise = f64::from(repeat) / 100.0;
        samples.push(build("O2", "<b>", repeat, &[("build-time", 10.0, "s"), ("deb-size", 20_480.0, "B")]));
        samples.push(build("O3", "<b>", repeat, &[("build-time", 8.0 + noise, "s"), ("deb-size", 20_480.0, "B")]));
    }
    let table = check(samples);
    let expected = "\
1 cell compared with `O2`, 2 repeats, intervals of 95 %

O3: worth it (better: build-time -19.9 %)
  build-time  10 s -> 8.015 s     -19.9 %  [-20.5 %, -19.2 %]  better
  deb-size    20.5 kB -> 20.5 kB  0.0 %                        same";
    assert_eq!(super::text(&table, false), expected);
    assert!(super::text(&table, true).contains("\n  <b> (amd64): worth it (better: build-time -19.9 %)\n"));
    let page = page::page(&table, "opt & levels", "run 1");
    assert!(page.contains("<title>opt &amp; levels: comparison</title>") && page.contains("&lt;b&gt; (amd64)"));
    assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("src=") && !page.contains("<b>"));
    // As JSON and back it is the same, so that a journal repeats it.
    let json = serde_json::to_string(&table).unwrap();
    assert_eq!(serde_json::from_str::<Table>(&json).unwrap(), table);
}

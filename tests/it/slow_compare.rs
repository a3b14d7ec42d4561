//! Cells of a matrix: what builds take and what they make is measured, compared, told on a terminal and on a page.

use std::process::Command;

use serde_json::Value;

use crate::fixture::{Fixture, Making};
use crate::harness::{Place, Ran, skip};
use crate::slow_outcomes::{document, has_in_order};

/// Two cells, two repeats, one package; a script that measures what was installed.
const RECIPE: &str = r#"local cb = require "cloudbuild"
return cb.campaign "levels" {
  packages = { "tiny-flags" },
  matrix   = {
    cb.cell "O2" {},
    cb.cell "O0" { cflags = { replace = { ["-O2"] = "-O0" } } },
    baseline = "O2", repeats = 2,
  },
  measure  = { "build-time", "cpu-time", "peak-memory", "deb-size", "text-size", "symbols", "tests",
               bench = { ["tiny-flags"] = "./bench.sh" } },
  report   = cb.html { confidence = 0.9 },
}
"#;

/// Says how large the flags are that the installed program tells, and that it is really that program.
const BENCH: &str = "#!/bin/sh\nset -e\necho '# what the program says'\n\
                     tiny-flags >/dev/null\necho \"told $(tiny-flags | wc -c) B\"\n";

/// A page as a browser without a network sees it; `None` where there is no browser.
fn seen(place: &Place, page: &std::path::Path) -> Option<String> {
    if Command::new("chromium").arg("--version").output().is_err() {
        skip("a_page_in_a_browser", "chromium is not installed; tests/run installs it");
        return None;
    }
    let profile = place.path().join("chromium");
    let mut chromium = Command::new("timeout");
    chromium.args(["120", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]);
    chromium.args(["--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=2000"]);
    chromium.arg(format!("--user-data-dir={}", profile.display())).arg(format!("file://{}", page.display()));
    let output = chromium.env("HOME", place.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

fn line<'t>(table: &'t Value, name: &str) -> &'t Value {
    let lines = table["cells"][0]["lines"].as_array().unwrap();
    lines.iter().find(|line| line["name"] == name).unwrap_or_else(|| panic!("no {name} in {table:#}"))
}

fn shown(place: &Place, more: &[&str]) -> Ran {
    let ran = place.cloudbuild(&[&["compare"], more].concat()).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran
}

#[test]
fn cells_are_measured_compared_and_told_on_a_page() {
    let fixture = Fixture::of(&Making::default());
    let place = Place::with_recipe("levels.lua", RECIPE);

    let missing = place.cloudbuild_on(&fixture, &["plan", "levels.lua"]).run();
    assert_eq!(missing.code, Some(3), "{missing:?}");
    has_in_order(&missing.stderr, &["measure.bench[\"tiny-flags\"]", "expected a script", "bench.sh"]);
    place.write("bench.sh", BENCH);

    let ran = place.cloudbuild_on(&fixture, &["levels.lua", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let summary = document(&ran);
    let table = &summary["tables"][0];
    assert_eq!((&table["baseline"], &table["confidence"], &table["repeats"]), (&"O2".into(), &9000.into(), &2.into()));
    for name in ["build-time", "cpu-time", "peak-memory", "deb-size", "text-size", "symbols", "bench told"] {
        let line = line(table, name);
        assert_eq!((&line["pairs"], &line["packages"]), (&2.into(), &1.into()), "{line:#}");
    }
    // A compiler takes longer than a tenth of a second and more than ten megabytes, and the program says its flags.
    let value = |name: &str| line(table, name)["value"].as_f64().unwrap();
    assert!(value("cpu-time") > 0.05 && value("build-time") >= 0.05 && value("peak-memory") > 10e6, "{table:#}");
    assert!(value("text-size") > 500.0 && value("bench told") > 20.0, "{table:#}");
    assert_eq!(line(table, "bench told")["direction"], "less");
    assert_eq!((&table["cells"][0]["cell"], &table["cells"][0]["changed"]), (&"O0".into(), &1.into()));
    assert_eq!(table["failures"], Value::Array(Vec::new()));

    let state = place.state("levels");
    let text = shown(&place, &["--packages"]).stdout;
    has_in_order(
        &text,
        &["1 cell compared with `O2`, 2 repeats, intervals of 90 %", "O0: ", "build-time ", "tiny-flags ("],
    );
    let json: Value = serde_json::from_str(&shown(&place, &["--json"]).stdout).unwrap();
    assert_eq!(json["table"], *table);

    let page = state.join("report.html");
    assert!(state.join("archive/report.html").is_file(), "{json:#}");
    let Some(dom) = seen(&place, &page) else { return };
    has_in_order(&dom, &["<h1>levels</h1>", "data-cell=\"O0\"", "build-time", "<svg", "tiny-flags ("]);
    assert!(!dom.contains("<script"), "{dom}");
}

//! The table for a terminal.

use super::verdict::percent;
use super::{CellLine, FailureLine, Finding, Line, PackageLine, Table};
use crate::core::order::text::counted;

/// The table, a line of text each; `packages`: each of them, too.
pub fn text(table: &Table, packages: bool) -> String {
    let mut lines = vec![heading(table)];
    for cell in &table.cells {
        lines.push(String::new());
        lines.push(format!("{}: {} ({})", cell.cell, cell.verdict.text(), cell.why));
        lines.extend(rows(&cell.lines).into_iter().map(|row| format!("  {row}")));
        lines.extend(unchanged(cell));
        let of_cell = table.packages.iter().filter(|package| packages && package.cell == cell.cell);
        for package in of_cell {
            lines.push(format!("  {}: {} ({})", title(package), package.verdict.text(), package.why));
            lines.extend(rows(&package.lines).into_iter().map(|row| format!("    {row}")));
        }
    }
    if !table.failures.is_empty() {
        lines.push(String::new());
        lines.push("failed:".to_owned());
        lines.extend(table.failures.iter().map(|failure| format!("  {}", failed(failure))));
    }
    lines.join("\n")
}

/// What is compared with what, and how sure it is.
pub fn heading(table: &Table) -> String {
    let confidence = format!("{}", f64::from(table.confidence) / 100.0);
    format!(
        "{} compared with `{}`, {}, intervals of {confidence} %",
        counted(table.cells.len(), "cell"),
        table.baseline,
        counted(table.repeats as usize, "repeat")
    )
}

/// A package, with its stage where that says something.
pub fn title(package: &PackageLine) -> String {
    let of_stage = if package.stage == "first" { String::new() } else { format!(", {}", package.stage) };
    format!("{} ({}{of_stage})", package.source, package.arch)
}

/// A failure in one line: where, whose fault, why.
pub fn failed(line: &FailureLine) -> String {
    let FailureLine { cell, source, arch, times, repeats, failure, .. } = line;
    let often = if repeats > &1 { format!(" {times} of {repeats} times") } else { String::new() };
    let too = if line.in_baseline { ", in the baseline, too" } else { "" };
    let fault = match failure.fault.as_str() {
        "unknown" => "nobody knows whose fault".to_owned(),
        whose => format!("the {whose}'s fault"),
    };
    format!("{cell}: {source} ({arch}) {}{often}, {fault}{too}: {}", failure.state, failure.reason)
}

fn unchanged(cell: &CellLine) -> Option<String> {
    let all = cell.identical + cell.changed;
    (cell.identical > 0).then(|| {
        format!(
            "  the files of {} of {} have the same bytes as the baseline's",
            cell.identical,
            counted(all as usize, "package")
        )
    })
}

/// The values in columns.
fn rows(lines: &[Line]) -> Vec<String> {
    let cells: Vec<[String; 5]> = lines
        .iter()
        .map(|line| {
            let (before, after) = (amount(line.baseline.0, &line.unit), amount(line.value.0, &line.unit));
            let interval = match (line.low, line.high) {
                (Some(low), Some(high)) if low == high => String::new(),
                (Some(low), Some(high)) => format!("[{}, {}]", percent(low.0), percent(high.0)),
                (Some(_) | None, _) => String::new(),
            };
            let ratio = line.ratio.map(|ratio| percent(ratio.0)).unwrap_or_default();
            [line.name.clone(), format!("{before} -> {after}"), ratio, interval, word(line.finding).to_owned()]
        })
        .collect();
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..5).map(width).collect();
    let row = |row: &[String; 5]| {
        let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    cells.iter().map(row).collect()
}

/// What was found, in a word.
pub fn word(finding: Finding) -> &'static str {
    match finding {
        Finding::Better => "better",
        Finding::Worse => "worse",
        Finding::Other => "other",
        Finding::Same => "same",
        Finding::Unclear => "not clear",
    }
}

/// A value with its unit, as people read it.
pub fn amount(value: f64, unit: &str) -> String {
    if unit == "B" {
        return bytes(value);
    }
    let shown = if value >= 1000.0 || value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.3}") };
    format!("{shown} {unit}").trim_end().to_owned()
}

fn bytes(value: f64) -> String {
    const UNITS: [&str; 4] = ["B", "kB", "MB", "GB"];
    let (mut value, mut unit) = (value, 0);
    while value >= 10_000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{value:.0} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

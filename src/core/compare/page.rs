//! The table as one page that needs nothing from elsewhere: no scripts, no fonts, no pictures.

use std::fmt::Write;

use super::text::{amount, failed, heading, title, word};
use super::verdict::percent;
use super::{CellLine, Finding, Line, PackageLine, Table, Verdict};

const STYLE: &str = include_str!("page.css");

/// Width and height of a picture of an interval.
const WIDTH: f64 = 160.0;
const HEIGHT: f64 = 18.0;

/// The page; `about` says where it is from: the recipe's name, the run.
pub fn page(table: &Table, recipe: &str, about: &str) -> String {
    let mut page = String::new();
    let out = &mut page;
    let name = escape(recipe);
    put(
        out,
        &format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{name}: comparison</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{name}</h1>\n\
         <p class=\"quiet\">{}; {}</p>\n",
            escape(&heading(table)),
            escape(about),
        ),
    );
    for cell in &table.cells {
        of_cell(out, table, cell);
    }
    if !table.failures.is_empty() {
        put(out, "<h2 id=\"failed\">Failed</h2>\n<ul>\n");
        for failure in &table.failures {
            put(out, &format!("<li>{}</li>\n", escape(&failed(failure))));
        }
        put(out, "</ul>\n");
    }
    put(
        out,
        "<p class=\"quiet\">Ratios are geometric means over packages, paired by package and repeat; an interval that \
              has 0 % in it tells nothing. Less than 1 % is taken for no change.</p>\n</body>\n</html>\n",
    );
    page
}

fn of_cell(out: &mut String, table: &Table, cell: &CellLine) {
    let class = match cell.verdict {
        Verdict::Worth => "better",
        Verdict::Not => "worse",
        Verdict::Unknown => "quiet",
    };
    let (name, verdict, why) = (escape(&cell.cell), cell.verdict.text(), escape(&cell.why));
    put(
        out,
        &format!(
            "<section data-cell=\"{name}\">\n<h2>{name} <span class=\"verdict {class}\">{verdict}</span></h2>\n<p>{why}</p>\n"
        ),
    );
    rows(out, &cell.lines, "all packages");
    let all = cell.identical + cell.changed;
    if all > 0 {
        let same = cell.identical;
        put(
            out,
            &format!("<p class=\"quiet\">Of {all} packages, {same} have the same bytes as in the baseline.</p>\n"),
        );
    }
    let packages: Vec<&PackageLine> = table.packages.iter().filter(|package| package.cell == cell.cell).collect();
    if !packages.is_empty() {
        put(out, &format!("<details>\n<summary>{} packages</summary>\n", packages.len()));
        for package in packages {
            let (verdict, why) = (package.verdict.text(), escape(&package.why));
            put(out, &format!("<h3>{}: {verdict}</h3>\n<p>{why}</p>\n", escape(&title(package))));
            rows(out, &package.lines, &package.source);
        }
        put(out, "</details>\n");
    }
    put(out, "</section>\n");
}

/// The values in a table, each with a picture of its interval on a scale that all of them share.
fn rows(out: &mut String, lines: &[Line], what: &str) {
    if lines.is_empty() {
        return;
    }
    put(
        out,
        &format!(
            "<div class=\"wide\"><table>\n<caption hidden>{}</caption>\n<thead><tr><th>value</th><th class=\"number\">baseline</th>\
         <th class=\"number\">here</th><th class=\"number\">change</th><th>interval</th><th></th><th></th></tr></thead>\n<tbody>\n",
            escape(what)
        ),
    );
    let ends = lines.iter().flat_map(|line| [line.ratio, line.low, line.high]).flatten().map(|end| end.0.ln().abs());
    let widest = ends.fold(0.01, f64::max).min(1.0);
    for line in lines {
        let (before, after) = (amount(line.baseline.0, &line.unit), amount(line.value.0, &line.unit));
        let ratio = line.ratio.map(|ratio| percent(ratio.0)).unwrap_or_default();
        let interval = match (line.low, line.high) {
            (Some(low), Some(high)) if low != high => format!("{} to {}", percent(low.0), percent(high.0)),
            (Some(_) | None, _) => String::new(),
        };
        let class = match line.finding {
            Finding::Better => "better",
            Finding::Worse => "worse",
            Finding::Other | Finding::Same | Finding::Unclear => "quiet",
        };
        put(
            out,
            &format!(
                "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{ratio}</td>\
             <td>{interval}</td><td class=\"{class}\">{}</td><td class=\"{class}\">{}</td></tr>\n",
                escape(&line.name),
                escape(&before),
                escape(&after),
                picture(line, widest),
                word(line.finding),
            ),
        );
    }
    put(out, "</tbody>\n</table></div>\n");
}

/// An interval around its ratio; the line in the middle is no change.
fn picture(line: &Line, widest: f64) -> String {
    let Some(ratio) = line.ratio else { return String::new() };
    let at = |ratio: f64| WIDTH / 2.0 * (1.0 + (ratio.ln() / widest).clamp(-1.0, 1.0) * 0.95);
    let (middle, y, point) = (WIDTH / 2.0, HEIGHT / 2.0, at(ratio.0));
    let range = match (line.low, line.high) {
        (Some(low), Some(high)) => {
            format!("<line class=\"range\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y}\" y2=\"{y}\"/>", at(low.0), at(high.0))
        }
        (Some(_) | None, _) => String::new(),
    };
    format!(
        "<svg width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{}\">\
         <line class=\"axis\" x1=\"{middle}\" x2=\"{middle}\" y1=\"0\" y2=\"{HEIGHT}\"/>{range}\
         <circle class=\"point\" cx=\"{point:.1}\" cy=\"{y}\" r=\"3.5\"/></svg>",
        percent(ratio.0)
    )
}

fn put(out: &mut String, text: &str) {
    out.write_str(text).expect("a string takes all text");
}

/// Text as HTML has it: what builders and recipes say is never markup.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

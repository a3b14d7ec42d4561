//! An order as text: a line a job for people, and the graph for programs that draw it.

use std::fmt::Write;

use rayon::prelude::*;

use crate::core::recipe::loops::{BrokenBy, LoopEdge, OrderLoop};
use crate::core::recipe::{OrderResult, OrderedJob};

/// Edges of a loop and names of its packages that a person is shown; the rest is in the JSON.
const SHOWN: usize = 20;

/// `1 job`, `2 jobs`.
pub fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// `7 s`, `12 min`, `3 h 05 min`.
pub fn seconds(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// The order for people, a line a job, then the loops.
pub fn listed(order: &OrderResult, stage: &str) -> String {
    let width = order.jobs.iter().map(|job| job.source.len() + job.arch.len() + 1).max().unwrap_or(0).min(50);
    let line = |(at, job): (usize, &OrderedJob)| {
        let (number, name) = (at + 1, named(job));
        let (estimate, priority) = (seconds(job.estimate), seconds(job.priority));
        let profiles = match job.profiles.as_slice() {
            [] => String::new(),
            profiles => format!("  with {}", profiles.join(", ")),
        };
        let (version, frees) = (&job.version, counted(job.frees as usize, "job"));
        format!(
            "{number:>6}  {stage}  {name:width$}  {version}  takes {estimate}, holds up {priority} and {frees}{profiles}\n"
        )
    };
    // An archive has so many lines that two processors are faster than one.
    let mut text: String = order.jobs.par_iter().enumerate().map(line).collect();
    order.loops.iter().for_each(|found| text.push_str(&loop_lines(found, &order.jobs)));
    text
}

const ALL: &str = "a string takes all text";

/// `hello:amd64`
pub fn named(job: &OrderedJob) -> String {
    format!("{}:{}", job.source, job.arch)
}

/// A loop in one sentence.
pub fn loop_sentence(found: &OrderLoop) -> String {
    let names = found.sources.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = match found.sources.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    if found.edges.iter().any(|edge| edge.broken_by == BrokenBy::Overlay) {
        let (first, rest) = found.sources.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
        let names = rest.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
        let edges = counted(found.edges.len(), "edge");
        return format!(
            "{first} of the overlay is built before {names}{more}, which it needs: {edges} met by what is there"
        );
    }
    // The halves of one source may need each other.
    let need = if found.sources.len() == 1 { "needs itself" } else { "need each other" };
    let by = |by| found.edges.iter().filter(|edge| edge.broken_by == by).count();
    let [profiles, older, nothing] = [BrokenBy::Profiles, BrokenBy::OlderBinaries, BrokenBy::Nothing].map(by);
    let mut ways = Vec::new();
    if profiles > 0 {
        ways.push(format!("{} dropped by build profiles", counted(profiles, "edge")));
    }
    if older > 0 {
        ways.push(format!("{} met by older binaries", counted(older, "edge")));
    }
    if nothing > 0 {
        ways.push(format!("{} met by nothing", counted(nothing, "edge")));
    }
    format!("{names}{more} {need} to be built: {}", ways.join(", "))
}

fn loop_lines(found: &OrderLoop, jobs: &[OrderedJob]) -> String {
    let mut text = format!("loop: {}\n", loop_sentence(found));
    for edge in found.edges.iter().take(SHOWN) {
        writeln!(text, "      {}", edge_sentence(edge, jobs)).expect(ALL);
    }
    if found.edges.len() > SHOWN {
        writeln!(text, "      and {} more; --json lists them", found.edges.len() - SHOWN).expect(ALL);
    }
    text
}

/// An edge that closes a loop, with the way from the build-dependency to who builds it, and how it was broken.
pub fn edge_sentence(edge: &LoopEdge, jobs: &[OrderedJob]) -> String {
    let name = |number: u32| named(&jobs[number as usize - 1]);
    let through = edge.through.join(", which needs ");
    let wants = if edge.chroot { "is built in a chroot with" } else { "build-depends on" };
    let way = match edge.broken_by {
        BrokenBy::Profiles => format!("built with {}", jobs[edge.job as usize - 1].profiles.join(", ")),
        BrokenBy::OlderBinaries => "an older one is taken".to_owned(),
        BrokenBy::Overlay => "it is an overlay, so what is there is taken".to_owned(),
        BrokenBy::Nothing => "nothing is there before".to_owned(),
    };
    format!("{} {wants} {through}, built by {}: {way}", name(edge.job), name(edge.needs))
}

/// The graph in Graphviz's language: an arrow from each job to what it needs, dashed where a loop was broken.
pub fn dot(order: &OrderResult) -> String {
    let mut text = "digraph order {\n  rankdir=RL;\n".to_owned();
    for (number, job) in (1..).zip(&order.jobs) {
        let label = quoted(&named(job));
        writeln!(text, "  {number} [label={label}, estimate={}, priority={}];", job.estimate, job.priority).expect(ALL);
    }
    for (number, job) in (1..).zip(&order.jobs) {
        job.after.iter().for_each(|need| writeln!(text, "  {number} -> {need};").expect(ALL));
    }
    for edge in order.loops.iter().flat_map(|found| &found.edges) {
        let (label, by) = (quoted(&edge.through.join(" > ")), edge.broken_by.text());
        let LoopEdge { job, needs, .. } = edge;
        writeln!(text, "  {job} -> {needs} [style=dashed, broken_by={by:?}, label={label}];").expect(ALL);
    }
    text + "}\n"
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The graph as GraphML.
pub fn graphml(order: &OrderResult) -> String {
    let mut text =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n"
            .to_owned();
    let keys = [
        ("node", "source", "string"),
        ("node", "version", "string"),
        ("node", "arch", "string"),
        ("node", "estimate", "long"),
        ("node", "priority", "long"),
        ("node", "frees", "long"),
        ("node", "profiles", "string"),
        ("edge", "broken_by", "string"),
        ("edge", "through", "string"),
    ];
    for (what, name, kind) in keys {
        writeln!(text, "  <key id=\"{name}\" for=\"{what}\" attr.name=\"{name}\" attr.type=\"{kind}\"/>").expect(ALL);
    }
    text.push_str("  <graph id=\"order\" edgedefault=\"directed\">\n");
    for (number, job) in (1..).zip(&order.jobs) {
        writeln!(text, "    <node id=\"n{number}\">").expect(ALL);
        let numbers = [job.estimate, job.priority, u64::from(job.frees)].map(|number| number.to_string());
        let [estimate, priority, frees] = &numbers;
        let profiles = job.profiles.join(" ");
        let values = [
            ("source", &job.source),
            ("version", &job.version),
            ("arch", &job.arch),
            ("estimate", estimate),
            ("priority", priority),
            ("frees", frees),
            ("profiles", &profiles),
        ];
        for (key, value) in values {
            writeln!(text, "      <data key=\"{key}\">{}</data>", escaped(value)).expect(ALL);
        }
        text.push_str("    </node>\n");
    }
    for (number, job) in (1..).zip(&order.jobs) {
        let edge = |need| writeln!(text, "    <edge source=\"n{number}\" target=\"n{need}\"/>").expect(ALL);
        job.after.iter().for_each(edge);
    }
    for edge in order.loops.iter().flat_map(|found| &found.edges) {
        let (by, through) = (edge.broken_by.text(), escaped(&edge.through.join(" > ")));
        writeln!(
            text,
            "    <edge source=\"n{}\" target=\"n{}\"><data key=\"broken_by\">{by}</data><data key=\"through\">{through}</data></edge>",
            edge.job, edge.needs
        )
        .expect(ALL);
    }
    text + "  </graph>\n</graphml>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

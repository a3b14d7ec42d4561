//! What was edited between two versions of a recipe's files, or of its arguments, as a person reads it: a unified diff.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use similar::TextDiff;

/// Lines that are shown around each change.
const CONTEXT: usize = 2;

/// Nobody reads more lines of a message than this.
const MOST_SHOWN: usize = 120;

/// Files of more lines than this are not compared line by line: that could take long, and is no edit any more.
const MOST_COMPARED: usize = 20_000;

/// What differs between files as they were and as they are, by name; empty when nothing does.
pub fn of_files(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> String {
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let nothing = String::new();
    let texts = names.into_iter().map(|name| {
        let (old, new) = (before.get(name).unwrap_or(&nothing), now.get(name).unwrap_or(&nothing));
        of_text(name, old, new)
    });
    bounded(&texts.collect::<String>())
}

/// What differs between arguments as they were and as they are; empty when nothing does.
pub fn of_arguments(before: &Json, now: &Json) -> String {
    bounded(&of_text("arguments", &listed(before), &listed(now)))
}

/// One argument a line, as one would give it.
fn listed(arguments: &Json) -> String {
    let pairs = arguments.as_object().into_iter().flatten();
    pairs.map(|(name, value)| format!("--{name} {value}\n")).collect()
}

fn of_text(name: &str, before: &str, now: &str) -> String {
    if before == now {
        return String::new();
    }
    let (old, new) = (before.lines().count(), now.lines().count());
    if old.max(new) > MOST_COMPARED {
        return format!("--- {name} (then)\n+++ {name} (now)\n  {old} lines, and {new} now\n");
    }
    let diff = TextDiff::from_lines(before, now);
    let (then, now) = (format!("{name} (then)"), format!("{name} (now)"));
    diff.unified_diff().context_radius(CONTEXT).missing_newline_hint(false).header(&then, &now).to_string()
}

/// The beginning of a long text; control characters drive nobody's terminal.
fn bounded(text: &str) -> String {
    let plain = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    let mut lines: Vec<String> = text.lines().take(MOST_SHOWN).map(|line| line.chars().map(plain).collect()).collect();
    if let Some(more) = text.lines().count().checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
        lines.push(format!("... and {more} more lines"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn an_edit_is_shown_as_a_unified_diff_of_each_file() {
        let before = files(&[("x.lua", "a\nb\nc\nd\ne\n"), ("same.lua", "1"), ("gone.lua", "old\n")]);
        let now = files(&[("x.lua", "a\nb\nC\nd\ne\n"), ("same.lua", "1"), ("new.lua", "\u{1b}new")]);
        assert_eq!(
            of_files(&before, &now),
            "--- gone.lua (then)\n+++ gone.lua (now)\n@@ -1 +0,0 @@\n-old\n--- new.lua (then)\n+++ new.lua (now)\n\
             @@ -0,0 +1 @@\n+ new\n--- x.lua (then)\n+++ x.lua (now)\n@@ -1,5 +1,5 @@\n a\n b\n-c\n+C\n d\n e"
        );
        assert_eq!(of_files(&before, &before), "");
    }

    #[test]
    fn arguments_are_shown_as_one_gives_them() {
        let (before, now) = (serde_json::json!({ "most": 3 }), serde_json::json!({ "most": 4 }));
        let expected = "--- arguments (then)\n+++ arguments (now)\n@@ -1 +1 @@\n---most 3\n+--most 4";
        assert_eq!(of_arguments(&before, &now), expected);
    }

    #[test]
    fn a_long_edit_is_cut() {
        let long = "x\n".repeat(1000);
        let shown = of_files(&files(&[("x.lua", "")]), &files(&[("x.lua", &long)]));
        assert!(shown.ends_with("\n... and 883 more lines"), "{shown}");
        let longer = "x\n".repeat(MOST_COMPARED + 1);
        let shown = of_files(&files(&[("x.lua", "y\n")]), &files(&[("x.lua", &longer)]));
        assert!(shown.ends_with("1 lines, and 20001 now"), "{shown}");
    }
}

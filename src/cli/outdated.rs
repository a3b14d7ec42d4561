//! `cloudbuild outdated`: sources that have no binaries, or older ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value as Json;

use super::args::{OutdatedArgs, RecipeArgs};
use super::exit::{Exit, Failure};
use super::output::{Format, clean};
use super::plan::planned_with;
use super::progress::lines::counted;
use super::{Context, import, site};
use crate::core::outdated::ALL;
use crate::core::outdated::lists::{Exclusions, NotForUs};
use crate::io::files;
use crate::io::state::{Reader, identity, runs};
use crate::primitives::outdated::{self, Line, Lists, Published};
use crate::primitives::planned::Staged;

/// What is outdated.
#[derive(Debug, Serialize)]
struct Found {
    /// What the sources were compared with: the archives that a run published; none for the suites themselves.
    archives: Vec<String>,
    /// How many sources have which verdict, by architecture.
    counts: BTreeMap<String, BTreeMap<String, u64>>,
    /// Those that somebody should build.
    outdated: Vec<Line>,
}

/// A recipe, and what is known of its runs.
struct Subject {
    recipe: RecipeArgs,
    /// The arguments of its last run, where the command line has none.
    arguments: Option<BTreeMap<String, Json>>,
    state: Option<Reader>,
}

/// Compares and shows.
pub fn outdated(ctx: &Context, args: &OutdatedArgs) -> anyhow::Result<Exit> {
    let mut lists = lists(ctx, args)?;
    let (archives, lines) = match subject(ctx, args)? {
        Some(subject) => {
            let mut published = Published::new();
            if let Some(state) = &subject.state {
                published = outdated::published(state)?;
                outdated::add_not_for_us(state, &mut lists)?;
            }
            let lines = of_recipe(ctx, &subject, &published, &lists)?;
            let archives = published.iter().map(|(root, suite)| outdated::place(root, suite)).collect();
            (Some(archives), keep(lines, args.arch.as_deref()))
        }
        None => (None, of_machine(ctx, args.arch.as_deref(), &lists)?),
    };
    let of_recipe = archives.is_some();
    let mut found = Found { archives: archives.unwrap_or_default(), counts: BTreeMap::new(), outdated: Vec::new() };
    for line in lines {
        *found.counts.entry(line.arch.clone()).or_default().entry(line.verdict.clone()).or_default() += 1;
        if line.outdated {
            found.outdated.push(line);
        }
    }
    match ctx.output.format {
        Format::Json => ctx.output.document(&found)?,
        Format::Text => ctx.output.print(&text(&found, of_recipe))?,
    }
    Ok(Exit::Done)
}

/// The lists that files of the command line hold.
fn lists(ctx: &Context, args: &OutdatedArgs) -> anyhow::Result<Lists> {
    let mut lists = Lists::default();
    let read = |path: &Path| -> anyhow::Result<String> {
        let bytes = files::read(&ctx.folder.join(path)).map_err(|error| {
            Failure::new(Exit::Usage, format!("cannot use the list `{}`", path.display())).because(error)
        })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let say = |path: &Path, wrong: Vec<crate::core::debian::malformed::Malformed>| {
        for line in wrong {
            ctx.output.aside().say(&format!("note: {}: {line}; left out", path.display()));
        }
    };
    if let Some(path) = &args.exclusions {
        let (exclusions, wrong) = Exclusions::parse(&read(path)?);
        lists.exclusions = exclusions;
        say(path, wrong);
    }
    if let Some(path) = &args.not_for_us {
        let (not_for_us, wrong) = NotForUs::parse(&read(path)?);
        lists.not_for_us = not_for_us;
        say(path, wrong);
    }
    Ok(lists)
}

/// The recipe that is asked about: a named one, or the one whose state directory is named.
fn subject(ctx: &Context, args: &OutdatedArgs) -> anyhow::Result<Option<Subject>> {
    if let Some(recipe) = &args.recipe {
        let dir = ctx.state_of(recipe);
        // A recipe that was never run has published nothing.
        let state = if dir.is_dir() { Some(Reader::open(&dir)?) } else { None };
        let recipe = RecipeArgs { recipe: recipe.clone(), arguments: args.arguments.clone() };
        return Ok(Some(Subject { recipe, arguments: None, state }));
    }
    if ctx.state.is_none() {
        return Ok(None);
    }
    let state = Reader::open(&ctx.state_here()?)?;
    let identity = state.read(identity::get)?;
    let recipe = PathBuf::from(identity.context("no recipe was run in this state directory")?.path);
    let last = state.read(runs::latest)?.and_then(|run| serde_json::from_value(run.arguments).ok());
    let recipe = RecipeArgs { recipe, arguments: Vec::new() };
    Ok(Some(Subject { recipe, arguments: last, state: Some(state) }))
}

/// What a recipe would build now, beside what was published.
fn of_recipe(ctx: &Context, subject: &Subject, published: &Published, lists: &Lists) -> anyhow::Result<Vec<Line>> {
    let planned = planned_with(ctx, &subject.recipe, subject.arguments.as_ref())?;
    let cache = site::cache(ctx)?;
    let mut lines: Vec<Line> = Vec::new();
    for Staged { order, .. } in planned.take_orders() {
        let imported = planned.import_of(&order)?;
        // Several stages may order the same sources.
        let more = outdated::of_order(&cache, &imported, &order, published, lists)?;
        let new: Vec<Line> = more.into_iter().filter(|line| !lines.contains(line)).collect();
        lines.extend(new);
    }
    Ok(lines)
}

/// The machine's own suites.
fn of_machine(ctx: &Context, arch: Option<&str>, lists: &Lists) -> anyhow::Result<Vec<Line>> {
    // Packages for `all` are in the indexes of every architecture.
    let (cache, imported) = import::own(ctx, arch.filter(|arch| *arch != ALL))?;
    let both = [imported.architecture.as_str(), ALL];
    let wanted: Vec<&str> = match arch {
        Some(arch) => vec![arch],
        None => both.to_vec(),
    };
    outdated::of_suites(&cache, &imported, &wanted, lists)
}

/// The lines of an architecture, or all of them.
fn keep(lines: Vec<Line>, arch: Option<&str>) -> Vec<Line> {
    lines.into_iter().filter(|line| arch.is_none_or(|arch| line.arch == arch)).collect()
}

/// For people: a line an architecture, and below it what is outdated there.
fn text(found: &Found, of_recipe: bool) -> String {
    let mut lines = Vec::new();
    match (of_recipe, found.archives.as_slice()) {
        (false, _) => {}
        (true, []) => lines.push("nothing was published yet".to_owned()),
        (true, archives) => lines.extend(archives.iter().map(|archive| format!("compared with {}", clean(archive)))),
    }
    for (arch, counts) in &found.counts {
        let here = |word: &str| counts.get(word).copied().unwrap_or(0);
        let elsewhere = here("not-for-here") + here("not-for-us");
        let sources = counted(counts.values().sum::<u64>() - elsewhere, "source");
        let of_arch: Vec<&Line> = found.outdated.iter().filter(|line| line.arch == *arch).collect();
        lines.push(format!("{arch}: {} of {sources} outdated", of_arch.len()));
        lines.extend(of_arch.iter().map(|line| {
            let Line { source, version, reason, .. } = line;
            clean(&format!("  {source} {version}: {reason}"))
        }));
    }
    if found.counts.is_empty() {
        lines.push("no sources to compare".to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(source: &str, arch: &str, verdict: &str, reason: &str) -> Line {
        Line {
            source: source.to_owned(),
            version: "1.1".to_owned(),
            arch: arch.to_owned(),
            verdict: verdict.to_owned(),
            have: None,
            reason: reason.to_owned(),
            outdated: true,
        }
    }

    #[test]
    fn what_is_outdated_is_listed_below_its_architecture() {
        let counts = |pairs: &[(&str, u64)]| pairs.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect();
        let found = Found {
            archives: vec!["/srv/x trixie".to_owned()],
            counts: BTreeMap::from([
                ("all".to_owned(), counts(&[("missing", 1), ("not-for-here", 9)])),
                ("amd64".to_owned(), counts(&[("current", 2), ("older", 1), ("not-for-us", 1)])),
            ]),
            outdated: vec![
                line("a", "amd64", "older", "only those of 1.0 are there"),
                line("b", "all", "missing", "no"),
            ],
        };
        let expected = "compared with /srv/x trixie\nall: 1 of 1 source outdated\n  b 1.1: no\n\
                        amd64: 1 of 3 sources outdated\n  a 1.1: only those of 1.0 are there";
        assert_eq!(text(&found, true), expected);
        let nothing = Found { archives: vec![], counts: BTreeMap::new(), outdated: vec![] };
        assert_eq!(text(&nothing, true), "nothing was published yet\nno sources to compare");
    }
}

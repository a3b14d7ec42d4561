//! Those of some sources that have what is asked for.

use crate::core::archive::SourceRecord;
use crate::core::debian::relation;
use crate::core::debian::sources::Source;
use crate::core::ids::Sha256;
use crate::core::recipe::selection::Pick;

/// Those that fulfil each condition, in the order they came in.
pub fn pick<'a>(mut from: Vec<SourceRecord<'a>>, pick: &Pick) -> Vec<SourceRecord<'a>> {
    let one_of = |wanted: &[String], have: &str| wanted.is_empty() || wanted.iter().any(|word| word == have);
    from.retain(|record| {
        one_of(&pick.names, record.source.name)
            && one_of(&pick.components, record.component)
            && one_of(&pick.sections, section(&record.source))
            && build_depends_on(&record.source, &pick.build_depends_on)
    });
    let Some(most) = pick.at_most.map(|most| most as usize).filter(|most| *most < from.len()) else { return from };
    if let Some(seed) = pick.seed {
        // By a hash of name and seed, so that the same sources are taken whatever else came or went.
        let lot = |record: &SourceRecord<'_>| Sha256::of(format!("{seed} {}", record.source.name).as_bytes());
        let mut lots: Vec<(Sha256, usize)> = from.iter().enumerate().map(|(at, record)| (lot(record), at)).collect();
        lots.sort_unstable();
        let mut taken: Vec<usize> = lots[..most].iter().map(|(_, at)| *at).collect();
        taken.sort_unstable();
        return taken.into_iter().map(|at| from[at]).collect();
    }
    from.truncate(most);
    from
}

/// The section without its area: `libs` of `contrib/libs`.
fn section<'a>(source: &Source<'a>) -> &'a str {
    let text = std::str::from_utf8(source.section).unwrap_or_default();
    text.rsplit('/').next().unwrap_or(text)
}

/// Whether one of the build-dependencies, whatever its architecture or profile, names one of these packages.
fn build_depends_on(source: &Source<'_>, wanted: &[String]) -> bool {
    let mut found = wanted.is_empty();
    for field in [source.build_depends, source.build_depends_arch, source.build_depends_indep] {
        relation::for_each(field, |_, relation| found |= wanted.iter().any(|name| name.as_bytes() == relation.name));
    }
    found
}

//! Archives on top of each other: of each package the version that is seen.

use rustc_hash::FxHashMap;

use crate::core::debian::packages::Package;
use crate::core::debian::version;

/// What is visible through layers of packages, the topmost first, sorted by name.
///
/// Of a name and architecture a layer hides all that is below it, lower versions or not; within one layer the later
/// version is seen, and of equal ones the first. A package that is `all` in an upper layer hides those of that name and a
/// real architecture below it, and the other way round.
pub fn visible<'a>(layers: &[&[Package<'a>]]) -> Vec<Package<'a>> {
    let mut seen: FxHashMap<(&str, &str), (usize, Package<'a>)> = FxHashMap::default();
    for (depth, layer) in layers.iter().enumerate() {
        for package in *layer {
            let place = seen.entry((package.name, package.architecture)).or_insert((depth, *package));
            let later = version::compare(package.version.as_bytes(), place.1.version.as_bytes()).is_gt();
            if place.0 == depth && later {
                *place = (depth, *package);
            }
        }
    }
    // What changed between `all` and a real architecture is one package still: the upper layer has the word.
    let mut top: FxHashMap<&str, usize> = FxHashMap::default();
    for (&(name, _), &(depth, _)) in &seen {
        let least = top.entry(name).or_insert(depth);
        *least = depth.min(*least);
    }
    let crossing = |name: &str, architecture: &str, depth: usize| {
        let all_above = seen.get(&(name, "all")).is_some_and(|&(all, _)| all < depth);
        if architecture == "all" { top[name] < depth } else { all_above }
    };
    let mut visible: Vec<Package<'a>> = seen
        .iter()
        .filter(|&(&(name, architecture), &(depth, _))| !crossing(name, architecture, depth))
        .map(|(_, &(_, package))| package)
        .collect();
    visible.sort_unstable_by_key(|package| (package.name, package.architecture));
    visible
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::archive::tests::stanza;
    use crate::core::debian::packages;

    fn check(layers: &[&[(&str, &str, &str)]]) -> Vec<String> {
        let texts: Vec<String> = layers
            .iter()
            .map(|layer| {
                let stanza = |&(name, version, architecture): &(&str, &str, &str)| {
                    stanza(name, version, "").replace("Architecture: amd64", &format!("Architecture: {architecture}"))
                };
                layer.iter().map(stanza).collect()
            })
            .collect();
        let read: Vec<Vec<Package<'_>>> = texts.iter().map(|text| packages::read(text.as_bytes()).0).collect();
        let slices: Vec<&[Package<'_>]> = read.iter().map(Vec::as_slice).collect();
        let text = |package: &Package<'_>| format!("{} {} {}", package.name, package.version, package.architecture);
        visible(&slices).iter().map(text).collect()
    }

    #[test]
    fn an_upper_layer_hides_a_later_version_below_it() {
        let (upper, lower) = ([("a", "1", "amd64")], [("a", "2", "amd64"), ("b", "1", "amd64")]);
        assert_eq!(check(&[&upper, &lower]), ["a 1 amd64", "b 1 amd64"]);
        assert_eq!(check(&[&lower, &upper]), ["a 2 amd64", "b 1 amd64"]);
    }

    #[test]
    fn within_a_layer_the_later_version_is_seen_of_each_architecture() {
        let layer = [("a", "1", "amd64"), ("a", "10", "amd64"), ("a", "9", "amd64"), ("a", "7", "armel")];
        assert_eq!(check(&[&layer]), ["a 10 amd64", "a 7 armel"]);
    }

    #[test]
    fn a_package_that_became_architecture_independent_hides_what_it_was() {
        let (upper, lower) = ([("a", "1", "all")], [("a", "2", "amd64"), ("a", "2", "armel")]);
        assert_eq!(check(&[&upper, &lower]), ["a 1 all"]);
        assert_eq!(check(&[&lower, &upper]), ["a 2 amd64", "a 2 armel"]);
    }
}

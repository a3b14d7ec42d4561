//! The nearest names, for "did you mean".

/// The candidate nearest to `word`, if one is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_few(word, candidates).into_iter().next()
}

/// Up to three candidates near `word`, nearest first; equally near ones in alphabetical order.
pub fn nearest_few<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let lower = word.to_lowercase();
    let allowed = (lower.chars().count() / 3).max(1);
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let edits = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
            if edits <= allowed {
                Some((edits, candidate))
            } else {
                // A name that was cut short is near, though after every name that is a slip of the finger away.
                (lower.len() >= 3 && candidate.to_lowercase().starts_with(&lower)).then_some((allowed + 1, candidate))
            }
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.truncate(3);
    near.into_iter().map(|(_, candidate)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_the_name() {
        assert_eq!(nearest("pakages", ["sources", "packages", "publish"]), Some("packages"));
        assert_eq!(nearest("Hello", ["help", "hello"]), Some("hello"));
        assert_eq!(nearest("improt", ["import", "export"]), Some("import"));
    }

    #[test]
    fn a_word_like_nothing_finds_nothing() {
        assert_eq!(nearest("matrix", ["sources", "packages", "publish"]), None);
        assert!(nearest_few("zzz", []).is_empty());
    }

    #[test]
    fn at_most_three_are_named_nearest_first() {
        let names = ["zlib1g", "zlib", "zlibc", "zlib-ng", "zlibx"];
        assert_eq!(nearest_few("zlib", names), ["zlib", "zlibc", "zlibx"]);
    }

    #[test]
    fn the_beginning_of_a_name_finds_it() {
        assert_eq!(nearest_few("env", ["environment", "arch"]), ["environment"]);
    }
}

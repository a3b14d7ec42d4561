//! How long a build will take, where nothing is known of earlier ones: from the source's size and section.
//!
//! It only decides who goes first, so it has to be right about who takes hours and who minutes, and no more.

use crate::core::debian::control;
use crate::core::debian::sources::Source;

/// What every build takes: to unpack a chroot, install what is needed, configure and pack.
const EVERY_BUILD: u64 = 20;

/// Seconds that a job takes, whether for `Architecture: all` or a real one.
pub fn model(source: &Source<'_>, all: bool) -> u64 {
    let per_megabyte = per_megabyte(source.section, all);
    EVERY_BUILD + (size(source) as f64 / 1e6 * per_megabyte).round() as u64
}

/// Seconds for each compressed megabyte. Compilers that see whole programs are slow on little source, interpreted
/// languages have tests to run and nothing to compile, and data is only copied.
fn per_megabyte(section: &[u8], all: bool) -> f64 {
    // `contrib/games` is the section `games` of another component.
    let section = section.rsplit(|&byte| byte == b'/').next().unwrap_or(section);
    match section {
        b"haskell" | b"rust" | b"ocaml" => 200.0,
        b"doc" | b"fonts" | b"localization" | b"tex" | b"translations" | b"introspection" | b"metapackages" => 2.0,
        b"python" | b"perl" | b"ruby" | b"php" | b"javascript" | b"java" | b"gnu-r" | b"lisp" | b"cli-mono" => 10.0,
        _ if all => 5.0,
        _ => 40.0,
    }
}

/// Bytes of all files of a source.
pub fn size(source: &Source<'_>) -> u64 {
    let size = |line| control::words(line).nth(1).and_then(|size| std::str::from_utf8(size).ok()?.parse::<u64>().ok());
    control::lines(source.checksums).filter_map(size).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::debian::sources;

    fn check(section: &str, megabytes: u64, all: bool) -> u64 {
        let text = format!(
            "Package: a\nVersion: 1\nSection: {section}\nChecksums-Sha256:\n 00 {megabytes}000000 a.tar.xz\n 00 0 a.dsc\n"
        );
        let (sources, malformed) = sources::read(text.as_bytes());
        assert_eq!(malformed, []);
        model(&sources[0], all)
    }

    #[test]
    fn much_to_compile_takes_longer_than_as_much_to_copy() {
        assert_eq!(check("libs", 10, false), 420);
        assert_eq!(check("non-free/fonts", 10, true), 40);
        assert!(check("python", 10, true) < check("libs", 10, false));
        assert!(check("libs", 10, true) < check("libs", 10, false));
        assert_eq!(check("games", 0, false), EVERY_BUILD);
    }
}

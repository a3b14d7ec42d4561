use proptest::prelude::*;

use super::*;

/// Stanzas of a Packages index, some of which cannot be read.
fn packages_index() -> Vec<u8> {
    let hash = "ab".repeat(32);
    let whole = |name: &str, more: &str| {
        format!(
            "Package: {name}\nVersion: 1:1.0-1+b2\nArchitecture: amd64\nFilename: pool/{name}.deb\nSize: 42\n\
             SHA256: {hash}\n{more}\n"
        )
    };
    let mut index = [
        whole("first", "Source: x (1.0-1)\nDepends: a,\n b (>= 1)\nPre-Depends: c\nEssential: yes\n"),
        "Package: broken\nVersion: 1\n\n".to_owned(),
        whole("second", "Provides: d\nConflicts: e\nBreaks: f\nMulti-Arch: same\nDescription: \u{e4}\u{f6}\n"),
    ]
    .concat()
    .into_bytes();
    index.extend(b"Package: latin\nVersion: 1\nArchitecture: \xe4\n\n");
    index.extend(whole("last", "Depends: \n").as_bytes());
    index
}

const SOURCES: &str = "Package: x\nBinary: x, libx\nVersion: 1\nArchitecture: any\nSection: libs\nDirectory: pool/x\n\
     Package-List:\n x deb libs optional arch=any\nBuild-Depends: a\nBuild-Depends-Arch: b\nBuild-Depends-Indep: c\n\
     Checksums-Sha256:\n 00 1 x.dsc\n\nVersion: 2\n\nPackage: y\nVersion: 2\nExtra-Source-Only: yes\n";

/// Checks that the table of an index gives what parsing it gives.
fn check<'a, T: Row<'a> + PartialEq + std::fmt::Debug>(index: &'a [u8]) -> Parsed<T> {
    let sha256 = Sha256::of(index);
    let parsed: Parsed<T> = parse(index);
    let table = write(index, &sha256, &parsed).expect("it is small");
    assert_eq!(read(&table, index, &sha256).as_ref(), Some(&parsed));
    parsed
}

#[test]
fn a_table_gives_what_parsing_gives_malformed_stanzas_included() {
    let index = packages_index();
    let packages = check::<Package<'_>>(&index);
    let names: Vec<&str> = packages.read.iter().map(|package| package.name).collect();
    assert_eq!((names, packages.malformed.len()), (vec!["first", "second", "last"], 2));
    let sources = check::<Source<'_>>(SOURCES.as_bytes());
    assert_eq!((sources.read.len(), sources.malformed.len()), (2, 1));
    for empty in ["", "\n\n"] {
        assert_eq!(check::<Source<'_>>(empty.as_bytes()).read, []);
        assert_eq!(check::<Package<'_>>(empty.as_bytes()).read, []);
    }
}

#[test]
fn a_table_of_another_index_kind_or_format_is_none() {
    let index = packages_index();
    let sha256 = Sha256::of(&index);
    let table = write::<Package<'_>>(&index, &sha256, &parse(&index)).unwrap();
    assert!(read::<Package<'_>>(&table, &index, &Sha256::of(b"other")).is_none());
    assert!(read::<Package<'_>>(&table, &index[1..], &sha256).is_none());
    assert!(read::<Source<'_>>(&table, &index, &sha256).is_none());
    let mut newer = table.clone();
    newer[MAGIC.len() - 1] += 1;
    assert!(read::<Package<'_>>(&newer, &index, &sha256).is_none());
    assert!(read::<Package<'_>>(&[], &index, &sha256).is_none());
}

#[test]
fn a_table_that_was_cut_or_made_longer_or_changed_anywhere_is_none() {
    let index = packages_index();
    let sha256 = Sha256::of(&index);
    let table = write::<Package<'_>>(&index, &sha256, &parse(&index)).unwrap();
    for length in 0..table.len() {
        assert!(read::<Package<'_>>(&table[..length], &index, &sha256).is_none(), "{length} bytes");
    }
    assert!(read::<Package<'_>>(&[&table[..], b"x"].concat(), &index, &sha256).is_none());
    for at in 0..table.len() {
        let mut changed = table.clone();
        changed[at] ^= 0x40;
        assert!(read::<Package<'_>>(&changed, &index, &sha256).is_none(), "byte {at}");
    }
}

#[test]
fn a_table_with_a_good_checksum_and_places_outside_of_the_index_is_none() {
    let index = packages_index();
    let sha256 = Sha256::of(&index);
    let table = write::<Package<'_>>(&index, &sha256, &parse(&index)).unwrap();
    let forged = |at: usize, value: u32| {
        let mut forged = table.clone();
        forged[HEADER + at..HEADER + at + 4].copy_from_slice(&value.to_le_bytes());
        let checksum = blake3::hash(&forged[HEADER..]);
        forged[CHECKSUM..HEADER].copy_from_slice(checksum.as_bytes());
        read::<Package<'_>>(&forged, &index, &sha256)
    };
    assert!(forged(0, u32::MAX).is_none() && forged(4, u32::MAX).is_none());
    // A name may not be cut in the middle of a letter, or be one that is not UTF-8.
    let latin = index.iter().position(|&byte| byte == 0xe4).unwrap() as u32;
    assert!(forged(0, latin).is_none());
    assert!(forged(0, 0).is_some(), "another place inside is wrong, but nothing breaks");
    // Neither yes nor no.
    assert!(forged(Package::PLACES * PLACE, 2).is_none());
}

proptest! {
    #[test]
    fn any_bytes_as_an_index_give_the_same_from_their_table(
        lines in prop::collection::vec(
            prop_oneof![
                Just(b"\n".to_vec()),
                "(Package|Version|Architecture|Filename|Source|Depends|Directory|Size): [a-z0-9 ]{0,6}\n".prop_map(String::into_bytes),
                Just(format!("SHA256: {}\n", "0".repeat(64)).into_bytes()),
                prop::collection::vec(any::<u8>(), 0..12),
            ],
            0..60,
        )
    ) {
        let index = lines.concat();
        check::<Package<'_>>(&index);
        check::<Source<'_>>(&index);
    }

    #[test]
    fn no_bytes_as_a_table_do_any_harm(head in any::<bool>(), bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let index = packages_index();
        let sha256 = Sha256::of(&index);
        let mut table = if head { super::head::<Package<'_>>(&index, &sha256) } else { Vec::new() };
        table.extend(bytes);
        prop_assert!(read::<Package<'_>>(&table, &index, &sha256).is_none());
    }
}

//! Which indexes, which dates, which roles.

use super::*;
use crate::core::debian::apt_source;

const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn entries(list: &str) -> Vec<AptEntry> {
    apt_source::merge(apt_source::parse("x.list", list.as_bytes()).unwrap()).unwrap()
}

fn release(head: &str, files: &[(&str, u64)]) -> Release {
    let mut text = format!("{head}SHA256:\n");
    for (path, size) in files {
        text.push_str(&format!(" {HASH} {size} {path}\n"));
    }
    Release::parse(text.as_bytes()).unwrap()
}

fn check(list: &str, release: &Release, expected: &[&str]) -> SuitePlan {
    let plan = plan_suite(&entries(list)[0].for_architecture("amd64").unwrap(), release, "amd64");
    let got: Vec<&str> = plan.indexes.iter().map(|index| index.forms[0].path.as_str()).collect();
    assert_eq!(got, expected);
    plan
}

#[test]
fn the_smallest_form_of_each_index_comes_first() {
    let release = release(
        "Architectures: amd64\nComponents: main\n",
        &[
            ("main/source/Sources", 900),
            ("main/source/Sources.gz", 300),
            ("main/source/Sources.xz", 200),
            ("main/binary-amd64/Packages", 0),
            ("main/binary-amd64/Packages.xz", 32),
        ],
    );
    let plan =
        check("deb http://a.example.org x main", &release, &["main/source/Sources.xz", "main/binary-amd64/Packages"]);
    assert_eq!((plan.notes.len(), plan.missing.len()), (0, 0));
    assert_eq!(plan.indexes[0].plain.unwrap().size, 900);
}

#[test]
fn a_missing_source_index_is_a_note_unless_it_was_declared() {
    let release = release("Architectures: amd64\n", &[("main/binary-amd64/Packages.gz", 1)]);
    let plan = check("deb http://a.example.org x main", &release, &["main/binary-amd64/Packages.gz"]);
    assert!(plan.notes[0].contains("binary packages only"), "{:?}", plan.notes);
    let list = "deb http://a.example.org x main\ndeb-src http://a.example.org x main\n";
    let plan = check(list, &release, &["main/binary-amd64/Packages.gz"]);
    assert_eq!(plan.missing, ["main/source/Sources"]);
}

#[test]
fn binary_all_is_wanted_only_where_it_is_kept_apart() {
    let files = [("main/binary-amd64/Packages.gz", 1), ("main/binary-all/Packages.gz", 1)];
    let both = release("Architectures: all amd64\n", &files);
    let list = "deb http://a.example.org x main";
    check(list, &both, &["main/binary-all/Packages.gz", "main/binary-amd64/Packages.gz"]);
    let mixed = release("Architectures: all amd64\nNo-Support-for-Architecture-all: Packages\n", &files);
    check(list, &mixed, &["main/binary-amd64/Packages.gz"]);
}

#[test]
fn components_and_architectures_that_are_not_there_are_notes() {
    let release = release("Architectures: arm64\nComponents: main\n", &[("main/source/Sources.gz", 1)]);
    let plan = check("deb http://a.example.org x main extra", &release, &["main/source/Sources.gz"]);
    assert!(plan.notes[0].contains("no binary packages for `amd64`"), "{:?}", plan.notes);
    assert!(plan.notes[1].contains("no component `extra`, it has `main`"), "{:?}", plan.notes);
}

#[test]
fn a_flat_archive_has_its_indexes_beside_the_release_file() {
    let release = release("", &[("Packages", 10), ("Sources.gz", 10)]);
    check("deb http://a.example.org ./", &release, &["Sources.gz", "Packages"]);
}

#[test]
fn dates_are_checked_as_apt_does() {
    let head = "Date: Thu, 01 Jan 1970 00:01:40 UTC\nValid-Until: Thu, 01 Jan 1970 00:03:20 UTC\n";
    let release = release(head, &[]);
    let rules = DateRules::default();
    assert_eq!(check_dates(&release, rules, 89), Err(DateProblem::Future { date: 100 }));
    assert_eq!(check_dates(&release, rules, 90), Ok(()));
    assert_eq!(check_dates(&release, rules, 200), Ok(()));
    assert_eq!(check_dates(&release, rules, 201), Err(DateProblem::Expired { valid_until: 200 }));
    assert_eq!(check_dates(&release, DateRules { min_valid: 150, ..rules }, 250), Ok(()));
    let short = DateRules { max_valid: 50, ..rules };
    assert_eq!(check_dates(&release, short, 151), Err(DateProblem::Expired { valid_until: 150 }));
    assert_eq!(check_dates(&release, DateRules { check_valid_until: false, ..rules }, 201), Ok(()));
    assert_eq!(check_dates(&release, DateRules { check_date: false, ..rules }, 1), Ok(()));
    let entry = &entries("deb [check-valid-until=no] http://a.example.org x main")[0];
    assert_eq!(check_dates(&release, rules.for_entry(entry), 201), Ok(()));
}

#[test]
fn essential_packages_count_only_beside_dpkg_or_base_files() {
    let dpkg = b"Package: dpkg\nEssential: yes\nVersion: 1\n\nPackage: tar\nEssential: yes\n";
    assert_eq!(essential_packages(dpkg), 2);
    assert_eq!(essential_packages(b"Package: dpkg-dev\nEssential: yes\n"), 0);
}

/// Each entry with its Origin and count of Essential packages, or nothing when it failed.
fn verdicts(also: &[&str], list: &str, read: &[Option<(&'static str, u64)>]) -> Vec<Verdict> {
    let entries = entries(list);
    let tried: Vec<Tried<'_>> = entries
        .iter()
        .zip(read)
        .map(|(entry, read)| Tried { entry, read: read.map(|(origin, essential)| Facts { origin, essential }) })
        .collect();
    judge(&AptSources::System { also: also.iter().map(|&name| name.to_owned()).collect() }, &tried)
}

const FOUR: &str = "deb http://deb.debian.example x main\ndeb http://security.debian.example s main\n\
                    deb http://other.example.org x main\ndeb [signed-by=/k/d.gpg] http://far.example.net x main\n";
const DISTRIBUTION: Verdict = Verdict::Take(Role::Distribution);

#[test]
fn the_origin_with_the_essential_packages_is_the_distribution() {
    let read = [Some(("D", 20)), Some(("D", 0)), Some(("O", 3)), Some(("P", 0))];
    let third = Verdict::Take(Role::ThirdParty);
    assert_eq!(verdicts(&[], FOUR, &read), [DISTRIBUTION, DISTRIBUTION, third, third]);
    let named = Verdict::Take(Role::Named);
    for name in ["O", "other.example.org"] {
        assert_eq!(verdicts(&[name], FOUR, &read), [DISTRIBUTION, DISTRIBUTION, named, third]);
    }
    assert_eq!(verdicts(&["x"], FOUR, &read), [DISTRIBUTION, DISTRIBUTION, named, named]);
}

#[test]
fn an_unreachable_third_party_is_left_out_and_a_missing_part_of_the_distribution_stops() {
    let read = [Some(("D", 20)), None, None, None];
    assert_eq!(verdicts(&[], FOUR, &read), [DISTRIBUTION, Verdict::Fail, Verdict::LeaveOut, Verdict::LeaveOut]);
    let named = verdicts(&["other.example.org"], FOUR, &read);
    assert_eq!(named, [DISTRIBUTION, Verdict::Fail, Verdict::Fail, Verdict::LeaveOut]);
}

#[test]
fn the_same_keys_make_an_unreachable_entry_part_of_the_distribution() {
    let list = "deb [signed-by=/k/d.gpg] http://10.0.0.1:80/ x main\ndeb [signed-by=/k/d.gpg] http://10.0.0.2/ x main\n\
                deb http://10.0.0.3/ x main\ndeb http://10.0.0.1:80/other x main\n";
    let read = [Some(("D", 20)), None, None, None];
    assert_eq!(verdicts(&[], list, &read), [DISTRIBUTION, Verdict::Fail, Verdict::LeaveOut, Verdict::Fail]);
}

#[test]
fn without_essential_packages_the_first_entry_stands_for_the_distribution_if_nothing_failed() {
    let third = Verdict::Take(Role::ThirdParty);
    let read = [Some(("D", 0)), Some(("D", 0)), Some(("O", 0)), Some(("", 0))];
    assert_eq!(verdicts(&[], FOUR, &read), [DISTRIBUTION, DISTRIBUTION, third, third]);
    let read = [None, Some(("D", 0)), Some(("O", 0)), Some(("", 0))];
    assert_eq!(verdicts(&[], FOUR, &read)[0], Verdict::Fail);
}

#[test]
fn everything_in_a_file_that_the_recipe_names_is_named() {
    let entries = entries("deb http://a.example.org x main\ndeb http://b.example.org x main\n");
    let tried = [
        Tried { entry: &entries[0], read: Some(Facts { origin: "", essential: 0 }) },
        Tried { entry: &entries[1], read: None },
    ];
    let sources = AptSources::File { path: "x.list".into() };
    assert_eq!(judge(&sources, &tried), [Verdict::Take(Role::Named), Verdict::Fail]);
}

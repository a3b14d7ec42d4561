use super::*;
use crate::core::flags::{Cell, Language, Words};
use crate::core::rules::{Match, Origins};

fn set(json: &str) -> FlagSet {
    serde_json::from_str(json).unwrap()
}

/// The variables that come of sets, one after the other.
fn check(of_stage: &[(&str, &str)], sets: &[&str], arch: &str) -> Vec<String> {
    let of_stage = of_stage.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let sets: Vec<FlagSet> = sets.iter().map(|json| set(json)).collect();
    let environment = environment(&of_stage, &sets, &[], arch);
    environment.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

fn only(variable: &str, all: &[String]) -> Vec<String> {
    all.iter().filter(|line| line.starts_with(&format!("DEB_{variable}_"))).cloned().collect()
}

#[test]
fn a_replacement_is_a_strip_and_an_append_for_every_compiler() {
    let all = check(&[], &[r#"{"cflags": {"replace": {"-O2": "-O3 -funroll-loops"}}}"#], "amd64");
    assert_eq!(only("CFLAGS", &all), ["DEB_CFLAGS_APPEND=-O3 -funroll-loops", "DEB_CFLAGS_STRIP=-O2"]);
    let variables = ["CFLAGS", "CXXFLAGS", "FCFLAGS", "FFLAGS", "GCJFLAGS", "OBJCFLAGS", "OBJCXXFLAGS"];
    assert!(variables.iter().all(|variable| only(variable, &all).len() == 2), "{all:?}");
    assert_eq!(all.len(), 2 * variables.len(), "neither linker nor assembler: {all:?}");
}

#[test]
fn the_assembler_gets_the_machine_options_that_it_takes() {
    let a8 = r#"{"cflags": {"append": "-O3 -march=armv7-a -mtune=cortex-a8 -mfpu=neon -mfloat-abi=hard"}}"#;
    let all = check(&[], &[a8], "armhf");
    assert_eq!(only("ASFLAGS", &all), ["DEB_ASFLAGS_APPEND=-march=armv7-a -mfpu=neon -mfloat-abi=hard"]);
    let v3 = r#"{"cflags": {"append": "-march=x86-64-v3"}}"#;
    assert!(only("ASFLAGS", &check(&[], &[v3], "amd64")).is_empty());
}

#[test]
fn languages_say_whom_cflags_reach_and_the_others_come_on_top() {
    let json = r#"{"cflags": {"append": ["-O3"]}, "cxxflags": {"append": "-fno-rtti"}, "languages": ["c", "c++"],
                   "ldflags": {"prepend": "-Wl,-O1"}}"#;
    assert_eq!(set(json).languages, [Language::C, Language::Cxx]);
    assert_eq!(
        check(&[], &[json], "armhf"),
        ["DEB_CFLAGS_APPEND=-O3", "DEB_CXXFLAGS_APPEND=-O3 -fno-rtti", "DEB_LDFLAGS_PREPEND=-Wl,-O1"]
    );
}

#[test]
fn what_is_appended_adds_up_in_order_so_that_the_last_word_wins() {
    let one = r#"{"cflags": {"append": "-O3"}, "languages": ["c"]}"#;
    let two = r#"{"cflags": {"append": "-O2"}, "languages": ["c"]}"#;
    assert_eq!(check(&[], &[one, two], "amd64"), ["DEB_CFLAGS_APPEND=-O3 -O2"]);
    let strip = r#"{"cflags": {"replace": {"-O3": "-Os"}}, "languages": ["c"]}"#;
    assert_eq!(check(&[], &[one, strip], "amd64"), ["DEB_CFLAGS_APPEND=-Os", "DEB_CFLAGS_STRIP=-O3"]);
}

#[test]
fn the_stages_own_variables_come_first() {
    let one = r#"{"cflags": {"append": "-O3"}, "languages": ["c"], "environment": {"A": "c"}}"#;
    let of_stage = [("DEB_CFLAGS_APPEND", "-g1"), ("A", "b"), ("B", "b")];
    assert_eq!(check(&of_stage, &[one], "amd64"), ["A=c", "B=b", "DEB_CFLAGS_APPEND=-g1 -O3"]);
}

#[test]
fn features_of_an_area_are_joined_and_of_other_options_the_later_value_counts() {
    let one = r#"{"options": ["optimize=+lto", "parallel=4", "terse"]}"#;
    let two = r#"{"options": ["optimize=-lto", "parallel=1", "terse"], "profiles": ["nodoc"]}"#;
    assert_eq!(
        check(&[("DEB_BUILD_OPTIONS", "terse")], &[one, two], "amd64"),
        ["DEB_BUILD_OPTIONS=terse optimize=+lto,-lto parallel=1 nodoc", "DEB_BUILD_PROFILES=nodoc"]
    );
}

#[test]
fn a_jobs_own_profiles_join_the_stages() {
    let check = |stage: &[(&str, &str)], profiles: &[&str]| {
        let stage = stage.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let profiles: Vec<String> = profiles.iter().map(|profile| profile.to_string()).collect();
        let environment = environment(&stage, [], &profiles, "amd64");
        environment.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(check(&[("A", "b")], &[]), ["A=b"]);
    assert_eq!(
        check(&[("DEB_BUILD_PROFILES", "nodoc nocheck")], &["nocheck", "stage1"]),
        ["DEB_BUILD_OPTIONS=nocheck", "DEB_BUILD_PROFILES=nodoc nocheck stage1"]
    );
}

#[test]
fn sets_are_applied_variant_first_and_the_hooks_answer_last() {
    let rule = |name: &str, at: Option<&str>| Rule {
        when: Match { name: vec![name.to_owned()], ..Match::default() },
        set: FlagSet::for_all(Words::read(["-O1"]).unwrap()),
        at: at.map(str::to_owned),
    };
    let flags = BuildFlags {
        cell: Some(Cell { name: "O3".to_owned(), flags: FlagSet::for_all(Words::read(["-O3"]).unwrap()) }),
        rules: vec![rule("zlib", None), rule("other", None), rule("z*", Some("oem.lua:22"))],
        ..BuildFlags::default()
    };
    let (sources, _) = crate::core::debian::sources::read(b"Package: zlib\nVersion: 1\nDirectory: x\n");
    let origins = Origins::default();
    let facts = Facts::new(sources[0], "main", "amd64", "amd64", &origins);
    let chosen = set(r#"{"options": ["nocheck"]}"#);
    let asked = asked(&flags, &facts, Some(&chosen));
    let by: Vec<&str> = asked.iter().map(|asked| asked.by.as_str()).collect();
    assert_eq!(by, ["cell O3", "rule 1", "rule 3 (oem.lua:22)", "choose_flags"]);
}

#[test]
fn a_set_with_a_key_that_means_nothing_or_a_flag_that_is_none_is_refused() {
    for (json, said) in [
        (r#"{"cflag": {}}"#, "unknown field `cflag`"),
        (r#"{"cflags": {"append": "O3"}}"#, "got `O3`, which does not begin with `-`"),
        (r#"{"cflags": {"append": "-O3\n-g"}}"#, "flags on one line"),
        (r#"{"cflags": {"append": 3}}"#, "a string of flags, or a list of them"),
        (r#"{"cflags": {"append": []}}"#, "got none"),
        (r#"{"languages": ["cobol"]}"#, "unknown variant `cobol`"),
    ] {
        let error = serde_json::from_str::<FlagSet>(json).unwrap_err().to_string();
        assert!(error.contains(said), "{json}: {error}");
    }
}

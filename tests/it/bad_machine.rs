//! Settings that are wrong, and machines that lack what builds need: the line or the program, and the way out.

use crate::harness::Place;
use crate::refused::{campaign, document, error_document, names, on, refused, small};

#[test]
fn a_settings_file_that_is_wrong_is_told_with_its_line() {
    let fixture = small();
    let place = Place::with_recipe("x.lua", &campaign("\"tiny-builds\""));
    let cases = [
        (
            "slots = 1\n\n[mirror]\ntimout = \"30 s\"\n",
            vec!["unknown setting `mirror.timout` (", "/cloudbuild.toml:4)", "did you mean `mirror.timeout`?"],
        ),
        (
            "slots = \"two\"\n",
            vec!["`slots`: expected a whole number from 1 to 1024, got the text \"two\"", "/cloudbuild.toml:1)"],
        ),
        ("slots =\n", vec!["/cloudbuild.toml:1)", "hint: settings files are TOML"]),
        ("stall_timeout = 30\n", vec!["`stall_timeout`: expected a duration with units", "got the number 30"]),
    ];
    for (text, said) in cases {
        place.write("cloudbuild.toml", text);
        for words in [&["x.lua"][..], &["config", "show"], &["import"]] {
            refused(&on(&place, &fixture, words).run(), 2, &said);
        }
        error_document(&on(&place, &fixture, &["status", "--json"]).run(), 2, "usage");
    }
    assert_eq!(names(place.path()), ["cloudbuild.toml", "x.lua"], "nothing was begun");
}

#[test]
fn variables_and_flags_that_are_wrong_are_told_by_name() {
    let fixture = small();
    let place = Place::with_recipe("x.lua", &campaign("\"tiny-builds\""));
    let ran = on(&place, &fixture, &["x.lua"]).env("CLOUDBUILD_SLOT", "1").run();
    refused(&ran, 2, &["unknown setting `CLOUDBUILD_SLOT`", "hint: did you mean `CLOUDBUILD_SLOTS`?"]);
    let ran = on(&place, &fixture, &["x.lua", "--slots", "0"]).run();
    refused(&ran, 2, &["`slots`: expected a whole number from 1 to 1024, got `0` (--slots)"]);
    let ran = on(&place, &fixture, &["status", "--jsno"]).run();
    refused(&ran, 2, &["`--jsno`", "`--json`"]);
    assert_eq!(names(place.path()), ["x.lua"]);
}

#[test]
fn config_show_tells_each_value_and_where_it_is_from() {
    let fixture = small();
    let place = Place::new();
    place.write("cloudbuild.toml", "slots = 3\n\n[mirror]\ntimeout = \"7 s\"\n");
    place.write(".config/cloudbuild/config.toml", "slots = 2\nlease_ttl = \"2 min\"\n");
    let words = ["config", "show", "--origin", "--slots", "5"];
    let shown = on(&place, &fixture, &words).run();
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let here = place.path().display();
    let expected = [
        ("slots = 5", "--slots".to_owned()),
        ("mirror.timeout = \"7 s\"", format!("{here}/cloudbuild.toml:4")),
        ("lease_ttl = \"2 min\"", format!("{here}/.config/cloudbuild/config.toml:2")),
        ("mirror.retries = 0", "CLOUDBUILD_MIRROR_RETRIES".to_owned()),
        ("sbuild = \"sbuild\"", "default".to_owned()),
    ];
    for (setting, origin) in expected {
        let line = shown.stdout.lines().find(|line| line.starts_with(setting));
        assert!(line.is_some_and(|line| line.trim_end().ends_with(&origin)), "{setting} of {origin}: {shown:?}");
    }
    let all = document(&on(&place, &fixture, &["config", "show", "--origin", "--json"]).run());
    let slots = all["settings"].as_array().unwrap().iter().find(|row| row["key"] == "slots").unwrap();
    assert_eq!((&slots["value"], &slots["origin"]), (&3.into(), &format!("{here}/cloudbuild.toml:1").into()));
    assert_eq!(names(place.path()), [".config", "cloudbuild.toml"], "showing makes nothing");
}

#[test]
fn without_sbuild_a_run_says_what_is_missing_and_begins_nothing() {
    let fixture = small();
    let place = Place::with_recipe("x.lua", &campaign("\"tiny-builds\""));
    let missing = ["/none/sbuild", "no-such-sbuild"];
    for program in missing {
        let run = |words: &[&str]| on(&place, &fixture, words).env("CLOUDBUILD_SBUILD", program).run();
        let line = format!("\n  sbuild: `{program}` is not there or not executable");
        let said =
            ["this machine cannot build packages yet:", &line, "`--setup`", "`cloudbuild doctor` shows each fix"];
        refused(&run(&["x.lua"]), 5, &said);
        let error = error_document(&run(&["x.lua", "--json"]), 5, "infrastructure");
        assert!(error["message"].as_str().unwrap().contains(&line), "{error}");
        assert!(!place.state("x").exists(), "no state is begun");
        assert_eq!(run(&["plan", "x.lua"]).code, Some(0), "a plan needs no sbuild");
    }
    // Setup cannot mend what a setting names wrongly, and says so.
    let setup = on(&place, &fixture, &["setup"]).env("CLOUDBUILD_SBUILD", "/none/sbuild").run();
    refused(&setup, 5, &["this machine still lacks: sbuild (`/none/sbuild`", "hint: `cloudbuild doctor` tells"]);
    assert_eq!(fixture.server.count("/InRelease"), missing.len(), "only the plans looked at the mirror");
}

#[test]
fn doctor_tells_the_fix_of_each_thing_that_is_missing() {
    let fixture = small();
    let place = Place::new();
    let doctor = |words: &[&str], sbuild: &str| on(&place, &fixture, words).env("CLOUDBUILD_SBUILD", sbuild).run();
    let lacking = doctor(&["doctor"], "/none/sbuild");
    assert_eq!(lacking.code, Some(5), "{lacking:?}");
    let mut lines = lacking.stdout.lines().skip_while(|line| !line.starts_with("missing  sbuild "));
    assert!(lines.next().is_some_and(|line| line.ends_with("`/none/sbuild` is not there or not executable")));
    assert_eq!(lines.next(), Some("         fix: correct the setting `sbuild`, which names it"), "{lacking:?}");
    assert!(lacking.stdout.ends_with("1 thing is missing; `cloudbuild setup` installs what can be installed\n"));

    let ran = doctor(&["doctor", "--json"], "/none/sbuild");
    assert_eq!(ran.code, Some(5), "{ran:?}");
    let report = document(&ran);
    assert_eq!(report["ok"], false);
    let checks = report["checks"].as_array().unwrap();
    let bad: Vec<&serde_json::Value> = checks.iter().filter(|check| check["ok"] == false).collect();
    assert_eq!((bad.len(), &bad[0]["name"]), (1, &"sbuild".into()), "{report}");
    assert_eq!(bad[0]["fix"], "correct the setting `sbuild`, which names it");

    // Tests install what builds need, so with the real programs all is well.
    let well = doctor(&["doctor"], "sbuild");
    assert_eq!(well.code, Some(0), "{well:?}");
    assert!(well.stdout.ends_with("this machine can build packages\n"), "{well:?}");
}

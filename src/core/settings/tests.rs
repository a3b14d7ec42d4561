//! Settings: what wins, what is refused, and how values are written.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::value::{Redirects, duration_text, read_duration};
use super::*;

fn person() -> Person {
    Person { root: false, home: Some("/home/ann".into()), cache_home: Some("/home/ann/.cache".into()) }
}

fn file(path: &str, text: &str) -> Result<Layer, SettingsError> {
    super::file::read(Path::new(path), text, &person())
}

fn refusal(text: &str) -> String {
    file("/w/cloudbuild.toml", text).expect_err("must be refused").to_string()
}

fn environment(variables: &[(&str, &str)]) -> Result<Layer, SettingsError> {
    read_environment(variables.iter().copied(), Path::new("/w"), &person())
}

#[test]
fn the_stronger_layer_wins_and_says_where_it_was() {
    let layers = [
        file("/etc/cloudbuild/config.toml", "slots = 2\nsbuild = \"/opt/sbuild\"\n[mirror]\ntimeout = \"10 s\"\n"),
        file("/home/ann/.config/cloudbuild/config.toml", "\nslots = 3\n"),
        environment(&[("CLOUDBUILD_MIRROR_TIMEOUT", "1 min"), ("HOME", "/home/ann"), ("CLOUDBUILD_LOG", "debug")]),
        read_flags([("slots", "--slots", "4")], Path::new("/w"), &person()),
    ];
    let merged = merge(&person(), layers.map(|layer| layer.expect("these are right"))).expect("these are right");
    let text: Vec<String> = merged
        .rows()
        .map(|(key, value, origin)| {
            format!("{} = {} ({origin})", key.name, value.map_or("-".to_owned(), ToString::to_string))
        })
        .collect();
    assert_eq!(
        text,
        [
            "cache_dir = /home/ann/.cache/cloudbuild (default)",
            "build_user = - (default)",
            "slots = 4 (--slots)",
            "mirror.timeout = 1 min (CLOUDBUILD_MIRROR_TIMEOUT)",
            "mirror.retries = 3 (default)",
            "mirror.redirects = same-host (default)",
            "apt_root = /etc/apt (default)",
            "listen = - (default)",
            "lease_ttl = 3 min (default)",
            "retry_pause = 10 s (default)",
            "stall_timeout = 2 h 30 min (default)",
            "signing.key = ed25519 (default)",
            "signing.also = - (default)",
            "library = - (default)",
            "stdlib = - (default)",
            "sbuild = /opt/sbuild (/etc/cloudbuild/config.toml:2)",
            "mmdebstrap = mmdebstrap (default)",
        ]
    );
    let settings = Settings::of(&merged);
    assert_eq!(settings.slots, 4);
    assert_eq!(settings.mirror_timeout, Duration::from_secs(60));
    assert_eq!(settings.mirror_redirects, Redirects::SameHost);
    assert_eq!(settings.build_user, None);
}

#[test]
fn root_has_other_defaults_and_needs_no_home() {
    let root = Person { root: true, home: None, cache_home: None };
    let settings = Settings::of(&merge(&root, []).expect("defaults are right"));
    assert_eq!(settings.cache_dir, PathBuf::from("/var/cache/cloudbuild"));
    assert_eq!(settings.build_user.as_deref(), Some("cloudbuild"));
}

#[test]
fn without_a_home_the_default_cache_is_an_error_that_says_so() {
    let error = merge(&Person::default(), []).expect_err("there is no place for it");
    let expected = "`cache_dir`: `$XDG_CACHE_HOME/cloudbuild` needs a home directory, and HOME is not set (default)\n\
                    hint: write an absolute path";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_name_and_its_line() {
    let text = "slots = 1\n\n[mirror]\ntimout = \"30 s\"\n";
    let expected = "unknown setting `mirror.timout` (/w/cloudbuild.toml:4)\nhint: did you mean `mirror.timeout`?";
    assert_eq!(refusal(text), expected);
    let expected = "unknown setting `zzz` (/w/cloudbuild.toml:1)\nhint: `cloudbuild config show` lists every setting";
    assert_eq!(refusal("zzz = 1"), expected);
    let error = environment(&[("CLOUDBUILD_SLOT", "1")]).expect_err("no such variable");
    let expected = "unknown setting `CLOUDBUILD_SLOT` (CLOUDBUILD_SLOT)\nhint: did you mean `CLOUDBUILD_SLOTS`?";
    assert_eq!(error.to_string(), expected);
    let error = environment(&[("CLOUDBUILD_ZZZ", "1")]).expect_err("no such variable");
    assert!(error.to_string().ends_with("lists every setting"), "{error}");
}

#[test]
fn variables_of_the_tests_are_nobody_elses_business() {
    assert_eq!(environment(&[("CLOUDBUILD_TEST_SLOW", "1")]), Ok(Layer::default()));
}

#[test]
fn a_wrong_type_is_refused_with_what_was_expected() {
    let cases = [
        ("slots = \"3\"", "`slots`: expected a whole number from 1 to 1024, got the text \"3\""),
        ("slots = 0", "`slots`: expected a whole number from 1 to 1024, got `0`"),
        (
            "lease_ttl = 30",
            "`lease_ttl`: expected a duration with units such as \"30 s\" or \"2 h 30 min\", got the number 30",
        ),
        (
            "lease_ttl = \"30\"",
            "`lease_ttl`: expected a duration with units such as \"30 s\" or \"2 h 30 min\", got `30`",
        ),
        ("mirror.redirects = \"all\"", "`mirror.redirects`: expected \"same-host\" or \"any\", got `all`"),
        ("mirror = 3", "`mirror`: expected a table: `[mirror]`, got the number 3"),
        ("sbuild = true", "`sbuild`: expected a program's name or path, got true"),
        ("cache_dir = \"\"", "`cache_dir`: expected a path, got ``"),
        ("[slots]\nx = 1", "`slots`: expected a whole number from 1 to 1024, got a table"),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(text), format!("{expected} (/w/cloudbuild.toml:1)"));
    }
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_line() {
    let text = refusal("slots = 1\nslots 2\n");
    assert!(text.contains("(/w/cloudbuild.toml:2)\nhint: settings files are TOML"), "{text}");
}

#[test]
fn relative_paths_start_at_the_file_that_says_them() {
    let layer =
        file("/etc/cloudbuild/config.toml", "cache_dir = \"./c\"\nsbuild = \"bin/sbuild\"\napt_root = \"~/apt\"");
    let layer = layer.expect("these are right");
    let values: Vec<String> = layer.given.iter().map(|(_, value, _)| value.to_string()).collect();
    assert_eq!(values, ["/etc/cloudbuild/c", "/etc/cloudbuild/bin/sbuild", "/home/ann/apt"]);
    let layer = environment(&[("CLOUDBUILD_CACHE_DIR", "c")]).expect("right");
    assert_eq!(layer.given[0].1.to_string(), "/w/c");
}

#[test]
fn durations_are_read_with_their_units_and_written_the_same_way() {
    for (text, seconds, written) in [
        ("30 s", 30, "30 s"),
        ("2 h 30 min", 9000, "2 h 30 min"),
        ("90m", 5400, "1 h 30 min"),
        ("1 day 1 s", 86_401, "1 d 1 s"),
        ("PT5M", 300, "5 min"),
    ] {
        let duration = read_duration(text).unwrap_or_else(|| panic!("{text} is a duration"));
        assert_eq!(duration, Duration::from_secs(seconds), "{text}");
        assert_eq!(duration_text(duration), written);
        assert_eq!(read_duration(written), Some(duration), "what is written can be read again");
    }
    assert_eq!(duration_text(Duration::from_millis(1_500)), "1 s 500 ms");
    for text in ["30", "", "-5 s", "0 s", "soon", "1 month"] {
        assert_eq!(read_duration(text), None, "{text}");
    }
}

#[test]
fn every_setting_is_in_the_help_with_its_variable() {
    let help = reference();
    for key in KEYS {
        assert!(help.contains(&format!("\n{} = ", key.name)) && help.contains(&key.variable()), "{}", key.name);
        assert!(key.sentence.iter().any(|line| line.ends_with('.')), "{} has a sentence", key.name);
    }
}

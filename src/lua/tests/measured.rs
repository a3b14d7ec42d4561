use super::messages::message;
use super::*;

use crate::core::measure::Metric;
use crate::core::recipe::{Against, Report};
use crate::core::verify::{Level, Verify};

/// A campaign with these options.
fn campaign(options: &str) -> String {
    format!("local cb = require \"cloudbuild\"\nreturn cb.campaign \"x\" {{ packages = {{ \"a\" }}, {options} }}")
}

#[test]
fn a_campaign_hands_on_what_is_measured_and_verified_and_which_page_is_written() {
    let fake = Arc::<Fake>::default();
    let options = r#"
        matrix  = { cb.cell "O2" {}, cb.cell "O3" { cflags = { replace = { ["-O2"] = "-O3" } } }, baseline = "O3",
                    repeats = 2 },
        measure = { "cpu-time", "tests" },
        verify  = { flags = true, isa = { arch = "armv7-a", fpu = "neon" }, installable = true, run_under = "arm1176" },
        report  = cb.html { confidence = 0.99 }"#;
    run_with(&load_text(&campaign(options)).unwrap(), &fake).unwrap();
    let requests = fake.requests.lock().unwrap();
    let verify = Verify {
        flags: true,
        isa: Some(Level { arch: "armv7-a".to_owned(), fpu: "neon".to_owned() }),
        installable: true,
        run_under: Some("arm1176".to_owned()),
    };
    let builds = requests.iter().filter_map(|request| match request {
        Request::Build(build) => Some(build),
        _ => None,
    });
    let mut count = 0;
    for build in builds {
        count += 1;
        assert_eq!(build.measure.metrics, [Metric::CpuTime, Metric::Tests]);
        assert_eq!(build.verify, verify);
    }
    assert_eq!(count, 4);
    let Some(Request::Compare(compare)) = requests.last() else { panic!("the last request compares") };
    assert_eq!((compare.baseline.as_deref(), &compare.report), (Some("O3"), &Some(Report { confidence: 9900 })));
    let cell = |name: &str, repeat| Some((name.to_owned(), repeat));
    assert_eq!(compare.cells, [cell("O2", 1), cell("O3", 1), cell("O2", 2), cell("O3", 2)]);
    assert_eq!(compare.stages, ["first.O2", "first.O3", "first.O2.2", "first.O3.2"]);
}

#[test]
fn what_cannot_be_measured_or_verified_is_refused_with_what_can() {
    for (options, expected) in [
        ("measure = { \"build-tine\" }", "`measure[1]`: expected `build-time` or `cpu-time`"),
        ("measure = { \"tests\", \"tests\" }", "`measure[2]`: expected each word once, got `tests` again"),
        ("measure = { benches = {} }", "`measure` has no field `benches`"),
        ("measure = { bench = { zlib = 1 } }", "`measure.bench[\"zlib\"]`: expected a file's path"),
        ("measure = { bench = { zlib = \"none.sh\" } }", "`measure.bench[\"zlib\"]`: expected a script, and `"),
        ("verify = { isa = { arch = \"armv6\" } }", "`verify.isa.fpu` is missing"),
        (
            "verify = { isa = { arch = \"armv3\", fpu = \"vfp\" } }",
            "`verify.isa`: expected an architecture of `armv4t`",
        ),
        ("report = cb.html { confidence = 95 }", "expected a number between 0 and 1, such as 0.95"),
    ] {
        let message = message(&campaign(options));
        assert!(message.contains(expected), "{options}: {message}");
    }
}

#[test]
fn below_its_base_a_variant_sees_what_cross_builds_run_on_beside_its_own_stages() {
    let fake = Arc::<Fake>::default();
    let text = r#"local cb = require "cloudbuild"
        return cb.campaign "old" {
          arch = cb.variant "armhf-v6" { base = "armhf", below = true, flags = "-march=armv6" },
          how = { cb.cross { build = "amd64" } },
          stages = {
            cb.stage "base"  { packages = cb.base_system { closure = "build" }, against = cb.cross_only() },
            cb.stage "first" { packages = cb.everything {}, against = "base" },
          },
        }"#;
    run_with(&load_text(text).unwrap(), &fake).unwrap();
    let requests = fake.requests.lock().unwrap();
    let seen: Vec<Vec<bool>> = requests
        .iter()
        .filter_map(|request| match request {
            Request::Build(build) => Some(&build.against),
            _ => None,
        })
        .map(|against| against.iter().map(|layer| matches!(layer, Against::CrossOnly(_))).collect())
        .collect();
    assert_eq!(seen, [vec![true], vec![false, true]]);
}

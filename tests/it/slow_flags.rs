//! Flags: what a recipe asks for is what the compiler sees, and what a package has otherwise is told.

use serde_json::{Value, json};

use crate::fixture::base::architecture;
use crate::fixture::{Fixture, Making};
use crate::harness::Place;
use crate::slow_outcomes::{document, has_in_order};

/// Two cells, one of them repeated, a rule for one package and one for none.
const RECIPE: &str = r#"local cb = require "cloudbuild"
return cb.recipe {
  run = function(cb)
    local order = cb.order { sources = cb.import(), packages = { "tiny-flags", "tiny-builds" } }
    local fleet = cb.launch { cb.here { slots = 2 } }
    local function build(stage, cell, number)
      return cb.build { order = order, on = fleet, stage = stage, cell = cell, repeat_number = number,
        rules = {
          { match = { name = "*-flags" }, set = { cflags = { append = "-funroll-loops" }, languages = { "c" } } },
          { match = { name = "nobody" }, set = { options = { "nocheck" } } },
        } }
    end
    local plain = build("O2", cb.cell "O2" {})
    local three = cb.cell "O3" { cflags = { replace = { ["-O2"] = "-O3" } } }
    local once, twice = build("O3", three), build("O3-2", three, 2)
    local jobs = {}
    for _, built in { plain, once, twice } do
      for _, job in built.jobs do
        jobs[#jobs + 1] = { built.stage, job.source, job.reused, job.overridden }
      end
    end
    return jobs
  end,
}
"#;

/// The job of a stage and a source in what `status` says.
fn job<'d>(status: &'d Value, stage: &str, source: &str) -> &'d Value {
    let jobs = status["jobs"].as_array().unwrap();
    jobs.iter().find(|job| job["stage"] == stage && job["source"] == source).unwrap()
}

/// What the compiler was told for a job.
fn compiled(status: &Value, stage: &str, source: &str) -> String {
    let log = std::fs::read_to_string(job(status, stage, source)["log"].as_str().unwrap()).unwrap();
    let line = log.lines().find(|line| line.starts_with("gcc ") || line.starts_with("cc "));
    line.unwrap_or_else(|| panic!("no compiler in {log}")).to_owned()
}

#[test]
fn the_compiler_sees_what_cells_and_rules_ask_for_and_a_package_that_knows_better_is_told() {
    let fixture = Fixture::of(&Making::default());
    let place = Place::with_recipe("x.lua", RECIPE);

    let plan = place.cloudbuild_on(&fixture, &["plan", "x.lua"]).run();
    assert_eq!(plan.code, Some(0), "{plan:?}");
    let all = "CFLAGS CXXFLAGS FCFLAGS FFLAGS GCJFLAGS OBJCFLAGS OBJCXXFLAGS: strip -O2, append -O3";
    has_in_order(
        &plan.stdout,
        &[
            "build    stage `O2`: up to 2 jobs",
            "flags by rule 1 (x.lua:9) for 1 job: tiny-flags",
            "CFLAGS: append -funroll-loops",
            "warning: rule 2 (x.lua:10) holds for none of these jobs",
            "build    stage `O3`: up to 2 jobs",
            "flags by cell O3 for 1 job: tiny-builds",
            all,
            "flags by cell O3, rule 1 (x.lua:9) for 1 job: tiny-flags",
            "CFLAGS: strip -O2, append -O3 -funroll-loops",
            "build    stage `O3-2`, repeat 2: up to 2 jobs",
        ],
    );

    let ran = place.cloudbuild_on(&fixture, &["x.lua", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let status = place.status("x");
    let optimised = |stage, source| {
        let line = compiled(&status, stage, source);
        line.split_whitespace().rfind(|word| word.starts_with("-O")).map(str::to_owned)
    };
    for (stage, level) in [("O2", "-O2"), ("O3", "-O3"), ("O3-2", "-O3")] {
        assert_eq!(optimised(stage, "tiny-flags").as_deref(), Some(level), "{stage}");
    }

    // The package takes -funroll-loops away again, and says so itself.
    let own = json!([{
        "variable": "CFLAGS", "asked": "-funroll-loops", "by": "DEB_CFLAGS_MAINT_STRIP=-funroll-loops"
    }]);
    assert!(!compiled(&status, "O3", "tiny-flags").contains("-funroll-loops"));
    for stage in ["O2", "O3", "O3-2"] {
        let job = job(&status, stage, "tiny-flags");
        assert_eq!((&job["overridden"], &job["reused"]), (&own, &false.into()), "{job:#}");
    }
    assert_eq!(job(&status, "O3", "tiny-flags")["flags_by"], json!(["cell O3", "rule 1 (x.lua:9)"]));
    assert_eq!(job(&status, "O3", "tiny-builds")["overridden"], Value::Null);
    let jobs = document(&ran)["result"].clone();
    assert!(jobs.as_array().unwrap().contains(&json!(["O3", "tiny-flags", false, own])), "{jobs:#}");
    let shown = place.cloudbuild(&["status"]).run().stdout;
    let said = "overridden by package: CFLAGS -funroll-loops (DEB_CFLAGS_MAINT_STRIP=-funroll-loops)";
    assert_eq!(shown.matches(said).count(), 3, "{shown}");
    let explained = place.cloudbuild_on(&fixture, &["explain", "tiny-flags"]).run().stdout;
    has_in_order(
        &explained,
        &[
            &format!("tiny-flags 1.0 ({}), stage O3, is built", architecture()),
            "its flags are asked for by cell O3, rule 1 (x.lua:9)",
            "overridden by package: CFLAGS -funroll-loops (DEB_CFLAGS_MAINT_STRIP=-funroll-loops)",
        ],
    );
}

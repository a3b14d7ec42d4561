//! Hooks of a recipe: what they say to failed jobs and to a stage that ended, in a run and in the one that goes on.

use crate::fixture::base::architecture;
use crate::fixture::{Fixture, Making};
use crate::harness::Place;
use crate::slow_outcomes::{document, has_in_order, job, log};

const RECIPE: &str = r#"local cb = require "cloudbuild"
return cb.recipe {
  run = function(cb)
    local imported = cb.import {}
    local order = cb.order { sources = imported, packages = { "tiny-builds", "tiny-fails", "tiny-fails-tests" } }
    local built = cb.build { order = order, on = cb.launch { cb.here { slots = 2 } } }
    return { failed = built.count - built.installed }
  end,
  hooks = {
    classify = function(log, job)
      if job.source == "tiny-fails" and log:has(cb.re [[is_not_declared_\w+]]) then return { class = "undeclared" } end
    end,
    on_failure = function(job, failure)
      if failure.class == "test-failure" and job.attempt == 1 then return cb.retry { alone = true, parallel = 1 } end
      return cb.give_up()
    end,
    on_stage_done = function(stage)
      if stage.failed > 0 then return cb.pause(stage.failed .. " of " .. stage.jobs .. " failed") end
    end,
  },
}
"#;

#[test]
fn hooks_send_jobs_back_and_pause_a_run_once() {
    let fixture = Fixture::of(&Making::default());
    let place = Place::with_recipe("hooked.lua", RECIPE);
    let ran = place.cloudbuild_on(&fixture, &["hooked.lua", "--json"]).run();
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let arch = architecture();
    let again = format!(
        "tiny-fails-tests 1.0 ({arch}) will be tried again, alone, with parallel=1 (`on_failure`, hooked.lua:13)"
    );
    has_in_order(&ran.stderr, &[&again, &format!("building  tiny-fails-tests 1.0 ({arch})")]);
    assert_eq!(ran.stderr.matches("will be tried again").count(), 1, "{ran:?}");
    let paused = "paused after stage `first`: 2 of 3 failed (`on_stage_done`, hooked.lua:17)";
    has_in_order(&ran.stderr, &[paused, "hint: look at it with `cloudbuild status`"]);
    assert!(log(&place, "tiny-fails-tests").contains("parallel=1"));

    // The run goes on: nothing is built again, and the same answer does not pause it twice.
    let ran = place.cloudbuild_on(&fixture, &["hooked.lua", "--json"]).run();
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let summary = document(&ran);
    assert_eq!(summary["result"]["failed"], 2, "{summary:#}");
    assert!(!ran.stderr.contains("building  ") && !ran.stderr.contains("paused"), "{ran:?}");
    let status = place.status("hooked");
    assert_eq!(job(&status, "tiny-fails-tests", arch)["leases"], 2, "{status:#}");
    let ran = place.cloudbuild_on(&fixture, &["explain", "tiny-fails-tests"]).run();
    has_in_order(&ran.stdout, &["tiny-fails-tests 1.0", "decided by `on_failure`, hooked.lua:13: {", "\"alone\":true"]);
}

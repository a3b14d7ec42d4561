//! Runs that are killed at each of their calls, edited, and started again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::core::recipe::{Request, Response};
use crate::core::sample;
use crate::io::state::jobs::NewJob;
use crate::io::store::Store;
use crate::lua::{self, LoadOptions};
use crate::primitives::journal::{self, Journaled};
use crate::primitives::offline::Offline;

struct Silent;

impl Listener for Silent {
    fn hear(&self, _: &Event) {}
}

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Listener for Notes {
    fn hear(&self, event: &Event) {
        if let Event::Note { text } = event {
            self.0.lock().unwrap().push(text.clone());
        }
    }
}

/// A state directory, and a recipe beside it.
struct Place {
    folder: tempfile::TempDir,
    state: State,
    notes: Arc<Notes>,
}

/// Performs for real what a run of this place asks, until it is killed.
struct Mortal {
    inner: Offline,
    state: State,
    run: RunId,
    left: AtomicUsize,
    done: Mutex<Vec<&'static str>>,
}

impl Perform for Mortal {
    fn perform(&self, request: Request) -> anyhow::Result<Response> {
        if let Request::Build(build) = &request {
            let job = |(at, job): (usize, &crate::core::recipe::OrderedJob)| NewJob {
                source: job.source.clone(),
                version: job.version.clone(),
                arch: job.arch.clone(),
                component: job.component.clone(),
                after: job.after.clone(),
                position: at as i64 + 1,
                priority: job.priority,
                frees: job.frees,
                profiles: job.profiles.clone(),
            };
            let new: Vec<NewJob> = build.order.jobs.iter().enumerate().map(job).collect();
            let (run, stage) = (self.run, build.stage.clone());
            self.state.write(move |tx| jobs::insert_missing(tx, run, &stage, &new, 1))?;
        }
        // Dying comes after the act and before its answer is written down, where it hurts most.
        if self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            self.left.store(0, Ordering::Relaxed);
            anyhow::bail!("killed");
        }
        self.done.lock().unwrap().push(journal::name(&request));
        self.inner.perform(request)
    }
}

/// What came of a start.
struct Started {
    run: RunId,
    done: Vec<&'static str>,
    result: Result<serde_json::Value, String>,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("state")).unwrap();
        Place { folder, state, notes: Arc::default() }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Starts the recipe; it is killed at the call after `calls` that are performed.
    fn start(&self, unfinished: Unfinished, calls: usize) -> anyhow::Result<Started> {
        let recipe =
            lua::load(LoadOptions { path: self.folder.path().join("x.lua"), ..LoadOptions::default() }).unwrap();
        let listener: Arc<dyn Listener> = Arc::clone(&self.notes) as Arc<dyn Listener>;
        let arguments = BTreeMap::new();
        let start = Start { recipe: &recipe, arguments: &arguments, plan: None, unfinished, listener: &listener };
        let run = begin(&self.state, self.folder.path(), &start)?;
        let store = Store::open(self.folder.path().join("store")).unwrap();
        let inner = Offline::new(&sample::built_in(), "amd64", BTreeMap::new(), store, Arc::new(Silent)).unwrap();
        let mortal = Mortal {
            inner,
            state: self.state.clone(),
            run: run.id,
            left: AtomicUsize::new(calls),
            done: Mutex::default(),
        };
        // What was pinned before is in the state of a real run; the sample archive has to be read again.
        mortal.inner.perform(Request::Import(crate::core::recipe::ImportRequest {
            sources: crate::core::recipe::AptSources::System { also: Vec::new() },
            arch: None,
            build_arch: None,
            overlay: Vec::new(),
        }))?;
        let mortal = Arc::new(mortal);
        let inner = Arc::clone(&mortal) as Arc<dyn Perform>;
        let journaled = Arc::new(Journaled::new(inner, self.state.clone(), run.id));
        let options = RunOptions { seed: run.seed.unsigned_abs(), ..RunOptions::default() };
        let result = recipe.run(journaled, BTreeMap::new(), options).map_err(|error| error.message);
        let status = if result.is_ok() { RunStatus::Finished } else { RunStatus::Failed };
        self.state.write(move |tx| runs::end(tx, run.id, status, 2)).unwrap();
        let done = mortal.done.lock().unwrap().clone();
        Ok(Started { run: run.id, done, result })
    }

    fn jobs(&self, run: RunId) -> Vec<String> {
        let jobs = self.state.read(|db| jobs::by_run(db, run)).unwrap();
        jobs.into_iter().map(|job| format!("{}/{}", job.stage, job.source)).collect()
    }
}

/// A recipe of two stages; `first` and `second` are what these build.
fn two_stages(first: &str, second: &str) -> String {
    format!(
        r#"local cb = require "cloudbuild"
return cb.recipe {{ run = function(cb)
  local all = cb.import()
  local fleet = cb.launch {{ cb.here() }}
  local one = cb.build {{ order = cb.order {{ sources = all, packages = {{ {first} }} }}, on = fleet, stage = "one" }}
  local two = cb.build {{ order = cb.order {{ sources = all, packages = {{ {second} }} }}, on = fleet, stage = "two",
                         against = {{ one, all }} }}
  return {{ one.count, two.count, math.random(1, 1000000) }}
end }}
"#
    )
}

const CALLS: [&str; 6] = ["import", "launch", "order", "build", "order", "build"];

#[test]
fn a_run_that_is_killed_at_any_call_goes_on_there() {
    let whole = Place::new();
    whole.write("x.lua", &two_stages("\"hello\"", "\"zlib\""));
    let expected = whole.start(Unfinished::GoOn, 99).unwrap();
    assert_eq!(expected.done, CALLS);
    for calls in 0..CALLS.len() {
        let place = Place::new();
        place.write("x.lua", &two_stages("\"hello\"", "\"zlib\""));
        let killed = place.start(Unfinished::GoOn, calls).unwrap();
        assert!(killed.result.unwrap_err().contains("killed"));
        let again = place.start(Unfinished::GoOn, 99).unwrap();
        assert_eq!((again.done.as_slice(), again.run), (&CALLS[calls..], killed.run));
        assert_eq!(again.result, expected.result);
    }
}

#[test]
fn an_edited_recipe_is_refused_with_what_was_edited_in_any_of_its_files() {
    let place = Place::new();
    place.write("x.lua", &format!("local names = require 'names'\n{}", two_stages("names[1]", "\"zlib\"")));
    place.write("names.lua", "return { 'hello' }\n");
    place.start(Unfinished::GoOn, 4).unwrap();
    place.write("names.lua", "return { 'sed' }\n");
    let refused = place.start(Unfinished::GoOn, 99).err().unwrap().to_string();
    let expected = "is unfinished, and the recipe was edited since\n--- names.lua (then)\n+++ names.lua (now)\n\
                    @@ -1 +1 @@\n-return { 'hello' }\n+return { 'sed' }\nhint: take the change back";
    assert!(refused.contains(expected), "{refused}");
    assert!(refused.contains("--adopt") && refused.contains("--restart"), "{refused}");
}

#[test]
fn an_edited_recipe_adopts_what_it_asks_for_again_wherever_the_run_was_killed() {
    for calls in 4..CALLS.len() {
        let place = Place::new();
        place.write("x.lua", &two_stages("\"hello\"", "\"zlib\""));
        let killed = place.start(Unfinished::GoOn, calls).unwrap();
        place.write("x.lua", &two_stages("\"hello\"", "\"sed\""));
        let adopted = place.start(Unfinished::Adopt, 99).unwrap();
        assert!(adopted.run > killed.run);
        assert_eq!(adopted.done, CALLS[4..], "killed after {calls}");
        assert_eq!(place.jobs(adopted.run), ["one/hello", "two/sed"]);
        let note = place.notes.0.lock().unwrap().last().unwrap().clone();
        let said = "adopted from run r1: 4 calls (import, launch, order, build) and the jobs of stage `one`; ";
        assert!(note.starts_with(said), "{note}");
        let dropped = "call 5 is `order` with other arguments, so the rest of the journal is dropped and done anew";
        assert_eq!(note.ends_with(dropped), calls > 4 || note.contains("call 5"), "{note}");
        // The chance of the run stays what it was.
        let before = Place::new();
        before.write("x.lua", &two_stages("\"hello\"", "\"sed\""));
        assert_eq!(adopted.result, before.start(Unfinished::GoOn, 99).unwrap().result);
    }
}

#[test]
fn a_build_in_the_middle_of_its_work_is_kept_where_the_edit_leaves_it_alone() {
    let place = Place::new();
    place.write("x.lua", &two_stages("\"hello\"", "\"zlib\""));
    let killed = place.start(Unfinished::GoOn, 3).unwrap();
    let job = place.state.read(|db| jobs::by_run(db, killed.run)).unwrap()[0].id;
    place.write("x.lua", &format!("-- a comment\n{}", two_stages("\"hello\"", "\"sed\"")));
    // An adopting start that is killed at once has adopted all the same.
    place.start(Unfinished::Adopt, 0).unwrap();
    let adopted = place.start(Unfinished::GoOn, 99).unwrap();
    assert_eq!(adopted.done, CALLS[3..]);
    let jobs = place.state.read(|db| jobs::by_run(db, adopted.run)).unwrap();
    assert_eq!((jobs.len(), jobs[0].id), (2, job));
    assert_eq!(place.state.read(|db| runs::get(db, killed.run)).unwrap().unwrap().status, RunStatus::Interrupted);
    assert_eq!(place.notes.0.lock().unwrap().len(), 1);
}

#[test]
fn adopting_what_was_not_edited_goes_on_with_the_run_itself() {
    let place = Place::new();
    place.write("x.lua", &two_stages("\"hello\"", "\"zlib\""));
    let killed = place.start(Unfinished::GoOn, 4).unwrap();
    let again = place.start(Unfinished::Adopt, 99).unwrap();
    assert_eq!((again.run, again.done.as_slice()), (killed.run, &CALLS[4..]));
}

#[test]
fn a_new_start_leaves_the_run_behind() {
    let place = Place::new();
    place.write("x.lua", &two_stages("\"hello\"", "\"zlib\""));
    let killed = place.start(Unfinished::GoOn, 4).unwrap();
    place.write("x.lua", &two_stages("\"sed\"", "\"zlib\""));
    let anew = place.start(Unfinished::Restart, 99).unwrap();
    assert!(anew.run > killed.run && anew.done == CALLS);
}

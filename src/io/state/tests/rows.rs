//! The tables: what goes in comes out, and jobs move only as `core::job` allows.

use super::*;
use crate::io::state::jobs::leasing::{Times, lease_next};

fn times(expires: i64, now: i64) -> Times {
    Times { now, expires, first_pause: std::time::Duration::from_secs(10) }
}

#[test]
fn jobs_are_leased_in_order_with_a_new_epoch_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let (state, _) = filled(dir.path());
    let take = |arch: &'static str| {
        state.write(move |tx| lease_next(tx, asker("here", &able(arch)), times(200, 100))).unwrap()
    };
    assert_eq!(take("armhf"), None);
    let first = take("amd64").unwrap();
    assert_eq!((first.source.as_str(), first.epoch), ("one", Epoch(1)));
    assert_eq!(take("amd64").unwrap().source, "two");
    assert_eq!(take("amd64"), None);
    let job = first.job;
    let again = state
        .write(move |tx| {
            jobs::apply(tx, job, &JobEvent::GaveBack { reason: "stopped".to_owned() }, 101)?;
            lease_next(tx, asker("there", &able("amd64")), times(300, 102))
        })
        .unwrap()
        .unwrap();
    assert_eq!((again.job, again.epoch), (job, Epoch(2)));
    let (row, tried, life) =
        state.read(|db| Ok((jobs::expect(db, job)?, attempts::by_job(db, job)?, events::by_job(db, job)?))).unwrap();
    assert_eq!((row.state, row.attempts, row.lease_expires), (JobState::Building, 1, Some(300)));
    assert_eq!(row.builder.as_deref(), Some("there"));
    assert_eq!(
        tried.iter().map(|attempt| attempt.log.as_str()).collect::<Vec<_>>(),
        [format!("logs/{job}-1.log"), format!("logs/{job}-2.log")]
    );
    assert_eq!(life.iter().map(|row| row.event.text()).collect::<Vec<_>>(), ["leased", "gave-back", "leased"]);
}

#[test]
fn what_most_waits_for_is_leased_first_whatever_its_place_or_name() {
    let dir = tempfile::tempdir().unwrap();
    let state = State::open(dir.path()).unwrap();
    let jobs = [("a", 10, 9), ("b", 90, 1), ("c", 90, 2), ("d", 50, 0)].map(|(source, priority, frees)| NewJob {
        priority,
        frees,
        profiles: vec!["nocheck".to_owned()],
        ..new_job(source, 1)
    });
    let offered = move |tx: &Tx| {
        let run = run(tx);
        jobs::insert_missing(tx, run, "base", &jobs, 1)?;
        for job in jobs::by_stage(tx, run, "base")? {
            assert_eq!(job.profiles, ["nocheck"]);
            jobs::set_offer(tx, job.id, &lease(run, job.id, &job.source), InputsHash(hash(&job.source)))?;
        }
        Ok(())
    };
    state.write(offered).unwrap();
    let take =
        || state.write(|tx| lease_next(tx, asker("here", &able("amd64")), times(200, 100))).unwrap().unwrap().source;
    assert_eq!([take(), take(), take(), take()], ["c", "b", "d", "a"]);
}

#[test]
fn jobs_of_a_run_that_is_not_active_are_not_leased() {
    let dir = tempfile::tempdir().unwrap();
    let (state, run) = filled(dir.path());
    let leased = state
        .write(move |tx| {
            runs::end(tx, run, runs::RunStatus::Interrupted, 5)?;
            lease_next(tx, asker("here", &able("amd64")), times(0, 0))
        })
        .unwrap();
    assert_eq!(leased, None);
    state.write(move |tx| runs::resume(tx, run)).unwrap();
    assert!(state.write(|tx| lease_next(tx, asker("here", &able("amd64")), times(0, 0))).unwrap().is_some());
}

#[test]
fn an_illegal_move_changes_nothing_and_history_cannot_be_rewritten() {
    let dir = tempfile::tempdir().unwrap();
    let (state, _) = filled(dir.path());
    let error = state.write(|tx| jobs::apply(tx, JobId(1), &JobEvent::Uploaded, 9)).unwrap_err();
    assert_eq!(error.to_string(), "job `j1`: a job that is `needs-build` cannot be `uploaded`");
    assert_eq!(state.read(|db| events::by_job(db, JobId(1))).unwrap(), []);
    state.write(|tx| jobs::apply(tx, JobId(1), &JobEvent::Waits { reason: "x".to_owned() }, 9)).unwrap();
    for sql in ["UPDATE events SET at = 0", "DELETE FROM events"] {
        let error = state.write(move |tx| Ok(tx.connection().execute(sql, [])?)).unwrap_err().to_string();
        assert!(error.contains("never rewritten"), "{error}");
    }
}

#[test]
fn a_result_with_the_same_inputs_is_found_in_any_run_and_taken_with_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let (state, first) = filled(dir.path());
    let inputs = InputsHash(hash("one"));
    let made = artifacts::Artifact {
        name: "one_2-3_amd64.deb".to_owned(),
        kind: artifacts::ArtifactKind::of_name("one_2-3_amd64.deb"),
        sha256: hash("deb"),
        size: 3,
        package: Some("one".to_owned()),
        version: Some("1:2-3".to_owned()),
        architecture: Some("amd64".to_owned()),
        source: Some("one".to_owned()),
        control: Some("Package: one\n".to_owned()),
    };
    let expected = made.clone();
    assert_eq!(state.read(|db| jobs::find_reusable(db, inputs)).unwrap(), None);
    let second = state
        .write(move |tx| {
            let lease = lease_next(tx, asker("here", &able("amd64")), times(0, 1))?.unwrap();
            jobs::apply(tx, lease.job, &JobEvent::Built { seconds: 7 }, 2)?;
            jobs::apply(tx, lease.job, &JobEvent::Uploaded, 2)?;
            artifacts::insert(tx, lease.job, &[made])?;
            jobs::apply(tx, lease.job, &JobEvent::Installed, 2)?;
            runs::end(tx, first, runs::RunStatus::Finished, 3)?;
            let second = run(tx);
            jobs::insert_missing(tx, second, "base", &[new_job("one", 1)], 4)?;
            Ok(second)
        })
        .unwrap();
    let (from, files) = state.read(|db| jobs::find_reusable(db, inputs)).unwrap().unwrap();
    assert_eq!((from.run, from.seconds, files), (first, 7, vec![expected.clone()]));
    let to = state.read(|db| jobs::by_stage(db, second, "base")).unwrap()[0].id;
    let job = state.write(move |tx| jobs::reuse(tx, from.id, to, inputs, 5)).unwrap();
    assert_eq!((job.state, job.reused), (JobState::Installed, true));
    let (files, counts) =
        state.read(|db| Ok((artifacts::by_stage(db, second, "base")?, jobs::counts(db, second)?))).unwrap();
    assert_eq!(files, [(to, expected)]);
    assert_eq!(counts, [("base".to_owned(), JobState::Installed, 1)]);
    // What was taken over is a result as good as the one that it was taken from.
    let before = |run: RunId, stage: &str, arch: &str| {
        let found = state.read(|db| jobs::installed_before(db, run, stage, "one", arch)).unwrap();
        found.iter().map(|job| job.run).collect::<Vec<_>>()
    };
    assert_eq!(before(RunId(second.0 + 1), "base", "amd64"), [second, first]);
    assert_eq!(before(second, "base", "amd64"), [first]);
    assert!(before(first, "base", "amd64").is_empty() && before(second, "other", "amd64").is_empty());
    assert!(before(second, "base", "all").is_empty());
}

#[test]
fn rows_come_back_as_they_went_in() {
    let dir = tempfile::tempdir().unwrap();
    let (state, run) = filled(dir.path());
    let imported = crate::core::pinned::Imported {
        architecture: "amd64".to_owned(),
        notes: vec!["n".to_owned()],
        ..crate::core::pinned::Imported::default()
    };
    let expected = imported.clone();
    let id = state.write(move |tx| imports::insert(tx, &imported)).unwrap();
    assert_eq!(state.read(|db| imports::get(db, id)).unwrap(), Some(expected));

    let new = generations::NewGeneration {
        run,
        path: "/archive".to_owned(),
        suite: "trixie".to_owned(),
        release_sha256: hash("release"),
        contents_sha256: hash("contents"),
        published_at: 9,
        json: serde_json::json!({"packages": 2}),
    };
    let expected = new.clone();
    let id = state.write(move |tx| generations::insert(tx, &new)).unwrap();
    let latest = state.read(|db| generations::latest(db, "/archive", "trixie")).unwrap().unwrap();
    assert_eq!((latest.id, &latest.published), (id, &expected));
    let again = expected.clone();
    let newer = state.write(move |tx| generations::insert(tx, &again)).unwrap();
    let other = generations::NewGeneration { suite: "sid".to_owned(), ..expected };
    let other = state.write(move |tx| generations::insert(tx, &other)).unwrap();
    let newest = state.read(generations::newest).unwrap();
    assert_eq!(newest.iter().map(|generation| generation.id).collect::<Vec<_>>(), [newer, other]);

    state.write(|tx| durations::record(tx, "one", "1", "amd64", 12, 1)).unwrap();
    state.write(|tx| durations::record(tx, "one", "2", "amd64", 15, 2)).unwrap();
    let latest = state.read(durations::latest).unwrap();
    assert_eq!(latest["one"]["amd64"], 15);

    let entry = |response: u32| journal::Entry {
        call: 1,
        primitive: "order".to_owned(),
        arguments_hash: hash("arguments"),
        response: response.into(),
        at: i64::from(response),
    };
    state.write(move |tx| journal::record(tx, run, &entry(4))).unwrap();
    state.write(move |tx| journal::record(tx, run, &entry(4))).unwrap();
    let other = state.write(move |tx| journal::record(tx, run, &entry(5))).unwrap_err();
    assert!(matches!(other, StateError::Rewritten { .. }));
    assert_eq!(state.read(|db| journal::lookup(db, run, 1)).unwrap(), Some(entry(4)));
}

#[test]
fn an_offer_is_given_with_the_newest_epoch_and_can_be_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let (state, run) = filled(dir.path());
    let offer = state.read(|db| jobs::offer(db, JobId(1))).unwrap().unwrap();
    assert_eq!(offer, Lease { epoch: Epoch(0), ..lease(run, JobId(1), "two") });
    state.write(|tx| jobs::clear_offer(tx, JobId(1))).unwrap();
    let job = state.read(|db| jobs::expect(db, JobId(1))).unwrap();
    assert_eq!((job.offered, job.inputs), (false, None));
}

#[test]
fn a_job_that_has_to_be_alone_waits_for_an_idle_builder_and_keeps_others_off_it() {
    let dir = tempfile::tempdir().unwrap();
    let (state, run) = filled(dir.path());
    let take = |builder: &'static str| {
        state
            .write(move |tx| lease_next(tx, asker(builder, &able("amd64")), times(200, 100)))
            .unwrap()
            .map(|lease| lease.source)
    };
    let event = move |source: &'static str, event: JobEvent| {
        move |tx: &Tx| {
            let job = jobs::by_stage(tx, run, "base")?.into_iter().find(|job| job.source == source).unwrap();
            jobs::apply(tx, job.id, &event, 101)
        }
    };
    let failed = JobEvent::Failed {
        fault: Fault::Package,
        stage: "build".to_owned(),
        reason: "no".to_owned(),
        attempt: 1,
        seconds: 1,
    };
    let retry = Retry { alone: true, parallel: Some(1), ..Retry::default() };
    assert_eq!((take("here").as_deref(), take("here").as_deref()), (Some("one"), Some("two")));
    state.write(event("one", failed.clone())).unwrap();
    let sent = state.write(event("one", JobEvent::SentBack { retry: retry.clone(), place: "x".to_owned() })).unwrap();
    assert_eq!((sent.state, sent.attempts, sent.retry), (JobState::NeedsBuild, 0, Some(retry)));
    assert_eq!(take("here"), None, "`two` is built there");
    state.write(event("two", failed)).unwrap();
    assert_eq!(take("here").as_deref(), Some("one"));
    state.write(event("two", JobEvent::Retried)).unwrap();
    assert_eq!((take("here"), take("there").as_deref()), (None, Some("two")));
}

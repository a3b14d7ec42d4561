//! The state as its users see it: it survives, it undoes, and it says what is wrong.

mod rows;

use std::path::Path;

use super::jobs::NewJob;
use super::jobs::leasing::Asker;
use super::*;
use crate::core::hooks::Retry;
use crate::core::how::{Abilities, HowWord};
use crate::core::ids::{ChrootKey, Epoch, InputsHash, JobId, RunId, Sha256, ViewId};
use crate::core::job::{Fault, JobEvent, JobState};
use crate::wire::Lease;

fn hash(text: &str) -> Sha256 {
    Sha256::of(text.as_bytes())
}

fn new_run(text: &str) -> runs::NewRun {
    runs::NewRun {
        recipe_hash: hash(text),
        files: [("x.lua".to_owned(), text.to_owned())].into(),
        arguments: serde_json::json!({"n": 1}),
        plan: None,
    }
}

fn run(tx: &Tx) -> RunId {
    runs::start(tx, &new_run("return 1"), 1).unwrap()
}

fn new_job(source: &str, position: i64) -> NewJob {
    NewJob {
        source: source.to_owned(),
        version: "1:2-3".to_owned(),
        arch: "amd64".to_owned(),
        component: "main".to_owned(),
        after: vec![7],
        position,
        priority: 0,
        frees: 0,
        profiles: Vec::new(),
    }
}

fn lease(run: RunId, job: JobId, source: &str) -> Lease {
    Lease {
        run,
        job,
        epoch: Epoch(77),
        source: source.to_owned(),
        version: "1:2-3".to_owned(),
        arch: "amd64".to_owned(),
        how: HowWord::Native,
        cross_depends: Vec::new(),
        chroot_packages: Vec::new(),
        chroot_arch: "amd64".to_owned(),
        component: "main".to_owned(),
        distribution: "trixie".to_owned(),
        files: Vec::new(),
        view: ViewId(hash("view")),
        view_key: String::new(),
        chroot: ChrootKey(hash("chroot")),
        environment: Default::default(),
        suffixed: None,
        stall_seconds: 60,
    }
}

/// A state with one run and the jobs `one` and `two`, both offered.
fn filled(dir: &Path) -> (State, RunId) {
    let state = State::open(dir).unwrap();
    let run = state
        .write(|tx| {
            let run = run(tx);
            jobs::insert_missing(tx, run, "base", &[new_job("two", 2), new_job("one", 1)], 1)?;
            for job in jobs::by_stage(tx, run, "base")? {
                jobs::set_offer(tx, job.id, &lease(run, job.id, &job.source), InputsHash(hash(&job.source)))?;
            }
            Ok(run)
        })
        .unwrap();
    (state, run)
}

fn copy_dir(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn what_was_answered_is_there_after_a_crash_and_the_rest_is_not() {
    let (dir, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (state, run) = filled(dir.path());
    let (inside, copied) = std::sync::mpsc::channel();
    let crash_site = crashed.path().to_owned();
    let from = dir.path().to_owned();
    let half = state.write(move |tx| {
        runs::end(tx, run, runs::RunStatus::Failed, 5)?;
        // The disk as it is when the power goes in the middle of a change.
        copy_dir(&from, &crash_site);
        inside.send(()).unwrap();
        Ok(())
    });
    half.unwrap();
    copied.recv().unwrap();
    assert!(std::fs::metadata(crashed.path().join("state.db-wal")).unwrap().len() > 0);
    let after = State::open(crashed.path()).unwrap();
    let (status, jobs) =
        after.read(|db| Ok((runs::latest(db)?.unwrap().status, jobs::by_run(db, run)?.len()))).unwrap();
    assert_eq!((status, jobs), (runs::RunStatus::Active, 2));
}

#[test]
fn a_clean_close_leaves_no_log_and_the_state_opens_again() {
    let dir = tempfile::tempdir().unwrap();
    let (state, run) = filled(dir.path());
    assert_eq!(state.read(|db| jobs::by_run(db, run)).unwrap().len(), 2);
    let clone = state.clone();
    drop(state);
    drop(clone);
    assert!(!dir.path().join("state.db-wal").exists());
    let state = State::open(dir.path()).unwrap();
    assert_eq!(state.read(runs::unfinished).unwrap().unwrap().id, run);
}

#[test]
fn a_damaged_database_is_named_with_what_to_do() {
    let (dir, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(dir.path().join(FILE), "this is no database, however long it may be".repeat(100)).unwrap();
    let error = State::open(dir.path()).unwrap_err();
    assert!(matches!(&error, StateError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("\nhint: "), "{error}");

    let (state, run) = filled(crashed.path());
    drop(state);
    let path = crashed.path().join(FILE);
    let mut bytes = std::fs::read(&path).unwrap();
    let page = 4096;
    for byte in &mut bytes[page * 2..] {
        *byte = 0x5a;
    }
    std::fs::write(&path, bytes).unwrap();
    std::fs::write(crashed.path().join("state.db-wal"), "left by a crash").unwrap();
    let error = State::open(crashed.path()).unwrap_err();
    assert!(matches!(&error, StateError::Damaged { .. }), "{run} {error}");
}

#[test]
fn a_database_of_a_newer_program_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()));
    let connection = rusqlite::Connection::open(dir.path().join(FILE)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(matches!(State::open(dir.path()).unwrap_err(), StateError::Newer { found: 99, .. }));
    assert!(matches!(Reader::open(dir.path()).unwrap_err(), StateError::Newer { found: 99, .. }));
}

#[test]
fn a_change_that_fails_or_panics_undoes_itself_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (state, run) = filled(dir.path());
    let refused = state.write::<(), _>(move |tx| {
        runs::end(tx, run, runs::RunStatus::Failed, 5)?;
        Err(StateError::Refused { reason: "no".to_owned() })
    });
    assert!(matches!(refused, Err(StateError::Refused { .. })));
    let panicked = state.write::<(), _>(move |tx| {
        runs::end(tx, run, runs::RunStatus::Failed, 5)?;
        panic!("on purpose");
    });
    assert!(panicked.unwrap_err().to_string().contains("on purpose"));
    assert_eq!(state.read(runs::latest).unwrap().unwrap().status, runs::RunStatus::Active);
    state.write(move |tx| runs::end(tx, run, runs::RunStatus::Finished, 6)).unwrap();
    assert_eq!(state.read(runs::unfinished).unwrap(), None);
}

#[test]
fn a_full_disk_is_said_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (state, run) = filled(dir.path());
    let big = "x".repeat(3 << 20);
    let error = state
        .write(move |tx| {
            // SQLite's own limit on pages gives the very error of a full disk.
            let pages: i64 = tx.connection().pragma_query_value(None, "page_count", |row| row.get(0))?;
            tx.connection().query_row(&format!("PRAGMA max_page_count = {}", pages + 3), [], |_| Ok(()))?;
            runs::start(tx, &new_run(&big), 2)
        })
        .unwrap_err();
    assert!(matches!(&error, StateError::DiskFull { .. }), "{error}");
    assert!(error.to_string().contains("hint: free some space"), "{error}");
    assert_eq!(state.read(runs::latest).unwrap().unwrap().id, run);
    state.write(|tx| Ok(tx.connection().query_row("PRAGMA max_page_count = 1000000", [], |_| Ok(()))?)).unwrap();
    state.write(move |tx| runs::end(tx, run, runs::RunStatus::Finished, 3)).unwrap();
}

#[test]
fn a_change_inside_a_change_is_refused_instead_of_waiting_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let (state, _) = filled(dir.path());
    let again = state.clone();
    let inner = state.write(move |_| Ok(again.write(|_| Ok(())))).unwrap();
    assert!(matches!(inner, Err(StateError::Writer { .. })));
}

#[test]
fn many_writers_share_commits_and_each_gets_its_own_answer() {
    let dir = tempfile::tempdir().unwrap();
    let (state, run) = filled(dir.path());
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let state = state.clone();
            scope.spawn(move || {
                for call in 0..25_u32 {
                    let entry = journal::Entry {
                        call: thread * 100 + call,
                        primitive: "import".to_owned(),
                        arguments_hash: hash("arguments"),
                        response: serde_json::json!({"call": call}),
                        at: 1,
                    };
                    let number = entry.call;
                    let written = state.write(move |tx| journal::record(tx, run, &entry).map(|()| number)).unwrap();
                    assert_eq!(written, number);
                    assert!(state.read(|db| journal::lookup(db, run, number)).unwrap().is_some());
                }
            });
        }
    });
    let sql = "SELECT count(*) FROM journal";
    let rows = state.read(|db| Ok(db.connection().query_row(sql, [], |row| row.get::<_, i64>(0))?));
    assert_eq!(rows.unwrap(), 200);
}

#[test]
fn a_second_program_in_the_same_directory_is_told_who_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let lock = lock::StateLock::take(dir.path()).unwrap();
    let error = lock::StateLock::take(dir.path()).unwrap_err().to_string();
    assert!(error.contains(&format!("in use by process {}", std::process::id())), "{error}");
    assert!(error.contains("\nhint: "), "{error}");
    drop(lock);
    lock::StateLock::take(dir.path()).unwrap();
}

#[test]
fn a_directory_belongs_to_one_recipe() {
    let dir = tempfile::tempdir().unwrap();
    let state = State::open(dir.path()).unwrap();
    let path = dir.path().to_owned();
    let claim = |recipe: &str| {
        let identity = identity::Identity { name: "hello".to_owned(), path: recipe.to_owned() };
        let path = path.clone();
        state.write(move |tx| identity::claim(tx, &path, &identity))
    };
    claim("/recipes/hello.lua").unwrap();
    claim("/recipes/hello.lua").unwrap();
    let error = claim("/elsewhere/hello.lua").unwrap_err().to_string();
    assert!(error.contains("`/recipes/hello.lua`, not of `/elsewhere/hello.lua`\nhint: "), "{error}");
}

#[test]
fn a_looker_sees_what_another_handle_wrote_and_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Reader::open(dir.path()).unwrap_err(), StateError::Missing { .. }));
    let (state, run) = filled(dir.path());
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(reader.read(|db| jobs::by_run(db, run)).unwrap().len(), 2);
    assert!(reader.read(|db| Ok(db.connection().execute("DELETE FROM journal", [])?)).is_err());
    drop((state, reader));
}

/// A machine that runs programs of one architecture.
fn asker<'a>(builder: &'a str, can: &'a Abilities) -> Asker<'a> {
    Asker { builder, can, memory: 0 }
}

fn able(arch: &str) -> Abilities {
    Abilities { itself: vec![arch.to_owned()], emulated: Vec::new() }
}

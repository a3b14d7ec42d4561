//! The one thread that writes: a savepoint for each change, one commit for all that are queued, answers after it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{JoinHandle, ThreadId};
use std::time::Duration;

use rusqlite::Connection;

use super::db::Tx;
use super::error::StateError;
use super::reader::BUSY;
use super::{file, schema};
use crate::io::clock;

/// Changes are gathered into one commit for at most so long, and only while more of them are queued.
const GATHER: Duration = Duration::from_millis(5);

/// 3.51.3 corrected a bug that could damage a database with a write-ahead log.
const OLDEST_SQLITE: (i32, &str) = (3_051_003, "3.51.3");

/// Runs a change, or tells it why it cannot run; what it returns is called with the result of the commit.
type Change = Box<dyn FnOnce(Result<&Tx, StateError>) -> Answer + Send>;

/// What came of a change before the commit, and whom to tell after it.
struct Answer {
    undo: bool,
    tell: Box<dyn FnOnce(Result<(), StateError>) + Send>,
}

/// Handle of the thread.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    changes: Option<Sender<Change>>,
    thread: Option<JoinHandle<()>>,
    id: ThreadId,
}

impl Writer {
    /// Opens the database for writing and starts the thread.
    pub(super) fn open(dir: &Path) -> Result<Writer, StateError> {
        let path = file(dir);
        let connection = connect(dir, &path)?;
        let (changes, queue) = channel();
        let thread = std::thread::Builder::new()
            .name("state".to_owned())
            .spawn({
                let path = path.clone();
                move || run(Tx::new(connection), &queue, &path)
            })
            .map_err(|error| StateError::file(&path, error))?;
        let id = thread.thread().id();
        Ok(Writer { path, changes: Some(changes), thread: Some(thread), id })
    }

    /// See `State::write`.
    pub(super) fn write<T, F>(&self, change: F) -> Result<T, StateError>
    where
        T: Send + 'static,
        F: FnOnce(&Tx) -> Result<T, StateError> + Send + 'static,
    {
        if std::thread::current().id() == self.id {
            return Err(StateError::Writer { reason: "a change was asked for inside a change".to_owned() });
        }
        let (reply, answer) = sync_channel(1);
        let changes = self.changes.as_ref().expect("the queue is open until the writer is dropped");
        let gone = || StateError::Writer { reason: "its thread ended".to_owned() };
        changes.send(Box::new(move |tx| attempt(tx, change, reply))).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?.map_err(|error| error.at(&self.path))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.changes.take());
        // A change that holds the last handle drops it on the thread itself, which cannot wait for its own end.
        if let Some(thread) = self.thread.take()
            && std::thread::current().id() != self.id
        {
            // The thread catches every panic of a change, so there is nothing to learn from its result.
            drop(thread.join());
        }
    }
}

/// Runs one change and keeps its result until the commit.
fn attempt<T, F>(tx: Result<&Tx, StateError>, change: F, reply: SyncSender<Result<T, StateError>>) -> Answer
where
    T: Send + 'static,
    F: FnOnce(&Tx) -> Result<T, StateError> + Send + 'static,
{
    let result = tx.and_then(|tx| {
        catch_unwind(AssertUnwindSafe(|| change(tx))).unwrap_or_else(|panic| {
            Err(StateError::Writer { reason: format!("a change panicked: {}", words(&*panic)) })
        })
    });
    Answer {
        undo: result.is_err(),
        tell: Box::new(move |commit| {
            // Who asked may be gone; then nobody is left to be told.
            drop(reply.send(result.and_then(|value| commit.map(|()| value))));
        }),
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without words".to_owned())
}

/// The thread: commits until the last handle is gone.
fn run(tx: Tx, queue: &Receiver<Change>, path: &Path) {
    while let Ok(first) = queue.recv() {
        commit(&tx, first, queue);
    }
    let connection = tx.into_connection();
    // Both only save time at the next start: the database is whole without them.
    if let Err(error) = connection.execute_batch("PRAGMA optimize") {
        tracing::debug!(%error, path = %path.display(), "the state's statistics were not updated");
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, path = %path.display(), "the state was not closed cleanly");
    }
}

/// One commit of `first` and of what is queued behind it.
fn commit(tx: &Tx, first: Change, queue: &Receiver<Change>) {
    let connection = tx.connection();
    let began = clock::instant();
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        (first(Err(error.into())).tell)(Ok(()));
        return;
    }
    let mut answers = Vec::new();
    let mut trouble = None;
    let mut next = Some(first);
    while let Some(change) = next.take() {
        let (answer, result) = saved(tx, change);
        answers.push(answer);
        trouble = result.err();
        if trouble.is_none() && began.elapsed() < GATHER {
            next = queue.try_recv().ok();
        }
    }
    let result = match trouble {
        None => connection.execute_batch("COMMIT").map_err(StateError::from),
        Some(error) => Err(error),
    };
    if result.is_err() && !connection.is_autocommit() {
        // Nothing of this commit may stay; SQLite has said why it failed, so a second complaint adds nothing.
        drop(connection.execute_batch("ROLLBACK"));
    }
    for answer in answers {
        (answer.tell)(result.clone());
    }
}

/// One change between a savepoint and its release. An error says that the whole commit is lost: on a full disk SQLite
/// may undo everything since `BEGIN`, the changes that went well included.
fn saved(tx: &Tx, change: Change) -> (Answer, Result<(), StateError>) {
    let connection = tx.connection();
    if let Err(error) = connection.execute_batch("SAVEPOINT change") {
        let error = StateError::from(error);
        return (change(Err(error.clone())), Err(error));
    }
    let answer = change(Ok(tx));
    if connection.is_autocommit() {
        let reason = "a change that shared its commit failed, and SQLite undid them all".to_owned();
        return (answer, Err(StateError::Writer { reason }));
    }
    let end = if answer.undo { "ROLLBACK TO change; RELEASE change" } else { "RELEASE change" };
    let result = connection.execute_batch(end).map_err(StateError::from);
    (answer, result)
}

/// Opens the database, sets it up for this program, checks it after a crash, and updates its schema.
fn connect(dir: &Path, path: &Path) -> Result<Connection, StateError> {
    let (number, text) = OLDEST_SQLITE;
    if rusqlite::version_number() < number {
        return Err(StateError::SqliteTooOld { expected: text, found: rusqlite::version() });
    }
    std::fs::create_dir_all(dir).map_err(|error| StateError::file(dir, error))?;
    let crashed = left_open(path);
    let at = |error: rusqlite::Error| StateError::from(error).at(path);
    let mut connection = Connection::open(path).map_err(at)?;
    connection.busy_timeout(BUSY).map_err(at)?;
    // A commit is on the disk when it returns, so an answer that was given is never taken back. The log is cut down
    // after a checkpoint, or one large import would keep it large.
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF;
             PRAGMA journal_size_limit = 67108864;",
        )
        .map_err(at)?;
    if crashed {
        check(&connection, path)?;
    }
    schema::update(&mut connection, path)?;
    Ok(connection)
}

/// A clean close removes the write-ahead log, so one that holds something was left by a crash.
fn left_open(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|found| found.len() > 0)
}

/// SQLite's own check of the file's structure.
fn check(connection: &Connection, path: &Path) -> Result<(), StateError> {
    let found: Result<String, rusqlite::Error> = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    match found {
        Ok(text) if text == "ok" => Ok(()),
        Ok(problem) => Err(StateError::Damaged { path: path.to_owned(), problem }),
        Err(error) => Err(StateError::from(error).at(path)),
    }
}

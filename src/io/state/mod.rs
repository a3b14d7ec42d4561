//! State that survives: one SQLite database in the state directory, one file per table.
//!
//! **Invariant:** SQL is written here and nowhere else, out in full; no decision is made here but the legal moves of
//! `core::job`, and no clock is read: times come in as milliseconds since 1970.

#![expect(clippy::disallowed_types, reason = "all SQL is in this room")]

pub mod adopted;
pub mod artifacts;
pub mod attempts;
pub mod backup;
pub mod builder_health;
pub mod builders;
mod columns;
mod db;
pub mod durations;
mod error;
pub mod events;
pub mod facts;
pub mod flags;
pub mod generations;
pub mod hook_answers;
pub mod identity;
pub mod imports;
pub mod jobs;
pub mod journal;
pub mod lock;
pub mod memory;
pub mod pause;
pub mod measured;
mod reader;
pub mod runs;
mod schema;
pub mod superseded;
pub mod verified;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::db::{Db, Tx};
pub use self::error::StateError;
pub use self::reader::Reader;

use self::writer::Writer;

/// File name of the database in the state directory.
pub const FILE: &str = "state.db";

/// The state of one directory, open for writing; clones share it. Take [`lock::StateLock`] first.
#[derive(Debug, Clone)]
pub struct State {
    shared: Arc<Shared>,
}

/// Dropped in this order: the writer closes last, so that a clean close leaves no write-ahead log behind.
#[derive(Debug)]
struct Shared {
    reader: Reader,
    writer: Writer,
}

impl State {
    /// Opens the database in `dir`, making it or bringing its schema up to date. After a crash its structure is checked.
    pub fn open(dir: &Path) -> Result<State, StateError> {
        let writer = Writer::open(dir)?;
        let reader = Reader::unchecked(dir);
        Ok(State { shared: Arc::new(Shared { reader, writer }) })
    }

    /// Changes the state; blocks until the change is on disk. What `change` did is undone when it returns an error.
    ///
    /// Closures run one after another on one thread, in the order of their calls; several may share a commit. Calling
    /// this inside `change` would wait for ever, so it is refused.
    pub fn write<T, F>(&self, change: F) -> Result<T, StateError>
    where
        T: Send + 'static,
        F: FnOnce(&Tx) -> Result<T, StateError> + Send + 'static,
    {
        self.shared.writer.write(change)
    }

    /// Reads one consistent state, beside whatever is being written.
    pub fn read<T>(&self, look: impl FnOnce(&Db) -> Result<T, StateError>) -> Result<T, StateError> {
        self.shared.reader.read(look)
    }

    /// The directory that this is the state of.
    pub fn dir(&self) -> &Path {
        self.shared.reader.dir()
    }
}

/// The database's path in a state directory.
fn file(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

#[cfg(test)]
mod tests;

//! What can go wrong with the state.

use std::path::PathBuf;
use std::sync::Arc;

use crate::core::ids::{IdError, JobId};
use crate::core::job::IllegalMove;

/// SQLite's `SQLITE_IOERR_SHMSIZE`: the file of a write-ahead log's shared memory cannot grow.
const SHARED_MEMORY_SIZE: i32 = 10 | (19 << 8);

/// What went wrong with the state of a run.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StateError {
    /// The disk is full; what was being written was undone.
    #[error(
        "no space left for `{path}`: the change was undone\n\
         hint: free some space there and start the recipe again, it goes on where it was"
    )]
    DiskFull {
        /// The database.
        path: PathBuf,
    },
    /// There is no state in the directory.
    #[error(
        "expected a state directory, found no `{path}`\nhint: run the recipe first, or name its directory with `--state DIR`"
    )]
    Missing {
        /// The database that was looked for.
        path: PathBuf,
    },
    /// The file is no database, or a broken one.
    #[error(
        "`{path}` is damaged: {problem}\n\
         hint: move the state directory away and start the recipe again; keep it if you want to rescue logs and built files"
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What the check found.
        problem: String,
    },
    /// A newer program wrote the database.
    #[error(
        "`{path}` was written by a newer cloudbuild: it has schema {found}, this program knows up to {known}\n\
         hint: use the newer program"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema number.
        found: i64,
        /// The newest schema number that this program knows.
        known: i64,
    },
    /// An older program wrote the database, and it was opened only to look.
    #[error(
        "`{path}` was written by an older cloudbuild: it has schema {found}, this program needs {known}\n\
         hint: start the recipe once with this program, which brings it up to date"
    )]
    Older {
        /// The database.
        path: PathBuf,
        /// Its schema number.
        found: i64,
        /// The schema number that this program needs.
        known: i64,
    },
    /// The SQLite library is too old to be trusted with a write-ahead log.
    #[error("expected SQLite {expected} or newer, this program was built with {found}")]
    SqliteTooOld {
        /// What is needed.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// Another program works in the directory.
    #[error(
        "`{dir}` is in use by {holder}\n\
         hint: wait until that run ends, or stop it with Ctrl-C or `kill`; `--state DIR` names another directory"
    )]
    Locked {
        /// The state directory.
        dir: PathBuf,
        /// `process 123`, or `another process`.
        holder: String,
    },
    /// The directory is another recipe's.
    #[error(
        "`{dir}` is the state of the recipe `{owner}`, not of `{asked}`\n\
         hint: name another directory with `--state DIR`"
    )]
    OtherRecipe {
        /// The state directory.
        dir: PathBuf,
        /// The recipe that it belongs to.
        owner: String,
        /// The recipe that was started.
        asked: String,
    },
    /// A row that should be there is not.
    #[error("there is no {what} `{id}` in the state")]
    NoRow {
        /// `job`, `run`.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// A row that must be written once is there already with other content.
    #[error("{what} `{id}` was written before with other content")]
    Rewritten {
        /// `call`, `attempt`.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// Something happened to a job that cannot happen to it.
    #[error("job `{job}`: {source}")]
    Illegal {
        /// The job.
        job: JobId,
        /// The move.
        source: IllegalMove,
    },
    /// The caller's own refusal: what it did is undone.
    #[error("{reason}")]
    Refused {
        /// In words.
        reason: String,
    },
    /// A directory or file beside the database could not be used.
    #[error(
        "cannot use `{path}`: {source}\nhint: name another directory with `--state DIR`, or make this one writable"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: Arc<std::io::Error>,
    },
    /// The writer is gone: the state was closed, a change panicked in a way that it could not survive, or a change was
    /// asked for inside a change.
    #[error("the state cannot be written: {reason}")]
    Writer {
        /// In words.
        reason: String,
    },
    /// Anything else that SQLite says.
    #[error(
        "the state database says: {source}\n\
         hint: see whether the disk of the state directory is in order, and start again; what was recorded is kept"
    )]
    Sqlite {
        /// Its words.
        source: Arc<rusqlite::Error>,
    },
}

impl StateError {
    /// An error about a file beside the database; a full disk is told as such.
    pub(super) fn file(path: &std::path::Path, source: std::io::Error) -> StateError {
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                StateError::DiskFull { path: path.to_owned() }
            }
            _ => StateError::File { path: path.to_owned(), source: Arc::new(source) },
        }
    }

    /// Tells the kinds of SQLite's errors apart that a person can do something about.
    pub(super) fn at(self, path: &std::path::Path) -> StateError {
        let StateError::Sqlite { source } = &self else { return self };
        match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => StateError::DiskFull { path: path.to_owned() },
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                StateError::Damaged { path: path.to_owned(), problem: source.to_string() }
            }
            Some(
                rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::PermissionDenied,
            ) => StateError::File {
                path: path.to_owned(),
                source: Arc::new(std::io::Error::new(std::io::ErrorKind::PermissionDenied, source.to_string())),
            },
            // The memory that readers and writer share is a file, too, and grows when it is used first.
            Some(rusqlite::ErrorCode::SystemIoFailure)
                if source.sqlite_error().is_some_and(|error| error.extended_code == SHARED_MEMORY_SIZE) =>
            {
                StateError::DiskFull { path: path.to_owned() }
            }
            Some(_) | None => self,
        }
    }
}

impl From<rusqlite::Error> for StateError {
    fn from(source: rusqlite::Error) -> Self {
        StateError::Sqlite { source: Arc::new(source) }
    }
}

impl From<IdError> for StateError {
    fn from(source: IdError) -> Self {
        StateError::Refused { reason: source.to_string() }
    }
}

//! Read-only connections beside the writer, a few kept open.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::db::Db;
use super::error::StateError;
use super::{file, schema};

/// How many idle connections are kept.
const KEPT: usize = 4;

/// How long a connection waits for a lock that another process holds.
pub(super) const BUSY: Duration = Duration::from_secs(10);

/// Looks at the state of a directory without being able to change it; another process may be writing.
#[derive(Debug)]
pub struct Reader {
    dir: PathBuf,
    idle: Mutex<Vec<Db>>,
}

impl Reader {
    /// Looks at the state in `dir`, which must be there and have this program's schema.
    pub fn open(dir: &Path) -> Result<Reader, StateError> {
        let path = file(dir);
        if !path.is_file() {
            return Err(StateError::Missing { path });
        }
        let reader = Reader::unchecked(dir);
        let found = reader.read(|db| Ok(schema::of(db.connection())?))?;
        let known = schema::newest();
        match found.cmp(&known) {
            std::cmp::Ordering::Less => Err(StateError::Older { path, found, known }),
            std::cmp::Ordering::Greater => Err(StateError::Newer { path, found, known }),
            std::cmp::Ordering::Equal => Ok(reader),
        }
    }

    /// For a database that was just opened for writing.
    pub(super) fn unchecked(dir: &Path) -> Reader {
        Reader { dir: dir.to_owned(), idle: Mutex::new(Vec::new()) }
    }

    /// Reads one consistent state.
    pub fn read<T>(&self, look: impl FnOnce(&Db) -> Result<T, StateError>) -> Result<T, StateError> {
        let path = file(&self.dir);
        let result = self.connect().and_then(|db| {
            db.connection().execute_batch("BEGIN")?;
            let result = look(&db);
            db.connection().execute_batch("COMMIT")?;
            self.keep(db);
            result
        });
        result.map_err(|error| error.at(&path))
    }

    /// The directory that this looks at.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn connect(&self) -> Result<Db, StateError> {
        if let Some(db) = self.idle.lock().expect("no code panics while it holds this lock").pop() {
            return Ok(db);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file(&self.dir), flags)?;
        connection.busy_timeout(BUSY)?;
        Ok(Db::new(connection))
    }

    fn keep(&self, db: Db) {
        let mut idle = self.idle.lock().expect("no code panics while it holds this lock");
        if idle.len() < KEPT {
            idle.push(db);
        }
    }
}

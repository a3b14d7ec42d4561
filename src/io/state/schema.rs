//! The schema, in numbered steps: a step that was released is never changed, a new one is added after it.

use std::path::Path;

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use super::error::StateError;

const STEPS: &[M<'static>] = &[
    M::up(include_str!("schema/0001.sql")),
    M::up(include_str!("schema/0002.sql")),
    M::up(include_str!("schema/0003.sql")),
    M::up(include_str!("schema/0004.sql")),
    M::up(include_str!("schema/0005.sql")),
    M::up(include_str!("schema/0006.sql")),
    M::up(include_str!("schema/0007.sql")),
    M::up(include_str!("schema/0008.sql")),
    M::up(include_str!("schema/0010.sql")),
    M::up(include_str!("schema/0011.sql")),
    M::up(include_str!("schema/0012.sql")),
    M::up(include_str!("schema/0015.sql")),
    M::up(include_str!("schema/0018.sql")),
    M::up(include_str!("schema/0020.sql")),
    M::up(include_str!("schema/0021.sql")),
    M::up(include_str!("schema/0016.sql")),
];

/// The schema number of a database that is up to date.
pub(super) fn newest() -> i64 {
    i64::try_from(STEPS.len()).expect("there are few steps")
}

/// The schema number that a database has.
pub(super) fn of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings a database up to date.
pub(super) fn update(connection: &mut Connection, path: &Path) -> Result<(), StateError> {
    let found = of(connection).map_err(|error| StateError::from(error).at(path))?;
    if found > newest() {
        return Err(StateError::Newer { path: path.to_owned(), found, known: newest() });
    }
    Migrations::from_slice(STEPS).to_latest(connection).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => StateError::from(err).at(path),
        other => StateError::Damaged { path: path.to_owned(), problem: other.to_string() },
    })
}

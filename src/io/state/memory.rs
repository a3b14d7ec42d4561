//! A state in memory, for simulations: the same schema and the same changes, on one connection and without a thread.

use rusqlite::Connection;

use super::db::{Db, Tx};
use super::error::StateError;
use super::schema;

/// A database that nobody else sees and that ends with this value.
#[derive(Debug)]
pub struct Memory {
    tx: Tx,
}

impl Memory {
    /// An empty one, with the newest schema.
    pub fn new() -> Result<Memory, StateError> {
        let mut connection = Connection::open_in_memory()?;
        connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;")?;
        schema::update(&mut connection, std::path::Path::new(":memory:"))?;
        Ok(Memory { tx: Tx::new(connection) })
    }

    /// Changes the state; what `change` did is undone when it returns an error.
    pub fn write<T>(&self, change: impl FnOnce(&Tx) -> Result<T, StateError>) -> Result<T, StateError> {
        self.tx.connection().execute_batch("BEGIN")?;
        let result = change(&self.tx);
        self.tx.connection().execute_batch(if result.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        result
    }

    /// Reads the state.
    pub fn read<T>(&self, look: impl FnOnce(&Db) -> Result<T, StateError>) -> Result<T, StateError> {
        look(&self.tx)
    }
}

//! The two handles that table functions take, so that no other room sees SQLite.

use std::ops::Deref;

use rusqlite::Connection;

/// A database that can be read.
#[derive(Debug)]
pub struct Db {
    connection: Connection,
}

/// A change that is being made; reads see what it wrote so far.
#[derive(Debug)]
pub struct Tx {
    db: Db,
}

impl Db {
    pub(super) fn new(connection: Connection) -> Db {
        Db { connection }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl Tx {
    pub(super) fn new(connection: Connection) -> Tx {
        Tx { db: Db::new(connection) }
    }

    pub(super) fn into_connection(self) -> Connection {
        self.db.connection
    }
}

impl Deref for Tx {
    type Target = Db;
    fn deref(&self) -> &Db {
        &self.db
    }
}

//! Which recipe a state directory belongs to.

use rusqlite::OptionalExtension;

use super::db::{Db, Tx};
use super::error::StateError;

/// The recipe that a state directory is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The recipe's name: its file stem.
    pub name: String,
    /// Its absolute path.
    pub path: String,
}

/// Whose directory this is, if it is anybody's yet.
pub fn get(db: &Db) -> Result<Option<Identity>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT name, path FROM identity WHERE only = 1")?;
    Ok(query.query_row([], |row| Ok(Identity { name: row.get("name")?, path: row.get("path")? })).optional()?)
}

/// Makes the directory this recipe's; an error when it is another's. `dir` is only for the message.
pub fn claim(tx: &Tx, dir: &std::path::Path, recipe: &Identity) -> Result<(), StateError> {
    match get(tx)? {
        Some(owner) if owner.path == recipe.path => Ok(()),
        Some(owner) => {
            Err(StateError::OtherRecipe { dir: dir.to_owned(), owner: owner.path, asked: recipe.path.clone() })
        }
        None => {
            tx.connection()
                .prepare_cached("INSERT INTO identity (only, name, path) VALUES (1, ?1, ?2)")?
                .execute((&recipe.name, &recipe.path))?;
            Ok(())
        }
    }
}

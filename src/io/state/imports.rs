//! What imports pinned.

use rusqlite::OptionalExtension;

use super::columns::{json, to_json};
use super::db::{Db, Tx};
use super::error::StateError;
use crate::core::ids::ImportId;
use crate::core::pinned::Imported;

/// Keeps what an import pinned, under its own id; the newest notes stay.
pub fn insert(tx: &Tx, imported: &Imported) -> Result<ImportId, StateError> {
    let id = imported.id();
    tx.connection()
        .prepare_cached(
            "INSERT INTO imports (id, json) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET json = excluded.json",
        )?
        .execute((id.to_string(), to_json(imported)))?;
    Ok(id)
}

/// What an import pinned.
pub fn get(db: &Db, id: ImportId) -> Result<Option<Imported>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT json FROM imports WHERE id = ?1")?;
    Ok(query.query_row([id.to_string()], |row| json(row, "json")).optional()?)
}

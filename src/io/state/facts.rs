//! What indexes say of package files besides their SHA-256, read once.

use rusqlite::OptionalExtension;

use super::columns::{signed, unsigned};
use super::db::{Db, Tx};
use super::error::StateError;
use crate::core::ids::Sha256;

/// What is known of a package file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Size in bytes.
    pub size: u64,
    /// 32 hexadecimal digits.
    pub md5: String,
    /// 40 hexadecimal digits.
    pub sha1: String,
    /// The paths that it installs, one a line; empty for what is no package.
    pub files: String,
}

/// Writes down what was read of a file; the same file says the same every time.
pub fn insert(tx: &Tx, sha256: Sha256, facts: &Facts) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached("INSERT OR IGNORE INTO facts (sha256, size, md5, sha1, files) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((sha256.to_string(), signed(facts.size), &facts.md5, &facts.sha1, &facts.files))?;
    Ok(())
}

/// What is known of a file.
pub fn get(db: &Db, sha256: Sha256) -> Result<Option<Facts>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT size, md5, sha1, files FROM facts WHERE sha256 = ?1")?;
    let facts = query.query_row([sha256.to_string()], |row| {
        Ok(Facts {
            size: unsigned(row, "size")?,
            md5: row.get("md5")?,
            sha1: row.get("sha1")?,
            files: row.get("files")?,
        })
    });
    Ok(facts.optional()?)
}

/// Writes down that a package got its variant.
pub fn set_stamped(tx: &Tx, built: Sha256, variant: &str, stamped: Sha256) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached("INSERT OR REPLACE INTO stamped (sha256, variant, stamped) VALUES (?1, ?2, ?3)")?
        .execute((built.to_string(), variant, stamped.to_string()))?;
    Ok(())
}

/// The file that a package became when it got its variant.
pub fn stamped(db: &Db, built: Sha256, variant: &str) -> Result<Option<Sha256>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT stamped FROM stamped WHERE sha256 = ?1 AND variant = ?2")?;
    let found = query.query_row((built.to_string(), variant), |row| super::columns::text(row, "stamped"));
    Ok(found.optional()?)
}

//! Files that jobs made; their bytes are in the store under their hash.

use std::fmt;
use std::str::FromStr;

use rusqlite::{OptionalExtension, Row};
use serde::{Deserialize, Serialize};

use super::columns::{signed, text, unsigned};
use super::db::{Db, Tx};
use super::error::StateError;
use crate::core::ids::{IdError, JobId, RunId, Sha256};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArtifactKind {
    /// The `.changes` that lists the others.
    Changes,
    /// What was installed when it was built.
    Buildinfo,
    /// A source package's `.dsc`.
    Dsc,
    /// A binary package.
    Deb,
    /// A binary package of the installer.
    Udeb,
    /// A binary package of debug symbols, by the extension that some distributions give it.
    Ddeb,
    /// Anything else.
    Other,
}

impl ArtifactKind {
    /// Every kind.
    pub const ALL: [ArtifactKind; 7] = [
        ArtifactKind::Changes,
        ArtifactKind::Buildinfo,
        ArtifactKind::Dsc,
        ArtifactKind::Deb,
        ArtifactKind::Udeb,
        ArtifactKind::Ddeb,
        ArtifactKind::Other,
    ];

    /// The one text form, which is also the file name's extension.
    pub fn text(self) -> &'static str {
        match self {
            ArtifactKind::Changes => "changes",
            ArtifactKind::Buildinfo => "buildinfo",
            ArtifactKind::Dsc => "dsc",
            ArtifactKind::Deb => "deb",
            ArtifactKind::Udeb => "udeb",
            ArtifactKind::Ddeb => "ddeb",
            ArtifactKind::Other => "other",
        }
    }

    /// The kind of a file by its name.
    pub fn of_name(name: &str) -> ArtifactKind {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        ArtifactKind::ALL.into_iter().find(|kind| kind.text() == extension).unwrap_or(ArtifactKind::Other)
    }

    /// Whether it is a package with a control paragraph.
    pub fn is_package(self) -> bool {
        match self {
            ArtifactKind::Deb | ArtifactKind::Udeb | ArtifactKind::Ddeb => true,
            ArtifactKind::Changes | ArtifactKind::Buildinfo | ArtifactKind::Dsc | ArtifactKind::Other => false,
        }
    }
}

impl fmt::Display for ArtifactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

impl FromStr for ArtifactKind {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        ArtifactKind::ALL
            .into_iter()
            .find(|kind| kind.text() == text)
            .ok_or_else(|| IdError { expected: "a kind of file such as `deb`", got: text.to_owned() })
    }
}

/// One file that a job made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// Base name.
    pub name: String,
    /// What it is.
    pub kind: ArtifactKind,
    /// Hash of its bytes.
    pub sha256: Sha256,
    /// Size in bytes.
    pub size: u64,
    /// Binary package name, for a package.
    pub package: Option<String>,
    /// Its version, with epoch, for a package.
    pub version: Option<String>,
    /// Its architecture, for a package.
    pub architecture: Option<String>,
    /// The source package it says it is of, for a package.
    pub source: Option<String>,
    /// Its control paragraph, for a package.
    pub control: Option<String>,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Artifact> {
    Ok(Artifact {
        name: row.get("name")?,
        kind: text(row, "kind")?,
        sha256: text(row, "sha256")?,
        size: unsigned(row, "size")?,
        package: row.get("package")?,
        version: row.get("version")?,
        architecture: row.get("architecture")?,
        source: row.get("source")?,
        control: row.get("control")?,
    })
}

/// Writes down what a job made.
pub fn insert(tx: &Tx, job: JobId, artifacts: &[Artifact]) -> Result<(), StateError> {
    let mut insert = tx.connection().prepare_cached(
        "INSERT INTO artifacts (job, name, kind, sha256, size, package, version, architecture, source, control)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for artifact in artifacts {
        insert.execute((
            job.0,
            &artifact.name,
            artifact.kind.text(),
            artifact.sha256.to_string(),
            signed(artifact.size),
            &artifact.package,
            &artifact.version,
            &artifact.architecture,
            &artifact.source,
            &artifact.control,
        ))?;
    }
    Ok(())
}

/// Gives `to` everything that `from` made, for a result that is taken again.
pub fn copy(tx: &Tx, from: JobId, to: JobId) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached(
            "INSERT INTO artifacts (job, name, kind, sha256, size, package, version, architecture, source, control)
             SELECT ?2, name, kind, sha256, size, package, version, architecture, source, control
             FROM artifacts WHERE job = ?1",
        )?
        .execute((from.0, to.0))?;
    Ok(())
}

/// What a job made, by name.
pub fn by_job(db: &Db, job: JobId) -> Result<Vec<Artifact>, StateError> {
    let mut query = db.connection().prepare_cached("SELECT * FROM artifacts WHERE job = ?1 ORDER BY name")?;
    Ok(query.query_map([job.0], from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// What the installed jobs of a stage made, in the jobs' order, by name within a job.
pub fn by_stage(db: &Db, run: RunId, stage: &str) -> Result<Vec<(JobId, Artifact)>, StateError> {
    let mut query = db.connection().prepare_cached(
        "SELECT artifacts.* FROM artifacts JOIN jobs ON jobs.id = artifacts.job
         WHERE jobs.run = ?1 AND jobs.stage = ?2 AND jobs.state = 'installed'
         ORDER BY jobs.position, jobs.id, artifacts.name",
    )?;
    let rows = query.query_map((run.0, stage), |row| Ok((JobId(row.get("job")?), from_row(row)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The jobs that made a file with this hash, each with its source package.
pub fn made_by(db: &Db, sha256: Sha256) -> Result<Vec<(JobId, String)>, StateError> {
    let mut query = db.connection().prepare_cached(
        "SELECT jobs.id, jobs.source FROM artifacts JOIN jobs ON jobs.id = artifacts.job
         WHERE artifacts.sha256 = ?1 ORDER BY jobs.id DESC",
    )?;
    let rows = query.query_map([sha256.to_string()], |row| Ok((JobId(row.get("id")?), row.get("source")?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A file of these that another installed job of the stage has under the same name with other bytes, and that job's
/// source package.
pub fn clash(db: &Db, (run, stage): (RunId, &str), made: &[Artifact]) -> Result<Option<(String, String)>, StateError> {
    let mut query = db.connection().prepare_cached(
        "SELECT artifacts.name, jobs.source FROM artifacts JOIN jobs ON jobs.id = artifacts.job
         WHERE artifacts.name = ?3 AND artifacts.sha256 <> ?4
               AND jobs.run = ?1 AND jobs.stage = ?2 AND jobs.state = 'installed' LIMIT 1",
    )?;
    for artifact in made.iter().filter(|artifact| artifact.kind.is_package() || artifact.kind == ArtifactKind::Other) {
        let with = (run.0, stage, &artifact.name, artifact.sha256.to_string());
        if let Some(found) = query.query_row(with, |row| Ok((row.get("name")?, row.get("source")?))).optional()? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Whether any job made a file with this hash.
pub fn is_known(db: &Db, sha256: Sha256) -> Result<bool, StateError> {
    let mut query = db.connection().prepare_cached("SELECT 1 FROM artifacts WHERE sha256 = ?1 LIMIT 1")?;
    Ok(query.exists([sha256.to_string()])?)
}

//! Are the files that a builder sent what its job should make? Looked at in a process of its own, with limits on memory,
//! time and files, since whoever made them may have wanted to hurt: the program runs itself once more, which reads a
//! [`Question`] and prints an [`Answer`].
//!
//! **Invariant:** nothing is unpacked to disk, and the process that looks cannot write to any file.

mod child;
mod look;
mod package;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::child::{ask, serve};
pub use self::look::{confirm, look};

use crate::core::ids::Sha256;
use crate::core::job::Fault;
use crate::io::state::artifacts::Artifact;
use crate::wire::File;

/// What a job should make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Source package name.
    pub source: String,
    /// Its version.
    pub version: String,
    /// The version that has to come of it: that of the source, or with what the recipe appends.
    pub built_version: String,
    /// A Debian architecture, or `all`.
    pub arch: String,
}

/// What the process that looks is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Where the files are.
    pub dir: PathBuf,
    /// What the builder says it made.
    pub files: Vec<File>,
    /// What it should have made.
    pub wanted: Wanted,
    /// The `.dsc` that the job was leased with.
    pub dsc: PathBuf,
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    /// They are what the job should make.
    Good {
        /// What they are.
        artifacts: Vec<Artifact>,
    },
    /// They are not.
    Bad {
        /// What is wrong.
        upload: BadUpload,
    },
}

/// What is wrong with an upload, and whose fault that is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{reason}")]
#[serde(deny_unknown_fields)]
pub struct BadUpload {
    /// A broken transfer is infrastructure's fault; whose it is that the contents are wrong, nobody can say.
    pub fault: Fault,
    /// In words.
    pub reason: String,
}

impl BadUpload {
    /// The transfer is at fault: trying again may help.
    fn transfer(reason: String) -> BadUpload {
        BadUpload { fault: Fault::Infrastructure, reason }
    }

    /// The contents are not what the job should make.
    fn contents(reason: String) -> BadUpload {
        BadUpload { fault: Fault::Unknown, reason }
    }
}

/// Whether a file name is one that Debian files have; it says nothing about what is in the file.
pub fn is_file_name(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || b".+-_~:%".contains(&byte);
    first && name.len() <= 255 && name.bytes().all(rest)
}

/// Whether a received file has the size and hash that its builder says; in words what it has instead.
fn whole(dir: &Path, file: &File) -> Result<(), String> {
    let path = dir.join(&file.name);
    let name = &file.name;
    let metadata = fs::symlink_metadata(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("`{name}` was declared and never sent"),
        _ => format!("`{name}` cannot be read: {error}"),
    })?;
    if !metadata.is_file() || metadata.len() != file.size {
        return Err(format!("`{name}`: expected {} bytes, got {}", file.size, metadata.len()));
    }
    let sha256 = hash(&path).map_err(|error| format!("`{name}` cannot be read: {error}"))?;
    if sha256 != file.sha256 {
        return Err(format!("`{name}`: expected SHA-256 `{}`, got `{sha256}`", file.sha256));
    }
    Ok(())
}

fn hash(path: &Path) -> io::Result<Sha256> {
    use sha2::Digest;
    let (mut file, mut hasher, mut piece) = (fs::File::open(path)?, sha2::Sha256::new(), vec![0; 256 << 10]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(Sha256(hasher.finalize().into())),
            length => hasher.update(&piece[..length]),
        }
    }
}

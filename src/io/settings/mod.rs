//! Settings as they are found: the files, the environment, and for whom.
//!
//! **Invariant:** reads only; what the values mean is decided in `core::settings`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::core::settings::{self, Merged, PREFIX, Person, SettingsError};
use crate::io::host::cache;

#[cfg(test)]
mod tests;

/// The file for everyone on a machine.
const MACHINE_FILE: &str = "/etc/cloudbuild/config.toml";

/// The file of a working directory.
const FOLDER_FILE: &str = "cloudbuild.toml";

/// The variable that says what is logged.
const LOG_VARIABLE: &str = "CLOUDBUILD_LOG";

/// Settings that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file is there but cannot be read.
    #[error("cannot read the settings file `{path}`: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no working directory.
    #[error("cannot tell the working directory: {0}\nhint: change to a directory that exists")]
    NoFolder(#[source] std::io::Error),
    /// A variable of ours is no UTF-8.
    #[error("`{0}`: expected UTF-8 text, got other bytes")]
    NotText(String),
    /// What was read is wrong.
    #[error(transparent)]
    Wrong(#[from] SettingsError),
}

/// What the process was started with, as far as settings depend on it.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Whose settings.
    pub person: Person,
    /// The working directory.
    pub folder: PathBuf,
    /// The settings files, the weakest first; those that are not there are skipped.
    pub files: Vec<PathBuf>,
    /// Our environment variables, sorted by name.
    pub variables: Vec<(String, String)>,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Result<Surroundings, ReadError> {
        let folder = std::env::current_dir().map_err(ReadError::NoFolder)?;
        let root = rustix::process::geteuid().is_root();
        Surroundings::new(std::env::vars_os(), folder, root)
    }

    /// Those that follow from an environment, a working directory and whether root is at work.
    pub fn new(
        environment: impl Iterator<Item = (OsString, OsString)>,
        folder: PathBuf,
        root: bool,
    ) -> Result<Surroundings, ReadError> {
        let mut variables = Vec::new();
        for (name, value) in environment {
            let Ok(name) = name.into_string() else { continue };
            if name.starts_with(PREFIX) {
                let value = value.into_string().map_err(|_| ReadError::NotText(name.clone()))?;
                variables.push((name, value));
            }
        }
        variables.sort();
        // A service manager may start us without HOME; then there is no user's file.
        let xdg = etcetera::base_strategy::Xdg::new().ok();
        let mut files = vec![PathBuf::from(MACHINE_FILE)];
        files.extend(xdg.as_ref().map(|xdg| xdg.config_dir().join("cloudbuild/config.toml")));
        files.push(folder.join(FOLDER_FILE));
        let person = Person {
            root,
            home: xdg.as_ref().map(|xdg| xdg.home_dir().to_owned()),
            cache_home: xdg.as_ref().map(|xdg| match root {
                true => xdg.cache_dir(),
                false => cache::home(xdg.cache_dir(), rustix::process::geteuid().as_raw()),
            }),
        };
        Ok(Surroundings { person, folder, files, variables })
    }

    /// The log filter that the environment asks for.
    pub fn log_filter(&self) -> Option<&str> {
        let found = self.variables.iter().find(|(name, _)| name == LOG_VARIABLE);
        found.map(|(_, filter)| filter.as_str())
    }
}

/// Reads files and environment, and lays the flags over them: key name, flag, text.
pub fn read<'a>(
    surroundings: &Surroundings,
    flags: impl IntoIterator<Item = (&'static str, &'static str, &'a str)>,
) -> Result<Merged, ReadError> {
    let Surroundings { person, folder, files, variables } = surroundings;
    let mut layers = Vec::new();
    for path in files {
        if let Some(text) = read_if_there(path)? {
            layers.push(settings::file::read(path, &text, person)?);
        }
    }
    let variables = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    layers.push(settings::read_environment(variables, folder, person)?);
    layers.push(settings::read_flags(flags, folder, person)?);
    Ok(settings::merge(person, layers)?)
}

/// The text of a file; `None` when there is none.
fn read_if_there(path: &Path) -> Result<Option<String>, ReadError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(source) => Err(ReadError::Unreadable { path: path.to_owned(), source }),
    }
}

/// The state directories (`NAME.cloudbuild`) in a folder, sorted.
pub fn state_directories(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "cloudbuild") && path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

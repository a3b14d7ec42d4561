//! `control.json`: where a control point is and the token that opens it, for its owner alone.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ClientError;

/// File name in the state directory.
pub const FILE: &str = "control.json";

/// A bearer token; formatting it shows nothing of it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// A token that was made or read.
    pub fn new(secret: String) -> Token {
        Token(secret)
    }

    /// The secret itself; not for logs.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// What `control.json` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlFile {
    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub url: String,
    /// Opens everything under `/v1`.
    pub token: Token,
}

impl ControlFile {
    /// Where the file is in a state directory.
    pub fn path(state_dir: &Path) -> PathBuf {
        state_dir.join(FILE)
    }

    /// Reads the file.
    pub fn read(path: &Path) -> Result<ControlFile, ClientError> {
        let bytes = std::fs::read(path).map_err(|source| ClientError::File { path: path.to_owned(), source })?;
        serde_json::from_slice(&bytes).map_err(|source| ClientError::ControlFile { path: path.to_owned(), source })
    }

    /// Writes the file, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), ClientError> {
        let json = serde_json::to_vec(self).expect("plain data always becomes JSON");
        let dir = path.parent().unwrap_or(Path::new("."));
        // A temporary file is made with mode 0600, and keeps it.
        tempfile::NamedTempFile::new_in(dir)
            .and_then(|mut file| {
                file.write_all(&json)?;
                file.as_file().sync_all()?;
                file.persist(path).map(drop).map_err(|error| error.error)
            })
            .map_err(|source| ClientError::File { path: path.to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_for_its_owner_and_its_token_is_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = ControlFile::path(dir.path());
        assert!(matches!(ControlFile::read(&path), Err(ClientError::File { .. })));
        let file = ControlFile { url: "http://127.0.0.1:1".to_owned(), token: Token::new("secret".to_owned()) };
        file.write(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(ControlFile::read(&path).unwrap().token.secret(), "secret");
        assert!(!format!("{file:?}").contains("secret"));
        std::fs::write(&path, r#"{"url":"x","token":"y","more":1}"#).unwrap();
        assert!(matches!(ControlFile::read(&path), Err(ClientError::ControlFile { .. })));
    }
}

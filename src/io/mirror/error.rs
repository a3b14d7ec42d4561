//! What can be wrong with an archive, each with what was expected, what came, where, and what to do.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::core::debian::apt_source::AptSourceError;
use crate::core::debian::release::ReleaseError;
use crate::io::openpgp::OpenPgpError;
use crate::io::store::StoreError;

/// Where something was read, and what asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The URL, without credentials.
    pub url: String,
    /// File and line of the APT entry, when there is one.
    pub entry: Option<String>,
}

impl Place {
    /// A file of an archive.
    pub fn of_archive(uri: &str, path: &str, entry: Option<&str>) -> Place {
        let url = format!("{}/{}", uri.trim_end_matches('/'), path.trim_start_matches('/'));
        Place { url, entry: entry.map(str::to_owned) }
    }

    /// A file in the same folder.
    pub fn beside(&self, name: &str) -> Place {
        let folder = self.url.rsplit_once('/').map_or(self.url.as_str(), |(folder, _)| folder);
        Place { url: format!("{folder}/{name}"), entry: self.entry.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.url)?;
        match &self.entry {
            Some(entry) => write!(f, " ({entry})"),
            None => Ok(()),
        }
    }
}

/// Why an archive cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// No source lists, or nothing in them.
    #[error(
        "expected APT entries in {places}, got none\n\
         hint: add one such as `deb http://deb.example.org/debian trixie main`, or name a file in the recipe with \
         `cb.apt.sources`"
    )]
    NoEntries {
        /// Where was looked.
        places: String,
    },
    /// What is wrong with a source list that was named, where the others are about the machine's own.
    #[error(transparent)]
    Named(Box<MirrorError>),
    /// A source list that is named is not there.
    #[error(
        "expected an APT sources file `{path}`, got none: {source}\n\
         hint: name a `.list` or `.sources` file; a relative path is relative to the recipe, or to the working \
         directory on the command line"
    )]
    NoFile {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// A source list that apt would refuse, too.
    #[error("{0}")]
    Entries(#[from] AptSourceError),
    /// A file of APT's configuration that cannot be read.
    #[error("failed to read `{path}`: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The store cannot take it.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// No entry has anything for this architecture.
    #[error(
        "expected an entry with packages for `{arch}`, got none{}\n\
         hint: check what the entries' `Architectures` and `Components` leave out, and what their archives have",
        notes.iter().map(|note| format!("; {note}")).collect::<String>()
    )]
    NothingFor {
        /// The architecture.
        arch: String,
        /// What was left out of the entries that were read.
        notes: Vec<String>,
    },
    /// A URI that we do not read.
    #[error("{place}: expected a `http`, `https`, `file` or `copy` URI, got `{scheme}`")]
    Scheme {
        /// Where.
        place: Place,
        /// The scheme.
        scheme: String,
    },
    /// HTTP cannot be set up.
    #[error("failed to set up HTTP: {reason}\nhint: {hint}")]
    Setup {
        /// In words.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
    /// The keys cannot be read, or the signature does not count.
    #[error("{place}: {source}")]
    Signature {
        /// Where.
        place: Place,
        /// What is wrong.
        source: OpenPgpError,
    },
    /// Neither InRelease nor Release with Release.gpg.
    #[error(
        "{place}: expected a signed Release file, got none\n\
         hint: check URI and suite; an archive without signatures is taken only with `Trusted: yes`"
    )]
    Unsigned {
        /// Where InRelease would be.
        place: Place,
    },
    /// `Trusted: no`.
    #[error("{place}: expected a trusted archive, got an entry that says `Trusted: no`\nhint: disable the entry")]
    Distrusted {
        /// Where.
        place: Place,
    },
    /// A Release file that cannot be used.
    #[error("{place}: {source}")]
    Release {
        /// Where.
        place: Place,
        /// What is wrong.
        source: ReleaseError,
    },
    /// Its Date is in the future.
    #[error(
        "{place}: expected a Release file of the past, got one dated {date}, and it is {now}\n\
         hint: check this machine's clock"
    )]
    Future {
        /// Where.
        place: Place,
        /// Its Date.
        date: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// It is no longer valid.
    #[error(
        "{place}: expected a Release file that is valid now, {now}, got one that was valid until {valid_until}\n\
         hint: the mirror is behind, or this machine's clock is wrong; for an archive that is kept as it was, write \
         `Check-Valid-Until: no` into the entry"
    )]
    Expired {
        /// Where.
        place: Place,
        /// Since when.
        valid_until: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// The Release file lists no such index.
    #[error(
        "{place}: expected an index `{index}` (xz, zst, gz or plain), got a Release file without it\n\
         hint: check the entry's components and types"
    )]
    NoIndex {
        /// Where.
        place: Place,
        /// Path of the index.
        index: String,
    },
    /// It is not there.
    #[error("{place}: expected a file, got none (HTTP 404)\nhint: check URI and suite, or try another mirror")]
    NotFound {
        /// Where.
        place: Place,
    },
    /// The server says something else than 200.
    #[error("{place}: expected the file, got HTTP {status}\nhint: {hint}")]
    Status {
        /// Where.
        place: Place,
        /// The status.
        status: u16,
        /// What to do.
        hint: &'static str,
    },
    /// A redirect out of the host.
    #[error(
        "{place}: expected the file from `{from}`, got a redirect to `{to}`\n\
         hint: put the other host into the entry if you trust it"
    )]
    Redirect {
        /// Where.
        place: Place,
        /// The host that was asked.
        from: String,
        /// The host that it sends us to.
        to: String,
    },
    /// Too many redirects, or one that makes no sense.
    #[error("{place}: expected the file, got {what}")]
    BadRedirect {
        /// Where.
        place: Place,
        /// In words.
        what: String,
    },
    /// No connection.
    #[error("{place}: expected an answer, got none: {reason}\nhint: check the network, the proxy and the host's name")]
    Unreachable {
        /// Where.
        place: Place,
        /// In words.
        reason: String,
        /// Whether that may be otherwise in a moment: a refused connection, not a silent host.
        may_pass: bool,
    },
    /// Nothing came for too long.
    #[error("{place}: expected the file, got nothing more for too long (after {got} bytes)\nhint: try another mirror")]
    Stalled {
        /// Where.
        place: Place,
        /// How much came.
        got: u64,
    },
    /// It came too slowly.
    #[error("{place}: expected the file within {seconds} seconds, got only a part of it\nhint: try another mirror")]
    Late {
        /// Where.
        place: Place,
        /// How long was waited.
        seconds: u64,
    },
    /// The transfer broke off.
    #[error(
        "{place}: expected {expected}, got only {got} bytes\nhint: the mirror broke off; try again, or another one"
    )]
    Truncated {
        /// Where.
        place: Place,
        /// How much should have come, in words.
        expected: String,
        /// How much came.
        got: u64,
    },
    /// More came than should be there.
    #[error(
        "{place}: expected {expected} bytes, got {got} or more\nhint: the mirror is changing or damaged; try again"
    )]
    TooLong {
        /// Where.
        place: Place,
        /// How much should have come.
        expected: u64,
        /// How much came.
        got: u64,
    },
    /// Other bytes than those that were vouched for.
    #[error("{place}: {source}\nhint: the mirror is changing or damaged; try again, or another one")]
    Hash {
        /// Where.
        place: Place,
        /// Hash and size that were expected, and those that came.
        source: Box<StoreError>,
    },
    /// A file that does not decompress.
    #[error("{place}: expected a {form} file, got one that does not decompress: {reason}")]
    Decompress {
        /// Where.
        place: Place,
        /// `.xz` and so on.
        form: &'static str,
        /// In words.
        reason: String,
    },
    /// Nothing at all could be read.
    #[error("expected at least one archive that can be read, got none of {tried}; the first: {first}")]
    NothingRead {
        /// How many entries were tried.
        tried: usize,
        /// What was wrong with the first.
        first: Box<MirrorError>,
    },
}

impl MirrorError {
    /// Whether trying again may help.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            MirrorError::Unreachable { may_pass, .. } => *may_pass,
            MirrorError::Truncated { .. } | MirrorError::Stalled { .. } => true,
            MirrorError::Status { status, .. } => *status >= 500 || *status == 429 || *status == 408,
            MirrorError::NoEntries { .. }
            | MirrorError::Named(_)
            | MirrorError::NoFile { .. }
            | MirrorError::Entries(_)
            | MirrorError::Read { .. }
            | MirrorError::Store(_)
            | MirrorError::NothingFor { .. }
            | MirrorError::Scheme { .. }
            | MirrorError::Setup { .. }
            | MirrorError::Signature { .. }
            | MirrorError::Unsigned { .. }
            | MirrorError::Distrusted { .. }
            | MirrorError::Release { .. }
            | MirrorError::Future { .. }
            | MirrorError::Expired { .. }
            | MirrorError::NoIndex { .. }
            | MirrorError::NotFound { .. }
            | MirrorError::Redirect { .. }
            | MirrorError::BadRedirect { .. }
            | MirrorError::Late { .. }
            | MirrorError::TooLong { .. }
            | MirrorError::Hash { .. }
            | MirrorError::Decompress { .. }
            | MirrorError::NothingRead { .. } => false,
        }
    }

    /// Whether this machine is at fault, so that leaving the archive out would hide it.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self, MirrorError::Store(_))
    }

    /// The store's refusal of bytes that came from a place.
    pub(super) fn kept(place: &Place, error: StoreError) -> MirrorError {
        match error {
            mismatch @ StoreError::Mismatch { .. } => {
                MirrorError::Hash { place: place.clone(), source: Box::new(mismatch) }
            }
            other => MirrorError::Store(other),
        }
    }

    /// Without its hint, for a note.
    pub(super) fn first_line(&self) -> String {
        self.to_string().lines().next().unwrap_or_default().to_owned()
    }
}

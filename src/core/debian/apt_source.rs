//! APT's source lists: one-line `.list` files and deb822 `.sources` files.
//!
//! One [`AptEntry`] a URI and suite; `deb` and `deb-src` of the same two are one entry, as they are for apt.

mod deb822;
mod one_line;
#[cfg(test)]
mod tests;

/// One suite of one archive, as the machine's configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AptEntry {
    /// File and line that it was first named at.
    pub origin: String,
    /// Archive root, without a slash at the end; may hold `$(ARCH)` until [`AptEntry::for_architecture`].
    pub uri: String,
    /// `bookworm`, `bookworm/updates`, or a path with a slash at its end for a flat archive.
    pub suite: String,
    /// The components with what is wanted of each; a flat archive has one with an empty name.
    pub components: Vec<AptComponent>,
    /// The keys that may sign, where they are named.
    pub signed_by: Option<SignedBy>,
    /// `Trusted`: yes skips verification, no refuses the archive whatever signed it.
    pub trusted: Option<bool>,
    /// `Check-Valid-Until`, where it is set.
    pub check_valid_until: Option<bool>,
    /// `Valid-Until-Min`, in seconds after the Date.
    pub valid_until_min: Option<i64>,
    /// `Valid-Until-Max`, in seconds after the Date.
    pub valid_until_max: Option<i64>,
    /// `Check-Date`, where it is set.
    pub check_date: Option<bool>,
    /// `Date-Max-Future`, in seconds.
    pub date_max_future: Option<i64>,
    /// `Allow-Insecure`: an archive without any signature is taken.
    pub allow_insecure: bool,
    /// `By-Hash`.
    pub by_hash: ByHash,
}

/// What is wanted of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AptComponent {
    /// `main`; empty in a flat archive.
    pub name: String,
    /// Binary packages are wanted (`deb`).
    pub binary: bool,
    /// Source packages are wanted.
    pub source: Wanted,
    /// Which architectures, where that is restricted.
    pub architectures: Architectures,
}

/// Whether source packages are wanted, and who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// There is a `deb-src` entry: a missing source index is an error.
    Declared,
    /// Derived from a `deb` entry: a missing source index is worth a note.
    Derived,
}

/// The `Architectures` option: a list, or changes to the machine's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Architectures {
    /// Only these, when there are any.
    pub only: Vec<String>,
    /// These besides (`+=`).
    pub add: Vec<String>,
    /// Not these (`-=`).
    pub remove: Vec<String>,
}

/// `Signed-By`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedBy {
    /// Files and fingerprints; with fingerprints only, the machine's trusted keys are meant, restricted to them.
    Keys {
        /// Absolute paths of keyrings.
        files: Vec<String>,
        /// Fingerprints in upper case; a `!` at the end asks for exactly that key, not its subkeys.
        fingerprints: Vec<String>,
    },
    /// The key itself, ASCII armoured.
    Inline(String),
}

/// `By-Hash`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByHash {
    /// Where the Release file says so.
    Auto,
    /// Never.
    No,
    /// Even where the Release file does not say so.
    Force,
}

/// What is wrong with a source list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AptSourceError {
    /// Something else than a source list's syntax.
    #[error("{at}: expected {expected}, got `{got}`\nhint: {hint}")]
    Malformed {
        /// File and line.
        at: String,
        /// What should be there.
        expected: &'static str,
        /// What is there.
        got: String,
        /// What to do.
        hint: &'static str,
    },
    /// A field that must be there is not.
    #[error("{at}: expected a field `{field}` in this paragraph, got none\nhint: {}", deb822::FORM)]
    Missing {
        /// File and line of the paragraph.
        at: String,
        /// Its name.
        field: &'static str,
    },
    /// A suite that is a path goes with no components, any other suite with some.
    #[error(
        "{at}: expected {expected} for suite `{suite}`, got {got}\n\
         hint: `trixie` goes with components such as `main`; a suite that ends in `/` is a folder and has none"
    )]
    Components {
        /// File and line.
        at: String,
        /// The suite.
        suite: String,
        /// What should be there.
        expected: &'static str,
        /// What is there.
        got: String,
    },
    /// Two entries of one suite contradict each other.
    #[error(
        "{second}: expected `{option}` to be as in {first} for `{uri} {suite}`, got another value\n\
         hint: apt refuses this, too: give both entries the same `{option}`, or remove one of them"
    )]
    Conflict {
        /// Where the first is.
        first: String,
        /// Where the second is.
        second: String,
        /// Which option.
        option: &'static str,
        /// Their archive.
        uri: String,
        /// Their suite.
        suite: String,
    },
}

/// Whether apt reads a file of that name in `sources.list.d`: `.list` or `.sources`, and nothing but letters, digits,
/// `_`, `-` and `.` before it.
pub fn is_source_list(name: &str) -> bool {
    let stem = name.strip_suffix(".list").or_else(|| name.strip_suffix(".sources"));
    !name.starts_with('.')
        && stem.is_some_and(|stem| {
            !stem.is_empty()
                && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        })
}

/// Reads one file; its name tells which of the two forms it has. Entries are not yet merged, see [`merge`].
pub fn parse(file: &str, bytes: &[u8]) -> Result<Vec<AptEntry>, AptSourceError> {
    if file.ends_with(".sources") { deb822::parse(file, bytes) } else { one_line::parse(file, bytes) }
}

/// Puts entries of the same URI and suite together, in the order of their first mention.
pub fn merge(entries: Vec<AptEntry>) -> Result<Vec<AptEntry>, AptSourceError> {
    let mut merged: Vec<AptEntry> = Vec::new();
    for entry in entries {
        match merged.iter_mut().find(|known| known.uri == entry.uri && known.suite == entry.suite) {
            Some(known) => known.join(entry)?,
            None => merged.push(entry),
        }
    }
    Ok(merged)
}

/// Takes the value that is set; an error when both are, and differ.
fn agree<T: PartialEq>(known: &mut Option<T>, other: Option<T>) -> bool {
    match (&known, other) {
        (_, None) => true,
        (Some(one), Some(other)) => *one == other,
        (None, Some(other)) => {
            *known = Some(other);
            true
        }
    }
}

impl AptEntry {
    /// Adds what another entry of the same URI and suite asks for.
    fn join(&mut self, other: AptEntry) -> Result<(), AptSourceError> {
        let agreed = [
            ("Signed-By", agree(&mut self.signed_by, other.signed_by)),
            ("Trusted", agree(&mut self.trusted, other.trusted)),
            ("Check-Valid-Until", agree(&mut self.check_valid_until, other.check_valid_until)),
            ("Valid-Until-Min", agree(&mut self.valid_until_min, other.valid_until_min)),
            ("Valid-Until-Max", agree(&mut self.valid_until_max, other.valid_until_max)),
            ("Check-Date", agree(&mut self.check_date, other.check_date)),
            ("Date-Max-Future", agree(&mut self.date_max_future, other.date_max_future)),
        ];
        if let Some((option, _)) = agreed.iter().find(|(_, agreed)| !agreed) {
            return Err(AptSourceError::Conflict {
                first: self.origin.clone(),
                second: other.origin,
                option,
                uri: self.uri.clone(),
                suite: self.suite.clone(),
            });
        }
        self.allow_insecure |= other.allow_insecure;
        if self.by_hash == ByHash::Auto {
            self.by_hash = other.by_hash;
        }
        for component in other.components {
            self.add_component(component);
        }
        Ok(())
    }

    /// Adds a component, or what is wanted of it.
    fn add_component(&mut self, component: AptComponent) {
        let same = |known: &&mut AptComponent| {
            known.name == component.name && (known.architectures == component.architectures || !component.binary)
        };
        match self.components.iter_mut().find(same) {
            Some(known) => {
                known.binary |= component.binary;
                if component.source == Wanted::Declared {
                    known.source = Wanted::Declared;
                }
            }
            None => self.components.push(component),
        }
    }

    /// The entry for one architecture: `$(ARCH)` filled in, and `binary` false where its options leave that one out.
    /// `None`: nothing of it is wanted for this architecture.
    pub fn for_architecture(&self, architecture: &str) -> Option<AptEntry> {
        let mut entry = self.clone();
        entry.uri = entry.uri.replace("$(ARCH)", architecture);
        entry.suite = entry.suite.replace("$(ARCH)", architecture);
        for component in &mut entry.components {
            component.binary &= component.architectures.serve(architecture);
        }
        entry.components.retain(|component| component.binary || component.source == Wanted::Declared);
        (!entry.components.is_empty()).then_some(entry)
    }

    /// The host of the URI, with its port; empty for `file:` and the like.
    pub fn host(&self) -> &str {
        let Some((_, rest)) = self.uri.split_once("://") else { return "" };
        let authority = rest.split('/').next().unwrap_or_default();
        authority.rsplit_once('@').map_or(authority, |(_, host)| host)
    }

    /// The name of the file that it is in, without folder and ending.
    pub fn file_stem(&self) -> &str {
        let file = self.origin.rsplit_once(':').map_or(self.origin.as_str(), |(file, _)| file);
        let name = file.rsplit('/').next().unwrap_or(file);
        name.strip_suffix(".list").or_else(|| name.strip_suffix(".sources")).unwrap_or(name)
    }

    /// A flat archive: indexes beside the Release file, no components.
    pub fn is_flat(&self) -> bool {
        self.suite.ends_with('/')
    }
}

impl Architectures {
    /// Whether binaries of that architecture are wanted.
    pub fn serve(&self, architecture: &str) -> bool {
        let has = |list: &[String]| list.iter().any(|one| one == architecture || one == "any");
        !has(&self.remove) && (self.only.is_empty() || has(&self.only) || has(&self.add))
    }
}

/// The options of an entry, whichever of the two forms they were written in.
#[derive(Debug, Clone, Default)]
struct Options {
    architectures: Architectures,
    signed_by: Option<SignedBy>,
    trusted: Option<bool>,
    check_valid_until: Option<bool>,
    valid_until_min: Option<i64>,
    valid_until_max: Option<i64>,
    check_date: Option<bool>,
    date_max_future: Option<i64>,
    allow_insecure: bool,
    by_hash: Option<ByHash>,
}

impl Options {
    /// Takes one option by its name in one-line files; others are not ours to know, as for apt.
    fn set(&mut self, at: &str, name: &str, value: &str) -> Result<(), AptSourceError> {
        let list = || value.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let yes = || Some(super::release::is_yes(value));
        let seconds = || {
            value.parse().map(Some).map_err(|_| AptSourceError::Malformed {
                at: at.to_owned(),
                expected: "a number of seconds",
                got: value.to_owned(),
                hint: "write digits only, such as `604800` for a week",
            })
        };
        match name {
            "arch" => self.architectures.only = list(),
            "arch+" => self.architectures.add = list(),
            "arch-" => self.architectures.remove = list(),
            "signed-by" => self.signed_by = signed_by(at, value)?,
            "trusted" => self.trusted = yes(),
            "check-valid-until" => self.check_valid_until = yes(),
            "valid-until-min" => self.valid_until_min = seconds()?,
            "valid-until-max" => self.valid_until_max = seconds()?,
            "check-date" => self.check_date = yes(),
            "date-max-future" => self.date_max_future = seconds()?,
            "allow-insecure" => self.allow_insecure = super::release::is_yes(value),
            "by-hash" if value.eq_ignore_ascii_case("force") => self.by_hash = Some(ByHash::Force),
            "by-hash" if !super::release::is_yes(value) => self.by_hash = Some(ByHash::No),
            _ => {}
        }
        Ok(())
    }

    /// The entry of one URI and suite.
    fn entry(&self, at: &str, uri: &str, suite: &str, components: Vec<AptComponent>) -> AptEntry {
        AptEntry {
            origin: at.to_owned(),
            uri: uri.trim_end_matches('/').to_owned(),
            suite: suite.to_owned(),
            components,
            signed_by: self.signed_by.clone(),
            trusted: self.trusted,
            check_valid_until: self.check_valid_until,
            valid_until_min: self.valid_until_min,
            valid_until_max: self.valid_until_max,
            check_date: self.check_date,
            date_max_future: self.date_max_future,
            allow_insecure: self.allow_insecure,
            by_hash: self.by_hash.unwrap_or(ByHash::Auto),
        }
    }

    /// A component of one entry; `declared`: the line or paragraph is `deb-src`.
    fn component(&self, name: &str, binary: bool, declared: bool) -> AptComponent {
        AptComponent {
            name: name.to_owned(),
            binary,
            source: if declared { Wanted::Declared } else { Wanted::Derived },
            architectures: self.architectures.clone(),
        }
    }
}

/// Reads `Signed-By`; an empty value means that nothing is said.
fn signed_by(at: &str, value: &str) -> Result<Option<SignedBy>, AptSourceError> {
    if value.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----") {
        return Ok(Some(SignedBy::Inline(value.to_owned())));
    }
    let (mut files, mut fingerprints) = (Vec::new(), Vec::new());
    for word in value.split(|c: char| c == ',' || c.is_ascii_whitespace()).filter(|word| !word.is_empty()) {
        let digits = word.strip_suffix('!').unwrap_or(word);
        if word.starts_with('/') {
            files.push(word.to_owned());
        } else if digits.len() >= 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            fingerprints.push(word.to_ascii_uppercase());
        } else {
            return Err(AptSourceError::Malformed {
                at: at.to_owned(),
                expected: "an absolute path, a fingerprint of 40 digits or a key in `Signed-By`",
                got: word.to_owned(),
                hint: "write `Signed-By: /usr/share/keyrings/KEY.gpg`",
            });
        }
    }
    Ok((!files.is_empty() || !fingerprints.is_empty()).then_some(SignedBy::Keys { files, fingerprints }))
}

/// Checks a URI as apt does: it must have a scheme.
fn check_uri(at: &str, uri: &str) -> Result<(), AptSourceError> {
    if uri.contains(':') {
        return Ok(());
    }
    Err(AptSourceError::Malformed {
        at: at.to_owned(),
        expected: "a URI such as `http://deb.example.org/debian`",
        got: uri.to_owned(),
        hint: "a directory is written as `file:/path/to/archive`",
    })
}

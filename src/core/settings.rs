//! The settings: one table says each one's name, type, default and meaning; reading, checks, help and
//! `config show` come from it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub mod file;
#[cfg(test)]
mod tests;
pub mod value;

use super::suggest::nearest;
use value::{FromValue, Kind, Redirects, Value};

/// One setting as it is declared.
#[derive(Debug)]
pub struct Key {
    /// Its name in a settings file, with a dot between table and key.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// What it is when nobody sets it.
    pub default: Fallback,
    /// What it means: the lines of one sentence.
    pub sentence: &'static [&'static str],
}

/// What a setting is when nobody sets it, written as in a settings file.
#[derive(Debug)]
pub enum Fallback {
    /// The same for everyone.
    Fixed(&'static str),
    /// Depends on whether root runs the program; `None`: not set.
    ByUser {
        /// For root.
        root: Option<&'static str>,
        /// For everybody else.
        other: Option<&'static str>,
    },
}

/// Declares the table [`KEYS`] and the struct [`Settings`] at once, so that they cannot differ.
macro_rules! settings {
    ($( $(#[doc = $line:literal])+ $field:ident: $type:ty = $name:literal, $kind:expr, $default:expr; )*) => {
        /// Every setting, in the order of the help.
        pub static KEYS: &[Key] = &[ $(
            Key { name: $name, kind: $kind, default: $default, sentence: &[$($line),+] },
        )* ];

        /// Every setting's value, typed.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Settings { $( $(#[doc = $line])+ pub $field: $type, )* }

        impl Settings {
            /// The typed values of what was merged.
            pub fn of(merged: &Merged) -> Settings {
                Settings { $( $field: <$type as FromValue>::from_value(merged.value($name)), )* }
            }
        }
    };
}

settings! {
    /// Folder for what runs share: indexes, sources, chroots, and the place where builds unpack.
    cache_dir: PathBuf = "cache_dir", Kind::Path,
        Fallback::ByUser { root: Some("/var/cache/cloudbuild"), other: Some("$XDG_CACHE_HOME/cloudbuild") };
    /// The user that builds run as when root runs the program.
    build_user: Option<String> = "build_user", Kind::Text, Fallback::ByUser { root: Some("cloudbuild"), other: None };
    /// How many packages this machine builds at once.
    slots: u32 = "slots", Kind::Count { least: 1, most: 1024 }, Fallback::Fixed("1");
    /// How long a mirror may send nothing before the request counts as failed.
    mirror_timeout: Duration = "mirror.timeout", Kind::Duration, Fallback::Fixed("30 s");
    /// How often a request to a mirror is tried again.
    mirror_retries: u32 = "mirror.retries", Kind::Count { least: 0, most: 100 }, Fallback::Fixed("3");
    /// Where a mirror may redirect to: its own host, or any.
    mirror_redirects: Redirects = "mirror.redirects", Kind::Choice(Redirects::WORDS), Fallback::Fixed("same-host");
    /// Folder where the machine's APT sources are read.
    apt_root: PathBuf = "apt_root", Kind::Path, Fallback::Fixed("/etc/apt");
    /// Where the control point listens while a recipe runs, `ADDRESS:PORT`, for builders on other machines; on loopback
    /// where nothing is set.
    listen: Option<String> = "listen", Kind::Text, Fallback::ByUser { root: None, other: None };
    /// How long a builder may be silent before its job is given to another one.
    lease_ttl: Duration = "lease_ttl", Kind::Duration, Fallback::Fixed("3 min");
    /// How long a job waits before it is tried again after infrastructure's fault; each further pause is four times as long.
    retry_pause: Duration = "retry_pause", Kind::Duration, Fallback::Fixed("10 s");
    /// A build that neither prints nor uses the CPU for so long is stopped.
    stall_timeout: Duration = "stall_timeout", Kind::Duration, Fallback::Fixed("2 h 30 min");
    /// Who signs archives: `ed25519` or `rsa4096`, a key that is made on first use; the file of a secret key; or
    /// `gpg:NAME`, a key that gpg has.
    signing_key: Option<String> = "signing.key", Kind::Text, Fallback::Fixed("ed25519");
    /// Who signs besides, while one key takes over from another: a file, or `gpg:NAME`.
    signing_also: Option<String> = "signing.also", Kind::Text, Fallback::ByUser { root: None, other: None };
    /// Folder of Lua modules that recipes share: what `require` does not find beside the recipe is looked for here.
    library: Option<PathBuf> = "library", Kind::Path, Fallback::ByUser { root: None, other: None };
    /// Folder with another version of the library that `cb` is made of, for who develops it.
    stdlib: Option<PathBuf> = "stdlib", Kind::Path, Fallback::ByUser { root: None, other: None };
    /// The program that builds packages: a name or a path.
    sbuild: PathBuf = "sbuild", Kind::Program, Fallback::Fixed("sbuild");
    /// The program that makes chroots: a name or a path.
    mmdebstrap: PathBuf = "mmdebstrap", Kind::Program, Fallback::Fixed("mmdebstrap");
}

impl Key {
    /// The setting of that name.
    pub fn named(name: &str) -> Option<&'static Key> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The environment variable that sets it: `CLOUDBUILD_MIRROR_TIMEOUT` for `mirror.timeout`.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.replace('.', "_").to_uppercase())
    }

    /// The default in words, for help.
    pub fn default_text(&self) -> String {
        let text = |text: Option<&str>| text.map_or("not set".to_owned(), |text| format!("`{text}`"));
        match self.default {
            Fallback::Fixed(value) => text(Some(value)),
            Fallback::ByUser { root, other } => format!("{} for root, {} for others", text(root), text(other)),
        }
    }
}

/// What the names of our environment variables begin with.
pub const PREFIX: &str = "CLOUDBUILD_";

/// Variables with our prefix that are no settings: the log filter.
pub const OTHER_VARIABLES: &[&str] = &["CLOUDBUILD_LOG"];

/// Variables that begin so belong to the tests.
pub const TEST_PREFIX: &str = "CLOUDBUILD_TEST_";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The table of this file.
    Default,
    /// A settings file.
    File {
        /// Its path.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable, by name.
    Environment(String),
    /// A flag of the command line, by name.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Environment(name) => f.write_str(name),
            Origin::Flag(name) => f.write_str(name),
        }
    }
}

/// Settings of one origin, checked; relative paths in them are resolved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layer {
    /// Key name, value, and where it was said.
    pub given: Vec<(&'static str, Value, Origin)>,
}

/// For whom defaults and paths are worked out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// Whether the program runs as root.
    pub root: bool,
    /// What `~/` stands for.
    pub home: Option<PathBuf>,
    /// `$XDG_CACHE_HOME`, or `~/.cache`.
    pub cache_home: Option<PathBuf>,
}

/// A setting that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No setting has that name.
    #[error("unknown setting `{name}` ({at}){}", hint_for_unknown(nearest.as_deref()))]
    Unknown {
        /// What was written.
        name: String,
        /// Where.
        at: Origin,
        /// The most similar name there is, as one would write it there.
        nearest: Option<String>,
    },
    /// The value is none that this setting takes.
    #[error("`{name}`: expected {expected}, got {got} ({at})")]
    Wrong {
        /// The setting.
        name: String,
        /// What it takes, in words.
        expected: String,
        /// What came, in words.
        got: String,
        /// Where.
        at: Origin,
    },
    /// The file is no TOML.
    #[error("{message} ({at})\nhint: settings files are TOML: `slots = 2`, or `timeout = \"30 s\"` below `[mirror]`")]
    Syntax {
        /// What the TOML reader says.
        message: String,
        /// Where.
        at: Origin,
    },
    /// A path begins with `~/`, and nobody knows where that is.
    #[error("`{name}`: `{path}` needs a home directory, and HOME is not set ({at})\nhint: write an absolute path")]
    NoHome {
        /// The setting.
        name: &'static str,
        /// What was written.
        path: String,
        /// Where.
        at: Origin,
    },
}

fn hint_for_unknown(nearest: Option<&str>) -> String {
    match nearest {
        Some(name) => format!("\nhint: did you mean `{name}`?"),
        None => "\nhint: `cloudbuild config show` lists every setting".to_owned(),
    }
}

/// Reads our variables out of an environment; relative paths are relative to `folder`.
pub fn read_environment<'a>(
    variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    folder: &std::path::Path,
    person: &Person,
) -> Result<Layer, SettingsError> {
    let mut layer = Layer::default();
    for (variable, text) in variables {
        if !variable.starts_with(PREFIX) || variable.starts_with(TEST_PREFIX) || OTHER_VARIABLES.contains(&variable) {
            continue;
        }
        let at = Origin::Environment(variable.to_owned());
        let Some(key) = KEYS.iter().find(|key| key.variable() == variable) else {
            // Without the prefix, which would make every name look much like every other.
            let names: Vec<String> = KEYS.iter().map(Key::variable).collect();
            let all = names.iter().map(String::as_str).chain(OTHER_VARIABLES.iter().copied());
            let near = nearest(&variable[PREFIX.len()..], all.map(|name| &name[PREFIX.len()..]));
            let nearest = near.map(|name| format!("{PREFIX}{name}"));
            return Err(SettingsError::Unknown { name: variable.to_owned(), at, nearest });
        };
        layer.given.push((key.name, value::read(key, text, &at, folder, person)?, at));
    }
    Ok(layer)
}

/// A layer from flags: key name, flag, and its text; relative paths are relative to `folder`.
pub fn read_flags<'a>(
    flags: impl IntoIterator<Item = (&'static str, &'static str, &'a str)>,
    folder: &std::path::Path,
    person: &Person,
) -> Result<Layer, SettingsError> {
    let mut layer = Layer::default();
    for (name, flag, text) in flags {
        let key = Key::named(name).expect("flags are written for settings that exist, and a test parses them all");
        let at = Origin::Flag(flag.to_owned());
        layer.given.push((key.name, value::read(key, text, &at, folder, person)?, at));
    }
    Ok(layer)
}

/// What is in force: each setting's value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    values: BTreeMap<&'static str, (Option<Value>, Origin)>,
}

impl Merged {
    /// The value of a setting of [`KEYS`]; `None` when it is not set.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name).and_then(|(value, _)| value.as_ref())
    }

    /// All settings in the order of [`KEYS`].
    pub fn rows(&self) -> impl Iterator<Item = (&'static Key, Option<&Value>, &Origin)> {
        KEYS.iter().map(|key| {
            let (value, origin) = self.values.get(key.name).expect("`merge` puts in every key");
            (key, value.as_ref(), origin)
        })
    }
}

/// Lays layers over the defaults, the weakest first.
pub fn merge(person: &Person, layers: impl IntoIterator<Item = Layer>) -> Result<Merged, SettingsError> {
    let mut values: BTreeMap<&'static str, (Option<Value>, Origin)> = BTreeMap::new();
    for (name, value, origin) in layers.into_iter().flat_map(|layer| layer.given) {
        values.insert(name, (Some(value), origin));
    }
    for key in KEYS {
        if values.contains_key(key.name) {
            continue;
        }
        let text = match key.default {
            Fallback::Fixed(text) => Some(text),
            Fallback::ByUser { root, other } => {
                if person.root {
                    root
                } else {
                    other
                }
            }
        };
        let value =
            text.map(|text| value::read(key, text, &Origin::Default, std::path::Path::new("/"), person)).transpose()?;
        values.insert(key.name, (value, Origin::Default));
    }
    Ok(Merged { values })
}

/// The settings as a table for help: name, variable, default, meaning.
pub fn reference() -> String {
    let mut text = String::from("Settings, strongest first: flags, environment, ./cloudbuild.toml, ");
    text.push_str("~/.config/cloudbuild/config.toml, /etc/cloudbuild/config.toml, defaults.\n");
    for key in KEYS {
        let sentence = key.sentence.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        let lines = [
            format!("\n{} = {}  ({})\n", key.name, key.kind.expected(), key.variable()),
            format!("    {sentence}\n    Default: {}.\n", key.default_text()),
        ];
        lines.iter().for_each(|line| text.push_str(line));
    }
    text
}

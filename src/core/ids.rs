//! Newtypes for every id, each with exactly one text form, which SQL, JSON, the command line and pages share.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is not the id it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, got `{got}`")]
pub struct IdError {
    /// What such an id looks like.
    pub expected: &'static str,
    /// The text that came.
    pub got: String,
}

/// The SHA-256 of some bytes; its text form is 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256(pub [u8; 32]);

/// The value of each byte as a hexadecimal digit, 255 for what is none.
const DIGITS: [u8; 256] = {
    let mut digits = [255; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value] as usize] = value as u8;
        digits[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

impl Sha256 {
    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Sha256 {
        use sha2::Digest;
        Sha256(sha2::Sha256::digest(bytes).into())
    }

    /// Reads 64 hexadecimal digits, either case, straight from an index.
    pub fn from_hex(hex: &[u8]) -> Option<Sha256> {
        if hex.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        // What is no digit sets bits that no digit has, so one look at the end tells: indexes have a million digits.
        let mut seen = 0;
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            let (high, low) = (DIGITS[usize::from(pair[0])], DIGITS[usize::from(pair[1])]);
            seen |= high | low;
            *byte = high << 4 | (low & 0xf);
        }
        (seen < 16).then_some(Sha256(bytes))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        Sha256::from_hex(text.as_bytes())
            .ok_or_else(|| IdError { expected: "64 hexadecimal digits", got: text.to_owned() })
    }
}

/// Serde by way of the text form, for every id.
macro_rules! serde_by_text {
    ($($name:ident),*) => { $(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )* };
}

/// An id that is the hash of what it names.
macro_rules! hash_id {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Sha256);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(&self.0, f) }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> { text.parse().map($name) }
        }
        serde_by_text!($name);
    )* };
}

/// An id that counts within a state directory, with a letter before the number.
macro_rules! number_id {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal, $expected:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, concat!($prefix, "{}"), self.0) }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix($prefix)
                    .and_then(|digits| digits.parse().ok())
                    .map($name)
                    .ok_or_else(|| IdError { expected: $expected, got: text.to_owned() })
            }
        }
        serde_by_text!($name);
    )* };
}

serde_by_text!(Sha256);

hash_id! {
    /// What was imported: the hash of the pinned suites and the hashes of their indexes.
    ImportId;
    /// A composed archive that jobs build against: the hash of its layers.
    ViewId;
    /// A chroot: the hash of the hashes of the packages in it.
    ChrootKey;
    /// Everything that decides what a job's result is: source files, architecture, environment, what gets installed.
    InputsHash;
}

number_id! {
    /// One execution of a recipe.
    RunId, "r", "a run such as `r3`";
    /// One source package to build, for one stage, cell and architecture.
    JobId, "j", "a job such as `j42`";
    /// One published state of an archive.
    GenerationId, "g", "a generation such as `g7`";
}

/// The lease epoch of a job: it moves when another builder takes the job, and fences late results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Epoch(pub i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_in_either_case_and_nothing_else_is_one() {
        let hash = Sha256::of(b"x");
        let text = hash.to_string();
        assert_eq!(text.parse(), Ok(hash));
        assert_eq!(text.to_uppercase().parse(), Ok(hash));
        assert_eq!(Sha256::from_hex(&text.as_bytes()[1..]), None);
        assert_eq!(Sha256::from_hex(format!("g{}", &text[1..]).as_bytes()), None);
    }

    #[test]
    fn a_numbered_id_has_its_letter() {
        assert_eq!("j42".parse(), Ok(JobId(42)));
        assert!("42".parse::<JobId>().is_err() && "r42".parse::<JobId>().is_err());
        assert_eq!(GenerationId(7).to_string(), "g7");
    }
}

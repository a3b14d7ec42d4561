//! What a mirror near the builders cost and saved.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::core::forecast;

/// What a mirror near the builders cost and saved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mirrored {
    /// Fetched from archives.
    pub fetched: Amount,
    /// Written to the mirror: what was fetched, and what this machine had already.
    pub saved: Amount,
    /// Found in the mirror.
    pub reused: Amount,
}

impl Mirrored {
    /// What came since an earlier count.
    pub fn since(&self, earlier: &Mirrored) -> Mirrored {
        let less = |now: Amount, then: Amount| Amount {
            files: now.files.saturating_sub(then.files),
            bytes: now.bytes.saturating_sub(then.bytes),
        };
        Mirrored {
            fetched: less(self.fetched, earlier.fetched),
            saved: less(self.saved, earlier.saved),
            reused: less(self.reused, earlier.reused),
        }
    }
}

/// Some files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// How many.
    pub files: u64,
    /// Their bytes, all together.
    pub bytes: u64,
}

impl Amount {
    /// One file more.
    pub fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = if self.files == 1 { "1 file".to_owned() } else { format!("{} files", self.files) };
        write!(f, "{files} ({})", forecast::bytes(self.bytes))
    }
}

impl fmt::Display for Mirrored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fetched {}, saved {}, used again {}", self.fetched, self.saved, self.reused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_since_an_earlier_count_is_told_in_bytes() {
        let amount = |files, bytes| Amount { files, bytes };
        let earlier = Mirrored { fetched: amount(1, 1000), saved: amount(1, 1000), reused: Amount::default() };
        let now = Mirrored { fetched: amount(2, 3000), saved: amount(3, 4000), reused: amount(1, 500) };
        let since = now.since(&earlier).to_string();
        assert_eq!(since, "fetched 1 file (2 kB), saved 2 files (3 kB), used again 1 file (1 kB)");
    }
}

//! One plain line per event, for pipes, files and machines.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use super::lines::{lines, volume};
use crate::cli::output::Volume;
use crate::core::events::{Event, Listener};

/// Writes lines as they come.
pub struct Plain {
    to: Mutex<Box<dyn Write + Send>>,
    at_most: Volume,
}

impl Plain {
    /// Writes to `to` what is worth `at_most` this volume.
    pub fn new(to: Box<dyn Write + Send>, at_most: Volume) -> Plain {
        Plain { to: Mutex::new(to), at_most }
    }
}

impl Listener for Plain {
    fn hear(&self, event: &Event) {
        if volume(event) > self.at_most {
            return;
        }
        let mut text = lines(event).join("\n");
        if text.is_empty() {
            return;
        }
        text.push('\n');
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        // The run goes on when nobody reads along any more.
        let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
    }
}

#[cfg(test)]
mod tests;

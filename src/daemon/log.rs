//! Sends a log while it grows.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Daemon, Trouble};
use crate::core::ids::{Epoch, JobId};

/// People who follow a log see a line this late at most.
const PAUSE: Duration = Duration::from_secs(1);

/// The largest piece that is sent at once.
const PIECE: usize = 64 * 1024;

/// Sends what is in the file at `path` after the bytes that were `sent` and what comes to it, until `done` and everything
/// is sent.
pub(crate) async fn follow(
    daemon: &Daemon,
    job: JobId,
    epoch: Epoch,
    path: &Path,
    sent: &AtomicU64,
    done: &CancellationToken,
) -> Result<(), Trouble> {
    loop {
        // What is there when `done` is already set is all that there will be.
        let last = done.is_cancelled();
        loop {
            let offset = sent.load(Ordering::Relaxed);
            let bytes = piece(path.to_path_buf(), offset).await;
            if bytes.is_empty() {
                break;
            }
            let heard = daemon.say(daemon.control.append_log(job, epoch, offset, bytes)).await?;
            if heard == offset {
                // Nothing was taken, so the same piece is sent again, in a while.
                tokio::time::sleep(PAUSE).await;
            }
            sent.store(heard, Ordering::Relaxed);
        }
        if last {
            return Ok(());
        }
        tokio::select! {
            () = done.cancelled() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// At most [`PIECE`] bytes of a file; none while it is not there.
async fn piece(path: PathBuf, offset: u64) -> Vec<u8> {
    let read = move || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(PIECE as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    tokio::task::spawn_blocking(read).await.expect("reading a file does not panic").unwrap_or_default()
}

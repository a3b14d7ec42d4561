//! Speaks to a control point over HTTP, by way of `io::control`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{Control, Trouble};
use crate::core::ids::{Epoch, JobId};
use crate::io::control::{Client, ClientError, ControlFile, Patience};
use crate::wire::{File, Finish, Heartbeat, HeartbeatReply, LeaseReply, LeaseRequest};

/// A control point, by its client and its address.
struct Http {
    client: Client,
    url: String,
}

/// Makes the client of the control point that the control file names now.
///
/// It tries once only: the daemon's link tries again, and looks meanwhile whether it is to stop.
pub fn connect(control_file: &Path) -> anyhow::Result<Arc<dyn Control>> {
    let url = ControlFile::read(control_file)?.url;
    let once = Patience { give_up: Duration::ZERO, ..Patience::default() };
    Ok(Arc::new(Http { client: Client::new(control_file, once)?, url: url.trim_end_matches('/').to_owned() }))
}

/// What the client says, in the daemon's words.
fn trouble(error: ClientError) -> Trouble {
    match error {
        ClientError::Refused { refusal, .. } => Trouble::Refused(refusal),
        ClientError::Away { .. }
        | ClientError::Answer { .. }
        | ClientError::Mismatch { .. }
        | ClientError::ControlFile { .. }
        | ClientError::File { .. } => Trouble::Away(error.to_string()),
    }
}

impl Control for Http {
    fn url(&self) -> String {
        self.url.clone()
    }

    fn lease(&self, request: LeaseRequest) -> BoxFuture<'_, Result<LeaseReply, Trouble>> {
        async move { self.client.lease(&request).await.map_err(trouble) }.boxed()
    }

    fn heartbeat(&self, job: JobId, beat: Heartbeat) -> BoxFuture<'_, Result<HeartbeatReply, Trouble>> {
        async move { self.client.heartbeat(job, &beat).await.map_err(trouble) }.boxed()
    }

    fn append_log(&self, job: JobId, epoch: Epoch, offset: u64, bytes: Vec<u8>) -> BoxFuture<'_, Result<u64, Trouble>> {
        async move { self.client.append_log(job, epoch, offset, &bytes).await.map_err(trouble) }.boxed()
    }

    fn put_file(&self, job: JobId, epoch: Epoch, file: File, path: PathBuf) -> BoxFuture<'_, Result<(), Trouble>> {
        async move { self.client.put_file(job, epoch, &file, &path).await.map_err(trouble) }.boxed()
    }

    fn finish(&self, job: JobId, finish: Finish) -> BoxFuture<'_, Result<(), Trouble>> {
        async move { self.client.finish(job, &finish).await.map_err(trouble) }.boxed()
    }

    fn get_file(&self, file: File, path: PathBuf) -> BoxFuture<'_, Result<(), Trouble>> {
        async move { self.client.get_file(&file, &path).await.map_err(trouble) }.boxed()
    }
}

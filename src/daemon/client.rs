//! The daemon's words, said by the client of the control point's HTTP API.

use std::path::PathBuf;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{Control, Trouble};
use crate::core::ids::{Epoch, JobId, ViewId};
use crate::io::control::{Client, ClientError};
use crate::wire::{File, Finish, Heartbeat, HeartbeatReply, LeaseReply, LeaseRequest};

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Trouble {
        match error {
            ClientError::Away { .. } => Trouble::Gone(error.to_string()),
            ClientError::Refused { refusal, .. } => Trouble::Refused(refusal),
            ClientError::Answer { .. }
            | ClientError::Mismatch { .. }
            | ClientError::ControlFile { .. }
            | ClientError::File { .. } => Trouble::Failed(error.to_string()),
        }
    }
}

impl Control for Client {
    fn view_url(&self, view: ViewId) -> Result<String, Trouble> {
        Ok(Client::view_url(self, view)?)
    }

    fn lease(&self, request: LeaseRequest) -> BoxFuture<'_, Result<LeaseReply, Trouble>> {
        async move { Ok(Client::lease(self, &request).await?) }.boxed()
    }

    fn heartbeat(&self, job: JobId, beat: Heartbeat) -> BoxFuture<'_, Result<HeartbeatReply, Trouble>> {
        async move { Ok(Client::heartbeat(self, job, &beat).await?) }.boxed()
    }

    fn append_log(&self, job: JobId, epoch: Epoch, offset: u64, piece: Vec<u8>) -> BoxFuture<'_, Result<u64, Trouble>> {
        async move { Ok(Client::append_log(self, job, epoch, offset, &piece).await?) }.boxed()
    }

    fn put_file(&self, job: JobId, epoch: Epoch, file: File, from: PathBuf) -> BoxFuture<'_, Result<(), Trouble>> {
        async move { Ok(Client::put_file(self, job, epoch, &file, &from).await?) }.boxed()
    }

    fn finish(&self, job: JobId, finish: Finish) -> BoxFuture<'_, Result<(), Trouble>> {
        async move { Ok(Client::finish(self, job, &finish).await?) }.boxed()
    }

    fn get_file(&self, file: File, to: PathBuf) -> BoxFuture<'_, Result<(), Trouble>> {
        async move { Ok(Client::get_file(self, &file, &to).await?) }.boxed()
    }
}

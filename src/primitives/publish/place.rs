//! Where an archive is published to, and what is asked of it: a directory, or a place in a bucket.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::core::ids::Sha256;
use crate::core::publish::PublishPlan;
use crate::core::recipe::PublishTarget;
use crate::io::archive::dir::{self, Present};
use crate::io::archive::s3::{self, S3Archive};
use crate::io::archive::serve::{self, Serving};
use crate::io::archive::{ArchiveError, FindFile, Published, Signer};
use crate::io::s3::Patience;

/// Where an archive is.
pub(super) enum Place {
    /// Its root.
    Dir(PathBuf),
    /// In a bucket.
    S3(Box<S3Archive>),
}

impl Place {
    /// Opens it; relative paths are in `dir`, the state directory, by which a publisher is known, too.
    pub(super) async fn open(target: &PublishTarget, dir: &Path) -> Result<Place, ArchiveError> {
        match target {
            PublishTarget::Dir { path } => Ok(Place::Dir(dir.join(path))),
            PublishTarget::S3 { bucket, .. } => {
                Ok(Place::S3(Box::new(S3Archive::open(bucket, &s3::holder(dir), Patience::default()).await?)))
            }
        }
    }

    /// Its root, as people and the state know it.
    pub(super) fn root(&self) -> PathBuf {
        match self {
            Place::Dir(root) => root.clone(),
            Place::S3(archive) => archive.client().bucket().to_string().into(),
        }
    }

    /// Where what only saves time is kept for it, so that it is not fetched.
    pub(super) fn near(&self, dir: &Path) -> PathBuf {
        match self {
            Place::Dir(root) => root.clone(),
            Place::S3(_) => {
                let name = Sha256::of(self.root().as_os_str().as_encoded_bytes()).to_string();
                dir.join("published").join(&name[..16])
            }
        }
    }

    /// The Packages indexes of a suite for an architecture, of each component.
    pub(super) async fn packages(&self, suite: &str, architecture: &str) -> Result<Vec<Vec<u8>>, ArchiveError> {
        match self {
            Place::Dir(root) => dir::packages(root, suite, architecture),
            Place::S3(archive) => archive.packages(suite, architecture).await,
        }
    }

    /// Where its public key is.
    pub(super) fn key(&self, published: &Published) -> PathBuf {
        match self {
            Place::Dir(root) => root.join(&published.key),
            Place::S3(archive) => Path::new(&archive.client().bucket().read_url()).join(&published.key),
        }
    }

    /// What is in its pool by now.
    pub(super) async fn pool(&self) -> Result<BTreeMap<String, Sha256>, ArchiveError> {
        match self {
            Place::Dir(root) => dir::pool(root),
            Place::S3(archive) => archive.pool().await,
        }
    }

    /// What a suite says now.
    pub(super) async fn present(&self, suite: &str) -> Result<Option<Present>, ArchiveError> {
        match self {
            Place::Dir(root) => dir::present(root, suite),
            Place::S3(archive) => archive.present(suite).await,
        }
    }

    /// Writes what the plan says.
    pub(super) async fn publish(
        &self,
        plan: &PublishPlan,
        source: &FindFile<'_>,
        signer: &dyn Signer,
        now: i64,
    ) -> Result<Published, ArchiveError> {
        match self {
            Place::Dir(root) => dir::publish(root, &dir::Publication::of(plan, now), source, signer),
            Place::S3(archive) => archive.publish(plan, source, signer, now).await,
        }
    }

    /// Serves it on the loopback to those who prove it.
    pub(super) fn serve(&self) -> Result<Serving, serve::ServeError> {
        match self {
            Place::Dir(root) => serve::serve(root.clone()),
            Place::S3(archive) => archive.serve(),
        }
    }
}

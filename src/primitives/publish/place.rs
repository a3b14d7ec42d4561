//! Where an archive is published to, and what is asked of it: a directory, or a place in a bucket.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::core::ids::Sha256;
use crate::core::publish::pdiff::{self, Earlier};
use crate::core::publish::{BesideFile, BesideKind, PublishPlan};
use crate::core::recipe::PublishTarget;
use crate::io::archive::dir::{self, Present, history};
use crate::io::archive::s3::{self, S3Archive};
use crate::io::archive::serve::{self, Serving};
use crate::io::archive::{ArchiveError, FindFile, Published, Signer};
use crate::io::files;
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
            Place::S3(archive) => Path::new(&archive.client().read_url()).join(&published.key),
        }
    }

    /// What is in its pool by now.
    pub(super) async fn pool(&self) -> Result<BTreeMap<String, Sha256>, ArchiveError> {
        match self {
            Place::Dir(root) => dir::pool(root),
            Place::S3(archive) => archive.pool().await,
        }
    }

    /// The indexes of the last generations of a suite, oldest first. Those of a bucket's are the ones that were published
    /// from here.
    pub(super) fn earlier(&self, suite: &str, dir: &Path) -> anyhow::Result<Vec<Earlier>> {
        match self {
            Place::Dir(root) => Ok(history::earlier(root, suite)?),
            Place::S3(_) => {
                let mut earlier: Vec<Earlier> = Vec::new();
                for (_, folder) in self.kept_indexes(suite, dir)? {
                    for file in files::children(&folder)? {
                        let name = file.file_name().unwrap_or_default().to_string_lossy();
                        let one = Earlier { path: name.replace(',', "/"), bytes: files::read(&file)? };
                        if !earlier.contains(&one) {
                            earlier.push(one);
                        }
                    }
                }
                Ok(earlier)
            }
        }
    }

    /// Keeps the indexes of a generation of a bucket here, so that they need not be fetched to make patches from them.
    pub(super) fn keep_indexes(&self, dir: &Path, plan: &PublishPlan, number: u64) -> anyhow::Result<()> {
        if matches!(self, Place::Dir(_)) {
            return Ok(());
        }
        let listed = plan.indexes.iter().filter(|index| pdiff::has_patches(&index.path));
        let listed: Vec<(String, &[u8])> =
            listed.map(|index| (index.path.replace('/', ","), index.bytes.as_slice())).collect();
        files::write_folder(&self.earlier_folder(&plan.suite, dir).join(number.to_string()), &listed)?;
        let kept = self.kept_indexes(&plan.suite, dir)?;
        let old = kept.len().saturating_sub(history::EARLIER);
        kept.iter().take(old).try_for_each(|(_, folder)| files::remove_folder(folder))?;
        Ok(())
    }

    fn earlier_folder(&self, suite: &str, dir: &Path) -> PathBuf {
        self.near(dir).join("earlier").join(suite.replace('/', ","))
    }

    /// The folders of generations whose indexes are kept here, by number.
    fn kept_indexes(&self, suite: &str, dir: &Path) -> anyhow::Result<Vec<(u64, PathBuf)>> {
        let folders = files::children(&self.earlier_folder(suite, dir))?;
        let numbered = |folder: PathBuf| Some((folder.file_name()?.to_str()?.parse().ok()?, folder));
        let mut numbered: Vec<(u64, PathBuf)> = folders.into_iter().filter_map(numbered).collect();
        numbered.sort();
        Ok(numbered)
    }

    /// Takes what only the archive's keeper may see out of what goes to a bucket, whose objects anybody may be allowed to
    /// read, and keeps it here.
    pub(super) fn keep_private(
        &self,
        dir: &Path,
        beside: &mut Vec<BesideFile>,
        find: impl Fn(&Sha256) -> PathBuf,
    ) -> anyhow::Result<()> {
        if matches!(self, Place::Dir(_)) {
            return Ok(());
        }
        let folder = self.near(dir).join("byhand");
        for file in beside.extract_if(.., |file| file.kind == BesideKind::Byhand) {
            let path = folder.join(&file.source).join(file.sha256.to_string()).join(&file.name);
            files::write(&path, &files::read(&find(&file.sha256))?)?;
        }
        Ok(())
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

//! Files that builders fetch: sources and packages by hash, views as apt reads them.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use tokio_util::io::ReaderStream;

use super::answer::{Failure, id};
use crate::control::point::{Point, blocking};
use crate::control::views;
use crate::core::ids::{Sha256, ViewId};
use crate::io::control::FROM_HERE;

/// How much of a file is sent at once, in bytes.
const PIECE: usize = 256 << 10;

/// `GET /v1/files/SHA256`
pub(super) async fn file(
    State(point): State<Arc<Point>>,
    Path(sha256): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    by_hash(&point, id(&sha256)?, query.as_deref() != Some(FROM_HERE)).await
}

/// `GET /view/ID/pool/SHA256/BASENAME`: the name is for whoever reads the archive, the hash says which file.
pub(super) async fn pool(
    State(point): State<Arc<Point>>,
    Path((view, sha256, _name)): Path<(String, String, String)>,
) -> Result<Response, Failure> {
    let root = views::root(&point.state_dir, id::<ViewId>(&view)?);
    if !root.is_dir() {
        return Err(Failure::NotFound(format!("there is no view `{view}`")));
    }
    by_hash(&point, id(&sha256)?, true).await
}

/// `GET /view/ID/dists/...`
pub(super) async fn dists(
    State(point): State<Arc<Point>>,
    Path((view, path)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let view: ViewId = id(&view)?;
    let (dir, wanted) = (point.state_dir.clone(), path.clone());
    let found = blocking(move || Ok(views::dists_file(&dir, view, &wanted))).await?;
    let missing = || Failure::NotFound(format!("view `{view}` has no `dists/{}`", path.escape_debug()));
    stream(found.ok_or_else(missing)?).await
}

/// `GET /v1/dist/SHA256`: this program, for a builder that has nothing yet.
pub(super) async fn program(State(point): State<Arc<Point>>, Path(sha256): Path<String>) -> Result<Response, Failure> {
    let file = point.state_dir.join("dist").join(id::<Sha256>(&sha256)?.to_string());
    if !file.is_file() {
        return Err(Failure::NotFound(format!("no program here has the SHA-256 `{sha256}`")));
    }
    stream(file).await
}

/// A file that was built here, or that the run's pinned archives have.
async fn by_hash(point: &Point, sha256: Sha256, from_copy: bool) -> Result<Response, Failure> {
    if point.store.contains(&sha256) {
        return stream(point.store.path(&sha256)).await;
    }
    // The copy near the builders, where there is one: what it cannot give is given from here.
    match point.provide.elsewhere(sha256).await {
        Ok(Some(url)) if from_copy => return Ok(Redirect::temporary(&url).into_response()),
        Ok(Some(_) | None) => {}
        Err(error) => tracing::warn!(%sha256, %error, "no URL of a copy"),
    }
    let provided = point.provide.provide(sha256).await.map_err(Failure::NoFile)?;
    let missing = || Failure::NotFound(format!("nothing of this run has the SHA-256 `{sha256}`"));
    stream(provided.ok_or_else(missing)?).await
}

/// A file as it is.
async fn stream(path: PathBuf) -> Result<Response, Failure> {
    let open = async {
        let file = tokio::fs::File::open(&path).await?;
        let length = file.metadata().await?.len();
        Ok::<_, std::io::Error>((file, length))
    };
    let (file, length) = open.await.with_context(|| format!("open `{}`", path.display()))?;
    let headers = [(CONTENT_LENGTH, length.to_string()), (CONTENT_TYPE, "application/octet-stream".to_owned())];
    Ok((headers, Body::from_stream(ReaderStream::with_capacity(file, PIECE))).into_response())
}

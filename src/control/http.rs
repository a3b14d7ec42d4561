//! The control point's pages and endpoints: a handler parses, asks, and maps the answer.

mod acts;
mod answer;
mod files;
mod jobs;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post, put};

use self::answer::Failure;
use super::point::{Point, blocking};
use super::token;
use crate::core::fleet::BuilderState;
use crate::io::control::BuilderKey;
use crate::io::state::builders;

/// The largest JSON that a builder may send, in bytes.
const MAX_JSON: usize = 4 << 20;

/// The largest piece of a log that a builder may send at once, in bytes.
const MAX_LOG_PIECE: usize = 8 << 20;

/// Every route.
pub(super) fn router(point: Arc<Point>) -> Router {
    let words = Router::new()
        .route("/lease", post(jobs::lease))
        .route("/act", post(acts::act))
        .route("/jobs/{job}/heartbeat", post(jobs::heartbeat))
        .route("/jobs/{job}/finish", post(jobs::finish))
        .layer(DefaultBodyLimit::max(MAX_JSON));
    let sent = Router::new()
        .route("/jobs/{job}/log", put(jobs::log).layer(DefaultBodyLimit::max(MAX_LOG_PIECE)))
        // Streamed to a file, with a limit of its own.
        .route("/jobs/{job}/files/{name}", put(jobs::file).layer(DefaultBodyLimit::disable()));
    let closed = words
        .merge(sent)
        .route("/files/{sha256}", get(files::file))
        .route("/dist/{sha256}", get(files::program))
        .route("/status", get(status::status))
        .fallback(nothing_here)
        .layer(from_fn_with_state(Arc::clone(&point), opened));
    Router::new()
        .nest("/v1", closed)
        // apt, which reads views, knows no token; views and package files are nothing that is to be kept secret.
        .route("/view/{view}/dists/{*path}", get(files::dists))
        .route("/view/{view}/pool/{sha256}/{name}", get(files::pool))
        .fallback(nothing_here)
        .with_state(point)
}

/// Lets in who has the token.
async fn opened(State(point): State<Arc<Point>>, request: Request, next: Next) -> Result<Response, Failure> {
    match request.headers().get(AUTHORIZATION) {
        Some(header) if token::opens(&point.token, header.as_bytes()) => Ok(next.run(request).await),
        Some(header) if builder_opens(&point, header.as_bytes()).await? => Ok(next.run(request).await),
        Some(_) | None => Err(Failure::BadToken),
    }
}

/// Lets in a builder of a cloud by a token of its own, as long as it is one of ours and not gone.
async fn builder_opens(point: &Arc<Point>, header: &[u8]) -> anyhow::Result<bool> {
    let (point, header) = (Arc::clone(point), header.to_vec());
    blocking(move || {
        let Some(key) = BuilderKey::read(&point.state_dir)? else { return Ok(false) };
        let Some(name) = key.opens(&header) else { return Ok(false) };
        let builder = point.state.read(|db| builders::by_name(db, &name))?;
        Ok(builder.is_some_and(|builder| builder.state != BuilderState::Gone))
    })
    .await
}

async fn nothing_here(request: Request) -> Failure {
    Failure::NotFound(format!("there is no `{} {}`", request.method(), request.uri().path().escape_debug()))
}

//! The control point's pages and endpoints: a handler parses, asks, and maps the answer.

mod acts;
mod answer;
mod caller;
mod files;
mod jobs;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};

use self::answer::Failure;
use super::point::Point;

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
        .method_not_allowed_fallback(another_method)
        .layer(from_fn_with_state(Arc::clone(&point), caller::opened));
    Router::new()
        .nest("/v1", closed)
        // apt, which reads views, knows no token; views and package files are nothing that is to be kept secret.
        .route("/view/{view}/dists/{*path}", get(files::dists))
        .route("/view/{view}/pool/{sha256}/{name}", get(files::pool))
        .fallback(nothing_here)
        .method_not_allowed_fallback(another_method)
        .with_state(point)
}

async fn nothing_here(request: Request) -> Failure {
    Failure::NotFound(format!("there is no `{} {}`", request.method(), request.uri().path().escape_debug()))
}

async fn another_method(request: Request) -> Failure {
    Failure::Method(format!("`{}` does not take {}", request.uri().path().escape_debug(), request.method()))
}

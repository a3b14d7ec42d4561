//! A bucket's archive over HTTP, read only, for clients that may not read the bucket themselves.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::io::archive::s3::S3Archive;
use crate::io::archive::serve::{self, LOOPBACK, ServeError, Serving};

impl S3Archive {
    /// Serves what is in the bucket on a free port of the loopback, from a thread of its own.
    ///
    /// # Errors
    /// The port or the thread cannot be had.
    pub fn serve(&self) -> Result<Serving, ServeError> {
        self.serve_at(LOOPBACK)
    }

    /// The same at an address; port 0 is a free one.
    pub fn serve_at(&self, address: SocketAddr) -> Result<Serving, ServeError> {
        let root = self.root();
        let app = Router::new().fallback(object).with_state(self.clone());
        serve::start(app, address).map_err(|source| ServeError { root, address, source })
    }
}

/// Sends one object. Our own notes are not there for clients.
async fn object(State(archive): State<S3Archive>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = serve::decode(request.uri().path());
    let path = path.as_deref().and_then(|path| path.strip_prefix('/'));
    let plain = |path: &&str| path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    let Some(path) = path.filter(plain) else { return StatusCode::NOT_FOUND.into_response() };
    let put = archive.headers(path);
    match archive.client().get(path).await {
        Ok(Some(object)) => {
            let length = object.bytes.len().to_string();
            let body = if request.method() == Method::HEAD { Body::empty() } else { Body::from(object.bytes) };
            let headers = [(header::CONTENT_LENGTH, length), (header::CONTENT_TYPE, put.content_type.to_owned())];
            (headers, body).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::warn!(%error, path, "an object cannot be served");
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

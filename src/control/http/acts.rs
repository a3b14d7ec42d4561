//! What people want: retry, give back, fail, cancel, pause, drain.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;

use super::answer::{Failure, words};
use super::jobs::unexpected;
use crate::control::desk::{Reply, Request};
use crate::control::point::Point;
use crate::wire::acts::{Act, Acted};

/// `POST /v1/act`
pub(super) async fn act(
    State(point): State<Arc<Point>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Acted>, Failure> {
    let act: Act = words(body)?;
    match point.ask(Request::Act(act)).await? {
        Reply::Acted(acted) => Ok(Json(acted)),
        other => Err(unexpected(other)),
    }
}

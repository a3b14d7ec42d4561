//! Refusals: one JSON form, the right status.

use std::str::FromStr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use crate::control::desk::{Refusal, Refused};
use crate::core::ids::IdError;
use crate::io::state::StateError;
use crate::wire;

/// Why a request was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The desk's own refusal.
    Refused(Refused),
    /// No token, or another one.
    BadToken,
    /// The token does not open that.
    Forbidden(String),
    /// The path is there for other methods.
    Method(String),
    /// The request is not what it should be.
    BadRequest(String),
    /// There is no such thing.
    NotFound(String),
    /// More bytes than any build has.
    TooLarge(String),
    /// The builder stopped sending.
    Slow,
    /// The mirror did not give a file, though it was asked as often as the settings say: asking again is no use.
    NoFile(anyhow::Error),
    /// Not the builder's fault: it may try again.
    Internal(anyhow::Error),
}

impl Failure {
    fn parts(&self) -> (StatusCode, &'static str, String) {
        match self {
            Failure::Refused(Refused { kind, message }) => {
                let (status, code) = match kind {
                    Refusal::BadRequest => (StatusCode::BAD_REQUEST, "bad-request"),
                    Refusal::NoSuchJob => (StatusCode::NOT_FOUND, "no-such-job"),
                    Refusal::StaleEpoch => (StatusCode::CONFLICT, "stale-epoch"),
                    Refusal::RefusedUpload => (StatusCode::UNPROCESSABLE_ENTITY, "refused-upload"),
                };
                (status, code, message.clone())
            }
            Failure::BadToken => (
                StatusCode::UNAUTHORIZED,
                "bad-token",
                "expected the token of `control.json`, got another or none".to_owned(),
            ),
            Failure::Forbidden(message) => (StatusCode::FORBIDDEN, "forbidden", message.clone()),
            Failure::Method(message) => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", message.clone()),
            Failure::BadRequest(message) => (StatusCode::BAD_REQUEST, "bad-request", message.clone()),
            Failure::NotFound(message) => (StatusCode::NOT_FOUND, "not-found", message.clone()),
            Failure::TooLarge(message) => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", message.clone()),
            Failure::Slow => {
                (StatusCode::REQUEST_TIMEOUT, "try-again", "the rest of the body did not come in time".to_owned())
            }
            Failure::NoFile(error) => (StatusCode::FAILED_DEPENDENCY, "no-file", format!("{error:#}")),
            Failure::Internal(error) => {
                let full = matches!(error.downcast_ref::<StateError>(), Some(StateError::DiskFull { .. }));
                let status = if full { StatusCode::INSUFFICIENT_STORAGE } else { StatusCode::INTERNAL_SERVER_ERROR };
                (status, "try-again", format!("{error:#}"))
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, code, message) = self.parts();
        if let Failure::Internal(error) | Failure::NoFile(error) = &self {
            tracing::warn!(error = format!("{error:#}"), "a request of a builder failed");
        }
        (status, Json(wire::Refusal { code: code.to_owned(), message })).into_response()
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Internal(error)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Failure::Refused(refused)
    }
}

impl From<IdError> for Failure {
    fn from(error: IdError) -> Self {
        Failure::BadRequest(error.to_string())
    }
}

impl From<QueryRejection> for Failure {
    fn from(rejection: QueryRejection) -> Self {
        Failure::BadRequest(rejection.body_text())
    }
}

impl From<BytesRejection> for Failure {
    fn from(rejection: BytesRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Failure::TooLarge(rejection.body_text()),
            _ => Failure::BadRequest(rejection.body_text()),
        }
    }
}

/// An id in a path.
pub(super) fn id<T: FromStr<Err = IdError>>(text: &str) -> Result<T, Failure> {
    Ok(text.parse::<T>()?)
}

/// A JSON body; unknown fields are refused by the types themselves.
pub(super) fn words<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Failure> {
    serde_json::from_slice(&body?)
        .map_err(|error| Failure::BadRequest(format!("the body is not what it should be: {error}")))
}

//! Who asks, and what they may: whoever has the run's token all of it, a builder of a cloud what its own jobs need.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;

use super::answer::{Failure, id};
use crate::control::desk::{Refusal, Refused};
use crate::control::point::{Point, blocking};
use crate::control::token;
use crate::core::fleet::BuilderState;
use crate::core::ids::JobId;
use crate::io::control::BuilderKey;
use crate::io::state::{attempts, builders, jobs};

/// Who asks; handlers find it among the request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Caller {
    /// Who has the token of `control.json`: a person, or a builder on this machine.
    Operator,
    /// A builder that was launched, by the token that is its own.
    Builder(String),
}

impl Caller {
    /// Whether it may speak for a builder of that name.
    pub(super) fn speaks_for(&self, builder: &str) -> Result<(), Failure> {
        match self {
            Caller::Builder(name) if name != builder => Err(Failure::Forbidden(format!(
                "expected words of builder `{name}`, whose token this is, got another's"
            ))),
            Caller::Operator | Caller::Builder(_) => Ok(()),
        }
    }
}

/// Lets in who has a token, to what is theirs.
pub(super) async fn opened(
    State(point): State<Arc<Point>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let header = request.headers().get(AUTHORIZATION).ok_or(Failure::BadToken)?.as_bytes().to_vec();
    let caller = if token::opens(&point.token, &header) {
        Caller::Operator
    } else {
        Caller::Builder(builder(&point, header).await?.ok_or(Failure::BadToken)?)
    };
    if let Caller::Builder(name) = &caller {
        may(&point, name, request.uri().path()).await?;
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// The builder whose token it is, as long as it is one of ours and not gone.
async fn builder(point: &Arc<Point>, header: Vec<u8>) -> anyhow::Result<Option<String>> {
    let point = Arc::clone(point);
    blocking(move || {
        let Some(key) = BuilderKey::read(&point.state_dir)? else { return Ok(None) };
        let Some(name) = key.opens(&header) else { return Ok(None) };
        let builder = point.state.read(|db| builders::by_name(db, &name))?;
        Ok(builder.filter(|builder| builder.state != BuilderState::Gone).map(|_| name))
    })
    .await
}

/// Whether a builder may ask for that: for work, for files, and about jobs that it was given last.
async fn may(point: &Arc<Point>, name: &str, path: &str) -> Result<(), Failure> {
    let path = path.strip_prefix("/v1").unwrap_or(path);
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts.as_slice() {
        ["lease"] | ["files" | "dist", _] => Ok(()),
        ["jobs", job, ..] => {
            let (job, name): (JobId, String) = (id(job)?, name.to_owned());
            let point = Arc::clone(point);
            let theirs = blocking(move || {
                let newest = point.state.read(|db| match jobs::get(db, job)? {
                    Some(known) => attempts::get(db, job, known.epoch),
                    None => Ok(None),
                })?;
                Ok(newest.is_some_and(|attempt| attempt.builder == name))
            });
            match theirs.await? {
                true => Ok(()),
                // For a builder that lost its lease to another one, it is as if it had come too late, which it has.
                false => {
                    let message = format!("job `{job}` is not with the builder whose token this is");
                    Err(Refused { kind: Refusal::StaleEpoch, message }.into())
                }
            }
        }
        _ => Err(Failure::Forbidden(format!("builder `{name}` may not ask for `{}`", path.escape_debug()))),
    }
}

//! What a call to the EC2 API ended with, when not well.

use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};

use crate::core::fleet::trouble::{Trouble, classify};

/// Why the cloud did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ec2Error {
    /// It answered with an error.
    #[error("{doing}: {}{message}\nhint: {hint}", words(*status, code.as_deref()))]
    Answer {
        /// The call.
        doing: &'static str,
        /// HTTP's status.
        status: Option<u16>,
        /// EC2's word.
        code: Option<String>,
        /// In its words.
        message: String,
        /// What to do.
        hint: &'static str,
    },
    /// No answer came.
    #[error("{doing}: the cloud could not be asked: {why}\nhint: {hint}")]
    NoAnswer {
        /// The call.
        doing: &'static str,
        /// In words.
        why: String,
        /// What to do.
        hint: &'static str,
    },
    /// There are no credentials.
    #[error(
        "{doing}: no credentials for the cloud: {why}\nhint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    )]
    NoCredentials {
        /// The call.
        doing: &'static str,
        /// In words.
        why: String,
    },
    /// There is no such image.
    #[error(
        "expected the image `{image}` in region `{region}`, which has none of that name\nhint: `image` of `cb.ec2` names one"
    )]
    NoImage {
        /// Its name.
        image: String,
        /// Where.
        region: String,
    },
    /// It answered well, and with nothing.
    #[error("{doing}: the cloud answered without an instance\nhint: is `endpoint` of `cb.ec2` an EC2 API?")]
    Nothing {
        /// The call.
        doing: &'static str,
    },
}

impl Ec2Error {
    /// What kind of trouble it is.
    pub fn trouble(&self) -> Trouble {
        match self {
            Ec2Error::Answer { status, code, .. } => classify(*status, code.as_deref()),
            Ec2Error::NoAnswer { .. } | Ec2Error::Nothing { .. } => Trouble::Unknown,
            Ec2Error::NoCredentials { .. } | Ec2Error::NoImage { .. } => Trouble::Refused,
        }
    }
}

fn words(status: Option<u16>, code: Option<&str>) -> String {
    match (code, status) {
        (Some(code), _) => format!("`{code}`: "),
        (None, Some(status)) => format!("HTTP {status}: "),
        (None, None) => String::new(),
    }
}

/// What a call ended with.
pub fn failed<E>(doing: &'static str, error: &SdkError<E, HttpResponse>) -> Ec2Error
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let code = error.code().map(str::to_owned);
    if status.is_none() {
        let why = chain(error);
        return if why.contains("credential") {
            Ec2Error::NoCredentials { doing, why }
        } else {
            Ec2Error::NoAnswer { doing, hint: hint(&why), why }
        };
    }
    let message = match error.message() {
        Some(message) => message.to_owned(),
        // A page of a proxy, or of something that is no EC2 API at all.
        None => error.raw_response().and_then(|response| response.body().bytes()).map(page).unwrap_or_default(),
    };
    let hint = match &code {
        Some(code) => super::advice(Some(code)),
        None => "`endpoint` of `cb.ec2` must be an EC2 API, and no proxy may answer for it",
    };
    Ec2Error::Answer { doing, status, code, message, hint }
}

/// The beginning of a page that should have been an answer, on one line.
fn page(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
    let text: Vec<&str> = text.split_whitespace().collect();
    format!("expected an answer of the EC2 API, got `{}`", text.join(" "))
}

fn hint(why: &str) -> &'static str {
    let has = |word: &str| why.contains(word);
    if has("certificate") || has("tls") || has("TLS") {
        "the certificate of `endpoint` is not one that this machine trusts: install its authority in /etc/ssl/certs"
    } else if has("dns") || has("resolve") || has("lookup") {
        "the host in `endpoint`, or the `region`, does not exist as a name: check both"
    } else if has("refused") {
        "nothing listens at `endpoint`: check host and port"
    } else {
        "check `endpoint` and `region` of `cb.ec2`, and this machine's network"
    }
}

/// An error and what is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let (mut parts, mut at) = (vec![error.to_string()], error.source());
    while let Some(inner) = at {
        let text = inner.to_string();
        if parts.last() != Some(&text) {
            parts.push(text);
        }
        at = inner.source();
    }
    parts.join(": ")
}

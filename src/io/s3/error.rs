//! What can be wrong with a bucket, its server and how one gets there, and what to do about it.

use std::path::PathBuf;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

use crate::core::bucket::Bucket;
use crate::core::ids::Sha256;

/// An error of somebody else's.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why an object was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// A local file.
    #[error("{doing} `{path}`: {source}")]
    Io {
        /// `read`.
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A local file is not the one that it should be.
    #[error(
        "`{path}`: expected SHA-256 {expected}, got {got}\nhint: the file was damaged after it was built or fetched"
    )]
    Content {
        /// Which.
        path: PathBuf,
        /// What it should be.
        expected: Sha256,
        /// What it is.
        got: Sha256,
    },
    /// Nobody answers.
    #[error(
        "{tried}: no answer: {reason}\n\
         hint: is the endpoint right (`endpoint = \"https://s3.example.org\"`), and does its server run?"
    )]
    Unreachable {
        /// What was tried.
        tried: Box<Tried>,
        /// As the connection says it.
        reason: String,
    },
    /// There are no credentials where the AWS tools look for them.
    #[error(
        "no credentials for `{place}`: {reason}\n\
         hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a `profile` of the AWS credentials file"
    )]
    NoCredentials {
        /// The bucket.
        place: String,
        /// As the search for them says it.
        reason: String,
    },
    /// The server does not know the key, or its secret is another.
    #[error(
        "{tried}: the server does not accept the credentials ({code})\n\
         hint: are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY those of this server, and AWS_SESSION_TOKEN not \
         out of date?"
    )]
    Credentials {
        /// What was tried.
        tried: Box<Tried>,
        /// The server's word.
        code: String,
    },
    /// The credentials are good, and not enough.
    #[error(
        "{tried}: not allowed ({code}: {message})\n\
         hint: whoever the credentials are of needs s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket \
         there; where the bucket has no ACLs, leave `acl` out; a bucket that is over its quota says this, too"
    )]
    Denied {
        /// What was tried.
        tried: Box<Tried>,
        /// The server's word.
        code: String,
        /// The server's sentence.
        message: String,
    },
    /// There is no such bucket.
    #[error("there is no bucket `{bucket}` at {endpoint}\nhint: make it first, or correct its name or the endpoint")]
    NoBucket {
        /// The bucket.
        bucket: String,
        /// The server.
        endpoint: String,
    },
    /// The bucket is in another region.
    #[error("the bucket of `{place}` is in another region: {message}\nhint: {hint}")]
    Region {
        /// The bucket.
        place: String,
        /// The server's sentence.
        message: String,
        /// What to write.
        hint: String,
    },
    /// This machine's clock and the server's are far apart.
    #[error(
        "this machine's clock is {seconds} seconds {direction} the server's at {endpoint}\n\
         hint: set the clock (`timedatectl set-ntp true`): signatures and the archive's dates follow from it"
    )]
    Clock {
        /// How far they are apart.
        seconds: u64,
        /// `ahead of` or `behind`.
        direction: &'static str,
        /// The server.
        endpoint: String,
    },
    /// The server says that the request's time is off.
    #[error(
        "{tried}: the server says that this machine's clock is off ({message})\n\
         hint: set the clock (`timedatectl set-ntp true`)"
    )]
    Skew {
        /// What was tried.
        tried: Box<Tried>,
        /// The server's sentence.
        message: String,
    },
    /// No room.
    #[error(
        "{tried}: there is no room left ({code}: {message})\n\
         hint: make room on the server or raise the bucket's quota, and publish again; what was sent is kept"
    )]
    Full {
        /// What was tried.
        tried: Box<Tried>,
        /// The server's word, or its status.
        code: String,
        /// The server's sentence.
        message: String,
    },
    /// Something answers that is no S3 server.
    #[error(
        "{tried}: that is no S3 server, or not at this path: it answered {got}\n\
         hint: `endpoint` is the server's URL without the bucket, such as `https://s3.example.org`"
    )]
    NotS3 {
        /// What was tried.
        tried: Box<Tried>,
        /// The status and the beginning of the body.
        got: String,
    },
    /// What came is not what was sent.
    #[error("{tried}: {reason}\nhint: something between here and the server changes what is sent")]
    Damaged {
        /// What was tried.
        tried: Box<Tried>,
        /// Expected and got.
        reason: String,
    },
    /// A setting that cannot be used.
    #[error("`{what}`: {reason}")]
    Setting {
        /// Which.
        what: &'static str,
        /// Expected, got, and a hint.
        reason: String,
    },
    /// Anything else that the server says.
    #[error("{tried}: the server answered {code}: {message}")]
    Answer {
        /// What was tried.
        tried: Box<Tried>,
        /// The server's word, or the status.
        code: String,
        /// The server's sentence.
        message: String,
    },
}

/// What was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// `read`, `write`, `list`, `delete`.
    pub doing: &'static str,
    /// The path.
    pub what: String,
    /// The bucket.
    pub place: String,
    /// The server.
    pub endpoint: String,
}

impl std::fmt::Display for Tried {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} `{}` in `{}` at {}", self.doing, self.what, self.place, self.endpoint)
    }
}

/// What was tried, for errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trying<'t> {
    /// The bucket.
    pub(super) bucket: &'t Bucket,
    /// The server's URL, as people know it.
    pub(super) endpoint: &'t str,
    /// `read`, `write`, `list`, `delete`.
    pub(super) doing: &'static str,
    /// The path.
    pub(super) what: &'t str,
}

/// The HTTP status of an answer, if there was one.
pub(super) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

impl Trying<'_> {
    /// For an error.
    pub(super) fn tried(&self) -> Box<Tried> {
        let (doing, what, endpoint) = (self.doing, self.what.to_owned(), self.endpoint.to_owned());
        Box::new(Tried { doing, what, place: self.bucket.to_string(), endpoint })
    }

    /// Says what an error of the SDK's means.
    pub(super) fn error<E>(&self, error: SdkError<E, HttpResponse>) -> S3Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let (tried, place) = (self.tried(), self.bucket.to_string());
        let reason = innermost(&error);
        match &error {
            SdkError::DispatchFailure(failure) if failure.is_other() || failure.as_connector_error().is_none() => {
                return S3Error::NoCredentials { place, reason };
            }
            SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => {
                return S3Error::Unreachable { tried, reason };
            }
            SdkError::ConstructionFailure(_) => return S3Error::NoCredentials { place, reason },
            // The rest is an answer; the enum is the SDK's, and may grow.
            _ => {}
        }
        let number = status(&error).unwrap_or_default();
        let body = error.raw_response().and_then(|response| response.body().bytes()).unwrap_or_default();
        let body = String::from_utf8_lossy(body).into_owned();
        let region = error.raw_response().and_then(|response| response.headers().get("x-amz-bucket-region"));
        let region = region.map(str::to_owned);
        let meta = error.as_service_error();
        let code = meta.and_then(|meta| meta.code()).filter(|code| !code.is_empty()).map(str::to_owned);
        let message = meta.and_then(|meta| meta.message()).unwrap_or_default().trim_end_matches('.').to_owned();
        self.answered(Answered { number, code, message, body, region })
    }

    /// Says what an answer means.
    fn answered(&self, answered: Answered) -> S3Error {
        let Answered { number, code, message, body, region } = answered;
        let (tried, place, endpoint) = (self.tried(), self.bucket.to_string(), self.endpoint.to_owned());
        let looks_like_s3 = code.is_some() || body.is_empty() || body.contains("<Error>");
        if !looks_like_s3 || number == 405 && code.is_none() {
            let start: String = body.chars().filter(|letter| !letter.is_control()).take(80).collect();
            return S3Error::NotS3 { tried, got: format!("{number} `{start}`") };
        }
        let code = code.unwrap_or_else(|| number.to_string());
        match code.as_str() {
            "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" | "InvalidToken" | "401" => {
                S3Error::Credentials { tried, code }
            }
            "NoSuchBucket" => S3Error::NoBucket { bucket: self.bucket.name.clone(), endpoint },
            "RequestTimeTooSkewed" => S3Error::Skew { tried, message },
            "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" | "301" => {
                let hint = match region {
                    Some(region) => format!("write `region = \"{region}\"`"),
                    None => "say the bucket's `region`".to_owned(),
                };
                S3Error::Region { place, message, hint }
            }
            "QuotaExceeded" | "InsufficientStorage" | "XMinioStorageFull" | "EntityTooLarge" | "507" => {
                S3Error::Full { tried, code, message }
            }
            "AccessDenied" | "AllAccessDisabled" | "AccessControlListNotSupported" | "403" => {
                S3Error::Denied { tried, code, message }
            }
            _ => S3Error::Answer { tried, code, message },
        }
    }
}

/// An answer, taken apart.
struct Answered {
    number: u16,
    code: Option<String>,
    message: String,
    body: String,
    region: Option<String>,
}

/// The last cause, which says most; the SDK's own words are `dispatch failure`.
fn innermost<E: std::error::Error + 'static>(error: &E) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let text = cause.to_string();
    if text.is_empty() { DisplayErrorContext(error).to_string() } else { text }
}

/// For errors of streams that break in the middle.
pub(super) fn reason(error: impl Into<BoxError>) -> String {
    let error: BoxError = error.into();
    let mut cause: &dyn std::error::Error = error.as_ref();
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(number: u16, code: Option<&str>, message: &str, body: &str) -> String {
        let bucket = Bucket::parse("s3://archive/acme").unwrap();
        let trying = Trying { bucket: &bucket, endpoint: "http://s3.example.org", doing: "write", what: "pool/a" };
        let (code, message, body) = (code.map(str::to_owned), message.to_owned(), body.to_owned());
        trying.answered(Answered { number, code, message, body, region: Some("eu-west-1".into()) }).to_string()
    }

    #[test]
    fn an_answer_becomes_what_a_person_can_do_about_it() {
        let all = [
            (403, Some("SignatureDoesNotMatch"), "does not accept the credentials (SignatureDoesNotMatch)"),
            (403, Some("AccessDenied"), "not allowed (AccessDenied"),
            (404, Some("NoSuchBucket"), "there is no bucket `archive` at http://s3.example.org"),
            (301, Some("PermanentRedirect"), "hint: write `region = \"eu-west-1\"`"),
            (403, Some("RequestTimeTooSkewed"), "this machine's clock is off"),
            (507, None, "there is no room left (507"),
            (500, Some("InternalError"), "the server answered InternalError"),
        ];
        for (number, code, expected) in all {
            let text = answered(number, code, "", "");
            assert!(text.contains(expected), "{text}");
        }
        let text = answered(404, None, "", "<!DOCTYPE html><title>Not here</title>");
        assert!(text.contains("that is no S3 server") && text.contains("404 `<!DOCTYPE html>"), "{text}");
    }
}

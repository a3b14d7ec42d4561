//! Single objects: read, written, listed, copied, deleted.

use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{MetadataDirective, ObjectCannedAcl};
use md5::Digest;

use crate::core::bucket::Acl;
use crate::core::ids::Sha256;
use crate::io::s3::client::Client;
use crate::io::s3::error::{S3Error, reason, status};
use crate::io::s3::{Head, Listed, Object, Put, When, Written};

/// The name under which each object notes its SHA-256.
pub(super) const NOTE: &str = "sha256";

/// What a larger file is cut into, in bytes.
pub const PART: u64 = 16 << 20;

impl Client {
    /// An object's bytes; `None` where there is none.
    pub async fn get(&self, path: &str) -> Result<Option<Object>, S3Error> {
        let trying = self.trying("read", path);
        let mut last = String::new();
        for attempt in 0..self.patience.attempts {
            self.pause(attempt).await;
            let asked = self.sdk.get_object().bucket(&self.bucket.name).key(self.bucket.key(path)).send().await;
            let answer = match asked {
                Ok(answer) => answer,
                Err(error) if is_missing(&error) => return Ok(None),
                Err(error) => return Err(trying.error(error)),
            };
            let expected = answer.content_length().and_then(|length| u64::try_from(length).ok());
            let etag = answer.e_tag().unwrap_or_default().to_owned();
            let modified = answer.last_modified().map(aws_sdk_s3::primitives::DateTime::secs).unwrap_or_default();
            // A body that breaks off is tried again here, since the SDK's tries end with the headers. What a stalled
            // one costs is bounded as a try of any other request is.
            match tokio::time::timeout(self.patience.attempt, answer.body.collect()).await {
                Ok(Ok(body)) => {
                    let bytes = body.to_vec();
                    if expected.is_none_or(|expected| expected == bytes.len() as u64) {
                        return Ok(Some(Object { bytes, etag, modified }));
                    }
                    last = format!("expected {} bytes, got {}", expected.unwrap_or_default(), bytes.len());
                }
                Ok(Err(error)) => last = reason(error),
                Err(_) => last = "the body stalled".to_owned(),
            }
        }
        Err(S3Error::Damaged { tried: trying.tried(), reason: last })
    }

    /// A URL with which anybody can read one object, and nothing else, for so long.
    pub async fn url_to_read(&self, path: &str, lives: Duration) -> Result<String, S3Error> {
        let trying = self.trying("sign a URL of", path);
        let config = PresigningConfig::expires_in(lives).expect("the time is less than a week");
        let asking = self.sdk.get_object().bucket(&self.bucket.name).key(self.bucket.key(path));
        let signed = asking.presigned(config).await.map_err(|error| trying.error(error))?;
        Ok(signed.uri().to_owned())
    }

    /// What is there under a path; `None` where nothing is.
    pub async fn head(&self, path: &str) -> Result<Option<Head>, S3Error> {
        let trying = self.trying("read", path);
        let asked = self.sdk.head_object().bucket(&self.bucket.name).key(self.bucket.key(path)).send().await;
        match asked {
            Ok(answer) => Ok(Some(Head {
                size: answer.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or_default(),
                etag: answer.e_tag().unwrap_or_default().to_owned(),
                sha256: answer.metadata().and_then(|notes| notes.get(NOTE)).cloned(),
            })),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(trying.error(error)),
        }
    }

    /// Writes an object in one request. It appears whole or not at all.
    pub async fn put(&self, path: &str, bytes: Vec<u8>, how: &Put<'_>) -> Result<Written, S3Error> {
        let sha256 = Sha256::of(&bytes);
        let _held = self.hold(bytes.len() as u64).await;
        let md5 = md5::Md5::digest(&bytes);
        let mut asking = self
            .sdk
            .put_object()
            .bucket(&self.bucket.name)
            .key(self.bucket.key(path))
            .content_type(how.content_type)
            .cache_control(how.cache_control)
            .metadata(NOTE, sha256.to_string())
            // The server compares, so that damage on the way is never seen by anybody.
            .content_md5(base64(&md5))
            .set_acl(canned(self.bucket.acl));
        match how.when {
            When::Always => {}
            When::Absent => asking = asking.if_none_match("*"),
            When::Unchanged(etag) => asking = asking.if_match(etag),
        }
        match asking.body(ByteStream::from(bytes)).send().await {
            Ok(answer) => {
                let etag = answer.e_tag().unwrap_or_default().to_owned();
                self.same_md5(path, &etag, &hex(&md5))?;
                Ok(Written::Done(etag))
            }
            Err(error) if is_refused(&error) => self.refused(path, &sha256).await,
            Err(error) => Err(self.trying("write", path).error(error)),
        }
    }

    /// Writes a file, in parts where it is large. Its content is checked first.
    pub async fn put_file(&self, path: &str, file: &Path, expected: Sha256, how: &Put<'_>) -> Result<Written, S3Error> {
        let failed = |source| S3Error::Io { doing: "read", path: file.to_owned(), source };
        let size = tokio::fs::metadata(file).await.map_err(failed)?.len();
        if size > PART {
            return self.put_parts(path, file, size, expected, how).await;
        }
        let held = self.hold(size).await;
        let bytes = tokio::fs::read(file).await.map_err(failed)?;
        let got = Sha256::of(&bytes);
        if got != expected {
            return Err(S3Error::Content { path: file.to_owned(), expected, got });
        }
        drop(held);
        self.put(path, bytes, how).await
    }

    /// A condition did not hold. Perhaps it was our own request whose answer got lost: then what is there is ours.
    pub(super) async fn refused(&self, path: &str, sha256: &Sha256) -> Result<Written, S3Error> {
        let there = self.head(path).await?;
        let ours = there.filter(|there| there.sha256.as_deref() == Some(sha256.to_string().as_str()));
        Ok(ours.map_or(Written::Refused, |there| Written::Done(there.etag)))
    }

    /// Copies an object within the bucket, on the server.
    pub async fn copy(&self, from: &str, to: &str, sha256: Sha256, how: &Put<'_>) -> Result<(), S3Error> {
        let source = format!("{}/{}", self.bucket.name, escaped(&self.bucket.key(from)));
        let asking = self
            .sdk
            .copy_object()
            .bucket(&self.bucket.name)
            .key(self.bucket.key(to))
            .copy_source(source)
            .metadata_directive(MetadataDirective::Replace)
            .metadata(NOTE, sha256.to_string())
            .content_type(how.content_type)
            .cache_control(how.cache_control)
            .set_acl(canned(self.bucket.acl));
        asking.send().await.map_err(|error| self.trying("write", to).error(error))?;
        Ok(())
    }

    /// Deletes an object; it is no error when there is none. One at a time: requests for many need a checksum that
    /// servers do not agree on.
    pub async fn delete(&self, path: &str) -> Result<(), S3Error> {
        let asked = self.sdk.delete_object().bucket(&self.bucket.name).key(self.bucket.key(path)).send().await;
        match asked {
            Ok(_) => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(error) => Err(self.trying("delete", path).error(error)),
        }
    }

    /// What there is below a path, sorted.
    pub async fn list(&self, below: &str) -> Result<Vec<Listed>, S3Error> {
        let trying = self.trying("list", below);
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let asking = self.sdk.list_objects_v2().bucket(&self.bucket.name).prefix(self.bucket.key(below));
            let page = asking.set_continuation_token(next).send().await.map_err(|error| trying.error(error))?;
            found.extend(page.contents().iter().filter_map(|object| self.listed(object)));
            next = page.next_continuation_token().map(str::to_owned).filter(|_| page.is_truncated() == Some(true));
            if next.is_none() {
                found.sort_by(|one, other| one.path.cmp(&other.path));
                return Ok(found);
            }
        }
    }

    /// The first page of what there is below a path: enough to see whether anything is.
    pub async fn first(&self, below: &str) -> Result<Vec<Listed>, S3Error> {
        let asking = self.sdk.list_objects_v2().bucket(&self.bucket.name).prefix(self.bucket.key(below));
        let page = asking.send().await.map_err(|error| self.trying("list", below).error(error))?;
        Ok(page.contents().iter().filter_map(|object| self.listed(object)).collect())
    }

    fn listed(&self, object: &aws_sdk_s3::types::Object) -> Option<Listed> {
        Some(Listed {
            path: self.bucket.path(object.key()?)?.to_owned(),
            size: object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
            modified: object.last_modified().map(aws_sdk_s3::primitives::DateTime::secs).unwrap_or_default(),
        })
    }

    /// Waits until that many bytes may be held in memory.
    pub(super) async fn hold(&self, bytes: u64) -> tokio::sync::OwnedSemaphorePermit {
        // A part is much smaller than what there is, so this always ends.
        let kib = u32::try_from(bytes.min(PART * 4) >> 10).unwrap_or(u32::MAX).max(1);
        let held = std::sync::Arc::clone(&self.memory).acquire_many_owned(kib).await;
        held.expect("the semaphore is never closed")
    }

    /// Makes sure that a server which answers with an MD5 has what was sent.
    pub(super) fn same_md5(&self, path: &str, etag: &str, expected: &str) -> Result<(), S3Error> {
        let got = etag.trim_matches('"');
        let is_md5 = got.len() == 32 && got.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_md5 || got.eq_ignore_ascii_case(expected) {
            return Ok(());
        }
        let reason = format!("expected an object with MD5 {expected} there now, got {got}");
        Err(S3Error::Damaged { tried: self.trying("write", path).tried(), reason })
    }

    /// The pause before a try, from 0.
    async fn pause(&self, attempt: u32) {
        if attempt > 0 {
            let pause = self.patience.backoff.saturating_mul(2_u32.saturating_pow(attempt - 1));
            tokio::time::sleep(pause.min(self.patience.backoff_limit).max(Duration::from_millis(1))).await;
        }
    }
}

/// Whether an error says that there is no such object; a missing bucket is another thing.
pub(super) fn is_missing<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    match code {
        Some("NoSuchKey" | "NotFound") => true,
        // The answer to HEAD has no body that could say more.
        None | Some("") => status(error) == Some(404) && is_bare(error),
        Some(_) => false,
    }
}

/// Whether an answer has no body, as those to HEAD.
fn is_bare<E>(error: &SdkError<E, HttpResponse>) -> bool {
    error.raw_response().is_some_and(|response| response.body().bytes().unwrap_or_default().is_empty())
}

/// Whether a server says that the condition of a write does not hold, or that another write came in between.
pub(super) fn is_refused<E>(error: &SdkError<E, HttpResponse>) -> bool {
    matches!(status(error), Some(412 | 409))
}

/// What the SDK calls it.
pub(super) fn canned(acl: Acl) -> Option<ObjectCannedAcl> {
    match acl {
        Acl::Bucket => None,
        Acl::PublicRead => Some(ObjectCannedAcl::PublicRead),
        Acl::Private => Some(ObjectCannedAcl::Private),
    }
}

/// A key as a part of a URL: everything but letters that stand for themselves as percent escapes.
fn escaped(key: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(key.len());
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a string never fails");
        }
    }
    out
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Base 64 with padding, as `Content-MD5` wants it.
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let [one, two, three] = [0, 1, 2].map(|at| u32::from(chunk.get(at).copied().unwrap_or_default()));
        let all = one << 16 | two << 8 | three;
        for at in 0..4 {
            let letter = LETTERS[(all >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_and_a_key_are_written_as_servers_read_them() {
        assert_eq!(
            ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes())),
            ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]
        );
        assert_eq!(escaped("pool/g++_1~2:3.deb"), "pool/g%2B%2B_1~2%3A3.deb");
    }
}

//! Large files, in parts: several at a time, and what was sent by a publisher that was killed is not sent again.

use std::path::Path;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures_util::{StreamExt, TryStreamExt};
use md5::Digest;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::core::ids::Sha256;
use crate::io::s3::client::Client;
use crate::io::s3::error::S3Error;
use crate::io::s3::objects::{NOTE, PART, base64, canned, hex, is_refused};
use crate::io::s3::{Put, When, Written};

/// Parts of one file that are sent at the same time.
const AT_ONCE: usize = 4;

/// The most parts that the protocol allows.
const MOST: u64 = 10_000;

/// A part of a file.
#[derive(Debug, Clone)]
struct Part {
    /// From 1.
    number: i32,
    start: u64,
    size: u64,
    md5: [u8; 16],
}

impl Client {
    /// Writes a large file. An upload of the same content that was left unfinished is finished.
    pub(super) async fn put_parts(
        &self,
        path: &str,
        file: &Path,
        size: u64,
        expected: Sha256,
        how: &Put<'_>,
    ) -> Result<Written, S3Error> {
        let parts = cut(file, size, expected).await?;
        let (upload, sent) = match self.unfinished(path, &parts).await? {
            Some(found) => found,
            None => (self.begin(path, expected, how).await?, Vec::new()),
        };
        let resumed = !sent.is_empty();
        // Collected, since a lazy filter over references keeps this future from being sent to another thread.
        let mut missing = parts.clone();
        missing.retain(|part| !sent.iter().any(|(number, _)| *number == part.number));
        let sending = missing.into_iter().map(|part| self.send(path, file, &upload, part));
        let mut done: Vec<(i32, String)> =
            futures_util::stream::iter(sending).buffer_unordered(AT_ONCE).try_collect().await?;
        done.extend(sent);
        done.sort();
        let written = self.complete(path, &upload, &done, expected, how).await?;
        if resumed && matches!(written, Written::Done(_)) {
            // Who began it may have meant another file with the same beginning, and noted that one's hash.
            let there = self.head(path).await?;
            if there.is_none_or(|there| there.sha256 != Some(expected.to_string()) || there.size != size) {
                self.copy(path, path, expected, how).await?;
            }
        }
        Ok(written)
    }

    /// Ends uploads below a path that nobody will finish, so that they do not cost for ever.
    pub async fn abandon(&self, below: &str, before: i64) -> Result<u64, S3Error> {
        let trying = self.trying("list", below);
        let asking = self.sdk.list_multipart_uploads().bucket(&self.bucket.name).prefix(self.bucket.key(below));
        let found = asking.send().await.map_err(|error| trying.error(error))?;
        let mut count = 0;
        for upload in found.uploads() {
            let old = upload.initiated().is_some_and(|when| when.secs() < before);
            let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else { continue };
            if old {
                let ending = self.sdk.abort_multipart_upload().bucket(&self.bucket.name).key(key).upload_id(id);
                ending.send().await.map_err(|error| self.trying("delete", key).error(error))?;
                count += 1;
            }
        }
        Ok(count)
    }

    async fn begin(&self, path: &str, sha256: Sha256, how: &Put<'_>) -> Result<String, S3Error> {
        let asking = self
            .sdk
            .create_multipart_upload()
            .bucket(&self.bucket.name)
            .key(self.bucket.key(path))
            .content_type(how.content_type)
            .cache_control(how.cache_control)
            .metadata(NOTE, sha256.to_string())
            .set_acl(canned(self.bucket.acl));
        let begun = asking.send().await.map_err(|error| self.trying("write", path).error(error))?;
        begun.upload_id().map(str::to_owned).ok_or_else(|| S3Error::Damaged {
            tried: self.trying("write", path).tried(),
            reason: "expected the id of an upload, got none".to_owned(),
        })
    }

    /// An upload to this path whose parts are all ours, and those; others to the path are ended.
    async fn unfinished(&self, path: &str, parts: &[Part]) -> Result<Option<(String, Vec<(i32, String)>)>, S3Error> {
        let trying = self.trying("list", path);
        let key = self.bucket.key(path);
        let asking = self.sdk.list_multipart_uploads().bucket(&self.bucket.name).prefix(&key);
        let uploads = asking.send().await.map_err(|error| trying.error(error))?;
        let mut found = None;
        for upload in uploads.uploads().iter().filter(|upload| upload.key() == Some(key.as_str())) {
            let Some(id) = upload.upload_id() else { continue };
            let sent = if found.is_none() { self.sent(path, id, parts).await? } else { None };
            match sent {
                Some(sent) => found = Some((id.to_owned(), sent)),
                None => {
                    let ending = self.sdk.abort_multipart_upload().bucket(&self.bucket.name).key(&key).upload_id(id);
                    // It is somebody's rubbish; that it is gone already is as good.
                    let _gone = ending.send().await;
                }
            }
        }
        Ok(found)
    }

    /// The parts of an upload, if each of them is one of ours.
    async fn sent(&self, path: &str, upload: &str, parts: &[Part]) -> Result<Option<Vec<(i32, String)>>, S3Error> {
        let (mut sent, mut next) = (Vec::new(), None);
        loop {
            let asking = self.sdk.list_parts().bucket(&self.bucket.name).key(self.bucket.key(path));
            let asking = asking.upload_id(upload).set_part_number_marker(next);
            let page = asking.send().await.map_err(|error| self.trying("list", path).error(error))?;
            for there in page.parts() {
                let number = there.part_number().unwrap_or_default();
                let etag = there.e_tag().unwrap_or_default();
                let ours = parts.iter().find(|part| part.number == number);
                let same = ours.is_some_and(|part| {
                    u64::try_from(there.size().unwrap_or_default()).is_ok_and(|size| size == part.size)
                        && etag.trim_matches('"').eq_ignore_ascii_case(&hex(&part.md5))
                });
                if !same {
                    return Ok(None);
                }
                sent.push((number, etag.to_owned()));
            }
            next = page.next_part_number_marker().map(str::to_owned).filter(|_| page.is_truncated() == Some(true));
            if next.is_none() {
                return Ok(Some(sent));
            }
        }
    }

    async fn send(&self, path: &str, file: &Path, upload: &str, part: Part) -> Result<(i32, String), S3Error> {
        let _held = self.hold(part.size).await;
        let bytes = read(file, part.start, part.size).await?;
        let asking = self
            .sdk
            .upload_part()
            .bucket(&self.bucket.name)
            .key(self.bucket.key(path))
            .upload_id(upload)
            .part_number(part.number)
            .content_md5(base64(&part.md5))
            .body(ByteStream::from(bytes));
        let sent = asking.send().await.map_err(|error| self.trying("write", path).error(error))?;
        let etag = sent.e_tag().unwrap_or_default().to_owned();
        self.same_md5(path, &etag, &hex(&part.md5))?;
        Ok((part.number, etag))
    }

    async fn complete(
        &self,
        path: &str,
        upload: &str,
        parts: &[(i32, String)],
        sha256: Sha256,
        how: &Put<'_>,
    ) -> Result<Written, S3Error> {
        let of = |(number, etag): &(i32, String)| CompletedPart::builder().part_number(*number).e_tag(etag).build();
        let all = CompletedMultipartUpload::builder().set_parts(Some(parts.iter().map(of).collect())).build();
        let asking = self
            .sdk
            .complete_multipart_upload()
            .bucket(&self.bucket.name)
            .key(self.bucket.key(path))
            .upload_id(upload)
            .multipart_upload(all);
        let asking = match how.when {
            When::Always => asking,
            When::Absent => asking.if_none_match("*"),
            When::Unchanged(etag) => asking.if_match(etag),
        };
        match asking.send().await {
            Ok(answer) => Ok(Written::Done(answer.e_tag().unwrap_or_default().to_owned())),
            Err(error) if is_refused(&error) => self.refused(path, &sha256).await,
            Err(error) => match self.refused(path, &sha256).await? {
                // It was done, and the answer got lost: the upload is not known any more.
                Written::Done(etag) => Ok(Written::Done(etag)),
                Written::Refused => Err(self.trying("write", path).error(error)),
            },
        }
    }
}

/// The parts of a file, which is read once to its end and is what it should be.
async fn cut(file: &Path, size: u64, expected: Sha256) -> Result<Vec<Part>, S3Error> {
    let failed = |source| S3Error::Io { doing: "read", path: file.to_owned(), source };
    let part_size = PART.max(size.div_ceil(MOST));
    let mut open = tokio::fs::File::open(file).await.map_err(failed)?;
    let (mut whole, mut parts, mut start) = (sha2::Sha256::new(), Vec::new(), 0);
    let mut buffer = vec![0; 1 << 20];
    while start < size {
        let length = part_size.min(size - start);
        let (mut md5, mut left) = (md5::Md5::new(), length);
        while left > 0 {
            let most = usize::try_from(left.min(buffer.len() as u64)).expect("a buffer's size fits");
            let count = open.read(&mut buffer[..most]).await.map_err(failed)?;
            if count == 0 {
                break;
            }
            md5.update(&buffer[..count]);
            whole.update(&buffer[..count]);
            left -= count as u64;
        }
        let number = i32::try_from(parts.len() + 1).expect("there are at most ten thousand");
        parts.push(Part { number, start, size: length, md5: md5.finalize().into() });
        start += length;
    }
    let got = Sha256(whole.finalize().into());
    if got != expected {
        return Err(S3Error::Content { path: file.to_owned(), expected, got });
    }
    Ok(parts)
}

async fn read(file: &Path, start: u64, size: u64) -> Result<Vec<u8>, S3Error> {
    let failed = |source| S3Error::Io { doing: "read", path: file.to_owned(), source };
    let mut open = tokio::fs::File::open(file).await.map_err(failed)?;
    open.seek(std::io::SeekFrom::Start(start)).await.map_err(failed)?;
    let mut bytes = vec![0; usize::try_from(size).expect("a part fits into memory")];
    open.read_exact(&mut bytes).await.map_err(failed)?;
    Ok(bytes)
}

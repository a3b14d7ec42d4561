//! One file from an archive to here: retries, deadlines, sizes, hashes; the same for every kind of URI.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::AsyncReadExt;

use super::error::{MirrorError, Place};
use super::{Mirror, dir, http};
use crate::core::events::{Event, Listener};
use crate::core::ids::Sha256;
use crate::io::store::{StoreError, StoreWriter};

/// Progress is told about so often, in bytes.
const STEP: u64 = 1024 * 1024;

/// How much was fetched of all that is to be fetched.
pub(super) struct Meter<'a> {
    listener: Option<&'a dyn Listener>,
    done: AtomicU64,
    total: AtomicU64,
}

impl<'a> Meter<'a> {
    /// Tells a listener.
    pub(super) fn new(listener: &'a dyn Listener) -> Meter<'a> {
        Meter { listener: Some(listener), done: AtomicU64::new(0), total: AtomicU64::new(0) }
    }

    /// Tells nobody.
    pub(super) fn silent() -> Meter<'static> {
        Meter { listener: None, done: AtomicU64::new(0), total: AtomicU64::new(0) }
    }

    /// There is more to fetch.
    pub(super) fn expect(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Something came.
    fn came(&self, bytes: u64) {
        let before = self.done.fetch_add(bytes, Ordering::Relaxed);
        let (done, total) = (before + bytes, self.total.load(Ordering::Relaxed));
        if let Some(listener) = self.listener
            && (before / STEP != done / STEP || done == total)
        {
            listener.hear(&Event::Progress { step: "import".to_owned(), done, total });
        }
    }

    /// What came of a transfer that broke off will come again.
    fn lost(&self, bytes: u64) {
        self.done.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The bytes of a file as they come.
enum Body {
    Http(reqwest::Response),
    File(Box<tokio::fs::File>),
}

impl Body {
    /// How much will come, where that is known.
    fn length(&self) -> Option<u64> {
        match self {
            Body::Http(response) => response.content_length(),
            Body::File(_) => None,
        }
    }

    /// The next bytes, put into `buffer`, which is emptied before; none at the end.
    async fn next(&mut self, place: &Place, buffer: &mut Vec<u8>, got: u64) -> Result<bool, MirrorError> {
        buffer.clear();
        match self {
            Body::Http(response) => {
                let chunk = response.chunk().await.map_err(|error| http::failed(place, &error, got))?;
                if let Some(chunk) = chunk {
                    buffer.extend_from_slice(&chunk);
                    return Ok(true);
                }
                Ok(false)
            }
            Body::File(file) => {
                buffer.reserve(256 * 1024);
                let read = file
                    .read_buf(buffer)
                    .await
                    .map_err(|source| MirrorError::Read { path: dir::path(&place.url).unwrap_or_default(), source })?;
                Ok(read > 0)
            }
        }
    }
}

/// Does what blocks on a thread for that.
pub(super) async fn blocking<T: Send + 'static, E: Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    tokio::task::spawn_blocking(work).await.expect("the work does not panic")
}

/// How often a transfer may still be tried.
struct Tries {
    left: u32,
    wait: Duration,
}

impl Tries {
    /// Waits before the next attempt; gives the error back when there is none, or it would not help.
    async fn after(&mut self, place: &Place, error: MirrorError) -> Result<(), MirrorError> {
        if self.left == 0 || !error.may_pass() {
            return Err(error);
        }
        tracing::debug!(%place, %error, "trying again");
        tokio::time::sleep(self.wait).await;
        self.left -= 1;
        self.wait *= 2;
        Ok(())
    }
}

impl Mirror {
    /// A file in memory, of at most `limit` bytes.
    pub(super) async fn read(&self, place: &Place, limit: u64) -> Result<Vec<u8>, MirrorError> {
        let work = async {
            let mut tries = self.tries();
            loop {
                match self.read_once(place, limit).await {
                    Ok(bytes) => return Ok(bytes),
                    Err(error) => tries.after(place, error).await?,
                }
            }
        };
        self.before_deadline(place, limit, work).await
    }

    /// One attempt of [`Mirror::read`].
    async fn read_once(&self, place: &Place, limit: u64) -> Result<Vec<u8>, MirrorError> {
        let mut bytes = Vec::new();
        let mut body = self.open(place).await?;
        let length = body.length();
        let mut buffer = Vec::new();
        while body.next(place, &mut buffer, bytes.len() as u64).await? {
            bytes.extend_from_slice(&buffer);
            if bytes.len() as u64 > limit {
                let got = bytes.len() as u64;
                return Err(MirrorError::TooLong { place: place.clone(), expected: limit, got });
            }
        }
        check_length(place, length, bytes.len() as u64)?;
        Ok(bytes)
    }

    /// A file on its way into the store, of exactly the size and hash that are expected.
    pub(super) async fn download(
        &self,
        place: &Place,
        expected: (Sha256, u64),
        meter: &Meter<'_>,
    ) -> Result<StoreWriter, MirrorError> {
        let work = async {
            let mut tries = self.tries();
            loop {
                let writer = self.store.writer().map_err(MirrorError::Store)?;
                let (writer, end) = self.download_once(place, writer, expected.1, meter).await;
                let size = writer.size();
                let checked = end.and_then(|()| {
                    check_length(place, Some(expected.1), size)?;
                    writer.verify(expected).map_err(|error| MirrorError::kept(place, error))
                });
                match checked {
                    Ok(()) => return Ok(writer),
                    Err(error) => {
                        meter.lost(size);
                        tries.after(place, error).await?;
                    }
                }
            }
        };
        self.before_deadline(place, expected.1, work).await
    }

    /// One attempt; the writer comes back in any case, for what it holds.
    async fn download_once(
        &self,
        place: &Place,
        mut writer: StoreWriter,
        limit: u64,
        meter: &Meter<'_>,
    ) -> (StoreWriter, Result<(), MirrorError>) {
        let end = async {
            let mut body = self.open(place).await?;
            let length = body.length();
            let mut buffer = Vec::new();
            while body.next(place, &mut buffer, writer.size()).await? {
                writer.put(&buffer).map_err(|error: StoreError| MirrorError::Store(error))?;
                meter.came(buffer.len() as u64);
                if writer.size() > limit {
                    return Err(MirrorError::TooLong { place: place.clone(), expected: limit, got: writer.size() });
                }
            }
            check_length(place, length, writer.size())
        }
        .await;
        (writer, end)
    }

    /// Opens a file of whatever kind of URI.
    async fn open(&self, place: &Place) -> Result<Body, MirrorError> {
        match place.url.split_once(':').map_or("", |(scheme, _)| scheme) {
            "http" | "https" => {
                let place = Place { url: encoded(&place.url), entry: place.entry.clone() };
                Ok(Body::Http(self.http.open(&place, &self.credentials).await?))
            }
            "file" | "copy" => Ok(Body::File(Box::new(dir::open(place).await?))),
            scheme => Err(MirrorError::Scheme { place: place.clone(), scheme: scheme.to_owned() }),
        }
    }

    /// As many attempts as the settings allow.
    fn tries(&self) -> Tries {
        Tries { left: self.settings.retries, wait: self.settings.back_off }
    }

    /// Stops when the time for a file of `size` bytes is over, retries included.
    async fn before_deadline<T>(
        &self,
        place: &Place,
        size: u64,
        work: impl Future<Output = Result<T, MirrorError>>,
    ) -> Result<T, MirrorError> {
        // Not part of the time for this file; those before it have deadlines of their own.
        let _permit = self.transfers.acquire().await.expect("the semaphore is never closed");
        let settings = &self.settings;
        let most = settings.stall_timeout * 10 + Duration::from_secs(size / settings.slowest.max(1));
        match tokio::time::timeout(most, work).await {
            Ok(end) => end,
            Err(_) => Err(MirrorError::Late { place: place.clone(), seconds: most.as_secs() }),
        }
    }
}

/// Compares what came with the length that was announced.
fn check_length(place: &Place, announced: Option<u64>, got: u64) -> Result<(), MirrorError> {
    match announced {
        Some(length) if got < length => {
            Err(MirrorError::Truncated { place: place.clone(), expected: format!("{length} bytes"), got })
        }
        Some(_) | None => Ok(()),
    }
}

/// A URL whose path has nothing in it that a server could take for something else, as apt writes it.
fn encoded(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let path = url[start..].find('/').map_or(url.len(), |at| start + at);
    let mut encoded = url[..path].to_owned();
    for byte in url[path..].bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' | b':' | b'@' | b',' | b'=' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02x}")),
        }
    }
    encoded
}

//! One request after another, again and again while the control point is away.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Digest;
use tokio::io::AsyncWriteExt;

use super::{ClientError, ControlFile};
use crate::core::ids::{Epoch, JobId, Sha256, ViewId};
use crate::io::clock;
use crate::wire::acts::{Act, Acted};
use crate::wire::{File, Finish, Heartbeat, HeartbeatReply, LeaseReply, LeaseRequest, LogReply, Refusal};

/// A file that is sent slower than this, in bytes per second, is sent again.
const SLOWEST: u64 = 64 << 10;

/// How long a refusal, which is short, may take to come.
const REFUSAL: Duration = Duration::from_secs(30);

/// How long a client waits for what.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a connection to be made.
    pub connect: Duration,
    /// For an answer to a short question, and for the next bytes of a long one.
    pub answer: Duration,
    /// For an answer that takes work: a file that is fetched from a mirror first, a result whose files are looked at.
    pub work: Duration,
    /// The first pause before trying again; it doubles up to `longest_pause`.
    pub pause: Duration,
    /// The longest pause before trying again.
    pub longest_pause: Duration,
    /// A control point that is away for so long is given up.
    pub give_up: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(60),
            work: Duration::from_secs(1800),
            pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
            give_up: Duration::from_secs(600),
        }
    }
}

/// Speaks to the control point that a control file names.
#[derive(Debug, Clone)]
pub struct Client {
    control_file: PathBuf,
    patience: Patience,
    http: reqwest::Client,
}

/// Asks for a file from the control point itself, where the copy that it names could not be had.
pub const FROM_HERE: &str = "from=here";

/// Where the control point says that a copy is.
fn copy_of(response: &Result<reqwest::Response, reqwest::Error>) -> Option<String> {
    let response = response.as_ref().ok().filter(|response| response.status() == StatusCode::TEMPORARY_REDIRECT)?;
    Some(response.headers().get(reqwest::header::LOCATION)?.to_str().ok()?.to_owned())
}

/// What came of one try.
enum Tried<T> {
    /// An answer.
    Answer(T),
    /// Nothing that trying again would change.
    Final(ClientError),
    /// The control point was away or in trouble.
    Again(String),
}

impl Client {
    /// A client of the control point that `control_file` names; the file is read before each try, since both the file
    /// and the port in it may come and go.
    pub fn new(control_file: &Path, patience: Patience) -> Result<Client, ClientError> {
        let http = reqwest::Client::builder()
            .connect_timeout(patience.connect)
            // The control point is never behind the proxy that the mirrors may be behind.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| ClientError::Answer { expected: "an HTTP client", got: words(&error) })?;
        Ok(Client { control_file: control_file.to_owned(), patience, http })
    }

    /// Asks for work; returns when there is some or the time in the request is over.
    pub async fn lease(&self, request: &LeaseRequest) -> Result<LeaseReply, ClientError> {
        let wait = Duration::from_secs(request.wait_seconds) + self.patience.answer;
        self.post("/v1/lease", request, wait).await
    }

    /// Says what a person wants.
    pub async fn act(&self, act: &Act) -> Result<Acted, ClientError> {
        self.post("/v1/act", act, self.patience.answer).await
    }

    /// Says that a build goes on.
    pub async fn heartbeat(&self, job: JobId, heartbeat: &Heartbeat) -> Result<HeartbeatReply, ClientError> {
        self.post(&format!("/v1/jobs/{job}/heartbeat"), heartbeat, self.patience.answer).await
    }

    /// Sends the bytes of a log from `offset` on; how much of the log the control point has then. Where that is not
    /// `offset` plus what was sent, nothing was taken: go on from there.
    pub async fn append_log(&self, job: JobId, epoch: Epoch, offset: u64, piece: &[u8]) -> Result<u64, ClientError> {
        let path = format!("/v1/jobs/{job}/log?epoch={}&offset={offset}", epoch.0);
        let send = |request: RequestBuilder| request.body(piece.to_vec()).timeout(self.patience.answer);
        let reply: LogReply = self.ask(Method::PUT, &path, send, "the length of the log").await?;
        Ok(reply.length)
    }

    /// Sends a file of a result.
    pub async fn put_file(&self, job: JobId, epoch: Epoch, file: &File, from: &Path) -> Result<(), ClientError> {
        let path = format!("/v1/jobs/{job}/files/{}?epoch={}&sha256={}", file.name, epoch.0, file.sha256);
        self.again(|| async {
            let failed = |source| ClientError::File { path: from.to_owned(), source };
            let source = match tokio::fs::File::open(from).await {
                Ok(source) => source,
                Err(error) => return Tried::Final(failed(error)),
            };
            let request = match self.request(Method::PUT, &path) {
                Ok(request) => request,
                Err(last) => return Tried::Again(last),
            };
            let body = reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::with_capacity(source, 256 << 10));
            let wait = self.patience.answer + Duration::from_secs(file.size / SLOWEST);
            let sent = request.body(body).timeout(wait).send().await;
            let took: Tried<File> = answer(sent, "the file that was sent").await;
            match took {
                Tried::Answer(took) if took == *file => Tried::Answer(()),
                Tried::Answer(took) => Tried::Final(ClientError::Mismatch {
                    expected: file.sha256,
                    size: file.size,
                    got: took.sha256,
                    got_size: took.size,
                }),
                Tried::Final(error) => Tried::Final(error),
                Tried::Again(last) => Tried::Again(last),
            }
        })
        .await
    }

    /// Says what came of an attempt, after its log and files were sent. Saying it twice is the same as saying it once.
    pub async fn finish(&self, job: JobId, finish: &Finish) -> Result<(), ClientError> {
        let path = format!("/v1/jobs/{job}/finish");
        let _: serde_json::Value = self.post(&path, finish, self.patience.work).await?;
        Ok(())
    }

    /// Fetches a file; `to` has it whole and verified, or is as it was.
    pub async fn get_file(&self, file: &File, to: &Path) -> Result<(), ClientError> {
        let no_copy = AtomicBool::new(false);
        self.again(|| async {
            let query = if no_copy.load(Ordering::Relaxed) { FROM_HERE } else { "" };
            let path = format!("/v1/files/{}?{query}", file.sha256);
            let response = match self.request(Method::GET, &path) {
                // The request's own deadline would count the whole body, however large; `fetch` counts each piece.
                Ok(request) => tokio::time::timeout(self.patience.work, request.send()).await,
                Err(last) => return Tried::Again(last),
            };
            let Ok(mut response) = response else {
                return Tried::Again("it did not begin to answer in time".to_owned());
            };
            // A copy that is nearer; it is asked for without our token, and verified like what comes from the control
            // point itself.
            let copy = copy_of(&response);
            // A copy is tried once.
            no_copy.store(copy.is_some(), Ordering::Relaxed);
            if let Some(url) = copy {
                let asked = tokio::time::timeout(self.patience.work, self.http.get(url).send()).await;
                match asked {
                    Ok(Ok(nearer)) => response = Ok(nearer),
                    Ok(Err(error)) => return Tried::Again(words(&error)),
                    Err(_) => return Tried::Again("a copy did not begin to arrive in time".to_owned()),
                }
            }
            let from_copy = no_copy.load(Ordering::Relaxed);
            let came = match good(response).await {
                Tried::Answer(response) => fetch(response, file, to, self.patience.answer).await,
                Tried::Final(error) => Tried::Final(error),
                Tried::Again(last) => Tried::Again(last),
            };
            match came {
                Tried::Answer(()) => Tried::Answer(()),
                // What the mirror's server says of our request is not the control point's word.
                Tried::Final(error) if from_copy => Tried::Again(error.to_string()),
                Tried::Final(error) => Tried::Final(error),
                Tried::Again(last) => Tried::Again(last),
            }
        })
        .await
    }

    /// Where apt finds a view now; the control point may be elsewhere after it was started again.
    pub fn view_url(&self, view: ViewId) -> Result<String, ClientError> {
        let file = ControlFile::read(&self.control_file)?;
        Ok(format!("{}/view/{view}/", file.url))
    }

    async fn post<Q: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        question: &Q,
        wait: Duration,
    ) -> Result<A, ClientError> {
        let send = |request: RequestBuilder| request.json(question).timeout(wait);
        self.ask(Method::POST, path, send, "an answer to its question").await
    }

    async fn ask<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        send: impl Fn(RequestBuilder) -> RequestBuilder,
        expected: &'static str,
    ) -> Result<A, ClientError> {
        self.again(|| async {
            match self.request(method.clone(), path) {
                Ok(request) => answer(send(request).send().await, expected).await,
                Err(last) => Tried::Again(last),
            }
        })
        .await
    }

    /// A request to where the control point is now.
    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, String> {
        let file = ControlFile::read(&self.control_file).map_err(|error| error.to_string())?;
        Ok(self.http.request(method, format!("{}{path}", file.url)).bearer_auth(file.token.secret()))
    }

    /// Tries until there is an answer, a refusal, or no patience left.
    async fn again<T, F: Future<Output = Tried<T>>>(&self, mut attempt: impl FnMut() -> F) -> Result<T, ClientError> {
        let began = clock::instant();
        let mut pause = self.patience.pause;
        loop {
            let last = match attempt().await {
                Tried::Answer(answer) => return Ok(answer),
                Tried::Final(error) => return Err(error),
                Tried::Again(last) => last,
            };
            if self.is_over(began, pause) {
                let url = ControlFile::read(&self.control_file).map_or_else(|_| "nowhere".to_owned(), |file| file.url);
                return Err(ClientError::Away { url, seconds: began.elapsed().as_secs(), last });
            }
            tracing::debug!(last, "the control point is away, trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.patience.longest_pause);
        }
    }

    fn is_over(&self, began: Instant, pause: Duration) -> bool {
        clock::instant().saturating_duration_since(began) + pause > self.patience.give_up
    }
}

/// Sorts a response: an answer, a refusal, or trouble that may pass.
async fn good(response: Result<Response, reqwest::Error>) -> Tried<Response> {
    let response = match response {
        Ok(response) => response,
        Err(error) => return Tried::Again(words(&error)),
    };
    let status = response.status();
    if status.is_success() {
        return Tried::Answer(response);
    }
    let text = match tokio::time::timeout(REFUSAL, response.text()).await {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => return Tried::Again(words(&error)),
        Err(_) => return Tried::Again("it stopped in the middle of a refusal".to_owned()),
    };
    let refusal = serde_json::from_str::<Refusal>(&text);
    match refusal {
        Ok(refusal) if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            Tried::Again(refusal.message)
        }
        Ok(refusal) => Tried::Final(ClientError::Refused { status: status.as_u16(), refusal }),
        Err(_) if status.is_server_error() => Tried::Again(format!("HTTP {status}")),
        Err(_) => Tried::Final(ClientError::Answer { expected: "a refusal in JSON", got: format!("HTTP {status}") }),
    }
}

/// The JSON of a response.
async fn answer<A: DeserializeOwned>(response: Result<Response, reqwest::Error>, expected: &'static str) -> Tried<A> {
    match good(response).await {
        Tried::Answer(response) => match response.bytes().await {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(answer) => Tried::Answer(answer),
                Err(error) => Tried::Final(ClientError::Answer { expected, got: error.to_string() }),
            },
            Err(error) => Tried::Again(words(&error)),
        },
        Tried::Final(error) => Tried::Final(error),
        Tried::Again(last) => Tried::Again(last),
    }
}

/// Writes a response's body beside `to`, and there when it is the file that was asked for.
async fn fetch(mut response: Response, file: &File, to: &Path, patience: Duration) -> Tried<()> {
    let failed = |source| Tried::Final(ClientError::File { path: to.to_owned(), source });
    let temporary = match tempfile::NamedTempFile::new_in(to.parent().unwrap_or(Path::new("."))) {
        Ok(temporary) => temporary,
        Err(error) => return failed(error),
    };
    let mut out = match temporary.reopen() {
        Ok(out) => tokio::fs::File::from_std(out),
        Err(error) => return failed(error),
    };
    let (mut hasher, mut size) = (sha2::Sha256::new(), 0);
    loop {
        let Ok(next) = tokio::time::timeout(patience, response.chunk()).await else {
            return Tried::Again("it stopped sending a file".to_owned());
        };
        match next {
            Ok(Some(piece)) => {
                hasher.update(&piece);
                size += piece.len() as u64;
                if let Err(error) = out.write_all(&piece).await {
                    return failed(error);
                }
            }
            Ok(None) => break,
            Err(error) => return Tried::Again(words(&error)),
        }
    }
    if let Err(error) = out.flush().await {
        return failed(error);
    }
    let got = Sha256(hasher.finalize().into());
    if (got, size) != (file.sha256, file.size) {
        return Tried::Final(ClientError::Mismatch { expected: file.sha256, size: file.size, got, got_size: size });
    }
    match temporary.persist(to) {
        Ok(_) => Tried::Answer(()),
        Err(error) => failed(error.error),
    }
}

/// An HTTP error with what is behind it; reqwest's own text names only the URL.
fn words(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

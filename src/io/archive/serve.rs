//! Serves an archive's directory over HTTP, read only.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// How long a server that stops waits for what it is sending.
const STOP: Duration = Duration::from_secs(2);

/// A free port of the loopback.
pub(super) const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Why a directory cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("serve `{root}` on {address}: {source}")]
pub struct ServeError {
    /// The archive.
    pub(super) root: PathBuf,
    /// Where.
    pub(super) address: SocketAddr,
    /// Why not.
    pub(super) source: std::io::Error,
}

/// A running server; it stops when this is dropped.
#[derive(Debug)]
pub struct Serving {
    /// Where it is, without a slash at the end: `http://127.0.0.1:41297`.
    pub url: String,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was told on standard error, and is no reason for another one.
            let _told = thread.join();
        }
    }
}

/// Serves the files below `root` on a free port of the loopback, from a thread of its own.
pub fn serve(root: PathBuf) -> Result<Serving, ServeError> {
    serve_at(root, LOOPBACK)
}

/// The same at an address; port 0 is a free one.
pub fn serve_at(root: PathBuf, address: SocketAddr) -> Result<Serving, ServeError> {
    let folder = root.canonicalize();
    let started = folder.and_then(|folder| start(Router::new().fallback(file).with_state(folder), address));
    started.map_err(|source| ServeError { root, address, source })
}

/// Answers with `app` at an address, from a thread of its own.
pub(super) fn start(app: Router, address: SocketAddr) -> std::io::Result<Serving> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let url = format!("http://{}", listener.local_addr()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name("serve-archive".to_owned()).spawn(move || {
        runtime.block_on(async move {
            tokio::select! {
                () = answer(listener, app) => {}
                _ = stopped => {}
            }
        });
        runtime.shutdown_timeout(STOP);
    })?;
    Ok(Serving { url, stop: Some(stop), thread: Some(thread) })
}

/// Answers requests until it is dropped.
async fn answer(listener: TcpListener, app: Router) {
    let served = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => axum::serve(listener, app).await,
        Err(error) => Err(error),
    };
    if let Err(error) = served {
        tracing::warn!(%error, "the archive's server stopped");
    }
}

/// Sends one file.
async fn file(State(root): State<PathBuf>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let Some(path) = inside(&root, request.uri().path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let opened = tokio::fs::File::open(&path).await;
    let (Ok(file), Ok(metadata)) = (opened, tokio::fs::metadata(&path).await) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let body = if request.method() == Method::HEAD {
        Body::empty()
    } else {
        Body::from_stream(tokio_util::io::ReaderStream::with_capacity(file, 64 << 10))
    };
    let kind = match path.extension().and_then(|extension| extension.to_str()) {
        Some("asc" | "gpg") => "application/pgp-keys",
        Some(_) | None => "application/octet-stream",
    };
    ([(header::CONTENT_LENGTH, metadata.len().to_string()), (header::CONTENT_TYPE, kind.to_owned())], body)
        .into_response()
}

/// The file that a request's path names, if it is a regular one below the root. Hidden files are not there for clients,
/// and neither is what a symbolic link points to outside.
fn inside(root: &Path, path: &str) -> Option<PathBuf> {
    let decoded = decode(path)?;
    let relative = decoded.strip_prefix('/')?;
    let plain = Path::new(relative).components().all(|part| match part {
        Component::Normal(name) => !name.to_string_lossy().starts_with('.'),
        Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => false,
    });
    if !plain {
        return None;
    }
    let real = root.join(relative).canonicalize().ok()?;
    (real.starts_with(root) && real.is_file()).then_some(real)
}

/// Undoes percent escapes; `None` where they are broken or give no text.
pub(super) fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (pair, after) = after.split_at_checked(2)?;
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(pair, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn get(url: &str, line: &str) -> String {
        let mut stream = std::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "{line} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn files_are_served_and_nothing_else_is() {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("root");
        std::fs::create_dir_all(root.join("pool")).unwrap();
        std::fs::write(root.join("pool/a+b_1~2.deb"), "content").unwrap();
        std::fs::write(root.join(".cloudbuild-archive"), "hidden").unwrap();
        std::fs::write(outer.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(outer.path().join("secret"), root.join("pool/link")).unwrap();
        let serving = serve(root).unwrap();
        for path in ["/pool/a+b_1~2.deb", "/pool/a%2bb_1%7e2.deb"] {
            let answer = get(&serving.url, &format!("GET {path}"));
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\ncontent"), "{answer}");
        }
        let head = get(&serving.url, "HEAD /pool/a+b_1~2.deb");
        assert!(head.contains("content-length: 7") && head.ends_with("\r\n\r\n"), "{head}");
        let tricks = ["/", "/pool", "/.cloudbuild-archive", "/pool/link", "/../secret", "/%2e%2e/secret", "/pool/%zz"];
        for path in tricks.into_iter().chain(["//etc/passwd", "/pool/%2e%2e%2f%2e%2e%2fsecret", "/pool/a%00"]) {
            let answer = get(&serving.url, &format!("GET {path}"));
            assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        }
        assert!(get(&serving.url, "POST /pool").starts_with("HTTP/1.1 405"));
    }

    #[test]
    fn the_server_is_gone_when_it_is_dropped() {
        let root = tempfile::tempdir().unwrap();
        let serving = serve(root.path().to_owned()).unwrap();
        let address = serving.url.strip_prefix("http://").unwrap().to_owned();
        drop(serving);
        // Its port is free again; only this test asks for it, so nobody else is likely to have it by now.
        TcpListener::bind(address).unwrap();
    }
}

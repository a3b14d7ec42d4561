//! Archives over HTTP and HTTPS.

use std::error::Error as _;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use reqwest::{Client, Response, StatusCode, Url, header, redirect};

use super::MirrorSettings;
use super::apt_config::Proxies;
use super::auth::Credentials;
use super::error::{MirrorError, Place};

/// Redirects within a host, or to allowed ones, that are followed for one file.
const REDIRECTS: usize = 5;

/// The clients; they differ in whether they know the machine's certificates, which a plain one must not depend on.
#[derive(Debug)]
pub(super) struct Http {
    plain: Client,
    secure: OnceLock<Result<Client, String>>,
    proxies: Proxies,
    connect_timeout: Duration,
    stall_timeout: Duration,
    redirects_to_other_hosts: bool,
}

impl Http {
    /// Sets up; certificates are read when the first `https` URL is asked for.
    pub(super) fn new(settings: &MirrorSettings, proxies: Proxies) -> Result<Http, MirrorError> {
        let plain =
            builder(settings.connect_timeout, settings.stall_timeout, &proxies).tls_certs_only([]).build().map_err(
                |error| MirrorError::Setup { reason: chain(&error), hint: "this should not happen; please report it" },
            )?;
        Ok(Http {
            plain,
            secure: OnceLock::new(),
            proxies,
            connect_timeout: settings.connect_timeout,
            stall_timeout: settings.stall_timeout,
            redirects_to_other_hosts: settings.redirects_to_other_hosts,
        })
    }

    /// The client for a scheme.
    fn client(&self, scheme: &str) -> Result<&Client, MirrorError> {
        if scheme != "https" {
            return Ok(&self.plain);
        }
        let secure =
            || builder(self.connect_timeout, self.stall_timeout, &self.proxies).build().map_err(|error| chain(&error));
        self.secure.get_or_init(secure).as_ref().map_err(|reason| MirrorError::Setup {
            reason: reason.clone(),
            hint: "`https` needs the machine's certificates: install `ca-certificates`",
        })
    }

    /// Asks for a file; returns when its first bytes can be read.
    pub(super) async fn open(&self, place: &Place, credentials: &Mutex<Credentials>) -> Result<Response, MirrorError> {
        let mut url = Url::parse(&place.url)
            .map_err(|error| MirrorError::BadRedirect { place: place.clone(), what: format!("a bad URL: {error}") })?;
        for _ in 0..=REDIRECTS {
            let mut request = self.client(url.scheme())?.get(url.clone());
            let login = credentials.lock().expect("no one panics while holding it").for_url(&url);
            if let Some((login, password)) = login {
                request = request.basic_auth(login, Some(password));
            }
            let response = request.send().await.map_err(|error| failed(place, &error, 0))?;
            match response.status() {
                StatusCode::OK => return Ok(response),
                status if status.is_redirection() => url = self.follow(place, &url, &response)?,
                StatusCode::NOT_FOUND | StatusCode::GONE => {
                    return Err(MirrorError::NotFound { place: place.clone() });
                }
                status => return Err(refused(place, status)),
            }
        }
        Err(MirrorError::BadRedirect { place: place.clone(), what: format!("more than {REDIRECTS} redirects") })
    }

    /// Where a redirect leads, if we may go there.
    fn follow(&self, place: &Place, from: &Url, response: &Response) -> Result<Url, MirrorError> {
        let bad = |what: &str| MirrorError::BadRedirect { place: place.clone(), what: what.to_owned() };
        let to = response
            .headers()
            .get(header::LOCATION)
            .and_then(|location| location.to_str().ok())
            .and_then(|location| from.join(location).ok())
            .ok_or_else(|| bad("a redirect to nowhere"))?;
        if !matches!(to.scheme(), "http" | "https") || (from.scheme() == "https" && to.scheme() == "http") {
            return Err(bad(&format!("a redirect from `{}` to `{}`", from.scheme(), to.scheme())));
        }
        let host = |url: &Url| match (url.host_str().unwrap_or_default(), url.port()) {
            (name, Some(port)) => format!("{name}:{port}"),
            (name, None) => name.to_owned(),
        };
        // From `http` to `https` of the same name the port changes by itself, and nothing else does.
        if host(from) != host(&to) && !self.redirects_to_other_hosts {
            return Err(MirrorError::Redirect { place: place.clone(), from: host(from), to: host(&to) });
        }
        Ok(to)
    }
}

/// What both clients have in common.
fn builder(connect: Duration, stall: Duration, proxies: &Proxies) -> reqwest::ClientBuilder {
    let proxies = proxies.clone();
    let proxy = reqwest::Proxy::custom(move |url| {
        proxies.for_host(url.scheme(), url.host_str().unwrap_or_default()).and_then(|proxy| Url::parse(&proxy).ok())
    });
    Client::builder()
        .user_agent(concat!("cloudbuild/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect)
        .read_timeout(stall)
        .redirect(redirect::Policy::none())
        .proxy(proxy)
}

/// The error for a status.
fn refused(place: &Place, status: StatusCode) -> MirrorError {
    let hint = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "if the archive wants a login, put it into a file in `auth.conf.d` of APT's configuration"
        }
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => "put the login into APT's `Acquire::http::Proxy`",
        _ => "try again later, or another mirror",
    };
    MirrorError::Status { place: place.clone(), status: status.as_u16(), hint }
}

/// The error for what reqwest says, after `got` bytes.
pub(super) fn failed(place: &Place, error: &reqwest::Error, got: u64) -> MirrorError {
    let place = place.clone();
    if error.is_connect() {
        let reason = chain(error);
        return MirrorError::Unreachable { place, reason, may_pass: !error.is_timeout() };
    }
    if error.is_timeout() {
        return MirrorError::Stalled { place, got };
    }
    if error.is_body() || error.is_decode() {
        return MirrorError::Truncated { place, expected: "the whole file".to_owned(), got };
    }
    MirrorError::Unreachable { place, reason: chain(error), may_pass: true }
}

/// The innermost reason; the outer ones repeat the URL, with whatever was in it.
fn chain(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = match error.source() {
        Some(source) => source,
        None => return "no reason given".to_owned(),
    };
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

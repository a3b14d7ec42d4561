//! The control point over real HTTP on loopback.

mod building;
mod doors;

use std::collections::HashMap;
use std::sync::Mutex;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::desk::tests::fill;
use super::uploads::testing::{Upload, dsc_text};
use super::*;
use crate::core::events::Event;
use crate::core::ids::{Epoch, JobId, RunId, Sha256};
use crate::core::job::JobState;
use crate::io::control::{Client, ClientError, Patience};
use crate::io::state::jobs;
use crate::wire::{Finish, Lease, LeaseReply, LeaseRequest, Outcome, PROTOCOL};

/// Files by hash, as a mirror would have them.
#[derive(Default)]
struct Files {
    dir: Option<tempfile::TempDir>,
    known: HashMap<Sha256, PathBuf>,
    /// Where there is a copy.
    elsewhere: Mutex<HashMap<Sha256, String>>,
}

impl Files {
    fn with(contents: &[Vec<u8>]) -> Files {
        let dir = tempfile::tempdir().unwrap();
        let mut known = HashMap::new();
        for bytes in contents {
            let sha256 = Sha256::of(bytes);
            let path = dir.path().join(sha256.to_string());
            std::fs::write(&path, bytes).unwrap();
            known.insert(sha256, path);
        }
        Files { dir: Some(dir), known, elsewhere: Mutex::default() }
    }
}

impl Provide for Files {
    fn provide(&self, sha256: Sha256) -> BoxFuture<'_, anyhow::Result<Option<PathBuf>>> {
        assert!(self.dir.is_some() || self.known.is_empty());
        futures_util::future::ready(Ok(self.known.get(&sha256).cloned())).boxed()
    }

    fn elsewhere(&self, sha256: Sha256) -> BoxFuture<'_, anyhow::Result<Option<String>>> {
        futures_util::future::ready(Ok(self.elsewhere.lock().unwrap().get(&sha256).cloned())).boxed()
    }
}

/// Keeps what it hears.
#[derive(Default)]
struct Heard(Mutex<Vec<Event>>);

impl Listener for Heard {
    fn hear(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Heard {
    fn finished(&self) -> Vec<(JobId, String, Vec<String>)> {
        let heard = self.0.lock().unwrap();
        let finished = |event: &Event| match event {
            Event::JobFinished { job, state, tail, .. } => Some((*job, state.clone(), tail.clone())),
            _ => None,
        };
        heard.iter().filter_map(finished).collect()
    }
}

/// A state directory with a run in it, and what a control point needs.
struct Place {
    dir: tempfile::TempDir,
    state: State,
    run: RunId,
    files: Arc<Files>,
    signals: Arc<Signals>,
    heard: Arc<Heard>,
}

fn dsc_of(source: &str) -> Vec<u8> {
    dsc_text(source, "1").into_bytes()
}

impl Place {
    fn new(sources: &[&str]) -> Place {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path()).unwrap();
        let sources: Vec<String> = sources.iter().map(|source| (*source).to_owned()).collect();
        let run = fill(&state, &sources, dsc_of);
        let files: Vec<_> = sources.iter().map(|source| dsc_of(source)).collect();
        Place {
            dir,
            state,
            run,
            files: Arc::new(Files::with(&files)),
            signals: Arc::new(Signals::default()),
            heard: Arc::new(Heard::default()),
        }
    }

    async fn start(&self) -> ControlHandle {
        start(ControlOptions {
            state: self.state.clone(),
            state_dir: self.dir.path().to_owned(),
            store: Store::open(self.dir.path().join("store")).unwrap(),
            provide: Arc::clone(&self.files) as Arc<dyn Provide>,
            signals: Arc::clone(&self.signals),
            listener: Arc::clone(&self.heard) as Arc<dyn Listener>,
            lease_ttl: LEASE_TTL,
            retry_pause: desk::RETRY_PAUSE,
            verifier: None,
            bind: None,
        })
        .await
        .unwrap()
    }

    fn client(&self) -> Client {
        let patience = Patience {
            pause: Duration::from_millis(10),
            longest_pause: Duration::from_millis(50),
            give_up: Duration::from_secs(30),
            ..Patience::default()
        };
        Client::new(&ControlFile::path(self.dir.path()), patience).unwrap()
    }

    fn job(&self, id: JobId) -> jobs::Job {
        self.state.read(|db| jobs::expect(db, id)).unwrap()
    }
}

fn wants(builder: &str, wait_seconds: u64) -> LeaseRequest {
    LeaseRequest {
        protocol: PROTOCOL,
        builder: builder.to_owned(),
        runs: vec!["amd64".to_owned()],
        emulates: Vec::new(),
        memory: 0,
        wait_seconds,
        holding: vec![],
    }
}

async fn lease(client: &Client) -> Lease {
    match client.lease(&wants("here", 0)).await.unwrap() {
        LeaseReply::Work { lease } => *lease,
        other => panic!("{other:?}"),
    }
}

/// Sends the files of an upload, and what a builder then says.
async fn send(client: &Client, lease: &Lease, upload: &Upload) -> Finish {
    let dir = tempfile::tempdir().unwrap();
    let files = upload.write(dir.path());
    for file in &files {
        client.put_file(lease.job, lease.epoch, file, &dir.path().join(&file.name)).await.unwrap();
    }
    Finish { epoch: lease.epoch, outcome: Outcome::Built, files, seconds: 9 }
}

/// The status and the body of a request that no client of ours would make.
async fn raw(request: reqwest::RequestBuilder) -> (u16, String) {
    let response = request.timeout(Duration::from_secs(30)).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

fn refused_with(error: &ClientError, wanted: &str) -> bool {
    matches!(error, ClientError::Refused { refusal, .. } if refusal.code == wanted)
}

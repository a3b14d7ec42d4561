//! What a builder does: lease, log, files, finish; and what may come between.

use super::*;
use crate::io::state::{artifacts, attempts, events};
use crate::primitives::Pace;

#[tokio::test]
async fn a_build_is_leased_logged_sent_verified_and_installed() {
    let place = Place::new(&["hello"]);
    let control = place.start().await;
    let client = place.client();
    let lease = lease(&client).await;
    assert_eq!((lease.source.as_str(), lease.epoch, lease.run), ("hello", Epoch(1), place.run));
    let source = tempfile::tempdir().unwrap();
    let dsc = source.path().join("hello.dsc");
    client.get_file(&lease.files[0], &dsc).await.unwrap();
    assert_eq!(std::fs::read(&dsc).unwrap(), dsc_of("hello"));
    assert_eq!(client.append_log(lease.job, lease.epoch, 0, b"first\n").await.unwrap(), 6);
    let heartbeat = crate::wire::Heartbeat { epoch: lease.epoch, phase: "build".to_owned() };
    assert!(!client.heartbeat(lease.job, &heartbeat).await.unwrap().cancel);
    let finish = send(&client, &lease, &Upload::good("hello", "1")).await;
    client.finish(lease.job, &finish).await.unwrap();
    client.finish(lease.job, &finish).await.unwrap();

    let job = place.job(lease.job);
    assert_eq!((job.state, job.seconds), (JobState::Installed, 9));
    let (made, life) =
        place.state.read(|db| Ok((artifacts::by_job(db, job.id)?, events::by_job(db, job.id)?))).unwrap();
    assert_eq!(made.len(), 3);
    let life: Vec<_> = life.iter().map(|row| row.event.text()).collect();
    assert_eq!(life, ["leased", "built", "uploaded", "installed"]);
    assert_eq!(place.heard.finished(), [(job.id, "installed".to_owned(), vec![])]);
    assert!(!place.dir.path().join("spool/j1-1").exists());
    assert_eq!(std::fs::read(place.dir.path().join("logs/j1-1.log")).unwrap(), b"first\n");

    // What was built is there for other builders, and for apt.
    let deb = made.iter().find(|artifact| artifact.kind.is_package()).unwrap();
    let file = crate::wire::File { name: deb.name.clone(), size: deb.size, sha256: deb.sha256 };
    client.get_file(&file, &source.path().join("x.deb")).await.unwrap();
    control.stop().await.unwrap();
}

#[tokio::test]
async fn a_failed_build_is_told_with_the_last_lines_of_its_log() {
    let place = Place::new(&["hello"]);
    let _control = place.start().await;
    let client = place.client();
    let lease = lease(&client).await;
    let log: String = (1..=40).map(|line| format!("line {line}\n")).collect();
    client.append_log(lease.job, lease.epoch, 0, log.as_bytes()).await.unwrap();
    let outcome = Outcome::Failed {
        fault: crate::wire::Fault::Package,
        stage: "build".to_owned(),
        reason: "it does not compile".to_owned(),
    };
    let finish = Finish { epoch: lease.epoch, outcome, files: vec![], seconds: 3 };
    client.finish(lease.job, &finish).await.unwrap();
    let tail: Vec<_> = (26..=40).map(|line| format!("line {line}")).collect();
    assert_eq!(place.heard.finished(), [(lease.job, "build-attempted".to_owned(), tail)]);
    assert_eq!(place.job(lease.job).reason.as_deref(), Some("it does not compile"));
}

#[tokio::test]
async fn a_refused_upload_is_kept_apart_and_never_in_the_store() {
    let place = Place::new(&["hello"]);
    let _control = place.start().await;
    let client = place.client();
    let lease = lease(&client).await;
    let upload = Upload::good("hello", "1")
        .with_deb("libc6_1_amd64.deb", "Package: libc6\nSource: hello\nVersion: 1\nArchitecture: amd64\n");
    let finish = send(&client, &lease, &upload).await;
    for _ in 0..2 {
        let error = client.finish(lease.job, &finish).await.unwrap_err();
        assert!(refused_with(&error, "refused-upload"), "{error}");
    }
    let job = place.job(lease.job);
    assert_eq!(job.state, JobState::BuildAttempted);
    assert!(job.reason.unwrap().contains("libc6"));
    let kept = place.dir.path().join("refused/j1-1");
    assert!(kept.join("libc6_1_amd64.deb").is_file());
    assert!(std::fs::read_to_string(kept.join("REASON")).unwrap().contains("libc6"));
    let store = Store::open(place.dir.path().join("store")).unwrap();
    assert!(finish.files.iter().all(|file| !store.contains(&file.sha256)));
    let outcome = place.state.read(|db| attempts::get(db, job.id, lease.epoch)).unwrap().unwrap().outcome;
    assert!(matches!(outcome, Some(Outcome::Failed { fault: crate::wire::Fault::Unknown, .. })));
}

#[tokio::test]
async fn a_log_goes_on_from_the_length_that_is_here() {
    let place = Place::new(&["hello"]);
    let _control = place.start().await;
    let client = place.client();
    let lease = lease(&client).await;
    let append = async |offset, piece: &'static [u8]| client.append_log(lease.job, lease.epoch, offset, piece).await;
    assert_eq!(append(0, b"one ").await.unwrap(), 4);
    assert_eq!(append(0, b"one ").await.unwrap(), 4);
    assert_eq!(append(90, b"later").await.unwrap(), 4);
    assert_eq!(append(4, b"two").await.unwrap(), 7);
    assert_eq!(std::fs::read(place.dir.path().join("logs/j1-1.log")).unwrap(), b"one two");
    let stale = client.append_log(lease.job, Epoch(2), 7, b"x").await.unwrap_err();
    assert!(stale.is_stale(), "{stale}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_survives_that_the_control_point_is_started_again() {
    let place = Place::new(&["hello"]);
    let control = place.start().await;
    let client = place.client();
    let lease = lease(&client).await;
    client.append_log(lease.job, lease.epoch, 0, b"before ").await.unwrap();
    control.stop().await.unwrap();
    // While nobody listens, another program may get the port; the client finds the new one in the file.
    let port = ControlFile::read(&ControlFile::path(place.dir.path())).unwrap().url;
    let squatter = std::net::TcpListener::bind(port.trim_start_matches("http://")).unwrap();
    let waiting = tokio::spawn({
        let (client, lease) = (client.clone(), lease.clone());
        async move { client.append_log(lease.job, lease.epoch, 7, b"after").await }
    });
    let came = tokio::task::spawn_blocking(move || squatter.accept().map(|_| squatter)).await;
    let again = place.start().await;
    assert_ne!(again.url, port);
    drop(came);
    assert_eq!(waiting.await.unwrap().unwrap(), 12);
    let finish = send(&client, &lease, &Upload::good("hello", "1")).await;
    client.finish(lease.job, &finish).await.unwrap();
    assert_eq!(place.job(lease.job).state, JobState::Installed);
    let (url, token) = (again.url.clone(), ControlFile::read(&again.control_file).unwrap().token);
    again.stop().await.unwrap();
    let third = place.start().await;
    assert_eq!(third.url, url);
    // Whoever has the port while no control point does may have been shown the old token.
    assert_ne!(ControlFile::read(&third.control_file).unwrap().token.secret(), token.secret());
}

#[tokio::test]
async fn fifty_builders_at_once_never_get_the_same_job() {
    let names: Vec<String> = (0..40).map(|number| format!("p{number}")).collect();
    let place = Place::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let _control = place.start().await;
    let client = place.client();
    let ask = |number: usize| {
        let client = client.clone();
        tokio::spawn(async move { client.lease(&wants(&format!("builder-{number}"), 0)).await.unwrap() })
    };
    let asked: Vec<_> = (0..50).map(ask).collect();
    let mut jobs = Vec::new();
    for reply in asked {
        if let LeaseReply::Work { lease } = reply.await.unwrap() {
            jobs.push(lease.job);
        }
    }
    assert_eq!(jobs.len(), 40);
    jobs.sort();
    jobs.dedup();
    assert_eq!(jobs.len(), 40);
}

#[tokio::test]
async fn who_waits_for_work_is_woken_when_a_job_becomes_ready() {
    let place = Place::new(&["hello"]);
    let _control = place.start().await;
    let client = place.client();
    let offer = place.state.read(|db| jobs::offer(db, JobId(1))).unwrap().unwrap();
    place.state.write(|tx| jobs::clear_offer(tx, JobId(1))).unwrap();
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.lease(&wants("here", 60)).await.unwrap() }
    });
    tokio::task::yield_now().await;
    let inputs = crate::core::ids::InputsHash(Sha256::of(b"inputs"));
    place.state.write(move |tx| jobs::set_offer(tx, JobId(1), &offer, inputs)).unwrap();
    place.signals.state_changed();
    assert!(matches!(waiting.await.unwrap(), LeaseReply::Work { .. }));
}

#[tokio::test]
async fn nothing_is_leased_when_the_run_slows_down_and_builders_are_stopped_when_it_halts() {
    let place = Place::new(&["one", "two"]);
    let control = place.start().await;
    let client = place.client();
    let lease = lease(&client).await;
    let heartbeat = crate::wire::Heartbeat { epoch: lease.epoch, phase: "build".to_owned() };
    place.signals.slow_to(Pace::Drain);
    assert_eq!(client.lease(&wants("here", 0)).await.unwrap(), LeaseReply::Nothing);
    assert!(!client.heartbeat(lease.job, &heartbeat).await.unwrap().cancel);
    place.signals.slow_to(Pace::Halt);
    assert!(client.heartbeat(lease.job, &heartbeat).await.unwrap().cancel);
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.lease(&wants("here", 60)).await.unwrap() }
    });
    control.no_more_work();
    assert_eq!(waiting.await.unwrap(), LeaseReply::Stop);
    assert_eq!(client.lease(&wants("here", 60)).await.unwrap(), LeaseReply::Stop);
}

#[tokio::test]
async fn stopping_does_not_wait_for_who_waits_for_work() {
    let place = Place::new(&[]);
    let control = place.start().await;
    let client = place.client();
    let waiting = tokio::spawn(async move { client.lease(&wants("here", 250)).await });
    tokio::task::yield_now().await;
    control.stop().await.unwrap();
    waiting.abort();
}

#[tokio::test]
async fn a_client_gives_up_a_control_point_that_stays_away() {
    let place = Place::new(&["hello"]);
    let patience = Patience { give_up: Duration::ZERO, ..Patience::default() };
    let client = Client::new(&ControlFile::path(place.dir.path()), patience).unwrap();
    let error = client.lease(&wants("here", 0)).await.unwrap_err();
    assert!(matches!(&error, ClientError::Away { .. }), "{error}");
    assert!(error.to_string().contains("\nhint: "), "{error}");
}

/// A server that has one answer, and keeps what it was asked.
async fn nearer(status: &'static str, body: &'static [u8]) -> (String, Arc<Mutex<Vec<String>>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/copy?signed=1", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap_or(0);
            kept.lock().unwrap().push(String::from_utf8_lossy(&request[..read]).into_owned());
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(&[head.as_bytes(), body].concat()).await;
        }
    });
    (url, asked)
}

#[tokio::test]
async fn a_file_comes_from_the_copy_near_the_builder_without_our_token_and_from_us_where_that_fails() {
    let place = Place::new(&["hello"]);
    let control = place.start().await;
    let bytes = dsc_of("hello");
    let file =
        crate::wire::File { name: "hello_1.dsc".to_owned(), size: bytes.len() as u64, sha256: Sha256::of(&bytes) };
    let to = tempfile::tempdir().unwrap();
    let leaked: &'static [u8] = Box::leak(bytes.clone().into_boxed_slice());
    let wrong: &'static [u8] = Box::leak(vec![b'x'; bytes.len()].into_boxed_slice());
    for (status, body) in [("200 OK", leaked), ("200 OK", wrong), ("403 Forbidden", b"<Error/>")] {
        let (url, asked) = nearer(status, body).await;
        place.files.elsewhere.lock().unwrap().insert(file.sha256, url);
        let path = to.path().join("file");
        place.client().get_file(&file, &path).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{status}");
        let asked = asked.lock().unwrap();
        assert_eq!(asked.len(), 1, "{status}: {asked:?}");
        assert!(asked[0].starts_with("GET /copy?signed=1 ") && !asked[0].to_lowercase().contains("authorization"));
        std::fs::remove_file(&path).unwrap();
    }
    control.stop().await.unwrap();
}

//! Objects of a bucket, against a real server: what is written is read, conditions hold, large files go in parts, and
//! what is wrong with a server is said.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cloudbuild::core::bucket::Bucket;
use cloudbuild::core::ids::Sha256;
use cloudbuild::io::s3::client::Client;
use cloudbuild::io::s3::error::S3Error;
use cloudbuild::io::s3::objects::PART;
use cloudbuild::io::s3::{Patience, Put, When, Written};

use crate::faults::{self, Fault, Proxy};
use crate::seaweed::{BUCKET, KEY, SECRET, Seaweed};

/// Short waits: the faults of tests come at once.
pub const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    attempt: Duration::from_secs(3),
    attempts: 12,
    backoff: Duration::from_millis(10),
    backoff_limit: Duration::from_millis(200),
};

/// An ordinary write.
pub const PUT: Put<'_> = Put { content_type: "text/plain", cache_control: "no-cache", when: When::Always };

/// A bucket behind an endpoint.
pub fn bucket(endpoint: &str) -> Bucket {
    let mut bucket = Bucket::parse(&format!("s3://{BUCKET}/acme")).unwrap();
    bucket.endpoint = Some(endpoint.to_owned());
    bucket
}

/// Runs it to its end.
pub fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

/// A client with the server's key.
pub async fn client(bucket: &Bucket) -> Client {
    client_of(bucket, KEY, SECRET).await.unwrap()
}

/// A client with some key.
pub async fn client_of(bucket: &Bucket, key: &str, secret: &str) -> Result<Client, S3Error> {
    Client::with_key(bucket, PATIENCE, key, secret).await
}

/// A file of so many bytes that pack badly, and its hash.
fn large(folder: &Path, size: u64, seed: u64) -> (PathBuf, Sha256) {
    let path = folder.join(format!("large-{seed}"));
    let mut state = seed | 1;
    let bytes: Vec<u8> = (0..size)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u8
        })
        .collect();
    std::fs::File::create(&path).unwrap().write_all(&bytes).unwrap();
    (path, Sha256::of(&bytes))
}

#[test]
fn objects_are_written_read_copied_listed_and_deleted() {
    let seaweed = Seaweed::start();
    run(async {
        let client = client(&bucket(&seaweed.endpoint())).await;
        assert_eq!(client.get("a/one").await.unwrap(), None);
        assert_eq!(client.head("a/one").await.unwrap(), None);
        let Written::Done(etag) = client.put("a/one", b"1".to_vec(), &PUT).await.unwrap() else { panic!() };
        let read = client.get("a/one").await.unwrap().unwrap();
        assert_eq!((read.bytes.as_slice(), &read.etag), (&b"1"[..], &etag));
        let head = client.head("a/one").await.unwrap().unwrap();
        assert_eq!((head.size, head.sha256), (1, Some(Sha256::of(b"1").to_string())));
        client.copy("a/one", "a/t+w~o:2", Sha256::of(b"1"), &PUT).await.unwrap();
        assert_eq!(client.get("a/t+w~o:2").await.unwrap().unwrap().bytes, b"1");
        client.put("b", b"b".to_vec(), &PUT).await.unwrap();
        let listed = client.list("a/").await.unwrap();
        let paths: Vec<&str> = listed.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(paths, ["a/one", "a/t+w~o:2"]);
        client.delete("a/one").await.unwrap();
        client.delete("a/one").await.unwrap();
        assert_eq!(client.list("").await.unwrap().len(), 2);
        assert!(client.server_time().is_some() && client.requests() >= 10);
    });
}

#[test]
fn a_write_with_a_condition_is_refused_when_somebody_else_wrote() {
    let seaweed = Seaweed::start();
    run(async {
        let client = client(&bucket(&seaweed.endpoint())).await;
        let absent = Put { when: When::Absent, ..PUT };
        let Written::Done(etag) = client.put("x", b"1".to_vec(), &absent).await.unwrap() else { panic!() };
        assert_eq!(client.put("x", b"2".to_vec(), &absent).await.unwrap(), Written::Refused);
        // Our own bytes are there: the answer to an earlier try was lost, perhaps.
        assert_eq!(client.put("x", b"1".to_vec(), &absent).await.unwrap(), Written::Done(etag.clone()));
        let unchanged = Put { when: When::Unchanged(&etag), ..PUT };
        let Written::Done(_) = client.put("x", b"3".to_vec(), &unchanged).await.unwrap() else { panic!() };
        assert_eq!(client.put("x", b"4".to_vec(), &unchanged).await.unwrap(), Written::Refused);
        assert_eq!(client.get("x").await.unwrap().unwrap().bytes, b"3");
    });
}

#[test]
fn a_large_file_goes_in_parts_and_what_was_sent_is_not_sent_again() {
    let seaweed = Seaweed::start();
    let folder = tempfile::tempdir().unwrap();
    let (file, sha256) = large(folder.path(), 3 * PART + 1000, 7);
    run(async {
        // Every second request breaks off, and there is one try only: the upload is given up in the middle.
        let proxy = Proxy::start(seaweed.port(), 0, &[Fault::HalfRequest], 1);
        let impatient = Patience { attempts: 1, ..PATIENCE };
        let broken = Client::with_key(&bucket(&proxy.endpoint()), impatient, KEY, SECRET).await.unwrap();
        proxy.set_rate(400);
        let mut tries = 0;
        while broken.put_file("large", &file, sha256, &PUT).await.is_err() {
            tries += 1;
            assert!(tries < 200, "it never gets through");
        }
        let parts = proxy.requests().iter().filter(|line| line.contains("partNumber=")).count();
        // Each try sends four; without resuming, all four of one try would have to get through.
        assert!(tries > 0, "nothing broke, so this shows nothing");
        assert!(parts < 4 + 4 * tries, "{parts} parts in {} tries", tries + 1);
        let whole = client(&bucket(&seaweed.endpoint())).await;
        let head = whole.head("large").await.unwrap().unwrap();
        assert_eq!((head.size, head.sha256), (3 * PART + 1000, Some(sha256.to_string())));
        assert_eq!(Sha256::of(&whole.get("large").await.unwrap().unwrap().bytes), sha256);
        let other = Sha256::of(b"other");
        let refused = whole.put_file("large", &file, other, &PUT).await.unwrap_err().to_string();
        assert!(refused.contains("hint: the file was damaged"), "{refused}");
    });
}

#[test]
fn a_server_that_fails_often_is_asked_again() {
    let seaweed = Seaweed::start();
    let proxy = Proxy::start(seaweed.port(), 200, &faults::ALL, 3);
    run(async {
        let client = client(&bucket(&proxy.endpoint())).await;
        let all = (0..60).map(|number: u32| {
            let client = client.clone();
            async move {
                let (path, bytes) = (format!("f/{number}"), format!("content {number}").repeat(100).into_bytes());
                client.put(&path, bytes.clone(), &PUT).await.unwrap();
                assert_eq!(client.get(&path).await.unwrap().unwrap().bytes, bytes, "{path}");
            }
        });
        futures_util::future::join_all(all).await;
        assert!(proxy.happened().len() > 10);
        assert_eq!(client.list("f/").await.unwrap().len(), 60);
    });
}

#[test]
fn what_is_wrong_with_a_server_is_said_with_a_hint() {
    let seaweed = Seaweed::start();
    let page = crate::fixture::server::Server::start(std::env::current_dir().unwrap().as_path());
    run(async {
        let good = bucket(&seaweed.endpoint());
        let say = async |bucket: &Bucket, key: &str, secret: &str| {
            let once = Patience { attempts: 2, ..PATIENCE };
            let client = Client::with_key(bucket, once, key, secret).await.unwrap();
            let read = client.list("").await.err();
            let wrote = client.put("x", b"x".to_vec(), &PUT).await.unwrap_err();
            (read.map(|error| error.to_string()).unwrap_or_default(), wrote.to_string())
        };
        let (read, wrote) = say(&good, KEY, "another").await;
        assert!(read.contains("does not accept the credentials (SignatureDoesNotMatch)"), "{read}");
        assert!(wrote.contains("write `x` in `s3://archive/acme`") && wrote.contains("hint: are AWS_"), "{wrote}");
        assert!(!wrote.contains("another"), "{wrote}");
        let (read, _) = say(&good, "nobody", SECRET).await;
        assert!(read.contains("(InvalidAccessKeyId)"), "{read}");
        let (_, wrote) = say(&good, "readkey", "readsecret123").await;
        assert!(wrote.contains("not allowed (AccessDenied") && wrote.contains("s3:PutObject"), "{wrote}");
        let mut other = good.clone();
        other.name = "nobodys".into();
        let (read, _) = say(&other, "readkey", "readsecret123").await;
        assert!(read.contains("there is no bucket `nobodys`"), "{read}");
        let mut wrong = good.clone();
        wrong.endpoint = Some("http://127.0.0.1:9".into());
        let (read, _) = say(&wrong, KEY, SECRET).await;
        assert!(read.contains("no answer:") && read.contains("hint: is the endpoint right"), "{read}");
        wrong.endpoint = Some(page.url());
        let (read, wrote) = say(&wrong, KEY, SECRET).await;
        assert!(read.contains("no S3 server") && wrote.contains("no S3 server"), "{read}\n{wrote}");
    });
}

//! Publishing 6,000 small packages to a bucket, beside aptly on the same packages to the same server.
//!
//! `cargo bench --bench s3`. Needs `aptly`, `gpg` and `curl`; SeaweedFS is fetched into the test cache. aptly adds the
//! packages and publishes them without a signature, which favours it; ours hashes and reads them, plans, signs and
//! publishes. Then one more package is published to archives of 100, 1,000 and 6,000, and requests are counted. Each
//! line at the end is `figure NAME VALUE UNIT target CONDITION ok|short`.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use cloudbuild::core::bucket::Bucket;
use cloudbuild::io::archive::deb;
use cloudbuild::io::archive::s3::S3Archive;
use cloudbuild::io::s3::Patience;
use cloudbuild::io::s3::client::Client;

#[path = "../it/fixture/cache.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod cache;
#[path = "../it/publishing.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod publishing;
#[path = "../it/seaweed.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod seaweed;

/// What the server's harness stands on, by the names that the tests have for it.
mod fixture {
    pub(crate) use crate::{cache, output};
}

/// Runs a command that must succeed.
pub fn output(command: &mut Command) -> Vec<u8> {
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
    ran.stdout
}

/// Hashes and reads all packages, as whoever has nothing but the files must.
fn read_again(packages: &Packages) {
    for entry in std::fs::read_dir(packages.folder()).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.extension().is_some_and(|extension| extension == "deb"), "{}", path.display());
        deb::hashes(&path).unwrap();
        deb::read_control(&path).unwrap();
    }
}

use publishing::{Packages, SUITE, TestKey};
use seaweed::{BUCKET, KEY, SECRET, Seaweed};

/// Packages, and bytes of each: 209 MB in all.
const COUNT: usize = 6000;
const SIZE: usize = 35_000;

/// aptly's time is at least so many times ours.
const FASTER: f64 = 5.0;

fn main() {
    let count = std::env::var("CLOUDBUILD_BENCH_PACKAGES").map_or(COUNT, |text| text.parse().unwrap());
    let mut packages = Packages::new();
    (0..count).for_each(|number| packages.add(&format!("p{number:05}"), "1", SIZE));
    println!("{count} packages of {SIZE} bytes");
    let keys = tempfile::tempdir().unwrap();
    let key = TestKey::new(keys.path());

    let seaweed = Seaweed::start();
    let ours = publish(&seaweed, "ours", &packages, &key);
    println!("ours: {:.1} s, {} requests", ours.seconds, ours.requests);
    let theirs = aptly(&seaweed, packages.folder());
    println!("aptly: {theirs:.1} s");

    let mut requests = Vec::new();
    for size in [100, 1000, count] {
        let mut some = Packages::new();
        (0..size).for_each(|number| some.add(&format!("q{number:05}"), "1", 10));
        let prefix = format!("of-{size}");
        publish(&seaweed, &prefix, &some, &key);
        some.add("one-more", "1", 10);
        let more = publish(&seaweed, &prefix, &some, &key);
        println!("one more of {size}: {:.2} s, {} requests", more.seconds, more.requests);
        requests.push(more.requests);
    }
    let faster = theirs / ours.seconds;
    let ok = |good: bool| if good { "ok" } else { "short" };
    println!("figure s3-publish-against-aptly {faster:.1} times target >= {FASTER} {}", ok(faster >= FASTER));
    let growth = requests[2].abs_diff(requests[0]);
    println!("figure s3-one-more-requests {} requests target <= 40 {}", requests[2], ok(requests[2] <= 40));
    println!("figure s3-one-more-growth {growth} requests target <= 0 {}", ok(growth == 0));
}

/// What a publication cost.
struct Cost {
    seconds: f64,
    requests: u64,
}

fn publish(seaweed: &Seaweed, prefix: &str, packages: &Packages, key: &TestKey) -> Cost {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut bucket = Bucket::parse(&format!("s3://{BUCKET}/{prefix}")).unwrap();
        bucket.endpoint = Some(seaweed.endpoint());
        let client = Client::with_key(&bucket, Patience::default(), KEY, SECRET).await.unwrap();
        let archive = S3Archive::of(client, "bench");
        let begin = Instant::now();
        read_again(packages);
        let previous = archive.present(SUITE).await.unwrap().and_then(|present| present.date);
        let now = jiff::Timestamp::now().as_second();
        let plan = packages.plan(archive.pool().await.unwrap(), previous, now);
        archive.publish(&plan, &|sha256| packages.source(sha256), key, now).await.unwrap();
        Cost { seconds: begin.elapsed().as_secs_f64(), requests: archive.client().requests() }
    })
}

/// Seconds that aptly takes to add the packages and to publish them.
fn aptly(seaweed: &Seaweed, folder: &Path) -> f64 {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("aptly.conf");
    let json = serde_json::json!({
        "rootDir": home.path(),
        "architectures": ["amd64", "all"],
        "S3PublishEndpoints": { "weed": {
            "region": "us-east-1", "bucket": BUCKET, "endpoint": seaweed.endpoint(), "prefix": "theirs",
            "awsAccessKeyID": KEY, "awsSecretAccessKey": SECRET, "acl": "none", "disableMultiDel": true,
        } },
    });
    std::fs::write(&config, json.to_string()).unwrap();
    let run = |words: &[&str]| {
        let mut command = Command::new("aptly");
        command.arg(format!("-config={}", config.display())).args(words);
        output(&mut command);
    };
    let begin = Instant::now();
    run(&["repo", "create", "-distribution=stable", "-component=main", "all"]);
    run(&["repo", "add", "all", folder.to_str().unwrap()]);
    run(&["publish", "repo", "-skip-signing", "-architectures=amd64", "all", "s3:weed:"]);
    begin.elapsed().as_secs_f64()
}

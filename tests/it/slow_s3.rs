//! A recipe that publishes to a bucket: real builds, a real S3 server, real apt over plain HTTP.

use std::fs;

use cloudbuild::io::archive::s3::S3Archive;

use crate::fixture::Fixture;
use crate::harness::Place;
use crate::objects::{bucket, client, run};
use crate::publishing::Apt;
use crate::seaweed::{BUCKET, KEY, SECRET, Seaweed};
use crate::slow_outcomes::document;

/// Builds one package and publishes it.
fn recipe(endpoint: &str, packages: &str) -> String {
    format!(
        r#"local cb = require "cloudbuild"
return cb.campaign "tiny" {{
  sources = cb.apt.system(),
  packages = {{ {packages} }},
  publish = cb.s3 "s3://{BUCKET}/tiny" {{ endpoint = "{endpoint}", suite = "stable", origin = "Acme" }},
}}
"#
    )
}

#[test]
fn a_recipe_publishes_to_a_bucket_that_apt_installs_from() {
    let seaweed = Seaweed::start();
    let fixture = Fixture::new();
    let place = Place::with_recipe("tiny.lua", &recipe(&seaweed.endpoint(), "\"tiny-builds\""));
    let call = |words: &[&str]| {
        let call = place.cloudbuild_on(&fixture, words);
        call.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET).env("AWS_EC2_METADATA_DISABLED", "true")
    };
    let planned = call(&["plan", "tiny.lua"]).run();
    assert!(planned.stdout.contains("to s3://archive/tiny, then installed from with apt"), "{planned:?}");
    let ran = call(&["tiny.lua", "--json"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    // It was proved through the control point; apt reads the bucket itself, too.
    let url = format!("{}/{BUCKET}/tiny", seaweed.endpoint());
    let key = std::process::Command::new("curl").args(["-sf", &format!("{url}/archive-key.asc")]).output().unwrap();
    let key = String::from_utf8(key.stdout).unwrap();
    let apt = Apt::new(&url, &key);
    apt.must(&["apt-get", "update"]);
    apt.must(&["apt-get", "download", "tiny-builds"]);
    assert!(fs::read_dir(apt.work()).unwrap().count() == 1);

    // With credentials that are not the server's, nothing changes, and it is said why.
    fs::write(place.path().join("tiny.lua"), recipe(&seaweed.endpoint(), "\"tiny-builds\", \"tiny-two\"")).unwrap();
    let wrong = call(&["tiny.lua"]).env("AWS_SECRET_ACCESS_KEY", "another").run();
    assert_eq!(wrong.code, Some(5), "{wrong:?}");
    assert!(wrong.stderr.contains("the server does not accept the credentials"), "{wrong:?}");
    assert!(wrong.stderr.contains("hint: are AWS_ACCESS_KEY_ID") && !wrong.stderr.contains("another"), "{wrong:?}");
    let ran = call(&["tiny.lua"]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    apt.must(&["apt-get", "update"]);
    apt.must(&["apt-get", "download", "libtiny1"]);

    // What was published is looked after by the same commands as an archive in a directory, found by the last run.
    let json = |words: &[&str]| {
        let ran = call(&[words, &["--json"]].concat()).run();
        assert_eq!(ran.code, Some(0), "{words:?}: {ran:?}");
        document(&ran)
    };
    let numbers = || {
        let listed = json(&["publish", "--list"]);
        let all = listed["generations"].as_array().unwrap().clone();
        all.into_iter()
            .map(|told| (told["suite"].to_string(), told["number"].as_u64().unwrap(), told["packages"].clone()))
    };
    let [(_, first, _), (_, second, _)] = &numbers().collect::<Vec<_>>()[..] else { panic!("two generations") };
    let changes = json(&["diff", &first.to_string()]);
    assert!(changes["changes"].to_string().contains("libtiny1"), "{changes}");
    json(&["snapshot", "before"]);
    json(&["rollback", &first.to_string()]);
    let listed: Vec<_> = numbers().collect();
    assert_eq!(listed.len(), 4, "{listed:?}");
    apt.must(&["apt-get", "update"]);
    assert_eq!(apt.must(&["apt-cache", "pkgnames"]).trim(), "tiny-builds");
    let snapshot = Apt::of_suite(&url, &key, "snapshots/before");
    snapshot.must(&["apt-get", "update"]);
    snapshot.must(&["apt-get", "download", "libtiny1"]);
    // By its name, too; what only the second generation of the suite lists stays, since the snapshot lists it.
    let place_of_it = format!("s3://{BUCKET}/tiny");
    let named = ["--archive", &place_of_it, "--endpoint", &seaweed.endpoint()];
    json(&[&["prune", "--keep", "1", "--grace", "0"], &named[..]].concat());
    assert!(numbers().all(|(suite, number, _)| suite.contains("before") || number > *second));
    snapshot.must(&["apt-get", "download", "libtiny-dev"]);
    let refused = call(&["fsck"]).run();
    assert_eq!(refused.code, Some(2), "{refused:?}");
}

#[test]
fn what_is_built_by_now_is_published_while_the_rest_is_still_built() {
    let seaweed = Seaweed::start();
    let fixture = Fixture::new();
    let endpoint = seaweed.endpoint();
    let text = format!(
        r#"local cb = require "cloudbuild"
return cb.recipe {{
  run = function(cb)
    local upstream = cb.import {{ sources = cb.apt.system() }}
    local order = cb.order {{ sources = upstream, packages = {{ "tiny-builds", "tiny-needs", "tiny-two" }} }}
    local to = cb.s3 "s3://{BUCKET}/tiny" {{ endpoint = "{endpoint}", suite = "stable", every = "1 s" }}
    local built = cb.build {{ order = order, on = cb.launch {{ cb.here {{ slots = 1 }} }}, publish = to }}
    cb.publish {{ built, to = to }}
    return built.installed
  end,
}}
"#
    );
    let place = Place::with_recipe("tiny.lua", &text);
    let call = place.cloudbuild_on(&fixture, &["tiny.lua"]).env("AWS_ACCESS_KEY_ID", KEY);
    let ran = call.env("AWS_SECRET_ACCESS_KEY", SECRET).env("AWS_EC2_METADATA_DISABLED", "true").run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let generations = run(async {
        let mut bucket = bucket(&endpoint);
        bucket.prefix = "tiny".to_owned();
        S3Archive::of(client(&bucket).await, "looks").generations("stable").await.unwrap()
    });
    let packages: Vec<u64> = generations.iter().map(|generation| generation.packages).collect();
    assert!(packages.len() >= 2 && packages.is_sorted(), "{packages:?}");
}

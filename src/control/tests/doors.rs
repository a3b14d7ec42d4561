//! Who gets in, and what is refused at the door.

use super::*;
use crate::core::fleet::BuilderEvent;
use crate::core::fleet::money::Money;
use crate::core::fleet::place::tests::place as cloud;
use crate::core::ids::ViewId;
use crate::io::control::BuilderKey;
use crate::io::state::builders::{self, Intent};

/// Speaks HTTP without our client.
struct Door {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Door {
    fn of(control: &ControlHandle) -> Door {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let token = ControlFile::read(&control.control_file).unwrap().token.secret().to_owned();
        Door { http, url: control.url.clone(), token }
    }

    fn post(&self, path: &str, body: &str) -> reqwest::RequestBuilder {
        self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.token).body(body.to_owned())
    }

    fn put(&self, path: &str, body: Vec<u8>) -> reqwest::RequestBuilder {
        self.http.put(format!("{}{path}", self.url)).bearer_auth(&self.token).body(body)
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token)
    }
}

fn code(body: &str) -> String {
    serde_json::from_str::<crate::wire::Refusal>(body).unwrap_or_else(|error| panic!("{error}: {body}")).code
}

#[tokio::test]
async fn nothing_under_v1_opens_without_the_token() {
    let place = Place::new(&["hello"]);
    let control = place.start().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for path in ["/v1/status", "/v1/lease", "/v1/files/x", "/v1/jobs/j1/finish", "/v1/nothing"] {
        for token in [None, Some("wrong"), Some("")] {
            let request = http.post(format!("{}{path}", control.url));
            let request = token.map_or(request.try_clone().unwrap(), |token| request.bearer_auth(token));
            let (status, body) = raw(request).await;
            assert_eq!((status, code(&body).as_str()), (401, "bad-token"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_path_says_so_in_json_when_it_does_not_take_a_method() {
    let place = Place::new(&["hello"]);
    let control = place.start().await;
    let (status, body) = raw(Door::of(&control).post("/v1/status", "")).await;
    assert_eq!((status, code(&body).as_str()), (405, "method-not-allowed"));
}

#[tokio::test]
async fn a_builders_own_token_opens_what_its_own_jobs_need_and_nothing_else() {
    let place = Place::new(&["hello", "zlib"]);
    let control = place.start().await;
    let key = BuilderKey::read_or_make(place.dir.path()).unwrap();
    let names = [(); 2].map(|()| {
        let place_of_it = cloud();
        let pool = place_of_it.pools().remove(0);
        let intent = Intent {
            run: place.run,
            owner: key.owner(),
            place: place_of_it,
            pool,
            url: control.url.clone(),
            program: Sha256([0; 32]),
            price: Money(0),
        };
        place.state.write(move |tx| builders::intend(tx, &intent, 0)).unwrap().name
    });
    let doors = names.each_ref().map(|name| Door { token: key.token(name), ..Door::of(&control) });
    let [one, two] = &doors;
    let wants = |name: &str| serde_json::to_string(&wants(name, 0)).unwrap();
    let (status, body) = raw(one.post("/v1/lease", &wants(&names[1]))).await;
    assert_eq!((status, code(&body).as_str()), (403, "forbidden"), "it speaks for another one");
    let (status, body) = raw(one.post("/v1/lease", &wants(&names[0]))).await;
    assert_eq!(status, 200, "{body}");
    let LeaseReply::Work { lease } = serde_json::from_str(&body).unwrap() else { panic!("{body}") };

    let beat = format!("{{\"epoch\":{},\"phase\":\"build\"}}", lease.epoch.0);
    let path = format!("/v1/jobs/{}/heartbeat", lease.job);
    assert_eq!(raw(one.post(&path, &beat)).await.0, 200);
    let (status, body) = raw(two.post(&path, &beat)).await;
    assert_eq!((status, code(&body).as_str()), (409, "stale-epoch"), "the job is another builder's");
    let finish = format!("/v1/jobs/{}/finish", lease.job);
    assert_eq!(raw(two.post(&finish, "{}")).await.0, 409);
    let (status, body) = raw(two.put(&format!("/v1/jobs/{}/log?epoch=1&offset=0", lease.job), b"x".to_vec())).await;
    assert_eq!((status, code(&body).as_str()), (409, "stale-epoch"));

    for request in [one.post("/v1/act", "{}"), one.get("/v1/status"), one.get("/v1/nothing")] {
        let (status, body) = raw(request).await;
        assert_eq!((status, code(&body).as_str()), (403, "forbidden"));
    }
    let (name, gone) = (names[0].clone(), BuilderEvent::Gone { why: "it was ended".to_owned() });
    place.state.write(move |tx| builders::apply(tx, &name, &gone, 1)).unwrap();
    assert_eq!(raw(one.post(&path, &beat)).await.0, 401, "a builder that is gone has no token");
}

#[tokio::test]
async fn words_that_are_not_the_protocols_are_refused() {
    let place = Place::new(&["hello"]);
    let control = place.start().await;
    let door = Door::of(&control);
    let good = serde_json::to_string(&wants("here", 0)).unwrap();
    for body in [
        "",
        "{",
        "[]",
        "null",
        &good.replacen('{', "{\"more\":1,", 1),
        &good.replace("\"holding\":[]", "\"holding\":3"),
    ] {
        let (status, answer) = raw(door.post("/v1/lease", body)).await;
        assert_eq!((status, code(&answer).as_str()), (400, "bad-request"), "{body}");
    }
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(5 << 20));
    let (status, answer) = raw(door.post("/v1/lease", &large)).await;
    assert_eq!((status, code(&answer).as_str()), (413, "too-large"));
    for path in ["/v1/jobs/x1/heartbeat", "/v1/jobs/1/heartbeat", "/v1/jobs/j99999999999999999999/heartbeat"] {
        let (status, answer) = raw(door.post(path, r#"{"epoch":1,"phase":"build"}"#)).await;
        assert_eq!((status, code(&answer).as_str()), (400, "bad-request"), "{path}");
    }
    let finish = r#"{"epoch":1,"outcome":{"outcome":"built"},"files":[],"seconds":1}"#;
    let (status, answer) = raw(door.post("/v1/jobs/j99/finish", finish)).await;
    assert_eq!((status, code(&answer).as_str()), (404, "no-such-job"));
    let (status, answer) = raw(door.post("/v1/jobs/j1/finish", finish)).await;
    assert_eq!((status, code(&answer).as_str()), (409, "stale-epoch"));
    for query in ["", "?epoch=1", "?epoch=x&offset=0", "?epoch=1&offset=-1", "?epoch=1&offset=0&more=1"] {
        let (status, answer) = raw(door.put(&format!("/v1/jobs/j1/log{query}"), vec![])).await;
        assert_eq!((status, code(&answer).as_str()), (400, "bad-request"), "{query}");
    }
    let (status, _) = raw(door.get("/v1/nothing")).await;
    assert_eq!(status, 404);
    assert_eq!(place.job(JobId(1)).state, JobState::NeedsBuild);
}

#[tokio::test]
async fn files_with_bad_names_or_hashes_or_of_other_leases_are_not_kept() {
    let place = Place::new(&["hello"]);
    let control = place.start().await;
    let door = Door::of(&control);
    let lease = lease(&place.client()).await;
    assert_eq!(lease.epoch, Epoch(1));
    let long = "x".repeat(300);
    for name in ["..", "%2e%2e", "..%2fx", "%2fetc%2fpasswd", "a%00b", ".hidden", "a%0ab", "a%5cb", "-x", &long] {
        let (status, answer) = raw(door.put(&format!("/v1/jobs/j1/files/{name}?epoch=1"), b"x".to_vec())).await;
        // The HTTP client itself resolves dots, so those never are a file's path.
        assert!(status == 404 || status == 405 || (status == 400 && code(&answer) == "bad-request"), "{name} {status}");
    }
    let other = Sha256::of(b"other");
    let path = format!("/v1/jobs/j1/files/x.deb?epoch=1&sha256={other}");
    assert_eq!(raw(door.put(&path, b"x".to_vec())).await.0, 400);
    let (status, answer) = raw(door.put("/v1/jobs/j1/files/x.deb?epoch=2", b"x".to_vec())).await;
    assert_eq!((status, code(&answer).as_str()), (409, "stale-epoch"));
    let spool = place.dir.path().join("spool");
    let kept = walkdir::WalkDir::new(&spool).into_iter().filter(|entry| entry.as_ref().unwrap().file_type().is_file());
    assert_eq!(kept.count(), 0);
}

#[tokio::test]
async fn views_are_read_without_a_token_and_nothing_else_is() {
    let place = Place::new(&["hello"]);
    let control = place.start().await;
    let door = Door::of(&control);
    let view = ViewId(Sha256::of(b"view"));
    let dists = views::root(place.dir.path(), view).join("dists/view");
    std::fs::create_dir_all(&dists).unwrap();
    std::fs::write(dists.join("InRelease"), "signed").unwrap();
    let open = |path: String| door.http.get(format!("{}{path}", door.url));
    assert_eq!(raw(open(format!("/view/{view}/dists/view/InRelease"))).await, (200, "signed".to_owned()));
    let dsc = Sha256::of(&dsc_of("hello"));
    let (status, body) = raw(open(format!("/view/{view}/pool/{dsc}/hello_1.dsc"))).await;
    assert_eq!((status, body.into_bytes()), (200, dsc_of("hello")));
    let unknown = Sha256::of(b"unknown");
    for path in [
        format!("/view/{view}/dists/view/absent"),
        format!("/view/{view}/dists/%2e%2e/%2e%2e/%2e%2e/control.json"),
        format!("/view/{view}/dists/..%2f..%2f..%2fcontrol.json"),
        format!("/view/{view}/dists/%2fetc%2fpasswd"),
        format!("/view/{view}/dists/view"),
        format!("/view/{unknown}/dists/view/InRelease"),
        format!("/view/{unknown}/pool/{dsc}/hello_1.dsc"),
        format!("/view/{view}/pool/{unknown}/hello_1.dsc"),
        "/control.json".to_owned(),
    ] {
        let (status, answer) = raw(open(path.clone())).await;
        assert_eq!((status, code(&answer).as_str()), (404, "not-found"), "{path}");
    }
    assert_eq!(raw(open("/view/nonsense/dists/view/InRelease".to_owned())).await.0, 400);
    assert_eq!(raw(open(format!("/v1/files/{dsc}"))).await.0, 401);
    assert_eq!(raw(door.get(&format!("/v1/files/{unknown}"))).await.0, 404);
}

#[tokio::test]
async fn the_status_counts_and_lists_the_newest_runs_jobs() {
    let place = Place::new(&["one", "two"]);
    let control = place.start().await;
    let door = Door::of(&control);
    lease(&place.client()).await;
    let (status, body) = raw(door.get("/v1/status")).await;
    assert_eq!(status, 200);
    let json: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&json["run"], &json["status"]), (&"r1".into(), &"active".into()));
    assert_eq!(json["counts"].as_array().unwrap().len(), 2);
    assert_eq!(json["jobs"][0]["state"], "building");
    assert_eq!(json["jobs"][0]["builder"], "here");
}

//! What the metadata service of an instance says of its end: the notice of a spot instance, some minutes before.

use std::time::Duration;

use reqwest::Client;

/// The metadata service, for every instance of every cloud.
const METADATA: &str = "http://169.254.169.254";

/// How often it is asked.
const EVERY: Duration = Duration::from_secs(5);

/// How long it may take to answer; it is on the same host.
const PATIENCE: Duration = Duration::from_secs(2);

/// What tells of an end: the end itself, and the advice to go before it.
const NOTICES: [&str; 2] = ["spot/instance-action", "events/recommendations/rebalance"];

/// Waits until the cloud says that it will take this instance away; answers in its words.
pub async fn notice() -> String {
    // It is never behind the proxy that mirrors may be behind.
    let http = Client::builder().timeout(PATIENCE).no_proxy().build();
    let Ok(http) = http else { return std::future::pending().await };
    loop {
        for path in NOTICES {
            if let Some(words) = ask(&http, path).await {
                return format!("{path}: {words}");
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Asks by the second version of the service, or by the first where there is no other.
async fn ask(http: &Client, path: &str) -> Option<String> {
    let token = http
        .put(format!("{METADATA}/latest/api/token"))
        .header("X-aws-ec2-metadata-token-ttl-seconds", "60")
        .send()
        .await
        .ok()
        .filter(|answer| answer.status().is_success());
    let mut asking = http.get(format!("{METADATA}/latest/meta-data/{path}"));
    if let Some(token) = token {
        asking = asking.header("X-aws-ec2-metadata-token", token.text().await.ok()?);
    }
    let answer = asking.send().await.ok().filter(|answer| answer.status().is_success())?;
    answer.text().await.ok()
}

//! A connection to the server that a bucket is on.

use std::sync::Arc;

use aws_sdk_s3::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_smithy_http_client::tls;
use tokio::sync::Semaphore;

use crate::core::bucket::Bucket;
use crate::io::s3::Patience;
use crate::io::s3::count::Count;
use crate::io::s3::error::{S3Error, Trying};

/// Bytes of bodies that are held in memory at the same time, in KiB.
const MEMORY: usize = 128 << 10;

/// Requests at the same time: enough to hide a server's distance, and few enough for a small one.
pub const AT_ONCE: usize = 32;

/// The region that servers which have none go by.
const NO_REGION: &str = "us-east-1";

/// The variables that name the server, the more special one first.
const ENDPOINTS: [&str; 2] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];

/// The variable that names a file with certificates.
const CA_BUNDLE: &str = "AWS_CA_BUNDLE";

/// A bucket that can be read and written.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) sdk: aws_sdk_s3::Client,
    pub(super) bucket: Bucket,
    pub(super) endpoint: String,
    pub(super) patience: Patience,
    pub(super) memory: Arc<Semaphore>,
    count: Count,
}

impl Client {
    /// Reads settings and finds credentials where the AWS tools do; the server is not asked yet.
    pub async fn open(bucket: &Bucket, patience: Patience) -> Result<Client, S3Error> {
        Client::of(bucket, patience, None).await
    }

    /// As [`Client::open`], with a key that the caller has.
    pub async fn with_key(bucket: &Bucket, patience: Patience, key: &str, secret: &str) -> Result<Client, S3Error> {
        Client::of(bucket, patience, Some(Credentials::new(key, secret, None, None, "given"))).await
    }

    async fn of(bucket: &Bucket, patience: Patience, given: Option<Credentials>) -> Result<Client, S3Error> {
        let http = http_client(bucket)?;
        let retry = RetryConfig::standard()
            .with_max_attempts(patience.attempts)
            .with_initial_backoff(patience.backoff)
            .with_max_backoff(patience.backoff_limit);
        let timeouts =
            TimeoutConfig::builder().connect_timeout(patience.connect).operation_attempt_timeout(patience.attempt);
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .retry_config(retry)
            .timeout_config(timeouts.build());
        if let Some(profile) = &bucket.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(given) = given {
            loader = loader.credentials_provider(given);
        }
        if let Some(region) = &bucket.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let loaded = loader.load().await;
        let endpoint = bucket.endpoint.clone().or_else(|| ENDPOINTS.iter().find_map(|name| variable(name)));
        let region = loaded.region().cloned().unwrap_or_else(|| Region::from_static(NO_REGION));
        let count = Count::default();
        // One quota of retries for all requests of a client would end a publication because of one bad minute.
        let partition = RetryPartition::custom("archive").token_bucket(TokenBucket::unlimited()).build();
        let mut config = aws_sdk_s3::config::Builder::from(&loaded)
            .region(region.clone())
            .retry_partition(partition)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .interceptor(count.clone())
            // A name with dots is no name of a host that a certificate is for.
            .force_path_style(endpoint.is_some() || bucket.name.contains('.'));
        let shown = match &endpoint {
            Some(endpoint) => {
                // Without the slash, the bucket's name is glued to a path of the endpoint.
                config = config.endpoint_url(format!("{}/", endpoint.trim_end_matches('/')));
                endpoint.clone()
            }
            None => format!("AWS in {region}"),
        };
        Ok(Client {
            sdk: aws_sdk_s3::Client::from_conf(config.build()),
            bucket: bucket.clone(),
            endpoint: shown,
            patience,
            memory: Arc::new(Semaphore::new(MEMORY)),
            count,
        })
    }

    /// Where it is.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// The server, as people know it.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Where clients read what is there, by the endpoint that is used, whoever named it.
    pub fn read_url(&self) -> String {
        let named = Some(self.endpoint.clone()).filter(|endpoint| endpoint.contains("://"));
        Bucket { endpoint: named.or_else(|| self.bucket.endpoint.clone()), ..self.bucket.clone() }.read_url()
    }

    /// Requests that were sent by now, tries included.
    pub fn requests(&self) -> u64 {
        self.count.requests()
    }

    /// The server's clock at its last answer, in seconds since 1970.
    pub fn server_time(&self) -> Option<i64> {
        self.count.server_time()
    }

    /// For errors.
    pub(super) fn trying<'t>(&'t self, doing: &'static str, what: &'t str) -> Trying<'t> {
        Trying { bucket: &self.bucket, endpoint: &self.endpoint, doing, what }
    }
}

fn http_client(bucket: &Bucket) -> Result<aws_sdk_s3::config::SharedHttpClient, S3Error> {
    let mut trust = tls::TrustStore::default();
    let ca = bucket.ca.clone().or_else(|| variable(CA_BUNDLE).map(Into::into));
    if let Some(path) = ca {
        let pem = std::fs::read(&path).map_err(|source| S3Error::Io { doing: "read", path: path.clone(), source })?;
        if !pem.windows(27).any(|window| window == b"-----BEGIN CERTIFICATE-----") {
            let reason = format!(
                "expected certificates in PEM in `{}`, got none\nhint: it begins with `-----BEGIN CERTIFICATE-----`",
                path.display()
            );
            return Err(S3Error::Setting { what: "ca", reason });
        }
        trust = trust.with_pem_certificate(pem);
    }
    let wrong = |error: aws_smithy_http_client::HttpClientError| S3Error::Setting {
        what: "ca",
        reason: format!("expected certificates that can be used: {error}"),
    };
    let context = tls::TlsContext::builder().with_trust_store(trust).build().map_err(wrong)?;
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);
    Ok(aws_smithy_http_client::Builder::new().tls_provider(provider).tls_context(context).build_https())
}

/// A variable of the environment that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

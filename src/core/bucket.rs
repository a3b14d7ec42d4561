//! A place in an S3 bucket, as a recipe names it: `s3://bucket/prefix` and how it is reached.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where in which bucket an archive is, and how it is reached. Credentials are never part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// The bucket's name.
    pub name: String,
    /// What all keys begin with, without a slash at either end; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// The server's URL; AWS's own, or what `AWS_ENDPOINT_URL_S3` says, when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The region; what the environment and the profile say when it is not given, else `us-east-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The profile of the AWS files that credentials are from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// A file with certificates that the server's is trusted by, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Who may read the objects.
    #[serde(default)]
    pub acl: Acl,
    /// Where clients read what is there, if that is not the server's own URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Who may read an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acl {
    /// What the bucket's policy says; objects say nothing.
    #[default]
    Bucket,
    /// Everybody; asked for with each object.
    PublicRead,
    /// The owner alone; asked for with each object.
    Private,
}

impl Acl {
    /// All of them.
    pub const ALL: [Acl; 3] = [Acl::Bucket, Acl::PublicRead, Acl::Private];

    /// Its one text form.
    pub const fn text(self) -> &'static str {
        match self {
            Acl::Bucket => "bucket",
            Acl::PublicRead => "public-read",
            Acl::Private => "private",
        }
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Option<Acl> {
        Acl::ALL.into_iter().find(|acl| acl.text() == text)
    }
}

/// Why a text names no place in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{got}`: expected {expected}\nhint: write `s3://bucket` or `s3://bucket/prefix`")]
pub struct BucketError {
    /// What was given.
    pub got: String,
    /// What it should be.
    pub expected: &'static str,
}

impl Bucket {
    /// Reads `s3://bucket/prefix`; how it is reached is left to the environment.
    pub fn parse(text: &str) -> Result<Bucket, BucketError> {
        let wrong = |expected| BucketError { got: text.to_owned(), expected };
        let rest = text.strip_prefix("s3://").ok_or_else(|| wrong("a URL that begins with `s3://`"))?;
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let letter =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_');
        let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = name.as_bytes();
        if !(3..=63).contains(&bytes.len()) || !bytes.iter().all(|&byte| letter(byte)) {
            return Err(wrong("a bucket's name of 3 to 63 lower-case letters, digits, `-` and `.`"));
        }
        if !ends(bytes.first()) || !ends(bytes.last()) || name.contains("..") {
            return Err(wrong("a bucket's name that begins and ends with a letter or digit"));
        }
        let prefix = prefix.trim_end_matches('/');
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-' | b'_' | b'~');
        let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(letter);
        if !prefix.is_empty() && !prefix.split('/').all(part) {
            return Err(wrong("a prefix of folders' names with `/` between, none of them hidden"));
        }
        Ok(Bucket {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            endpoint: None,
            region: None,
            profile: None,
            ca: None,
            acl: Acl::Bucket,
            url: None,
        })
    }

    /// The key of a path of the archive.
    pub fn key(&self, path: &str) -> String {
        if self.prefix.is_empty() { path.to_owned() } else { format!("{}/{path}", self.prefix) }
    }

    /// The path of a key of this archive.
    pub fn path<'k>(&self, key: &'k str) -> Option<&'k str> {
        if self.prefix.is_empty() { Some(key) } else { key.strip_prefix(&self.prefix)?.strip_prefix('/') }
    }

    /// Where clients read the archive when they go to the server itself, without a slash at the end.
    pub fn read_url(&self) -> String {
        if let Some(url) = &self.url {
            return url.trim_end_matches('/').to_owned();
        }
        let root = match (&self.endpoint, &self.region) {
            (Some(endpoint), _) => format!("{}/{}", endpoint.trim_end_matches('/'), self.name),
            (None, Some(region)) => format!("https://s3.{region}.amazonaws.com/{}", self.name),
            (None, None) => format!("https://s3.amazonaws.com/{}", self.name),
        };
        if self.prefix.is_empty() { root } else { format!("{root}/{}", self.prefix) }
    }
}

impl std::fmt::Display for Bucket {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        write!(out, "s3://{}{slash}{}", self.name, self.prefix)
    }
}

/// The first thing that is wrong with the URL of a server, if anything is.
pub fn wrong_url(url: &str) -> Option<&'static str> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let host = rest.map(|rest| rest.split('/').next().unwrap_or_default());
    match host {
        None => Some("a URL that begins with `http://` or `https://`"),
        Some("") => Some("a URL with a host"),
        Some(host) if host.contains('@') => Some("a URL without a user and a password"),
        Some(_) if url.bytes().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control()) => {
            Some("a URL without blanks")
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_and_a_prefix_are_read_and_written() {
        let bucket = Bucket::parse("s3://archive/acme/stable/").unwrap();
        assert_eq!((bucket.name.as_str(), bucket.prefix.as_str()), ("archive", "acme/stable"));
        assert_eq!(bucket.key("dists/x/InRelease"), "acme/stable/dists/x/InRelease");
        assert_eq!(bucket.path("acme/stable/pool/a"), Some("pool/a"));
        assert_eq!(bucket.path("acme/stables/pool/a"), None);
        assert_eq!(bucket.to_string(), "s3://archive/acme/stable");
        let bare = Bucket::parse("s3://archive").unwrap();
        assert_eq!((bare.key("pool/a").as_str(), bare.path("pool/a")), ("pool/a", Some("pool/a")));
    }

    #[test]
    fn what_names_no_bucket_is_refused_with_what_was_expected() {
        let of = |text: &str| Bucket::parse(text).unwrap_err().to_string();
        for text in ["archive", "http://archive", "s3://", "s3://ab", "s3://Archive", "s3://-archive", "s3://a..b"] {
            assert!(of(text).contains("expected a ") && of(text).contains("hint: write `s3://bucket`"), "{text}");
        }
        for text in ["s3://archive//x", "s3://archive/../x", "s3://archive/.hidden", "s3://archive/a b"] {
            assert!(of(text).contains("expected a prefix"), "{text}");
        }
    }

    #[test]
    fn clients_read_at_the_server_unless_another_place_is_named() {
        let mut bucket = Bucket::parse("s3://archive/acme").unwrap();
        assert_eq!(bucket.read_url(), "https://s3.amazonaws.com/archive/acme");
        bucket.endpoint = Some("http://s3.example.org:8333/".into());
        assert_eq!(bucket.read_url(), "http://s3.example.org:8333/archive/acme");
        bucket.url = Some("https://deb.example.org/".into());
        assert_eq!(bucket.read_url(), "https://deb.example.org");
        assert_eq!(wrong_url("http://s3.example.org:8333/x/"), None);
        assert!(wrong_url("s3.example.org").is_some() && wrong_url("https://user:word@s3.example.org").is_some());
    }
}

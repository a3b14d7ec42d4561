//! `cb.s3`: what it is given becomes a place in a bucket.

use crate::core::bucket::{Acl, Bucket, wrong_url};
use crate::core::codes::Code;
use crate::lua::check::call::Call;
use crate::lua::session::Fault;
use crate::lua::values::Handle;
use crate::lua::values::directory::{Directory, InBucket};

/// The shortest time between two publications, in seconds: dates of generations rise by that.
const SHORTEST: u64 = 1;

/// Makes the value.
pub(super) fn make(mut call: Call) -> Result<Handle, Fault> {
    let url = call.name();
    let parsed = Bucket::parse(&url);
    let mut place = parsed.map_err(|error| {
        let wrong = format!("`cb.s3`: expected {}, got `{}`", error.expected, error.got);
        Fault::new(wrong).code(Code::WrongCall).hint("write `s3://bucket` or `s3://bucket/prefix`")
    })?;
    place.endpoint = url_of(&mut call, "endpoint")?;
    place.url = url_of(&mut call, "public_url")?;
    place.region = call.text("region");
    place.profile = call.text("profile");
    place.ca = call.text("ca").map(Into::into);
    place.acl = call.text("acl").and_then(|text| Acl::parse(&text)).unwrap_or_default();
    let every = call.text("every").map(|text| interval(&text)).transpose()?;
    Ok(Handle::Directory(Directory {
        path: place.to_string().into(),
        bucket: Some(InBucket { place: Box::new(place), every }),
        suite: call.text("suite"),
        origin: call.text("origin"),
        label: call.text("label"),
        settings: super::settings(&mut call)?,
    }))
}

fn url_of(call: &mut Call, name: &'static str) -> Result<Option<String>, Fault> {
    let Some(url) = call.text(name) else { return Ok(None) };
    match wrong_url(&url) {
        None => Ok(Some(url)),
        Some(expected) => Err(Fault::new(format!("`cb.s3`: `{name}`: expected {expected}, got `{url}`"))
            .code(Code::WrongCall)
            .hint("write `https://s3.example.org`; credentials belong into AWS_ACCESS_KEY_ID and the like")),
    }
}

/// Seconds of a text such as `30 min`.
fn interval(text: &str) -> Result<u64, Fault> {
    let seconds = text.parse::<jiff::SignedDuration>().ok().and_then(|span| u64::try_from(span.as_secs()).ok());
    seconds.filter(|&seconds| seconds >= SHORTEST).ok_or_else(|| {
        Fault::new(format!("`cb.s3`: `every`: expected a time of at least a second, got `{text}`"))
            .code(Code::WrongCall)
            .hint("write `every = \"30 min\"`")
    })
}

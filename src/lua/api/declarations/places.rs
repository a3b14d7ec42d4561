//! Who builds, and where an archive goes.

use super::parameter;
use crate::core::bucket::Acl;
use crate::core::codes::Code;
use crate::core::publish::gate::Gate;
use crate::core::publish::settings::Settings;
use crate::core::recipe::Builders;
use crate::core::settings::value::read_duration;
use crate::lua::api::Default::{Is, Required};
use crate::lua::api::{Body, Declaration, Kind, Options};
use crate::lua::check::call::Call;
use crate::lua::session::Fault;
use crate::lua::values::directory::Directory;
use crate::lua::values::{Handle, Tag};

mod bucket;

/// The text forms of [`Acl`].
const ACLS: [&str; 3] = [Acl::Bucket.text(), Acl::PublicRead.text(), Acl::Private.text()];

/// What a call says of an archive besides its names.
fn settings(call: &mut Call) -> Result<Settings, Fault> {
    let seconds = |text: String| match read_duration(&text).map(|time| i64::try_from(time.as_secs())) {
        Some(Ok(seconds)) => Ok(seconds),
        Some(Err(_)) | None => Err(Fault::new(format!("`valid_for`: expected a time, got `{text}`"))
            .code(Code::WrongCall)
            .hint("write `valid_for = \"14 days\"`")),
    };
    Ok(Settings {
        valid_for: call.text("valid_for").map(seconds).transpose()?,
        not_automatic: call.boolean("not_automatic").unwrap_or(false),
        but_automatic_upgrades: call.boolean("but_automatic_upgrades").unwrap_or(false),
        zst: call.boolean("zst").unwrap_or(false),
        pdiffs: call.boolean("pdiffs").unwrap_or(false),
        variant: None,
        fallback: call.boolean("fallback").unwrap_or(false),
        gate: Gate {
            required: call.texts("required"),
            minimum: call.integer("minimum").and_then(|minimum| u64::try_from(minimum).ok()),
            installable: call.boolean("installable").unwrap_or(false),
            no_file_conflicts: call.boolean("no_file_conflicts").unwrap_or(false),
        },
    })
}

/// Who builds, and where an archive goes.
pub const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "here",
        sentence: "Builders on this machine.",
        named: None,
        options: Options::Optional,
        items: None,
        fields: &[parameter("slots", Kind::Integer(1, 1024), Is("the setting `slots`"), "Builds at the same time.")],
        result: Tag::Builders,
        body: Body::Makes(|_, mut call| {
            let slots = call.integer("slots").map(|slots| u32::try_from(slots).expect("the range was checked"));
            Ok(Handle::Builders(Builders::Here { slots }))
        }),
    },
    Declaration {
        name: "dir",
        sentence: "A directory to publish an archive to.",
        named: Some(parameter("path", Kind::Text, Required, "The archive's root; relative to the state directory.")),
        options: Options::Optional,
        items: None,
        fields: &[
            parameter("suite", Kind::Name, Is("the campaign's name"), "`Suite:` of the archive."),
            parameter("origin", Kind::Text, Is("cloudbuild"), "`Origin:` of the archive."),
            parameter("label", Kind::Text, Is("the campaign's name"), "`Label:` of the archive."),
            parameter("valid_for", Kind::Text, Is("for ever"), "`Valid-Until:`, so long after `Date`: `14 days`."),
            parameter(
                "not_automatic",
                Kind::Boolean,
                Is("false"),
                "`NotAutomatic`: apt takes from it only what is asked for.",
            ),
            parameter(
                "but_automatic_upgrades",
                Kind::Boolean,
                Is("false"),
                "With `not_automatic`: apt upgrades what came from it.",
            ),
            parameter("zst", Kind::Boolean, Is("false"), "Indexes compressed with zstd, besides gzip and xz."),
            parameter("pdiffs", Kind::Boolean, Is("false"), "Patches, so that apt fetches what changed in an index."),
            parameter(
                "fallback",
                Kind::Boolean,
                Is("false"),
                "What could not be built is there as the base archive has it.",
            ),
            parameter("required", Kind::Texts, Is("{}"), "Binary packages without which nothing is published."),
            parameter("minimum", Kind::Integer(1, 10_000_000), Is("1"), "Fewer binary packages are not published."),
            parameter("installable", Kind::Boolean, Is("false"), "Publish only when each package can be installed."),
            parameter(
                "no_file_conflicts",
                Kind::Boolean,
                Is("false"),
                "Publish only when no two packages install the same file.",
            ),
        ],
        result: Tag::Directory,
        body: Body::Makes(|_, mut call| {
            let path = call.name().into();
            Ok(Handle::Directory(Directory {
                path,
                bucket: None,
                suite: call.text("suite"),
                origin: call.text("origin"),
                label: call.text("label"),
                settings: settings(&mut call)?,
            }))
        }),
    },
    Declaration {
        name: "s3",
        sentence: "A place in an S3 bucket to publish an archive to; credentials are those of the AWS tools.",
        named: Some(parameter("url", Kind::Text, Required, "`s3://bucket` or `s3://bucket/prefix`.")),
        options: Options::Optional,
        items: None,
        fields: &[
            parameter("endpoint", Kind::Text, Is("AWS_ENDPOINT_URL_S3, or AWS's own"), "URL of the server."),
            parameter("region", Kind::Text, Is("the profile's, or us-east-1"), "Region of the bucket."),
            parameter("profile", Kind::Text, Is("AWS_PROFILE"), "Profile of the AWS files with the credentials."),
            parameter("ca", Kind::File, Is("AWS_CA_BUNDLE"), "Certificates that the server's is trusted by, in PEM."),
            parameter("acl", Kind::OneOf(&ACLS), Is("bucket"), "Who may read: what the bucket says, or each object."),
            parameter(
                "public_url",
                Kind::Text,
                Is("the server's URL"),
                "Where apt reads the archive, if not at the server.",
            ),
            parameter("every", Kind::Text, Is("never"), "Also published while a stage is built, so often: `30 min`."),
            parameter("suite", Kind::Name, Is("the campaign's name"), "`Suite:` of the archive."),
            parameter("origin", Kind::Text, Is("cloudbuild"), "`Origin:` of the archive."),
            parameter("label", Kind::Text, Is("the campaign's name"), "`Label:` of the archive."),
            parameter("valid_for", Kind::Text, Is("for ever"), "`Valid-Until:`, so long after `Date`: `14 days`."),
            parameter(
                "not_automatic",
                Kind::Boolean,
                Is("false"),
                "`NotAutomatic`: apt takes from it only what is asked for.",
            ),
            parameter(
                "but_automatic_upgrades",
                Kind::Boolean,
                Is("false"),
                "With `not_automatic`: apt upgrades what came from it.",
            ),
            parameter("zst", Kind::Boolean, Is("false"), "Indexes compressed with zstd, besides gzip and xz."),
            parameter("pdiffs", Kind::Boolean, Is("false"), "Patches, so that apt fetches what changed in an index."),
            parameter(
                "fallback",
                Kind::Boolean,
                Is("false"),
                "What could not be built is there as the base archive has it.",
            ),
            parameter("required", Kind::Texts, Is("{}"), "Binary packages without which nothing is published."),
            parameter("minimum", Kind::Integer(1, 10_000_000), Is("1"), "Fewer binary packages are not published."),
            parameter("installable", Kind::Boolean, Is("false"), "Publish only when each package can be installed."),
            parameter(
                "no_file_conflicts",
                Kind::Boolean,
                Is("false"),
                "Publish only when no two packages install the same file.",
            ),
        ],
        result: Tag::Directory,
        body: Body::Makes(|_, call| bucket::make(call)),
    },
];

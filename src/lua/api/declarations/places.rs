//! Who builds, and where an archive goes.

use super::parameter;
use crate::core::recipe::Builders;
use crate::lua::api::Default::{Is, Required};
use crate::lua::api::{Body, Declaration, Kind, Options};
use crate::lua::values::{Directory, Handle, Tag};

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
        ],
        result: Tag::Directory,
        body: Body::Makes(|_, mut call| {
            let path = call.name().into();
            Ok(Handle::Directory(Directory {
                path,
                suite: call.text("suite"),
                origin: call.text("origin"),
                label: call.text("label"),
            }))
        }),
    },
];

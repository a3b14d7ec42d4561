//! Where packages come from.

use super::parameter;
use crate::core::recipe::AptSources;
use crate::lua::api::Default::{Is, Required};
use crate::lua::api::{Body, Declaration, Kind, Options};
use crate::lua::values::{Handle, Tag};

/// Where packages come from.
pub const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "apt.system",
        sentence: "This machine's own APT sources.",
        named: None,
        options: Options::Optional,
        items: None,
        fields: &[parameter(
            "also",
            Kind::Texts,
            Is("{}"),
            "Third-party entries that builds may see all the same: an Origin, a host, or a file's stem.",
        )],
        result: Tag::AptSources,
        body: Body::Makes(|_, mut call| Ok(Handle::AptSources(AptSources::System { also: call.texts("also") }))),
    },
    Declaration {
        name: "apt.sources",
        sentence: "The APT sources of one file, one-line or deb822, as in /etc/apt.",
        named: Some(parameter("file", Kind::Text, Required, "The file, relative to the recipe's folder.")),
        options: Options::None,
        items: None,
        fields: &[],
        result: Tag::AptSources,
        body: Body::Makes(|context, call| {
            Ok(Handle::AptSources(AptSources::File { path: context.folder.join(call.name()) }))
        }),
    },
];

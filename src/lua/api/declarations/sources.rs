//! Where packages come from.

use super::parameter;
use crate::core::recipe::AptSources;
use crate::core::recipe::overlay::{Overlay, OverlayKind};
use crate::lua::api::Default::{Is, Required};
use crate::lua::api::{Body, Declaration, Kind, Options, Parameter};
use crate::lua::check::call::Call;
use crate::lua::session::Fault;
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
    Declaration {
        name: "source_package",
        sentence: "A local source package for an overlay: it supersedes every other version, whatever the version numbers.",
        named: Some(parameter("dsc", Kind::File, Required, "Its .dsc, relative to the recipe's folder.")),
        options: Options::Optional,
        items: None,
        fields: OF_SOURCE,
        result: Tag::Overlay,
        body: Body::Makes(|_, call| overlay(OverlayKind::SourcePackage, call)),
    },
    Declaration {
        name: "source_tree",
        sentence: "A local source tree for an overlay, which is packed as it is and supersedes as a source package does.",
        named: Some(parameter(
            "folder",
            Kind::File,
            Required,
            "The folder with debian/ in it, relative to the recipe's.",
        )),
        options: Options::Optional,
        items: None,
        fields: OF_SOURCE,
        result: Tag::Overlay,
        body: Body::Makes(|_, call| overlay(OverlayKind::SourceTree, call)),
    },
    Declaration {
        name: "binary_package",
        sentence: "A local binary package for an overlay: it is installed and published instead of every other version.",
        named: Some(parameter("deb", Kind::File, Required, "The .deb, relative to the recipe's folder.")),
        options: Options::None,
        items: None,
        fields: &[],
        result: Tag::Overlay,
        body: Body::Makes(|_, call| overlay(OverlayKind::BinaryPackage, call)),
    },
];

/// What can be said of an overlay that is built.
const OF_SOURCE: &[Parameter] = &[
    parameter(
        "first",
        Kind::Boolean,
        Is("false"),
        "Build it before every other package of a stage, against what is there.",
    ),
    parameter("suffix", Kind::Suffix, Is("the build's"), "What is appended to the version of what it builds."),
];

fn overlay(kind: OverlayKind, mut call: Call) -> Result<Handle, Fault> {
    let (path, first) = (call.name().into(), call.boolean("first").unwrap_or(false));
    Ok(Handle::Overlay(Overlay { kind, path, first, suffix: call.text("suffix") }))
}

//! How jobs are built.

use super::parameter;
use crate::core::how::{EMULATED_FACTOR, How};
use crate::lua::api::Default::{Is, Required};
use crate::lua::api::{Body, Declaration, Kind, Options};
use crate::lua::values::{Handle, Tag};

/// How jobs are built.
pub const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "native",
        sentence: "Build in a chroot of the architecture itself, on a machine whose processor runs it.",
        named: None,
        options: Options::Optional,
        items: None,
        fields: &[],
        result: Tag::How,
        body: Body::Makes(|_, _| Ok(Handle::How(How::Native))),
    },
    Declaration {
        name: "cross",
        sentence: "Build in a chroot of another architecture, with a cross compiler.",
        named: None,
        options: Options::Required,
        items: None,
        fields: &[
            parameter("build", Kind::Name, Required, "The Debian architecture that the build runs on."),
            parameter(
                "profiles",
                Kind::Texts,
                Is("{ \"cross\", \"nocheck\" }"),
                "Build profiles of every cross build: what was built for elsewhere cannot be tested here.",
            ),
        ],
        result: Tag::How,
        body: Body::Makes(|_, mut call| {
            let usual = || vec!["cross".to_owned(), "nocheck".to_owned()];
            Ok(Handle::How(How::Cross {
                build: call.text("build").expect("its declaration says that it is required"),
                profiles: call.names("profiles").unwrap_or_else(usual),
            }))
        }),
    },
    Declaration {
        name: "emulated",
        sentence: "Build in a chroot of the architecture itself, whose programs qemu runs.",
        named: None,
        options: Options::Optional,
        items: None,
        fields: &[
            parameter(
                "cpu",
                Kind::Name,
                Is("qemu's choice"),
                "The processor that qemu is during the build, such as `arm1176`; the chroot must run on it, too.",
            ),
            parameter("time_factor", Kind::Integer(1, 1000), Is("10"), "How many times longer a build takes."),
        ],
        result: Tag::How,
        body: Body::Makes(|_, mut call| {
            let factor =
                call.integer("time_factor").map(|factor| u32::try_from(factor).expect("the range was checked"));
            Ok(Handle::How(How::Emulated { cpu: call.text("cpu"), time_factor: factor.unwrap_or(EMULATED_FACTOR) }))
        }),
    },
    Declaration {
        name: "cross_only",
        sentence: "To build against: what cross builds run on, and of the architecture itself only what this run built.",
        named: None,
        options: Options::Optional,
        items: None,
        fields: &[],
        result: Tag::CrossOnly,
        body: Body::Makes(|_, _| Ok(Handle::CrossOnly)),
    },
];

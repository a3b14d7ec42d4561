//! What is measured of builds, and the page that tells of it.

use super::parameter;
use crate::core::measure::Metric;
use crate::core::recipe::Report;
use crate::core::recipe::comparison::CONFIDENCE;
use crate::lua::api::Default::{Is, Required};
use crate::lua::api::{Body, Declaration, Kind, Options, Record};
use crate::lua::values::{Handle, Tag};

/// What is measured.
pub const MEASURE: Record = Record {
    name: "measurements",
    sentence: "What is measured of every build.",
    items: Some(parameter("metrics", Kind::OneOf(Metric::WORDS), Is("{}"), "What is measured of every build.")),
    fields: &[parameter(
        "bench",
        Kind::Files,
        Is("{}"),
        "Scripts by source package, run where its packages are installed; they print lines of `name value unit`.",
    )],
};

/// What is verified.
pub const VERIFY: Record = Record {
    name: "verifications",
    sentence: "What is verified of built files, read from the files themselves.",
    items: None,
    fields: &[
        parameter("flags", Kind::Boolean, Is("false"), "Compilers had the flags that were asked for."),
        parameter("isa", Kind::Record(&LEVEL), Is("any"), "ARM files stay within it; others are not published."),
        parameter("installable", Kind::Boolean, Is("false"), "Each package can be installed beside what was built."),
        parameter(
            "run_under",
            Kind::Name,
            Is("none"),
            "Programs start on this processor, as qemu names it; packages of those that do not are not published.",
        ),
    ],
};

/// An instruction set.
pub const LEVEL: Record = Record {
    name: "an instruction set",
    sentence: "An instruction set of 32-bit ARM, by what built files say of themselves.",
    items: None,
    fields: &[
        parameter("arch", Kind::Name, Required, "Such as `armv6`, `armv7-a`."),
        parameter("fpu", Kind::Name, Required, "Such as `vfp`, `vfpv3-d16`, `neon`."),
    ],
};

/// What is told of it.
pub const DECLARATIONS: &[Declaration] = &[Declaration {
    name: "html",
    sentence: "A page about the comparison of cells, in the state directory and beside what is published.",
    named: None,
    options: Options::Optional,
    items: None,
    fields: &[parameter("confidence", Kind::Share, Is("0.95"), "How sure its intervals have to be.")],
    result: Tag::Report,
    body: Body::Makes(|_, mut call| {
        let confidence = call.integer("confidence").and_then(|parts| u32::try_from(parts).ok());
        Ok(Handle::Report(Report { confidence: confidence.unwrap_or(CONFIDENCE) }))
    }),
}];

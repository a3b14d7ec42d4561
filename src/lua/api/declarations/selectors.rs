//! Which packages.

use super::parameter;
use crate::core::recipe::BaseClosure;
use crate::lua::api::Default::Is;
use crate::lua::api::{Body, Declaration, Kind, Options};
use crate::lua::values::{Handle, Tag};

/// Which packages.
pub const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "everything",
        sentence: "Every source package of the import.",
        named: None,
        options: Options::Optional,
        items: None,
        fields: &[],
        result: Tag::Everything,
        body: Body::Makes(|_, _| Ok(Handle::Everything)),
    },
    Declaration {
        name: "base_system",
        sentence: "The sources of required and important packages and of build-essential, with what these need to run.",
        named: None,
        options: Options::Optional,
        items: None,
        fields: &[parameter(
            "closure",
            Kind::OneOf(&["runtime", "build"]),
            Is("runtime"),
            "`build` takes all that is needed to build them, too, until nothing else has to be there.",
        )],
        result: Tag::BaseSystem,
        body: Body::Makes(|_, mut call| {
            let word = call.text("closure");
            let closure = BaseClosure::ALL.into_iter().find(|closure| Some(closure.text()) == word.as_deref());
            Ok(Handle::BaseSystem(closure.unwrap_or(BaseClosure::Runtime)))
        }),
    },
];

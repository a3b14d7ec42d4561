//! Which packages.

use super::parameter;
use crate::core::recipe::selection::{BaseClosure, Pick, Selection};
use crate::lua::api::Default::{Is, Required};
use crate::lua::api::{Body, Declaration, Kind, Options, Parameter};
use crate::lua::check::call::Call;
use crate::lua::values::{Handle, Tag};

/// What is declared here.
pub const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "everything",
        sentence: "Every source package of the import.",
        named: None,
        options: Options::Optional,
        items: None,
        fields: &[],
        result: Tag::Selection,
        body: Body::Makes(|_, _| Ok(Handle::Selection(Selection::Everything))),
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
        result: Tag::Selection,
        body: Body::Makes(|_, mut call| {
            let word = call.text("closure");
            let closure = BaseClosure::ALL.into_iter().find(|closure| Some(closure.text()) == word.as_deref());
            Ok(Handle::Selection(Selection::BaseSystem(closure.unwrap_or(BaseClosure::Runtime))))
        }),
    },
    Declaration {
        name: "runtime_closure",
        sentence: "The sources of some binary packages and of all that gets installed with them.",
        named: None,
        options: Options::Required,
        items: None,
        fields: &[parameter("of", Kind::Texts, Required, "Binary packages by name.")],
        result: Tag::Selection,
        body: Body::Makes(|_, mut call| Ok(Handle::Selection(Selection::RuntimeClosure { of: call.texts("of") }))),
    },
    Declaration {
        name: "pick",
        sentence: "Source packages that have what is asked for; each condition that is given has to hold.",
        named: None,
        options: Options::Required,
        items: None,
        fields: &[
            parameter("of", Kind::Packages, Is("`cb.everything {}`"), "Only among these."),
            parameter("name", Kind::TextOrTexts, Is("any"), "Source package, or a list of them."),
            parameter("section", Kind::TextOrTexts, Is("any"), "Section, such as `libs`, or a list of them."),
            parameter("component", Kind::TextOrTexts, Is("any"), "Component, such as `main`, or a list of them."),
            parameter("build_depends_on", Kind::TextOrTexts, Is("anything"), BUILD_DEPENDS_ON),
            AT_MOST,
            parameter("seed", Kind::Integer(0, 1 << 53), Is("the first ones by name"), "Decides by chance which ones."),
        ],
        result: Tag::Selection,
        body: Body::Makes(|_, mut call| Ok(Handle::Selection(Selection::Pick(pick(&mut call))))),
    },
    Declaration {
        name: "changed_inputs",
        sentence: "What a stage built with inputs that are no longer the same: their hashes are compared.",
        named: Some(parameter("stage", Kind::Name, Required, "The stage.")),
        options: Options::None,
        items: None,
        fields: &[],
        result: Tag::Selection,
        body: Body::Makes(|_, call| Ok(Handle::Selection(Selection::ChangedInputs { stage: call.name() }))),
    },
];

const BUILD_DEPENDS_ON: &str = "A binary package that is build-depended on, or a list where one of them is enough.";

const AT_MOST: Parameter = parameter("at_most", Kind::Integer(1, 1 << 31), Is("all of them"), "At most so many.");

fn pick(call: &mut Call) -> Pick {
    let number = |value: Option<i64>| value.map(|value| u64::try_from(value).expect("the range was checked"));
    Pick {
        of: call.packages("of").map(Box::new),
        names: call.texts("name"),
        sections: call.texts("section"),
        components: call.texts("component"),
        build_depends_on: call.texts("build_depends_on"),
        at_most: number(call.integer("at_most")).map(|most| u32::try_from(most).expect("the range was checked")),
        seed: number(call.integer("seed")),
    }
}

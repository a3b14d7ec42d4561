//! What hooks answer, and what they look with.

use super::parameter;
use crate::core::hooks::{How, Retry};
use crate::lua::api::Default::{Is, Required};
use crate::lua::api::{Body, Declaration, Kind, Options, Parameter};
use crate::lua::pattern::Pattern;
use crate::lua::session::Fault;
use crate::lua::values::{Handle, Tag};

/// A reason, in words.
const fn why(sentence: &'static str) -> Option<Parameter> {
    Some(parameter("why", Kind::Text, Required, sentence))
}

/// What hooks answer, and what they look with.
pub const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "retry",
        sentence: "Answer of `on_failure`: try the job once more, three times at most.",
        named: None,
        options: Options::Optional,
        items: None,
        fields: &[
            parameter("larger", Kind::Boolean, Is("false"), "On a larger machine, where there is one."),
            parameter("parallel", Kind::Integer(1, 1024), Is("as before"), "With so many processes at once."),
            parameter("alone", Kind::Boolean, Is("false"), "With no other build beside it on its machine."),
            parameter("how", Kind::OneOf(&["native", "cross", "emulated"]), Is("as before"), "Built another way."),
        ],
        result: Tag::Retry,
        body: Body::Makes(|_, mut call| {
            let how = call.text("how");
            Ok(Handle::Retry(Retry {
                larger: call.boolean("larger").unwrap_or(false),
                parallel: call.integer("parallel").map(|count| u32::try_from(count).expect("the range was checked")),
                alone: call.boolean("alone").unwrap_or(false),
                how: How::ALL.into_iter().find(|known| Some(known.text()) == how.as_deref()),
            }))
        }),
    },
    Declaration {
        name: "give_up",
        sentence: "Answer of `on_failure`: leave the job failed.",
        named: None,
        options: Options::Optional,
        items: None,
        fields: &[],
        result: Tag::GiveUp,
        body: Body::Makes(|_, _| Ok(Handle::GiveUp)),
    },
    Declaration {
        name: "pause",
        sentence: "Answer of `on_stage_done`: end the run here; its next start goes on.",
        named: why("What a person should look at first."),
        options: Options::None,
        items: None,
        fields: &[],
        result: Tag::Pause,
        body: Body::Makes(|_, call| Ok(Handle::Pause(call.name()))),
    },
    Declaration {
        name: "skip",
        sentence: "Answer of `choose_flags` and `choose_how`: this source is not built.",
        named: why("Why it is left out."),
        options: Options::None,
        items: None,
        fields: &[],
        result: Tag::Skip,
        body: Body::Makes(|_, call| Ok(Handle::Skip(call.name()))),
    },
    Declaration {
        name: "re",
        sentence: "A regular expression: Rust's, on bytes, without look-around and back-references, so that it ends.",
        named: Some(parameter("pattern", Kind::Text, Required, "As written in `[[...]]`; `(?i)` ignores case.")),
        options: Options::None,
        items: None,
        fields: &[],
        result: Tag::Pattern,
        body: Body::Makes(|_, call| {
            let text = call.name();
            let pattern = Pattern::new(&text).map_err(|problem| {
                Fault::new(format!("`cb.re`: {problem}"))
                    .hint("the syntax is that of Rust's `regex` crate; quote a character with `\\`")
            })?;
            Ok(Handle::Pattern(pattern))
        }),
    },
];

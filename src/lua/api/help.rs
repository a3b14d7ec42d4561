//! The declarations as text for a person.

use std::fmt::Write;

use crate::lua::api::declarations;
use crate::lua::api::{Body, Declaration, Default, Options, Parameter};
use crate::lua::door::narrow::METHODS;

/// Everything a recipe can call.
pub fn text() -> String {
    let mut text = String::from("A recipe begins with `local cb = require \"cloudbuild\"` and returns a recipe.\n");
    for declaration in declarations::all() {
        let acts = match declaration.body {
            Body::Performs(_) => " Acts, so it is called in `run`.",
            Body::Makes(_) | Body::Composed(_) => "",
        };
        write!(text, "\n{}\n  {}{acts}\n", usage(declaration), declaration.sentence).expect(ALL);
        for parameter in declaration.parameters() {
            writeln!(text, "  {}", line(parameter)).expect(ALL);
        }
        writeln!(text, "  gives: a value of kind `{}`", declaration.result.text()).expect(ALL);
    }
    for method in METHODS {
        let of: Vec<&str> = method.of.iter().map(|tag| tag.text()).collect();
        let (name, parameter) = (method.name, method.parameter.name.to_uppercase());
        write!(text, "\nVALUE:{name}({parameter}), of a value of kind `{}`\n", of.join("` or `")).expect(ALL);
        writeln!(text, "  {}\n  {}", method.sentence, line(&method.parameter)).expect(ALL);
        writeln!(text, "  gives: a value of kind `{}`", method.result.text()).expect(ALL);
    }
    for record in declarations::RECORDS {
        write!(text, "\na table of {}\n  {}\n", record.name, record.sentence).expect("a string takes all text");
        for parameter in record.fields {
            writeln!(text, "  {}", line(parameter)).expect("a string takes all text");
        }
    }
    text
}

const ALL: &str = "a string takes all text";

fn usage(declaration: &Declaration) -> String {
    let name = declaration.shown();
    let named = declaration.named.as_ref().map(|parameter| format!(" \"{}\"", parameter.name.to_uppercase()));
    let inside = match (&declaration.items, declaration.fields.is_empty()) {
        (Some(items), true) => format!(" {{ {} }}", items.name.to_uppercase()),
        (Some(items), false) => format!(" {{ {}, ... }}", items.name.to_uppercase()),
        (None, true) => " {}".to_owned(),
        (None, false) => " { ... }".to_owned(),
    };
    let options = match (declaration.options, declaration.named.is_some()) {
        (Options::None, _) => String::new(),
        (Options::Required, _) => inside,
        (Options::Optional, true) => format!(" [{}]", inside.trim_start()),
        (Options::Optional, false) => format!("() or {name}{inside}"),
    };
    format!("{name}{}{options}", named.unwrap_or_default())
}

fn line(parameter: &Parameter) -> String {
    let default = match parameter.default {
        Default::Required => String::new(),
        Default::Is(default) => format!(" Default: {default}."),
    };
    format!("{:<12} {}: {}{default}", parameter.name, parameter.kind.expected(), parameter.sentence)
}

//! The declarations as text for a person.

use std::fmt::Write;

use serde_json::{Value as Json, json};

use crate::core::suggest::nearest_few;
use crate::lua::api::declarations;
use crate::lua::api::results::fields;
use crate::lua::api::{Body, Declaration, Default, Options, Parameter};
use crate::lua::door::narrow::METHODS;

/// Everything a recipe can call.
pub fn text() -> String {
    let mut text = String::from("A recipe begins with `local cb = require \"cloudbuild\"` and returns a recipe.\n");
    for declaration in declarations::all() {
        text.push('\n');
        text.push_str(&section(declaration));
    }
    for method in METHODS {
        let of: Vec<&str> = method.of.iter().map(|tag| tag.text()).collect();
        let (name, parameter) = (method.name, method.parameter.name.to_uppercase());
        write!(text, "\nVALUE:{name}({parameter}), of a value of kind `{}`\n", of.join("` or `")).expect(ALL);
        writeln!(text, "  {}\n  {}", method.sentence, line(&method.parameter)).expect(ALL);
        writeln!(text, "  gives: a value of kind `{}`", method.result.text()).expect(ALL);
    }
    for record in declarations::RECORDS {
        write!(text, "\na table of {}\n  {}\n", record.name, record.sentence).expect(ALL);
        for parameter in record.items.iter().chain(record.fields) {
            writeln!(text, "  {}", line(parameter)).expect(ALL);
        }
    }
    text
}

/// One of them, as it is written with or without `cb.`, with the fields of what it gives; `Err`: the nearest names.
pub fn text_of(name: &str) -> Result<String, Vec<String>> {
    let declaration = find(name)?;
    let mut text = section(declaration);
    for field in fields(declaration.result) {
        writeln!(text, "    .{:<10} {}: {}", field.name, field.kind, field.sentence).expect(ALL);
    }
    Ok(text)
}

/// The same for programs; all of them where no name is given.
pub fn document(name: Option<&str>) -> Result<Json, Vec<String>> {
    match name {
        Some(name) => find(name).map(described),
        None => Ok(json!({ "calls": declarations::all().map(described).collect::<Vec<_>>() })),
    }
}

fn find(name: &str) -> Result<&'static Declaration, Vec<String>> {
    let name = name.strip_prefix("cb.").unwrap_or(name);
    declarations::all().find(|declaration| declaration.name == name).ok_or_else(|| {
        let names = declarations::all().map(|declaration| declaration.name);
        // The last part alone may be what somebody remembers: `system`.
        let parts = declarations::all().filter(|declaration| declaration.name.rsplit('.').next() == Some(name));
        let mut near: Vec<String> = parts.map(|declaration| declaration.name.to_owned()).collect();
        near.extend(nearest_few(name, names).into_iter().map(str::to_owned));
        near.dedup();
        near
    })
}

fn described(declaration: &'static Declaration) -> Json {
    let acts = match declaration.body {
        Body::Performs(_) => true,
        Body::Makes(_) | Body::Composed(_) => false,
    };
    let parameter = |parameter: &Parameter| {
        let default = match parameter.default {
            Default::Required => None,
            Default::Is(default) => Some(default),
        };
        let expected = parameter.kind.expected();
        json!({ "name": parameter.name, "expected": expected, "sentence": parameter.sentence, "default": default })
    };
    let results = fields(declaration.result).iter();
    let results = results.map(|field| json!({ "name": field.name, "type": field.kind, "sentence": field.sentence }));
    json!({
        "name": declaration.shown(),
        "usage": usage(declaration),
        "sentence": declaration.sentence,
        "acts": acts,
        "named": declaration.named.as_ref().map(parameter),
        "items": declaration.items.as_ref().map(parameter),
        "options": declaration.fields.iter().map(parameter).collect::<Vec<_>>(),
        "gives": { "kind": declaration.result.text(), "fields": results.collect::<Vec<_>>() },
    })
}

const ALL: &str = "a string takes all text";

fn section(declaration: &Declaration) -> String {
    let acts = match declaration.body {
        Body::Performs(_) => " Acts, so it is called in `run`.",
        Body::Makes(_) | Body::Composed(_) => "",
    };
    let mut text = format!("{}\n  {}{acts}\n", usage(declaration), declaration.sentence);
    for parameter in declaration.parameters() {
        writeln!(text, "  {}", line(parameter)).expect(ALL);
    }
    writeln!(text, "  gives: a value of kind `{}`", declaration.result.text()).expect(ALL);
    text
}

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

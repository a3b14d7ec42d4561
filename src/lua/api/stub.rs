//! The declarations as a stub for editors that speak LuaLS, kept in `stdlib/meta/cloudbuild.d.lua`.

use std::fmt::Write;

use crate::lua::api::declarations;
use crate::lua::api::results::fields;
use crate::lua::api::{Declaration, Default, Options, Parameter};
use crate::lua::door::narrow::METHODS;
use crate::lua::values::Tag;

/// The whole file.
pub fn text() -> String {
    let mut text =
        String::from("---@meta cloudbuild\n-- Generated from the declarations in src/lua/api; do not edit.\n");
    for tag in Tag::ALL {
        write!(text, "\n---@class (exact) {}\n---@field kind \"{}\"\n", tag.class(), tag.text()).expect(ALL);
        for field in fields(*tag) {
            writeln!(text, "---@field {} {} {}", field.name, field.kind, field.sentence).expect(ALL);
        }
        for method in METHODS.iter().filter(|method| method.of.contains(tag)) {
            let (name, takes, gives) = (method.name, method.parameter.kind.in_stub(), method.result.class());
            let (parameter, class) = (method.parameter.name, tag.class());
            let function = format!("fun(self: {class}, {parameter}: {takes}): {gives}");
            writeln!(text, "---@field {name} {function} {}", method.sentence).expect(ALL);
        }
        if *tag == Tag::Directory {
            writeln!(text, "---@overload fun(options: cloudbuild.options.dir): {}", tag.class()).expect(ALL);
        }
    }
    for declaration in declarations::all().filter(|declaration| has_table(declaration)) {
        writeln!(text, "\n---@class (exact) {}", options_class(declaration)).expect(ALL);
        if let Some(items) = &declaration.items {
            let kind = items.kind.in_stub();
            let one = kind.split('|').next().unwrap_or(&kind);
            writeln!(text, "---@field [integer] {one} {}", items.sentence).expect(ALL);
        }
        for parameter in declaration.fields {
            writeln!(text, "{}", field(parameter)).expect(ALL);
        }
    }
    for record in declarations::RECORDS {
        writeln!(text, "\n--- {}\n---@class (exact) {}", record.sentence, record.class()).expect(ALL);
        if let Some(items) = &record.items {
            let kind = items.kind.in_stub();
            let one = kind.split('|').next().unwrap_or(&kind);
            writeln!(text, "---@field [integer] {one} {}", items.sentence).expect(ALL);
        }
        for parameter in record.fields {
            writeln!(text, "{}", field(parameter)).expect(ALL);
        }
    }
    text.push_str("\n---@class (exact) cloudbuild\nlocal cb = {}\n");
    let mut namespaces: Vec<&str> = declarations::all().filter_map(|d| Some(d.name.split_once('.')?.0)).collect();
    namespaces.dedup();
    for namespace in namespaces {
        write!(text, "\n---@class (exact) cloudbuild.{namespace}\ncb.{namespace} = {{}}\n").expect(ALL);
    }
    for declaration in declarations::all() {
        text.push_str(&function(declaration));
    }
    text.push_str("\nreturn cb\n");
    text
}

const ALL: &str = "a string takes all text";

fn has_table(declaration: &Declaration) -> bool {
    declaration.options != Options::None
}

fn options_class(declaration: &Declaration) -> String {
    format!("cloudbuild.options.{}", declaration.name)
}

fn field(parameter: &Parameter) -> String {
    let (optional, default) = match parameter.default {
        Default::Required => ("", String::new()),
        Default::Is(default) => ("?", format!(" Default: {default}.")),
    };
    let kind = parameter.kind.in_stub();
    format!("---@field {}{optional} {kind} {}{default}", parameter.name, parameter.sentence)
}

fn function(declaration: &Declaration) -> String {
    let result = declaration.result.class();
    let options = options_class(declaration);
    let mut text = format!("\n--- {}\n", declaration.sentence);
    let mut names = Vec::new();
    if let Some(named) = &declaration.named {
        writeln!(text, "---@param {} {} {}", named.name, named.kind.in_stub(), named.sentence).expect(ALL);
        names.push(named.name);
    } else {
        let optional = if declaration.options == Options::Optional { "?" } else { "" };
        writeln!(text, "---@param options{optional} {options}").expect(ALL);
        names.push("options");
    }
    match (declaration.named.is_some(), declaration.options) {
        (true, Options::Required) => writeln!(text, "---@return fun(options: {options}): {result}").expect(ALL),
        (true, Options::None | Options::Optional) | (false, _) => writeln!(text, "---@return {result}").expect(ALL),
    }
    writeln!(text, "function {}({}) end", declaration.shown(), names.join(", ")).expect(ALL);
    text
}

//! What a recipe can call: one declaration each, from which registration, checks, help and the editor stub derive.
//!
//! **Invariant:** nothing is done here; what a call does stands in `door`.

pub mod declarations;
pub mod help;
pub mod results;
pub mod stub;

use std::sync::Mutex;

use crate::core::recipe::{Request, Response};
use crate::lua::check::call::Call;
use crate::lua::error::Frame;
use crate::lua::session::Fault;
use crate::lua::values::{Handle, Tag};
use crate::primitives::hooks::Hook;

/// One thing a recipe can call.
pub struct Declaration {
    /// Below `cb`, with dots: `apt.system`.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub sentence: &'static str,
    /// The string before the table, as in `cb.dir "out"`.
    pub named: Option<Parameter>,
    /// Whether a table of options is given.
    pub options: Options,
    /// The table's list part, as in `cb.compare { built }`.
    pub items: Option<Parameter>,
    /// The table's named fields.
    pub fields: &'static [Parameter],
    /// What comes back.
    pub result: Tag,
    /// What does it.
    pub body: Body,
}

/// Whether a call has a table of options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Options {
    /// Never.
    None,
    /// It may be left out.
    Optional,
    /// Always.
    Required,
}

/// What does the work of a call.
pub enum Body {
    /// Makes a value; has no effects.
    Makes(fn(Context<'_>, Call) -> Result<Handle, Fault>),
    /// Asks the performer; only possible while `run` runs.
    Performs(fn(Call, &Asking<'_>) -> Result<Request, Fault>),
    /// A module of `stdlib/` that is written with the others.
    Composed(&'static str),
}

/// What making a request may need beside its own arguments.
pub struct Asking<'a> {
    /// Performs what has to be known first.
    pub ask: &'a dyn Fn(Request) -> Result<Response, Fault>,
    /// The names of stages that this run has so far.
    pub stages: &'a Mutex<Vec<String>>,
}

/// What a constructor may know of the recipe.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The recipe's line that calls.
    pub at: Option<&'a Frame>,
    /// The recipe's folder, absolute.
    pub folder: &'a std::path::Path,
}

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it has to be.
    pub kind: Kind,
    /// What it says, in one sentence.
    pub sentence: &'static str,
    /// What is taken when it is left out.
    pub default: Default,
}

/// Whether a parameter may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// No.
    Required,
    /// Yes; this says what is taken then.
    Is(&'static str),
}

/// What a value has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string that is not empty and has no control characters.
    Text,
    /// A string that can be part of a path: a suite, a stage, an architecture.
    Name,
    /// A file's path, relative to the recipe's folder.
    File,
    /// What can end a version.
    Suffix,
    /// Who signs a changelog entry.
    Maintainer,
    /// A whole number of this range.
    Integer(i64, i64),
    /// `true` or `false`.
    Boolean,
    /// A list of strings.
    Texts,
    /// A string, or a list of strings.
    TextOrTexts,
    /// A table from names to strings.
    Variables,
    /// Flags of a compiler: a string, or a list of strings.
    Flags,
    /// A table from names to files' paths, relative to the recipe's folder.
    Files,
    /// A part of one, between 0 and 1; kept in hundredths of a percent.
    Share,
    /// A table from one flag to the flags that come in its place.
    Replacements,
    /// A string, or a list of them; of text that the function finds good.
    Words(&'static Word),
    /// A table with these fields.
    Record(&'static Record),
    /// A list of such tables.
    Records(&'static Record),
    /// Flags for all compilers as one string, or a table with these fields.
    FlagsOr(&'static Record),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of names, or a selection.
    Packages,
    /// The name of a stage, one of these, or a list of such.
    Layers(&'static [Tag]),
    /// The declarations of a recipe's arguments.
    Arguments,
    /// A function.
    Function,
    /// A table from names of hooks to functions.
    Hooks,
    /// A function that decides later.
    Hook(Hook),
    /// A string that can be part of a path, or one value of one of these.
    NameOr(&'static [Tag]),
    /// One value of one of these.
    One(&'static [Tag]),
    /// One value of one of these, or a list of them.
    Some(&'static [Tag]),
}

/// The fields of a table in a table.
#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    /// Its class in the editor stub, and how help names it.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub sentence: &'static str,
    /// Its list part, where it has one.
    pub items: Option<Parameter>,
    /// Its fields.
    pub fields: &'static [Parameter],
}

/// What the strings of a list have to be.
#[derive(Debug)]
pub struct Word {
    /// Fits after "expected", for one of them: `a build option such as \`nocheck\``.
    pub expected: &'static str,
    /// Fits after "expected", for the list.
    pub list: &'static str,
    /// Whether a string is one.
    pub good: fn(&str) -> bool,
}

impl PartialEq for Word {
    fn eq(&self, other: &Word) -> bool {
        self.expected == other.expected
    }
}

impl Eq for Word {}

impl Kind {
    /// Fits after "expected".
    pub fn expected(self) -> String {
        match self {
            Kind::Text => "a string".to_owned(),
            Kind::File => "a file's path".to_owned(),
            Kind::Suffix => "`+`, `~` or `.`, then letters, digits and `+~.`, such as `+b1` or `~acme1`".to_owned(),
            Kind::Maintainer => "a name and an address, such as `A Person <person@example.org>`".to_owned(),
            Kind::Name => "a name of letters, digits and `.+_~-`".to_owned(),
            Kind::Integer(low, high) => format!("a whole number from {low} to {high}"),
            Kind::Boolean => "a boolean".to_owned(),
            Kind::Texts => "a list of strings".to_owned(),
            Kind::TextOrTexts => "a string, or a list of strings".to_owned(),
            Kind::Variables => "a table from variables to strings".to_owned(),
            Kind::Files => "a table from names to files' paths".to_owned(),
            Kind::Share => "a number between 0 and 1, such as 0.95".to_owned(),
            Kind::Flags => "flags such as `-O3`, a string or a list".to_owned(),
            Kind::Replacements => "a table from flags to flags such as `{ [\"-O2\"] = \"-O3\" }`".to_owned(),
            Kind::Words(word) => word.list.to_owned(),
            Kind::Record(record) => format!("a table of {}", record.name),
            Kind::Records(record) => format!("a list of tables of {}", record.name),
            Kind::FlagsOr(record) => format!("a string of flags, or a table of {}", record.name),
            Kind::OneOf(words) => format!("`{}`", words.join("` or `")),
            Kind::Packages => format!("a list of strings, or {}", Tag::Selection.expected()),
            Kind::Layers(tags) => format!("a stage's name, {}, or a list of them", one_of(tags)),
            Kind::Arguments => "a table from names to types".to_owned(),
            Kind::Function => "a function".to_owned(),
            Kind::Hooks => "a table from names of hooks to functions".to_owned(),
            Kind::Hook(hook) => format!("a function of ({})", hook.parameters().join(", ")),
            Kind::NameOr(tags) => format!("a name of letters, digits and `.+_~-`, or {}", one_of(tags)),
            Kind::One(tags) => one_of(tags),
            Kind::Some(tags) => format!("{}, or a list of them", one_of(tags)),
        }
    }

    /// In LuaLS's notation.
    pub fn in_stub(self) -> String {
        let union = |tags: &[Tag]| tags.iter().map(|tag| tag.class()).collect::<Vec<_>>().join("|");
        match self {
            Kind::Text | Kind::Name | Kind::File | Kind::Suffix | Kind::Maintainer => "string".to_owned(),
            Kind::Integer(..) => "integer".to_owned(),
            Kind::Boolean => "boolean".to_owned(),
            Kind::Texts => "string[]".to_owned(),
            Kind::TextOrTexts => "string|string[]".to_owned(),
            Kind::Variables | Kind::Files => "table<string, string>".to_owned(),
            Kind::Share => "number".to_owned(),
            Kind::Flags | Kind::Words(_) => "string|string[]".to_owned(),
            Kind::Replacements => "table<string, string|string[]>".to_owned(),
            Kind::Record(record) => record.class(),
            Kind::Records(record) => format!("{}[]", record.class()),
            Kind::FlagsOr(record) => format!("string|{}", record.class()),
            Kind::OneOf(words) => format!("\"{}\"", words.join("\"|\"")),
            Kind::Packages => format!("string[]|{}", Tag::Selection.class()),
            Kind::Layers(tags) => format!("string|{0}|(string|{0})[]", union(tags)),
            Kind::Arguments => "table<string, string|table>".to_owned(),
            Kind::Function => "fun(cb: cloudbuild, args: table): any".to_owned(),
            Kind::Hooks => {
                let field = |hook: &Hook| format!("{}?: {}", hook.text(), in_stub(*hook));
                format!("{{ {} }}", Hook::ALL.iter().map(field).collect::<Vec<_>>().join(", "))
            }
            Kind::Hook(hook) => in_stub(hook),
            Kind::NameOr(tags) => format!("string|{}", union(tags)),
            Kind::One(tags) => union(tags),
            Kind::Some(tags) => format!("{0}|({0})[]", union(tags)),
        }
    }
}

impl Record {
    /// Its class in the editor stub.
    pub fn class(&self) -> String {
        format!("cloudbuild.table.{}", self.name.replace(' ', "_"))
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&'static Parameter> {
        self.fields.iter().find(|parameter| parameter.name == name)
    }
}

/// A hook in LuaLS's notation.
fn in_stub(hook: Hook) -> String {
    let names = hook.parameters().iter().map(|name| format!("{name}: table")).collect::<Vec<_>>();
    format!("fun({}): any", names.join(", "))
}

fn one_of(tags: &[Tag]) -> String {
    tags.iter().map(|tag| tag.expected()).collect::<Vec<_>>().join(" or ")
}

impl Declaration {
    /// As it is written in a recipe: `cb.dir`.
    pub fn shown(&self) -> String {
        format!("cb.{}", self.name)
    }

    /// The parameter of that name.
    pub fn field(&self, name: &str) -> Option<&'static Parameter> {
        self.fields.iter().find(|parameter| parameter.name == name)
    }

    /// Every parameter, in the order of a call.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.named.iter().chain(self.items.iter()).chain(self.fields)
    }
}

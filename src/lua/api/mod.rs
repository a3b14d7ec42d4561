//! What a recipe can call: one declaration each, from which registration, checks, help and the editor stub derive.
//!
//! **Invariant:** nothing is done here; what a call does stands in `door`.

pub mod declarations;
pub mod help;
pub mod results;
pub mod stub;

use crate::core::recipe::Request;
use crate::lua::check::call::Call;
use crate::lua::error::Frame;
use crate::lua::session::Fault;
use crate::lua::values::{Handle, Tag};

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
    Performs(fn(Call) -> Result<Request, Fault>),
    /// A module of `stdlib/` that is written with the others.
    Composed(&'static str),
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
#[derive(Debug, Clone, Copy)]
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
    /// A whole number of this range.
    Integer(i64, i64),
    /// `true` or `false`.
    Boolean,
    /// A list of strings.
    Texts,
    /// A table from names to strings.
    Variables,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of names, `cb.everything {}` or `cb.base_system {}`.
    Packages,
    /// The declarations of a recipe's arguments.
    Arguments,
    /// A function.
    Function,
    /// One value of one of these.
    One(&'static [Tag]),
    /// One value of one of these, or a list of them.
    Some(&'static [Tag]),
}

impl Kind {
    /// Fits after "expected".
    pub fn expected(self) -> String {
        match self {
            Kind::Text => "a string".to_owned(),
            Kind::File => "a file's path".to_owned(),
            Kind::Suffix => "`+`, `~` or `.`, then letters, digits and `+~.`, such as `+b1` or `~acme1`".to_owned(),
            Kind::Name => "a name of letters, digits and `.+_~-`".to_owned(),
            Kind::Integer(low, high) => format!("a whole number from {low} to {high}"),
            Kind::Boolean => "a boolean".to_owned(),
            Kind::Texts => "a list of strings".to_owned(),
            Kind::Variables => "a table from variables to strings".to_owned(),
            Kind::OneOf(words) => format!("`{}`", words.join("` or `")),
            Kind::Packages => "a list of strings, `cb.everything {}` or `cb.base_system {}`".to_owned(),
            Kind::Arguments => "a table from names to types".to_owned(),
            Kind::Function => "a function".to_owned(),
            Kind::One(tags) => one_of(tags),
            Kind::Some(tags) => format!("{}, or a list of them", one_of(tags)),
        }
    }

    /// In LuaLS's notation.
    pub fn in_stub(self) -> String {
        let union = |tags: &[Tag]| tags.iter().map(|tag| tag.class()).collect::<Vec<_>>().join("|");
        match self {
            Kind::Text | Kind::Name | Kind::File | Kind::Suffix => "string".to_owned(),
            Kind::Integer(..) => "integer".to_owned(),
            Kind::Boolean => "boolean".to_owned(),
            Kind::Texts => "string[]".to_owned(),
            Kind::Variables => "table<string, string>".to_owned(),
            Kind::OneOf(words) => format!("\"{}\"", words.join("\"|\"")),
            Kind::Packages => format!("string[]|{}|{}", Tag::Everything.class(), Tag::BaseSystem.class()),
            Kind::Arguments => "table<string, string|table>".to_owned(),
            Kind::Function => "fun(cb: cloudbuild, args: table): any".to_owned(),
            Kind::One(tags) => union(tags),
            Kind::Some(tags) => format!("{0}|({0})[]", union(tags)),
        }
    }
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

//! A call whose arguments have been checked, for the declaration's body to take apart.

use crate::core::recipe::selection::Selection;
use std::collections::BTreeMap;
use std::sync::Arc;

use mlua::Function;

use crate::lua::recipe::argument::Argument;
use crate::lua::values::Handle;

/// One argument that is what its declaration says.
#[derive(Debug)]
pub enum Checked {
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// Strings.
    Texts(Vec<String>),
    /// A table from names to strings.
    Variables(BTreeMap<String, String>),
    /// Values of `cb`.
    Handles(Vec<Arc<Handle>>),
    /// A function.
    Function(Function),
    /// Declarations of arguments.
    Arguments(Vec<Argument>),
    /// What only `stdlib/` reads, from the table itself.
    Composed,
}

/// A call whose arguments are what its declaration says; each getter takes one out.
#[derive(Debug)]
pub struct Call {
    checked: BTreeMap<&'static str, Checked>,
    name: String,
}

macro_rules! getter {
    ($($(#[$doc:meta])* $name:ident, $variant:ident, $type:ty;)*) => { $(
        $(#[$doc])*
        pub fn $name(&mut self, name: &str) -> Option<$type> {
            match self.checked.remove(name) {
                Some(Checked::$variant(value)) => Some(value),
                Some(other) => unreachable!("`{name}` was checked to be {other:?}"),
                None => None,
            }
        }
    )* };
}

impl Call {
    /// A call with nothing in it but the string before the table.
    pub fn new(name: String) -> Call {
        Call { checked: BTreeMap::new(), name }
    }

    /// Puts an argument in that was checked.
    pub fn insert(&mut self, name: &'static str, checked: Checked) {
        self.checked.insert(name, checked);
    }

    getter! {
        /// A string.
        text, Text, String;
        /// A whole number.
        integer, Integer, i64;
        /// True or false.
        boolean, Boolean, bool;
        /// A table from names to strings.
        variables, Variables, BTreeMap<String, String>;
        /// Values of `cb`, in the order of the list.
        handles, Handles, Vec<Arc<Handle>>;
        /// A list of names.
        names, Texts, Vec<String>;
    }

    /// The string before the table.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// A list of strings, empty when it was left out.
    pub fn texts(&mut self, name: &str) -> Vec<String> {
        self.names(name).unwrap_or_default()
    }

    /// One value of `cb`.
    pub fn handle(&mut self, name: &str) -> Option<Arc<Handle>> {
        self.handles(name).and_then(|mut handles| handles.pop())
    }

    /// Which packages, where it was said.
    pub fn packages(&mut self, name: &str) -> Option<Selection> {
        match self.checked.remove(name)? {
            Checked::Texts(names) => Some(Selection::Names(names)),
            Checked::Handles(handles) => match handles.first().map(AsRef::as_ref) {
                Some(Handle::Selection(selection)) => Some(selection.clone()),
                other => unreachable!("`{name}` was checked to be a selection, got {other:?}"),
            },
            other => unreachable!("`{name}` was checked to be packages, got {other:?}"),
        }
    }

    /// A function; its declaration says that it is required.
    pub fn function(&mut self, name: &str) -> Function {
        match self.checked.remove(name) {
            Some(Checked::Function(function)) => function,
            other => unreachable!("`{name}` was checked to be there, got {other:?}"),
        }
    }

    /// The declarations of a recipe's arguments.
    pub fn arguments(&mut self, name: &str) -> Vec<Argument> {
        match self.checked.remove(name) {
            Some(Checked::Arguments(arguments)) => arguments,
            Some(_) | None => Vec::new(),
        }
    }
}

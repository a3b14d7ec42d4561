//! A call whose arguments have been checked, for the declaration's body to take apart.

use crate::core::recipe::selection::Selection;
use std::collections::BTreeMap;
use std::sync::Arc;

use mlua::Function;

use crate::core::flags::Words;
use crate::lua::recipe::argument::Argument;
use crate::lua::values::Handle;
use crate::primitives::hooks::Hook;

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
    /// Functions that decide later.
    Hooks(BTreeMap<Hook, Function>),
    /// Declarations of arguments.
    Arguments(Vec<Argument>),
    /// What only `stdlib/` reads, from the table itself.
    Composed,
    /// Flags of a compiler.
    Flags(Words),
    /// What comes in the place of what.
    Replacements(BTreeMap<String, Words>),
    /// A table with fields of its own.
    Record(Box<Call>),
    /// A list of such tables.
    Records(Vec<Call>),
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

    /// The same, unless it is there.
    pub fn insert_missing(&mut self, name: &'static str, checked: Checked) {
        self.checked.entry(name).or_insert(checked);
    }

    /// Takes an argument out, whatever it is.
    pub fn take(&mut self, name: &str) -> Option<Checked> {
        self.checked.remove(name)
    }

    /// A list of tables, to complete them.
    pub fn records_mut(&mut self, name: &str) -> Option<&mut Vec<Call>> {
        match self.checked.get_mut(name) {
            Some(Checked::Records(records)) => Some(records),
            Some(_) | None => None,
        }
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
        /// Flags of a compiler.
        flags, Flags, Words;
        /// What comes in the place of what.
        replacements, Replacements, BTreeMap<String, Words>;
        /// A table with fields of its own.
        record, Record, Box<Call>;
        /// A list of such tables.
        records, Records, Vec<Call>;
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

    /// The hooks that were given.
    pub fn hooks(&mut self, name: &str) -> BTreeMap<Hook, Function> {
        match self.checked.remove(name) {
            Some(Checked::Hooks(hooks)) => hooks,
            Some(_) | None => BTreeMap::new(),
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

//! What values can do: `imported:build_depend_on { "zlib1g-dev" }:first(20)`. One declaration each, like the functions
//! of `cb`; a method takes one argument.

use std::sync::Arc;

use mlua::{Function, Lua, MultiValue, Value};

use crate::core::recipe::selection::{Pick, Selection};
use crate::lua::api::{Default, Kind, Parameter};
use crate::lua::check;
use crate::lua::check::call::Checked;
use crate::lua::door;
use crate::lua::session::{Fault, Session};
use crate::lua::values::{Handle, Sources, Tag};

/// A method of some kinds of values.
pub struct Method {
    /// Whose.
    pub of: &'static [Tag],
    /// Its name.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub sentence: &'static str,
    /// What it takes.
    pub parameter: Parameter,
    /// What comes back.
    pub result: Tag,
    body: fn(&Handle, Checked) -> Handle,
}

/// Every method, in the order in which a person would read about them.
pub const METHODS: &[Method] = &[
    Method {
        of: &[Tag::Import, Tag::Sources],
        name: "build_depend_on",
        sentence: "Those that build-depend on one of these packages.",
        parameter: Parameter {
            name: "packages",
            kind: Kind::TextOrTexts,
            sentence: "Binary packages by name.",
            default: Default::Required,
        },
        result: Tag::Sources,
        body: |value, checked| {
            let Checked::Texts(names) = checked else { unreachable!("was checked to be names, got {checked:?}") };
            picked(value, |pick| pick.build_depends_on = names)
        },
    },
    Method {
        of: &[Tag::Import, Tag::Sources],
        name: "first",
        sentence: "The first ones by name.",
        parameter: Parameter {
            name: "count",
            kind: Kind::Integer(1, 1 << 31),
            sentence: "At most so many.",
            default: Default::Required,
        },
        result: Tag::Sources,
        body: |value, checked| {
            let Checked::Integer(count) = checked else { unreachable!("was checked to be a number, got {checked:?}") };
            let count = u32::try_from(count).expect("the range was checked");
            picked(value, |pick| pick.at_most = Some(count))
        },
    },
];

/// Sources of an import, narrowed.
fn picked(value: &Handle, narrow: impl FnOnce(&mut Pick)) -> Handle {
    let (import, of) = match value {
        Handle::Import(imported) => (imported.import, Selection::Everything),
        Handle::Sources(sources) => (sources.import, sources.packages.clone()),
        other => unreachable!("methods are looked up by kind, got `{}`", other.tag().text()),
    };
    let mut pick = Pick { of: Some(Box::new(of)), ..Pick::default() };
    narrow(&mut pick);
    Handle::Sources(Sources { import, packages: Selection::Pick(pick) })
}

/// A method of a kind of values, by its name.
pub fn of(tag: Tag, name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name && method.of.contains(&tag))
}

/// The names of a kind's methods.
pub fn names(tag: Tag) -> Vec<&'static str> {
    METHODS.iter().filter(|method| method.of.contains(&tag)).map(|method| method.name).collect()
}

/// The method as a recipe calls it.
pub fn function(lua: &Lua, session: &Arc<Session>, method: &'static Method) -> mlua::Result<Function> {
    let session = Arc::clone(session);
    lua.create_function(move |lua, arguments: MultiValue| {
        call(lua, &session, method, arguments).map_err(|fault| fault.raise(lua))
    })
}

fn call(lua: &Lua, session: &Arc<Session>, method: &Method, arguments: MultiValue) -> Result<Value, Fault> {
    let count = arguments.len();
    let mut arguments = arguments.into_iter();
    let this = arguments.next().unwrap_or(Value::Nil);
    let handle = this.as_table().and_then(|table| session.handle(table));
    let (name, parameter) = (method.name, method.parameter.name);
    let Some(handle) = handle.filter(|handle| method.of.contains(&handle.tag()) && count <= 2) else {
        let got = check::described(session, &this);
        return Err(Fault::new(format!(
            "`{name}`: expected a call with `:` and one argument, got {got} and {count} in all"
        ))
        .hint(format!("write `value:{name}({parameter})`")));
    };
    let argument = arguments.next().unwrap_or(Value::Nil);
    let checked = check::check(session, method.parameter.kind, &argument, &format!("{name}({parameter})"))?;
    door::hand_out(lua, session, (method.body)(&handle, checked))
}

//! The values that `cb` hands out: read-only tables with a `kind`, each standing for a value on the Rust side.

use mlua::{Function, Lua, Table, Value};
use serde_json::{Value as Json, json};
use std::path::PathBuf;
use std::sync::Arc;

use crate::core::recipe::overlay::{Overlay, OverlayKind};
use crate::core::recipe::{
    AptSources, BaseClosure, BuildResult, Builders, CompareResult, ImportResult, LaunchResult, OrderResult,
    PublishResult, Response,
};
use crate::core::suggest::nearest;
use crate::lua::api::results::{Field, fields};
use crate::lua::error::Frame;
use crate::lua::json::{from_lua, to_lua};
use crate::lua::recipe::argument::Argument;
use crate::lua::session::{Fault, Session, frames, lock};

/// Declares the kinds of values: what each is, its one text form, and what fits after "expected". Its class in the editor
/// stub is `cloudbuild.` and the variant.
macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident $text:literal $expected:literal;)*) => {
        /// What a value is, as its field `kind` says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Tag {
            $($(#[$doc])* $name,)*
        }

        impl Tag {
            /// All of them, in the order in which a person would read about them.
            pub const ALL: &'static [Tag] = &[$(Tag::$name),*];

            /// Its one text form.
            pub fn text(self) -> &'static str {
                match self { $(Tag::$name => $text),* }
            }

            /// Fits after "expected".
            pub fn expected(self) -> &'static str {
                match self { $(Tag::$name => $expected),* }
            }

            /// Its class in the editor stub.
            pub fn class(self) -> &'static str {
                match self { $(Tag::$name => concat!("cloudbuild.", stringify!($name))),* }
            }
        }
    };
}

tags! {
    /// A recipe.
    Recipe "recipe" "a recipe such as `cb.campaign \"name\" { ... }`";
    /// APT sources.
    AptSources "apt-sources" "APT sources such as `cb.apt.system()`";
    /// A local package that supersedes.
    Overlay "overlay" "an overlay such as `cb.source_package \"x.dsc\"`";
    /// Every source package.
    Everything "everything" "`cb.everything {}`";
    /// The source packages of the base system.
    BaseSystem "base-system" "`cb.base_system {}`";
    /// A group of builders.
    Builders "builders" "builders such as `cb.here { slots = 2 }`";
    /// A directory to publish to.
    Directory "directory" "a directory such as `cb.dir \"out\"`";
    /// What was imported.
    Import "import" "the result of `cb.import`";
    /// Packages in build order.
    Order "order" "the result of `cb.order`";
    /// The builders that there are.
    Fleet "fleet" "the result of `cb.launch`";
    /// What was built.
    Built "built" "the result of `cb.build`";
    /// What was published.
    Published "published" "the result of `cb.publish`";
    /// What was compared.
    Comparison "comparison" "the result of `cb.compare`";
}

/// What a table of `cb` stands for.
#[derive(Debug, Clone)]
pub enum Handle {
    /// APT sources.
    AptSources(AptSources),
    /// A local package that supersedes.
    Overlay(Overlay),
    /// Every source package.
    Everything,
    /// The source packages of the base system.
    BaseSystem(BaseClosure),
    /// A group of builders.
    Builders(Builders),
    /// A directory to publish to.
    Directory(Directory),
    /// What was imported.
    Import(ImportResult),
    /// Packages in build order.
    Order(OrderResult),
    /// The builders that there are.
    Fleet(LaunchResult),
    /// What was built.
    Built(BuildResult),
    /// What was published.
    Published(PublishResult),
    /// What was compared.
    Comparison(CompareResult),
    /// A recipe.
    Recipe(RecipeParts),
    /// What a module of `stdlib/` made: its table is what a recipe reads.
    Composed(Composed),
}

/// A value that is written in Lua.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// What its declaration says that it is.
    pub tag: Tag,
    /// Its fields as plain data; values of `cb` in it as what they stand for.
    pub fields: Json,
}

/// `cb.dir "out" { suite = ... }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The archive's root.
    pub path: PathBuf,
    /// `Suite:`, if given.
    pub suite: Option<String>,
    /// `Origin:`, if given.
    pub origin: Option<String>,
    /// `Label:`, if given.
    pub label: Option<String>,
}

/// `cb.recipe { ... }`
#[derive(Debug, Clone)]
pub struct RecipeParts {
    /// Its name, if given.
    pub name: Option<String>,
    /// What it is for; may be empty.
    pub about: String,
    /// The arguments that it takes, sorted by name.
    pub arguments: Vec<Argument>,
    /// The recipe's line that made it.
    pub at: Option<Frame>,
    /// What runs.
    pub run: Function,
}

impl From<Response> for Handle {
    fn from(response: Response) -> Handle {
        match response {
            Response::Import(result) => Handle::Import(result),
            Response::Order(result) => Handle::Order(result),
            Response::Launch(result) => Handle::Fleet(result),
            Response::Build(result) => Handle::Built(result),
            Response::Publish(result) => Handle::Published(result),
            Response::Compare(result) => Handle::Comparison(result),
        }
    }
}

impl Handle {
    /// What it is.
    pub fn tag(&self) -> Tag {
        match self {
            Handle::AptSources(_) => Tag::AptSources,
            Handle::Overlay(_) => Tag::Overlay,
            Handle::Everything => Tag::Everything,
            Handle::BaseSystem(_) => Tag::BaseSystem,
            Handle::Builders(_) => Tag::Builders,
            Handle::Directory(_) => Tag::Directory,
            Handle::Import(_) => Tag::Import,
            Handle::Order(_) => Tag::Order,
            Handle::Fleet(_) => Tag::Fleet,
            Handle::Built(_) => Tag::Built,
            Handle::Published(_) => Tag::Published,
            Handle::Comparison(_) => Tag::Comparison,
            Handle::Recipe(_) => Tag::Recipe,
            Handle::Composed(composed) => composed.tag,
        }
    }

    /// The declaration that takes this value's options in a second call, as in `cb.dir "out" { ... }`, and the name that
    /// was given in the first one.
    pub fn completed_by(&self) -> Option<(&'static str, String)> {
        let (declaration, path) = match self {
            Handle::Directory(Directory { path, .. }) => ("dir", path),
            Handle::Overlay(Overlay { kind, path, .. }) => match kind {
                OverlayKind::SourcePackage => ("source_package", path),
                OverlayKind::SourceTree => ("source_tree", path),
                OverlayKind::BinaryPackage => return None,
            },
            Handle::AptSources(_)
            | Handle::Everything
            | Handle::BaseSystem(_)
            | Handle::Builders(_)
            | Handle::Import(_)
            | Handle::Order(_)
            | Handle::Fleet(_)
            | Handle::Built(_)
            | Handle::Published(_)
            | Handle::Comparison(_)
            | Handle::Recipe(_)
            | Handle::Composed(_) => return None,
        };
        Some((declaration, path.to_string_lossy().into_owned()))
    }

    /// As plain data, `kind` included: what a run that returns it hands back.
    pub fn json(&self) -> Json {
        let mut json = self.fields();
        json["kind"] = Json::from(self.tag().text());
        json
    }

    /// As plain data, with the counts that a recipe reads instead of walking long lists.
    fn fields(&self) -> Json {
        let plain = |value: serde_json::Result<Json>| value.expect("plain data always becomes JSON");
        match self {
            Handle::AptSources(sources) => plain(serde_json::to_value(sources)),
            Handle::Overlay(Overlay { kind, path, first, suffix }) => {
                json!({ "path": path, "given": kind.text(), "first": first, "suffix": suffix })
            }
            Handle::Everything => json!({}),
            Handle::BaseSystem(closure) => json!({ "closure": closure.text() }),
            Handle::Builders(Builders::Here { slots }) => json!({ "slots": slots }),
            Handle::Directory(dir) => {
                json!({ "path": dir.path, "suite": dir.suite, "origin": dir.origin, "label": dir.label })
            }
            Handle::Import(result) => plain(serde_json::to_value(result)),
            Handle::Order(result) => counted(plain(serde_json::to_value(result)), result.jobs.len()),
            Handle::Fleet(result) => plain(serde_json::to_value(result)),
            Handle::Built(result) => {
                let mut json = counted(plain(serde_json::to_value(result)), result.jobs.len());
                json["installed"] = Json::from(result.jobs.iter().filter(|job| job.state == "installed").count());
                json
            }
            Handle::Published(result) => plain(serde_json::to_value(result)),
            Handle::Comparison(result) => counted(plain(serde_json::to_value(result)), result.rows.len()),
            Handle::Recipe(parts) => json!({ "about": parts.about }),
            Handle::Composed(composed) => composed.fields.clone(),
        }
    }
}

fn counted(mut json: Json, count: usize) -> Json {
    json["count"] = Json::from(count);
    json
}

/// The table that stands for a value. `metatable` is the one that all such tables share.
pub fn table(lua: &Lua, session: &Session, metatable: Table, handle: Handle) -> mlua::Result<Table> {
    let json = handle.fields();
    let table = lua.create_table()?;
    for Field { name, lazy, .. } in fields(handle.tag()) {
        if !lazy && let Some(value) = json.get(name) {
            table.raw_set(*name, to_lua(lua, value)?)?;
        }
    }
    table.raw_set("kind", handle.tag().text())?;
    table.set_metatable(Some(metatable))?;
    table.set_readonly(true);
    session.remember(&table, handle).map_err(|fault| fault.raise(lua))?;
    Ok(table)
}

/// Makes the table that a module of `stdlib/` returned a value: read-only, of a kind, and known again.
pub fn adopt(lua: &Lua, session: &Session, metatable: Table, tag: Tag, table: Table) -> Result<Table, Fault> {
    let fields = from_lua(session, &Value::Table(table.clone()), tag.text())?;
    let adopted = |table: &Table| -> mlua::Result<()> {
        table.raw_set("kind", tag.text())?;
        table.set_metatable(Some(metatable))?;
        table.set_readonly(true);
        Ok(())
    };
    adopted(&table).map_err(|error| Fault::new(error.to_string()).with_frames(frames(lua)))?;
    session.remember(&table, Handle::Composed(Composed { tag, fields }))?;
    Ok(table)
}

/// The metatable that all values share: long fields are made when they are read, unknown ones are errors.
pub fn metatable(lua: &Lua, session: &Arc<Session>) -> mlua::Result<Table> {
    let metatable = lua.create_table()?;
    let shared = Arc::clone(session);
    let index = move |lua: &Lua, (table, key): (Table, Value)| read(lua, &shared, &table, &key);
    metatable.raw_set("__index", lua.create_function(index)?)?;
    metatable.raw_set("__metatable", "a value of cloudbuild")?;
    Ok(metatable)
}

fn read(lua: &Lua, session: &Session, table: &Table, key: &Value) -> mlua::Result<Value> {
    let Some(handle) = session.handle(table) else { return Ok(Value::Nil) };
    let known = fields(handle.tag());
    let name = key.as_string().map(|name| name.to_string_lossy()).unwrap_or_default();
    match known.iter().find(|field| field.name == name) {
        Some(field) if field.lazy => {
            let place = (table.to_pointer() as usize, field.name);
            if let Some(known) = lock(&session.long_fields).get(&place).cloned() {
                return Ok(known);
            }
            let made = to_lua(lua, &handle.fields()[field.name])?;
            lock(&session.long_fields).insert(place, made.clone());
            Ok(made)
        }
        // It is a field that this value has nothing for.
        Some(_) => Ok(Value::Nil),
        None => {
            let names = || known.iter().map(|field| field.name).chain(["kind"]);
            let kind = handle.tag().text();
            let shown = if name.is_empty() { key.type_name().to_owned() } else { name.clone() };
            let hint = match nearest(&name, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has: {}", names().collect::<Vec<_>>().join(", ")),
            };
            Err(Fault::new(format!("a value of kind `{kind}` has no field `{shown}`")).hint(hint).raise(lua))
        }
    }
}

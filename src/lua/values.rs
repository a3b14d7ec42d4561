//! The values that `cb` hands out: read-only tables with a `kind`, each standing for a value on the Rust side.

pub mod directory;

use std::collections::BTreeMap;
use std::sync::Arc;

use mlua::{Function, Lua, Table, Value};
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::core::codes::Code;
use crate::core::flags::{Cell, Variant};
use crate::core::hooks::Retry;
use crate::core::how::How;
use crate::core::ids::ImportId;
use crate::core::recipe::overlay::Overlay;
use crate::core::recipe::selection::Selection;
use crate::core::recipe::{
    AptSources, BuildResult, Builders, CompareResult, ImportResult, LaunchResult, OrderResult, PublishResult, Report,
    Response,
};
use crate::core::suggest::nearest;
use crate::lua::api::results::{Field, builders, fields};
use crate::lua::door::narrow;
use crate::lua::error::Frame;
use crate::lua::json::{counted, from_lua, to_lua};
use crate::lua::methods;
use crate::lua::pattern::Pattern;
use crate::lua::recipe::argument::Argument;
use crate::lua::session::{Fault, Session, frames, lock};
use crate::lua::values::directory::Directory;
use crate::primitives::hooks::Hook;

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
    /// Which source packages.
    Selection "selection" "a selection such as `cb.everything {}`";
    /// Source packages of an import.
    Sources "sources" "some of its sources such as `imported:first(20)`";
    /// A stage of a campaign.
    Stage "stage" "a stage such as `cb.stage \"first\" { ... }`";
    /// A point of a matrix.
    Cell "cell" "a cell such as `cb.cell \"O3\" { ... }`";
    /// A point of a matrix with tools of its own.
    Toolchain "toolchain" "a toolchain such as `cb.toolchain \"gcc-15\" { ... }`";
    /// A variant of an architecture.
    Variant "variant" "a variant such as `cb.variant \"armhf-a8\" { ... }`";
    /// A group of builders.
    Builders "builders" "builders such as `cb.here { slots = 2 }`";
    /// How jobs may be built.
    How "how" "how to build, such as `cb.native()`, `cb.cross { build = \"amd64\" }` or `cb.emulated {}`";
    /// What cross builds run on, and nothing of the architecture that is built for.
    CrossOnly "cross-only" "`cb.cross_only()`";
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
    /// A page about a comparison.
    Report "report" "a page such as `cb.html { confidence = 0.95 }`";
    /// What was compared.
    Comparison "comparison" "the result of `cb.compare`";
    /// One more try of a failed job.
    Retry "retry" "`cb.retry { ... }`";
    /// A failed job is left failed.
    GiveUp "give-up" "`cb.give_up()`";
    /// The run ends here for now.
    Pause "pause" "`cb.pause \"why\"`";
    /// A source is left out.
    Skip "skip" "`cb.skip \"why\"`";
    /// A regular expression.
    Pattern "pattern" "a pattern such as `cb.re [[...]]`";
}

/// What a table of `cb` stands for.
#[derive(Debug, Clone)]
pub enum Handle {
    /// APT sources.
    AptSources(AptSources),
    /// A local package that supersedes.
    Overlay(Overlay),
    /// Which source packages.
    Selection(Selection),
    /// Source packages of an import.
    Sources(Sources),
    /// A point of a matrix.
    Cell(Cell),
    /// A variant of an architecture.
    Variant(Variant),
    /// A group of builders.
    Builders(Builders),
    /// How jobs may be built.
    How(How),
    /// What cross builds run on, and nothing of the architecture that is built for.
    CrossOnly,
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
    /// A page about a comparison.
    Report(Report),
    /// What was compared.
    Comparison(CompareResult),
    /// A recipe.
    Recipe(RecipeParts),
    /// One more try of a failed job.
    Retry(Retry),
    /// A failed job is left failed.
    GiveUp,
    /// The run ends here for now, and why.
    Pause(String),
    /// A source is left out, and why.
    Skip(String),
    /// A regular expression.
    Pattern(Pattern),
    /// What a module of `stdlib/` made: its table is what a recipe reads.
    Composed(Composed),
}

/// Takes the one value that a handle was checked to be.
macro_rules! take {
    ($handle:expr, $variant:ident) => {
        match $handle.as_ref() {
            Handle::$variant(value) => value,
            other => unreachable!("was checked to be `{}`, got `{}`", stringify!($variant), other.tag().text()),
        }
    };
}
pub(in crate::lua) use take;

/// A value that is written in Lua.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// What its declaration says that it is.
    pub tag: Tag,
    /// Its fields as plain data; values of `cb` in it as what they stand for.
    pub fields: Json,
}

/// Source packages of an import, which a selection names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sources {
    /// Where they are.
    pub import: ImportId,
    /// Which of them.
    pub packages: Selection,
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
    /// Functions that decide later.
    pub hooks: BTreeMap<Hook, Function>,
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
            Handle::Selection(_) => Tag::Selection,
            Handle::Sources(_) => Tag::Sources,
            Handle::Cell(_) => Tag::Cell,
            Handle::Variant(_) => Tag::Variant,
            Handle::Builders(_) => Tag::Builders,
            Handle::How(_) => Tag::How,
            Handle::CrossOnly => Tag::CrossOnly,
            Handle::Directory(_) => Tag::Directory,
            Handle::Import(_) => Tag::Import,
            Handle::Order(_) => Tag::Order,
            Handle::Fleet(_) => Tag::Fleet,
            Handle::Built(_) => Tag::Built,
            Handle::Published(_) => Tag::Published,
            Handle::Report(_) => Tag::Report,
            Handle::Comparison(_) => Tag::Comparison,
            Handle::Recipe(_) => Tag::Recipe,
            Handle::Retry(_) => Tag::Retry,
            Handle::GiveUp => Tag::GiveUp,
            Handle::Pause(_) => Tag::Pause,
            Handle::Skip(_) => Tag::Skip,
            Handle::Pattern(_) => Tag::Pattern,
            Handle::Composed(composed) => composed.tag,
        }
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
            Handle::Selection(selection) => json!({ "of": plain(serde_json::to_value(selection)) }),
            Handle::Sources(sources) => plain(serde_json::to_value(sources)),
            Handle::Cell(cell) => plain(serde_json::to_value(cell)),
            Handle::Variant(variant) => plain(serde_json::to_value(variant)),
            Handle::Builders(group) => builders(group),
            Handle::How(how) => plain(serde_json::to_value(how)),
            Handle::CrossOnly | Handle::GiveUp => json!({}),
            Handle::Directory(dir) => dir.json(),
            Handle::Import(result) => plain(serde_json::to_value(result)),
            Handle::Order(result) => counted(plain(serde_json::to_value(result)), result.jobs.len()),
            Handle::Fleet(result) => plain(serde_json::to_value(result)),
            Handle::Built(result) => {
                let mut json = counted(plain(serde_json::to_value(result)), result.jobs.len());
                json["installed"] = Json::from(result.jobs.iter().filter(|job| job.is_good()).count());
                json
            }
            Handle::Published(result) => plain(serde_json::to_value(result)),
            Handle::Report(report) => json!({ "confidence": f64::from(report.confidence) / 10_000.0 }),
            Handle::Comparison(result) => counted(plain(serde_json::to_value(result)), result.rows.len()),
            Handle::Recipe(parts) => json!({ "about": parts.about }),
            Handle::Retry(retry) => plain(serde_json::to_value(retry)),
            Handle::Pause(why) | Handle::Skip(why) => json!({ "why": why }),
            Handle::Pattern(pattern) => json!({ "text": pattern.text() }),
            Handle::Composed(composed) => composed.fields.clone(),
        }
    }
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

fn read(lua: &Lua, session: &Arc<Session>, table: &Table, key: &Value) -> mlua::Result<Value> {
    let Some(handle) = session.handle(table) else { return Ok(Value::Nil) };
    let known = fields(handle.tag());
    let name = key.as_string().map(|name| name.to_string_lossy()).unwrap_or_default();
    if let Some(method) = narrow::of(handle.tag(), &name) {
        return narrow::function(lua, session, method).map(Value::Function);
    }
    match known.iter().find(|field| field.name == name) {
        Some(field) if field.method => {
            Ok(methods::get(lua, handle.tag(), field.name).map_or(Value::Nil, Value::Function))
        }
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
            let methods = narrow::names(handle.tag());
            let names = || known.iter().map(|field| field.name).chain(["kind"]).chain(methods.iter().copied());
            let kind = handle.tag().text();
            let shown = if name.is_empty() { key.type_name().to_owned() } else { name.clone() };
            let hint = match nearest(&name, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it has: {}", names().collect::<Vec<_>>().join(", ")),
            };
            Err(Fault::new(format!("a value of kind `{kind}` has no field `{shown}`"))
                .code(Code::UnknownName)
                .hint(hint)
                .raise(lua))
        }
    }
}

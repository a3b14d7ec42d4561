//! Tests of recipes, written in Lua: `require "cloudbuild.test"` in the sandbox, and recipes run on a sample archive.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use mlua::{Function, Lua, Table, Value};
use serde_json::Value as Json;

use crate::core::codes::Code;
use crate::core::sample::{self, Sample, SampleSource};
use crate::lua::check::described;
use crate::lua::error::RecipeError;
use crate::lua::files::NoModule;
use crate::lua::recipe::{self, RunOptions};
use crate::lua::session::{Fault, Session, lock};
use crate::lua::watch::Limits;
use crate::lua::{LoadOptions, files, json, sandbox};
use crate::primitives::Perform;
use crate::primitives::offline::Offline;

/// What a recipe is run on in a test.
#[derive(Debug, Clone)]
pub struct World {
    /// The archive.
    pub sample: Sample,
    /// The architecture.
    pub arch: String,
    /// Sources that do not build, with the class of the failure.
    pub failures: BTreeMap<String, String>,
}

/// Makes a performer of a world.
pub type MakeOffline = dyn Fn(&World) -> anyhow::Result<Offline> + Send + Sync;

/// What the VM of a test file has besides what every VM has.
pub struct Tester {
    make: Arc<MakeOffline>,
    cases: Mutex<Vec<(String, Function)>>,
}

/// What came of one case.
#[derive(Debug)]
pub struct Case {
    /// Its sentence.
    pub sentence: String,
    /// What was not so.
    pub error: Option<RecipeError>,
}

impl Tester {
    /// Forgets the cases, whose functions belong to a VM that ends.
    pub fn clear(&self) {
        lock(&self.cases).clear();
    }
}

/// Reads a test file and runs its cases, in their order.
pub fn test(path: PathBuf, limits: Limits, make: Arc<MakeOffline>) -> Result<Vec<Case>, RecipeError> {
    let tester = Tester { make, cases: Mutex::default() };
    recipe::of_test(path, limits, tester, |lua, session, tester| {
        let cases = lock(&tester.cases).clone();
        cases
            .into_iter()
            .map(|(sentence, body)| {
                let outcome = sandbox::call(lua, session, &body, ());
                Case { sentence, error: outcome.err().map(|fault| recipe::error(session, fault)) }
            })
            .collect()
    })
}

/// What `require "cloudbuild.test"` gives; an error where no test runs.
pub fn module(lua: &Lua, session: &Arc<Session>) -> Result<Value, Fault> {
    if session.tester.is_none() {
        return Err(Fault::new("`require`: `cloudbuild.test` is only there for tests")
            .code(Code::Require)
            .hint("run the file with `cloudbuild recipe test FILE_test.lua`"));
    }
    let function = sandbox::compile(lua, session, "=stdlib/test.lua", include_str!("../../stdlib/test.lua"))?;
    let native = native(lua, session).map_err(|error| sandbox::fault(session, error))?;
    let module = sandbox::call(lua, session, &function, native)?;
    if let Value::Table(table) = &module {
        table.set_readonly(true);
    }
    Ok(module)
}

/// What Rust lends to `stdlib/test.lua`.
fn native(lua: &Lua, session: &Arc<Session>) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    let shared = Arc::clone(session);
    let case = move |lua: &Lua, (sentence, body): (Value, Value)| match (&sentence, body) {
        (Value::String(text), Value::Function(body)) => {
            if let Some(tester) = &shared.tester {
                lock(&tester.cases).push((text.to_string_lossy(), body));
            }
            Ok(())
        }
        (_, other) => {
            let (first, second) = (described(&shared, &sentence), described(&shared, &other));
            let message = format!("`case`: expected a sentence and a function, got {first} and {second}");
            Err(Fault::new(message).code(Code::WrongCall).raise(lua))
        }
    };
    native.raw_set("case", lua.create_function(case)?)?;
    let shared = Arc::clone(session);
    let recipe = move |lua: &Lua, (file, options): (Value, Value)| {
        let ran = run(&shared, &file, &options).map_err(|fault| fault.raise(lua))?;
        json::to_lua(lua, &ran)
    };
    native.raw_set("recipe", lua.create_function(recipe)?)?;
    Ok(native)
}

/// Runs a recipe of the test's folder; its own budgets count for it, not the test's.
fn run(session: &Session, file: &Value, options: &Value) -> Result<Json, Fault> {
    let name = file.as_string().map(|name| name.to_string_lossy()).unwrap_or_default();
    let Some(stem) = name.strip_suffix(".lua") else {
        let got = described(session, file);
        return Err(Fault::new(format!("`recipe`: expected a `.lua` file of the test's folder, got {got}")));
    };
    let path = files::module(&session.folder, stem).map_err(|no| match no {
        NoModule::Missing(message) | NoModule::Refused(message) => Fault::new(message).code(Code::Require),
    })?;
    let options = json::from_lua(session, options, "recipe")?;
    let (world, args) = world(&options)?;
    let tester = session.tester.as_ref().expect("the module is only there for tests");
    let failed = |error: anyhow::Error| Fault::new(format!("`recipe`: {error:#}"));
    session.watch.leave();
    let ran = (|| {
        let offline = Arc::new((tester.make)(&world).map_err(failed)?);
        let options = LoadOptions { path, limits: session.limits, ..LoadOptions::default() };
        let told = |error: RecipeError| Fault::new(error.to_string()).code(error.code.unwrap_or(Code::Runtime));
        let recipe = recipe::load(options).map_err(told)?;
        let performer = Arc::clone(&offline) as Arc<dyn Perform>;
        let result = recipe.run(performer, args, RunOptions::default()).map_err(told)?;
        let mut told = offline.told().map_err(failed)?;
        told["result"] = result;
        Ok(told)
    })();
    session.watch.enter();
    ran
}

/// The world of a test, and the recipe's arguments.
fn world(options: &Json) -> Result<(World, BTreeMap<String, Json>), Fault> {
    let known = ["args", "archive", "failures", "arch"];
    // An empty table is an empty list as plain data.
    let fields = |json: &Json, what: &str| match json {
        Json::Null => Ok(BTreeMap::new()),
        Json::Array(items) if items.is_empty() => Ok(BTreeMap::new()),
        Json::Object(fields) => Ok(fields.clone().into_iter().collect::<BTreeMap<String, Json>>()),
        _ => Err(Fault::new(format!("`{what}`: expected a table with names as keys"))),
    };
    if let Some(unknown) = fields(options, "recipe")?.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(Fault::new(format!("`recipe` has no option `{unknown}`"))
            .code(Code::UnknownOption)
            .hint(format!("it takes: {}", known.join(", "))));
    }
    let sample = match &options["archive"] {
        Json::Null => sample::built_in(),
        given => {
            let sources = fields(given, "archive")?.into_iter();
            let sources = sources.map(|(name, fields)| source(&name, &fields).map(|source| (name, source)));
            sample::with_base(sources.collect::<Result<_, _>>()?)
        }
    };
    let text = |(name, class): (String, Json)| match class.as_str() {
        Some(class) => Ok((name, class.to_owned())),
        None => Err(Fault::new(format!("`failures.{name}`: expected the class of a failure, got `{class}`"))),
    };
    let failures = fields(&options["failures"], "failures")?.into_iter().map(text).collect::<Result<_, _>>()?;
    let arch = options["arch"].as_str().unwrap_or("amd64").to_owned();
    Ok((World { sample, arch, failures }, fields(&options["args"], "args")?))
}

/// A source of a test's archive; what it does not say is as in a source of which nothing but the name is known.
fn source(name: &str, given: &Json) -> Result<SampleSource, Fault> {
    let plain = serde_json::to_value(sample::plain(name)).expect("plain data always becomes JSON");
    let mut whole = plain;
    let given = match given {
        Json::Object(fields) => fields.clone(),
        _ => serde_json::Map::new(),
    };
    for (field, value) in given {
        let value = match (field.as_str(), value) {
            // Binaries without anything that they need may be a list of names.
            ("binaries", Json::Array(names)) => {
                let names = names.iter().filter_map(Json::as_str);
                Json::Object(names.map(|name| (name.to_owned(), Json::Array(Vec::new()))).collect())
            }
            ("size", Json::Number(size)) => Json::from(size.as_f64().unwrap_or_default() as u64),
            (_, value) => value,
        };
        whole[field] = value;
    }
    serde_json::from_value(whole).map_err(|error| Fault::new(format!("`archive.{name}`: {error}")))
}

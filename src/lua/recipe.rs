//! A recipe that was read: what it says of itself, and how it is run.

pub mod argument;
mod hooks;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use mlua::{Lua, Value};
use serde_json::Value as Json;

use crate::core::codes::Code;
use crate::core::events::Listener;
use crate::core::ids::Sha256;
use crate::lua::error::{Frame, Place, RecipeError};
use crate::lua::recipe::argument::Argument;
use crate::lua::session::{Fault, RECIPE_CHUNK, Session, lock};
use crate::lua::values::{Handle, RecipeParts};
use crate::lua::watch::{Backstop, Limits, Watch};
use crate::lua::{LoadOptions, check, door, files, json, locate, sandbox};
use crate::primitives::Perform;
use crate::primitives::hooks::Hook;

/// Lua's parser and nested calls need more than a thread's usual stack.
const STACK: usize = 32 << 20;

/// A recipe that was read and found good.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Names the run.
    pub name: String,
    /// Of all of its files, with their names: an edit changes it.
    pub hash: Sha256,
    /// What it is for; may be empty.
    pub about: String,
    /// The arguments that it takes, sorted by name.
    pub arguments: Vec<Argument>,
    /// The hooks that it has, and where each is written.
    pub hooks: BTreeMap<Hook, Frame>,
    file: String,
    folder: PathBuf,
    files: BTreeMap<String, Arc<str>>,
    limits: Limits,
}

/// How a recipe is run.
#[derive(Clone, Default)]
pub struct RunOptions {
    /// Decides what `math.random` gives; the same in every start of a run.
    pub seed: u64,
    /// Stops the VM when it becomes true; primitives that run have their own ways to hear of it.
    pub cancel: Arc<AtomicBool>,
    /// Hears what the recipe prints.
    pub listener: Option<Arc<dyn Listener>>,
}

/// Reads a recipe and evaluates it; see [`crate::lua::load`].
pub fn load(options: LoadOptions) -> Result<Recipe, RecipeError> {
    let LoadOptions { path, text, limits } = options;
    let file = path.display().to_string();
    let text = match text {
        Some(bytes) => files::text(bytes, &file)?,
        None => files::read(&path, &file)?,
    };
    let whole = std::path::absolute(&path)
        .map_err(|error| RecipeError::of_file(&file, format!("cannot find the recipe's folder: {error}"), None))?;
    let folder = whole.parent().map(Path::to_path_buf).unwrap_or_default();
    let files = BTreeMap::from([(file.clone(), Arc::from(text))]);
    let session = Arc::new(Session::new(file.clone(), folder.clone(), files, limits));
    let (parts, hooks) = on_own_stack(&session, 0, |lua, session| {
        let parts = evaluate(lua, session)?;
        // Functions can be asked where they are written only while their VM lives.
        let place = |function| defined(function).pop().unwrap_or(Frame { file: session.file.clone(), line: 0 });
        let places = parts.hooks.iter().map(|(hook, function)| (*hook, place(function))).collect();
        Ok((parts, places))
    })?;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let files = lock(&session.files).clone();
    Ok(Recipe {
        name: parts.name.unwrap_or(stem),
        hash: hash(&files),
        about: parts.about,
        arguments: parts.arguments,
        hooks,
        file,
        folder,
        files,
        limits,
    })
}

impl Recipe {
    /// Evaluates the recipe once more in a VM of its own and calls its `run`; blocks until that has ended.
    pub fn run(
        &self,
        performer: Arc<dyn Perform>,
        args: BTreeMap<String, Json>,
        options: RunOptions,
    ) -> Result<Json, RecipeError> {
        let args = argument::complete(&self.arguments, args)
            .map_err(|fault| RecipeError::of_file(&self.file, fault.message, fault.hint.as_deref()).code(fault.code))?;
        let mut session = Session::new(self.file.clone(), self.folder.clone(), self.files.clone(), self.limits);
        session.watch = Arc::new(Watch::new(&self.limits, options.cancel));
        session.may_read = false;
        session.performer = Some(performer);
        session.listener = options.listener;
        on_own_stack(&Arc::new(session), options.seed, |lua, session| {
            let parts = evaluate(lua, session)?;
            let args = json::to_lua(lua, &Json::Object(args.into_iter().collect()));
            let args = args.map_err(|error| sandbox::fault(session, error))?;
            session.acting.store(true, Ordering::Relaxed);
            // A campaign's `run` is not the recipe's own text, so what fails there is told with the campaign's line.
            let at_campaign = |fault: Fault| match fault.frames.is_empty() {
                true => fault.with_frames(parts.at.iter().cloned().collect()),
                false => fault,
            };
            let value = sandbox::run(lua, session, &parts.run, (door::cb(lua), args)).map_err(at_campaign)?;
            json::from_lua(session, &value, "result").map_err(|fault| fault.with_frames(defined(&parts.run)))
        })
    }

    /// The texts of its files, by the names that they have in its folder.
    pub fn files(&self) -> BTreeMap<String, String> {
        self.files.iter().map(|(name, text)| (in_folder(name).to_owned(), text.to_string())).collect()
    }

    /// The recipe's file as the user named it.
    pub fn file(&self) -> &str {
        &self.file
    }
}

/// Where a function begins, if that is in the recipe.
fn defined(function: &mlua::Function) -> Vec<Frame> {
    let info = function.info();
    let file = info.source.as_deref().and_then(|source| source.strip_prefix(RECIPE_CHUNK)).map(str::to_owned);
    file.zip(info.line_defined).map(|(file, line)| Frame { file, line }).into_iter().collect()
}

/// Evaluates the recipe's file and takes what it returned.
fn evaluate(lua: &Lua, session: &Arc<Session>) -> Result<RecipeParts, Fault> {
    let text = lock(&session.files)[&session.file].clone();
    let function = sandbox::compile(lua, session, &format!("{RECIPE_CHUNK}{}", session.file), &text)?;
    let value = sandbox::call(lua, session, &function, ())?;
    if let Value::Table(table) = &value
        && let Some(Handle::Recipe(parts)) = session.handle(table).as_deref()
    {
        return Ok(parts.clone());
    }
    let got = check::described(session, &value);
    let hint = match &value {
        Value::Nil => "end the file with `return cb.campaign \"name\" { ... }`",
        Value::Function(_) => "give the options too: `cb.campaign \"name\" { ... }`, or use `cb.recipe { run = ... }`",
        _ => "return what `cb.campaign \"name\" { ... }` or `cb.recipe { ... }` gives",
    };
    // The last line that says something is where the value came from, or where it is missing.
    let last = text.lines().enumerate().filter(|(_, line)| !blank(line)).last().map_or(1, |(at, _)| at + 1);
    let line = text.lines().position(|line| line.starts_with("return")).map_or(last, |at| at + 1);
    Err(Fault::new(format!("expected the file to return a recipe, got {got}"))
        .code(Code::NoRecipe)
        .hint(hint)
        .with_frames(vec![Frame { file: session.file.clone(), line }]))
}

fn blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with("--")
}

/// Runs `work` with a new VM on a thread with a stack of its own, and gives its fault back as the caller's error.
fn on_own_stack<R: Send>(
    session: &Arc<Session>,
    seed: u64,
    work: impl FnOnce(&Lua, &Arc<Session>) -> Result<R, Fault> + Send,
) -> Result<R, RecipeError> {
    let no_thread = |error: std::io::Error| {
        RecipeError::of_file(&session.file, format!("cannot start a thread for the recipe: {error}"), None)
    };
    let backstop = Backstop::start(Arc::clone(&session.watch), session.limits.wall).map_err(no_thread)?;
    let result = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("recipe".to_owned()).stack_size(STACK);
        let thread = thread.spawn_scoped(scope, || {
            let lua = sandbox::open(session, seed).map_err(|error| Fault::new(error.to_string()))?;
            let result = work(&lua, session);
            // The tables that the session keeps belong to this VM.
            session.forget_tables();
            result
        })?;
        match thread.join() {
            Ok(result) => Ok(result),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    drop(backstop);
    result.map_err(no_thread)?.map_err(|fault| error(session, fault))
}

/// A fault as the caller sees it: with the source line, and with what a primitive failed with.
fn error(session: &Session, fault: Fault) -> RecipeError {
    let Fault { code, message, hint, field, frames, failure } = fault;
    let mut failures = lock(&session.failures);
    let index = failure.or_else(|| failures.iter().rposition(|(seen, _)| message.contains(seen.as_str())));
    let cause = index.and_then(|index| failures.get_mut(index)).and_then(|(_, error)| error.take());
    let frame = frames.first().cloned().unwrap_or(Frame { file: session.file.clone(), line: 0 });
    let files = lock(&session.files);
    let source = files.get(&frame.file).map(|text| text.as_ref()).unwrap_or_default();
    let pointed = field.and_then(|field| locate::field(source, frame.line, &field));
    let (line, excerpt) = match pointed {
        Some((line, excerpt)) => (line, Some(excerpt)),
        None => (frame.line, locate::line(source, frame.line)),
    };
    let place = Some(Box::new(Place { file: frame.file, line, excerpt }));
    let code = cause.is_none().then_some(code);
    RecipeError { code, message, place, hint, traceback: frames, cause }
}

/// The hash of files and their names; the recipe's own folder is no part of it.
fn hash(files: &BTreeMap<String, Arc<str>>) -> Sha256 {
    let mut bytes = Vec::new();
    for (name, text) in files {
        for part in [in_folder(name), text] {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    Sha256::of(&bytes)
}

/// A file's name without the folder, which is no part of a recipe.
fn in_folder(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// A session of a recipe that is only read, for tests that look into the VM.
#[cfg(test)]
pub fn bare_session() -> Arc<Session> {
    Arc::new(Session::new("x.lua".to_owned(), PathBuf::new(), BTreeMap::new(), Limits::default()))
}

impl Session {
    fn new(file: String, folder: PathBuf, files: BTreeMap<String, Arc<str>>, limits: Limits) -> Session {
        Session {
            file,
            folder,
            limits,
            watch: Arc::new(Watch::new(&limits, Arc::default())),
            files: Mutex::new(files),
            may_read: true,
            performer: None,
            acting: AtomicBool::new(false),
            stages: Mutex::default(),
            in_hook: AtomicBool::new(false),
            listener: None,
            printed: Default::default(),
            failures: Mutex::default(),
            stopped: Mutex::default(),
            values: Mutex::default(),
            long_fields: Mutex::default(),
            modules: Mutex::default(),
        }
    }
}

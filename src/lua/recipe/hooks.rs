//! The VM that a recipe's hooks run in: on a thread of its own, apart from `run`, which sees nothing of it.
//!
//! **Invariant:** every call has a budget of its own and sees read-only tables; what it answers is checked here.

mod subject;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use mlua::{Function, Lua, MultiValue};
use serde_json::Value as Json;

use self::subject::Subjects;
use super::{Recipe, RunOptions, STACK, defined, error, evaluate};
use crate::lua::error::{Frame, RecipeError};
use crate::lua::session::{Fault, Session, lock};
use crate::lua::watch::{Backstop, Watch};
use crate::lua::{check, json, sandbox};
use crate::primitives::hooks::{Decide, Hook, NoHooks};

/// So many calls share one stretch of wall time, which is only the backstop: looking at the clock costs more than a call.
const CALLS_AT_ONCE: usize = 64;

/// A hook and what it is asked about, with who waits for the answers.
struct Asked {
    hook: Hook,
    subjects: Vec<Json>,
    reply: Sender<Result<Vec<Option<Json>>, RecipeError>>,
}

/// Answers with the functions of a recipe.
struct Hooks {
    file: String,
    places: BTreeMap<Hook, Frame>,
    asked: Option<Mutex<Sender<Asked>>>,
    thread: Option<JoinHandle<()>>,
}

impl Recipe {
    /// The recipe's hooks, in a VM of their own that lives as long as they do.
    pub fn hooks(&self, options: RunOptions) -> Result<Arc<dyn Decide>, RecipeError> {
        if self.hooks.is_empty() {
            return Ok(Arc::new(NoHooks));
        }
        let mut session = Session::new(self.file.clone(), self.folder.clone(), self.files.clone(), self.limits);
        session.watch = Arc::new(Watch::new(&self.limits, options.cancel));
        session.may_read = false;
        session.listener = options.listener;
        let (asked, questions) = mpsc::channel();
        let no_thread = |error: std::io::Error| {
            RecipeError::of_file(&self.file, format!("cannot start a thread for the recipe's hooks: {error}"), None)
        };
        let thread = std::thread::Builder::new().name("recipe-hooks".to_owned()).stack_size(STACK);
        let thread = thread.spawn(move || answer_all(&Arc::new(session), options.seed, &questions));
        let thread = Some(thread.map_err(no_thread)?);
        Ok(Arc::new(Hooks {
            file: self.file.clone(),
            places: self.hooks.clone(),
            asked: Some(Mutex::new(asked)),
            thread,
        }))
    }
}

impl Decide for Hooks {
    fn has(&self, hook: Hook) -> bool {
        self.places.contains_key(&hook)
    }

    fn decide(&self, hook: Hook, subject: &Json) -> anyhow::Result<Option<Json>> {
        Ok(self.decide_all(hook, std::slice::from_ref(subject))?.pop().flatten())
    }

    fn decide_all(&self, hook: Hook, subjects: &[Json]) -> anyhow::Result<Vec<Option<Json>>> {
        if !self.has(hook) {
            return Ok(vec![None; subjects.len()]);
        }
        let (reply, answer) = mpsc::channel();
        let ended = || RecipeError::of_file(&self.file, "the recipe's hooks ended before they answered", None);
        let asked = self.asked.as_ref().ok_or_else(ended)?;
        lock(asked).send(Asked { hook, subjects: subjects.to_vec(), reply }).map_err(|_| ended())?;
        Ok(answer.recv().map_err(|_| ended())??)
    }

    fn place(&self, hook: Hook) -> Option<String> {
        self.places.get(&hook).map(|Frame { file, line }| format!("{file}:{line}"))
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        // Without anybody who could ask, the thread ends.
        self.asked = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed already.
            drop(thread.join());
        }
    }
}

/// Makes the VM, then answers until nobody can ask any more.
fn answer_all(session: &Arc<Session>, seed: u64, questions: &Receiver<Asked>) {
    let backstop = Backstop::start(Arc::clone(&session.watch), session.limits.wall);
    let opened = match &backstop {
        Ok(_) => Answerer::open(session, seed),
        Err(error) => Err(Fault::new(format!("cannot start a thread for the recipe's hooks: {error}"))),
    };
    let mut answerer = opened;
    session.watch.leave();
    for Asked { hook, subjects, reply } in questions {
        session.watch.enter();
        let answers = match &mut answerer {
            Ok(answerer) => answerer.answer(hook, &subjects),
            Err(fault) => Err(fault.clone()),
        };
        session.watch.leave();
        // Who asked may have been stopped meanwhile.
        drop(reply.send(answers.map_err(|fault| error(session, fault))));
    }
    // The tables that the session keeps belong to this VM.
    session.forget_tables();
}

/// The functions, and the VM that they are in.
struct Answerer<'s> {
    lua: Lua,
    session: &'s Arc<Session>,
    functions: BTreeMap<Hook, Function>,
    subjects: Subjects,
    kept: std::collections::HashSet<usize>,
    seed: u64,
}

impl<'s> Answerer<'s> {
    fn open(session: &'s Arc<Session>, seed: u64) -> Result<Answerer<'s>, Fault> {
        let lua = sandbox::open(session, seed).map_err(|error| Fault::new(error.to_string()))?;
        let functions = evaluate(&lua, session)?.hooks;
        let subjects = Subjects::new(&lua, session).map_err(|error| sandbox::fault(session, error))?;
        session.in_hook.store(true, Ordering::Relaxed);
        Ok(Answerer { lua, session, functions, subjects, kept: session.known_values(), seed })
    }

    fn answer(&mut self, hook: Hook, subjects: &[Json]) -> Result<Vec<Option<Json>>, Fault> {
        let mut answers = Vec::with_capacity(subjects.len());
        for (at, subject) in subjects.iter().enumerate() {
            if at % CALLS_AT_ONCE == CALLS_AT_ONCE - 1 {
                self.session.watch.enter();
            }
            answers.push(self.one(hook, subject)?);
        }
        Ok(answers)
    }

    /// One call: a new budget, the same seed whatever was asked before, nothing kept of it.
    fn one(&mut self, hook: Hook, subject: &Json) -> Result<Option<Json>, Fault> {
        let Some(function) = self.functions.get(&hook) else { return Ok(None) };
        let session = self.session;
        session.watch.refill(session.limits.hook_interrupts);
        session.printed.store(0, Ordering::Relaxed);
        let internal = |error| sandbox::fault(session, error);
        sandbox::seed(&self.lua, self.seed).map_err(internal)?;
        let arguments: MultiValue = hook
            .parameters()
            .iter()
            .map(|name| self.subjects.argument(&self.lua, name, subject.get(*name).unwrap_or(&Json::Null)))
            .collect::<mlua::Result<_>>()
            .map_err(internal)?;
        let at_hook = |fault: Fault| match fault.frames.is_empty() {
            true => fault.with_frames(defined(function)),
            false => fault,
        };
        let value = sandbox::call(&self.lua, session, function, arguments).map_err(at_hook)?;
        let answer = match value.is_nil() {
            true => None,
            false => Some(json::exact(session, &value, hook.text()).map_err(at_hook)?),
        };
        if let Some(Err(expected)) = answer.as_ref().map(|answer| hook.check(answer)) {
            let got = check::described(session, &value);
            let fault = Fault::new(format!("`{hook}`: expected {expected}, or nothing, got {got}"));
            return Err(at_hook(fault));
        }
        session.forget_all_but(&self.kept);
        Ok(answer)
    }
}

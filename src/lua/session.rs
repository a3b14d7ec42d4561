//! What the functions of one VM share, and the errors that they raise.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mlua::{Lua, Table, Value};

use crate::core::codes::Code;
use crate::core::events::Listener;
use crate::lua::error::Frame;
use crate::lua::values::Handle;
use crate::lua::watch::{Limits, Stop, Watch};
use crate::primitives::Perform;

/// Chunk names of recipe files begin with this; what ships inside the binary begins with `=`.
pub const RECIPE_CHUNK: char = '@';

/// More values than any recipe makes by hand.
const MOST_VALUES: usize = 10_000;

/// One VM's share of the outside.
pub struct Session {
    /// The recipe's file as the user named it.
    pub file: String,
    /// The recipe's folder, absolute.
    pub folder: PathBuf,
    /// Budgets.
    pub limits: Limits,
    /// Stops the VM.
    pub watch: Arc<Watch>,
    /// Every file that was read, by the name that errors use.
    pub files: Mutex<BTreeMap<String, Arc<str>>>,
    /// Whether `require` may read files that are not in `files` yet; a run sees only what was read when it was loaded.
    pub may_read: bool,
    /// Who does what primitives ask for; absent while a recipe is only read.
    pub performer: Option<Arc<dyn Perform>>,
    /// Whether `run` has been called, so that primitives may act.
    pub acting: AtomicBool,
    /// The stages that `build` was asked for.
    pub stages: Mutex<Vec<String>>,
    /// Whether a hook is being asked.
    pub in_hook: AtomicBool,
    /// Who hears what `print` writes.
    pub listener: Option<Arc<dyn Listener>>,
    /// Bytes that `print` wrote.
    pub printed: AtomicUsize,
    /// What primitives failed with: the text that the recipe saw, and the error as it was.
    pub failures: Mutex<Vec<(String, Option<anyhow::Error>)>>,
    /// Why and where the VM was stopped first; a recipe cannot take that back.
    pub stopped: Mutex<Option<Fault>>,
    /// The values that were handed out, by the address of their table; the table is kept, so no address comes twice.
    pub values: Mutex<HashMap<usize, (Table, Arc<Handle>)>>,
    /// Long fields of values that were read once, by the address of the value's table and the field's name.
    pub long_fields: Mutex<HashMap<(usize, &'static str), Value>>,
    /// Modules that were required: absent, being read, or there.
    pub modules: Mutex<HashMap<String, Option<Value>>>,
}

/// Locks one of a session's mutexes; a panic elsewhere leaves plain data behind, which is still good.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An error on its way through Lua.
#[derive(Debug, Clone, Default)]
pub struct Fault {
    /// What kind of error it is.
    pub code: Code,
    /// What was expected and what came.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The field of the table at the call that this is about, to point at.
    pub field: Option<String>,
    /// The recipe's lines, innermost first.
    pub frames: Vec<Frame>,
    /// Which of the session's failures this is.
    pub failure: Option<usize>,
}

impl Fault {
    /// A fault without a hint.
    pub fn new(message: impl Into<String>) -> Fault {
        Fault { message: message.into(), ..Fault::default() }
    }

    /// The same of another kind than a wrong value.
    pub fn code(self, code: Code) -> Fault {
        Fault { code, ..self }
    }

    /// With what to do about it.
    pub fn hint(self, hint: impl Into<String>) -> Fault {
        Fault { hint: Some(hint.into()), ..self }
    }

    /// The same with advice where it has none yet.
    pub fn or_hint(self, hint: impl FnOnce() -> String) -> Fault {
        Fault { hint: Some(self.hint.unwrap_or_else(hint)), ..self }
    }

    /// About one field of the table at the call.
    pub fn field(self, field: impl Into<String>) -> Fault {
        Fault { field: Some(field.into()), ..self }
    }

    /// With the recipe's lines.
    pub fn with_frames(self, frames: Vec<Frame>) -> Fault {
        Fault { frames, ..self }
    }

    /// As the error that a Rust function raises.
    pub fn raise(self, lua: &Lua) -> mlua::Error {
        let frames = if self.frames.is_empty() { frames(lua) } else { self.frames };
        mlua::Error::external(Fault { frames, ..self })
    }

    /// What a recipe sees that catches it.
    pub fn as_seen_by_recipe(&self) -> String {
        match self.frames.first() {
            Some(frame) => format!("{}:{}: {}", frame.file, frame.line, self.message),
            None => self.message.clone(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_seen_by_recipe())
    }
}

impl std::error::Error for Fault {}

impl Session {
    /// Remembers a value, so that the table that stands for it is known again.
    pub fn remember(&self, table: &Table, handle: Handle) -> Result<(), Fault> {
        let mut values = lock(&self.values);
        if values.len() >= MOST_VALUES {
            return Err(
                Fault::new(format!("expected at most {MOST_VALUES} values of `cb`, got more")).code(Code::TooMany)
            );
        }
        values.insert(table.to_pointer() as usize, (table.clone(), Arc::new(handle)));
        Ok(())
    }

    /// What a table stands for.
    pub fn handle(&self, table: &Table) -> Option<Arc<Handle>> {
        lock(&self.values).get(&(table.to_pointer() as usize)).map(|(_, handle)| Arc::clone(handle))
    }

    /// Forgets the values that were made since there were only these.
    pub fn forget_all_but(&self, kept: &HashSet<usize>) {
        let mut values = lock(&self.values);
        if values.len() > kept.len() {
            values.retain(|address, _| kept.contains(address));
        }
    }

    /// Forgets every table, since they belong to a VM that ends.
    pub fn forget_tables(&self) {
        lock(&self.values).clear();
        lock(&self.modules).clear();
        lock(&self.long_fields).clear();
    }

    /// The addresses of the values that there are.
    pub fn known_values(&self) -> HashSet<usize> {
        lock(&self.values).keys().copied().collect()
    }

    /// Takes what work outside of the VM costs from the budget, before it is done.
    pub fn charge(&self, lua: &Lua, interrupts: u32) -> mlua::Result<()> {
        match self.watch.charge(interrupts) {
            None => Ok(()),
            Some(stop) => Err(self.stop(lua, stop).raise(lua)),
        }
    }

    /// Keeps what a primitive failed with, for the caller.
    pub fn keep_failure(&self, seen: String, error: anyhow::Error) -> usize {
        let mut failures = lock(&self.failures);
        failures.push((seen, Some(error)));
        failures.len() - 1
    }

    /// Counts printed bytes; `false` once there were too many.
    pub fn may_print(&self, bytes: usize) -> bool {
        self.printed.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) <= self.limits.printed
    }

    /// The fault of being stopped, with the place where it happened first.
    pub fn stop(&self, lua: &Lua, stop: Stop) -> Fault {
        let mut stopped = lock(&self.stopped);
        stopped
            .get_or_insert_with(|| {
                let in_hook = self.in_hook.load(Ordering::Relaxed);
                let fault = match stop {
                    Stop::Budget if in_hook => Fault::new(format!(
                        "stopped after {} calls and turns of loops: the hook does not end",
                        self.limits.hook_interrupts
                    ))
                    .hint("a hook answers at once; look for a loop without an end, or searches of long texts"),
                    Stop::Budget => Fault::new(format!(
                        "stopped after {} calls and turns of loops: the recipe does not end",
                        self.limits.interrupts
                    ))
                    .code(Code::Budget)
                    .hint("a recipe describes what to build; look for a loop without an end"),
                    Stop::Wall => {
                        Fault::new(format!("stopped after {} s without an end", self.limits.wall.as_secs_f64()))
                            .code(Code::WallTime)
                            .hint("a recipe describes what to build; look for work on very long strings or lists")
                    }
                    Stop::Cancelled => Fault::new("stopped on request"),
                };
                Fault { frames: frames(lua), ..fault }
            })
            .clone()
    }
}

/// The recipe's own lines on the stack, innermost first; ten are enough to find any place.
pub fn frames(lua: &Lua) -> Vec<Frame> {
    let mut frames = Vec::new();
    for level in 0.. {
        let found = lua.inspect_stack(level, |debug| {
            let source = debug.source().source?;
            let file = source.strip_prefix(RECIPE_CHUNK)?.to_owned();
            debug.current_line().map(|line| Frame { file, line })
        });
        match found {
            None => break,
            Some(None) => {}
            Some(Some(frame)) => frames.push(frame),
        }
        if frames.len() == 10 {
            break;
        }
    }
    frames
}

//! What Lua raised, as faults: file and line found, advice apart, the kind told by what it says.

use mlua::{Lua, Value};

use crate::core::codes::Code;
use crate::lua::error::Frame;
use crate::lua::session::{Fault, Session, frames, lock};

/// What a handler of `xpcall` makes of a problem, while the stack is still there.
pub fn handle<R>(lua: &Lua, session: &Session, problem: Value, shape: impl FnOnce(&Fault) -> R) -> mlua::Result<R> {
    let mut fault = describe(session, &problem);
    let stack = frames(lua);
    if let Value::String(text) = &problem {
        fault = from_text(session, &text.to_string_lossy(), stack);
    } else if fault.frames.is_empty() {
        fault.frames = stack;
    }
    Ok(shape(&fault))
}

/// An error of the VM as a fault; one that was raised as a fault stays what it is.
pub fn fault(session: &Session, error: mlua::Error) -> Fault {
    describe(session, &Value::Error(Box::new(error)))
}

/// A problem as a fault.
pub fn describe(session: &Session, problem: &Value) -> Fault {
    match problem {
        Value::Error(error) => match (error.downcast_ref::<Fault>(), error.as_ref()) {
            (Some(fault), _) => fault.clone(),
            (None, mlua::Error::CallbackError { cause, .. }) => {
                describe(session, &Value::Error(Box::new(cause.as_ref().clone())))
            }
            (None, mlua::Error::RuntimeError(text) | mlua::Error::MemoryError(text)) => {
                from_text(session, text, Vec::new())
            }
            (None, other) => from_text(session, &other.to_string(), Vec::new()),
        },
        Value::String(text) => from_text(session, &text.to_string_lossy(), Vec::new()),
        other => Fault::new(format!("expected an error's text, got a {}", other.type_name()))
            .code(Code::RaisedNoText)
            .hint("write `error(\"what is wrong\")`"),
    }
}

/// A text that Lua raised: its `file:line: ` moves into the frames, and a traceback that was glued on goes.
pub fn from_text(session: &Session, text: &str, mut stack: Vec<Frame>) -> Fault {
    let text = text.split("\nstack traceback:").next().unwrap_or_default();
    let mut message = text.to_owned();
    for file in lock(&session.files).keys() {
        let Some(rest) = text.strip_prefix(file.as_str()).and_then(|rest| rest.strip_prefix(':')) else { continue };
        let Some((number, rest)) = rest.split_once(':') else { continue };
        let Ok(line) = number.parse::<usize>() else { continue };
        message = rest.trim_start().to_owned();
        let at = Frame { file: file.clone(), line };
        match stack.iter().position(|frame| *frame == at) {
            Some(position) => drop(stack.drain(..position)),
            None => stack.insert(0, at),
        }
        break;
    }
    // What is written in Lua gives advice as Rust does: in a last line of its own.
    let (message, hint) = match message.split_once("\nhint: ") {
        Some((message, hint)) => (bounded(message), Some(bounded(hint))),
        None => (bounded(&message), None),
    };
    let (code, message) = coded(&message);
    let fault = Fault { frames: stack, hint, code, ..Fault::new(message) };
    if fault.message.contains("readonly table") {
        return fault.hint("values and arguments are read-only; make a table of your own");
    }
    match fault.message.contains("not enough memory") {
        true => too_much_memory(session).with_frames(fault.frames),
        false => fault,
    }
}

/// The VM has all the memory that it may have.
pub fn too_much_memory(session: &Session) -> Fault {
    Fault::new(format!("expected to use at most {} MiB, got more", session.limits.memory >> 20))
        .code(Code::Memory)
        .hint("a recipe describes what to build; look for strings or tables that grow without an end")
}

/// What kind of error Lua tells of in its own words.
/// `stdlib` says itself what kind of error it raises: `[E0203] what is wrong`.
fn coded(message: &str) -> (Code, &str) {
    let named = message.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    match named.and_then(|(code, rest)| Some((Code::of_text(code)?, rest))) {
        Some(found) => found,
        None => (kind(message), message),
    }
}

/// What kind of error a text is about.
fn kind(message: &str) -> Code {
    const DEEP: &[&str] = &["stack overflow", "C stack", "too many nested", "recursion"];
    match message {
        text if text.contains("attempt to modify a readonly table") || text.contains("protected metatable") => {
            Code::ReadOnly
        }
        text if DEEP.iter().any(|words| text.contains(words)) => Code::Depth,
        _ => Code::Runtime,
    }
}

/// A recipe can raise a text of any size and with any bytes; nobody reads more than this, and no terminal obeys it.
fn bounded(text: &str) -> String {
    const MOST: usize = 2000;
    let plain = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    let mut bounded: String = text.chars().take(MOST).map(plain).collect();
    if text.len() > bounded.len() {
        bounded.push_str("...");
    }
    bounded
}

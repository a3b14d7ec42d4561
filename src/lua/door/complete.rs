//! The second call of a value that was made by its name: `cb.dir "out" { ... }`.

use std::sync::Arc;

use mlua::{Lua, MultiValue, Value};

use crate::core::codes::Code;
use crate::core::recipe::overlay::OverlayKind;
use crate::lua::api::declarations;
use crate::lua::check::described;
use crate::lua::session::{Fault, Session};
use crate::lua::values::Handle;

/// Takes the options that a value was made without.
pub fn complete(lua: &Lua, session: &Arc<Session>, args: MultiValue) -> Result<Value, Fault> {
    let mut args = args.into_iter();
    let first = args.next().unwrap_or(Value::Nil);
    let handle = first.as_table().and_then(|table| session.handle(table));
    let Some((name, given)) = handle.as_deref().and_then(completed_by) else {
        let got = described(session, &first);
        return Err(Fault::new(format!("expected a function to call, got {got}")).code(Code::WrongCall));
    };
    let declaration = declarations::all().find(|declaration| declaration.name == name);
    let declaration = declaration.expect("what made the value is declared");
    let table = super::options(session, declaration, &args.next().unwrap_or(Value::Nil))?;
    super::finish(lua, session, declaration, Some(given), table.as_ref())
}

/// The declaration that takes a value's options in a second call, and the name that was given in the first one.
fn completed_by(handle: &Handle) -> Option<(&'static str, String)> {
    if let Handle::Directory(directory) = handle {
        let name = if directory.bucket.is_some() { "s3" } else { "dir" };
        return Some((name, directory.path.to_string_lossy().into_owned()));
    }
    let Handle::Overlay(overlay) = handle else { return None };
    let declaration = match overlay.kind {
        OverlayKind::SourcePackage => "source_package",
        OverlayKind::SourceTree => "source_tree",
        OverlayKind::BinaryPackage => return None,
    };
    Some((declaration, overlay.path.to_string_lossy().into_owned()))
}

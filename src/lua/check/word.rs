//! Strings of which every letter counts: names, files, ends of versions, and who signs for those.

use mlua::Value;

use super::text;
use crate::core::suffix;
use crate::lua::api::Kind;
use crate::lua::session::{Fault, Session};

/// What a string of this kind stands for, if it is one.
pub(super) fn word(session: &Session, kind: Kind, value: &Value, path: &str) -> Result<Option<String>, Fault> {
    let text = text(session, value, path)?;
    if kind == Kind::File {
        return Ok(Some(session.folder.join(text).to_string_lossy().into_owned()));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || ".+_~-".contains(c);
    let is_name = || text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain);
    let good = if kind == Kind::Suffix {
        suffix::check(&text).is_ok()
    } else if kind == Kind::Maintainer {
        suffix::is_maintainer(&text)
    } else {
        is_name()
    };
    Ok(good.then_some(text))
}

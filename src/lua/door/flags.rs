//! Makes sets of flags and rules from tables that have been checked, and says on which line each rule is written.

use mlua::{Lua, Table};

use crate::core::flags::{BuildFlags, Change, FlagSet, Language};
use crate::core::rules::{Match, Rule};
use crate::lua::api::{Declaration, Kind};
use crate::lua::check::call::{Call, Checked};
use crate::lua::locate;
use crate::lua::session::{Session, frames, lock};
use crate::lua::values::{Handle, take};

/// The field of a record that says where it is written.
const AT: &str = "at";

/// A call or table with the fields of flags.
pub fn flag_set(call: &mut Call) -> FlagSet {
    let languages = call.texts("languages");
    FlagSet {
        cflags: change(call, "cflags"),
        cxxflags: change(call, "cxxflags"),
        objcflags: change(call, "objcflags"),
        objcxxflags: change(call, "objcxxflags"),
        fflags: change(call, "fflags"),
        gcjflags: change(call, "gcjflags"),
        dflags: change(call, "dflags"),
        asflags: change(call, "asflags"),
        cppflags: change(call, "cppflags"),
        ldflags: change(call, "ldflags"),
        languages: Language::ALL
            .iter()
            .copied()
            .filter(|known| languages.iter().any(|word| word == known.text()))
            .collect(),
        options: call.texts("options"),
        profiles: call.texts("profiles"),
        environment: call.variables("environment").unwrap_or_default(),
    }
}

/// Flags for all compilers as a string, or a table with the fields of flags.
pub fn flag_set_or_text(call: &mut Call, name: &str) -> Option<FlagSet> {
    match call.take(name)? {
        Checked::Flags(words) => Some(FlagSet::for_all(words)),
        Checked::Record(mut record) => Some(flag_set(&mut record)),
        other => unreachable!("`{name}` was checked to be {other:?}"),
    }
}

/// All that `cb.build` says about flags.
pub fn build_flags(call: &mut Call) -> BuildFlags {
    let variant = call.handle("variant").map(|handle| take!(handle, Variant).clone());
    let cell = call.handle("cell").map(|handle| take!(handle, Cell).clone());
    let set = flag_set_or_text(call, "flags").unwrap_or_default();
    BuildFlags { variant, set, cell, rules: call.records("rules").unwrap_or_default().into_iter().map(rule).collect() }
}

fn change(call: &mut Call, name: &str) -> Change {
    let Some(mut change) = call.record(name) else { return Change::default() };
    Change {
        replace: change.replacements("replace").unwrap_or_default(),
        strip: change.flags("strip").unwrap_or_default(),
        append: change.flags("append").unwrap_or_default(),
        prepend: change.flags("prepend").unwrap_or_default(),
    }
}

fn rule(mut call: Call) -> Rule {
    let mut when = call.record("match").expect("its declaration says that it is required");
    let mut set = call.record("set").expect("its declaration says that it is required");
    Rule {
        when: Match {
            name: when.texts("name"),
            section: when.texts("section"),
            priority: when.texts("priority"),
            component: when.texts("component"),
            uses: when.texts("uses"),
            arch: when.texts("arch"),
            binary: when.texts("binary"),
        },
        set: flag_set(&mut set),
        at: call.text(AT),
    }
}

/// Says of each table of a list that does not say it itself on which line it is written.
pub fn mark(lua: &Lua, session: &Session, declaration: &Declaration, call: &mut Call) {
    for parameter in marked(declaration) {
        let Some(records) = call.records_mut(parameter) else { continue };
        let places = places(lua, session, parameter, records.len());
        for (record, place) in records.iter_mut().zip(places) {
            record.insert_missing(AT, Checked::Text(place));
        }
    }
}

/// The same for the table that a module of `stdlib/` gets, whose lists are copies.
pub fn mark_copy(lua: &Lua, session: &Session, declaration: &Declaration, copy: &Table) -> mlua::Result<()> {
    for parameter in marked(declaration) {
        let Some(list) = copy.raw_get::<Option<Table>>(parameter)? else { continue };
        for (at, place) in (1..).zip(places(lua, session, parameter, list.raw_len())) {
            let record: Table = list.raw_get(at)?;
            if !record.is_readonly() && record.raw_get::<mlua::Value>(AT)?.is_nil() {
                record.raw_set(AT, place)?;
            }
        }
    }
    Ok(())
}

/// The lists of a declaration whose tables say where they are written.
fn marked(declaration: &Declaration) -> impl Iterator<Item = &'static str> {
    let fields = declaration.fields.iter();
    let says = |kind: Kind| matches!(kind, Kind::Records(record) if record.field(AT).is_some());
    fields.filter(move |parameter| says(parameter.kind)).map(|parameter| parameter.name)
}

/// File and line of each entry of a list in the call that the recipe is at; where the list is not written out there, of
/// the call. Nothing when no line of the recipe's own is at it.
fn places(lua: &Lua, session: &Session, field: &str, count: usize) -> Vec<String> {
    let Some(frame) = frames(lua).into_iter().next() else { return Vec::new() };
    let text = lock(&session.files).get(&frame.file).cloned();
    let mut lines = text.map(|text| locate::entries(&text, frame.line, field)).unwrap_or_default();
    if lines.len() != count {
        lines = vec![frame.line; count];
    }
    lines.into_iter().map(|line| format!("{}:{line}", frame.file)).collect()
}

//! The rules can fail: each is shown something that it must complain about, and something that it must not.

use super::code::{paths, plain, test_modules, without_tests};
use super::rules;

fn found(code: &str) -> Vec<String> {
    paths(&plain(code)).into_iter().map(|it| format!("{}:{}", it.line, it.path.join("::"))).collect()
}

/// A rule complains about `code` so many times.
#[track_caller]
fn check(rule: fn(&str, &str) -> Vec<String>, file: &str, code: &str, times: usize) {
    let complaints = rule(file, &plain(code));
    assert_eq!(complaints.len(), times, "{complaints:#?}");
}

#[test]
fn comments_and_texts_are_no_code() {
    assert_eq!(plain("a // b::c\n/* d /* e */ f */ g"), format!("a {}\n{} g", " ".repeat(7), " ".repeat(17)));
    assert_eq!(plain(r#"x("a\"b::c", 'd', '\n', '"') y"#).split_whitespace().collect::<String>(), "x(,,,)y");
    assert_eq!(plain("r#\"a\"b\"# br\"c\" b\"d\" for<'a> 'b: loop").split_whitespace().next(), Some("b"));
    assert!(plain("fn f<'a>(x: &'a str) -> char { '\\'' } std::fs").ends_with("std::fs"));
}

#[test]
fn paths_of_use_trees_are_written_out() {
    assert_eq!(
        found("use crate::{core::{ids::RunId, plan as p}, io::*};\nuse std::fs;"),
        ["1:crate::core::ids::RunId", "1:crate::core::plan", "1:crate::io::*", "2:std::fs"]
    );
}

#[test]
fn paths_in_code_are_found_once() {
    assert_eq!(
        found("let x = Vec::<std::fs::File>::new(); <A as b::C>::d(); ::std::env::var(); x::y!(z)"),
        ["1:std::fs::File", "1:b::C", "1:std::env::var", "1:x::y"]
    );
}

#[test]
fn tests_are_cut_out_and_what_follows_stays() {
    let code = "#[cfg(test)]\nmod tests { fn a() { b::c() } }\nd::e();\n#[cfg(test)]\nmod fake;\nf::g();";
    let kept = paths(&without_tests(code)).into_iter().map(|it| (it.line, it.path.join("::")));
    assert_eq!(kept.collect::<Vec<_>>(), [(3, "d::e".to_owned()), (6, "f::g".to_owned())]);
    assert_eq!(test_modules(code), ["fake"]);
}

#[test]
fn rooms_to_the_right_and_neighbours_are_complained_about() {
    check(rules::direction, "core/plan.rs", "use crate::io::mirror;", 1);
    check(rules::direction, "core/plan.rs", "fn f() { crate::primitives::g() }", 1);
    check(rules::direction, "core/mod.rs", "use super::io::mirror;", 1);
    check(rules::direction, "core/debian/version.rs", "use super::super::super::wire;", 1);
    check(rules::direction, "lua/mod.rs", "use crate::{control::desk, daemon};", 2);
    check(rules::direction, "cli/run.rs", "use crate::main::x;", 1);
    check(rules::direction, "shed/mod.rs", "", 1);
}

#[test]
fn rooms_to_the_left_and_the_own_one_are_not() {
    check(rules::direction, "cli/run.rs", "use crate::{core::ids, lua, io::state, cli::args}; use super::args;", 0);
    check(rules::direction, "core/debian/version.rs", "use super::control; use crate::core::ids; // crate::io", 0);
    check(rules::direction, "main.rs", "fn main() { cloudbuild::cli::main() }", 0);
    check(rules::direction, "lib.rs", "pub mod core;", 0);
}

#[test]
fn crates_and_modules_elsewhere_are_complained_about() {
    check(rules::table, "control/desk.rs", "use rusqlite::Connection;", 1);
    check(rules::table, "io/mirror/mod.rs", "fn f() { rusqlite::x(); mlua::Lua::new() }", 2);
    check(rules::table, "core/plan.rs", "use std::{fs, io, path::Path}; use tokio::sync;", 2);
    check(rules::table, "primitives/build.rs", "tokio::fs::read(p); tokio::sync::x()", 1);
    check(rules::table, "core/job.rs", "use std::time::{Duration, Instant};", 1);
    check(rules::table, "cli/run.rs", "let now = jiff::Timestamp::now();", 1);
    check(rules::table, "core/plan.rs", "if path.exists() { }", 1);
}

#[test]
fn crates_and_modules_at_home_are_not() {
    check(rules::table, "io/state/jobs.rs", "use rusqlite::Connection; use std::fs;", 0);
    check(rules::table, "io/clock.rs", "jiff::Timestamp::now(); std::time::SystemTime::now();", 0);
    check(rules::table, "io/mirror/dir.rs", "path.exists()", 0);
    check(rules::table, "core/plan.rs", "use std::time::Duration; use serde::Serialize; map.exists", 0);
}

#[test]
fn a_new_dependency_must_be_given_its_rooms() {
    let manifest =
        "[package]\nname = \"x\"\n[dependencies]\n# why\nserde = \"1\"\nmd-5 = \"1\"\nleft-pad = \"1\"\n[x]\ny = 1";
    let complaints = rules::untabled_crates(manifest);
    assert_eq!(complaints.len(), 1);
    assert!(complaints[0].contains("`left_pad`"));
}

#[test]
fn words_of_another_house_are_complained_about() {
    check(rules::words, "a.rs", "#[allow(dead_code)]\nfn f() {}\n#![allow(unused)]", 2);
    check(rules::words, "a.rs", "todo!(); unimplemented!(\"x\"); // todo!()", 2);
    check(rules::words, "a.rs", "use core::fmt; let x = core::mem::take(y);", 2);
    check(rules::words, "a.rs", "#[expect(dead_code)] fn todo() { crate::core::f(); allow(x) }", 0);
    check(rules::words_of_shipped_code, "a.rs", "x.unwrap(); #[serde(untagged)] #[serde(default, flatten)]", 3);
    check(rules::words_of_shipped_code, "a.rs", "x.unwrap_or(y); x.flatten(); #[command(flatten)]", 0);
}

#[test]
fn headers_lengths_names_and_chapters_are_complained_about() {
    assert_eq!(rules::header("a/mod.rs", "use x;").len(), 1);
    assert_eq!(rules::header("a/mod.rs", "//! A room.\nuse x;\n// **Invariant:**").len(), 1);
    assert_eq!(rules::header("a/mod.rs", "//! A room.\n//!\n//! **Invariant:** no x.\n").len(), 0);
    assert_eq!(rules::length("a.rs", &"\n".repeat(401)).len(), 1);
    assert_eq!(rules::length("a.rs", &"\n".repeat(400)).len(), 0);
    let rooms = ["core", "io/state", "io/clock"].map(str::to_owned);
    assert_eq!(rules::named("lib.rs", "[`core`] and `io::state` and io/clock", &rooms).len(), 1);
    assert_eq!(rules::named("README.md", "| `src/core/` | `io/state/` | `io/clock.rs` |", &rooms).len(), 0);
    let chapters = ["main", "tidy", "lost"].map(str::to_owned);
    assert_eq!(rules::undeclared_chapters("mod tidy;\n// mod lost;", &chapters).len(), 1);
}

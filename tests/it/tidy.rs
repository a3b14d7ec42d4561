//! All rules of the house that a text can be held to. Each rule is a function in `rules`, with tests in `tests`.

use std::fs;
use std::path::Path;

use crate::tidy::code::{plain, test_modules, without_tests};

mod code;
mod rules;
mod table;
mod tests;

/// A file of the repository.
struct File {
    /// From the repository's root, with `/`.
    name: String,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder that end so, sorted; none when there is no such folder yet.
fn files(folder: &str, ends: &[&str]) -> Vec<File> {
    let walk = walkdir::WalkDir::new(root().join(folder)).sort_by_file_name();
    let found = walk.into_iter().filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
    found
        .filter_map(|entry| {
            let name = entry.path().strip_prefix(root()).unwrap().to_str()?.to_owned();
            ends.iter().any(|end| name.ends_with(end)).then(|| File { text: read(&name), name })
        })
        .collect()
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}; it has to be there"))
}

/// A Rust file below `src/`.
struct Source {
    /// Without `src/`.
    name: String,
    text: String,
    /// Without comments and texts.
    plain: String,
    /// Also without tests; empty for a file that is nothing else.
    shipped: String,
}

fn sources() -> Vec<Source> {
    let files = files("src", &[".rs"]);
    // `#[cfg(test)] mod fake;` makes src/io/x/fake.rs, and what is below src/io/x/fake/, tests.
    let tests: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let room = rules::room(file.name.trim_start_matches("src/")).to_owned();
            let inside = if room == "lib" { String::new() } else { format!("{room}/") };
            test_modules(&plain(&file.text)).into_iter().map(move |module| format!("{inside}{module}"))
        })
        .collect();
    let source = |file: File| {
        let name = file.name.trim_start_matches("src/").to_owned();
        let plain = plain(&file.text);
        let room = rules::room(&name);
        let is_test = tests.iter().any(|test| room == test || room.starts_with(&format!("{test}/")));
        let shipped = if is_test { String::new() } else { without_tests(&plain) };
        Source { name, text: file.text, plain, shipped }
    };
    files.into_iter().map(source).collect()
}

/// Folders directly below one of `src`, and single-file rooms at the top.
fn rooms() -> Vec<String> {
    let mut rooms = Vec::new();
    for (folder, prefix) in [("src", ""), ("src/io", "io/")] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let name = name.strip_suffix(".rs").unwrap_or(&name).to_owned();
            if !["lib", "main", "mod"].contains(&name.as_str()) {
                rooms.push(format!("{prefix}{name}"));
            }
        }
    }
    rooms.sort();
    rooms.dedup();
    rooms
}

#[track_caller]
fn nothing(complaints: impl IntoIterator<Item = String>) {
    let complaints: Vec<String> = complaints.into_iter().collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_room_uses_only_rooms_to_its_left() {
    nothing(sources().iter().flat_map(|it| rules::direction(&it.name, &it.plain)));
}

#[test]
fn crates_and_modules_of_std_stay_in_their_rooms() {
    nothing(sources().iter().flat_map(|it| rules::table(&it.name, &it.shipped)));
    nothing(rules::untabled_crates(&read("Cargo.toml")));
}

#[test]
fn every_folder_says_what_it_is_and_what_is_absent() {
    let folders = sources().into_iter().filter(|it| it.name.ends_with("/mod.rs"));
    nothing(folders.flat_map(|it| rules::header(&format!("src/{}", it.name), &it.text)));
}

#[test]
fn every_room_is_in_the_map_of_lib_rs() {
    let map: String = read("src/lib.rs").lines().filter(|line| line.starts_with("//!")).collect();
    nothing(rules::named("src/lib.rs", &map, &rooms()));
}

#[test]
fn every_room_is_in_the_table_of_the_readme() {
    let table: String = read("README.md").lines().filter(|line| line.starts_with('|')).collect();
    nothing(rules::named("README.md", &table, &rooms()));
}

#[test]
fn no_file_is_longer_than_one_likes_to_read() {
    let folders = ["src", "stdlib", "tests", "recipes"];
    let files = folders.iter().flat_map(|folder| files(folder, &[".rs", ".lua"]));
    // The stub for editors is written by a program, and read by one.
    let files = files.filter(|it| it.name != "stdlib/meta/cloudbuild.d.lua");
    nothing(files.flat_map(|it| rules::length(&it.name, &it.text)));
}

#[test]
fn no_file_has_words_that_the_house_does_not_use() {
    let files = files("src", &[".rs"]).into_iter().chain(files("tests", &[".rs"]));
    nothing(files.flat_map(|it| rules::words(&it.name, &plain(&it.text))));
    nothing(sources().iter().flat_map(|it| rules::words_of_shipped_code(&format!("src/{}", it.name), &it.shipped)));
}

#[test]
fn every_chapter_is_declared() {
    let names = fs::read_dir(root().join("tests/it")).unwrap().map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_suffix(".rs").unwrap_or(&name).to_owned()
    });
    nothing(rules::undeclared_chapters(&read("tests/it/main.rs"), &names.collect::<Vec<_>>()));
}

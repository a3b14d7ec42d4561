//! The rules, each a pure function from a file's path and text to complaints.

use super::code::{Found, paths, tokens};
use super::table::{CLOCK, CLOCK_ROOM, CRATES, DISK_METHODS, MODULES, RANKS};

/// The room of a file below `src/`: `core/debian/control` for `core/debian/control.rs`, `io/state` for its mod.rs.
pub fn room(file: &str) -> &str {
    let name = file.strip_suffix(".rs").unwrap_or(file);
    name.strip_suffix("/mod").unwrap_or(name)
}

fn rank(room: &str) -> Option<u32> {
    let top = room.split('/').next().unwrap_or(room);
    RANKS.iter().find(|(name, _)| *name == top).map(|(_, rank)| *rank)
}

fn is_below(room: &str, parents: &[&str]) -> bool {
    parents.iter().any(|parent| room.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// A path from the crate's root, `super` and `self` worked out; `None` for one into another crate.
fn from_root(file: &str, path: &[String]) -> Option<Vec<String>> {
    let mut at: Vec<String> = room(file).split('/').map(str::to_owned).collect();
    match path[0].as_str() {
        "crate" | "cloudbuild" => return Some(path[1..].to_vec()),
        "super" | "self" => {}
        _ => return None,
    }
    for part in path {
        match part.as_str() {
            "super" => drop(at.pop()),
            "self" => {}
            _ => at.push(part.clone()),
        }
    }
    Some(at)
}

/// A file uses its own room and rooms to the left.
pub fn direction(file: &str, plain: &str) -> Vec<String> {
    let Some(own) = rank(room(file)) else {
        if file == "lib.rs" {
            return Vec::new();
        }
        return vec![format!("src/{file}: this room has no rank; give it one in RANKS of tests/it/tidy/table.rs")];
    };
    let own_room = room(file).split('/').next().unwrap_or_default();
    let mut complaints = Vec::new();
    for Found { line, path } in paths(plain) {
        let Some(target) = from_root(file, &path).and_then(|target| target.first().cloned()) else { continue };
        let Some(other) = rank(&target) else { continue };
        if target != own_room && other >= own {
            let used = path.join("::");
            let why = if other == own { "do not use each other" } else { "are the wrong way round" };
            complaints.push(format!(
                "src/{file}:{line}: `{used}`: `{own_room}` and `{target}` {why} \
                 (core <- wire <- io <- primitives <- lua, control, daemon <- cli <- main); \
                 take it as an argument or a trait of a room to the left"
            ));
        }
    }
    complaints
}

/// Crates and modules stay in the rooms that the table names. Held only to code outside of tests.
pub fn table(file: &str, plain: &str) -> Vec<String> {
    let room = room(file);
    let mut complaints = Vec::new();
    for Found { line, path } in paths(plain) {
        let text = path.join("::");
        let begins = |name: &str| text.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        let modules = MODULES.iter().filter(|(name, _)| begins(name)).max_by_key(|(name, _)| name.len());
        let crates = CRATES.iter().find(|(name, _)| begins(name));
        for (name, rooms) in modules.into_iter().chain(crates) {
            if !is_below(room, rooms) {
                complaints.push(format!(
                    "src/{file}:{line}: `{text}`: `{name}` belongs into {}; let one of them do this, \
                     or say in tests/it/tidy/table.rs why this room may",
                    rooms.join(", ")
                ));
            }
        }
        if CLOCK.iter().any(|end| text.ends_with(end)) && room != CLOCK_ROOM {
            complaints.push(format!(
                "src/{file}:{line}: `{text}`: only src/{CLOCK_ROOM}.rs reads the clock; take the time as an argument"
            ));
        }
    }
    complaints.extend(disk_methods(file, plain));
    complaints
}

/// `path.exists()` names no module, so it is found by its call.
fn disk_methods(file: &str, plain: &str) -> Vec<String> {
    let rooms = MODULES.iter().find(|(name, _)| *name == "std::fs").map_or(&[][..], |(_, rooms)| *rooms);
    if is_below(room(file), rooms) {
        return Vec::new();
    }
    let tokens = tokens(plain);
    let calls = tokens.windows(3).filter(|window| window[0].1 == "." && window[2].1 == "(");
    calls
        .filter(|window| DISK_METHODS.contains(&window[1].1.as_str()))
        .map(|window| {
            let (line, method) = &window[1];
            format!("src/{file}:{line}: `.{method}()` looks at the disk, which `io` does; pass its answer in")
        })
        .collect()
}

/// Every crate of Cargo.toml's `[dependencies]` has a line in the table.
pub fn untabled_crates(manifest: &str) -> Vec<String> {
    let lines = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let names = lines.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(" = "));
    names
        .map(|(name, _)| name.trim().replace("md-5", "md5").replace('-', "_"))
        .filter(|name| !name.starts_with('#') && !CRATES.iter().any(|(known, _)| known == name))
        .map(|name| format!("Cargo.toml: say in CRATES of tests/it/tidy/table.rs which rooms may use `{name}`"))
        .collect()
}

/// What no Rust file says, tests included.
pub fn words(file: &str, plain: &str) -> Vec<String> {
    let tokens = tokens(plain);
    let mut complaints = Vec::new();
    for (at, (line, word)) in tokens.iter().enumerate() {
        let after = |offset: usize| tokens.get(at + offset).map_or("", |(_, token)| token.as_str());
        let opens = word == "#" && (after(1) == "[" || (after(1) == "!" && after(2) == "["));
        let attribute = if after(1) == "!" { after(3) } else { after(2) };
        let complaint = match word.as_str() {
            "#" if opens && attribute == "allow" => "use #[expect(lint, reason = \"...\")], which goes when it is idle",
            "todo" | "unimplemented" if after(1) == "!" => "write it, or leave the call out until it exists",
            _ => continue,
        };
        complaints.push(format!("{file}:{line}: {complaint}"));
    }
    for Found { line, path } in paths(plain) {
        if path[0] == "core" {
            complaints.push(format!("{file}:{line}: `{}`: write `std::`, `core` is a room here", path.join("::")));
        }
    }
    complaints
}

/// What only tests may say, and serde's words that make errors useless.
pub fn words_of_shipped_code(file: &str, plain: &str) -> Vec<String> {
    let tokens = tokens(plain);
    let mut complaints = Vec::new();
    for (at, window) in tokens.windows(3).enumerate() {
        let line = window[1].0;
        match [window[0].1.as_str(), window[1].1.as_str(), window[2].1.as_str()] {
            [".", "unwrap", "("] => {
                complaints.push(format!("{file}:{line}: return an error, or `expect(\"why it cannot happen\")`"));
            }
            ["[", "serde", "("] => {
                let words = tokens[at..].iter().map(|(_, word)| word.as_str()).take_while(|word| *word != "]");
                complaints.extend(words.filter(|word| matches!(*word, "untagged" | "flatten")).map(|word| {
                    format!("{file}:{line}: serde's `{word}` loses what was wrong; name the cases or the fields")
                }));
            }
            _ => {}
        }
    }
    complaints
}

/// A folder's mod.rs says what the room is, and what is absent in it.
pub fn header(file: &str, text: &str) -> Vec<String> {
    let docs: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
    if docs.is_empty() {
        return vec![format!("{file}: begin with `//!` and what this room is")];
    }
    if !docs.iter().any(|line| line.contains("**Invariant:**")) {
        return vec![format!("{file}: say in its `//!` after `**Invariant:**` what is absent here")];
    }
    Vec::new()
}

/// Every room stands in a text as `io/state`, `io::state`, with or without `src/` before and `/` behind, in backticks.
pub fn named(file: &str, text: &str, rooms: &[String]) -> Vec<String> {
    let quoted: Vec<String> = text.split('`').skip(1).step_by(2).map(|name| name.replace("::", "/")).collect();
    let bare = |name: &str| name.trim_start_matches("src/").trim_end_matches(['/']).trim_end_matches(".rs").to_owned();
    let quoted: Vec<String> = quoted.iter().map(|name| bare(name.trim_start_matches("crate/"))).collect();
    let missing = rooms.iter().filter(|room| !quoted.contains(room));
    missing.map(|room| format!("{file}: name the room `{room}` in backticks, with a line on what it is")).collect()
}

/// Nobody likes to read more at once.
pub fn length(file: &str, text: &str) -> Vec<String> {
    const MOST: usize = 400;
    let lines = text.lines().count();
    if lines <= MOST {
        return Vec::new();
    }
    vec![format!("{file}: {lines} lines, at most {MOST}; move a part with a name of its own to a file of its own")]
}

/// Every file and folder of `tests/it` is a module of its main.rs, or it would never run.
pub fn undeclared_chapters(main: &str, names: &[String]) -> Vec<String> {
    let tokens = tokens(&super::code::plain(main));
    let declares =
        |name: &str| tokens.windows(3).any(|window| window[0].1 == "mod" && window[1].1 == name && window[2].1 == ";");
    let missing = names.iter().filter(|name| *name != "main" && !declares(name));
    missing.map(|name| format!("tests/it/main.rs: add `mod {name};`, or its tests never run")).collect()
}

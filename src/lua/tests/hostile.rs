use super::*;

/// `tests/hostile/recipes/*.lua`: the first line says what the error has to contain.
#[test]
fn every_hostile_recipe_ends_with_its_file_and_line() {
    let paths = recipes();
    assert!(paths.len() >= 40);
    let wrong: Vec<String> = paths.iter().filter_map(|path| wrong_of(path, limits())).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Names the recipe to the process that measures its own memory.
const MEASURED: &str = "CLOUDBUILD_TEST_HOSTILE_RECIPE";

/// With the memory that recipes really may use; each in a process of its own, since what others used would be measured,
/// too.
#[test]
fn hostile_recipes_leave_the_process_within_64_megabytes_of_what_it_was() {
    const NAME: &str = "lua::tests::hostile::hostile_recipes_leave_the_process_within_64_megabytes_of_what_it_was";
    if let Some(path) = std::env::var_os(MEASURED) {
        // One that is well loads what is loaded once.
        load_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/hello.lua")).unwrap();
        let (before, real) = (kilobytes("VmRSS:"), Limits { memory: Limits::default().memory, ..limits() });
        // Other limits make other messages; that it comes to an end is what counts here.
        let told = wrong_of(Path::new(&path), real).filter(|told| told.contains("came through"));
        let more = kilobytes("VmHWM:") - before;
        assert!(told.is_none() && more <= 64 << 10, "{}: {more} kB more at its peak, {told:?}", path.display());
        println!("measured {more} kB");
        return;
    }
    let recipes = recipes();
    let measure = |path: &std::path::PathBuf| {
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        alone.args(["--exact", NAME, "--nocapture", "--test-threads=1"]).env(MEASURED, path);
        let ended = alone.output().unwrap();
        let told = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success() && told.contains("measured "), "{told}");
    };
    std::thread::scope(|scope| {
        for some in recipes.chunks(recipes.len().div_ceil(4)) {
            scope.spawn(move || some.iter().for_each(measure));
        }
    });
}

/// A line of what the system says of this process.
fn kilobytes(name: &str) -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn recipes() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/recipes");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Loads and runs a recipe and asks its hooks; what is not as its first line says.
fn wrong_of(path: &Path, limits: Limits) -> Option<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let expected = text.lines().next().unwrap().strip_prefix("-- expect: ").unwrap();
    let recipe = load(LoadOptions { path: path.to_path_buf(), limits, ..LoadOptions::default() });
    let result = recipe.and_then(|recipe| {
        let value = run_with(&recipe, &Arc::default())?;
        ask_all(&recipe).map(|()| value)
    });
    let error = match result {
        Ok(value) => return Some(format!("{}: came through with {value}", path.display())),
        Err(error) => error,
    };
    let at = error.file() == path.to_str() && error.line().is_some_and(|line| line <= text.lines().count());
    let shown = error.to_string();
    let clean = !shown.contains('\u{1b}') && shown.len() < 4000 && !shown.contains("0x0");
    (!at || !clean || !error.message.contains(expected)).then(|| format!("{}: {shown}", path.display()))
}

#[test]
fn what_is_no_recipe_at_all_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.lua");
    let said = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        load_file(&file).unwrap_err()
    };
    assert!(said(b"\x06\x01bytecode").message.contains("expected Lua source, got bytecode"));
    let error = said(b"local x = 1\nlocal y = \"\xff\"");
    assert!(error.message.contains("expected UTF-8 text") && error.line() == Some(2), "{error}");
    assert!(said(&vec![b' '; (1 << 20) + 1]).message.contains("at most 1048576 bytes"));
    assert!(said(b"").message.contains("expected the file to return a recipe, got nothing"));
    assert!(load_file(folder.path()).unwrap_err().message.contains("got a directory"));
    assert!(load_file(Path::new("/dev/zero")).unwrap_err().message.contains("got a device"));
    assert!(load_file(&folder.path().join("none.lua")).unwrap_err().message.contains("cannot read the recipe"));
}

#[test]
fn a_link_out_of_the_folder_is_not_required() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::NamedTempFile::with_suffix(".lua").unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("secret.lua")).unwrap();
    let main = folder.path().join("main.lua");
    std::fs::write(&main, "return require 'secret'").unwrap();
    let error = load_file(&main).unwrap_err();
    assert!(error.message.contains("a link out of it") && error.line() == Some(1), "{error}");
}

#[test]
fn two_files_that_need_each_other_are_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.lua"), "return require 'b'").unwrap();
    std::fs::write(folder.path().join("b.lua"), "return require 'a'").unwrap();
    std::fs::write(folder.path().join("main.lua"), "return require 'a'").unwrap();
    let error = load_file(&folder.path().join("main.lua")).unwrap_err();
    assert!(error.message.contains("`a` needs itself"), "{error}");
    assert_eq!(error.traceback.iter().filter(|frame| frame.line == 1).count(), 3, "{error}");
}

/// Asks each hook of a recipe a few times.
pub fn ask_all(recipe: &Recipe) -> Result<(), RecipeError> {
    let hooks = recipe.hooks(RunOptions::default())?;
    let subject = serde_json::json!({
        "source": { "name": "zlib", "version": "1:1.3-1", "build_depends": ["debhelper", "gcc"] },
        "cell": { "name": "O2" },
        "log": "aab".repeat(50_000),
        "job": { "source": "zlib", "attempt": 1 },
        "failure": { "class": "unknown" },
        "stage": { "name": "first", "jobs": 3, "installed": 2, "failed": 1 },
    });
    for hook in crate::primitives::hooks::Hook::ALL.into_iter().filter(|hook| hooks.has(*hook)) {
        let answers = hooks.decide_all(hook, &vec![subject.clone(); 3]);
        answers.map_err(|error| error.downcast::<RecipeError>().unwrap_or_else(|error| panic!("{error}")))?;
    }
    Ok(())
}

#[test]
fn a_shared_library_is_looked_into_last_and_is_part_of_the_recipe() {
    let (folder, library) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let write = |folder: &tempfile::TempDir, name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
    };
    let main = "local cb, a, b = require 'cloudbuild', require 'a', require 'b'
        return cb.recipe { run = function() return { a = a, b = b } end,
                           hooks = { on_failure = function() if a ~= b then return cb.give_up() end end } }";
    write(&folder, "main.lua", main);
    write(&folder, "a.lua", "return 'own'");
    write(&library, "a.lua", "return 'shared'");
    write(&library, "b.lua", "return 'shared'");
    let load_it = |library: Option<&Path>| {
        let library = library.map(Path::to_path_buf);
        load(LoadOptions { path: folder.path().join("main.lua"), library, limits: limits(), ..LoadOptions::default() })
    };
    let missing = load_it(None).unwrap_err().to_string();
    assert!(missing.contains("cannot read `b.lua`") && missing.contains("--library"), "{missing}");
    let recipe = load_it(Some(library.path())).unwrap();
    let expected = serde_json::json!({ "a": "own", "b": "shared" });
    assert_eq!(run_with(&recipe, &Arc::default()).unwrap(), expected);
    assert!(ask_all(&recipe).is_ok());
    write(&library, "b.lua", "return 'changed'");
    assert_ne!(load_it(Some(library.path())).unwrap().hash, recipe.hash);
    let outside = tempfile::NamedTempFile::with_suffix(".lua").unwrap();
    std::fs::remove_file(library.path().join("b.lua")).unwrap();
    std::os::unix::fs::symlink(outside.path(), library.path().join("b.lua")).unwrap();
    let refused = load_it(Some(library.path())).unwrap_err().to_string();
    assert!(refused.contains("a link out of it"), "{refused}");
}

#[test]
fn another_stdlib_of_the_same_version_is_used_and_changes_the_hash() {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("stdlib")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    let text = b"local cb = require 'cloudbuild'\nreturn cb.campaign 'x' { packages = { 'hello' } }".to_vec();
    let load_it = |stdlib: Option<&Path>| {
        let stdlib = stdlib.map(Path::to_path_buf);
        load(LoadOptions { path: "x.lua".into(), text: Some(text.clone()), stdlib, ..LoadOptions::default() })
    };
    let (own, other) = (load_it(None).unwrap(), load_it(Some(folder.path())).unwrap());
    assert_ne!(own.hash, other.hash);
    assert!(run_with(&other, &Arc::default()).is_ok());
    std::fs::write(folder.path().join("campaign.lua"), "return function() error('of the folder', 0) end").unwrap();
    assert!(load_it(Some(folder.path())).unwrap_err().message.contains("of the folder"));
    std::fs::write(folder.path().join("version.lua"), "return '0.0.0'").unwrap();
    let refused = load_it(Some(folder.path())).unwrap_err().to_string();
    assert!(refused.contains("expected the library of cloudbuild"), "{refused}");
}

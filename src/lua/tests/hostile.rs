use super::*;

/// `tests/hostile/recipes/*.lua`: the first line says what the error has to contain.
#[test]
fn every_hostile_recipe_ends_with_its_file_and_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/recipes");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 30);
    let mut wrong = Vec::new();
    for path in &paths {
        let text = std::fs::read_to_string(path).unwrap();
        let expected = text.lines().next().unwrap().strip_prefix("-- expect: ").unwrap();
        let result = load_file(path).and_then(|recipe| run_with(&recipe, &Arc::default()));
        match result {
            Ok(value) => wrong.push(format!("{}: came through with {value}", path.display())),
            Err(error) => {
                let at = error.file() == path.to_str() && error.line().is_some_and(|line| line <= text.lines().count());
                let shown = error.to_string();
                let clean = !shown.contains('\u{1b}') && shown.len() < 4000 && !shown.contains("0x0");
                if !at || !clean || !error.message.contains(expected) {
                    wrong.push(format!("{}: {shown}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
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

//! Settings from real files.

use std::os::unix::ffi::OsStringExt;

use super::*;

fn surroundings(folder: &Path, variables: &[(&str, &str)]) -> Surroundings {
    let environment = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let mut surroundings = Surroundings::new(environment, folder.to_owned(), true).expect("all of it is text");
    // The machine's and the tester's own files are left out.
    surroundings.files = vec![folder.join("missing/config.toml"), folder.join(FOLDER_FILE)];
    surroundings
}

#[test]
fn the_folders_file_is_read_and_missing_ones_are_skipped() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(FOLDER_FILE), "slots = 5\ncache_dir = \"cache\"\n").expect("written");
    let merged = read(&surroundings(folder.path(), &[("CLOUDBUILD_SLOTS", "6")]), []).expect("right");
    assert_eq!(merged.value("slots").map(ToString::to_string).as_deref(), Some("6"));
    let cache = folder.path().join("cache").display().to_string();
    assert_eq!(merged.value("cache_dir").map(ToString::to_string), Some(cache));
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join(FOLDER_FILE)).expect("made");
    let error = read(&surroundings(folder.path(), &[]), []).expect_err("a folder is no file").to_string();
    assert!(error.starts_with("cannot read the settings file `") && error.contains(FOLDER_FILE), "{error}");
}

#[test]
fn a_variable_that_is_no_text_is_an_error() {
    let variable = (OsString::from("CLOUDBUILD_SBUILD"), OsString::from_vec(vec![0xff]));
    let error = Surroundings::new([variable].into_iter(), "/".into(), true).expect_err("no text");
    assert_eq!(error.to_string(), "`CLOUDBUILD_SBUILD`: expected UTF-8 text, got other bytes");
}

#[test]
fn state_directories_are_listed_by_their_suffix() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["b.cloudbuild", "a.cloudbuild", "other"] {
        std::fs::create_dir(folder.path().join(name)).expect("made");
    }
    std::fs::write(folder.path().join("file.cloudbuild"), "").expect("written");
    let found = state_directories(folder.path()).expect("listed");
    assert_eq!(found, [folder.path().join("a.cloudbuild"), folder.path().join("b.cloudbuild")]);
}

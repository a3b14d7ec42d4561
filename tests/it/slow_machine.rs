//! The machine's own APT sources, and an ordinary user of it.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use crate::boards;
use crate::fixture::base::architecture;
use crate::fixture::{Fixture, Making, open_tempdir, output};
use crate::harness::{Call, Place, Ran, skip};
use crate::slow_armel;
use crate::slow_oem;
use crate::slow_outcomes::{campaign, document, has_in_order, job};
use crate::slow_recipes;

/// Each recipe of `recipes/`, and the test that runs it as it is.
const RECIPES: &[(&str, fn())] = &[
    ("armel.lua", slow_armel::an_archive_is_built_in_three_stages_on_a_cloud_and_what_needs_a_larger_machine_gets_one),
    ("armv6.lua", boards::an_older_processor_is_planned_across_and_below_its_base),
    ("flags.lua", slow_recipes::flags_are_compared_on_what_uses_zlib),
    ("hello.lua", hello_from_the_machines_own_sources_is_rebuilt_and_apt_installs_it),
    ("oem.lua", slow_oem::an_oems_image_is_built_with_its_compiler_and_firmware_and_apt_installs_its_variant),
    ("rebuild_users_of.lua", slow_recipes::users_of_a_changed_package_are_rebuilt_against_the_old_one_and_the_new_one),
];

#[test]
fn slow_every_recipe_is_run_by_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // A recipe's own programs and files lie beside it.
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".lua")).collect();
    names.sort();
    let tested: Vec<&str> = RECIPES.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, tested, "a recipe in recipes/ needs a test that runs it, named in this table");
}

#[test]
fn hello_from_the_machines_own_sources_is_rebuilt_and_apt_installs_it() {
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/hello.lua");
    let place = Place::new();
    let imported = place.cloudbuild(&["import", "--json"]).run();
    assert_eq!(imported.code, Some(0), "{imported:?}");
    let text = document(&imported).to_string();
    assert!(text.contains("\"main\"") && text.contains(architecture()), "{text}");

    let ran = place.cloudbuild(&[recipe.to_str().unwrap()]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    has_in_order(
        &ran.stdout,
        &["proved  hello ", "installed, /usr/bin/hello says \"hello (GNU Hello)", "done: 1 built"],
    );

    let ran = place.cloudbuild(&[recipe.to_str().unwrap()]).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    has_in_order(&ran.stdout, &["installed  hello ", "built before from the same inputs", "unchanged  "]);
}

/// Prints `architecture source version-of-the-source` for each paragraph of Packages indexes, `source NAME VERSION` for
/// each of Sources indexes. It knows nothing of what it is to judge, and is not clever.
const AWK: &str = r#"
BEGIN { RS = ""; FS = "\n" }
{
    name = version = architecture = source = ""
    for (i = 1; i <= NF; i++) {
        if ($i ~ /^Package: /) name = substr($i, 10)
        if ($i ~ /^Version: /) version = substr($i, 10)
        if ($i ~ /^Architecture: /) architecture = substr($i, 15)
        if ($i ~ /^Source: /) source = substr($i, 9)
    }
    if (FILENAME ~ /Sources$/) { print "source", name, version; next }
    if (source == "") source = name
    if (split(source, parts, /[ ()]+/) > 1) { source = parts[1]; version = parts[2] }
    else sub(/\+b[0-9]+$/, "", version)
    print architecture, source, version
}
"#;

#[test]
fn of_the_machines_own_suite_little_is_outdated_and_each_of_it_really_is() {
    let place = Place::new();
    let cache = place.path().join("cache");
    let ran = place.cloudbuild(&["outdated", "--json"]).env("CLOUDBUILD_CACHE_DIR", cache.to_str().unwrap()).run();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let found = document(&ran);
    // The second time, what the indexes list comes from the tables that the first one kept.
    let tables = fs::read_dir(cache.join("files/parsed")).unwrap().count();
    assert!(tables > 1, "{tables} tables");
    let again = place.cloudbuild(&["outdated", "--json"]).env("CLOUDBUILD_CACHE_DIR", cache.to_str().unwrap()).run();
    assert_eq!(again.stdout, ran.stdout);

    // Beside them the cache has nothing but the indexes.
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(cache.join("files")).sort_by_file_name() {
        let entry = entry.unwrap();
        if !entry.file_type().is_file() || entry.path().extension().is_some() {
            continue;
        }
        let bytes = fs::read(entry.path()).unwrap();
        let kind = match memchr::memmem::find(&bytes, b"\nDirectory: ") {
            Some(_) => "Sources",
            None => "Packages",
        };
        let named = entry.path().with_extension(kind);
        fs::rename(entry.path(), &named).unwrap();
        files.push(named);
    }
    let told = output(Command::new("awk").env("LC_ALL", "C").arg(AWK).args(&files));
    let told = String::from_utf8_lossy(&told);
    let there: HashSet<&str> = told.lines().collect();
    let count = |verdict: &str, arch: &str| found["counts"][arch][verdict].as_u64().unwrap_or(0);
    for arch in [architecture(), "all"] {
        let (few, many) = (count("missing", arch) + count("older", arch), count("current", arch));
        assert!(many > 10_000 && few * 500 < many, "of {arch}, {few} are outdated and {many} are not: {found:#}");
    }
    for line in found["outdated"].as_array().unwrap() {
        let [source, version, arch] = ["source", "version", "arch"].map(|key| line[key].as_str().unwrap());
        assert!(there.contains(format!("source {source} {version}").as_str()), "there is such a source: {line}");
        assert!(!there.contains(format!("{arch} {source} {version}").as_str()), "it is there: {line}");
        if let Some(have) = line["have"].as_str() {
            assert!(there.contains(format!("{arch} {source} {have}").as_str()), "that is there: {line}");
        }
    }
}

/// An ordinary user that the test makes, with a range of ids; it goes when this is dropped.
struct Person {
    name: String,
    uid: u32,
}

impl Person {
    fn make() -> Person {
        let name = format!("cbtest{}", std::process::id());
        let home = open_tempdir().keep();
        output(Command::new("useradd").args(["--no-create-home", "--home-dir"]).arg(&home).arg(&name));
        let uid = String::from_utf8(output(Command::new("id").args(["-u", &name]))).unwrap().trim().parse().unwrap();
        let person = Person { name, uid };
        let tables = ["/etc/subuid", "/etc/subgid"].map(|file| fs::read_to_string(file).unwrap_or_default());
        let has = |table: &String| table.lines().any(|line| line.starts_with(&format!("{}:", person.name)));
        if !tables.iter().all(has) {
            let ranges = ["--add-subuids", "900000000-900065535", "--add-subgids", "900000000-900065535"];
            output(Command::new("usermod").args(ranges).arg(&person.name));
        }
        chown(&home, Some(uid), Some(uid)).unwrap();
        person
    }

    fn home(&self) -> std::path::PathBuf {
        let line = String::from_utf8(output(Command::new("getent").args(["passwd", &self.name]))).unwrap();
        line.trim().split(':').nth(5).unwrap().into()
    }

    /// `cloudbuild`, as this user, in its home, with nothing but the fixture for settings.
    fn cloudbuild(&self, program: &Path, fixture: &Fixture, words: &[&str]) -> Ran {
        let mut command = Command::new("setpriv");
        let ids = [format!("--reuid={}", self.uid), format!("--regid={}", self.uid)];
        command.args(ids).args(["--init-groups", "--inh-caps=-all", "--reset-env"]);
        command.args(["env", "-C"]).arg(self.home()).arg("NO_COLOR=1");
        command.arg(format!("CLOUDBUILD_APT_ROOT={}", fixture.apt_root().display())).arg(program).args(words);
        Call::of(command).run()
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let home = self.home();
        for folder in [home, format!("/var/tmp/cloudbuild-{}", self.uid).into()] {
            let _ = fs::remove_dir_all(folder);
        }
        let _ = Command::new("userdel").arg(&self.name).output();
    }
}

#[test]
fn an_ordinary_user_with_a_range_of_ids_runs_a_recipe_whatever_the_mode_of_the_home() {
    if !rustix::process::geteuid().is_root() {
        return skip("an_ordinary_user_with_a_range_of_ids_runs_a_recipe", "only root can make a user");
    }
    let fixture = Fixture::of(&Making::default());
    let person = Person::make();
    let home = person.home();
    // The checkout may be where nobody but root can go.
    let tools = open_tempdir();
    let program = tools.path().join("cloudbuild");
    fs::copy(env!("CARGO_BIN_EXE_cloudbuild"), &program).unwrap();
    let mine = |file: &Path, text: &str| {
        fs::write(file, text).unwrap();
        chown(file, Some(person.uid), Some(person.uid)).unwrap();
    };
    mine(&home.join("tiny.lua"), &campaign(&["tiny-builds"], ""));

    // A home that is closed to strangers, as many distributions make them: shared things are kept elsewhere.
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    let doctor = person.cloudbuild(&program, &fixture, &["doctor"]);
    assert_eq!(doctor.code, Some(0), "{doctor:?}");
    let ran = person.cloudbuild(&program, &fixture, &["tiny.lua"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    has_in_order(&ran.stdout, &["proved  tiny-builds 1.0: installed", "done: 1 built"]);
    assert!(!home.join(".cache/cloudbuild").exists());

    // One that is open: they are kept below it. The chroot is the same, so it is not made twice here either.
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
    output(Command::new("mkdir").arg("-p").arg(home.join(".cache")));
    let elsewhere = format!("/var/tmp/cloudbuild-{}/cloudbuild", person.uid);
    output(Command::new("mv").arg(elsewhere).arg(home.join(".cache/cloudbuild")));
    chown(home.join(".cache"), Some(person.uid), Some(person.uid)).unwrap();
    mine(&home.join("tiny.lua"), &campaign(&["tiny-flags"], "prove = false"));
    let ran = person.cloudbuild(&program, &fixture, &["tiny.lua"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let status = document(&person.cloudbuild(&program, &fixture, &["status", "--json"]));
    assert_eq!(job(&status, "tiny-flags", architecture())["state"], "installed", "{status:#}");
    assert!(!Path::new(&format!("/var/tmp/cloudbuild-{}/cloudbuild", person.uid)).exists());
}

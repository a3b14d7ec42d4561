//! What benchmarks read: the indexes of the machine's own suite, and how much memory it took.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Sources and Packages of the machine's suite, component main, decompressed; kept for the next time.
pub fn indexes() -> (PathBuf, PathBuf) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-cache");
    let cache = std::env::var_os("CLOUDBUILD_TEST_CACHE").map_or(target, PathBuf::from);
    let codename = codename();
    let folder = cache.join(format!("import-{codename}"));
    let found = (folder.join("Sources"), folder.join("Packages"));
    if found.0.exists() && found.1.exists() {
        return found;
    }
    fs::create_dir_all(&folder).unwrap();
    let work = tempfile::tempdir_in(&cache).unwrap();
    let configuration = private_apt(work.path());
    let apt = || {
        let mut command = Command::new("apt-get");
        command.arg("-qq").arg("-c").arg(&configuration).env("LC_ALL", "C").env_remove("APT_CONFIG");
        command
    };
    output(apt().arg("update"));
    for kind in ["Sources", "Packages"] {
        let wanted = [format!("Created-By: {kind}"), format!("Codename: {codename}"), "Component: main".to_owned()];
        let files = output(apt().args(["indextargets", "--format", "$(FILENAME)"]).args(wanted));
        let file = files.lines().next().unwrap_or_else(|| panic!("apt has no {kind} of {codename} main"));
        fs::copy(file, folder.join(kind)).unwrap();
    }
    found
}

fn codename() -> String {
    let release = fs::read_to_string("/etc/os-release").unwrap();
    let line = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    line.expect("/etc/os-release of a Debian-style system names its VERSION_CODENAME").trim_matches('"').to_owned()
}

/// A configuration for apt that has the machine's settings, its sources with their source packages, and all that it
/// writes in `place`.
fn private_apt(place: &Path) -> PathBuf {
    for folder in ["state/lists/partial", "cache/archives/partial", "sources"] {
        fs::create_dir_all(place.join(folder)).unwrap();
    }
    fs::write(place.join("status"), "").unwrap();
    let folder = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().map(|entry| entry.unwrap().path());
    for file in folder.chain([PathBuf::from("/etc/apt/sources.list")]) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let copy = place.join("sources").join(file.file_name().unwrap());
        fs::write(copy, with_sources(&text)).unwrap();
    }
    let configuration = place.join("apt.conf");
    let text = format!(
        "#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n\
         #clear Acquire::IndexTargets::deb::DEP-11;\nDir::Etc::sourcelist \"/dev/null\";\n\
         Dir::Etc::sourceparts \"{0}/sources\";\nDir::State \"{0}/state\";\nDir::State::status \"{0}/status\";\n\
         Dir::Cache \"{0}/cache\";\nDebug::NoLocking \"true\";\nAPT::Sandbox::User \"root\";\n\
         Acquire::GzipIndexes \"false\";\nAcquire::Languages \"none\";\nAcquire::http::Timeout \"60\";\n",
        place.display()
    );
    fs::write(&configuration, text).unwrap();
    configuration
}

/// Entries for binary packages become entries for both, in either form of file.
fn with_sources(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim() == "Types: deb" {
            lines.push("Types: deb deb-src".to_owned());
            continue;
        }
        lines.push(line.to_owned());
        if let Some(rest) = line.strip_prefix("deb ") {
            lines.push(format!("deb-src {rest}"));
        }
    }
    lines.join("\n") + "\n"
}

/// What a command prints; it must go well.
pub fn output(command: &mut Command) -> String {
    let ran =
        command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error} (tests/run installs it)"));
    assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// The most memory that this process ever had.
pub fn peak_megabytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kibibytes * 1024.0 / 1e6
}

//! The programs that builds need.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Check, HostSettings, Need, ask, emulation, which};

/// Programs besides sbuild and mmdebstrap, and the packages that have them.
const OTHERS: [(&str, &str); 4] =
    [("newuidmap", "uidmap"), ("newgidmap", "uidmap"), ("dpkg-source", "dpkg-dev"), ("apt-get", "apt")];

pub(super) async fn check(settings: &HostSettings) -> Vec<Check> {
    let mut checks = Vec::new();
    let versions = versions().await;
    let version = |package: &str| versions.get(package).map_or_else(String::new, |version| format!(" ({version})"));
    // Of these two, setting, usual program and package have the same name.
    let tools = [("sbuild", &settings.tools.sbuild), ("mmdebstrap", &settings.tools.mmdebstrap)];
    let tools = tools.map(|(name, program)| (name, program.clone(), name));
    let others = OTHERS.map(|(program, package)| (program, PathBuf::from(program), package));
    for (name, program, package) in tools.into_iter().chain(others) {
        checks.push(match which(&program) {
            Some(path) if name.starts_with("new") => setuid(name, &path),
            Some(path) => Check::ok(name, format!("{}{}", path.display(), version(package))),
            None => missing(name, &program, package),
        });
    }
    if let Some(arch) = &settings.arch {
        checks.extend(emulation::check(arch).await);
    }
    checks
}

fn missing(name: &str, program: &Path, package: &'static str) -> Check {
    if program != Path::new(name) {
        let found = format!("`{}` is not there or not executable", program.display());
        return Check::bad(name, found, format!("correct the setting `{name}`, which names it"), None);
    }
    Check::bad(name, "not installed", format!("apt-get install {package}"), Some(Need::Package(package)))
}

/// newuidmap writes maps of foreign ids, so it must run as root, or hold that one capability.
fn setuid(name: &str, path: &Path) -> Check {
    use std::os::unix::fs::MetadataExt;
    let setuid = std::fs::metadata(path).is_ok_and(|data| data.uid() == 0 && data.mode() & 0o4000 != 0);
    let mut buffer = [0; 64];
    let capable = rustix::fs::getxattr(path, "security.capability", &mut buffer[..]).is_ok();
    if setuid || capable {
        return Check::ok(name, path.display().to_string());
    }
    let fix = format!("chmod u+s {0}, or reinstall the package `uidmap`", path.display());
    Check::bad(name, format!("`{}` is not setuid root", path.display()), fix, None)
}

/// The versions of those packages that are installed.
async fn versions() -> BTreeMap<String, String> {
    let mut command = std::process::Command::new("dpkg-query");
    command.args(["-W", "-f", "${Package} ${Version}\\n", "sbuild", "mmdebstrap"]);
    command.args(OTHERS.map(|(_, package)| package));
    // What is not installed makes it fail, after it told of the others.
    let output = ask(command).await.map(|output| output.stdout).unwrap_or_default();
    let lines = String::from_utf8_lossy(&output).into_owned();
    let pairs = lines.lines().filter_map(|line| line.split_once(' ').filter(|(_, version)| !version.is_empty()));
    pairs.map(|(package, version)| (package.to_owned(), version.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_program_is_installed_and_another_one_is_a_matter_of_its_setting() {
        let usual = missing("sbuild", Path::new("sbuild"), "sbuild");
        assert_eq!((usual.found.as_str(), usual.fix.as_str()), ("not installed", "apt-get install sbuild"));
        assert!(matches!(usual.need, Some(Need::Package("sbuild"))));
        for program in ["/none/sbuild", "other-sbuild"] {
            let named = missing("sbuild", Path::new(program), "sbuild");
            assert_eq!(named.found, format!("`{program}` is not there or not executable"));
            assert_eq!(named.fix, "correct the setting `sbuild`, which names it");
            assert!(named.need.is_none(), "nothing that is installed would change it");
        }
    }
}

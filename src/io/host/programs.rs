//! The programs that builds need, and emulation for other architectures.

use std::path::{Path, PathBuf};

use super::{Check, HostError, HostSettings, Need, architecture, ask, which};

/// Programs besides sbuild and mmdebstrap, and the packages that have them.
const OTHERS: [(&str, &str); 4] =
    [("newuidmap", "uidmap"), ("newgidmap", "uidmap"), ("dpkg-source", "dpkg-dev"), ("apt-get", "apt")];

pub(super) async fn check(settings: &HostSettings) -> Vec<Check> {
    let mut checks = Vec::new();
    // Of these two, setting, usual program and package have the same name.
    let tools = [("sbuild", &settings.tools.sbuild), ("mmdebstrap", &settings.tools.mmdebstrap)];
    let tools = tools.map(|(name, program)| (name, program.clone(), name));
    let others = OTHERS.map(|(program, package)| (program, PathBuf::from(program), package));
    for (name, program, package) in tools.into_iter().chain(others) {
        checks.push(match which(&program) {
            Some(path) if name.starts_with("new") => setuid(name, &path),
            Some(path) => Check::ok(name, format!("{}{}", path.display(), version(package).await)),
            None => missing(name, &program, package),
        });
    }
    if let Some(arch) = &settings.arch {
        checks.extend(emulation(arch).await);
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

/// The version of an installed package, with a blank before it; nothing where dpkg does not know.
async fn version(package: &str) -> String {
    let mut command = std::process::Command::new("dpkg-query");
    command.args(["-W", "-f", " (${Version})", package]);
    let output = ask(command).await.ok().filter(|output| output.status.success());
    output.map_or_else(String::new, |output| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// How qemu names the processor of a Debian architecture.
fn qemu(arch: &str) -> Option<&'static str> {
    Some(match arch {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        "armhf" | "armel" => "arm",
        "i386" => "i386",
        "ppc64el" => "ppc64le",
        "riscv64" => "riscv64",
        "s390x" => "s390x",
        "mips64el" => "mips64el",
        "mipsel" => "mipsel",
        "loong64" => "loongarch64",
        _ => return None,
    })
}

/// The Debian architectures whose programs this machine runs, its own first; `arch-test` tries them, where it is there.
pub async fn architectures() -> Result<Vec<String>, HostError> {
    let mut runs = vec![architecture().await?];
    if let Ok(tried) = ask(std::process::Command::new("arch-test")).await {
        let more = String::from_utf8_lossy(&tried.stdout).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        runs.extend(more.into_iter().filter(|arch| *arch != runs[0]).collect::<Vec<_>>());
    }
    Ok(runs)
}

/// Whether this machine runs programs of an architecture; none where it is its own.
pub async fn emulation(arch: &str) -> Option<Check> {
    let name = format!("programs for {arch}");
    let own = architecture().await.unwrap_or_default();
    if own == arch || (own.as_str(), arch) == ("amd64", "i386") {
        return None;
    }
    let Some(processor) = qemu(arch) else {
        let fix = format!("build on a machine that is {arch}");
        return Some(Check::bad(&name, format!("this machine is {own}, and qemu knows no `{arch}`"), fix, None));
    };
    let mut command = std::process::Command::new("arch-test");
    command.arg(arch);
    if ask(command).await.is_ok_and(|output| output.status.success()) {
        return Some(Check::ok(&name, "this machine runs them"));
    }
    let handler = std::fs::read_to_string(format!("/proc/sys/fs/binfmt_misc/qemu-{processor}")).unwrap_or_default();
    let lines: Vec<&str> = handler.lines().collect();
    let fixed = lines.iter().any(|line| line.strip_prefix("flags:").is_some_and(|flags| flags.contains('F')));
    if lines.contains(&"enabled") && fixed {
        return Some(Check::ok(&name, format!("emulated by qemu-{processor}")));
    }
    let found = format!("this machine is {own}, and the kernel knows no emulator for {arch}");
    let fix = "apt-get install qemu-user-static binfmt-support, and in a container: do so on its host";
    Some(Check::bad(&name, found, fix, Some(Need::Package("qemu-user-static"))))
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

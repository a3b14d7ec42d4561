//! The programs that builds need, and emulation for other architectures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Check, HostError, HostSettings, Need, architecture, ask, which};

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

/// Debian architectures, and how qemu names their processors.
const QEMU: [(&str, &str); 11] = [
    ("amd64", "x86_64"),
    ("arm64", "aarch64"),
    ("armhf", "arm"),
    ("armel", "arm"),
    ("i386", "i386"),
    ("ppc64el", "ppc64le"),
    ("riscv64", "riscv64"),
    ("s390x", "s390x"),
    ("mips64el", "mips64el"),
    ("mipsel", "mipsel"),
    ("loong64", "loongarch64"),
];

fn qemu(arch: &str) -> Option<&'static str> {
    QEMU.iter().find(|(name, _)| *name == arch).map(|(_, processor)| *processor)
}

/// The Debian architectures whose programs this machine runs, its own first; `arch-test` tries those that the processor
/// or an emulator may run, where it is there.
pub async fn architectures() -> Result<Vec<String>, HostError> {
    let own = architecture().await?;
    let mut runs = vec![own.clone()];
    for arch in QEMU.map(|(arch, _)| arch).into_iter().filter(|arch| *arch != own) {
        if (of_one_family(&own, arch) || emulated(arch)) && arch_test(arch).await {
            runs.push(arch.to_owned());
        }
    }
    Ok(runs)
}

/// Whether processors of one architecture often run programs of the other, too.
fn of_one_family(own: &str, arch: &str) -> bool {
    match own {
        "amd64" => arch == "i386",
        "arm64" | "armhf" => matches!(arch, "armhf" | "armel"),
        _ => false,
    }
}

async fn arch_test(arch: &str) -> bool {
    let mut command = std::process::Command::new("arch-test");
    command.arg(arch);
    ask(command).await.is_ok_and(|output| output.status.success())
}

/// Whether the kernel starts qemu for an architecture, in chroots that do not have it, too.
fn emulated(arch: &str) -> bool {
    let Some(processor) = qemu(arch) else { return false };
    let handler = std::fs::read_to_string(format!("/proc/sys/fs/binfmt_misc/qemu-{processor}")).unwrap_or_default();
    let mut lines = handler.lines();
    let fixed = handler.lines().any(|line| line.strip_prefix("flags:").is_some_and(|flags| flags.contains('F')));
    fixed && lines.any(|line| line == "enabled")
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
    if arch_test(arch).await {
        return Some(Check::ok(&name, "this machine runs them"));
    }
    if emulated(arch) {
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

//! Programs of other architectures: run by the processor itself, or by qemu, which the kernel starts through binfmt_misc.

use std::path::Path;

use super::{Check, HostError, Need, architecture, ask, probe, which};
use crate::core::how::Abilities;

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

/// Where the kernel shows the interpreters that it starts.
const BINFMT: &str = "/proc/sys/fs/binfmt_misc";

/// How programs of an architecture come to run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runs {
    /// The processor runs them.
    Itself,
    /// qemu does, by this handler.
    Emulated(String),
    /// Nobody does.
    Not(Lack),
}

/// Why nobody runs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// What was found.
    pub found: String,
    /// What to do.
    pub fix: String,
    /// What setup can do.
    pub need: Option<Need>,
}

/// The Debian architectures whose programs this machine runs.
pub async fn architectures() -> Result<Abilities, HostError> {
    let own = architecture().await?;
    let mut found = Abilities { itself: vec![own.clone()], emulated: Vec::new() };
    for arch in QEMU.map(|(arch, _)| arch).into_iter().filter(|arch| *arch != own) {
        match runs_beside(&own, arch).await {
            Runs::Itself => found.itself.push(arch.to_owned()),
            Runs::Emulated(_) => found.emulated.push(arch.to_owned()),
            Runs::Not(_) => {}
        }
    }
    Ok(found)
}

/// The emulator of an architecture that needs nothing else, so that it runs in any chroot.
pub fn emulator(arch: &str) -> Option<std::path::PathBuf> {
    let (_, processor) = QEMU.iter().find(|(name, _)| *name == arch)?;
    which(Path::new(&format!("qemu-{processor}-static")))
}

/// How programs of an architecture come to run on this machine.
pub async fn runs(arch: &str) -> Result<Runs, HostError> {
    let own = architecture().await?;
    Ok(if own == arch { Runs::Itself } else { runs_beside(&own, arch).await })
}

async fn runs_beside(own: &str, arch: &str) -> Runs {
    let handler = match handler(arch, own) {
        Ok(handler) => handler,
        Err(lack) if of_one_family(own, arch) => {
            return match tried(arch).await {
                Ok(()) => Runs::Itself,
                Err(_) => Runs::Not(lack),
            };
        }
        Err(lack) => return Runs::Not(lack),
    };
    // What is registered goes before what the processor could do itself.
    match tried(arch).await {
        Ok(()) => Runs::Emulated(handler),
        Err(said) => Runs::Not(Lack {
            found: format!("the handler `{handler}` is registered, and a program of {arch} does not run: {said}"),
            fix: "apt-get install --reinstall qemu-user-static".to_owned(),
            need: None,
        }),
    }
}

/// Runs a program of an architecture: our own, else what `arch-test` has; where there is neither, the kernel's word counts.
async fn tried(arch: &str) -> Result<(), String> {
    if let Some(result) = probe::runs(arch, None).await {
        return result;
    }
    let mut command = std::process::Command::new("arch-test");
    command.arg(arch);
    match ask(command).await {
        Ok(output) if !output.status.success() => Err("`arch-test` says no".to_owned()),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Whether processors of one architecture often run programs of the other, too.
fn of_one_family(own: &str, arch: &str) -> bool {
    match own {
        "amd64" => arch == "i386",
        "arm64" | "armhf" => matches!(arch, "armhf" | "armel"),
        _ => false,
    }
}

/// The name of the kernel's handler for an architecture, if it is there and starts qemu in chroots that do not have it.
fn handler(arch: &str, own: &str) -> Result<String, Lack> {
    let Some(&(_, processor)) = QEMU.iter().find(|(name, _)| *name == arch) else {
        let fix = format!("build on a machine that is {arch}");
        return Err(Lack { found: format!("this machine is {own}, and qemu knows no `{arch}`"), fix, need: None });
    };
    let mounted = Path::new(BINFMT).join("register").exists();
    let known = std::fs::read_to_string("/proc/filesystems").is_ok_and(|text| text.contains("binfmt_misc"));
    let text = std::fs::read_to_string(format!("{BINFMT}/qemu-{processor}")).ok();
    let programs = ["static", ""].map(|end| format!("qemu-{processor}{}{end}", if end.is_empty() { "" } else { "-" }));
    let installed = programs.iter().any(|program| which(Path::new(program)).is_some());
    let facts = Facts { own, arch, processor, known, mounted, installed, handler: text.as_deref() };
    facts.lack().map_or_else(|| Ok(format!("qemu-{processor}")), Err)
}

/// What was found of the handler for an architecture.
struct Facts<'f> {
    own: &'f str,
    arch: &'f str,
    processor: &'static str,
    /// The kernel has binfmt_misc.
    known: bool,
    /// Its file system is there.
    mounted: bool,
    /// qemu is.
    installed: bool,
    /// What the kernel says of the handler.
    handler: Option<&'f str>,
}

impl Facts<'_> {
    fn lack(&self) -> Option<Lack> {
        let &Facts { own, arch, processor, .. } = self;
        let enable = format!("update-binfmts --enable qemu-{processor}, or: systemctl restart systemd-binfmt");
        let lack = |found: String, fix: String, need| Some(Lack { found, fix, need });
        let here = format!("this machine is {own}");
        let Some(handler) = self.handler else {
            let none = format!("{here}, and the kernel knows no emulator for {arch}");
            let (found, fix) = match (self.mounted, self.known, self.installed) {
                (true, _, false) => {
                    let fix = "apt-get install qemu-user-static binfmt-support, and in a container: do so on its host";
                    return lack(none, fix.to_owned(), Some(Need::Emulation(processor)));
                }
                (true, _, true) => (format!("{none}, though qemu-{processor} is installed"), enable),
                (false, true, _) => (
                    format!("{here}, and `{BINFMT}` is not mounted, so the kernel starts no emulator for {arch}"),
                    format!(
                        "apt-get install qemu-user-static binfmt-support; \
                         mount -t binfmt_misc binfmt_misc {BINFMT}; {enable}"
                    ),
                ),
                (false, false, _) => (
                    format!("{here}, and its kernel has no binfmt_misc, so it starts no emulator for {arch}"),
                    format!("modprobe binfmt_misc, or build on a machine that runs {arch}"),
                ),
            };
            return lack(found, fix, self.known.then_some(Need::Emulation(processor)));
        };
        if !handler.lines().any(|line| line == "enabled") {
            return lack(
                format!("the handler `qemu-{processor}` is disabled"),
                enable,
                Some(Need::Emulation(processor)),
            );
        }
        let flags = handler.lines().find_map(|line| line.strip_prefix("flags:")).unwrap_or_default();
        if !flags.contains('F') {
            let found =
                format!("the handler `qemu-{processor}` has no flag F, so chroots, which lack qemu, cannot use it");
            return lack(found, "apt-get install qemu-user-static in place of qemu-user".to_owned(), None);
        }
        None
    }
}

/// Whether this machine runs programs of an architecture, as a line of `doctor`; none where it is its own.
pub async fn check(arch: &str) -> Option<Check> {
    let name = format!("programs for {arch}");
    match runs(arch).await {
        Ok(Runs::Itself) if architecture().await.is_ok_and(|own| own == arch) => None,
        Ok(Runs::Itself) => Some(Check::ok(&name, "this machine runs them")),
        Ok(Runs::Emulated(by)) => Some(Check::ok(&name, format!("emulated by {by}"))),
        Ok(Runs::Not(Lack { found, fix, need })) => Some(Check::bad(&name, found, fix, need)),
        Err(error) => Some(Check::bad(&name, error.to_string(), "run this on Debian or what derives from it", None)),
    }
}

/// Whether the emulator of an architecture can be that processor.
///
/// # Errors
/// What it says, and what it could be.
pub async fn knows_cpu(arch: &str, cpu: &str) -> Result<(), String> {
    let Some(Err(said)) = probe::runs(arch, Some(cpu)).await else { return Ok(()) };
    Err(format!(
        "the emulator of {arch} cannot be a `{cpu}`: {said}\nhint: `qemu-arm-static -cpu help` lists what it can"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(known: bool, mounted: bool, installed: bool, handler: Option<&str>) -> Option<(String, String)> {
        let facts = Facts { own: "amd64", arch: "armhf", processor: "arm", known, mounted, installed, handler };
        facts.lack().map(|lack| (lack.found, lack.fix))
    }

    #[test]
    fn what_is_missing_of_emulation_is_told_from_the_kernel_up() {
        let handler = "enabled\ninterpreter /usr/libexec/qemu-binfmt/arm-binfmt-P\nflags: PF\noffset 0\n";
        assert_eq!(check(true, true, true, Some(handler)), None);
        for (facts, found, fix) in [
            (check(false, false, false, None), "has no binfmt_misc", "modprobe"),
            (check(true, false, true, None), "is not mounted", "mount -t binfmt_misc"),
            (check(true, true, false, None), "knows no emulator for armhf", "apt-get install qemu-user-static"),
            (check(true, true, true, None), "though qemu-arm is installed", "update-binfmts --enable qemu-arm"),
            (check(true, true, true, Some("disabled\n")), "is disabled", "update-binfmts"),
            (check(true, true, true, Some("enabled\nflags: P\n")), "has no flag F", "qemu-user-static"),
        ] {
            let (was, how) = facts.expect("something is missing");
            assert!(was.contains(found) && how.contains(fix), "{was}; {how}");
        }
    }

    #[tokio::test]
    async fn the_machines_own_programs_need_no_emulator() {
        let own = architecture().await.unwrap();
        assert_eq!(runs(&own).await.unwrap(), Runs::Itself);
        assert_eq!(super::check(&own).await, None);
        assert_eq!(architectures().await.unwrap().itself[0], own);
        let Runs::Not(lack) = runs("hurd-i386").await.unwrap() else { panic!("nobody emulates a kernel") };
        assert!(lack.found.contains("knows no `hurd-i386`"), "{lack:?}");
    }
}

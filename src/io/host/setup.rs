//! Gives the machine what builds need.

use std::process::Stdio;
use std::time::Duration;

use super::user::{free_range, is_root};
use super::{Check, HostError, HostSettings, Need, RANGE, check, missing};
use crate::io::sbuild::{how, tail_of};

/// The longest that one command may take; packages come from the network.
const LIMIT: Duration = Duration::from_secs(1800);

/// The home of the build user; builds have homes of their own and never see it.
const HOME: &str = "/var/lib/cloudbuild";

/// Installs what is missing, tells of each command before it runs, and looks again. Changes nothing where all is well.
pub async fn setup(settings: &HostSettings, say: &mut (dyn FnMut(&str) + Send)) -> Result<Vec<Check>, HostError> {
    let checks = check(settings).await;
    if missing(&checks).is_empty() {
        return Ok(checks);
    }
    if !is_root() {
        return Err(HostError::NeedsRoot { missing: missing(&checks).join(", ") });
    }
    install(&packages(&checks), say).await?;
    for check in &checks {
        if let Some(Need::Emulation(processor)) = check.need {
            enable_emulation(processor, say).await?;
        }
    }
    make_user(settings, say).await?;
    std::fs::create_dir_all(&settings.cache)
        .map_err(|source| HostError::Io { what: format!("cannot make `{}`", settings.cache.display()), source })?;
    let checks = check(settings).await;
    let missing = missing(&checks);
    if missing.is_empty() { Ok(checks) } else { Err(HostError::StillMissing { missing: missing.join(", ") }) }
}

/// The packages that would help, each once.
fn packages(checks: &[Check]) -> Vec<&'static str> {
    let mut packages = Vec::new();
    for check in checks {
        match check.need {
            Some(Need::Package(package)) => packages.push(package),
            Some(Need::Emulation(_)) => packages.extend(["binfmt-support", "qemu-user-static"]),
            Some(Need::User | Need::Range | Need::Cache) | None => {}
        }
    }
    packages.sort_unstable();
    packages.dedup();
    packages
}

/// Has the kernel start qemu: a machine without systemd, as many containers are, mounts and registers nothing by itself.
async fn enable_emulation(processor: &str, say: &mut (dyn FnMut(&str) + Send)) -> Result<(), HostError> {
    if !std::path::Path::new("/proc/sys/fs/binfmt_misc/register").exists() {
        command("mount", &["-t", "binfmt_misc", "binfmt_misc", "/proc/sys/fs/binfmt_misc"], say).await?;
    }
    command("update-binfmts", &["--enable", &format!("qemu-{processor}")], say).await
}

async fn install(packages: &[&str], say: &mut (dyn FnMut(&str) + Send)) -> Result<(), HostError> {
    if packages.is_empty() {
        return Ok(());
    }
    // No mail agent comes along: nothing of cloudbuild sends mail.
    let arguments: Vec<&str> = ["install", "-y", "--no-install-recommends"].iter().chain(packages).copied().collect();
    if command("apt-get", &arguments, say).await.is_ok() {
        return Ok(());
    }
    // The machine's lists may be old, or not there at all.
    command("apt-get", &["update"], say).await?;
    command("apt-get", &arguments, say).await
}

async fn make_user(settings: &HostSettings, say: &mut (dyn FnMut(&str) + Send)) -> Result<(), HostError> {
    let io = |source| HostError::Io { what: "cannot read the password file".to_owned(), source };
    let name = settings.user_name();
    let mut user = settings.user().map_err(io)?;
    if user.is_none() {
        let options = ["--system", "--user-group", "--home-dir", HOME, "--create-home"];
        let arguments: Vec<&str> = options.iter().copied().chain(["--shell", "/usr/sbin/nologin", &name]).collect();
        command("useradd", &arguments, say).await?;
        user = settings.user().map_err(io)?;
    }
    let (uids, gids) = user.map_or((None, None), |user| (user.subuid, user.subgid));
    let table = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    // One range for both: the same number means the same person in a chroot's user and group tables.
    let first = free_range(&[&table("/etc/subuid"), &table("/etc/subgid")], RANGE);
    let range = format!("{first}-{}", first + (RANGE - 1));
    let mut arguments = Vec::new();
    for (option, had) in [("--add-subuids", uids), ("--add-subgids", gids)] {
        if had.is_none() {
            arguments.extend([option, &range]);
        }
    }
    if arguments.is_empty() {
        return Ok(());
    }
    arguments.push(&name);
    command("usermod", &arguments, say).await
}

async fn command(program: &str, arguments: &[&str], say: &mut (dyn FnMut(&str) + Send)) -> Result<(), HostError> {
    let command = format!("{program} {}", arguments.join(" "));
    say(&command);
    let io = |source| HostError::Io { what: format!("`{command}`"), source };
    let running = tokio::process::Command::new(program)
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output =
        tokio::time::timeout(LIMIT, running).await.map_err(|_| io(std::io::ErrorKind::TimedOut.into()))?.map_err(io)?;
    if output.status.success() {
        return Ok(());
    }
    let tail = tail_of(&[output.stdout, output.stderr].concat(), 5);
    Err(HostError::Command { command, how: how(output.status), tail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_package_is_installed_once_and_emulation_brings_its_registration() {
        let need = |need| Check::bad("x", "", "", Some(need));
        let package = |name| need(Need::Package(name));
        let checks = [package("uidmap"), package("sbuild"), package("uidmap"), need(Need::Emulation("arm"))];
        assert_eq!(packages(&checks), ["binfmt-support", "qemu-user-static", "sbuild", "uidmap"]);
    }
}

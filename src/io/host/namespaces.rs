//! Whether the build user can make user namespaces: tried, not guessed; where it fails the cause is named.

use super::{Check, HostSettings, try_in_namespace};
use crate::io::host::user::User;
use crate::io::sbuild::tail_of;

const NAME: &str = "user namespaces";

/// What the kernel and the container say about user namespaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Facts {
    /// `kernel.unprivileged_userns_clone`, a switch of Debian's kernels.
    clone: Option<i64>,
    /// `kernel.apparmor_restrict_unprivileged_userns`, a switch of Ubuntu's.
    apparmor: Option<i64>,
    /// `user.max_user_namespaces`
    max: Option<i64>,
    /// A filter of system calls is on this process, as container engines have it.
    seccomp: bool,
}

fn facts() -> Facts {
    let number = |path: &str| std::fs::read_to_string(format!("/proc/sys/{path}")).ok()?.trim().parse().ok();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    Facts {
        clone: number("kernel/unprivileged_userns_clone"),
        apparmor: number("kernel/apparmor_restrict_unprivileged_userns"),
        max: number("user/max_user_namespaces"),
        seccomp: status.lines().any(|line| line.strip_prefix("Seccomp:").is_some_and(|mode| mode.trim() == "2")),
    }
}

/// Makes a namespace as sbuild does, and mounts `/proc` in it, which container engines like to forbid.
pub(super) async fn check(settings: &HostSettings, user: Option<&User>) -> Check {
    let Some(user) = user.filter(|user| user.subuid.is_some() && user.subgid.is_some()) else {
        let found = "cannot be tried without a build user that has ranges of ids";
        return Check::bad(NAME, found, "see the lines above", None);
    };
    if super::which(&settings.tools.mmdebstrap).is_none() || super::which("newuidmap".as_ref()).is_none() {
        return Check::bad(NAME, "cannot be tried without mmdebstrap and newuidmap", "see the lines above", None);
    }
    match try_in_namespace(settings, user, &["mount", "-t", "proc", "proc", "/proc"]).await {
        Ok(output) if output.status.success() => Check::ok(NAME, format!("`{}` can make them", user.name)),
        Ok(output) => {
            let said = tail_of(&[output.stdout, output.stderr].concat(), 3);
            let (found, fix) = cause(&facts(), &said);
            Check::bad(NAME, found, fix, None)
        }
        Err(error) => Check::bad(NAME, error.to_string(), "see the lines above", None),
    }
}

/// Why a namespace could not be made, and what to do about it.
fn cause(facts: &Facts, said: &str) -> (String, String) {
    let set = |name: &str, value: &str| {
        format!("sysctl -w {name}={value}, and `{name} = {value}` in /etc/sysctl.d/cloudbuild.conf to keep it")
    };
    if facts.max == Some(0) {
        let fix = set("user.max_user_namespaces", "15000");
        return ("user.max_user_namespaces is 0".to_owned(), fix);
    }
    if facts.clone == Some(0) {
        let fix = set("kernel.unprivileged_userns_clone", "1");
        return ("kernel.unprivileged_userns_clone is 0".to_owned(), fix);
    }
    if facts.apparmor == Some(1) {
        let fix = set("kernel.apparmor_restrict_unprivileged_userns", "0");
        return (format!("AppArmor forbids them: {said}"), fix);
    }
    if said.contains("newuidmap") || said.contains("newgidmap") {
        let fix = "compare the build user's lines in /etc/subuid and /etc/subgid; \
                   in a container these ids must be mapped into it, too";
        return (format!("ids cannot be mapped: {said}"), fix.to_owned());
    }
    let fix = "start the container with --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
               --security-opt systempaths=unconfined, or use a virtual machine";
    if facts.seccomp {
        return (format!("the container forbids them: {said}"), fix.to_owned());
    }
    if said.contains("mount") {
        return (
            format!("/proc cannot be mounted in them, most likely since this is a container: {said}"),
            fix.to_owned(),
        );
    }
    (said.to_owned(), "use a virtual machine or another kernel".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_the_switch_that_forbids_namespaces() {
        let check = |facts: Facts, said: &str, found: &str, fix: &str| {
            let got = cause(&facts, said);
            assert!(got.0.contains(found) && got.1.contains(fix), "{got:?}");
        };
        let none = Facts::default;
        check(Facts { max: Some(0), ..none() }, "x", "is 0", "user.max_user_namespaces=15000");
        check(Facts { clone: Some(0), ..none() }, "x", "is 0", "kernel.unprivileged_userns_clone=1");
        check(Facts { apparmor: Some(1), ..none() }, "x", "AppArmor", "apparmor_restrict_unprivileged_userns=0");
        check(Facts { seccomp: true, ..none() }, "E: unshare() failed", "container forbids", "seccomp=unconfined");
        check(none(), "E: newuidmap 1 failed", "cannot be mapped", "/etc/subuid");
        check(none(), "mount: /proc: permission denied", "/proc cannot be mounted", "systempaths");
    }
}

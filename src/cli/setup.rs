//! `cloudbuild setup`: installs what this machine lacks, then checks again.

use super::doctor::{self, Check};
use super::exit::Exit;
use super::{Context, site};
use crate::io::host;

/// Installs what is missing and shows what the machine is like then.
pub fn setup(ctx: &Context, arch: Option<&str>) -> anyhow::Result<Exit> {
    let before = doctor::checks(ctx, arch)?;
    if before.iter().any(|check| !check.ok) {
        ctx.output.say(&intention(&before));
        install(ctx, arch)?;
    }
    doctor::show(&ctx.output, &doctor::checks(ctx, arch)?)
}

/// What is going to be done, before it is done.
pub fn intention(checks: &[Check]) -> String {
    let missing = checks.iter().filter(|check| !check.ok);
    let lines = missing.map(|check| match &check.fix {
        Some(fix) => format!("setup: {}: {}", check.name, fix.replace('\n', "; ")),
        None => format!("setup: {}: nothing that can be done here ({})", check.name, check.found),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Installs what is missing, telling of each command before it runs.
pub fn install(ctx: &Context, arch: Option<&str>) -> anyhow::Result<()> {
    let output = ctx.output;
    let mut say = move |line: &str| output.say(line);
    let host = site::host(ctx, arch);
    site::runtime()?.block_on(host::setup::setup(&host, &mut say))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setup_says_what_it_is_going_to_do() {
        let check = |name: &str, ok, fix: Option<&str>| Check {
            name: name.into(),
            ok,
            found: "none".into(),
            fix: fix.map(Into::into),
        };
        let checks = [
            check("sbuild", false, Some("apt-get install sbuild")),
            check("root", true, None),
            check("kvm", false, None),
        ];
        let expected = "setup: sbuild: apt-get install sbuild\nsetup: kvm: nothing that can be done here (none)";
        assert_eq!(intention(&checks), expected);
    }
}

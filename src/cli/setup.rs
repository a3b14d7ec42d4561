//! `cloudbuild setup`: installs what this machine lacks, then checks again.

use super::Context;
use super::doctor::{self, Check};
use super::exit::{Exit, Failure};

/// Installs what is missing and shows what the machine is like then.
pub fn setup(ctx: &Context) -> anyhow::Result<Exit> {
    let before = doctor::checks(ctx)?;
    if before.iter().any(|check| !check.ok) {
        ctx.output.say(&intention(&before));
        install(ctx, &before)?;
    }
    doctor::show(&ctx.output, &doctor::checks(ctx)?)
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

/// JOIN: installs what the checks found missing (`io::host`); errors that it cannot fix are Infrastructure.
pub fn install(_ctx: &Context, _checks: &[Check]) -> anyhow::Result<()> {
    Err(Failure::new(Exit::Internal, "this build of cloudbuild cannot set up the machine").into())
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
